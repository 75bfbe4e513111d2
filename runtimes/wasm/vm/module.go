package vm

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"sandpiper/runtimes/wasm/rewrite"
	"sandpiper/sandbox"
)

// Module is a compiled module, ready to be run any number of times at once. Each
// has a wazero runtime of its own, so that the host functions of one can never
// be imported by another.
type Module struct {
	host     *Host
	name     string
	key      string // of the cache
	runtime  wazero.Runtime
	cache    wazero.CompilationCache
	compiled wazero.CompiledModule
	globals  []string // exported for images

	image *Image         // that instances go on from, or nil
	slots *slots         // of image
	ready *readyGuests   // of image
	idle  *idleInstances // likewise
}

// open starts a runtime for a module, with everything that it may import. dir keeps
// its machine code.
func (h *Host) open(ctx context.Context, name, dir, key string, opts LoadOptions) (*Module, error) {
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open its cache: %w", err)
	}
	// WithCloseOnContextDone stays off: it makes guests several times slower
	// and cannot stop a recursion. Ticks do its work.
	m := &Module{host: h, name: name, key: key, cache: cache}
	m.runtime = wazero.NewRuntimeWithConfig(ctx, compilerConfig(cache).WithMemoryLimitPages(uint32(h.cfg.MaxMemoryBytes/wasmPage)))
	if err := m.defineImports(ctx, opts.Imports); err != nil {
		return nil, errors.Join(err, m.close(ctx))
	}
	return m, nil
}

func compilerConfig(cache wazero.CompilationCache) wazero.RuntimeConfig {
	return wazero.NewRuntimeConfigCompiler().WithCompilationCache(cache).WithDebugInfoEnabled(false)
}

// finish gives the module its machine code, from one of its forms.
func (m *Module) finish(ctx context.Context, form []byte, opts LoadOptions) (err error) {
	if opts.rewriting().ExportGlobals {
		if m.globals, err = rewrite.GlobalExports(form); err != nil {
			return err
		}
	}
	if m.compiled, err = m.runtime.CompileModule(ctx, form); err != nil {
		return fmt.Errorf("compile: %w", err)
	}
	return m.checkImports()
}

// checkImports refuses a module that could not be instantiated, naming the
// import at fault.
func (m *Module) checkImports() error {
	for _, f := range m.compiled.ImportedFunctions() {
		module, name, _ := f.Import()
		host := m.runtime.Module(module)
		if host == nil {
			return fmt.Errorf("it imports %q from the module %q, which is not available here: only WASI preview 1 is", name, module)
		}
		if _, ok := host.ExportedFunctionDefinitions()[name]; !ok {
			return fmt.Errorf("it imports %q from %q, which has no such function here", name, module)
		}
	}
	if len(m.compiled.ImportedMemories()) > 0 {
		return errors.New("it imports a memory, which is not possible here")
	}
	return nil
}

func (m *Module) close(ctx context.Context) error {
	return errors.Join(m.runtime.Close(ctx), m.cache.Close(ctx))
}

// Name returns the name that the module was loaded with.
func (m *Module) Name() string { return m.name }

// Exports reports whether the module exports a function of that name.
func (m *Module) Exports(name string) bool {
	_, ok := m.compiled.ExportedFunctions()[name]
	return ok
}

// Run makes an instance of the module, lets body drive it, and says how that
// ended. It never panics and never fails: what goes wrong in the program, at its
// limits, or in Sandpiper is in the Result. The wall time starts now; when ctx is
// done the run stops with StatusCancelled and the signal that belongs to the
// cause of ctx.
func (m *Module) Run(ctx context.Context, cfg RunConfig, body Body) Result {
	r := newRun(m, cfg)
	res, _ := r.carryOut(ctx, func(ctx context.Context) error { return r.execute(ctx, body) })
	return res
}

// carryOut has f run the guest on a goroutine of its own and returns the result.
// kept reports whether f came to its own end, and not by an unwinding or a trap
// that has left the guest in the middle of something.
func (r *Run) carryOut(ctx context.Context, f func(ctx context.Context) error) (res Result, kept bool) {
	ctx, r.stop = context.WithCancelCause(context.WithValue(ctx, runKey{}, r))
	defer r.stop(nil)
	r.block = func(wait func(context.Context)) { r.Block(ctx, wait) }
	defer r.watchWall()()

	ended := make(chan struct{})
	go func() {
		defer close(ended)
		// The thread's CPU clock and priority are the run's. When the priority
		// was lowered the thread ends together with the goroutine.
		runtime.LockOSThread()
		res, kept = r.conclude(ctx, f)
		if !r.lowered {
			runtime.UnlockOSThread()
		}
	}()
	<-ended
	return res, kept
}

// conclude goes from the first guest instruction to the result.
func (r *Run) conclude(ctx context.Context, f func(ctx context.Context) error) (Result, bool) {
	r.clock = startThreadClock()
	err := r.guard(func() error { return f(ctx) })
	r.leave()
	res := Result{Outcome: r.outcome(context.Cause(ctx), err), StderrTail: r.output.stderrTail()}
	res.Truncated = r.output.truncated
	res.Usage = sandbox.Usage{Wall: time.Since(r.started), CPU: r.clock.elapsed(), MemoryBytes: int64(r.memory.peak)}
	return res, err == nil && !r.unwound
}

func newRun(m *Module, cfg RunConfig) *Run {
	if cfg.Stdin == nil {
		cfg.Stdin = sandbox.StaticStdin(nil)
	}
	if cfg.Output == nil {
		cfg.Output = func(sandbox.Stream, []byte) {}
	}
	now := time.Now()
	return &Run{
		host: m.host, module: m, cfg: cfg, started: now, epoch: now, end: now.Add(cfg.Limits.Wall + cfg.grace()),
		seat:   seat{granted: make(chan struct{}, 1)},
		place:  seat{granted: make(chan struct{}, 1)},
		memory: newMeter(m.host, cfg),
		output: outputMeter{sink: cfg.Output, left: cfg.Limits.OutputBytes},
	}
}

// guard calls f and turns a panic into an error, so that neither a guest nor a
// fault of the runtime can take the server down. An unwinding that passed no
// guest frame ends here as well.
func (r *Run) guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil && !r.unwound {
			err = fmt.Errorf("panic while running a guest: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}

// execute lets body drive an instance.
func (r *Run) execute(ctx context.Context, body Body) error {
	r.enter(ctx)
	if r.module.image != nil {
		return r.executeImage(ctx, body)
	}
	guest, err := r.module.instantiateIn(ctx, r.cfg, &system{ctx, r}, r.memory)
	if err != nil {
		return err
	}
	r.guest, r.functions = guest, new(keptFunctions).get()
	defer guest.Close(ctx)
	return body(ctx, guest)
}

// executeImage lets body drive a guest that goes on from the module's image, and
// that may be used again afterwards.
func (r *Run) executeImage(ctx context.Context, body Body) error {
	ready := r.module.ready
	f, err := ready.get(ctx, r.cfg.Mounts, r.memory)
	if err != nil {
		return err
	}
	f.system.ctx, f.system.run = ctx, r
	r.guest, r.functions, r.memory = f.guest, f.functions.get(), f.meter
	err = errors.New("it did not return")
	defer func() {
		r.memory = ready.giveBack(f, r.endedItself(ctx, err) && !r.rearranged && f.untouched())
	}()
	err = body(ctx, f.guest)
	return err
}

// instantiateIn makes an instance with memory from an allocator. It goes on from the
// module's image when there is one.
func (m *Module) instantiateIn(ctx context.Context, cfg RunConfig, s *system, memory experimental.MemoryAllocator) (api.Module, error) {
	if m.image != nil {
		cfg.Args, cfg.Env = nil, nil
	}
	guest, err := m.runtime.InstantiateModule(experimental.WithMemoryAllocator(ctx, memory), m.compiled, s.moduleConfig(cfg))
	if err != nil {
		return nil, fmt.Errorf("instantiate %s: %w", m.name, err)
	}
	if m.image != nil {
		setGlobals(guest, m.image.globals)
	}
	return guest, nil
}

// setGlobals sets exported globals.
func setGlobals(guest api.Module, values map[string]uint64) {
	for name, v := range values {
		guest.ExportedGlobal(name).(api.MutableGlobal).Set(v)
	}
}
