package computer

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// refillDelay is how long a stock waits before it makes more, so that doing so
	// does not compete with what the last one was taken for.
	refillDelay = 25 * time.Millisecond

	// calm is how long nothing must be taken for a stock to become smaller again.
	calm = 10 * time.Second

	// growth is how many times its usual size a stock may become.
	growth = 4
)

// stock keeps things ready that take long to make. Where they are taken faster
// than they are made, it keeps more of them, and fewer again when it is calm.
type stock[T any] struct {
	what  string // for people
	least int
	make  func() (T, error)
	drop  func(T) // takes what nobody took
	log   *slog.Logger
	wake  chan struct{}

	mu    sync.Mutex
	ready []T
	want  int
}

// newStock returns an empty stock, which keep fills.
func newStock[T any](what string, least int, log *slog.Logger, produce func() (T, error), drop func(T)) *stock[T] {
	return &stock[T]{what: what, least: least, want: least, make: produce, drop: drop, log: log, wake: make(chan struct{}, 1)}
}

// take returns the thing that was made first, which has had the most time to
// become ready, if there is one.
func (s *stock[T]) take() (thing T, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
	if len(s.ready) == 0 {
		s.want = min(s.want+1, s.least*growth)
		return thing, false
	}
	thing = s.ready[0]
	s.ready = s.ready[1:]
	return thing, true
}

// keep makes what is missing until ctx is done, and then drops all.
func (s *stock[T]) keep(ctx context.Context) {
	defer s.clear()
	for failed := false; ; {
		if s.missing() {
			thing, err := s.make()
			if err != nil && !failed && ctx.Err() == nil {
				s.log.Warn("no spare "+s.what+" could be made", "error", err)
			}
			if failed = err != nil; !failed {
				s.add(thing)
				continue
			}
		}
		select {
		case <-s.wake:
			time.Sleep(refillDelay)
		case <-time.After(calm):
			s.shrink()
		case <-ctx.Done():
			return
		}
	}
}

func (s *stock[T]) missing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.ready) < s.want
}

func (s *stock[T]) add(thing T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready = append(s.ready, thing)
}

// shrink gives up one of what the stock has grown by.
func (s *stock[T]) shrink() {
	s.mu.Lock()
	s.want = max(s.least, s.want-1)
	var extra []T
	if len(s.ready) > s.want {
		extra, s.ready = s.ready[:1:1], s.ready[1:]
	}
	s.mu.Unlock()
	for _, thing := range extra {
		s.drop(thing)
	}
}

func (s *stock[T]) clear() {
	s.mu.Lock()
	all := s.ready
	s.ready, s.want = nil, 0
	s.mu.Unlock()
	for _, thing := range all {
		s.drop(thing)
	}
}
