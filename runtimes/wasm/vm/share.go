package vm

import (
	"sync"
	"time"
)

// Share is what several runs have together, such as the processes of a sandbox:
// a number of CPUs, an amount of memory, and what they have used. It is safe for
// concurrent use.
type Share struct {
	gate *gate

	mu     sync.Mutex
	cpus   int
	paused bool
	limit  int64 // bytes of memory; see Resize
	memory int64 // bytes in use
	cpu    time.Duration
}

// NewShare returns a share of at most cpus guests that execute at the same moment
// and memory bytes for all of them.
func NewShare(cpus int, memory int64) *Share {
	return &Share{gate: newGate(cpus), cpus: cpus, limit: memory}
}

// Resize changes what the runs may use. Memory that is in use stays so.
func (s *Share) Resize(cpus int, memory int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cpus, s.limit = cpus, memory
	if !s.paused {
		s.gate.resize(cpus)
	}
}

// Pause stops the runs where they are, within a few milliseconds, until Resume.
// Runs that wait for something go on waiting and stop when it has come.
func (s *Share) Pause() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused = true
	s.gate.resize(0)
}

// Resume lets the runs go on.
func (s *Share) Resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused = false
	s.gate.resize(s.cpus)
}

// Usage returns the memory that runs have now, in bytes, and the CPU time of all
// runs so far.
func (s *Share) Usage() (memory int64, cpu time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.memory, s.cpu
}

// take accounts for n more bytes and reports whether they are to be had. A nil
// share has no limit.
func (s *Share) take(n uint64) bool {
	if s == nil {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if int64(n) > s.limit-s.memory {
		return false
	}
	s.memory += int64(n)
	return true
}

func (s *Share) give(n uint64) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.memory -= int64(n)
}

func (s *Share) charge(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cpu += d
}
