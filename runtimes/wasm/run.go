package wasm

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sandpiper/runtimes/wasm/jail"
	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// outputFolder is the folder whose files come back from a run.
const outputFolder = "out"

// Bounds on what comes back from the output folder.
const (
	maxCollectedBytes = 8 << 20
	maxCollectedFiles = 64
)

// baseEnv is the environment of every run; a program's own comes on top.
var baseEnv = map[string]string{
	"HOME": "/",
	"LANG": "C.UTF-8",
	"TZ":   "UTC",
}

// Run implements sandbox.CodeRunner.
func (e *Engine) Run(ctx context.Context, p sandbox.Program, out sandbox.Sink) (sandbox.Outcome, error) {
	if !e.begin() {
		return sandbox.Outcome{}, sandbox.Errorf(sandbox.KindUnavailable, "the server is shutting down")
	}
	defer e.runs.Done()
	l, err := e.find(p)
	if err != nil {
		return sandbox.Outcome{}, err
	}
	if err := check(p); err != nil {
		return sandbox.Outcome{}, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(e.closing, func() { cancel(sandbox.ErrShutdown) })()
	w := &lateWorkspace{from: e.workspaces, files: p.Files}
	defer w.give()
	if err := w.check(); err != nil {
		return sandbox.Outcome{}, err
	}
	return e.runIn(ctx, w, l.driver, p, out), nil
}

// check refuses programs that cannot be started.
func check(p sandbox.Program) error {
	if len(p.Files) == 0 {
		return sandbox.FieldErrorf("files", "a program needs at least one file")
	}
	if slices.ContainsFunc(p.Args, hasNUL) {
		return sandbox.FieldErrorf("args", "an argument must not contain NUL characters")
	}
	return checkEnv(p.Env)
}

func checkEnv(env map[string]string) error {
	for name, value := range env {
		if name == "" || strings.ContainsAny(name, "=\x00") || hasNUL(value) {
			return sandbox.FieldErrorf("env", "%q is not a usable environment variable", name)
		}
	}
	return nil
}

func hasNUL(s string) bool { return strings.ContainsRune(s, 0) }

// runIn runs p in its workspace and adds what it left there to the outcome.
func (e *Engine) runIn(ctx context.Context, w *lateWorkspace, d Driver, p sandbox.Program, out sandbox.Sink) sandbox.Outcome {
	limits := p.Limits.WithDefaults(e.cfg.Limits, e.cfg.MaxLimits)
	cfg := vm.RunConfig{Limits: limits, Stdin: p.Stdin, Output: out.Output, Env: environment(p.Env)}
	files := jail.NewLate(w.open, jail.Limits{Bytes: limits.FileBytes, Files: limits.Files, OpenFiles: limits.OpenFiles})
	displays := jail.NewDisplays(jail.DisplayLimits{}, out.Display, func(err error) { vm.Note(cfg, err.Error()) })
	cfg.Mounts = []vm.Mount{
		{Path: "/", FS: files},
		{Path: "/dev", FS: jail.NewDevices(displays, limits.OpenFiles)},
	}
	o := d.Run(ctx, cfg, p)
	if err := files.Close(); err != nil {
		e.cfg.Log.Warn("closing a run's files", "error", err)
	}
	if exceeded := files.Exceeded(); exceeded != nil {
		vm.Note(cfg, exceeded.Error())
	}
	o.Files = e.collect(w, cfg)
	return o
}

// collect returns what the program left in the output folder.
func (e *Engine) collect(w *lateWorkspace, cfg vm.RunConfig) []sandbox.File {
	if w.made == nil {
		return nil
	}
	files, omitted, err := jail.Collect(w.made.root, outputFolder, jail.CollectLimits{Bytes: maxCollectedBytes, Files: maxCollectedFiles})
	switch {
	case err != nil:
		e.cfg.Log.Error("collecting a run's files", "error", err)
		vm.Note(cfg, "the files in out/ could not be read")
	case omitted > 0:
		vm.Note(cfg, fmt.Sprintf("files of out/ that did not come back: %d; at most %d files and %d MiB do",
			omitted, maxCollectedFiles, maxCollectedBytes>>20))
	}
	return files
}

// environment joins the base with a program's own, in a fixed order.
func environment(own map[string]string) []string {
	all := maps.Clone(baseEnv)
	maps.Copy(all, own)
	env := make([]string, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		env = append(env, name+"="+all[name])
	}
	return env
}
