package manager_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
)

func TestLife(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		s := b.create(manager.CreateRequest{Name: "web", Env: map[string]string{"A": "1"}, Labels: map[string]string{"l": "1"}, Target: "us"})
		if s.Name != "web" || s.Snapshot != manager.SnapshotSmall || s.Resources != (sandbox.Resources{CPU: 1, MemoryGiB: 1, DiskGiB: 3}) ||
			s.Target != "us" || s.Intervals.AutoStop != 15*time.Minute || s.Intervals.AutoDelete >= 0 || s.Isolation != "pretence" {
			t.Errorf("created %+v", s)
		}
		if h, _ := b.docker.Held(s.ID); h.Spec.Env["A"] != "1" || h.Spec.Token != b.ToolboxToken(s) || h.Spec.Token == "" {
			t.Errorf("the engine has %+v", h)
		}
		preview := b.PreviewToken(s)
		b.do(sandbox.StateStopped)(b.Stop(t.Context(), org, "web", false))
		s = b.do(sandbox.StateStarted)(b.Start(t.Context(), org, "web"))
		if s.Incarnation != 2 || b.PreviewToken(s) == preview {
			t.Errorf("after a start: incarnation %d, preview token the same: %v", s.Incarnation, b.PreviewToken(s) == preview)
		}
		b.do(sandbox.StatePaused)(b.Pause(t.Context(), org, "web"))
		b.do(sandbox.StateStarted)(b.Start(t.Context(), org, "web"))
		b.do(sandbox.StateStopped)(b.Stop(t.Context(), org, "web", true))
		s = b.do(sandbox.StateArchived)(b.Archive(t.Context(), org, "web"))
		if held, archives := b.docker.Count(); held != 0 || archives != 1 || s.Backup != sandbox.BackupCompleted {
			t.Errorf("archived: %d sandboxes and %d archives, backup %s", held, archives, s.Backup)
		}
		s = b.do(sandbox.StateStarted)(b.Start(t.Context(), org, "web"))
		synctest.Wait() // the archive is forgotten behind the start
		s = b.now(s, sandbox.StateStarted)
		if held, archives := b.docker.Count(); held != 1 || archives != 0 || s.Archive != "" {
			t.Errorf("restored: %d sandboxes and %d archives", held, archives)
		}
		b.do(sandbox.StateDestroyed)(b.Destroy(t.Context(), org, "web"))
		b.gone(s)
		want := "create stop start pause resume kill archive restore start forget destroy"
		if got := sequence(b.docker); got != want {
			t.Errorf("the engine was asked to %s, want %s", got, want)
		}
		b.create(manager.CreateRequest{Name: "web"}) // the name is free again
	})
}

// TestStartsAtOnce starts one sandbox by many requests: each is fine, as the
// second of two that come one after the other is.
func TestStartsAtOnce(t *testing.T) {
	b := newBench(t, nil)
	s := b.create(manager.CreateRequest{})
	for range 100 {
		b.do(sandbox.StateStopped)(b.Stop(t.Context(), org, s.ID, true))
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if s, err := b.Start(t.Context(), org, s.ID); err != nil || s.State != sandbox.StateStarted {
					t.Errorf("got %s, %v", s.State, err)
				}
			})
		}
		all.Wait()
	}
}

func TestCallsThatChangeNothing(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		s := b.create(manager.CreateRequest{})
		b.do(sandbox.StateStarted)(b.Start(t.Context(), org, s.ID))
		for range 2 {
			b.do(sandbox.StatePaused)(b.Pause(t.Context(), org, s.ID))
		}
		for range 2 {
			b.do(sandbox.StateStopped)(b.Stop(t.Context(), org, s.ID, false))
		}
		for range 2 {
			b.do(sandbox.StateArchived)(b.Archive(t.Context(), org, s.ID))
		}
		if got := sequence(b.docker); got != "create pause stop archive" {
			t.Errorf("the engine was asked to %s", got)
		}
	})
}

func TestStatesThatDoNotAllowIt(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		s := b.create(manager.CreateRequest{Name: "web"})
		_, err := b.Archive(t.Context(), org, s.ID)
		if e := wantKind(t, err, sandbox.KindConflict); !strings.Contains(e.Message, "stop it first") {
			t.Errorf("archive: %v", e)
		}
		_, err = b.Recover(t.Context(), org, s.ID, false)
		wantKind(t, err, sandbox.KindConflict)
		b.do(sandbox.StateStopped)(b.Stop(t.Context(), org, s.ID, false))
		_, err = b.Pause(t.Context(), org, s.ID)
		wantKind(t, err, sandbox.KindConflict)
		_, err = b.Fork(t.Context(), org, s.ID, "")
		wantKind(t, err, sandbox.KindConflict)
		_, err = b.Dial(t.Context(), s.ID, sandbox.ToolboxPort)
		if e := wantKind(t, err, sandbox.KindConflict); !strings.Contains(e.Message, "stopped") {
			t.Errorf("dial: %v", e)
		}
		for _, other := range []string{"another", ""} {
			_, err = b.Sandbox(t.Context(), other, s.ID)
			wantKind(t, err, sandbox.KindNotFound)
			_, err = b.Destroy(t.Context(), other, "web")
			wantKind(t, err, sandbox.KindNotFound)
		}
	})
}

func TestSlowCreationGoesOnInTheBackground(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		b.docker.SetDelay("create", 20*time.Second)
		began := time.Now()
		s := b.do(sandbox.StateCreating)(b.Create(t.Context(), manager.CreateRequest{Organization: org}))
		if took := time.Since(began); took != manager.DefaultReadyWait {
			t.Errorf("the request took %v", took)
		}
		b.do(sandbox.StateStarted)(b.WaitState(t.Context(), s.ID, sandbox.StateStarted))
		if took := time.Since(began); took != 20*time.Second {
			t.Errorf("the creation took %v", took)
		}
	})
}

func TestCreationThatIsRefusedLeavesNothing(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		b.docker.FailNext("create", &sandbox.Error{Kind: sandbox.KindBusy, Message: "the disk is full", RetryAfter: time.Minute})
		_, err := b.Create(t.Context(), manager.CreateRequest{Organization: org, Name: "web"})
		if e := wantKind(t, err, sandbox.KindBusy); e.Message != "the disk is full" || e.RetryAfter != time.Minute {
			t.Errorf("got %+v", e)
		}
		synctest.Wait()
		if held, _ := b.docker.Count(); held != 0 {
			t.Errorf("the engine has %d sandboxes", held)
		}
		page, err := b.List(t.Context(), sandbox.SandboxFilter{Organization: org})
		must(t, err)
		if len(page.Items) != 0 {
			t.Errorf("there is %+v", page.Items)
		}
		b.create(manager.CreateRequest{Name: "web"})
	})
}

func TestCreationThatFailsCanBeRecovered(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		b.docker.FailNext("create", errors.New("secret words"))
		s := b.do(sandbox.StateError)(b.Create(t.Context(), manager.CreateRequest{Organization: org}))
		if !s.Recoverable || s.ErrorReason == "" || strings.Contains(s.ErrorReason, "secret") {
			t.Errorf("got %+v", s)
		}
		if used := b.usage().Used; used != (sandbox.Resources{DiskGiB: 3}) {
			t.Errorf("it holds %+v", used)
		}
		_, err := b.Start(t.Context(), org, s.ID)
		if e := wantKind(t, err, sandbox.KindConflict); !strings.Contains(e.Message, "recover") {
			t.Errorf("start: %v", e)
		}
		s = b.do(sandbox.StateStarted)(b.Recover(t.Context(), org, s.ID, false))
		if s.ErrorReason != "" || s.Recoverable {
			t.Errorf("recovered %+v", s)
		}
	})
}

func (b *bench) usage() manager.Usage {
	b.t.Helper()
	u, err := b.Usage(b.t.Context(), org)
	must(b.t, err)
	return u
}

func TestStartThatFails(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		s := b.create(manager.CreateRequest{})
		b.do(sandbox.StateStopped)(b.Stop(t.Context(), org, s.ID, false))
		b.docker.FailNext("start", sandbox.Errorf(sandbox.KindUnavailable, "the disk is full: delete files, then recover it"))
		s = b.do(sandbox.StateError)(b.Start(t.Context(), org, s.ID))
		if s.ErrorReason != "the disk is full: delete files, then recover it" || !s.Recoverable {
			t.Errorf("got %+v", s)
		}
		s = b.do(sandbox.StateStopped)(b.Recover(t.Context(), org, s.ID, true))
		b.do(sandbox.StateStarted)(b.Start(t.Context(), org, s.ID))
	})
}

func TestWhatFailsWithoutHarm(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		s := b.create(manager.CreateRequest{})
		b.docker.FailNext("pause", errors.New("no"))
		b.do(sandbox.StateStarted)(b.Pause(t.Context(), org, s.ID))
		b.do(sandbox.StateStopped)(b.Stop(t.Context(), org, s.ID, false))
		b.docker.FailNext("archive", errors.New("no"))
		if s = b.do(sandbox.StateStopped)(b.Archive(t.Context(), org, s.ID)); s.Backup != sandbox.BackupError || s.Desired != sandbox.DesiredStopped {
			t.Errorf("after an archive that failed: %+v", s)
		}
		b.do(sandbox.StateArchived)(b.Archive(t.Context(), org, s.ID))
		b.docker.FailNext("restore", errors.New("no"))
		s, err := b.Start(t.Context(), org, s.ID)
		must(t, err)
		b.is(s, sandbox.StateArchived)
		b.do(sandbox.StateStarted)(b.Start(t.Context(), org, s.ID))
		b.docker.FailNext("stop", errors.New("no"))
		s = b.do(sandbox.StateError)(b.Stop(t.Context(), org, s.ID, false))
		b.do(sandbox.StateStopped)(b.Recover(t.Context(), org, s.ID, true))
	})
}

func TestDestructionDuringACreationWins(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		b.docker.SetDelay("create", time.Hour)
		s := b.do(sandbox.StateCreating)(b.Create(t.Context(), manager.CreateRequest{Organization: org}))
		b.do(sandbox.StateDestroyed)(b.Destroy(t.Context(), org, s.ID))
		b.gone(s)
		if used := b.usage().Used; used != (sandbox.Resources{}) {
			t.Errorf("it still holds %+v", used)
		}
	})
}

func TestStopDuringAStart(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		s := b.create(manager.CreateRequest{})
		b.do(sandbox.StateStopped)(b.Stop(t.Context(), org, s.ID, false))
		b.docker.SetDelay("start", time.Hour)
		b.do(sandbox.StateStarting)(b.Start(t.Context(), org, s.ID))
		b.do(sandbox.StateStopped)(b.Stop(t.Context(), org, s.ID, true))
		if h, _ := b.docker.Held(s.ID); h.State != sandbox.StateStopped {
			t.Errorf("in the engine it is %s", h.State)
		}
	})
}

func TestStopDuringACreationFollowsIt(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		b.docker.SetDelay("create", 8*time.Second)
		s := b.do(sandbox.StateCreating)(b.Create(t.Context(), manager.CreateRequest{Organization: org}))
		b.do(sandbox.StateStopped)(b.Stop(t.Context(), org, s.ID, false))
	})
}

func TestStartDuringAStopFollowsIt(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		s := b.create(manager.CreateRequest{})
		b.docker.SetDelay("stop", 8*time.Second)
		b.do(sandbox.StateStopping)(b.Stop(t.Context(), org, s.ID, false))
		b.do(sandbox.StateStarted)(b.Start(t.Context(), org, s.ID))
	})
}

func TestManyCallsAtOnce(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		for _, method := range []string{"create", "start", "stop", "pause", "resume", "destroy"} {
			b.docker.SetDelay(method, 30*time.Millisecond)
		}
		s := b.create(manager.CreateRequest{})
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 7 * time.Millisecond)
				var err error
				switch i % 4 {
				case 0:
					_, err = b.Start(t.Context(), org, s.ID)
				case 1:
					_, err = b.Stop(t.Context(), org, s.ID, i%8 == 1)
				case 2:
					_, err = b.Pause(t.Context(), org, s.ID)
				case 3:
					_, err = b.SetLabels(t.Context(), org, s.ID, map[string]string{"n": "1"})
				}
				if err != nil && sandbox.KindOf(err) != sandbox.KindConflict {
					t.Errorf("call %d: %v", i, err)
				}
			})
		}
		all.Wait()
		synctest.Wait()
		s, err := b.Sandbox(t.Context(), org, s.ID)
		must(t, err)
		if h, _ := b.docker.Held(s.ID); h.State != s.State || string(s.Desired) != string(s.State) {
			t.Errorf("the record is %s and should be %s; the engine has %s", s.State, s.Desired, h.State)
		}
		b.do(sandbox.StateDestroyed)(b.Destroy(t.Context(), org, s.ID))
		b.gone(s)
	})
}

func TestFiftyCreationsAtOnce(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		b.docker.SetDelay("create", 140*time.Millisecond)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				s, err := b.Create(t.Context(), manager.CreateRequest{Organization: org})
				if err != nil || s.State != sandbox.StateStarted {
					t.Errorf("%s, %v", s.State, err)
				}
			})
		}
		all.Wait()
		if u := b.usage(); u.Started != 50 || u.Used.CPU != 50 {
			t.Errorf("usage %+v", u)
		}
	})
}

func TestQueueOfCreations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil)
		b.docker.SetDelay("create", 5*time.Minute)
		var ids []string
		for range 12 {
			s := b.do(sandbox.StateCreating)(b.Create(t.Context(), manager.CreateRequest{Organization: org}))
			ids = append(ids, s.ID)
		}
		first, last := b.QueuePosition(ids[0]), b.QueuePosition(ids[11])
		if first != 0 || last < 1 || b.QueuePosition("nobody") != 0 {
			t.Errorf("positions %d and %d", first, last)
		}
		b.do(sandbox.StateDestroyed)(b.Destroy(t.Context(), org, ids[10])) // it waited, too
		if now := b.QueuePosition(ids[11]); now != last-1 {
			t.Errorf("the position is %d, want %d", now, last-1)
		}
		time.Sleep(25 * time.Minute)
		if s := b.now(sandbox.Sandbox{ID: ids[11]}, sandbox.StateStarted); s.Placed == "" {
			t.Error("it does not say why it is where it is")
		}
	})
}

func TestDestructionThatFailsIsTriedAgain(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		s := b.create(manager.CreateRequest{Name: "web"})
		b.docker.FailNext("destroy", errors.New("busy"))
		s = b.do(sandbox.StateError)(b.Destroy(t.Context(), org, s.ID))
		if s.Desired != sandbox.DesiredDestroyed || s.Recoverable {
			t.Errorf("got %+v", s)
		}
		time.Sleep(time.Minute)
		b.gone(s)
	})
}

func TestStoreThatFails(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		s := b.create(manager.CreateRequest{})
		b.docker.SetDelay("stop", time.Second)
		stopped := make(chan sandbox.Sandbox, 1)
		go func() {
			s, _ := b.Stop(t.Context(), org, s.ID, false)
			stopped <- s
		}()
		synctest.Wait()
		b.store.SetErr(errors.New("the disk is full"))
		b.is(<-stopped, sandbox.StateStopping)
		_, err := b.Create(t.Context(), manager.CreateRequest{Organization: org})
		if err == nil {
			t.Error("created without a record")
		}
		b.store.SetErr(nil)
		time.Sleep(5 * time.Second)
		b.now(s, sandbox.StateStopped)
		if held, _ := b.docker.Count(); held != 1 {
			t.Errorf("the engine has %d sandboxes", held)
		}
	})
}
