package computer

import "time"

// Shells returns how many shell processes there are, and how many of them rest.
func (e *Engine) Shells() (live, resting int) {
	s := e.spares
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live, len(s.resting)
}

// RestFor sets how long shells rest. It comes before the first command.
func (e *Engine) RestFor(d time.Duration) { e.spares.restTime = d }
