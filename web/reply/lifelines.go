package reply

import (
	"context"
	"sync"
)

// Lifelines end what lasts when a server shuts down: http.Server waits neither
// for WebSockets nor for streams to end by themselves. The zero value is ready.
type Lifelines struct {
	mu      sync.Mutex
	ended   bool
	next    uint64
	cancels map[uint64]context.CancelFunc
}

// Attach returns a context that ends with ctx, with its cancel function, which
// must be called, or with End.
func (l *Lifelines) Attach(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		cancel()
		return ctx, cancel
	}
	if l.cancels == nil {
		l.cancels = map[uint64]context.CancelFunc{}
	}
	id := l.next
	l.next++
	l.cancels[id] = cancel
	return ctx, func() {
		cancel()
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.cancels, id)
	}
}

// End ends all contexts that are attached, and those that will be.
func (l *Lifelines) End() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	for _, cancel := range l.cancels {
		cancel()
	}
	l.cancels = nil
}
