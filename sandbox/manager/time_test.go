package manager_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
)

func TestAutoStop(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		idle := b.create(manager.CreateRequest{})
		used := b.create(manager.CreateRequest{AutoStop: minutes(5)})
		never := b.create(manager.CreateRequest{AutoStop: minutes(0)})
		for range 7 {
			time.Sleep(2 * time.Minute)
			must(t, b.Touch(t.Context(), org, used.ID, sandbox.ActivityToolbox))
			if _, err := b.SetLabels(t.Context(), org, used.ID, nil); err != nil {
				t.Fatal(err)
			}
		}
		b.now(idle, sandbox.StateStarted)
		time.Sleep(time.Minute + 2*time.Second)
		b.now(idle, sandbox.StateStopped)
		b.now(used, sandbox.StateStarted)
		time.Sleep(4 * time.Minute)
		b.now(used, sandbox.StateStopped)
		time.Sleep(5 * time.Hour)
		b.now(never, sandbox.StateStarted)
	})
}

func TestStateChangesSayWhy(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		ctx := sandbox.WithCause(t.Context(), "by somebody")
		s := b.create(manager.CreateRequest{})
		b.do(sandbox.StateStopped)(b.Stop(ctx, org, s.ID, false))
		b.do(sandbox.StateStarted)(b.Start(ctx, org, s.ID))
		if _, err := b.Resize(t.Context(), org, s.ID, sandbox.Resources{CPU: 2}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(16 * time.Minute)
		b.now(s, sandbox.StateStopped)
		changes, err := b.StateChanges(t.Context(), s.ID)
		must(t, err)
		const idle, somebody = "nobody used it for 15 minutes", "by somebody"
		want := []sandbox.StateChange{
			{To: sandbox.StateStopped, Reason: idle}, {To: sandbox.StateStopping, Reason: idle},
			{To: sandbox.StateStarted}, {To: sandbox.StateResizing}, // by nobody who said so
			{To: sandbox.StateStarted, Reason: somebody}, {To: sandbox.StateStarting, Reason: somebody},
			{To: sandbox.StateStopped, Reason: somebody}, {To: sandbox.StateStopping, Reason: somebody},
			{To: sandbox.StateStarted}, {To: sandbox.StateCreating},
		}
		if len(changes) != len(want) {
			t.Fatalf("got %+v", changes)
		}
		for i, c := range changes {
			if c.To != want[i].To || c.Reason != want[i].Reason {
				t.Errorf("got %+v, want %+v", c, want[i])
			}
		}
	})
}

func TestAutoPause(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		s := b.create(manager.CreateRequest{AutoPause: minutes(60)})
		if s.Intervals.AutoStop != 0 {
			t.Errorf("it stops by itself after %v, too", s.Intervals.AutoStop)
		}
		time.Sleep(61 * time.Minute)
		b.now(s, sandbox.StatePaused)
		b.do(sandbox.StateStarted)(b.Start(t.Context(), org, s.ID))
		time.Sleep(59 * time.Minute)
		b.now(s, sandbox.StateStarted)
	})
}

func TestAutoArchive(t *testing.T) {
	inSlowTime(t, func(t *testing.T, b *bench) {
		week := b.create(manager.CreateRequest{})
		month := b.create(manager.CreateRequest{AutoArchive: minutes(0)})
		again := b.create(manager.CreateRequest{AutoArchive: minutes(60)})
		for _, s := range []sandbox.Sandbox{week, month, again} {
			b.do(sandbox.StateStopped)(b.Stop(t.Context(), org, s.ID, false))
		}
		b.docker.FailNext("archive", sandbox.Errorf(sandbox.KindUnavailable, "the disk is full"))
		time.Sleep(61 * time.Minute)
		if s := b.now(again, sandbox.StateStopped); s.ErrorReason != "the disk is full" {
			t.Errorf("got %+v", s)
		}
		time.Sleep(61 * time.Minute)
		b.now(again, sandbox.StateArchived)
		time.Sleep(7*24*time.Hour - 3*time.Hour)
		b.now(week, sandbox.StateStopped)
		time.Sleep(2 * time.Hour)
		b.now(week, sandbox.StateArchived)
		b.now(month, sandbox.StateStopped)
		time.Sleep(23 * 24 * time.Hour)
		b.now(month, sandbox.StateArchived)
	})
}

func TestAutoDelete(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		s := b.create(manager.CreateRequest{AutoDelete: minutes(30), AutoArchive: minutes(10)})
		kept := b.create(manager.CreateRequest{})
		for _, s := range []sandbox.Sandbox{s, kept} {
			b.do(sandbox.StateStopped)(b.Stop(t.Context(), org, s.ID, false))
		}
		time.Sleep(20 * time.Minute)
		b.now(s, sandbox.StateArchived) // which is stopped all the same
		time.Sleep(11 * time.Minute)
		b.gone(s)
		if _, archives := b.docker.Count(); archives != 0 {
			t.Errorf("%d archives are left", archives)
		}
		b.now(kept, sandbox.StateStopped)
	})
}

func TestStartsBeginTheIntervalsAgain(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		s := b.create(manager.CreateRequest{AutoDelete: minutes(30), AutoStop: minutes(0)})
		for range 3 {
			b.do(sandbox.StateStopped)(b.Stop(t.Context(), org, s.ID, false))
			time.Sleep(20 * time.Minute)
			b.do(sandbox.StateStarted)(b.Start(t.Context(), org, s.ID))
		}
	})
}

func TestEphemeral(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		s := b.create(manager.CreateRequest{AutoDelete: minutes(0)})
		b.do(sandbox.StateDestroyed)(b.Stop(t.Context(), org, s.ID, false))
		b.gone(s)
		s = b.create(manager.CreateRequest{AutoDelete: minutes(0)})
		time.Sleep(16 * time.Minute)
		b.gone(s)
		s = b.create(manager.CreateRequest{})
		b.do(sandbox.StateStopped)(b.Stop(t.Context(), org, s.ID, false))
		if _, err := b.SetIntervals(t.Context(), org, s.ID, manager.IntervalUpdate{AutoDelete: minutes(0)}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		b.gone(s)
	})
}

func TestTimeToLive(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		started := b.create(manager.CreateRequest{TTL: minutes(10)})
		archived := b.create(manager.CreateRequest{TTL: minutes(10)})
		longer := b.create(manager.CreateRequest{TTL: minutes(10), AutoStop: minutes(0)})
		b.do(sandbox.StateStopped)(b.Stop(t.Context(), org, archived.ID, false))
		b.do(sandbox.StateArchived)(b.Archive(t.Context(), org, archived.ID))
		time.Sleep(9 * time.Minute)
		s, err := b.SetIntervals(t.Context(), org, longer.ID, manager.IntervalUpdate{TTL: minutes(10)})
		must(t, err)
		if left := time.Until(s.DestroyAt); left != 10*time.Minute {
			t.Errorf("it has %v left", left)
		}
		time.Sleep(time.Minute + 2*time.Second)
		b.gone(started)
		b.gone(archived)
		b.now(longer, sandbox.StateStarted)
		if _, err = b.SetIntervals(t.Context(), org, longer.ID, manager.IntervalUpdate{TTL: minutes(0)}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		b.now(longer, sandbox.StateStarted)
	})
}

func TestLinkedSandboxesGoTogether(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		parent := b.create(manager.CreateRequest{Name: "parent", TTL: minutes(10)})
		child := b.create(manager.CreateRequest{Linked: "parent", AutoDelete: minutes(0)})
		if child.Runner != parent.Runner || child.Linked != parent.ID {
			t.Errorf("the child is %+v", child)
		}
		for field, r := range map[string]manager.CreateRequest{
			"autoDeleteInterval": {Linked: parent.ID, AutoDelete: minutes(1)},
			"linkedSandbox":      {Linked: child.ID, AutoDelete: minutes(0)},
		} {
			r.Organization = org
			_, err := b.Create(t.Context(), r)
			if e := wantKind(t, err, sandbox.KindUnprocessed); e.Field != field {
				t.Errorf("the field at fault is %q, want %q: %v", e.Field, field, err)
			}
		}
		_, err := b.Create(t.Context(), manager.CreateRequest{Organization: org, Linked: parent.ID, AutoDelete: minutes(0), Snapshot: "wasm"})
		wantKind(t, err, sandbox.KindUnprocessed)
		_, err = b.SetIntervals(t.Context(), org, child.ID, manager.IntervalUpdate{AutoDelete: minutes(5)})
		wantKind(t, err, sandbox.KindUnprocessed)
		time.Sleep(10*time.Minute + 2*time.Second)
		b.gone(parent)
		b.gone(child)
	})
}

// TestLinkedSandboxesReachEachOther follows whom the engine lets reach whom, and by
// which name.
func TestLinkedSandboxesReachEachOther(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		reach := func(of sandbox.Sandbox, want ...string) {
			t.Helper()
			held, _ := b.docker.Held(of.ID)
			var got []string
			for _, p := range held.Linked {
				got = append(got, p.Name)
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s reaches %q, want %q", of.Name, got, want)
			}
		}
		parent := b.create(manager.CreateRequest{Name: "parent"})
		stranger := b.create(manager.CreateRequest{Name: "stranger"})
		reach(parent)
		link := func(name string) sandbox.Sandbox {
			return b.create(manager.CreateRequest{Name: name, Linked: parent.ID, AutoDelete: minutes(0)})
		}
		one, two := link("one"), link("two")
		for _, s := range []sandbox.Sandbox{parent, one, two} {
			reach(s, "one", "parent", "two")
		}
		reach(stranger)

		_, err := b.Rename(t.Context(), org, one.ID, "first")
		must(t, err)
		reach(two, "first", "parent", "two")
		b.do(sandbox.StateStopped)(b.Stop(t.Context(), org, parent.ID, false))
		reach(two, "first", "two")
		b.do(sandbox.StateStarted)(b.Start(t.Context(), org, parent.ID))
		reach(parent, "first", "parent", "two")
		reach(one, "first", "parent", "two")
		fork, err := b.Fork(t.Context(), org, parent.ID, "fork")
		must(t, err)
		reach(fork)
		b.do(sandbox.StateDestroyed)(b.Destroy(t.Context(), org, two.ID))
		reach(parent, "first", "parent")
		b.do(sandbox.StateDestroyed)(b.Stop(t.Context(), org, one.ID, false))
		reach(parent, "parent")
		reach(stranger)
	})
}

// TestLinksFail keeps a sandbox that was not linked as it should be from being
// called started.
func TestLinksFail(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		parent := b.create(manager.CreateRequest{})
		b.docker.FailNext("link", sandbox.Errorf(sandbox.KindUnavailable, "there is no wire"))
		_, err := b.Create(t.Context(), manager.CreateRequest{Organization: org, Linked: parent.ID, AutoDelete: minutes(0)})
		wantKind(t, err, sandbox.KindUnavailable)
		b.now(parent, sandbox.StateStarted)
	})
}

func TestFamiliesAreBounded(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		parent := b.create(manager.CreateRequest{})
		child := manager.CreateRequest{Organization: org, Linked: parent.ID, AutoDelete: minutes(0)}
		var last sandbox.Sandbox
		for range 19 {
			last = b.create(child)
		}
		_, err := b.Create(t.Context(), child)
		if e := wantKind(t, err, sandbox.KindUnprocessed); e.Field != "linkedSandbox" {
			t.Errorf("got %+v", e)
		}
		b.do(sandbox.StateDestroyed)(b.Stop(t.Context(), org, last.ID, false))
		b.create(child)
	})
}

func TestLinkedSandboxesGoWithAnEphemeralOne(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		parent := b.create(manager.CreateRequest{AutoDelete: minutes(0)})
		child := b.create(manager.CreateRequest{Linked: parent.ID, AutoDelete: minutes(0)})
		b.do(sandbox.StateDestroyed)(b.Stop(t.Context(), org, parent.ID, false))
		synctest.Wait()
		b.gone(parent)
		b.gone(child)
	})
}

func TestActivityIsWrittenNowAndThen(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		s := b.create(manager.CreateRequest{})
		before, began := b.store.Writes(s.ID), time.Now()
		for range 600 {
			must(t, b.Touch(t.Context(), org, s.ID, sandbox.ActivityPreview))
			time.Sleep(100 * time.Millisecond)
		}
		if n := b.store.Writes(s.ID) - before; n < 10 || n > 13 {
			t.Errorf("a minute of use was written %d times", n)
		}
		must(t, b.Touch(t.Context(), org, s.ID, sandbox.ActivitySSH))
		s = b.now(s, sandbox.StateStarted)
		if at, source := s.Activity.Last(); source != sandbox.ActivitySSH || !at.Equal(time.Now()) || s.UpdatedAt.After(began) {
			t.Errorf("activity %v, updated %v", s.Activity, s.UpdatedAt)
		}
		if len(s.Activity) != 3 { // a state, a preview and SSH
			t.Errorf("activity per source is %v", s.Activity)
		}
		b.reopen()
		if got := b.now(s, sandbox.StateStarted); !got.Activity[sandbox.ActivitySSH].Equal(s.Activity[sandbox.ActivitySSH]) {
			t.Errorf("after a restart: %v", got.Activity)
		}
	})
}
