package clang

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"sandpiper/runtimes/wasm/toolchain"
	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// Driver runs C and C++ programs. It implements the engine's Driver. Drivers made
// by one call of Drivers share a compiler.
type Driver struct {
	shared *shared
	plus   bool // the language is C++
}

// shared is what both languages have together.
type shared struct {
	dir  string
	idle time.Duration

	once  sync.Once
	tools *toolchain.Toolchain
	err   error
}

// Drivers returns the drivers of C and of C++. dir is the folder of the toolchain;
// the compiler stays in memory for idle, or for a default when that is 0.
func Drivers(dir string, idle time.Duration) (c, cplusplus *Driver) {
	s := &shared{dir: filepath.Clean(dir), idle: idle}
	return &Driver{shared: s}, &Driver{shared: s, plus: true}
}

// Load implements the engine's Driver. There is no module to load.
func (d *Driver) Load(_ context.Context, host *vm.Host, _ vm.Source) error {
	s := d.shared
	s.once.Do(func() {
		s.tools, s.err = toolchain.New(toolchain.Config{Set: toolchain.Clang, Dir: s.dir, Idle: s.idle}, host)
	})
	return s.err
}

// Close ends the compiler's process.
func (d *Driver) Close() error {
	if d.shared.tools == nil {
		return nil
	}
	return d.shared.tools.Close()
}

// Run builds a program, unless it was built before, and runs it. The time that
// building takes is bounded apart from the run's.
func (d *Driver) Run(ctx context.Context, cfg vm.RunConfig, p sandbox.Program) sandbox.Outcome {
	began := time.Now()
	request, problem := newRequest(p.Files, d.plus)
	if problem != "" {
		return toolchain.Failed(cfg, began, problem+"\n", nil)
	}
	d.shared.tools.Announce(cfg)
	program, report, err := d.shared.tools.Build(ctx, request)
	if err != nil {
		return toolchain.Interrupted(ctx, cfg, err)
	}
	text := tidy(strings.Join(report.Messages, ""))
	found := diagnose(text, p.Files)
	if program == nil {
		if report.Problem != "" {
			vm.Note(cfg, report.Problem)
		}
		o := toolchain.Failed(cfg, began, text, found)
		if hint := hint(text); hint != "" {
			vm.Note(cfg, hint)
		}
		return o
	}
	defer program.Release()
	if !namesMain(p.Files) { // it links here, and would crash
		return toolchain.Failed(cfg, began, text+"the program has no main function\n", found)
	}
	if text != "" { // warnings
		cfg.Output(sandbox.Stderr, []byte(text))
	}
	cfg.Args = append([]string{"program"}, p.Args...)
	res := program.Module.Run(ctx, cfg, vm.Start)
	res.Diagnostics = found
	if res.Status == sandbox.StatusError && startsThreads(p.Files) {
		vm.Note(cfg, "threads are not available here, so none can be started: they need a container sandbox")
	}
	return res.Outcome
}
