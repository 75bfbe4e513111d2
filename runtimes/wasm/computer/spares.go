package computer

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"sandpiper/runtimes/wasm/shell"
	"sandpiper/sandbox"
)

// refillDelay is how long the pool waits before it starts another spare, so that
// doing so does not compete with the command that the last one was taken for.
const refillDelay = 25 * time.Millisecond

// spares has shell children ready for the next command.
type spares struct {
	want, most int
	log        *slog.Logger
	ctx        context.Context // done when the engine closes
	wake       chan struct{}
	done       sync.WaitGroup

	mu    sync.Mutex
	ready []*shell.Child
	live  int // children that have not ended, spares included
}

// newSpares keeps want children ready and allows most to live.
func newSpares(ctx context.Context, want, most int, log *slog.Logger) *spares {
	s := &spares{want: want, most: most, log: log, ctx: ctx, wake: make(chan struct{}, 1)}
	s.done.Go(s.refill)
	return s
}

// take returns a spare, or a child that is started now.
func (s *spares) take() (*shell.Child, error) {
	defer s.ask()
	for {
		s.mu.Lock()
		if n := len(s.ready); n > 0 {
			c := s.ready[n-1]
			s.ready = s.ready[:n-1]
			s.mu.Unlock()
			select {
			case <-c.Gone(): // something ended it
				continue
			default:
				return c, nil
			}
		}
		s.mu.Unlock()
		return s.start()
	}
}

func (s *spares) start() (*shell.Child, error) {
	s.mu.Lock()
	if s.live >= s.most || s.ctx.Err() != nil {
		s.mu.Unlock()
		return nil, &sandbox.Error{Kind: sandbox.KindBusy, Message: fmt.Sprintf("this server runs %d shells at a time, and all are in use", s.most), RetryAfter: 2 * time.Second}
	}
	s.live++
	s.mu.Unlock()
	c, err := shell.Start()
	if err != nil {
		s.ended()
		return nil, err
	}
	s.done.Go(func() {
		<-c.Gone()
		s.ended()
	})
	return c, nil
}

func (s *spares) ended() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live--
}

func (s *spares) ask() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// refill starts spares until the engine closes, and then ends them.
func (s *spares) refill() {
	for failed := false; ; {
		if s.missing() {
			c, err := s.start()
			if err != nil && !failed && s.ctx.Err() == nil {
				s.log.Warn("no spare shell could be started", "error", err)
			}
			failed = err != nil
			if err == nil {
				s.mu.Lock()
				s.ready = append(s.ready, c)
				s.mu.Unlock()
				continue
			}
		}
		select {
		case <-s.wake:
			time.Sleep(refillDelay)
		case <-s.ctx.Done():
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, c := range s.ready {
				c.Kill()
			}
			return
		}
	}
}

func (s *spares) missing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ready) < s.want
}

// close waits until all children have ended. Those that were taken are their
// takers' to end.
func (s *spares) close() { s.done.Wait() }
