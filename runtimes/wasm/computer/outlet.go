package computer

import (
	"context"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"sandpiper/sandbox"
)

// maxWaiting is how much output of a program may wait for its reader before the
// program has to.
const maxWaiting = 64 << 10

// outlet writes a program's output from a goroutine of its own, so that a reader
// that is slow holds up the program and no CPU.
type outlet struct {
	w    io.Writer
	done chan struct{} // closed when the goroutine has ended

	mu      sync.Mutex
	buf     []byte
	err     error         // of a write: nobody reads any more
	closed  bool          // no more will come
	changed chan struct{} // closed and replaced whenever something above changes
}

func newOutlet(w io.Writer) *outlet {
	o := &outlet{w: w, done: make(chan struct{}), changed: make(chan struct{})}
	go o.run()
	return o
}

func (o *outlet) run() {
	defer close(o.done)
	for {
		o.mu.Lock()
		buf, closed, failed, changed := o.buf, o.closed, o.err, o.changed
		o.buf = nil
		if len(buf) > 0 {
			o.signal()
		}
		o.mu.Unlock()
		switch {
		case failed != nil:
			return
		case len(buf) > 0:
			if _, err := o.w.Write(buf); err != nil {
				o.fail(err)
			}
		case closed:
			return
		default:
			<-changed
		}
	}
}

// signal wakes all who wait. Preconditions: o.mu must be held.
func (o *outlet) signal() {
	close(o.changed)
	o.changed = make(chan struct{})
}

func (o *outlet) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = err
		o.signal()
	}
}

// write takes p, which the caller may reuse. It never waits.
func (o *outlet) write(p []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil && !o.closed {
		o.buf = append(o.buf, p...)
		o.signal()
	}
}

// flow is the outlet's part of a program.Call's Flow.
func (o *outlet) flow() (wait func(ctx context.Context), err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil || len(o.buf) <= maxWaiting {
		return nil, o.err
	}
	return o.await, nil
}

// await waits until there is room, or the reader has gone.
func (o *outlet) await(ctx context.Context) {
	for {
		o.mu.Lock()
		ready, changed := o.err != nil || len(o.buf) <= maxWaiting, o.changed
		o.mu.Unlock()
		if ready {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// drop throws away what waits: its program has been killed.
func (o *outlet) drop() {
	o.fail(os.ErrClosed)
	if f, ok := o.w.(*os.File); ok {
		_ = f.SetWriteDeadline(time.Now()) // so that a write which waits ends
	}
}

// close writes what is left, as long as ctx allows.
func (o *outlet) close(ctx context.Context) {
	o.mu.Lock()
	o.closed = true
	o.signal()
	o.mu.Unlock()
	stop := context.AfterFunc(ctx, o.drop)
	defer stop()
	select {
	case <-o.done:
	case <-ctx.Done():
	}
}

// outputs are the two outlets of a program: one, where both lead to the same
// reader, so that they stay in order.
type outputs struct{ stdout, stderr *outlet }

func newOutputs(stdout, stderr io.Writer) outputs {
	if stdout == nil {
		stdout = io.Discard
	}
	if stderr == nil {
		stderr = io.Discard
	}
	o := outputs{stdout: newOutlet(stdout)}
	o.stderr = o.stdout
	if !sameWriter(stdout, stderr) {
		o.stderr = newOutlet(stderr)
	}
	return o
}

// sameWriter reports whether two writers are one, also as two descriptors of the
// same pipe.
func sameWriter(a, b io.Writer) (same bool) {
	f, ok1 := a.(*os.File)
	g, ok2 := b.(*os.File)
	if ok1 && ok2 {
		x, err1 := f.Stat()
		y, err2 := g.Stat()
		return err1 == nil && err2 == nil && os.SameFile(x, y)
	}
	defer func() { _ = recover() }() // types that cannot be compared are not the same
	return a == b
}

// write is a program.Call's Output.
func (o outputs) write(s sandbox.Stream, p []byte) {
	if s == sandbox.Stderr {
		o.stderr.write(p)
	} else {
		o.stdout.write(p)
	}
}

// flow is a program.Call's Flow.
func (o outputs) flow() (wait func(ctx context.Context), err error) {
	if wait, err = o.stdout.flow(); wait != nil || err != nil {
		return wait, err
	}
	return o.stderr.flow()
}

func (o outputs) drop() {
	o.stdout.drop()
	o.stderr.drop()
}

func (o outputs) close(ctx context.Context) {
	o.stdout.close(ctx)
	o.stderr.close(ctx)
}

// errNotRunning is for a process that has ended.
var errNotRunning = syscall.ESRCH
