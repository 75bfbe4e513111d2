package manager

import (
	"context"
	"errors"
	"hash/maphash"
	"maps"
	"sync"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/scheduler"
)

// An entry is a sandbox that is not destroyed, with who works on it. The
// manager's mu guards it.
type entry struct {
	s       sandbox.Sandbox  // as the store has it
	touched sandbox.Activity // not yet in the store
	written time.Time        // when activity was last written
	work    *worked          // when it was last looked at; nil before
	changed chan struct{}    // closed at the next change

	working  bool // there is a worker
	op       op   // that it is at
	cancel   context.CancelCauseFunc
	jobs     []job
	ticket   *scheduler.Ticket // for its next creation or start
	turn     *scheduler.Ticket // of the one that its worker is at
	force    bool              // its next stop kills at once
	claiming bool              // it is a member of a warm pool that somebody is about to have
	fault    error             // of the last work that failed
}

// errNothing is what a change returns when there is nothing to change.
var errNothing = errors.New("nothing to change")

var errNotFound = sandbox.Errorf(sandbox.KindNotFound, "there is no such sandbox")

var lockSeed = maphash.MakeSeed()

func (m *Manager) writeLock(id string) *sync.Mutex {
	return &m.writes[maphash.String(lockSeed, id)%uint64(len(m.writes))]
}

// update changes a sandbox's record and tells everybody who listens. Where
// change returns errNothing it returns the record as it is. change may be nil,
// to write down activity only.
func (m *Manager) update(ctx context.Context, id string, change func(*sandbox.Sandbox) error) (sandbox.Sandbox, error) {
	lock := m.writeLock(id)
	lock.Lock()
	defer lock.Unlock()
	before, after, err := m.store.UpdateSandbox(ctx, id, func(s *sandbox.Sandbox) error {
		m.mergeActivity(s)
		if change == nil {
			return nil
		}
		was, now := *s, time.Now()
		if err := change(s); err != nil {
			return err
		}
		s.UpdatedAt = now
		if s.State != was.State {
			stamp(s, was.State, now)
		}
		if cause := sandbox.CauseOf(ctx); cause != "" && (s.State != was.State || s.Desired != was.Desired || s.WarmPool != was.WarmPool) {
			s.Cause = cause
		}
		return nil
	})
	if errors.Is(err, errNothing) {
		return m.byID(id)
	}
	if err != nil {
		return sandbox.Sandbox{}, err
	}
	m.note(before, after)
	return after, nil
}

// stamp notes what goes with a new state.
func stamp(s *sandbox.Sandbox, was sandbox.State, now time.Time) {
	s.LastEvent = now
	switch s.State {
	case sandbox.StateStarted:
		if was == sandbox.StateCreating || was == sandbox.StateStarting {
			s.StartedAt = now
		}
		s.StoppedAt, s.ErrorReason, s.Recoverable = time.Time{}, "", false
		if s.Activity == nil {
			s.Activity = sandbox.Activity{}
		}
		s.Activity[sandbox.ActivityState] = now
	case sandbox.StateStopped, sandbox.StateArchived:
		if s.StoppedAt.IsZero() {
			s.StoppedAt = now
		}
		s.Recoverable = false
	case sandbox.StateStarting:
		s.Incarnation++
		s.StoppedAt, s.ErrorReason, s.Recoverable = time.Time{}, "", false
	case sandbox.StatePaused:
		s.ErrorReason, s.Recoverable = "", false
	}
}

// note brings what the manager keeps in memory up to a record that was written,
// and tells of the change. before is zero for a new record.
func (m *Manager) note(before, after sandbox.Sandbox) {
	m.placer.Hold(after.ID, after.Organization, after.Runner, after.Resources.Held(after.State))
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.live[after.ID]
	if e == nil {
		e = &entry{changed: make(chan struct{})}
		m.live[after.ID] = e
	}
	e.s = after.Clone()
	if key := (nameKey{before.Organization, before.Name}); m.names[key] == after.ID {
		delete(m.names, key)
	}
	if after.Desired != sandbox.DesiredDestroyed {
		m.names[nameKey{after.Organization, after.Name}] = after.ID
	}
	if after.State == sandbox.StateDestroyed {
		delete(m.live, after.ID)
	}
	close(e.changed)
	e.changed = make(chan struct{})
	m.publishChange(before, after)
}

// byID returns a sandbox that is not destroyed.
func (m *Manager) byID(id string) (sandbox.Sandbox, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.live[id]
	if e == nil {
		return sandbox.Sandbox{}, errNotFound
	}
	return e.record(), nil
}

// find returns an organization's sandbox by its ID or its name.
func (m *Manager) find(org, idOrName string) (sandbox.Sandbox, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.live[idOrName]
	if e == nil {
		e = m.live[m.names[nameKey{org, idOrName}]]
	}
	if e == nil || e.s.Organization != org {
		return sandbox.Sandbox{}, errNotFound
	}
	return e.record(), nil
}

// record returns the sandbox with the activity that is not yet written. The
// manager's mu must be held.
func (e *entry) record() sandbox.Sandbox {
	s := e.s.Clone()
	if len(e.touched) > 0 {
		if s.Activity == nil {
			s.Activity = sandbox.Activity{}
		}
		maps.Copy(s.Activity, e.touched)
	}
	return s
}

// change changes an organization's sandbox.
func (m *Manager) change(ctx context.Context, org, idOrName string, change func(*sandbox.Sandbox) error) (sandbox.Sandbox, error) {
	s, err := m.find(org, idOrName)
	if err != nil {
		return s, err
	}
	return m.update(ctx, s.ID, change)
}

// await waits until a sandbox is as it should be, is destroyed, d has passed or
// ctx is done, and returns it as it is then.
func (m *Manager) await(ctx context.Context, id string, d time.Duration, done func(sandbox.Sandbox) bool) (sandbox.Sandbox, error) {
	m.mu.Lock()
	e := m.live[id]
	m.mu.Unlock()
	if e == nil {
		return m.store.Sandbox(ctx, id)
	}
	patience := time.NewTimer(d)
	defer patience.Stop()
	for {
		m.mu.Lock()
		s, changed := e.record(), e.changed
		m.mu.Unlock()
		if s.State == sandbox.StateDestroyed || done(s) {
			return s, nil
		}
		select {
		case <-changed:
		case <-patience.C:
			return s, nil
		case <-ctx.Done():
			return s, nil
		}
	}
}

// in reports for await whether a sandbox is in one of the states.
func in(states ...sandbox.State) func(sandbox.Sandbox) bool {
	return func(s sandbox.Sandbox) bool {
		for _, want := range states {
			if s.State == want {
				return true
			}
		}
		return false
	}
}

// WaitState waits until a sandbox is in one of the states, and returns it. One
// that fails or is destroyed first is a *sandbox.Error of KindConflict or
// KindNotFound; when ctx is done first, its cause is returned.
func (m *Manager) WaitState(ctx context.Context, id string, states ...sandbox.State) (sandbox.Sandbox, error) {
	wanted := in(states...)
	s, err := m.await(ctx, id, 1<<62, func(s sandbox.Sandbox) bool { return wanted(s) || s.State.Failed() })
	switch {
	case err != nil || wanted(s):
		return s, err
	case s.State == sandbox.StateDestroyed:
		return s, errNotFound
	case s.State.Failed():
		return s, sandbox.Errorf(sandbox.KindConflict, "the sandbox failed: %s", s.ErrorReason)
	default:
		return s, context.Cause(ctx)
	}
}
