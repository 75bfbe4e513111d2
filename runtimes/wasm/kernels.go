package wasm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sandpiper/runtimes/wasm/jail"
	"sandpiper/runtimes/wasm/kernel"
	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// Kerneler is a Driver whose language has kernels.
type Kerneler interface {
	// Kernels returns what kernels are made from. It is called after Load.
	Kernels() kernel.Language
}

var _ sandbox.KernelEngine = (*Engine)(nil)

// KernelLanguages implements sandbox.KernelEngine.
func (e *Engine) KernelLanguages() []sandbox.Language {
	var all []sandbox.Language
	for _, l := range e.languages {
		if _, ok := l.driver.(Kerneler); ok {
			all = append(all, l.snapshot())
		}
	}
	return all
}

// OpenKernel implements sandbox.KernelEngine.
func (e *Engine) OpenKernel(ctx context.Context, spec sandbox.KernelSpec) (sandbox.Kernel, error) {
	e.awaitKernels(ctx, spec.Language)
	return e.newKernel(spec, func(l kernel.Language, cfg vm.RunConfig) (*kernel.Kernel, error) { return l.Open(ctx, cfg) })
}

// ResumeKernel implements sandbox.KernelEngine.
func (e *Engine) ResumeKernel(ctx context.Context, spec sandbox.KernelSpec, state io.Reader) (sandbox.Kernel, error) {
	e.awaitKernels(ctx, spec.Language)
	return e.newKernel(spec, func(l kernel.Language, cfg vm.RunConfig) (*kernel.Kernel, error) { return l.Resume(ctx, cfg, state) })
}

// kernelPatience is how long a kernel waits for its language, which an engine that
// has just started takes from the cache.
const kernelPatience = 10 * time.Second

// awaitKernels waits until a language is prepared, or failed, or for too long.
func (e *Engine) awaitKernels(ctx context.Context, language string) {
	ctx, cancel := context.WithTimeout(ctx, kernelPatience)
	defer cancel()
	for _, l := range e.languages {
		if l.snapshot().Is(language) {
			e.await(ctx, l)
		}
	}
}

// newKernel gives a kernel that start makes its surroundings.
func (e *Engine) newKernel(spec sandbox.KernelSpec, start func(kernel.Language, vm.RunConfig) (*kernel.Kernel, error)) (sandbox.Kernel, error) {
	if !e.begin() {
		return nil, sandbox.Errorf(sandbox.KindUnavailable, "the server is shutting down")
	}
	defer e.runs.Done()
	l, err := e.find(sandbox.Program{Language: spec.Language})
	if err != nil {
		return nil, err
	}
	d, ok := l.driver.(Kerneler)
	if !ok {
		return nil, sandbox.FieldErrorf("language", "%s has no sessions", l.info.Name)
	}
	if err := checkEnv(spec.Env); err != nil {
		return nil, err
	}
	h, err := e.surround(spec)
	if err != nil {
		return nil, err
	}
	live, err := start(d.Kernels(), h.cfg)
	if err != nil {
		return nil, errors.Join(err, h.close())
	}
	h.live = live
	e.hold(h)
	return h, nil
}

// held is a kernel with its surroundings: its folder, and the screen of the cell
// that runs.
type held struct {
	engine *Engine
	live   *kernel.Kernel
	cfg    vm.RunConfig
	root   *os.Root
	files  *jail.FS
	screen *screen
	closed sync.Once
}

var _ sandbox.Kernel = (*held)(nil)

// surround prepares what a kernel in a folder needs.
func (e *Engine) surround(spec sandbox.KernelSpec) (*held, error) {
	if !filepath.IsAbs(spec.Dir) {
		return nil, fmt.Errorf("the kernel's folder %q is not an absolute path", spec.Dir)
	}
	root, err := os.OpenRoot(spec.Dir)
	if err != nil {
		return nil, fmt.Errorf("open the kernel's folder: %w", err)
	}
	limits := spec.Limits.WithDefaults(e.cfg.Limits, e.cfg.MaxLimits)
	h := &held{engine: e, root: root, screen: &screen{}}
	h.files = jail.New(root, jail.Limits{Bytes: limits.FileBytes, Files: limits.Files, OpenFiles: limits.OpenFiles})
	h.screen.displays = jail.NewDisplays(jail.DisplayLimits{}, h.screen.show, h.screen.refuse)
	h.cfg = vm.RunConfig{Limits: limits, Env: environment(spec.Env), Mounts: []vm.Mount{
		{Path: "/", FS: h.files},
		{Path: "/dev", FS: jail.NewDevices(h.screen.displays, limits.OpenFiles)},
	}}
	return h, nil
}

// screen shows what a cell displays to whoever executes it.
type screen struct {
	displays *jail.Displays

	mu  sync.Mutex
	out sandbox.Sink
}

// begin gives the screen to a cell.
func (s *screen) begin(out sandbox.Sink) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out = out
	s.displays.Reset()
}

func (s *screen) sink() sandbox.Sink {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out
}

func (s *screen) show(d sandbox.Display) { s.sink().Display(d) }

func (s *screen) refuse(err error) {
	vm.Note(vm.RunConfig{Output: s.sink().Output}, err.Error())
}

// Execute implements sandbox.Kernel. Limits that a cell does not set are those of
// the engine's runs.
func (h *held) Execute(ctx context.Context, c sandbox.Cell, out sandbox.Sink) (sandbox.CellOutcome, error) {
	if !h.engine.begin() {
		return sandbox.CellOutcome{}, sandbox.Errorf(sandbox.KindUnavailable, "the server is shutting down")
	}
	defer h.engine.runs.Done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(h.engine.closing, func() { cancel(sandbox.ErrShutdown) })()
	c.Limits = c.Limits.WithDefaults(h.engine.cfg.Limits, h.engine.cfg.MaxLimits)
	return h.live.Execute(ctx, c, out, func() { h.screen.begin(out) })
}

// Interrupt implements sandbox.Kernel.
func (h *held) Interrupt() { h.live.Interrupt() }

// Save implements sandbox.Kernel.
func (h *held) Save(ctx context.Context, w io.Writer) error { return h.live.Save(ctx, w) }

// Fork implements sandbox.Kernel.
func (h *held) Fork(ctx context.Context, spec sandbox.KernelSpec) (sandbox.Kernel, error) {
	return h.engine.newKernel(spec, func(_ kernel.Language, cfg vm.RunConfig) (*kernel.Kernel, error) { return h.live.Fork(ctx, cfg) })
}

// Memory implements sandbox.Kernel.
func (h *held) Memory() int64 { return h.live.Memory() }

// Close implements sandbox.Kernel.
func (h *held) Close() (err error) {
	h.closed.Do(func() {
		h.engine.release(h)
		err = errors.Join(h.live.Close(), h.close())
	})
	return err
}

// close lets go of the surroundings.
func (h *held) close() error { return errors.Join(h.files.Close(), h.root.Close()) }

// hold notes a kernel, so that the engine can close it.
func (e *Engine) hold(h *held) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.kernels[h] = struct{}{}
}

func (e *Engine) release(h *held) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.kernels, h)
}

// closeKernels closes the kernels that their owners have not closed.
func (e *Engine) closeKernels() error {
	e.mu.Lock()
	left := make([]*held, 0, len(e.kernels))
	for h := range e.kernels {
		left = append(left, h)
	}
	e.mu.Unlock()
	var errs []error
	for _, h := range left {
		errs = append(errs, h.Close())
	}
	return errors.Join(errs...)
}
