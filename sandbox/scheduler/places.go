package scheduler

import (
	"context"
	"sync"
)

// Places gives out a number of places, and lets the clients that wait for one
// take turns. It is safe for concurrent use.
type Places struct {
	mu    sync.Mutex
	free  int
	queue fairQueue[*seat]
}

// A seat is a place, or stands in the queue for one.
type seat struct {
	client string
	turn   chan struct{} // closed when it is a place
}

// NewPlaces returns n places, all of them free.
func NewPlaces(n int) *Places { return &Places{free: n, queue: newFairQueue[*seat]()} }

// Take takes a place for a client, who must call Leave in the end. Where none is
// free it calls waiting and waits for one, or returns ctx's cause when ctx is done
// first.
func (p *Places) Take(ctx context.Context, client string, waiting func()) error {
	s := &seat{client, make(chan struct{})}
	p.mu.Lock()
	p.queue.push(s)
	p.letIn()
	p.mu.Unlock()
	select {
	case <-s.turn:
		return nil
	default:
		waiting()
	}
	select {
	case <-s.turn:
		return nil
	case <-ctx.Done():
		p.giveUp(s)
		return context.Cause(ctx)
	}
}

// Leave gives a place back.
func (p *Places) Leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free++
	p.letIn()
}

// giveUp takes s out of the queue, or gives its place back when it has just got one.
func (p *Places) giveUp(s *seat) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.queue.remove(s) {
		p.free++
		p.letIn()
	}
}

// letIn gives the free places to those whose turn it is. Preconditions: p.mu must
// be held.
func (p *Places) letIn() {
	for p.free > 0 {
		s, ok := p.queue.pop(func(string) bool { return true })
		if !ok {
			return
		}
		p.free--
		close(s.turn)
	}
}

// lineOf, size and isReady are what the queue asks of a seat.
func (s *seat) lineOf() string { return s.client }
func (s *seat) size() int64    { return 0 }
func (s *seat) isReady() bool  { return true }
