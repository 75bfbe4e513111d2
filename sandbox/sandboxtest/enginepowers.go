package sandboxtest

import (
	"context"
	"testing"

	"sandpiper/sandbox"
)

// needs skips the test where the engine does not announce a power.
func (e *engineTrial) needs(t *testing.T, power func(sandbox.Powers) bool) {
	t.Helper()
	f, err := e.Fingerprint(callContext(t))
	must(t, err)
	if !power(f.Can) {
		t.Skip("the engine does not announce it")
	}
}

func (e *engineTrial) pauses(t *testing.T) {
	e.needs(t, func(p sandbox.Powers) bool { return p.Pause })
	p := e.Engine.(sandbox.Pauser)
	s := e.create(t)
	e.execute(t, s, "echo mine >kept.txt")
	must(t, p.Pause(callContext(t), s.ID))
	e.wantState(t, s.ID, sandbox.StatePaused)
	must(t, p.Pause(callContext(t), s.ID))
	must(t, p.Resume(callContext(t), s.ID))
	e.wantState(t, s.ID, sandbox.StateStarted)
	must(t, p.Resume(callContext(t), s.ID))
	e.holds(t, s, "kept.txt", "mine\n")

	must(t, p.Pause(callContext(t), s.ID))
	must(t, e.Stop(callContext(t), s.ID, 0))
	e.wantState(t, s.ID, sandbox.StateStopped)
	must(t, e.Start(callContext(t), s))
	must(t, p.Pause(callContext(t), s.ID))
	must(t, e.Destroy(callContext(t), s.ID))
	e.gone(t, s.ID)
	wantKind(t, p.Pause(callContext(t), s.ID), sandbox.KindNotFound)
	wantKind(t, p.Resume(callContext(t), s.ID), sandbox.KindNotFound)
}

func (e *engineTrial) resizes(t *testing.T) {
	e.needs(t, func(p sandbox.Powers) bool { return p.Resize })
	r := e.Engine.(sandbox.Resizer)
	s := e.create(t)
	s.Resources = sandbox.Resources{CPU: 2, MemoryGiB: 2, DiskGiB: 1}
	must(t, r.Resize(callContext(t), s.ID, s.Resources))
	e.execute(t, s, "echo hello")
	must(t, e.Stop(callContext(t), s.ID, 0))
	must(t, r.Resize(callContext(t), s.ID, sandbox.Resources{CPU: 1, MemoryGiB: 1, DiskGiB: 2}))
	must(t, e.Start(callContext(t), s))
	wantKind(t, r.Resize(callContext(t), NewUUID(), s.Resources), sandbox.KindNotFound)
}

func (e *engineTrial) archives(t *testing.T) {
	e.needs(t, func(p sandbox.Powers) bool { return p.Archive })
	a := e.Engine.(sandbox.Archiver)
	s := e.create(t)
	e.execute(t, s, "echo mine >kept.txt")
	must(t, e.Stop(callContext(t), s.ID, 0))
	archive, err := a.Archive(callContext(t), s.ID)
	must(t, err)
	e.gone(t, s.ID)

	must(t, a.Restore(callContext(t), s, archive))
	e.wantState(t, s.ID, sandbox.StateStopped)
	must(t, a.Restore(callContext(t), s, archive))
	must(t, e.Start(callContext(t), s))
	e.holds(t, s, "kept.txt", "mine\n")

	must(t, e.Destroy(callContext(t), s.ID))
	must(t, a.DeleteArchive(callContext(t), archive))
	must(t, a.DeleteArchive(callContext(t), archive))
	if err := a.Restore(callContext(t), s, archive); err == nil {
		t.Error("a deleted archive was restored")
	}
	e.gone(t, s.ID)
	_, err = a.Archive(callContext(t), NewUUID())
	wantKind(t, err, sandbox.KindNotFound)
}

func (e *engineTrial) forks(t *testing.T) {
	e.needs(t, func(p sandbox.Powers) bool { return p.Fork })
	f := e.Engine.(sandbox.Forker)
	source, fork := e.create(t), e.spec()
	e.execute(t, source, "echo both >shared.txt")
	e.clear(t, fork.ID)
	must(t, f.Fork(callContext(t), source.ID, fork))
	e.wantState(t, fork.ID, sandbox.StateStarted)
	e.wantState(t, source.ID, sandbox.StateStarted)
	e.holds(t, fork, "shared.txt", "both\n")
	e.execute(t, fork, "echo fork >shared.txt")
	e.holds(t, source, "shared.txt", "both\n")

	must(t, e.Destroy(callContext(t), source.ID))
	e.holds(t, fork, "shared.txt", "fork\n")
	must(t, e.Stop(callContext(t), fork.ID, 0))
	must(t, e.Start(callContext(t), fork))
	e.holds(t, fork, "shared.txt", "fork\n")
	wantKind(t, f.Fork(callContext(t), NewUUID(), e.spec()), sandbox.KindNotFound)
}

func (e *engineTrial) snapshots(t *testing.T) {
	e.needs(t, func(p sandbox.Powers) bool { return p.Snapshot })
	sn := e.Engine.(sandbox.Snapshotter)
	s := e.create(t)
	e.execute(t, s, "echo before >state.txt")
	ref, info, err := sn.Snapshot(callContext(t), s.ID, "suite-"+s.ID[:8])
	must(t, err)
	t.Cleanup(func() {
		if err := sn.DeleteRef(context.Background(), ref); err != nil {
			t.Errorf("delete the ref: %v", err)
		}
	})
	if info.SizeBytes <= 0 {
		t.Errorf("the snapshot has no size: %+v", info)
	}
	e.execute(t, s, "echo after >state.txt")
	if _, err := e.HasRef(callContext(t), ref); err != nil {
		t.Errorf("the snapshot is not there: %v", err)
	}
	copied := e.spec()
	copied.Ref = ref
	e.clear(t, copied.ID)
	must(t, e.Create(callContext(t), copied))
	e.holds(t, copied, "state.txt", "before\n")

	must(t, e.Destroy(callContext(t), copied.ID))
	must(t, sn.DeleteRef(callContext(t), ref))
	must(t, sn.DeleteRef(callContext(t), ref))
	_, err = e.HasRef(callContext(t), ref)
	wantKind(t, err, sandbox.KindNotFound)
	_, _, err = sn.Snapshot(callContext(t), NewUUID(), "nobody")
	wantKind(t, err, sandbox.KindNotFound)
}

func (e *engineTrial) networks(t *testing.T) {
	e.needs(t, func(p sandbox.Powers) bool { return p.Network })
	n := e.Engine.(sandbox.Networker)
	s := e.create(t)
	for _, policy := range []sandbox.Network{
		{BlockAll: true}, {Allow: []string{"192.0.2.0/24", "198.51.100.7/32"}}, {},
	} {
		must(t, n.SetNetwork(callContext(t), s.ID, policy))
		e.execute(t, s, "echo hello")
	}
	err := n.SetNetwork(callContext(t), s.ID, sandbox.Network{Allow: []string{"not an address"}})
	wantKind(t, err, sandbox.KindUnprocessed)
	wantKind(t, n.SetNetwork(callContext(t), NewUUID(), sandbox.Network{}), sandbox.KindNotFound)
}
