package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"sandpiper/runtimes/wasm/worker/link"
	"sandpiper/sandbox"
)

// maxInput is how much standard input is sent at once, in bytes.
const maxInput = 64 << 10

// maxKnownInput is how much of it goes with the call, where it is known from the
// start; more is sent when it is asked for.
const maxKnownInput = 1 << 20

// errGone is for a call whose worker has ended.
var errGone = errors.New("the worker process has ended")

// call is a call that goes on, from the server's side.
type call struct {
	sink   sandbox.Sink  // nil for one that says nothing
	flow   bool          // its output waits for its reader
	hungry chan struct{} // it waits for input; room for one
	answer chan answer   // room for one
	gone   chan struct{} // closed when the worker has ended before an answer
	spoke  chan struct{} // it has said something; room for one

	mu      sync.Mutex
	began   bool
	waiting int // bytes of output that have not been reported as taken
}

// answer is the end of a call.
type answer struct {
	link.End
	files []sandbox.File
}

// hear takes in a message of the call. It is called by the goroutine that receives.
func (c *call) hear(m *link.Message) error {
	switch m.Op {
	case link.OpBegan:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.began = true
		return nil
	case link.OpHungry:
		select {
		case c.hungry <- struct{}{}:
		default:
		}
		return nil
	case link.OpSaid:
		var said link.Said
		if err := m.Decode(&said); err != nil {
			return err
		}
		rest, err := c.say(said, m.Data)
		if err == nil && len(rest) > 0 {
			err = errors.New("there is output of no stream")
		}
		return err
	case link.OpEnd:
		return c.end(m)
	}
	return fmt.Errorf("a message of the unknown type %d", m.Op)
}

// say passes on what a program has said, and returns the rest of data.
func (c *call) say(said link.Said, data []byte) ([]byte, error) {
	for _, p := range said.Pieces {
		switch {
		case c.sink == nil:
			return nil, errors.New("a call has said something that says nothing")
		case p.Display != nil:
			c.sink.Display(*p.Display)
		case p.Bytes < 0 || p.Bytes > len(data) || p.Stream != sandbox.Stdout && p.Stream != sandbox.Stderr:
			return nil, errors.New("there is less output than announced")
		default:
			if !c.said(p.Bytes) {
				return nil, errors.New("a program says more than its reader takes")
			}
			c.sink.Output(p.Stream, data[:p.Bytes])
			data = data[p.Bytes:]
		}
	}
	return data, nil
}

// said counts output, and reports whether there may be so much of it.
func (c *call) said(n int) bool {
	if !c.flow {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting += n; c.waiting > link.MaxUnread {
		return false
	}
	select {
	case c.spoke <- struct{}{}:
	default:
	}
	return true
}

func (c *call) end(m *link.Message) error {
	var a answer
	if err := m.Decode(&a.End); err != nil {
		return err
	}
	data, err := c.say(a.Said, m.Data)
	if err != nil {
		return err
	}
	for _, f := range a.Files {
		if f.Bytes < 0 || f.Bytes > len(data) {
			return errors.New("there is less of a file than announced")
		}
		a.files = append(a.files, sandbox.File{Name: f.Name, Content: data[:f.Bytes:f.Bytes]})
		data = data[f.Bytes:]
	}
	c.answer <- a
	return nil
}

func (c *call) hasBegun() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.began
}

// request is what a call asks for.
type request struct {
	op    link.Op
	body  any
	data  []byte
	files []*os.File
	sink  sandbox.Sink
	stdin *sandbox.Stdin // that is sent when the program asks; nil for none

	// sent, when set, is called with the call's ID once the worker has it, and what it
	// returns when the call has ended.
	sent func(id uint64) (ended func())

	// flow says whether the reader of the output has had enough, as that of a
	// program.Call; nil where output is bounded.
	flow func() (wait func(ctx context.Context), err error)
}

// begin adds a call.
func (w *process) begin(r request) (uint64, *call, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.calls == nil {
		return 0, nil, errGone
	}
	w.last++
	c := &call{sink: r.sink, flow: r.flow != nil, hungry: make(chan struct{}, 1), answer: make(chan answer, 1), gone: make(chan struct{}), spoke: make(chan struct{}, 1)}
	w.calls[w.last] = c
	return w.last, c, nil
}

// do makes a call and waits for its end. When ctx is done first, the worker is told,
// and the end is waited for all the same: it comes soon, or the worker is killed.
// The error is errGone when the worker has ended; began says whether the call may
// have had effects by then.
func (w *process) do(ctx context.Context, r request) (a answer, began bool, err error) {
	id, c, err := w.begin(r)
	if err != nil {
		return answer{}, false, err
	}
	if err := w.link.Send(r.op, id, r.body, r.data, r.files...); err != nil {
		return w.unsent(id, c, err)
	}
	if r.sent != nil {
		defer r.sent(id)()
	}
	defer w.attend(ctx, id, c, r)()
	cancelled := ctx.Done()
	for {
		select {
		case a := <-c.answer:
			return a, true, nil
		case <-c.gone:
			select { // it may have come just before
			case a := <-c.answer:
				return a, true, nil
			default:
				return answer{}, c.hasBegun(), errGone
			}
		case <-cancelled:
			cancelled = nil
			if r.sink != nil { // a guest, whose worker may answer pings and be stuck all the same
				late := time.AfterFunc(w.stubborn, func() { w.kill("it did not end a program") })
				defer late.Stop()
			}
			cause := context.Cause(ctx)
			go func() { _ = w.link.Send(link.OpCancel, id, link.NewCancel(cause), nil) }() // it may not read
		}
	}
}

// attend sends what a call needs while it goes on, until the function that it returns
// is called.
func (w *process) attend(ctx context.Context, id uint64, c *call, r request) func() {
	ctx, stop := context.WithCancel(ctx)
	var attending sync.WaitGroup
	if r.stdin != nil {
		attending.Go(func() { w.feed(ctx, id, c, r.stdin) })
	}
	if r.flow != nil {
		attending.Go(func() { w.credit(ctx, id, c, r.flow) })
	}
	return func() {
		stop()
		attending.Wait()
	}
}

// unsent ends a call that could not be sent: the worker has gone, or it is too large.
func (w *process) unsent(id uint64, c *call, err error) (answer, bool, error) {
	w.mu.Lock()
	alive := w.calls != nil
	delete(w.calls, id)
	w.mu.Unlock()
	if alive && errors.Is(err, errTooLarge) {
		return answer{}, false, sandbox.Errorf(sandbox.KindTooLarge, "the program is too large")
	}
	w.kill("it could not be reached")
	<-w.gone
	return answer{}, c.hasBegun(), errGone
}

// feed sends standard input, a piece each time that the program waits for some.
func (w *process) feed(ctx context.Context, id uint64, c *call, in *sandbox.Stdin) {
	buf := make([]byte, maxInput)
	for {
		select {
		case <-c.hungry:
		case <-ctx.Done():
			return
		}
		n, err := in.Read(ctx, buf)
		if err != nil && ctx.Err() != nil {
			return
		}
		if w.link.Send(link.OpInput, id, link.Input{End: err != nil}, buf[:n]) != nil || err != nil {
			return
		}
	}
}

// sourceOf returns how a call gets its standard input: with the call, where all of it
// is known, or when the program asks.
func sourceOf(in *sandbox.Stdin) (known []byte, s link.Source, live *sandbox.Stdin) {
	if in == nil {
		return nil, link.Source{}, nil
	}
	if in.Buffered() <= maxKnownInput {
		if waiting, open := in.Snapshot(); !open {
			return waiting, link.Source{Bytes: len(waiting)}, nil
		}
	}
	return nil, link.Source{Live: true}, in
}
