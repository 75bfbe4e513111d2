package kernel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero/api"

	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// Interpreter drives the guest of one kernel. Its methods are called on the
// goroutine that executes the guest, with the context of the run, and return
// errors of guest calls as they are.
type Interpreter interface {
	// Open prepares a guest that goes on from the image: its environment, and
	// randomness of its own.
	Open(ctx context.Context, guest api.Module) error

	// Renew prepares a guest that has the state of another one, whose open files
	// it has not: after a resume, a roll-back or, with forked set, a fork. A fork
	// gets randomness of its own.
	Renew(ctx context.Context, guest api.Module, forked bool) error

	// Execute runs a cell to its end.
	Execute(ctx context.Context, guest api.Module, code string) (Answer, error)

	// Interrupt is called in the middle of Execute, at a tick, and makes the
	// program raise its exception for an interrupt. It reports false when the
	// program can only be stopped by force.
	Interrupt(ctx context.Context, guest api.Module) bool
}

// errNoImage is for a language whose module is of a version that has no image.
var errNoImage = sandbox.Errorf(sandbox.KindUnprocessed, "this version of the language has no sessions here")

// Language is what kernels are made from.
type Language struct {
	// Module was loaded with an image. It is nil when there is none.
	Module *vm.Module

	// New adds to cfg what the language needs (Args, Mounts) and returns the
	// interpreter for an instance that is opened with cfg.
	New func(cfg *vm.RunConfig) Interpreter
}

// openLimit bounds the preparation of a guest, in wall and in CPU time.
const openLimit = 10 * time.Second

// Open starts a kernel from the image. cfg is that of the kernel: its Limits, Env,
// Mounts and Share.
func (l Language) Open(ctx context.Context, cfg vm.RunConfig) (*Kernel, error) {
	if l.Module == nil {
		return nil, errNoImage
	}
	k := l.kernel(cfg)
	var err error
	if k.instance, err = l.Module.Open(ctx, k.cfg); err != nil {
		return nil, fmt.Errorf("open a kernel: %w", err)
	}
	return k.prepared(ctx, k.guest.Open)
}

// Resume starts a kernel with a state that Save wrote. It fails as
// sandbox.KernelEngine says.
func (l Language) Resume(ctx context.Context, cfg vm.RunConfig, state io.Reader) (*Kernel, error) {
	if l.Module == nil {
		return nil, errNoImage
	}
	k := l.kernel(cfg)
	var err error
	k.instance, err = l.Module.Restore(ctx, k.cfg, state)
	switch {
	case errors.Is(err, vm.ErrOtherImage):
		return nil, sandbox.ErrStateStale
	case errors.Is(err, vm.ErrBadState):
		return nil, sandbox.Errorf(sandbox.KindUnprocessed, "the saved state of this session is damaged; restart the session")
	case err != nil:
		return nil, fmt.Errorf("resume a kernel: %w", err)
	}
	k.renew = true
	k.settle.Reset(settleTime) // there may be no cell for long
	return k, nil
}

func (l Language) kernel(cfg vm.RunConfig) *Kernel {
	k := &Kernel{language: l}
	k.settle = time.AfterFunc(settleTime, func() { k.instance.Park() })
	k.settle.Stop()
	k.guest = l.New(&cfg)
	k.cfg = cfg
	return k
}

// prepared has the guest prepare itself.
func (k *Kernel) prepared(ctx context.Context, prepare func(ctx context.Context, guest api.Module) error) (*Kernel, error) {
	cfg := vm.RunConfig{Limits: k.cfg.Limits}
	cfg.Limits.Wall, cfg.Limits.CPU, cfg.Limits.OutputBytes = openLimit, openLimit, 1<<16
	var stderr string
	cfg.Output = func(_ sandbox.Stream, p []byte) { stderr += string(p) }
	res, kept, err := k.instance.Run(ctx, cfg, prepare)
	if err == nil && !kept {
		err = fmt.Errorf("%s %s", res.Message, stderr)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare a kernel: %w", err), k.instance.Close())
	}
	k.settle.Reset(settleTime)
	return k, nil
}

// Kernel is an interpreter that keeps its state. But for Execute and Fork it is a
// sandbox.Kernel.
type Kernel struct {
	language Language
	guest    Interpreter
	cfg      vm.RunConfig
	instance *vm.Instance

	memory atomic.Int64 // as of the last cell
	gone   atomic.Bool
	settle *time.Timer // parks the instance

	mu    sync.Mutex // held by whoever uses the instance
	renew bool       // the guest has not been told yet that its open files are gone
}

// Execute implements sandbox.Kernel; begin is called when it is the cell's turn.
// The limits of memory, files and output that c does not set are those of the
// kernel.
func (k *Kernel) Execute(ctx context.Context, c sandbox.Cell, out sandbox.Sink, begin func()) (sandbox.CellOutcome, error) {
	if k.gone.Load() {
		return sandbox.CellOutcome{}, sandbox.ErrKernelGone
	}
	if !k.mu.TryLock() {
		return sandbox.CellOutcome{}, errRunning
	}
	defer k.mu.Unlock()
	k.settle.Stop()
	defer k.settle.Reset(settleTime)
	begin()
	return newExecution(ctx, k, c, out).run()
}

// settleTime is how long a kernel is idle until it gives memory back that the next
// cell may want again.
const settleTime = time.Second

var errRunning = sandbox.Errorf(sandbox.KindConflict, "a cell is running; wait for its end or interrupt it")

// Interrupt implements sandbox.Kernel.
func (k *Kernel) Interrupt() {
	k.instance.Interrupt(func(ctx context.Context, guest api.Module) {
		if !k.guest.Interrupt(ctx, guest) {
			vm.Current(ctx).Stop(sandbox.ErrInterrupted)
		}
	})
}

// Save implements sandbox.Kernel.
func (k *Kernel) Save(ctx context.Context, w io.Writer) error {
	if !k.mu.TryLock() {
		return errRunning
	}
	defer k.mu.Unlock()
	return k.fault("save", k.instance.Save(&writer{ctx, w}))
}

// writer is a writer that stops when its context is done.
type writer struct {
	ctx context.Context
	w   io.Writer
}

// Write implements io.Writer.
func (w *writer) Write(p []byte) (int, error) {
	if err := context.Cause(w.ctx); err != nil {
		return 0, err
	}
	return w.w.Write(p)
}

// Fork returns a kernel with the same state. cfg is what Language.Open says, with
// the folder of the new one. It fails with KindConflict while a cell runs.
func (k *Kernel) Fork(ctx context.Context, cfg vm.RunConfig) (*Kernel, error) {
	if !k.mu.TryLock() {
		return nil, errRunning
	}
	defer k.mu.Unlock()
	n := k.language.kernel(cfg)
	var err error
	if n.instance, err = k.instance.Fork(ctx, n.cfg); err != nil {
		return nil, k.fault("fork", err)
	}
	return n.prepared(ctx, func(ctx context.Context, guest api.Module) error { return n.guest.Renew(ctx, guest, true) })
}

var errNoRoom = sandbox.Errorf(sandbox.KindBusy, "the server has no memory for that now; nothing was lost: try again in a moment")

// fault turns an error of the instance into one for people.
func (k *Kernel) fault(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, vm.ErrBusy):
		return errRunning
	case errors.Is(err, vm.ErrClosed):
		return sandbox.ErrKernelGone
	case errors.Is(err, vm.ErrNoRoom):
		return errNoRoom
	}
	return fmt.Errorf("%s a kernel: %w", doing, err)
}

// Memory implements sandbox.Kernel. While a cell runs it is what it was before.
func (k *Kernel) Memory() int64 {
	if n := k.instance.Memory(); n > 0 {
		k.memory.Store(n)
	}
	return k.memory.Load()
}

// Close implements sandbox.Kernel.
func (k *Kernel) Close() error {
	k.gone.Store(true)
	k.settle.Stop()
	return k.instance.Close()
}

// lost notes that the instance could not be brought back to its former state.
func (k *Kernel) lost(err error) {
	slog.Error("a kernel was lost", "language", k.language.Module.Name(), "error", err)
	k.gone.Store(true)
}
