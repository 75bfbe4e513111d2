package manager_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
	"sandpiper/sandbox/sandboxtest"
)

// look lets the reconciler look.
func look() { time.Sleep(manager.DefaultReconcile + 2*time.Second) }

func TestLostSandboxFailsWithTheReason(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		started, stopped := b.create(manager.CreateRequest{}), b.create(manager.CreateRequest{})
		b.do(sandbox.StateStopped)(b.Stop(t.Context(), org, stopped.ID, false))
		b.docker.Vanish(started.ID)
		b.docker.Vanish(stopped.ID)
		look()
		for _, s := range []sandbox.Sandbox{started, stopped} {
			s = b.now(s, sandbox.StateError)
			if s.Recoverable || !strings.Contains(s.ErrorReason, "removed it") {
				t.Errorf("got %+v", s)
			}
			_, err := b.Recover(t.Context(), org, s.ID, false)
			wantKind(t, err, sandbox.KindConflict)
			b.do(sandbox.StateDestroyed)(b.Destroy(t.Context(), org, s.ID))
		}
	})
}

func TestSandboxThatEndedByItself(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		s, paused := b.create(manager.CreateRequest{}), b.create(manager.CreateRequest{})
		short := b.create(manager.CreateRequest{AutoDelete: minutes(0)})
		b.do(sandbox.StatePaused)(b.Pause(t.Context(), org, paused.ID))
		for _, s := range []sandbox.Sandbox{s, paused, short} {
			b.docker.Become(s.ID, sandbox.StateStopped)
		}
		look()
		if s = b.now(s, sandbox.StateStopped); s.Desired != sandbox.DesiredStopped || !strings.Contains(s.ErrorReason, "files are kept") {
			t.Errorf("got %+v", s)
		}
		if paused = b.now(paused, sandbox.StateStopped); !strings.Contains(paused.ErrorReason, "memory is lost") {
			t.Errorf("got %+v", paused)
		}
		b.gone(short)
		if s = b.do(sandbox.StateStarted)(b.Start(t.Context(), org, s.ID)); s.ErrorReason != "" {
			t.Errorf("started with the reason %q", s.ErrorReason)
		}
	})
}

func TestSandboxesGoOnAfterTheirEngineEnded(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		kept, short := b.create(manager.CreateRequest{Snapshot: "wasm"}), b.create(manager.CreateRequest{Snapshot: "wasm", AutoDelete: minutes(0)})
		paused, stopped := b.create(manager.CreateRequest{Snapshot: "wasm"}), b.create(manager.CreateRequest{Snapshot: "wasm"})
		b.do(sandbox.StatePaused)(b.Pause(t.Context(), org, paused.ID))
		b.do(sandbox.StateStopped)(b.Stop(t.Context(), org, stopped.ID, false))
		for _, s := range []sandbox.Sandbox{kept, short, paused, stopped} {
			b.wasm.Set(s.ID, &sandboxtest.Held{State: sandbox.StateStopped, Interrupted: true})
		}
		time.Sleep(time.Second)
		b.reopen()
		b.settle()
		for _, s := range []sandbox.Sandbox{kept, short} {
			if again := b.now(s, sandbox.StateStarted); again.Incarnation == s.Incarnation || again.ErrorReason != "" {
				t.Errorf("got %+v", again)
			}
		}
		if paused = b.now(paused, sandbox.StateStopped); !strings.Contains(paused.ErrorReason, "memory is lost") {
			t.Errorf("got %+v", paused)
		}
		b.now(stopped, sandbox.StateStopped)
	})
}

func TestSandboxThatRunsAndShouldNot(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		stopped, paused := b.create(manager.CreateRequest{}), b.create(manager.CreateRequest{AutoStop: minutes(0)})
		b.do(sandbox.StateStopped)(b.Stop(t.Context(), org, stopped.ID, false))
		b.do(sandbox.StatePaused)(b.Pause(t.Context(), org, paused.ID))
		b.docker.Become(stopped.ID, sandbox.StateStarted)
		b.docker.Become(paused.ID, sandbox.StateStarted)
		look()
		for s, want := range map[string]sandbox.State{stopped.ID: sandbox.StateStopped, paused.ID: sandbox.StatePaused} {
			if h, _ := b.docker.Held(s); h.State != want {
				t.Errorf("in the engine it is %s, want %s", h.State, want)
			}
			b.now(sandbox.Sandbox{ID: s}, want)
		}
	})
}

func TestOrphansAreSweptAfterATimeOfGrace(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		b.docker.Set("orphan", &sandboxtest.Held{State: sandbox.StateStarted})
		time.Sleep(manager.DefaultOrphanGrace - time.Second)
		if held, _ := b.docker.Count(); held != 1 {
			t.Error("it was swept at once")
		}
		time.Sleep(2 * manager.DefaultReconcile)
		if held, _ := b.docker.Count(); held != 0 {
			t.Error("it is still there")
		}
	})
}

func TestEngineThatDoesNotAnswer(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		s, other := b.create(manager.CreateRequest{AutoStop: minutes(0)}), b.create(manager.CreateRequest{Snapshot: "wasm", AutoStop: minutes(0)})
		b.docker.SetDown(errors.New("no such socket"))
		look()
		b.now(s, sandbox.StateStarted)
		time.Sleep(2 * time.Minute)
		b.now(other, sandbox.StateStarted)
		if s := b.now(s, sandbox.StateUnknown); s.ErrorReason == "" {
			t.Error("it gives no reason")
		}
		_, err := b.Create(t.Context(), manager.CreateRequest{Organization: org, Snapshot: manager.SnapshotSmall})
		wantKind(t, err, sandbox.KindUnavailable)
		b.docker.SetDown(nil)
		look()
		if s := b.now(s, sandbox.StateStarted); s.ErrorReason != "" {
			t.Errorf("it is back and still says %q", s.ErrorReason)
		}
		b.docker.SetDown(errors.New("no such socket"))
		b.reopen() // a manager that has never seen it does not call it started
		b.now(s, sandbox.StateUnknown)
	})
}

// crash lets a manager end in the middle of everything and another take over.
func crash(b *bench) {
	for _, method := range []string{"create", "start", "stop", "pause", "archive", "destroy", "fork", "snapshot", "resize", "restore"} {
		b.docker.SetDelay(method, 0)
	}
	b.reopen()
	synctest.Wait()
}

func TestWhatACrashHasCutOffIsFinished(t *testing.T) {
	for _, tt := range []struct {
		name, method string
		begin        func(b *bench, s sandbox.Sandbox)
		want         sandbox.State
	}{
		{"stop", "stop", func(b *bench, s sandbox.Sandbox) { b.Stop(background(), org, s.ID, false) }, sandbox.StateStopped},
		{"pause", "pause", func(b *bench, s sandbox.Sandbox) { b.Pause(background(), org, s.ID) }, sandbox.StatePaused},
		{"start", "start", func(b *bench, s sandbox.Sandbox) {
			b.Stop(background(), org, s.ID, true)
			b.Start(background(), org, s.ID)
		}, sandbox.StateStarted},
		{"archive", "archive", func(b *bench, s sandbox.Sandbox) {
			b.Stop(background(), org, s.ID, true)
			b.Archive(background(), org, s.ID)
		}, sandbox.StateArchived},
		{"restore", "restore", func(b *bench, s sandbox.Sandbox) {
			b.Stop(background(), org, s.ID, true)
			b.Archive(background(), org, s.ID)
			b.Start(background(), org, s.ID)
		}, sandbox.StateStarted},
		{"resize", "resize", func(b *bench, s sandbox.Sandbox) {
			go b.Resize(background(), org, s.ID, sandbox.Resources{CPU: 2})
		}, sandbox.StateStarted},
		{"snapshot", "snapshot", func(b *bench, s sandbox.Sandbox) {
			go b.Snapshot(background(), org, s.ID, "snap", false)
		}, sandbox.StateStarted},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T, b *bench) {
				s := b.create(manager.CreateRequest{})
				b.docker.SetDelay(tt.method, time.Hour)
				tt.begin(b, s)
				synctest.Wait()
				crash(b)
				b.now(s, tt.want)
				if tt.name == "snapshot" {
					snap, err := b.SnapshotByNameOrID(t.Context(), org, "snap")
					must(t, err)
					if snap.State != sandbox.SnapshotError || !strings.Contains(snap.ErrorReason, "in the middle") {
						t.Errorf("the snapshot is %+v", snap)
					}
				}
			})
		})
	}
}

func TestHalfDoneCreationAndDestruction(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		doomed := b.create(manager.CreateRequest{})
		b.docker.SetDelay("create", time.Hour)
		b.docker.SetDelay("destroy", time.Hour)
		s := b.do(sandbox.StateCreating)(b.Create(t.Context(), manager.CreateRequest{Organization: org}))
		b.do(sandbox.StateDestroy)(b.Destroy(t.Context(), org, doomed.ID))
		crash(b)
		b.now(s, sandbox.StateStarted)
		b.gone(doomed)
		if held, _ := b.docker.Count(); held != 1 {
			t.Errorf("the engine has %d sandboxes", held)
		}
	})
}

func TestSandboxesOfEnginesThatAreNoLongerThere(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		s := b.create(manager.CreateRequest{Name: "web"})
		must(t, b.Close())
		b.docker = sandboxtest.NewEngine("another")
		b.open()
		s = b.now(s, sandbox.StateUnknown)
		_, err := b.Start(t.Context(), org, s.ID)
		wantKind(t, err, sandbox.KindConflict)
		s = b.do(sandbox.StateError)(b.Destroy(t.Context(), org, s.ID))
		if !strings.Contains(s.ErrorReason, "not part of this server") {
			t.Errorf("the reason is %q", s.ErrorReason)
		}
	})
}

// A sandbox that has grown and stopped behind the manager's back is stopped after
// the first look, not only the second: writing down its size must not make the
// record too new to be judged.
func TestStoppedAndGrown(t *testing.T) {
	inTime(t, func(t *testing.T, b *bench) {
		s := b.create(manager.CreateRequest{})
		h, _ := b.docker.Held(s.ID)
		h.State, h.DiskBytes = sandbox.StateStopped, 100<<20
		b.docker.Set(s.ID, &h)
		time.Sleep(time.Second)
		b.reopen()
		if s = b.now(s, sandbox.StateStopped); s.DiskBytes != 100<<20 {
			t.Errorf("its disk is %d", s.DiskBytes)
		}
	})
}
