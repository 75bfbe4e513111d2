package manager

import (
	"context"
	"time"

	"sandpiper/sandbox"
)

// What counts as work between two looks at the engines: less than that is what
// a program does that waits for something which never comes.
const (
	workCPU  = 150 * time.Millisecond
	workSent = 4 << 10 // bytes
)

// worked is what a sandbox had done when it was last looked at.
type worked struct {
	incarnation int64
	work        sandbox.Work
}

// noteWork counts as use what a workspace of the old API does by itself. Its main
// process is a worker that dials out, so nobody ever calls such a sandbox, and it
// would be stopped in the middle of its work; one that is stuck is stopped still.
func (m *Manager) noteWork(ctx context.Context) {
	for _, s := range m.workspaces() {
		engine, _ := m.placer.Engine(s.Runner)
		meter, ok := engine.(sandbox.Meter)
		if !ok {
			continue
		}
		call, cancel := context.WithTimeout(ctx, lookTimeout)
		work, err := meter.Work(call, s.ID)
		cancel()
		if err != nil {
			m.log.DebugContext(ctx, "look at a sandbox's work", "sandbox", s.ID, "err", err)
			continue
		}
		if m.hasWorked(s, work) {
			_ = m.Touch(ctx, s.Organization, s.ID, sandbox.ActivityWork) // it may be gone by now
		}
	}
}

// workspaces returns what was made by the old API and would stop by itself.
func (m *Manager) workspaces() []sandbox.Sandbox {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []sandbox.Sandbox
	for _, e := range m.live {
		if s := e.s; s.Deprecated && s.State == sandbox.StateStarted && (s.Intervals.AutoStop > 0 || s.Intervals.AutoPause > 0) {
			all = append(all, s)
		}
	}
	return all
}

// hasWorked remembers what a sandbox has done, and reports whether that is
// noticeably more than at the last look.
func (m *Manager) hasWorked(s sandbox.Sandbox, work sandbox.Work) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.live[s.ID]
	if e == nil {
		return false
	}
	last := e.work
	e.work = &worked{incarnation: s.Incarnation, work: work}
	if last == nil || last.incarnation != s.Incarnation {
		return false // it was started a moment ago, which counts itself
	}
	return work.CPU-last.work.CPU >= workCPU || work.SentBytes-last.work.SentBytes >= workSent
}
