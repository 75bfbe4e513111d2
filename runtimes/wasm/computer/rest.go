package computer

import (
	"slices"
	"time"

	"sandpiper/runtimes/wasm/shell"
)

const (
	// restTime is how long a child rests before it is ended. A sandbox that is worked
	// with gets its next command sooner.
	restTime = 15 * time.Second

	// maxResting is how many children rest, of all sandboxes.
	maxResting = 8
)

// resting is a child that has run a command and waits for the next one of the same
// sandbox: of no other, for it has seen what belongs to that one.
type resting struct {
	m     *machine
	child *shell.Child
	timer *time.Timer
}

// keep lets a child rest that says so. The one that has rested longest goes where
// there are too many; one that has gone already is not kept.
func (s *spares) keep(m *machine, child *shell.Child) {
	select {
	case <-child.Gone():
		return
	default:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		child.Kill()
		return
	}
	if len(s.resting) == maxResting {
		s.resting[0].timer.Stop()
		s.resting[0].child.Kill()
		s.resting = slices.Delete(s.resting, 0, 1)
	}
	r := resting{m: m, child: child}
	r.timer = time.AfterFunc(s.restTime, func() {
		if s.forget(child) {
			child.Kill()
		}
	})
	s.resting = append(s.resting, r)
}

// rested returns the child of a sandbox that has rested least, or nil when there is
// none, or as many are in use as may be.
func (s *spares) rested(m *machine) *shell.Child {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full() {
		return nil
	}
	for i, r := range slices.Backward(s.resting) {
		if r.m != m {
			continue
		}
		s.resting = slices.Delete(s.resting, i, i+1)
		r.timer.Stop()
		select {
		case <-r.child.Gone():
		default:
			return r.child
		}
	}
	return nil
}

// forget drops a child that may rest, and reports whether it did.
func (s *spares) forget(child *shell.Child) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.resting, func(r resting) bool { return r.child == child })
	if i < 0 {
		return false
	}
	s.resting[i].timer.Stop()
	s.resting = slices.Delete(s.resting, i, i+1)
	return true
}
