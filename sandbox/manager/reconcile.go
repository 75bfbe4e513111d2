package manager

import (
	"context"
	"sync"
	"time"

	"sandpiper/sandbox"
)

// lookTimeout bounds one question to an engine about what it holds.
const lookTimeout = 10 * time.Second

// sweepTimeout bounds the removal of one sandbox that nobody knows.
const sweepTimeout = 2 * time.Minute

// wanted returns all records, and which of them a worker is at.
func (m *Manager) wanted() []wanted {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]wanted, 0, len(m.live))
	for _, e := range m.live {
		s := e.s // nobody changes what its maps hold
		if len(e.touched) > 0 {
			s = e.record()
		}
		all = append(all, wanted{s, e.working})
	}
	return all
}

// reconcile compares the records with what the engines hold, and puts right
// what differs. What it returns is closed when the records are right.
func (m *Manager) reconcile(ctx context.Context) (right []<-chan struct{}) {
	have := m.look(ctx) // first: a record that is written later is not missed
	if ctx.Err() != nil {
		return nil
	}
	right = m.act(ctx, plan(time.Now(), m.wanted(), &have))
	m.noteSeen(ctx, have)
	return right
}

// noteSeen writes down what the engines say beside states. It comes after the plan,
// which does not judge a record that is newer than the look.
func (m *Manager) noteSeen(ctx context.Context, have world) {
	for _, v := range have.runners {
		if !v.answers {
			continue // what it has found is from before
		}
		for _, seen := range v.found {
			m.noteFound(ctx, seen.Found)
		}
	}
}

// look asks every runner what it holds, all at once.
func (m *Manager) look(ctx context.Context) world {
	runners := m.placer.Runners()
	views := make([]view, len(runners))
	var all sync.WaitGroup
	for i, r := range runners {
		m.mu.Lock()
		last := m.views[r.ID]
		m.mu.Unlock()
		all.Go(func() { views[i] = m.lookAt(ctx, r.ID, last) })
	}
	all.Wait()
	w := world{runners: make(map[string]view), grace: m.cfg.OrphanGrace}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, r := range runners {
		w.runners[r.ID], m.views[r.ID] = views[i], views[i]
	}
	return w
}

// lookAt asks one runner what it holds. last is what it held before.
func (m *Manager) lookAt(ctx context.Context, runner string, last view) view {
	v := view{began: time.Now(), answered: last.answered, found: last.found}
	engine, ok := m.placer.Engine(runner)
	if !ok {
		return v
	}
	call, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	found, err := engine.List(call)
	if err != nil {
		if last.answers && ctx.Err() == nil {
			m.log.WarnContext(ctx, "ask an engine what it holds", "engine", engine.Name(), "err", err)
		}
		return v
	}
	v.answers, v.answered, v.found = true, v.began, make(map[string]sight, len(found))
	for _, f := range found {
		since := v.began
		if before, ok := last.found[f.ID]; ok {
			since = before.since
		}
		v.found[f.ID] = sight{f, since}
	}
	return v
}

// noteFound writes down what an engine says of a sandbox beside its state,
// where that differs from what is known.
func (m *Manager) noteFound(ctx context.Context, f sandbox.Found) {
	s, err := m.byID(f.ID)
	if err != nil || (f.Isolation == "" || f.Isolation == s.Isolation) && within(f.DiskBytes, s.DiskBytes) {
		return
	}
	_, err = m.update(ctx, f.ID, func(s *sandbox.Sandbox) error {
		if s.DiskBytes = f.DiskBytes; f.Isolation != "" {
			s.Isolation = f.Isolation
		}
		return nil
	})
	if err != nil && sandbox.KindOf(err) != sandbox.KindNotFound && ctx.Err() == nil {
		m.log.WarnContext(ctx, "write down what an engine says of a sandbox", "sandbox", f.ID, "err", err)
	}
}

// within reports whether two readings of a disk are the same for people: a busy
// sandbox must not be written with every look.
func within(a, b int64) bool { return max(a, b)-min(a, b) < 16<<20 }

// act does what was planned. It does not wait for it; what it returns is closed
// when records are right again.
func (m *Manager) act(ctx context.Context, actions []action) (right []<-chan struct{}) {
	for _, a := range actions {
		switch a.act {
		case actWork:
			m.kick(a.id)
		case actDesire:
			m.desire(ctx, a)
		case actMark, actHalt, actFreeze, actFence:
			if done := m.putRight(a); done != nil {
				right = append(right, done)
			}
		case actSweep:
			m.mu.Lock()
			if !m.sweeping[a.id] {
				m.sweeping[a.id] = true
				m.wg.Go(func() { m.sweep(a) })
			}
			m.mu.Unlock()
		}
	}
	return right
}

// current returns a sandbox that is as an action saw it.
func (m *Manager) current(a action) (sandbox.Sandbox, bool) {
	s, err := m.byID(a.id)
	return s, err == nil && a.sees(s)
}

// sees reports whether a sandbox is as the plan saw it, and was so all the time.
func (a action) sees(s sandbox.Sandbox) bool {
	return s.State == a.seen && s.Incarnation == a.incarnation && s.LastEvent.Equal(a.since)
}

// desire changes what is desired of a sandbox that is as the plan saw it.
func (m *Manager) desire(ctx context.Context, a action) {
	ctx = sandbox.WithCause(ctx, a.reason)
	s, ok := m.current(a)
	if !ok {
		return
	}
	if a.desired == sandbox.DesiredDestroyed {
		if _, err := m.destroy(ctx, s); err != nil && ctx.Err() == nil {
			m.log.WarnContext(ctx, "destroy a sandbox", "sandbox", a.id, "reason", a.reason, "err", err)
		}
		return
	}
	if a.desired == sandbox.DesiredArchived && !m.can(s).Archive || a.desired == sandbox.DesiredPaused && !m.can(s).Pause {
		return
	}
	m.log.InfoContext(ctx, "a sandbox changes by itself", "sandbox", a.id, "to", a.desired, "reason", a.reason)
	_, err := m.update(ctx, a.id, func(s *sandbox.Sandbox) error {
		if !a.sees(*s) || s.Desired == sandbox.DesiredDestroyed {
			return errNothing
		}
		s.Desired = a.desired
		return nil
	})
	if err != nil && ctx.Err() == nil {
		m.log.WarnContext(ctx, "change what is desired of a sandbox", "sandbox", a.id, "err", err)
	}
	m.kick(a.id)
}

// putRight lets a sandbox's worker look at the sandbox again, for what was seen
// before may be over, and then write down or change what it finds.
func (m *Manager) putRight(a action) <-chan struct{} {
	return m.enqueue(a.id, func(ctx context.Context) {
		s, ok := m.current(a)
		if !ok {
			return
		}
		again, ok := planFound(time.Now(), s, m.lookAgain(ctx, s, a))
		if !ok || again.act != a.act || again.state != a.state {
			return
		}
		m.log.Info("a sandbox is not as it should be", "sandbox", a.id, "is", s.State, "do", again.act, "to", again.state, "reason", again.reason)
		if err := m.correct(ctx, s, again); err != nil && m.root.Err() == nil {
			m.log.Warn("put a sandbox right", "sandbox", a.id, "err", err)
		}
	})
}

// lookAgain asks the engine of one sandbox about that one.
func (m *Manager) lookAgain(ctx context.Context, s sandbox.Sandbox, a action) view {
	v := view{began: time.Now().Add(time.Nanosecond)}
	engine, ok := m.placer.Engine(s.Runner)
	if !ok || a.state == sandbox.StateUnknown {
		return v
	}
	call, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	f, err := engine.Status(call, s.ID)
	switch {
	case err == nil:
		v.answers, v.found = true, map[string]sight{s.ID: {f, v.began}}
	case sandbox.KindOf(err) == sandbox.KindNotFound:
		v.answers = true
	default:
		v.answered = v.began // not now, but that is no reason to give up
	}
	return v
}

// correct does what the plan says after the second look.
func (m *Manager) correct(ctx context.Context, s sandbox.Sandbox, a action) error {
	engine, ok := m.placer.Engine(s.Runner)
	switch a.act {
	case actHalt:
		if !ok {
			return nil
		}
		return engine.Stop(ctx, s.ID, stopGrace)
	case actFreeze:
		if p, can := engine.(sandbox.Pauser); can {
			return p.Pause(ctx, s.ID)
		}
		return nil
	case actFence:
		if n, can := engine.(sandbox.Networker); can {
			return n.SetNetwork(ctx, s.ID, s.Network)
		}
		return nil
	}
	_, err := m.update(ctx, s.ID, func(now *sandbox.Sandbox) error {
		if now.State != s.State || now.Incarnation != s.Incarnation {
			return errNothing
		}
		if a.desired != "" && now.Desired != sandbox.DesiredDestroyed {
			now.Desired = a.desired
		}
		now.Cause, now.ErrorReason, now.Recoverable = a.reason, a.reason, a.recoverable
		return now.Become(a.state)
	})
	return err
}

// sweep removes from its engine what the store does not know either.
func (m *Manager) sweep(a action) {
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.sweeping, a.id)
	}()
	ctx, cancel := context.WithTimeout(m.root, sweepTimeout)
	defer cancel()
	s, err := m.store.Sandbox(ctx, a.id)
	known := err == nil && s.State != sandbox.StateDestroyed
	engine, ok := m.placer.Engine(a.runner)
	if known || !ok || err != nil && sandbox.KindOf(err) != sandbox.KindNotFound {
		return
	}
	m.log.Info("remove a sandbox that nobody knows", "sandbox", a.id, "engine", engine.Name())
	if err := engine.Destroy(ctx, a.id); err != nil && m.root.Err() == nil {
		m.log.Warn("remove a sandbox that nobody knows", "sandbox", a.id, "err", err)
	}
}
