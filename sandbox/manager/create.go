package manager

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"sandpiper/sandbox"
)

// Create makes a sandbox. It is StateStarted when it was ready within
// Config.ReadyWait (a WebAssembly sandbox, a member of a warm pool, a quick
// container); else it goes on in the background and the state says how far it
// is. A creation that its engine refuses while the caller waits leaves nothing
// behind.
//
// # Errors
//
//   - KindUnprocessed: a field cannot be as it is, or the engine cannot do it.
//   - KindNotFound: there is no such snapshot.
//   - KindConflict: the name is taken, or the snapshot cannot be used now.
//   - KindForbidden: the organization's quota is used up.
//   - KindBusy: the host has no room, or the queue is full; see RetryAfter.
//   - KindUnavailable: the engine that is needed is not there.
func (m *Manager) Create(ctx context.Context, r CreateRequest) (sandbox.Sandbox, error) {
	s, err := m.newRecord(ctx, r)
	if err != nil {
		return sandbox.Sandbox{}, err
	}
	if claimed, ok := m.claim(ctx, s); ok {
		return claimed, nil
	}
	if err := m.add(ctx, s); err != nil {
		return sandbox.Sandbox{}, err
	}
	return m.created(ctx, s.ID)
}

// add finds room for a new sandbox, stores it, and lets its worker create it.
func (m *Manager) add(ctx context.Context, s sandbox.Sandbox) error {
	ticket, err := m.reserve(ctx, s, sandbox.Resources{})
	if err != nil {
		return err
	}
	s.Runner, s.Placed, s.Cause = ticket.Runner(), ticket.Reason(), sandbox.CauseOf(ctx)
	if err := m.store.AddSandbox(ctx, s); err != nil {
		m.release(ticket, s.ID)
		return err
	}
	m.log.InfoContext(ctx, "create a sandbox", "sandbox", s.ID, "snapshot", s.Snapshot, "runner", s.Runner, "reason", s.Placed)
	m.note(sandbox.Sandbox{}, s)
	m.giveTicket(s.ID, ticket)
	m.kick(s.ID)
	return nil
}

// created waits for a new sandbox. Where the engine has refused it, the sandbox
// goes away again and the caller hears why.
func (m *Manager) created(ctx context.Context, id string) (sandbox.Sandbox, error) {
	s, err := m.await(ctx, id, m.cfg.ReadyWait, in(sandbox.StateStarted, sandbox.StateError))
	if err != nil || s.State != sandbox.StateError {
		return s, err
	}
	refusal := m.faultOf(id)
	if refusal == nil {
		return s, nil
	}
	if _, err := m.destroy(ctx, s); err != nil {
		m.log.WarnContext(ctx, "remove a sandbox that was refused", "sandbox", id, "err", err)
	}
	return sandbox.Sandbox{}, refusal
}

// faultOf returns the last fault of a sandbox where it is the caller's to solve.
func (m *Manager) faultOf(id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var e *sandbox.Error
	if entry := m.live[id]; entry == nil || !errors.As(entry.fault, &e) || e.Kind == sandbox.KindInternal {
		return nil
	}
	return e
}

// newRecord makes the record that a request asks for.
func (m *Manager) newRecord(ctx context.Context, r CreateRequest) (sandbox.Sandbox, error) {
	if err := r.validate(); err != nil {
		return sandbox.Sandbox{}, err
	}
	intervals, err := r.intervals()
	if err != nil {
		return sandbox.Sandbox{}, err
	}
	snapshot, err := m.resolve(ctx, r)
	if err != nil {
		return sandbox.Sandbox{}, err
	}
	if len(r.Command) > 0 {
		if r.Entrypoint, err = m.withCommand(ctx, snapshot, r.Command); err != nil {
			return sandbox.Sandbox{}, err
		}
	}
	s := recordOf(r, snapshot, intervals)
	if err := s.Resources.Validate(m.cfg.Organization.MaxEach); err != nil {
		return s, err
	}
	if err := m.checkPowers(s); err != nil {
		return s, err
	}
	if r.Linked != "" {
		err = m.link(&s, r)
	}
	return s, err
}

func recordOf(r CreateRequest, snapshot sandbox.Snapshot, intervals sandbox.Intervals) sandbox.Sandbox {
	id, now := sandbox.NewUUID(), time.Now()
	s := sandbox.Sandbox{
		ID: id, Name: r.Name, Organization: r.Organization,
		Snapshot: snapshot.Name, Ref: snapshot.Ref, Engine: snapshot.Engine, Runtime: snapshot.Runtime, Target: r.Target,
		Entrypoint: slices.Clone(r.Entrypoint), User: r.User, OwnUser: cmp.Or(snapshot.User, "root"), Env: maps.Clone(r.Env), Labels: maps.Clone(r.Labels), Public: r.Public,
		Resources: r.Resources.Or(snapshot.Resources), Network: r.Network.Clone(), Volumes: slices.Clone(r.Volumes),
		State: sandbox.StateCreating, Desired: sandbox.DesiredStarted, Incarnation: 1,
		Intervals: intervals, Backup: sandbox.BackupNone, CreatedAt: now, UpdatedAt: now, LastEvent: now, Deprecated: r.Deprecated,
	}
	if s.Name == "" {
		s.Name = id
	}
	if s.Entrypoint == nil {
		s.Entrypoint = slices.Clone(snapshot.Entrypoint)
	}
	if s.Network.BlockAll {
		s.Network = sandbox.Network{BlockAll: true}
	}
	if intervals.TTL > 0 {
		s.DestroyAt = now.Add(intervals.TTL)
	}
	return s
}

// validate checks all that needs no other knowledge.
func (r CreateRequest) validate() error {
	if r.Organization == "" {
		return sandbox.Errorf(sandbox.KindForbidden, "a sandbox belongs to an organization")
	}
	if r.Name != "" {
		if err := sandbox.ValidateName(r.Name); err != nil {
			return err
		}
	}
	for _, err := range []error{
		sandbox.ValidateTarget(r.Target), sandbox.ValidateUser(r.User), sandbox.ValidateEnv(r.Env),
		sandbox.ValidateLabels(r.Labels), r.Network.Validate(), sandbox.ValidateVolumes(r.Volumes),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// intervals fills in the defaults. A sandbox that pauses by itself does not stop
// by itself unless both are asked for, which is refused.
func (r CreateRequest) intervals() (sandbox.Intervals, error) {
	i := sandbox.Intervals{AutoStop: sandbox.DefaultAutoStop, AutoArchive: sandbox.DefaultAutoArchive, AutoDelete: sandbox.NoAutoDelete}
	if r.AutoPause != nil && *r.AutoPause > 0 {
		i.AutoStop = 0
	}
	for _, f := range []struct {
		field *time.Duration
		asked *time.Duration
	}{
		{&i.AutoStop, r.AutoStop}, {&i.AutoPause, r.AutoPause}, {&i.AutoArchive, r.AutoArchive}, {&i.AutoDelete, r.AutoDelete}, {&i.TTL, r.TTL},
	} {
		if f.asked != nil {
			*f.field = *f.asked
		}
	}
	return i, i.Validate()
}

// checkPowers refuses what the sandbox's engine cannot give.
func (m *Manager) checkPowers(s sandbox.Sandbox) error {
	print, err := m.placer.Print(s.Engine)
	if err != nil {
		return err
	}
	if s.Intervals.AutoPause > 0 && !print.Can.Pause {
		return fieldError("autoPauseInterval", cannot(s.Engine, "pause sandboxes"))
	}
	if len(s.Network.Allow) > 0 && !print.Can.Network {
		return fieldError("networkAllowList", cannot(s.Engine, "let a sandbox reach some networks and not others"))
	}
	if len(s.Network.Domains) > 0 && !print.Can.Network {
		return fieldError("domainAllowList", cannot(s.Engine, "let a sandbox reach some domains and not others"))
	}
	if s.Network.BlockAll && !print.Can.Network && s.Engine != sandbox.EngineWasm { // which reaches nothing anyway
		return fieldError("networkBlockAll", cannot(s.Engine, "block a sandbox's network"))
	}
	if s.Runtime != "" && !slices.Contains(print.Runtimes, s.Runtime) {
		return sandbox.Errorf(sandbox.KindUnprocessed, "the snapshot asks for the runtime %s, which this server does not have", s.Runtime)
	}
	return nil
}

// fieldError names the field at fault in an error.
func fieldError(field string, err error) error {
	var e *sandbox.Error
	if errors.As(err, &e) {
		named := *e
		named.Field = field
		return &named
	}
	return err
}

// maxFamily is how many sandboxes may be linked with one another, where an engine
// wires each two of them. Some that are made at the same time may come on top.
const maxFamily = 20

// link ties a new sandbox to the one that it goes away with.
func (m *Manager) link(s *sandbox.Sandbox, r CreateRequest) error {
	parent, err := m.find(r.Organization, r.Linked)
	switch {
	case err != nil:
		return sandbox.FieldErrorf("linkedSandbox", "there is no sandbox %q to link to", r.Linked)
	case parent.Linked != "":
		return sandbox.FieldErrorf("linkedSandbox", "sandbox %s is linked itself; link to the sandbox that it is linked to", parent.Name)
	case parent.Desired == sandbox.DesiredDestroyed:
		return sandbox.FieldErrorf("linkedSandbox", "sandbox %s is being destroyed", parent.Name)
	case r.AutoDelete == nil || *r.AutoDelete != 0:
		return sandbox.FieldErrorf("autoDeleteInterval", "a linked sandbox must be ephemeral: the interval must be 0")
	case parent.Engine != s.Engine:
		return sandbox.FieldErrorf("linkedSandbox", "sandbox %s is on the %s engine and the new one would be on the %s engine; linked sandboxes share one", parent.Name, parent.Engine, s.Engine)
	case m.can(parent).Link && len(m.family(parent)) >= maxFamily:
		return sandbox.FieldErrorf("linkedSandbox", "sandbox %s has %d linked sandboxes already, the most that can reach each other", parent.Name, maxFamily-1)
	}
	s.Linked, s.Runner = parent.ID, parent.Runner
	return nil
}
