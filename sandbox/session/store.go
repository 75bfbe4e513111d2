package session

import (
	"slices"
	"sync"
)

// store bounds the memory of all logs together. When they are too large, those
// to which nothing more comes are dropped, the oldest first; when there is none,
// the one that grows loses its older half.
type store struct {
	limit int

	mu   sync.Mutex
	used int
	cost map[*Log]int
	old  []*Log // those to which nothing more comes, the oldest first
}

func newStore(limit int) *store { return &store{limit: limit, cost: map[*Log]int{}} }

// newLog returns a log that counts.
func (s *store) newLog(limit int) *Log {
	l := newLog(s, limit)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cost[l] = 0
	return l
}

// changed counts what l costs now, and makes room if all logs cost too much.
func (s *store) changed(l *Log, cost int) {
	victim := s.count(l, cost)
	if victim == nil {
		return
	}
	keep := 0
	if victim == l {
		keep = cost / 2
	}
	s.count(victim, victim.squeeze(keep))
}

// count notes a log's cost, and returns which log must give way.
func (s *store) count(l *Log, cost int) (victim *Log) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, ok := s.cost[l]
	if !ok {
		return nil // it was removed
	}
	s.cost[l] = cost
	s.used += cost - before
	switch {
	case s.used <= s.limit:
		return nil
	case len(s.old) > 0:
		victim, s.old = s.old[0], s.old[1:]
		return victim
	}
	return l
}

// ended notes that nothing more comes to l.
func (s *store) ended(l *Log) {
	l.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.cost[l]; ok {
		s.old = append(s.old, l)
	}
}

// remove forgets l and all that is in it.
func (s *store) remove(l *Log) {
	l.close()
	l.squeeze(0)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used -= s.cost[l]
	delete(s.cost, l)
	s.old = slices.DeleteFunc(s.old, func(old *Log) bool { return old == l })
}
