package kernel

import (
	"context"
	"errors"
	"time"

	"github.com/tetratelabs/wazero/api"

	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// execution is one cell that runs.
type execution struct {
	kernel *Kernel
	ctx    context.Context // of the caller
	cell   sandbox.Cell
	cfg    vm.RunConfig

	answer  Answer
	limited *sandbox.Outcome // the limit because of which the cell was interrupted
}

func newExecution(ctx context.Context, k *Kernel, c sandbox.Cell, out sandbox.Sink) *execution {
	e := &execution{kernel: k, ctx: ctx, cell: c}
	e.cfg = vm.RunConfig{Limits: c.Limits, Stdin: c.Stdin, Output: out.Output, Soft: e.soft}
	own := k.cfg.Limits
	e.cfg.Limits = sandbox.Limits{
		Wall: or(c.Limits.Wall, own.Wall), CPU: or(c.Limits.CPU, own.CPU), OutputBytes: or(c.Limits.OutputBytes, own.OutputBytes),
		MemoryBytes: own.MemoryBytes, FileBytes: own.FileBytes, Files: own.Files, OpenFiles: own.OpenFiles,
	}
	return e
}

func or[T ~int | ~int64](v, def T) T {
	if v > 0 {
		return v
	}
	return def
}

// soft is called at a limit of time: the cell gets the chance to end by itself.
func (e *execution) soft(ctx context.Context, guest api.Module, o sandbox.Outcome) {
	e.limited = &o
	e.kernel.guest.Interrupt(ctx, guest)
}

// run runs the cell to its end. The end of ctx interrupts it, and stops it by
// force when it goes on for longer than the grace.
func (e *execution) run() (sandbox.CellOutcome, error) {
	k, ctx := e.kernel, e.ctx
	forced, force := context.WithCancelCause(context.WithoutCancel(ctx))
	defer force(nil)
	defer context.AfterFunc(ctx, func() {
		k.Interrupt()
		grace := time.NewTimer(sandbox.InterruptGrace)
		defer grace.Stop()
		select {
		case <-grace.C:
			force(context.Cause(ctx))
		case <-forced.Done():
		}
	})()
	res, kept, err := k.instance.Run(forced, e.cfg, e.body)
	if err != nil {
		if errors.Is(err, vm.ErrBusy) || errors.Is(err, vm.ErrClosed) || errors.Is(err, vm.ErrNoRoom) {
			return sandbox.CellOutcome{}, k.fault("use", err)
		}
		k.lost(err)
		return sandbox.CellOutcome{}, sandbox.ErrKernelGone
	}
	if !kept {
		k.renew = true
		return e.rolledBack(res), nil
	}
	if n := k.instance.Memory(); n > 0 {
		k.memory.Store(n)
	}
	return e.kept(res), nil
}

// body is what the guest does.
func (e *execution) body(ctx context.Context, guest api.Module) (err error) {
	k := e.kernel
	if k.renew {
		if err := k.guest.Renew(ctx, guest, false); err != nil {
			return err
		}
		k.renew = false
	}
	if e.ctx.Err() != nil || e.cell.WasInterrupted() { // before there was anything to interrupt
		e.answer.End = EndInterrupted
		return nil
	}
	e.answer, err = k.guest.Execute(ctx, guest, e.cell.Code)
	return err
}

// rolledBack is the outcome of a cell that had to be stopped, or ended its
// process, or crashed.
func (e *execution) rolledBack(res vm.Result) sandbox.CellOutcome {
	o := sandbox.CellOutcome{Outcome: res.Outcome, RolledBack: true}
	if o.Status == sandbox.StatusOK || o.Status == sandbox.StatusError && o.Signal == "" {
		o.Status, o.Message = sandbox.StatusError, "The cell ended the whole process."
	}
	o.Message += " The interpreter has the state that it had before the cell."
	return o
}

// kept is the outcome of a cell that came to its own end.
func (e *execution) kept(res vm.Result) sandbox.CellOutcome {
	a := e.answer
	o := sandbox.CellOutcome{Outcome: res.Outcome, Result: a.Result, Error: a.Error}
	o.Diagnostics = a.Diagnostics
	switch a.End {
	case EndInterrupted:
		o.Status, o.ExitCode, o.Signal, o.Message = e.interrupted()
	case EndExit:
		o.Status, o.ExitCode = sandbox.StatusError, a.ExitCode
		o.Message = "The cell asked to exit, which ends the cell only: the interpreter and its state are still there."
	case EndMemory:
		o.Status, o.ExitCode = sandbox.StatusMemoryLimit, 1
		o.Message = "The cell needed more memory than the session may have."
	case EndError:
		o.Status, o.ExitCode, o.Message = sandbox.StatusError, 1, "It ended with an exception."
	}
	return o
}

// interrupted says why a cell was interrupted: a limit, the end of the caller's
// context, or the user.
func (e *execution) interrupted() (sandbox.Status, int, string, string) {
	o := sandbox.CancelledOutcome(sandbox.ErrInterrupted)
	if e.limited != nil {
		vm.Note(e.cfg, e.limited.Message)
		return e.limited.Status, o.ExitCode, o.Signal, e.limited.Message
	}
	if cause := context.Cause(e.ctx); cause != nil {
		c := sandbox.CancelledOutcome(cause)
		return c.Status, o.ExitCode, o.Signal, c.Message
	}
	return o.Status, o.ExitCode, o.Signal, o.Message
}
