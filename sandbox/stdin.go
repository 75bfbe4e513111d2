package sandbox

import (
	"bytes"
	"context"
	"io"
	"sync"
)

// maxStdinBuffered bounds what a client may send ahead of a program that does
// not read.
const maxStdinBuffered = 1 << 20

// Stdin is a program's standard input: bytes known from the start, bytes that a
// client sends while the program runs, or both. It is safe for concurrent use.
type Stdin struct {
	mu      sync.Mutex
	buf     []byte        // sent and not yet read
	closed  bool          // no more will come
	changed chan struct{} // closed and replaced whenever buf or closed changes
	wanted  func()        // see OnDemand
}

// StaticStdin returns an input that holds b and then ends.
func StaticStdin(b []byte) *Stdin {
	return &Stdin{buf: b, closed: true, changed: make(chan struct{})}
}

// LiveStdin returns an open input; Write feeds it and Close ends it.
func LiveStdin() *Stdin { return &Stdin{changed: make(chan struct{})} }

// OnDemand has wanted called each time that a reader begins to wait for input, so
// that it can be fetched no earlier than it is read. wanted must not block. It is
// to be called before the first reader.
func (s *Stdin) OnDemand(wanted func()) { s.wanted = wanted }

// Write adds p to the input. It fails with KindConflict after Close and with
// KindTooLarge when more than 1 MiB would wait to be read; nothing is added then.
func (s *Stdin) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, Errorf(KindConflict, "standard input is closed")
	}
	if len(s.buf)+len(p) > maxStdinBuffered {
		return 0, Errorf(KindTooLarge, "the program has not read its input: at most 1 MiB may wait")
	}
	s.buf = append(s.buf, p...)
	s.signal()
	return len(p), nil
}

// Close ends the input: the program reads what is left and then end of file.
func (s *Stdin) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		s.signal()
	}
	return nil
}

// Snapshot returns a copy of what was sent and not yet read, and whether more
// can come.
func (s *Stdin) Snapshot() (waiting []byte, open bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.buf), !s.closed
}

// Buffered returns how many bytes were sent and not yet read.
func (s *Stdin) Buffered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.buf)
}

// Read fills p with what there is. It waits until there is something, and
// returns io.EOF at the end of the input or ctx's cause when ctx is done first.
func (s *Stdin) Read(ctx context.Context, p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if err := s.Wait(ctx); err != nil {
			return 0, err
		}
		n, closed := s.take(p)
		switch {
		case n > 0:
			return n, nil
		case closed:
			return 0, io.EOF
		} // otherwise another reader was quicker
	}
}

// take moves what there is to p.
func (s *Stdin) take(p []byte) (n int, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = copy(p, s.buf)
	s.buf = s.buf[n:]
	return n, s.closed
}

// Ready reports whether Read would return at once.
func (s *Stdin) Ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.buf) > 0 || s.closed
}

// Wait returns nil once Read would not block, or ctx's cause when ctx is done first.
func (s *Stdin) Wait(ctx context.Context) error {
	for {
		s.mu.Lock()
		ready, changed := len(s.buf) > 0 || s.closed, s.changed
		s.mu.Unlock()
		if ready {
			return nil
		}
		if s.wanted != nil {
			s.wanted()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// signal wakes all waiters. Preconditions: s.mu must be held.
func (s *Stdin) signal() {
	close(s.changed)
	s.changed = make(chan struct{})
}
