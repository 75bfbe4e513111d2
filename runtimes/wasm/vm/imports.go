package vm

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/experimental/sysfs"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	wazerosys "github.com/tetratelabs/wazero/sys"

	"sandpiper/runtimes/wasm/rewrite"
	"sandpiper/sandbox"
)

// defineImports gives the module's runtime the host modules that a guest may
// import: WASI preview 1 with our own clocks, poll and exit, the tick, and extra.
func (m *Module) defineImports(ctx context.Context, extra map[string]func(wazero.HostModuleBuilder)) error {
	wasi := m.runtime.NewHostModuleBuilder(wasi_snapshot_preview1.ModuleName)
	wasi_snapshot_preview1.NewFunctionExporter().ExportFunctions(wasi)
	const i32, i64 = api.ValueTypeI32, api.ValueTypeI64
	export(wasi, "poll_oneoff", pollOneoff, i32, i32, i32, i32)
	export(wasi, "clock_time_get", clockTimeGet, i32, i64, i32)
	exit := wasi.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(procExit), []api.ValueType{i32}, nil)
	exit.Export("proc_exit")
	b := wasi.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(clockResGet), []api.ValueType{i32, i32}, []api.ValueType{i32})
	b.Export("clock_res_get")
	builders := []wazero.HostModuleBuilder{wasi, m.tickModule()}
	for name, add := range extra {
		b := m.runtime.NewHostModuleBuilder(name)
		add(b)
		builders = append(builders, b)
	}
	ctx = experimental.WithFunctionListenerFactory(ctx, rearrangements{})
	for _, b := range builders {
		if _, err := b.Instantiate(ctx); err != nil {
			return fmt.Errorf("define its imports: %w", err)
		}
	}
	return nil
}

// export adds a WASI function, which returns an error number. wazero's own
// function of that name is replaced.
func export(b wazero.HostModuleBuilder, name string, f func(ctx context.Context, mem api.Memory, args []uint64) errno, params ...api.ValueType) {
	call := func(ctx context.Context, guest api.Module, stack []uint64) {
		stack[0] = uint64(f(ctx, guest.Memory(), stack))
	}
	b.NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(call), params, []api.ValueType{api.ValueTypeI32}).
		Export(name)
}

// procExit ends the guest's call. Unlike wazero's it leaves the instance open: what
// becomes of it is decided by whoever made it.
func procExit(_ context.Context, _ api.Module, stack []uint64) {
	panic(wazerosys.NewExitError(uint32(stack[0])))
}

// tickModule has the function that a guest calls when its fuel has run out.
func (m *Module) tickModule() wazero.HostModuleBuilder {
	tick := func(ctx context.Context, guest api.Module, _ []uint64) {
		r := Current(ctx)
		r.ticks++
		guest.ExportedGlobal(rewrite.FuelExport).(api.MutableGlobal).Set(tickFuel)
		r.tick(ctx)
	}
	return m.runtime.NewHostModuleBuilder(rewrite.TickModule).NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(tick), nil, nil).Export(rewrite.TickName)
}

// system is what an instance's WASI calls reach: the run that it is in. An
// instance that outlives its runs has another one each time.
type system struct {
	ctx context.Context
	run *Run
}

// moduleConfig describes the instance's system to wazero: real randomness, the
// streams of its run, the mounts of cfg, no name and no start function.
func (s *system) moduleConfig(cfg RunConfig) wazero.ModuleConfig {
	mounts := wazero.NewFSConfig()
	for _, m := range cfg.Mounts {
		mounts = mounts.(sysfs.FSConfig).WithSysFSMount(m.FS, m.Path)
	}
	c := wazero.NewModuleConfig().WithName("").WithStartFunctions().
		WithFSConfig(mounts).
		WithArgs(cfg.Args...).
		WithStdin(stdinReader{s}).
		WithStdout(streamWriter{s, sandbox.Stdout}).
		WithStderr(streamWriter{s, sandbox.Stderr}).
		WithRandSource(rand.Reader).
		WithOsyield(func() { s.run.tick(s.ctx) }).
		WithNanosleep(func(ns int64) { s.run.Sleep(s.ctx, time.Duration(ns)) })
	for _, kv := range cfg.Env {
		name, value, _ := strings.Cut(kv, "=")
		c = c.WithEnv(name, value)
	}
	return c
}

// stdinReader is a run's standard input as wazero wants it: without a context.
type stdinReader struct{ *system }

// Read implements io.Reader.
func (s stdinReader) Read(p []byte) (int, error) {
	n, err := s.run.ReadStdin(s.ctx, p)
	if err == io.EOF {
		return 0, nil // WASI's end of file
	}
	return n, err
}

// streamWriter is one of a run's output streams.
type streamWriter struct {
	*system
	stream sandbox.Stream
}

// Write implements io.Writer.
func (w streamWriter) Write(p []byte) (int, error) {
	w.run.Write(w.stream, p)
	return len(p), nil
}

// errno is a WASI error number.
type errno uint32

// The WASI error numbers in use here.
const (
	errnoSuccess errno = 0
	errnoFault   errno = 21
	errnoInval   errno = 28
)
