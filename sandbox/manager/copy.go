package manager

import (
	"context"
	"time"

	"sandpiper/sandbox"
)

// Fork makes a copy of a started sandbox's files, started, where the engine
// can. Without a name it has its ID for one. It waits as Create does.
func (m *Manager) Fork(ctx context.Context, org, idOrName, name string) (sandbox.Sandbox, error) {
	source, err := m.able(org, idOrName, "fork sandboxes", func(p sandbox.Powers) bool { return p.Fork })
	if err != nil {
		return source, err
	}
	if name != "" {
		if err := sandbox.ValidateName(name); err != nil {
			return source, err
		}
	}
	if source.State != sandbox.StateStarted && !excursion(source.State) || source.Desired != sandbox.DesiredStarted {
		return source, conflict(source, "forked")
	}
	fork := forkOf(source, name)
	if err := m.add(ctx, fork); err != nil {
		return fork, err
	}
	return m.created(ctx, fork.ID)
}

// forkOf returns the record of a fork: it begins a life of its own.
func forkOf(source sandbox.Sandbox, name string) sandbox.Sandbox {
	now := time.Now()
	f := source.Clone()
	f.ID, f.Parent = sandbox.NewUUID(), source.ID
	if f.Name = name; name == "" {
		f.Name = f.ID
	}
	f.State, f.Desired, f.Incarnation, f.KeyVersion = sandbox.StateCreating, sandbox.DesiredStarted, 1, 0
	f.Linked, f.WarmPool, f.Backup, f.BackupAt, f.Archive = "", "", sandbox.BackupNone, time.Time{}, ""
	f.CreatedAt, f.UpdatedAt, f.LastEvent, f.StartedAt, f.Activity = now, now, now, time.Time{}, nil
	if f.DestroyAt = (time.Time{}); f.Intervals.TTL > 0 {
		f.DestroyAt = now.Add(f.Intervals.TTL)
	}
	return f
}

// Snapshot makes a snapshot of a sandbox's files, where the engine can, and
// returns the sandbox: it is StateSnapping until the snapshot is there. It waits
// as Create does. The memory of sandboxes is not kept here.
func (m *Manager) Snapshot(ctx context.Context, org, idOrName, name string, includeMemory bool) (sandbox.Sandbox, error) {
	s, err := m.able(org, idOrName, "make snapshots of sandboxes", func(p sandbox.Powers) bool { return p.Snapshot })
	if err != nil {
		return s, err
	}
	if includeMemory {
		return s, sandbox.FieldErrorf("includeMemory", "snapshots hold files only; leave includeMemory out")
	}
	if err := sandbox.ValidateName(name); err != nil {
		return s, err
	}
	if !s.State.CanBecome(sandbox.StateSnapping) || s.Desired == sandbox.DesiredDestroyed {
		return s, conflict(s, "made a snapshot of")
	}
	snapshot, err := m.addSnapshot(ctx, snapshotOf(s, name))
	if err != nil {
		return s, err
	}
	begun := make(chan struct{})
	done := m.enqueue(s.ID, func(job context.Context) { m.takeSnapshot(job, s.ID, snapshot, begun) })
	if done == nil {
		m.dropSnapshot(snapshot, errNotRun)
		return s, errNotRun
	}
	m.wg.Go(func() { // where nobody runs the job, the snapshot must not wait for it
		<-done
		select {
		case <-begun:
		default:
			m.dropSnapshot(snapshot, errNotRun)
		}
	})
	return m.awaitSnapshot(ctx, s, done)
}

func snapshotOf(s sandbox.Sandbox, name string) sandbox.Snapshot {
	now := time.Now()
	return sandbox.Snapshot{
		ID: sandbox.NewUUID(), Name: name, Organization: s.Organization, Engine: s.Engine, Entrypoint: s.Entrypoint, Runtime: s.Runtime,
		Resources: s.Resources, State: sandbox.SnapshotSnapping, Source: s.ID, CreatedAt: now, UpdatedAt: now,
	}
}

// awaitSnapshot waits for a snapshot as long as a request waits.
func (m *Manager) awaitSnapshot(ctx context.Context, s sandbox.Sandbox, done <-chan struct{}) (sandbox.Sandbox, error) {
	patience := time.NewTimer(m.cfg.ReadyWait)
	defer patience.Stop()
	select {
	case <-done:
	case <-patience.C:
	case <-ctx.Done():
	}
	return m.byID(s.ID)
}

// takeSnapshot is called by the sandbox's worker.
func (m *Manager) takeSnapshot(ctx context.Context, id string, snapshot sandbox.Snapshot, begun chan<- struct{}) {
	close(begun)
	err := m.excursion(ctx, id, sandbox.StateSnapping, func(call context.Context, source sandbox.Sandbox) error {
		engine, _ := m.placer.Engine(source.Runner)
		snapper, ok := engine.(sandbox.Snapshotter)
		if !ok {
			return cannot(source.Engine, "make snapshots of sandboxes")
		}
		ref, info, err := snapper.Snapshot(call, id, snapshot.Name)
		if err != nil {
			return err
		}
		return m.updateSnapshot(m.root, snapshot.ID, func(s *sandbox.Snapshot) error {
			s.Ref, s.User, s.SizeBytes, s.State = ref, source.OwnUser, info.SizeBytes, sandbox.SnapshotActive
			return nil
		})
	})
	if m.root.Err() != nil {
		err = errCutOff
	}
	if err != nil {
		m.log.Warn("make a snapshot of a sandbox", "sandbox", id, "snapshot", snapshot.Name, "err", err)
		m.dropSnapshot(snapshot, err)
	}
}

// dropSnapshot says why there will be nothing of a snapshot.
func (m *Manager) dropSnapshot(snapshot sandbox.Snapshot, cause error) {
	err := m.updateSnapshot(context.WithoutCancel(m.root), snapshot.ID, func(s *sandbox.Snapshot) error {
		s.State, s.ErrorReason = sandbox.SnapshotError, reasonOf("snapshot", cause)
		return nil
	})
	if err != nil {
		m.log.Warn("write down that a snapshot failed", "snapshot", snapshot.Name, "err", err)
	}
}

// errCutOff is why a snapshot failed that a crash has cut off.
var errCutOff = sandbox.Errorf(sandbox.KindUnavailable, "the server ended in the middle of it; delete it and make it again")

// dropHalfSnapshots finds the snapshots that a crash has cut off.
func (m *Manager) dropHalfSnapshots(ctx context.Context) error {
	for page := 1; ; page++ {
		found, err := m.store.Snapshots(ctx, sandbox.SnapshotFilter{Page: page, Limit: sandbox.MaxPageSize, Sort: sandbox.SnapshotsByCreated})
		if err != nil {
			return err
		}
		for _, s := range found.Items {
			if s.State == sandbox.SnapshotSnapping {
				m.dropSnapshot(s, errCutOff)
			}
		}
		if page*sandbox.MaxPageSize >= found.Total {
			return nil
		}
	}
}

// Forks returns the sandboxes that were forked from one.
func (m *Manager) Forks(ctx context.Context, org, idOrName string, includeDestroyed bool) ([]sandbox.Sandbox, error) {
	s, err := m.find(org, idOrName)
	if err != nil {
		return nil, err
	}
	f := sandbox.SandboxFilter{Organization: org, Parent: s.ID, Limit: sandbox.MaxPageSize, Ascending: true, IncludeErroredDestroyed: true}
	all, err := m.every(ctx, f)
	if err != nil || !includeDestroyed {
		return all, err
	}
	f.States = []sandbox.State{sandbox.StateDestroyed}
	destroyed, err := m.every(ctx, f)
	return append(all, destroyed...), err
}

// every returns all pages of a list.
func (m *Manager) every(ctx context.Context, f sandbox.SandboxFilter) ([]sandbox.Sandbox, error) {
	all := []sandbox.Sandbox{}
	for {
		page, err := m.store.Sandboxes(ctx, f)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if f.Cursor = page.NextCursor; f.Cursor == "" {
			return all, nil
		}
	}
}

// Parent returns the sandbox that one was forked from: KindNotFound where it is
// no fork.
func (m *Manager) Parent(ctx context.Context, org, idOrName string) (sandbox.Sandbox, error) {
	s, err := m.find(org, idOrName)
	switch {
	case err != nil:
		return s, err
	case s.Parent == "":
		return s, sandbox.Errorf(sandbox.KindNotFound, "sandbox %s is not a fork", s.Name)
	}
	return m.store.Sandbox(ctx, s.Parent)
}

// Ancestors returns the sandboxes that led to one by forks, its parent first.
func (m *Manager) Ancestors(ctx context.Context, org, idOrName string) ([]sandbox.Sandbox, error) {
	s, err := m.find(org, idOrName)
	if err != nil {
		return nil, err
	}
	all, seen := []sandbox.Sandbox{}, map[string]bool{}
	for s.Parent != "" && !seen[s.Parent] {
		seen[s.Parent] = true
		s, err = m.store.Sandbox(ctx, s.Parent)
		if err != nil && sandbox.KindOf(err) == sandbox.KindNotFound {
			break // it was destroyed and is forgotten
		}
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}
