package session

import (
	"context"
	"errors"
	"io"
	"sync"
)

// maxInput is how much input may wait for a program that does not read it.
const maxInput = 1 << 20

// input is what a program reads: it is written by requests and never blocks
// them for longer than they want. It is safe for concurrent use.
type input struct {
	mu      sync.Mutex
	waiting []byte
	closed  bool
	changed chan struct{} // closed and renewed with every change
}

func newInput() *input { return &input{changed: make(chan struct{})} }

// put adds data as a whole when there is room for it, or all of it has been
// read; first it calls before, if that is not nil, so that what before does
// comes earlier than any answer. It returns ErrCompleted once the input is
// closed.
func (in *input) put(ctx context.Context, data []byte, before func()) error {
	for {
		in.mu.Lock()
		err := in.add(data, before)
		changed := in.changed
		in.mu.Unlock()
		if !errors.Is(err, ErrFull) {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// offer adds data as a whole, or none of it. The error is ErrFull when there is
// no room for it, and ErrCompleted once the input is closed.
func (in *input) offer(data []byte) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.add(data, nil)
}

// Precondition: in.mu is held.
func (in *input) add(data []byte, before func()) error {
	switch {
	case in.closed:
		return ErrCompleted
	case len(in.waiting) > 0 && len(in.waiting)+len(data) > maxInput:
		return ErrFull
	}
	if before != nil {
		before()
	}
	in.waiting = append(in.waiting, data...)
	wake(&in.changed)
	return nil
}

// Read implements io.Reader.
func (in *input) Read(p []byte) (int, error) {
	for {
		in.mu.Lock()
		if len(in.waiting) > 0 {
			n := copy(p, in.waiting)
			if in.waiting = in.waiting[n:]; len(in.waiting) == 0 {
				in.waiting = nil
			}
			wake(&in.changed)
			in.mu.Unlock()
			return n, nil
		}
		changed, closed := in.changed, in.closed
		in.mu.Unlock()
		if closed {
			return 0, io.EOF
		}
		<-changed
	}
}

// close ends the input: what waits can still be read.
func (in *input) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
	wake(&in.changed)
}
