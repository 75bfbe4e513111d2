// Package history remembers the last changes of each sandbox's state while the
// server runs: what the page on a sandbox's activity shows. The store keeps the
// present only.
package history

import (
	"slices"
	"sync"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
)

// Bounds of what is remembered.
const (
	MaxEach      = 50   // changes of one sandbox
	MaxSandboxes = 5000 // those that changed last
)

// Change is one change of state.
type Change struct {
	At       time.Time
	From, To sandbox.State // From is "" for the creation
	Reason   string        // of an error, and of a stop that nobody asked for; may be empty
}

// Book remembers changes. The zero value is ready; it is safe for concurrent
// use.
type Book struct {
	mu  sync.Mutex
	all map[string]*entry
}

type entry struct {
	changes []Change
	last    time.Time
}

// Follow writes down the events of a subscription until it ends or until done is
// closed, and reports whether it ended by itself: the book has a gap then, and
// follows again.
func (b *Book) Follow(events <-chan manager.Event, done <-chan struct{}) (ended bool) {
	for {
		select {
		case <-done:
			return false
		case e, ok := <-events:
			if !ok {
				return true
			}
			b.Note(e, time.Now())
		}
	}
}

// Note writes down an event that came at a time.
func (b *Book) Note(e manager.Event, at time.Time) {
	c := Change{At: at, From: sandbox.State(e.OldState), To: e.Sandbox.State, Reason: e.Sandbox.ErrorReason}
	switch e.Kind {
	case manager.EventCreated:
		c.From = ""
	case manager.EventState:
	default:
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all == nil {
		b.all = map[string]*entry{}
	}
	known := b.all[e.Sandbox.ID]
	if known == nil {
		b.makeRoom()
		known = &entry{}
		b.all[e.Sandbox.ID] = known
	}
	known.changes, known.last = append(known.changes, c), at
	if extra := len(known.changes) - MaxEach; extra > 0 {
		known.changes = slices.Delete(known.changes, 0, extra)
	}
}

// makeRoom forgets the sandbox that changed longest ago. Preconditions: b.mu must
// be held.
func (b *Book) makeRoom() {
	if len(b.all) < MaxSandboxes {
		return
	}
	oldest := ""
	for id, e := range b.all {
		if oldest == "" || e.last.Before(b.all[oldest].last) {
			oldest = id
		}
	}
	delete(b.all, oldest)
}

// Of returns the changes of a sandbox, the newest first.
func (b *Book) Of(id string) []Change {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.all[id]
	if e == nil {
		return nil
	}
	out := slices.Clone(e.changes)
	slices.Reverse(out)
	return out
}
