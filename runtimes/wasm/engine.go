package wasm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// Config configures an Engine. Zero fields mean the default.
type Config struct {
	// CacheDir keeps compiled modules between starts: 150 MB or so. Required.
	CacheDir string

	// RunDir holds a folder per run while it lasts. Everything in it is removed
	// when the engine starts. Required.
	RunDir string

	// LanguageDir has a folder for each language that the operator adds, as
	// package command describes. It need not exist; "" for none.
	LanguageDir string

	// CPUs is how many guests may execute at the same moment. Default: all.
	CPUs int

	// Only, when not empty, restricts the catalogue to languages with these IDs.
	Only []string

	Limits    sandbox.Limits // of a run that asks for none; default DefaultLimits
	MaxLimits sandbox.Limits // all fields or none; default MaxLimits

	Log *slog.Logger
}

// Engine runs programs on the WebAssembly runtimes of the catalogue and of the
// operator. It implements sandbox.CodeRunner.
type Engine struct {
	cfg       Config
	host      *vm.Host
	languages []*language
	turns     *turns // of those to be prepared

	workspaces *workspaces

	preparing sync.WaitGroup
	closing   context.Context // done when the engine closes
	close     context.CancelCauseFunc

	mu      sync.Mutex // held to join runs, so that none does once the engine closes
	runs    sync.WaitGroup
	kernels map[*held]struct{} // that are open
}

var (
	_ sandbox.CodeRunner = (*Engine)(nil)
	_ sandbox.Preparer   = (*Engine)(nil)
)

// New opens the folders, clears away what runs of an earlier process left, and
// begins to prepare the languages in the background: Languages shows how far
// each is. The caller must Close the engine.
func New(cfg Config) (*Engine, error) {
	cfg = cfg.withDefaults()
	if err := sweep(cfg.RunDir); err != nil {
		return nil, err
	}
	host, err := vm.New(vm.Config{
		CacheDir: cfg.CacheDir, CPUs: cfg.CPUs, MaxMemoryBytes: cfg.MaxLimits.MemoryBytes, Log: cfg.Log,
	})
	if err != nil {
		return nil, err
	}
	e := &Engine{cfg: cfg, host: host, kernels: map[*held]struct{}{}}
	e.closing, e.close = context.WithCancelCause(context.Background())
	if e.languages, err = listLanguages(cfg); err != nil {
		return nil, errors.Join(err, host.Close(e.closing))
	}
	e.workspaces = newWorkspaces(cfg.RunDir, cfg.Log)
	e.turns = newTurns(e.languages)
	e.prepare()
	return e, nil
}

func (c Config) withDefaults() Config {
	if c.MaxLimits == (sandbox.Limits{}) {
		c.MaxLimits = MaxLimits()
	}
	c.Limits = c.Limits.WithDefaults(DefaultLimits(), c.MaxLimits)
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// sweep empties the run folder, which is made when it is not there.
func sweep(dir string) error {
	if dir == "" {
		return errors.New("wasm: a run folder is required")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("create the run folder: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("sweep the run folder: %w", err)
	}
	for _, entry := range entries {
		if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
			return fmt.Errorf("sweep the run folder: %w", err)
		}
	}
	return nil
}

// Close stops the runs that are going on, and the preparation, and waits for
// both. The engine refuses programs from then on.
func (e *Engine) Close() error {
	e.mu.Lock()
	e.close(sandbox.ErrShutdown)
	e.mu.Unlock()
	e.preparing.Wait()
	e.runs.Wait()
	e.workspaces.close()
	errs := []error{e.closeKernels()}
	for _, l := range e.languages {
		if c, ok := l.driver.(io.Closer); ok {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(append(errs, e.host.Close(context.Background()))...)
}

// begin joins the runs in progress, unless the engine is closing.
func (e *Engine) begin() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closing.Err() != nil {
		return false
	}
	e.runs.Add(1)
	return true
}

// Engine implements sandbox.CodeRunner.
func (e *Engine) Engine() sandbox.EngineChoice { return sandbox.EngineWasm }

// Languages implements sandbox.CodeRunner.
func (e *Engine) Languages() []sandbox.Language {
	all := make([]sandbox.Language, len(e.languages))
	for i, l := range e.languages {
		all[i] = l.snapshot()
	}
	return all
}

// find returns the ready language that p asks for.
func (e *Engine) find(p sandbox.Program) (*language, error) {
	for _, l := range e.languages {
		now := l.snapshot()
		switch {
		case !now.Is(p.Language):
			continue
		case !now.HasVersion(p.Version):
			return nil, sandbox.FieldErrorf("version", "%s %s is not installed; %s is", now.Name, p.Version, now.Version)
		case now.State == sandbox.LanguageReady:
			return l, nil
		}
		return nil, sandbox.Errorf(sandbox.KindUnavailable, "%s is not ready: %s", now.Name, now.Stage)
	}
	if missing := Missing(p.Language); missing != "" {
		return nil, sandbox.FieldErrorf("language", "%s", missing)
	}
	return nil, sandbox.FieldErrorf("language", "the language %q is not installed here", p.Language)
}
