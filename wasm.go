package main

import (
	"context"
	"log/slog"
	"runtime/debug"

	"sandpiper/runtimes/wasm"
	"sandpiper/runtimes/wasm/program"
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
	languages program.Engine // of sandboxes' shells

	await func(ctx context.Context) error // waits until it is known which languages there are
	close func() error                    // ends them, and what they run in
}

// openGuests opens the engine of quick runs, sessions and sandboxes' programs: worker
// processes, or one inside the server. It is to be awaited.
func openGuests(cfg config, dir *datadir.Dir, log *slog.Logger) (*guests, error) {
	if cfg.wasmInProcess {
		own, err := wasm.New(wasm.Config{CacheDir: dir.Cache(), RunDir: dir.Runs(), LanguageDir: dir.Languages(), Log: log})
		if err != nil {
			return nil, err
		}
		return &guests{runner: own, kernels: own, languages: own, await: func(context.Context) error { return nil }, close: own.Close}, nil
	}
	pool, err := worker.Start(worker.Config{
		Args: []string{workerCommand}, Dir: dir.Workers(), LanguageDir: dir.Languages(), KernelDir: dir.Sessions(),
		Workers: cfg.wasmWorkers, Log: log,
	})
	if err != nil {
		return nil, err
	}
	return &guests{runner: pool, kernels: pool, languages: pool, await: pool.Await, close: pool.Close}, nil
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
