package manager

import (
	"context"
	"errors"
	"time"

	"sandpiper/sandbox"
)

// settleWait is how long a request waits for what another has begun with the
// same sandbox.
const settleWait = 30 * time.Second

// Sandbox returns an organization's sandbox by its ID or its name.
func (m *Manager) Sandbox(_ context.Context, org, idOrName string) (sandbox.Sandbox, error) {
	return m.find(org, idOrName)
}

// ByID returns a sandbox of any organization.
func (m *Manager) ByID(_ context.Context, id string) (sandbox.Sandbox, error) { return m.byID(id) }

// StateChanges returns the last changes of a sandbox's state, the newest first.
func (m *Manager) StateChanges(ctx context.Context, id string) ([]sandbox.StateChange, error) {
	return m.store.StateChanges(ctx, id)
}

// List returns a page of sandboxes.
func (m *Manager) List(ctx context.Context, f sandbox.SandboxFilter) (sandbox.SandboxPage, error) {
	for _, target := range f.Targets {
		if target == m.cfg.Region.ID || target == m.cfg.Region.Name {
			f.Targets = nil // all are in the one region, whatever it was called
			break
		}
	}
	return m.store.Sandboxes(ctx, f)
}

// Start starts a stopped sandbox, restores and starts an archived one, and
// resumes a paused one. It waits as Create does; one that is started already is
// fine.
func (m *Manager) Start(ctx context.Context, org, idOrName string) (sandbox.Sandbox, error) {
	for {
		s, err := m.settled(ctx, org, idOrName)
		if err != nil {
			return s, err
		}
		switch s.State {
		case sandbox.StateStopped, sandbox.StateArchived, sandbox.StatePaused:
			s, err = m.start(ctx, s)
			if errors.Is(err, errMoved) {
				continue // another request began to start it, or the server itself after a restart
			}
			return s, err
		case sandbox.StateStarted, sandbox.StateCreating, sandbox.StateStarting, sandbox.StateRestoring, sandbox.StateResuming:
			if s.Desired != sandbox.DesiredStarted {
				return s, conflict(s, "started")
			}
			return m.started(ctx, s)
		default:
			return s, conflict(s, "started")
		}
	}
}

// errMoved says that a sandbox left the state that it was seen in.
var errMoved = errors.New("the sandbox is in another state now")

// settled returns a sandbox when what is going on with it that must end first
// has ended.
func (m *Manager) settled(ctx context.Context, org, idOrName string) (sandbox.Sandbox, error) {
	s, err := m.find(org, idOrName)
	if err != nil {
		return s, err
	}
	leaving := func(s sandbox.Sandbox) bool {
		return in(sandbox.StateStopping, sandbox.StatePausing, sandbox.StateArchiving)(s) || excursion(s.State) ||
			s.State == sandbox.StateStarted && s.Desired != sandbox.DesiredStarted
	}
	s, err = m.await(ctx, s.ID, settleWait, func(s sandbox.Sandbox) bool { return !leaving(s) })
	switch {
	case err != nil:
		return s, err
	case s.State == sandbox.StateDestroyed:
		return s, errNotFound
	case leaving(s):
		return s, &sandbox.Error{Kind: sandbox.KindConflict, RetryAfter: time.Second, Message: "sandbox " + s.Name + " is still " + string(s.State) + "; try again in a moment"}
	}
	return s, nil
}

// conflict says that a sandbox's state does not allow something, and what does.
func conflict(s sandbox.Sandbox, what string) error {
	hint := ""
	switch {
	case s.State == sandbox.StateError && s.Recoverable:
		hint = "; recover it first, or delete it"
	case s.State == sandbox.StateError:
		hint = "; it cannot be recovered: " + s.ErrorReason
	case s.State == sandbox.StateUnknown:
		hint = ": its engine does not answer; try again later"
	case s.State == sandbox.StateStarted && what == "archived":
		hint = "; stop it first"
	case s.Desired == sandbox.DesiredDestroyed:
		hint = " and is being deleted"
	}
	return sandbox.Errorf(sandbox.KindConflict, "sandbox %s cannot be %s while it is %s%s", s.Name, what, s.State, hint)
}

// start begins to start a sandbox that is at rest, when there is room. The error
// is errMoved when it is not as it was any more.
func (m *Manager) start(ctx context.Context, s sandbox.Sandbox) (sandbox.Sandbox, error) {
	ticket, err := m.reserve(ctx, s, s.Resources.Held(s.State))
	if err != nil {
		return s, err
	}
	to := map[sandbox.State]sandbox.State{
		sandbox.StateStopped: sandbox.StateStarting, sandbox.StateArchived: sandbox.StateRestoring, sandbox.StatePaused: sandbox.StateResuming,
	}[s.State]
	s, err = m.update(ctx, s.ID, func(now *sandbox.Sandbox) error {
		switch {
		case now.Desired == sandbox.DesiredDestroyed:
			return conflict(*now, "started")
		case now.State != s.State:
			return errMoved
		}
		now.Desired = sandbox.DesiredStarted
		return now.Become(to)
	})
	if err != nil {
		m.release(ticket, s.ID)
		return s, err
	}
	m.giveTicket(s.ID, ticket)
	m.kick(s.ID)
	return m.started(ctx, s)
}

// started waits for a start.
func (m *Manager) started(ctx context.Context, s sandbox.Sandbox) (sandbox.Sandbox, error) {
	return m.await(ctx, s.ID, m.cfg.ReadyWait, func(s sandbox.Sandbox) bool {
		return s.State == sandbox.StateStarted || s.State.Failed() || s.Desired != sandbox.DesiredStarted
	})
}

// Stop stops a sandbox and waits as Create does. With force its processes are
// killed at once. One that is about to start is stopped instead, one that is
// being created is stopped then; one that is stopped already is fine. An
// ephemeral one is destroyed when it has stopped and has no forks.
func (m *Manager) Stop(ctx context.Context, org, idOrName string, force bool) (sandbox.Sandbox, error) {
	s, err := m.change(ctx, org, idOrName, func(s *sandbox.Sandbox) error {
		switch {
		case s.State == sandbox.StateStopped || s.State == sandbox.StateStopping:
			if s.Desired == sandbox.DesiredStopped {
				return errNothing
			}
		case s.Desired == sandbox.DesiredDestroyed, s.State == sandbox.StateArchived, s.State == sandbox.StateArchiving,
			s.State.Failed(), s.State == sandbox.StateUnknown:
			return conflict(*s, "stopped")
		}
		s.Desired = sandbox.DesiredStopped
		if s.State == sandbox.StateStarted || s.State == sandbox.StatePaused {
			return s.Become(sandbox.StateStopping)
		}
		return nil
	})
	if err != nil {
		return s, err
	}
	if force {
		m.force(s.ID)
	}
	m.kick(s.ID)
	return m.await(ctx, s.ID, m.cfg.ReadyWait, func(s sandbox.Sandbox) bool {
		return s.State == sandbox.StateStopped && (!s.Intervals.Ephemeral() || m.forks(s.ID) > 0) || s.State.Failed() || s.Desired == sandbox.DesiredStarted
	})
}

// force lets the next stop of a sandbox kill at once.
func (m *Manager) force(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.live[id]; e != nil {
		e.force = true
	}
}

// Pause freezes a started sandbox, where its engine can.
func (m *Manager) Pause(ctx context.Context, org, idOrName string) (sandbox.Sandbox, error) {
	return m.layDown(ctx, org, idOrName, layPause)
}

// Archive moves a stopped sandbox's files away, where its engine can. It waits
// as Create does.
func (m *Manager) Archive(ctx context.Context, org, idOrName string) (sandbox.Sandbox, error) {
	return m.layDown(ctx, org, idOrName, layArchive)
}

// A laying is a way to lay a sandbox down.
type laying struct {
	from, through, to sandbox.State
	desired           sandbox.DesiredState
	power             string
	can               func(sandbox.Powers) bool
}

var (
	layPause = laying{sandbox.StateStarted, sandbox.StatePausing, sandbox.StatePaused, sandbox.DesiredPaused,
		"pause sandboxes", func(p sandbox.Powers) bool { return p.Pause }}
	layArchive = laying{sandbox.StateStopped, sandbox.StateArchiving, sandbox.StateArchived, sandbox.DesiredArchived,
		"archive sandboxes", func(p sandbox.Powers) bool { return p.Archive }}
)

// layDown begins to pause or archive a sandbox and waits as Create does.
func (m *Manager) layDown(ctx context.Context, org, idOrName string, l laying) (sandbox.Sandbox, error) {
	s, err := m.able(org, idOrName, l.power, l.can)
	if err != nil {
		return s, err
	}
	s, err = m.update(ctx, s.ID, func(s *sandbox.Sandbox) error {
		switch {
		case s.Desired == l.desired && (s.State == l.to || s.State == l.through):
			return errNothing
		case s.State != l.from || s.Desired == sandbox.DesiredDestroyed:
			return conflict(*s, string(l.to))
		}
		s.Desired = l.desired
		return s.Become(l.through)
	})
	if err != nil {
		return s, err
	}
	m.kick(s.ID)
	return m.await(ctx, s.ID, m.cfg.ReadyWait, func(s sandbox.Sandbox) bool {
		return s.State == l.to || s.State == l.from || s.State.Failed()
	})
}

// able returns a sandbox whose engine has a power, or says that it has not.
func (m *Manager) able(org, idOrName, what string, power func(sandbox.Powers) bool) (sandbox.Sandbox, error) {
	s, err := m.find(org, idOrName)
	if err != nil {
		return s, err
	}
	print, err := m.placer.Print(s.Engine)
	switch {
	case err != nil:
		return s, err
	case !power(print.Can):
		return s, cannot(s.Engine, what)
	}
	return s, nil
}

// can returns what the engine of a sandbox can do here.
func (m *Manager) can(s sandbox.Sandbox) sandbox.Powers {
	print, err := m.placer.Print(s.Engine)
	if err != nil {
		return sandbox.Powers{}
	}
	return print.Can
}

// Destroy removes a sandbox, and those that are linked to it. Whatever is going
// on with it is cut off. One with forks that are not destroyed is a conflict.
func (m *Manager) Destroy(ctx context.Context, org, idOrName string) (sandbox.Sandbox, error) {
	s, err := m.find(org, idOrName)
	if err != nil {
		return s, err
	}
	if s, err = m.destroy(ctx, s); err != nil {
		return s, err
	}
	return m.await(ctx, s.ID, m.cfg.ReadyWait, func(s sandbox.Sandbox) bool { return s.State == sandbox.StateError })
}

// destroy begins to destroy a sandbox and those that are linked to it.
func (m *Manager) destroy(ctx context.Context, s sandbox.Sandbox) (sandbox.Sandbox, error) {
	if forks := m.forks(s.ID); forks > 0 {
		return s, sandbox.Errorf(sandbox.KindConflict, "sandbox %s has %d forks; delete them first", s.Name, forks)
	}
	s, err := m.update(ctx, s.ID, func(s *sandbox.Sandbox) error {
		if s.State == sandbox.StateDestroy {
			return errNothing
		}
		s.Desired = sandbox.DesiredDestroyed
		return s.Become(sandbox.StateDestroy)
	})
	if err != nil {
		return s, err
	}
	m.kick(s.ID)
	return s, m.destroyLinked(ctx, s.ID)
}

// destroyLinked begins to destroy the sandboxes that are linked to one.
func (m *Manager) destroyLinked(ctx context.Context, id string) error {
	var errs []error
	for _, child := range m.linked(id) {
		if _, err := m.destroy(ctx, child); err != nil && sandbox.KindOf(err) != sandbox.KindNotFound {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// linked returns the sandboxes that are linked to one and stay.
func (m *Manager) linked(id string) (all []sandbox.Sandbox) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.live {
		if e.s.Linked == id && e.s.Desired != sandbox.DesiredDestroyed {
			all = append(all, e.s.Clone())
		}
	}
	return all
}

// forks returns how many forks of a sandbox stay.
func (m *Manager) forks(id string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.forksLocked(id)
}

// forksLocked is forks. Preconditions: m.mu must be held.
func (m *Manager) forksLocked(id string) (n int) {
	for _, e := range m.live {
		if e.s.Parent == id && e.s.Desired != sandbox.DesiredDestroyed {
			n++
		}
	}
	return n
}

// Recover brings a sandbox back from an error, where that can be: it is started
// again, or created again if it never was. With skipStart it is left stopped.
func (m *Manager) Recover(ctx context.Context, org, idOrName string, skipStart bool) (sandbox.Sandbox, error) {
	s, err := m.find(org, idOrName)
	switch {
	case err != nil:
		return s, err
	case s.State != sandbox.StateError || s.Desired == sandbox.DesiredDestroyed:
		return s, sandbox.Errorf(sandbox.KindConflict, "sandbox %s is %s; only one that failed can be recovered", s.Name, s.State)
	case !s.Recoverable:
		return s, sandbox.Errorf(sandbox.KindConflict, "sandbox %s cannot be recovered: %s", s.Name, s.ErrorReason)
	}
	ticket, err := m.reserve(ctx, s, s.Resources.Held(s.State))
	if err != nil {
		return s, err
	}
	s, err = m.update(ctx, s.ID, func(now *sandbox.Sandbox) error {
		if now.State != sandbox.StateError || !now.Recoverable {
			return conflict(*now, "recovered")
		}
		now.Desired = sandbox.DesiredStarted
		if skipStart {
			now.Desired = sandbox.DesiredStopped
		}
		now.ErrorReason, now.Recoverable = "", false
		return now.Become(wayBack(*now))
	})
	if err != nil {
		m.release(ticket, s.ID)
		return s, err
	}
	m.giveTicket(s.ID, ticket)
	m.kick(s.ID)
	return m.await(ctx, s.ID, m.cfg.ReadyWait, func(s sandbox.Sandbox) bool {
		return s.State == sandbox.StateStarted && !skipStart || s.State == sandbox.StateStopped && skipStart || s.State.Failed()
	})
}

// wayBack returns the state through which a sandbox comes back from an error.
func wayBack(s sandbox.Sandbox) sandbox.State {
	switch {
	case s.StartedAt.IsZero():
		return sandbox.StateCreating
	case s.Desired == sandbox.DesiredStopped:
		return sandbox.StateStopping
	default:
		return sandbox.StateStarting
	}
}
