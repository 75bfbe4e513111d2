package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime/debug"

	"sandpiper/runtimes/wasm"
	"sandpiper/runtimes/wasm/computer"
	"sandpiper/runtimes/wasm/worker"
	"sandpiper/runtimes/wasm/worker/inside"
	"sandpiper/runtimes/wasm/worker/link"
	"sandpiper/sandbox"
	"sandpiper/sandbox/datadir"
)

// workerCommand is the subcommand that makes this program a worker process. It is
// for the server only.
const workerCommand = "worker"

// guests is what runs WebAssembly guests.
type guests struct {
	runner    sandbox.CodeRunner
	kernels   sandbox.KernelEngine
	languages computer.Languages // of sandboxes' shells
	closers   []io.Closer
}

// openGuests opens the engine of quick runs and sessions: worker processes, or one
// inside the server. Sandboxes' shells run their languages inside the server: with
// workers they have an engine of their own, with its own cache of machine code, that
// loads nothing before it is used.
func openGuests(ctx context.Context, cfg config, dir *datadir.Dir, log *slog.Logger) (*guests, error) {
	own, err := wasm.New(wasm.Config{
		CacheDir: dir.Cache(), RunDir: dir.Runs(), LanguageDir: dir.Languages(), OnDemand: !cfg.wasmInProcess, Log: log,
	})
	if err != nil {
		return nil, err
	}
	g := &guests{runner: own, kernels: own, languages: own, closers: []io.Closer{own}}
	if cfg.wasmInProcess {
		return g, nil
	}
	pool, err := worker.New(ctx, worker.Config{
		Args: []string{workerCommand}, Dir: dir.Workers(), LanguageDir: dir.Languages(), KernelDir: dir.Sessions(),
		Workers: cfg.wasmWorkers, Log: log,
	})
	if err != nil {
		return nil, errors.Join(err, own.Close())
	}
	g.runner, g.kernels, g.closers = pool, pool, append(g.closers, pool)
	return g, nil
}

// close ends the guests, and what they run in.
func (g *guests) close() error {
	var errs []error
	for _, c := range g.closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// workerGC is the growth of a worker's heap, in percent, after which garbage is
// collected. What modules take makes up nearly all of it and stays; programs leave
// little garbage, so that collecting early costs little.
const workerGC = 30

// work is the subcommand worker.
func work() error {
	debug.SetGCPercent(workerGC)
	return inside.Main(func(s link.Setup) (inside.Engine, error) {
		return wasm.New(wasm.Config{
			CacheDir: s.Cache, RunDir: s.Runs, LanguageDir: s.Languages, CPUs: s.CPUs, Only: s.Only,
			Limits: s.Limits, MaxLimits: s.MaxLimits, Log: newLog(s.Verbose),
		})
	})
}
