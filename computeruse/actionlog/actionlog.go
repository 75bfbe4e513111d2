// Package actionlog remembers what callers had done to a desktop, the newest
// actions only, and tells followers of new ones.
package actionlog

import (
	"context"
	"sync"

	"sandpiper/computeruse/wire"
)

// Size is how many actions are kept.
const Size = 1000

// Log is the memory. Its zero value is empty. It is safe for concurrent use.
type Log struct {
	mu      sync.Mutex
	last    int64         // the number of the newest action
	ring    []wire.Action // an action's place is its number modulo Size
	changed chan struct{} // closed at the next action; nil while nobody waits
}

// Add gives an action its number and remembers it.
func (l *Log) Add(a wire.Action) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ring == nil {
		l.ring = make([]wire.Action, Size)
	}
	l.last++
	a.Number = l.last
	l.ring[l.last%Size] = a
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// Since returns the actions after a number, the oldest first. A number that is
// not reached yet, as after a new start of the toolbox, begins anew.
func (l *Log) Since(number int64) wire.ActionsResponse {
	l.mu.Lock()
	defer l.mu.Unlock()
	if number > l.last || number < 0 {
		number = 0
	}
	first := max(number+1, l.last-Size+1)
	res := wire.ActionsResponse{Actions: make([]wire.Action, 0, l.last-first+1), Next: l.last, Dropped: first - number - 1}
	for n := first; n <= l.last; n++ {
		res.Actions = append(res.Actions, l.ring[n%Size])
	}
	return res
}

// Wait waits until there is an action after number, or ctx ends.
func (l *Log) Wait(ctx context.Context, number int64) error {
	l.mu.Lock()
	if l.last > number {
		l.mu.Unlock()
		return nil
	}
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	changed := l.changed
	l.mu.Unlock()
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
