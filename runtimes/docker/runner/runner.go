// Package runner runs programs in containers: each in a sandbox of its own that
// was started beforehand, runs that one program and is destroyed.
//
// It has a Docker engine to itself, with a data folder of its own, so that its
// members are nobody else's sandboxes.
package runner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"sandpiper/sandbox"
)

// Engine is what a Runner needs of the engine that it has to itself.
type Engine interface {
	Create(ctx context.Context, spec sandbox.Spec) error
	Destroy(ctx context.Context, id string) error
	List(ctx context.Context) ([]sandbox.Found, error)
	Dial(ctx context.Context, id string, port int) (net.Conn, error)
	HasRef(ctx context.Context, ref string) (sandbox.RefInfo, error)

	// LimitMemory sets what a started sandbox may use, in bytes.
	LimitMemory(ctx context.Context, id string, bytes int64) error
}

// Config configures a Runner. Zero fields mean the default.
type Config struct {
	Engine Engine // required
	Image  string // that programs run in; required

	// Warm is how many members wait for programs. Default: 2.
	Warm int

	// Runs bounds how many programs run at the same time; others wait. Default: 8.
	Runs int

	Network   sandbox.Network // of programs
	Limits    sandbox.Limits  // of a run that asks for none; default DefaultLimits
	MaxLimits sandbox.Limits  // all fields or none; default MaxLimits

	Log *slog.Logger
}

// memberGiB is the memory of a member; a run may ask for less.
const memberGiB = 1

// DefaultLimits are the limits of a run that asks for none.
func DefaultLimits() sandbox.Limits {
	return sandbox.Limits{
		Wall: 30 * time.Second, CPU: 30 * time.Second, MemoryBytes: memberGiB << 30,
		OutputBytes: 1 << 20, FileBytes: 256 << 20, Files: 10_000, OpenFiles: 1024,
	}
}

// MaxLimits are the most that a run may ask for. How many files it creates is
// not counted, only how large they are.
func MaxLimits() sandbox.Limits {
	return sandbox.Limits{
		Wall: 5 * time.Minute, CPU: 5 * time.Minute, MemoryBytes: memberGiB << 30,
		OutputBytes: 16 << 20, FileBytes: 512 << 20, Files: 100_000, OpenFiles: 4096,
	}
}

// Runner implements sandbox.CodeRunner.
type Runner struct {
	cfg  Config
	gate *semaphore.Weighted
	pool pool

	mu        sync.Mutex
	languages []language

	closing context.Context // done when the runner closes
	cancel  context.CancelCauseFunc
	work    sync.WaitGroup // runs, and what goes on in the background
	joining sync.Mutex     // held to join work, so that nothing does once the runner closes
}

var _ sandbox.CodeRunner = (*Runner)(nil)

// New removes what an earlier process left and begins to start members, in the
// background: Languages shows how far it is. The caller must Close the Runner.
func New(cfg Config) (*Runner, error) {
	if cfg.Engine == nil || cfg.Image == "" {
		return nil, errors.New("runner: an engine and an image are required")
	}
	if cfg.Warm <= 0 {
		cfg.Warm = 2
	}
	if cfg.Runs <= 0 {
		cfg.Runs = 8
	}
	if cfg.MaxLimits == (sandbox.Limits{}) {
		cfg.MaxLimits = MaxLimits()
	}
	cfg.Limits = cfg.Limits.WithDefaults(DefaultLimits(), cfg.MaxLimits)
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	r := &Runner{cfg: cfg, gate: semaphore.NewWeighted(int64(cfg.Runs)), languages: described()}
	r.pool.wanted = make(chan struct{}, 1)
	r.closing, r.cancel = context.WithCancelCause(context.Background())
	r.background(r.prepare)
	return r, nil
}

// Close stops the programs that run, destroys all members and waits for that.
// Members of an engine that does not answer are left to the next start.
func (r *Runner) Close() error {
	r.joining.Lock()
	r.cancel(sandbox.ErrShutdown)
	r.joining.Unlock()
	r.work.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), destroyTimeout)
	defer cancel()
	err := r.destroyAll(ctx)
	if sandbox.KindOf(err) == sandbox.KindUnavailable {
		r.cfg.Log.Debug("containers of runs, if there are any, are left", "error", err)
		return nil
	}
	return err
}

// join counts a piece of work, unless it is too late.
func (r *Runner) join() bool {
	r.joining.Lock()
	defer r.joining.Unlock()
	if r.closing.Err() != nil {
		return false
	}
	r.work.Add(1)
	return true
}

// background does something until the runner closes. It is not begun once that
// is so.
func (r *Runner) background(do func(ctx context.Context)) {
	if !r.join() {
		return
	}
	go func() {
		defer r.work.Done()
		do(r.closing)
	}()
}

// Engine implements sandbox.CodeRunner.
func (r *Runner) Engine() sandbox.EngineChoice { return sandbox.EngineContainer }

// Languages implements sandbox.CodeRunner.
func (r *Runner) Languages() []sandbox.Language {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]sandbox.Language, len(r.languages))
	for i, l := range r.languages {
		all[i] = l.Language
	}
	return all
}

// find returns the ready language that p asks for.
func (r *Runner) find(p sandbox.Program) (language, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.languages {
		switch {
		case !l.Is(p.Language):
			continue
		case l.State != sandbox.LanguageReady:
			return l, sandbox.Errorf(sandbox.KindUnavailable, "%s in a container is not ready: %s", l.Name, l.Stage)
		case !l.HasVersion(p.Version):
			return l, sandbox.FieldErrorf("version", "%s %s is not installed; %s is", l.Name, p.Version, l.Version)
		}
		return l, nil
	}
	return language{}, sandbox.FieldErrorf("language", "the language %q is not installed in the container image", p.Language)
}

// retryPrepare is how long the runner waits for an engine or an image.
const retryPrepare = 10 * time.Second

// prepare waits for the engine and the image, finds out which languages the
// image has, and keeps members ready from then on.
func (r *Runner) prepare(ctx context.Context) {
	for {
		err := r.probe(ctx)
		if err == nil {
			break
		}
		r.setStage(err)
		select {
		case <-time.After(retryPrepare):
		case <-ctx.Done():
			return
		}
	}
	r.keepWarm(ctx)
}

// probe looks at the image from inside a member.
func (r *Runner) probe(ctx context.Context) error {
	if err := r.destroyAll(ctx); err != nil {
		return err
	}
	if _, err := r.cfg.Engine.HasRef(ctx, r.cfg.Image); err != nil {
		if sandbox.KindOf(err) == sandbox.KindNotFound {
			return sandbox.Errorf(sandbox.KindUnavailable, "the image %s is not there: the set-up of Sandpiper builds it", r.cfg.Image)
		}
		return err
	}
	m, err := r.create(ctx)
	if err != nil {
		return err
	}
	defer r.destroy(m)
	versions, err := r.versions(ctx, m)
	if err != nil {
		return fmt.Errorf("look at the languages of the image: %w", err)
	}
	r.setVersions(versions)
	return nil
}

// setStage says of every language why it is not ready.
func (r *Runner) setStage(err error) {
	stage := "the container engine does not work; the server's log says why"
	if e := new(sandbox.Error); errors.As(err, &e) {
		stage = e.Message
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.languages[0].Stage != stage && r.closing.Err() == nil {
		r.cfg.Log.Debug("programs cannot run in containers yet", "error", err)
	}
	for i := range r.languages {
		r.languages[i].State, r.languages[i].Stage = sandbox.LanguageFailed, stage
	}
}

// setVersions makes the languages ready that the image has, and forgets others.
func (r *Runner) setVersions(versions map[string]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var have []language
	for _, l := range r.languages {
		if v := versions[l.ID]; v != "" {
			l.Version, l.State, l.Stage = v, sandbox.LanguageReady, ""
			have = append(have, l)
		}
	}
	r.languages = have
}
