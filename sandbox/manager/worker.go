package manager

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"sandpiper/sandbox"
)

// errSuperseded is why work is cut off when something else is desired.
var errSuperseded = errors.New("something else is desired now")

// A job is work on a sandbox that no worker may be at: run is called by the
// sandbox's worker, between its other work.
type job struct {
	run  func(ctx context.Context)
	done chan struct{}
}

// kick lets a worker look at a sandbox. What the worker is at is cut off where
// the record no longer asks for it.
func (m *Manager) kick(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.live[id]; e != nil {
		m.kickLocked(e)
	}
}

// kickLocked is kick. Preconditions: m.mu must be held.
func (m *Manager) kickLocked(e *entry) {
	if m.closed {
		return
	}
	if e.working {
		if e.cancel != nil && superseded(e.op, e.s) {
			e.cancel(errSuperseded)
		}
		return
	}
	e.working = true
	m.wg.Go(func() { m.work(e) })
}

// superseded reports whether a sandbox's record makes what its worker is at
// vain. A creation is not cut off to be stopped: there would be nothing to stop.
func superseded(at op, s sandbox.Sandbox) bool {
	if s.Desired == sandbox.DesiredDestroyed {
		return at != opDestroy
	}
	return s.Desired == sandbox.DesiredStopped && (at == opStart || at == opResume)
}

// inTurn lets a sandbox's worker run f and returns its error. When ctx is done
// first, f may still run later.
func (m *Manager) inTurn(ctx context.Context, id string, f func(ctx context.Context) error) error {
	result := make(chan error, 1)
	done := m.enqueue(id, func(job context.Context) { result <- f(sandbox.WithCause(job, sandbox.CauseOf(ctx))) })
	if done == nil {
		return errNotRun
	}
	select {
	case <-done:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-result:
		return err
	default:
		return errNotRun
	}
}

// enqueue gives a sandbox's worker a function to run and returns what is closed
// when it has; nil when the sandbox is not there.
func (m *Manager) enqueue(id string, f func(ctx context.Context)) <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.live[id]
	if e == nil || m.closed {
		return nil
	}
	j := job{f, make(chan struct{})}
	e.jobs = append(e.jobs, j)
	m.kickLocked(e)
	return j.done
}

// work does what there is to do for a sandbox until there is nothing left.
func (m *Manager) work(e *entry) {
	for {
		s, at, j, ctx := m.nextWork(e)
		if at == opNone {
			return
		}
		if at == opJob {
			j.run(ctx)
			close(j.done)
		} else if !m.do(ctx, e, s, at) {
			m.rest(e)
			return
		}
	}
}

// nextWork takes what is to be done next; opNone ends the worker.
func (m *Manager) nextWork(e *entry) (s sandbox.Sandbox, at op, j job, ctx context.Context) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e.cancel != nil {
		e.cancel(nil)
		e.cancel = nil
	}
	s = e.record()
	switch at = next(s, m.forksLocked(s.ID) > 0); {
	case m.closed:
		at = opNone
	case len(e.jobs) > 0 && at != opDestroy:
		at, j = opJob, e.jobs[0]
		e.jobs = e.jobs[1:]
	}
	if at == opNone || at == opDestroy {
		e.dropTicket()
	}
	if e.op = at; at == opNone {
		e.working = false
		abandon(e)
		return s, at, j, nil
	}
	ctx, e.cancel = context.WithCancelCause(m.root)
	return s, at, j, ctx
}

// rest ends a worker that cannot go on now; the plan sends another one.
// Preconditions: it is the worker of e.
func (m *Manager) rest(e *entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e.working, e.op = false, opNone
	e.cancel(nil)
	e.cancel = nil
	abandon(e)
}

// abandon lets those go who wait for jobs that nobody will run. The manager's
// mu must be held.
func abandon(e *entry) {
	for _, j := range e.jobs {
		close(j.done)
	}
	e.jobs = nil
}

// do does one op and writes down what came of it. It returns false when there
// is no going on: the store fails, or the manager closes.
func (m *Manager) do(ctx context.Context, e *entry, s sandbox.Sandbox, at op) bool {
	if to, ok := begins[at]; ok {
		_, err := m.update(m.root, s.ID, func(now *sandbox.Sandbox) error {
			if next(*now, m.forks(s.ID) > 0) != at {
				return errNothing
			}
			if at == opBeginDestroy {
				now.Desired = sandbox.DesiredDestroyed
			}
			return now.Become(to)
		})
		if err == nil && at == opBeginDestroy {
			err = m.destroyLinked(m.root, s.ID)
		}
		return m.wrote(s, at, err)
	}
	result, err := m.perform(ctx, e, s, at)
	switch {
	case err != nil && m.root.Err() != nil:
		return false
	case err != nil && errors.Is(context.Cause(ctx), errSuperseded):
		return true
	case err != nil:
		return m.fail(e, s, at, err)
	}
	_, err = m.update(m.root, s.ID, func(now *sandbox.Sandbox) error {
		if now.State != s.State || now.Incarnation != s.Incarnation {
			return errNothing // something else is desired since
		}
		return result(now)
	})
	return m.wrote(s, at, err)
}

// wrote reports whether the worker may go on after a write.
func (m *Manager) wrote(s sandbox.Sandbox, at op, err error) bool {
	if err == nil || sandbox.KindOf(err) == sandbox.KindNotFound {
		return true
	}
	if m.root.Err() == nil {
		m.log.Error("write down what became of a sandbox", "sandbox", s.ID, "op", at, "err", err)
	}
	return false
}

// A result changes a record to what an op led to.
type result func(*sandbox.Sandbox) error

func become(state sandbox.State) result {
	return func(s *sandbox.Sandbox) error { return s.Become(state) }
}

// perform calls the engine.
func (m *Manager) perform(ctx context.Context, e *entry, s sandbox.Sandbox, at op) (result, error) {
	engine, ok := m.placer.Engine(s.Runner)
	if !ok {
		return nil, sandbox.Errorf(sandbox.KindUnavailable, "the runner %s, which holds it, is not part of this server now", s.Runner)
	}
	switch at {
	case opCreate:
		return m.performStart(ctx, e, s, engine.Create)
	case opStart:
		return m.performStart(ctx, e, s, engine.Start)
	case opFork:
		return m.performStart(ctx, e, s, m.forkFrom(s.Parent, engine))
	}
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	switch at {
	case opStop:
		return become(sandbox.StateStopped), m.performStop(ctx, e, engine, s)
	case opPause, opResume:
		return m.performPause(ctx, engine, s, at)
	case opArchive, opRestore, opForget:
		return m.performArchive(ctx, engine, s, at)
	case opDestroy:
		return become(sandbox.StateDestroyed), m.performDestroy(ctx, engine, s)
	default:
		return nil, fmt.Errorf("no such op: %s", at)
	}
}

// ignoreGone keeps a stop from failing for a sandbox that never was whole: the
// reconciler sees whether its files are there.
func ignoreGone(err error) error {
	if err != nil && sandbox.KindOf(err) == sandbox.KindNotFound {
		return nil
	}
	return err
}

// performStart waits for the turn and lets call make or start the sandbox.
func (m *Manager) performStart(ctx context.Context, e *entry, s sandbox.Sandbox, call func(context.Context, sandbox.Spec) error) (result, error) {
	ticket, err := m.takeTicket(ctx, e, s)
	if err != nil {
		return nil, err
	}
	defer m.setTurn(e, nil)
	defer ticket.Done()
	m.setTurn(e, ticket)
	if err := ticket.Wait(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, opTimeout) // the wait does not count
	defer cancel()
	if err := call(ctx, m.spec(s)); err != nil {
		return nil, err
	}
	if err := m.connect(ctx, s); err != nil {
		return nil, err
	}
	isolation := ""
	if print, err := m.placer.Print(s.Engine); err == nil && s.Runtime == "" {
		isolation = print.Isolation
	}
	return func(s *sandbox.Sandbox) error {
		if isolation != "" {
			s.Isolation = isolation
		}
		s.Agent = m.cfg.Version
		return s.Become(sandbox.StateStarted)
	}, nil
}

// grace returns how long processes have to end, and forgets a wish for force.
func (m *Manager) grace(e *entry) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e.force {
		e.force = false
		return 0
	}
	return stopGrace
}

func (m *Manager) performStop(ctx context.Context, e *entry, engine sandbox.Engine, s sandbox.Sandbox) error {
	if err := ignoreGone(engine.Stop(ctx, s.ID, m.grace(e))); err != nil {
		return err
	}
	m.reconnect(ctx, s)
	return nil
}

func (m *Manager) performPause(ctx context.Context, engine sandbox.Engine, s sandbox.Sandbox, at op) (result, error) {
	p, ok := engine.(sandbox.Pauser)
	if !ok {
		return nil, cannot(s.Engine, "pause sandboxes")
	}
	if at == opPause {
		return become(sandbox.StatePaused), p.Pause(ctx, s.ID)
	}
	return become(sandbox.StateStarted), p.Resume(ctx, s.ID)
}

func (m *Manager) performArchive(ctx context.Context, engine sandbox.Engine, s sandbox.Sandbox, at op) (result, error) {
	a, ok := engine.(sandbox.Archiver)
	if !ok {
		return nil, cannot(s.Engine, "archive sandboxes")
	}
	switch at {
	case opRestore:
		return become(sandbox.StateStopped), a.Restore(ctx, m.spec(s), s.Archive)
	case opForget:
		return forgetArchive, ignoreGone(a.DeleteArchive(ctx, s.Archive))
	}
	archive, err := a.Archive(ctx, s.ID)
	return func(s *sandbox.Sandbox) error {
		s.Archive, s.Backup, s.BackupAt = archive, sandbox.BackupCompleted, time.Now()
		return s.Become(sandbox.StateArchived)
	}, err
}

func forgetArchive(s *sandbox.Sandbox) error {
	s.Archive = ""
	return nil
}

func (m *Manager) performDestroy(ctx context.Context, engine sandbox.Engine, s sandbox.Sandbox) error {
	if a, ok := engine.(sandbox.Archiver); ok && s.Archive != "" {
		if err := ignoreGone(a.DeleteArchive(ctx, s.Archive)); err != nil {
			return err
		}
	}
	if err := ignoreGone(engine.Destroy(ctx, s.ID)); err != nil {
		return err
	}
	m.reconnect(ctx, s)
	return nil
}

// cannot is the error of an engine that lacks a power.
func cannot(e sandbox.EngineName, what string) error {
	if e == sandbox.EngineWasm {
		return sandbox.Errorf(sandbox.KindUnprocessed, "the WebAssembly engine cannot %s; a sandbox from a container snapshot, which needs Docker, can", what)
	}
	return sandbox.Errorf(sandbox.KindUnprocessed, "the %s engine of this server cannot %s", e, what)
}

// reasonOf returns what people may read about an error of an engine.
func reasonOf(at op, err error) string {
	var e *sandbox.Error
	switch {
	case errors.As(err, &e) && e.Kind != sandbox.KindInternal:
		return e.Message
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("the engine took longer than %v to %s it; try to recover it", opTimeout, at)
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Sprintf("there was no room to %s it, for the host's disk is full: delete what is not needed, then try again", at)
	default:
		return fmt.Sprintf("the engine failed to %s it; the cause is in the server's log", at)
	}
}

// fail writes down that an op failed, and why.
func (m *Manager) fail(e *entry, s sandbox.Sandbox, at op, cause error) bool {
	m.log.Warn("work on a sandbox failed", "sandbox", s.ID, "op", at, "engine", s.Engine, "err", cause)
	m.cleanUp(s, at)
	m.mu.Lock()
	e.fault = cause
	m.mu.Unlock()
	_, err := m.update(m.root, s.ID, func(now *sandbox.Sandbox) error {
		if now.State != s.State || now.Incarnation != s.Incarnation {
			return errNothing
		}
		now.ErrorReason = reasonOf(at, cause)
		return m.afterFailure(now, at, cause)
	})
	return m.wrote(s, at, err)
}

// afterFailure leads a sandbox to where an op that failed leaves it. What is as
// it was stays usable; the rest is an error, which recovering may end.
func (m *Manager) afterFailure(s *sandbox.Sandbox, at op, cause error) error {
	switch at {
	case opForget:
		return forgetArchive(s)
	case opPause:
		s.Desired = sandbox.DesiredStarted
		return s.Become(sandbox.StateStarted)
	case opArchive:
		s.Desired, s.Backup = sandbox.DesiredStopped, sandbox.BackupError
		return s.Become(sandbox.StateStopped)
	case opRestore:
		s.Desired = sandbox.DesiredArchived
		return s.Become(sandbox.StateArchived)
	}
	s.Recoverable = at != opDestroy && sandbox.KindOf(cause) != sandbox.KindNotFound
	return s.Become(sandbox.StateError)
}

// cleanUp leaves nothing in the engine of a creation that failed, and nothing
// running of a start that failed.
func (m *Manager) cleanUp(s sandbox.Sandbox, at op) {
	engine, ok := m.placer.Engine(s.Runner)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(m.root, time.Minute)
	defer cancel()
	var err error
	switch at {
	case opCreate, opFork:
		err = engine.Destroy(ctx, s.ID)
	case opStart, opResume:
		err = engine.Stop(ctx, s.ID, 0)
	}
	if ignoreGone(err) != nil {
		m.log.Warn("clean up after work that failed", "sandbox", s.ID, "op", at, "err", err)
	}
}
