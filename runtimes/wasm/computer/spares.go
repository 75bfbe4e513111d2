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

// maxBegin is how long a spare may take to begin.
const maxBegin = time.Minute

// spares has shell children ready for the next command.
type spares struct {
	most  int
	ctx   context.Context // done when the engine closes
	stock *stock[*shell.Child]
	done  sync.WaitGroup

	restTime time.Duration

	mu      sync.Mutex
	live    int       // children that have not ended, spares and resting ones included
	resting []resting // the longest first
}

// newSpares keeps want children ready and allows most of them and of those in use.
func newSpares(ctx context.Context, want, most int, log *slog.Logger) *spares {
	s := &spares{most: most, ctx: ctx, restTime: restTime}
	s.stock = newStock("shell", want, log, s.spare, (*shell.Child).Kill)
	s.done.Go(func() { s.stock.keep(ctx) })
	return s
}

// take returns a spare, or a child that is started now.
func (s *spares) take() (*shell.Child, error) {
	for {
		c, ok := s.stock.take()
		if !ok {
			return s.start()
		}
		select {
		case <-c.Gone(): // something ended it
		default:
			return c, nil
		}
	}
}

// spare starts a child and waits until it has begun, so that spares are started
// one after the other and none that is taken is half there.
func (s *spares) spare() (*shell.Child, error) {
	c, err := s.start()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(s.ctx, maxBegin)
	defer cancel()
	if err := c.Ready(ctx); err != nil {
		c.Kill()
		return nil, err
	}
	return c, nil
}

func (s *spares) start() (*shell.Child, error) {
	s.mu.Lock()
	if s.full() || s.ctx.Err() != nil {
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

// full reports whether as many children as may be are in use, or ready to be. s.mu
// must be held.
func (s *spares) full() bool { return s.live-len(s.resting) >= s.most }

func (s *spares) ended() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live--
}

// close waits until all children have ended. Those that were taken are their
// takers' to end.
func (s *spares) close() { s.done.Wait() }
