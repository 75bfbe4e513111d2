package manager

import (
	"context"

	"sandpiper/sandbox"
	"sandpiper/sandbox/scheduler"
)

// errNotRun is the error of a job that nobody ran.
var errNotRun = sandbox.Errorf(sandbox.KindUnavailable, "the sandbox was destroyed or the server is restarting")

// reserve finds room for a sandbox that is about to hold all its resources.
func (m *Manager) reserve(ctx context.Context, s sandbox.Sandbox, holds sandbox.Resources) (*scheduler.Ticket, error) {
	return m.placer.Reserve(ctx, scheduler.Ask{
		ID: s.ID, Organization: s.Organization, Client: sandbox.ClientOf(ctx), Engine: s.Engine, Runner: s.Runner, Resources: s.Resources, Holds: holds,
	})
}

// release gives back what was reserved for a sandbox beyond what its record
// says that it holds; everything when there is no record.
func (m *Manager) release(ticket *scheduler.Ticket, id string) {
	ticket.Done()
	s, err := m.byID(id)
	if err != nil {
		m.placer.Hold(id, "", "", sandbox.Resources{})
		return
	}
	m.placer.Hold(id, s.Organization, s.Runner, s.Resources.Held(s.State))
}

// giveTicket hands a sandbox's worker the ticket of its next start.
func (m *Manager) giveTicket(id string, t *scheduler.Ticket) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.live[id]
	if e == nil {
		t.Done()
		return
	}
	e.dropTicket()
	e.ticket = t
}

// setTurn notes which turn a worker waits for or has.
func (m *Manager) setTurn(e *entry, t *scheduler.Ticket) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e.turn = t
}

// QueuePosition returns where a sandbox's creation or start stands in the queue
// of its runner, from 1; 0 for one that does not wait.
func (m *Manager) QueuePosition(id string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.live[id]; e != nil && e.turn != nil {
		return e.turn.Position()
	}
	return 0
}

// dropTicket gives a ticket back that nobody will use. The manager's mu must be
// held.
func (e *entry) dropTicket() {
	if e.ticket != nil {
		e.ticket.Done()
		e.ticket = nil
	}
}

// takeTicket returns the ticket of a start, or a new one where a crash has lost
// it: the room is held already.
func (m *Manager) takeTicket(ctx context.Context, e *entry, s sandbox.Sandbox) (*scheduler.Ticket, error) {
	m.mu.Lock()
	t := e.ticket
	e.ticket = nil
	m.mu.Unlock()
	if t != nil {
		return t, nil
	}
	return m.reserve(ctx, s, s.Resources)
}

// excursion leads a sandbox through a state and back while f is at work. It is
// called by the sandbox's worker.
func (m *Manager) excursion(ctx context.Context, id string, through sandbox.State, f func(context.Context, sandbox.Sandbox) error) error {
	var from sandbox.State
	s, err := m.update(m.root, id, func(s *sandbox.Sandbox) error {
		from, s.Cause = s.State, sandbox.CauseOf(ctx)
		return s.Become(through)
	})
	if err != nil {
		return err
	}
	call, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	err = f(call, s)
	_, back := m.update(m.root, id, func(s *sandbox.Sandbox) error {
		if s.State != through {
			return errNothing
		}
		return s.Become(from)
	})
	if err == nil && back != nil {
		err = back
	}
	return err
}

// forkFrom returns what makes a fork of a source, in the turn of the source's
// worker.
func (m *Manager) forkFrom(source string, engine sandbox.Engine) func(context.Context, sandbox.Spec) error {
	return func(ctx context.Context, spec sandbox.Spec) error {
		forker, ok := engine.(sandbox.Forker)
		if !ok {
			return cannot(engine.Name(), "fork sandboxes")
		}
		return m.inTurn(ctx, source, func(job context.Context) error {
			job, cancel := context.WithCancelCause(job) // this job, and none that comes after it
			defer cancel(nil)
			defer context.AfterFunc(ctx, func() { cancel(errSuperseded) })()
			return m.excursion(job, source, sandbox.StateForking, func(call context.Context, _ sandbox.Sandbox) error {
				return forker.Fork(call, source, spec)
			})
		})
	}
}
