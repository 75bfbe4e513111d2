package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"sandpiper/runtimes/wasm/worker/link"
	"sandpiper/sandbox"
)

// kernel is a kernel that lives in a worker, and ends with it.
type kernel struct {
	pool   *Pool
	worker *process
	id     uint64
	cell   atomic.Uint64 // the call that executes one; 0 while none does
	memory atomic.Int64
	closed atomic.Bool
}

// OpenKernel implements sandbox.KernelEngine. A new kernel has nothing to lose: where
// its worker ends it is opened in another one.
func (p *Pool) OpenKernel(ctx context.Context, spec sandbox.KernelSpec) (sandbox.Kernel, error) {
	for try := 1; ; try++ {
		w, err := p.pick(ctx)
		if err != nil {
			return nil, err
		}
		k, err := p.openIn(ctx, w, request{op: link.OpOpen}, link.Open{Spec: spec})
		if errors.Is(err, sandbox.ErrKernelGone) {
			err = errReplaced
		}
		if err != errReplaced || try == maxTries {
			return k, err
		}
	}
}

// errReplaced is for a kernel whose worker ended before there was a kernel.
var errReplaced = &sandbox.Error{
	Kind: sandbox.KindUnavailable, Message: "the worker process that was to start this session ended; it is being replaced: try again", RetryAfter: time.Second,
}

// ResumeKernel implements sandbox.KernelEngine.
func (p *Pool) ResumeKernel(ctx context.Context, spec sandbox.KernelSpec, state io.Reader) (sandbox.Kernel, error) {
	w, err := p.pick(ctx)
	if err != nil {
		return nil, err
	}
	from, to, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("send a state: %w", err)
	}
	sent := make(chan error, 1)
	go func() {
		_, err := io.Copy(to, state)
		sent <- errors.Join(err, to.Close())
	}()
	k, err := p.openIn(ctx, w, request{op: link.OpResume, files: []*os.File{from}}, link.Open{Spec: spec})
	_ = from.Close() // the worker has read all it wants
	if copied := <-sent; copied != nil && err != nil && sandbox.KindOf(err) == sandbox.KindInternal {
		err = errors.Join(err, copied)
	}
	if errors.Is(err, sandbox.ErrKernelGone) {
		err = errReplaced // a part of the state has been read: only the caller has all of it
	}
	return k, err
}

// openIn opens a kernel in a worker.
func (p *Pool) openIn(ctx context.Context, w *process, r request, o link.Open) (sandbox.Kernel, error) {
	if err := p.join(); err != nil {
		return nil, err
	}
	defer p.runs.Done()
	folder, err := w.giveFolder(o.Spec.Dir)
	if err != nil {
		return nil, err
	}
	if folder != nil {
		defer folder.Close()
		r.files = append(r.files, folder)
	}
	r.body = o
	a, err := p.ask(ctx, w, r)
	if err != nil {
		return nil, err
	}
	k := &kernel{pool: p, worker: w, id: a.Kernel}
	k.memory.Store(a.Memory)
	return k, nil
}

// giveFolder makes a kernel's folder the worker's, where that has a user of its own,
// and opens it for it.
func (w *process) giveFolder(dir string) (*os.File, error) {
	if !filepath.IsAbs(dir) {
		return nil, fmt.Errorf("a kernel's folder %q has no absolute path", dir)
	}
	if !w.own {
		return nil, nil
	}
	if err := handOver(dir); err != nil {
		return nil, fmt.Errorf("give a kernel its folder: %w", err)
	}
	return os.Open(dir)
}

// ask makes a call that ends with the pool.
func (p *Pool) ask(ctx context.Context, w *process, r request) (answer, error) {
	a, _, err := p.attempt(ctx, w, r)
	return a, err
}

// attempt is ask that says, when the worker has ended, whether the call may have had
// effects by then.
func (p *Pool) attempt(ctx context.Context, w *process, r request) (a answer, began bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(p.closing, func() { cancel(sandbox.ErrShutdown) })()
	a, began, err = w.do(ctx, r)
	switch {
	case errors.Is(err, errGone):
		return a, began, sandbox.ErrKernelGone
	case err != nil:
		return a, began, err
	}
	return a, true, a.Fault.Err()
}

// ask makes a call about k.
func (k *kernel) ask(ctx context.Context, r request) (a answer, began bool, err error) {
	if k.closed.Load() {
		return answer{}, false, sandbox.ErrKernelGone
	}
	if err := k.pool.join(); err != nil {
		return answer{}, false, err
	}
	defer k.pool.runs.Done()
	return k.pool.attempt(ctx, k.worker, r)
}

// Execute implements sandbox.Kernel.
func (k *kernel) Execute(ctx context.Context, c sandbox.Cell, out sandbox.Sink) (sandbox.CellOutcome, error) {
	known, source, live := sourceOf(c.Stdin)
	a, began, err := k.ask(ctx, request{
		op: link.OpExecute, sent: func(id uint64) func() { return k.executes(id, c) }, sink: out, stdin: live, data: append([]byte(c.Code), known...),
		body: link.Execute{Kernel: k.id, Code: len(c.Code), Limits: c.Limits, Input: source},
	})
	if errors.Is(err, sandbox.ErrKernelGone) && !began {
		err = sandbox.ErrCellNotBegun
	}
	if err != nil {
		return sandbox.CellOutcome{}, err
	}
	if a.Outcome == nil {
		return sandbox.CellOutcome{}, errors.New("a worker process answered without an outcome")
	}
	k.memory.Store(a.Memory)
	o := *a.Outcome
	o.Files = a.files
	return o, nil
}

// executes notes that the worker has a cell, by its call, unless it has another one. The
// result is called when the cell has ended. An interrupt that came before is sent after
// the cell, without which the worker would make nothing of it.
func (k *kernel) executes(id uint64, c sandbox.Cell) (ended func()) {
	if k.cell.CompareAndSwap(0, id) && c.WasInterrupted() {
		k.Interrupt()
	}
	return func() { k.cell.CompareAndSwap(id, 0) }
}

// Interrupt implements sandbox.Kernel.
func (k *kernel) Interrupt() {
	if id := k.cell.Load(); id != 0 {
		_ = k.worker.link.Send(link.OpInterrupt, id, nil, nil) // without a worker no cell runs
	}
}

// Save implements sandbox.Kernel. The state comes through a pipe, at the pace of w.
func (k *kernel) Save(ctx context.Context, w io.Writer) error {
	from, to, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("take a state: %w", err)
	}
	taken := make(chan error, 1)
	go func() {
		_, err := io.Copy(w, from)
		taken <- errors.Join(err, from.Close()) // a worker that goes on writing fails
	}()
	_, _, err = k.ask(ctx, request{op: link.OpSave, body: link.Kernel{Kernel: k.id}, files: []*os.File{to}})
	return errors.Join(err, to.Close(), <-taken)
}

// Fork implements sandbox.Kernel. The fork lives in the same worker.
func (k *kernel) Fork(ctx context.Context, spec sandbox.KernelSpec) (sandbox.Kernel, error) {
	if k.closed.Load() {
		return nil, sandbox.ErrKernelGone
	}
	return k.pool.openIn(ctx, k.worker, request{op: link.OpFork}, link.Open{Kernel: k.id, Spec: spec})
}

// Memory implements sandbox.Kernel. It is that after the last cell.
func (k *kernel) Memory() int64 { return k.memory.Load() }

// Close implements sandbox.Kernel.
func (k *kernel) Close() error {
	if k.closed.Swap(true) {
		return nil
	}
	_, _, err := k.worker.do(context.Background(), request{op: link.OpClose, body: link.Kernel{Kernel: k.id}})
	if errors.Is(err, errGone) {
		return nil // it has ended with its worker
	}
	return err
}

// Gone reports whether the kernel has ended with its worker.
func (k *kernel) Gone() bool {
	select {
	case <-k.worker.gone:
		return true
	default:
		return false
	}
}
