package kernels_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/kernels"
	"sandpiper/sandbox/sandboxtest"
)

var ann = kernels.Owner{ID: "key:ann"}

// A world is what a keeper works with, which outlives it.
type world struct {
	t      *testing.T
	engine *sandboxtest.FakeKernels
	cfg    kernels.Config
	*kernels.Keeper
}

// newWorld returns a world with an open keeper, which the test must close.
func newWorld(t *testing.T, change func(*kernels.Config)) *world {
	w := &world{t: t, engine: sandboxtest.NewFakeKernels()}
	w.cfg = kernels.Config{
		Engine: w.engine, Store: &sandboxtest.KernelSessionStore{}, Dir: t.TempDir(), Running: 4,
		Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&w.cfg)
	}
	w.open()
	return w
}

func (w *world) open() {
	w.t.Helper()
	k, err := kernels.New(context.Background(), w.cfg)
	must(w.t, err)
	w.Keeper = k
}

func (w *world) close() {
	w.t.Helper()
	must(w.t, w.Keeper.Close())
	if now, _ := w.engine.Live(); now != 0 {
		w.t.Errorf("%d kernels were left open", now)
	}
}

// crash ends the server as a kill does: nothing is saved any more.
func (w *world) crash() {
	w.engine.Kill()
	_ = w.Keeper.Close() // its kernels are gone
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t *testing.T, err error, kind sandbox.Kind) {
	t.Helper()
	if err == nil || sandbox.KindOf(err) != kind {
		t.Errorf("got error %v, want kind %s", err, kind)
	}
}

func (w *world) create() kernels.Session {
	w.t.Helper()
	s, err := w.Create(w.t.Context(), ann, kernels.NewSession{Language: "script"})
	must(w.t, err)
	return s
}

func cell(lines ...string) kernels.Cell {
	return kernels.Cell{Cell: sandbox.Cell{Code: strings.Join(lines, "\n")}}
}

// run executes a cell that must end well.
func (w *world) run(id string, lines ...string) kernels.Answer {
	w.t.Helper()
	a, err := w.Execute(w.t.Context(), ann, id, cell(lines...))
	must(w.t, err)
	if a.Status != sandbox.StatusOK {
		w.t.Fatalf("%q ended as %s: %s %v", lines, a.Status, a.Message, a.Error)
	}
	return a
}

func (w *world) wantOutput(id, want string, lines ...string) kernels.Answer {
	w.t.Helper()
	a := w.run(id, lines...)
	if a.Stdout != want {
		w.t.Errorf("%q printed %q, want %q", lines, a.Stdout, want)
	}
	return a
}

func (w *world) wantState(id string, want kernels.State) kernels.Session {
	w.t.Helper()
	s, err := w.Get(ann, id)
	must(w.t, err)
	if s.State != want {
		w.t.Errorf("the session is %s, want %s", s.State, want)
	}
	return s
}

// start begins a cell and waits until it blocks.
func (w *world) start(id string, lines ...string) *kernels.Execution {
	w.t.Helper()
	x, err := w.Start(ann, id, cell(lines...))
	must(w.t, err)
	synctest.Wait()
	return x
}

// inWorld runs a test in a world of its own, with a clock of its own.
func inWorld(t *testing.T, change func(*kernels.Config), test func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, change)
		test(t, w)
		w.close()
	})
}

func TestSessionKeepsItsState(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		s := w.create()
		if s.State != kernels.StateIdle || s.Name != "Script" || s.Language != "script" {
			t.Errorf("a new session is %+v", s)
		}
		w.run(s.ID, "set a 1")
		a := w.wantOutput(s.ID, "1\n", "get a", "value a", "display text/html <b>")
		if a.ExecutionCount != 2 || a.Value == nil || len(a.Outputs) != 1 || a.Engine != sandbox.EngineWasm || a.Notice != "" {
			t.Errorf("the answer is %+v", a)
		}
		a, err := w.Execute(t.Context(), ann, s.ID, cell("get b"))
		must(t, err)
		if a.Status != sandbox.StatusError || a.Error == nil || a.Error.Name != "NameError" {
			t.Errorf("the answer is %+v", a)
		}
		if s := w.wantState(s.ID, kernels.StateIdle); s.ExecutionCount != 3 || s.MemoryBytes == 0 {
			t.Errorf("the session is %+v", s)
		}
		uncounted := cell("set c 1")
		uncounted.Uncounted = true
		_, err = w.Execute(t.Context(), ann, s.ID, uncounted)
		must(t, err)
		if a := w.run(s.ID, "get c"); a.ExecutionCount != 4 {
			t.Errorf("the count is %d", a.ExecutionCount)
		}
	})
}

func TestCreateRefuses(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		for name, tt := range map[string]struct {
			ask  kernels.NewSession
			kind sandbox.Kind
		}{
			"no language":      {kernels.NewSession{}, sandbox.KindUnprocessed},
			"another language": {kernels.NewSession{Language: "cobol"}, sandbox.KindUnprocessed},
			"a long name":      {kernels.NewSession{Language: "script", Name: strings.Repeat("x", kernels.MaxName+1)}, sandbox.KindUnprocessed},
			"a bad file":       {kernels.NewSession{Language: "script", Files: []sandbox.File{{Name: "../x"}}}, sandbox.KindUnprocessed},
			"a bad variable":   {kernels.NewSession{Language: "script", Env: map[string]string{"A=": "x"}}, sandbox.KindUnprocessed},
		} {
			_, err := w.Create(t.Context(), ann, tt.ask)
			if sandbox.KindOf(err) != tt.kind || err == nil {
				t.Errorf("%s: got %v, want kind %s", name, err, tt.kind)
			}
		}
		w.engine.SetOpenErr(&sandbox.Error{Kind: sandbox.KindUnavailable, Message: "not ready"})
		_, err := w.Create(t.Context(), ann, kernels.NewSession{Language: "script"})
		wantKind(t, err, sandbox.KindUnavailable)
		if left := w.List(ann); len(left) != 0 {
			t.Errorf("left are %v", left)
		}
		if entries, err := os.ReadDir(filepath.Join(w.cfg.Dir, "files")); err != nil || len(entries) != 0 {
			t.Errorf("left are the folders %v, %v", entries, err)
		}
		w.engine.SetOpenErr(nil)
	})
}

func TestOwners(t *testing.T) {
	inWorld(t, func(c *kernels.Config) { c.PerGuest = 1 }, func(t *testing.T, w *world) {
		s := w.create()
		for _, other := range []kernels.Owner{{ID: "key:bob"}, {ID: "key:ann", Guest: true}, {}} {
			_, err := w.Get(other, s.ID)
			wantKind(t, err, sandbox.KindNotFound)
			_, err = w.Execute(t.Context(), other, s.ID, cell("set a 1"))
			wantKind(t, err, sandbox.KindNotFound)
			_, _, err = w.Fork(t.Context(), other, s.ID, "")
			wantKind(t, err, sandbox.KindNotFound)
			_, err = w.Files(other, s.ID)
			wantKind(t, err, sandbox.KindNotFound)
			wantKind(t, w.Delete(t.Context(), other, s.ID), sandbox.KindNotFound)
			if list := w.List(other); len(list) != 0 {
				t.Errorf("%v sees %v", other, list)
			}
		}
		guest := kernels.Owner{ID: "address:192.0.2.1", Guest: true}
		g, err := w.Create(t.Context(), guest, kernels.NewSession{Language: "script"})
		must(t, err)
		_, err = w.Get(guest, g.ID)
		must(t, err)
		if list := w.List(guest); len(list) != 0 {
			t.Errorf("a guest is shown %v", list)
		}
		_, err = w.Create(t.Context(), guest, kernels.NewSession{Language: "script"})
		wantKind(t, err, sandbox.KindBusy)
	})
}

func TestOneCellAtATime(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		s := w.create()
		x := w.start(s.ID, "print begun", "set a 1", "loop")
		w.wantState(s.ID, kernels.StateBusy)
		_, err := w.Start(ann, s.ID, cell("print 2"))
		wantKind(t, err, sandbox.KindConflict)
		_, _, err = w.Pause(t.Context(), ann, s.ID)
		wantKind(t, err, sandbox.KindConflict)
		_, _, err = w.Fork(t.Context(), ann, s.ID, "")
		wantKind(t, err, sandbox.KindConflict)

		if a, done := x.Answer(); done || a.Stdout != "begun\n" {
			t.Errorf("while it runs the answer is %+v", a)
		}
		must(t, w.Interrupt(ann, s.ID))
		a, err := x.Wait(t.Context())
		must(t, err)
		if a.Status != sandbox.StatusCancelled || a.Signal != "SIGINT" || a.RolledBack {
			t.Errorf("the answer is %+v", a)
		}
		w.wantOutput(s.ID, "1\n", "get a") // what it did stays
		must(t, w.Interrupt(ann, s.ID))    // nothing runs

		next := w.start(s.ID, "print begun", "loop")
		x.Interrupt() // which is not the one that runs
		synctest.Wait()
		w.wantState(s.ID, kernels.StateBusy)
		next.Interrupt()
		if a, err := next.Wait(t.Context()); err != nil || a.Status != sandbox.StatusCancelled {
			t.Errorf("the answer is %+v, %v", a, err)
		}
	})
}

func TestCellGoesOnWithoutItsClient(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		s := w.create()
		_, err := w.Last(ann, s.ID)
		wantKind(t, err, sandbox.KindNotFound)
		x := w.start(s.ID, "print begun", "sleep 5s", "print done")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := x.Wait(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		last, err := w.Last(ann, s.ID)
		must(t, err)
		a, err := last.Wait(t.Context())
		must(t, err)
		if a.Stdout != "begun\ndone\n" || a.ID != x.ID() {
			t.Errorf("the answer is %+v", a)
		}
	})
}

func TestExecuteStopsWithItsContext(t *testing.T) {
	for _, tt := range []struct {
		code       string
		rolledBack bool
	}{{"loop", false}, {"stubborn", true}} {
		t.Run(tt.code, func(t *testing.T) {
			inWorld(t, nil, func(t *testing.T, w *world) {
				s := w.create()
				w.run(s.ID, "set a 1")
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, sandbox.ErrClientGone)
				defer cancel()
				a, err := w.Execute(ctx, ann, s.ID, cell("set a 2", tt.code))
				must(t, err)
				if a.Status != sandbox.StatusCancelled || a.RolledBack != tt.rolledBack {
					t.Errorf("the answer is %+v", a)
				}
				w.wantOutput(s.ID, map[bool]string{true: "1\n", false: "2\n"}[tt.rolledBack], "get a")
			})
		})
	}
}

func TestPauseAndResume(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		s := w.create()
		w.run(s.ID, "set a 1", "file f.txt kept")
		_, cost, err := w.Pause(t.Context(), ann, s.ID)
		must(t, err)
		paused := w.wantState(s.ID, kernels.StatePaused)
		if cost.Bytes == 0 || cost.Bytes != paused.StoredBytes || paused.MemoryBytes != 0 {
			t.Errorf("the cost is %+v of %+v", cost, paused)
		}
		if now, _ := w.engine.Live(); now != 0 {
			t.Errorf("%d kernels are live", now)
		}
		if _, again, err := w.Pause(t.Context(), ann, s.ID); err != nil || again.Bytes != cost.Bytes {
			t.Errorf("again: %+v, %v", again, err)
		}
		_, cost, err = w.Resume(t.Context(), ann, s.ID)
		must(t, err)
		if w.wantState(s.ID, kernels.StateIdle); cost.Bytes != paused.StoredBytes {
			t.Errorf("the cost is %+v", cost)
		}
		_, _, err = w.Pause(t.Context(), ann, s.ID)
		must(t, err)
		if a := w.wantOutput(s.ID, "1\nkept\n", "get a", "cat f.txt"); a.Notice != "" { // the user does not notice
			t.Errorf("notice %q", a.Notice)
		}
	})
}

func TestIdleSessionsArePaused(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		s := w.create()
		w.run(s.ID, "set a 1")
		time.Sleep(kernels.DefaultIdlePause - time.Second)
		synctest.Wait()
		w.wantState(s.ID, kernels.StateIdle)
		x := w.start(s.ID, "sleep 5s")
		time.Sleep(2 * time.Second)
		w.wantState(s.ID, kernels.StateBusy) // its time began anew
		<-x.Done()
		time.Sleep(kernels.DefaultIdlePause + time.Second)
		synctest.Wait()
		w.wantState(s.ID, kernels.StatePaused)
		w.wantOutput(s.ID, "1\n", "get a")
	})
}

func TestMemoryBoundPausesTheLongestIdle(t *testing.T) {
	for name, change := range map[string]func(*kernels.Config){
		"memory":       func(c *kernels.Config) { c.MemoryBytes = 3 << 20 },
		"live kernels": func(c *kernels.Config) { c.Live = 3 },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, change, func(t *testing.T, w *world) {
				var ids []string
				for range 3 {
					ids = append(ids, w.create().ID)
					time.Sleep(time.Millisecond)
				}
				w.run(ids[0], "set a 0")
				ids = append(ids, w.create().ID)
				w.wantState(ids[0], kernels.StateIdle)
				w.wantState(ids[1], kernels.StatePaused)

				for _, id := range []string{ids[0], ids[2], ids[3]} {
					w.start(id, "loop")
				}
				_, err := w.Execute(t.Context(), ann, ids[1], cell("print 1"))
				wantKind(t, err, sandbox.KindBusy) // all are busy
				for _, id := range ids {
					must(t, w.Interrupt(ann, id))
				}
				synctest.Wait()
				w.run(ids[1], "print 1")
			})
		})
	}
}

func TestKernelsThatGrowMakeOthersPause(t *testing.T) {
	inWorld(t, func(c *kernels.Config) { c.MemoryBytes = 10 << 20 }, func(t *testing.T, w *world) {
		a, b := w.create(), w.create()
		w.run(a.ID, "set v a")
		w.engine.SetMemory(10 << 20)
		time.Sleep(time.Second)
		w.run(b.ID, "set v b")
		synctest.Wait()
		w.wantState(a.ID, kernels.StatePaused)
		w.wantState(b.ID, kernels.StateIdle)
	})
}

func TestDeathOfTheProcess(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		s := w.create()
		w.run(s.ID, "set a saved")
		time.Sleep(kernels.DefaultSettle + time.Second)
		synctest.Wait()
		w.engine.Kill()
		if a := w.wantOutput(s.ID, "saved\n", "get a"); a.Notice != "" {
			t.Errorf("nothing was lost, but the notice is %q", a.Notice)
		}
		w.run(s.ID, "set a lost")
		w.engine.Kill()
		if a := w.wantOutput(s.ID, "saved\n", "get a"); !strings.Contains(a.Notice, "cells 2 to 3") {
			t.Errorf("the notice is %q", a.Notice)
		}
		if a := w.run(s.ID, "print x"); a.Notice != "" {
			t.Errorf("the notice is there again: %q", a.Notice)
		}

		a, err := w.Execute(t.Context(), ann, s.ID, cell("set a 2", "die"))
		must(t, err)
		if a.Status != sandbox.StatusInternal || !a.RolledBack {
			t.Errorf("the cell that the process died under: %+v", a)
		}
		if a := w.run(s.ID, "get a"); a.Stdout != "saved\n" || !strings.Contains(a.Notice, "lost") {
			t.Errorf("after it: %+v", a)
		}
	})
}

// TestDeathBeforeTheCell has kernels end when a cell has been sent to them and not
// begun: it is executed by the next one.
func TestDeathBeforeTheCell(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		s := w.create()
		w.run(s.ID, "set a saved")
		time.Sleep(kernels.DefaultSettle + time.Second)
		synctest.Wait()
		w.engine.KillEarly(2)
		if a := w.wantOutput(s.ID, "saved\n", "get a"); a.Notice != "" || a.ExecutionCount != 2 {
			t.Errorf("the answer is %+v", a)
		}
		w.run(s.ID, "set a lost")
		w.engine.KillEarly(1)
		if a := w.wantOutput(s.ID, "saved\n", "get a"); !strings.Contains(a.Notice, "cells 2 to 3") || a.ExecutionCount != 4 {
			t.Errorf("the answer is %+v", a)
		}
		w.engine.KillEarly(100)
		a, err := w.Execute(t.Context(), ann, s.ID, cell("set a 2"))
		must(t, err)
		if a.Status != sandbox.StatusInternal || a.ExecutionCount != 4 {
			t.Errorf("without a kernel that lasts: %+v", a)
		}
		w.engine.KillEarly(0)
		w.wantOutput(s.ID, "saved\n", "get a")
	})
}

func TestNextCellOvertakesTheSaving(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		s := w.create()
		for n := range 50 { // each comes before the saving is due
			w.run(s.ID, fmt.Sprintf("set a %d", n))
			time.Sleep(kernels.DefaultSettle - time.Millisecond)
		}
		if s := w.wantState(s.ID, kernels.StateIdle); s.StoredBytes != 0 {
			t.Errorf("%d bytes were saved", s.StoredBytes)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if s := w.wantState(s.ID, kernels.StateIdle); s.StoredBytes == 0 {
			t.Error("the state was not saved")
		}
	})
}

func TestServerRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		s := w.create()
		w.run(s.ID, "set a 1", "file f.txt x")
		busy := w.create()
		w.run(busy.ID, "set a 2")
		x := w.start(busy.ID, "set a 3", "loop")
		w.close()
		if a, done := x.Answer(); !done || a.Status != sandbox.StatusCancelled {
			t.Errorf("the cell that ran: %+v", a)
		}
		_, err := w.Start(ann, s.ID, cell("get a"))
		wantKind(t, err, sandbox.KindUnavailable)

		w.open()
		w.wantState(s.ID, kernels.StatePaused)
		if a := w.wantOutput(s.ID, "1\nx\n", "get a", "cat f.txt"); a.Notice != "" || a.ExecutionCount != 2 {
			t.Errorf("the answer is %+v", a)
		}
		w.wantOutput(busy.ID, "3\n", "get a")

		w.run(s.ID, "set a 9")
		synctest.Wait()
		w.crash()
		w.engine = sandboxtest.NewFakeKernels()
		w.cfg.Engine = w.engine
		w.open()
		if a := w.wantOutput(s.ID, "1\n", "get a"); !strings.Contains(a.Notice, "cells 2 to 3") {
			t.Errorf("the notice is %q", a.Notice)
		}
		w.close()
	})
}

func TestFork(t *testing.T) {
	for _, paused := range []bool{false, true} {
		t.Run(fmt.Sprintf("paused %v", paused), func(t *testing.T) {
			inWorld(t, nil, func(t *testing.T, w *world) {
				s := w.create()
				w.run(s.ID, "set a 1", "file f.txt one")
				must(t, w.PutFile(ann, s.ID, "dir/sub/g.txt", []byte("deep")))
				if paused {
					_, _, err := w.Pause(t.Context(), ann, s.ID)
					must(t, err)
				}
				f, cost, err := w.Fork(t.Context(), ann, s.ID, "")
				must(t, err)
				if f.ForkOf != s.ID || f.Name != "Script (fork)" || cost.Bytes == 0 || f.ExecutionCount != 1 || (f.State == kernels.StatePaused) != paused {
					t.Errorf("the fork is %+v, it cost %+v", f, cost)
				}
				w.run(s.ID, "set a 2", "file f.txt two")
				w.wantOutput(f.ID, "1\none\ndeep\n", "get a", "cat f.txt", "cat dir/sub/g.txt")
				w.run(f.ID, "set a 3", "file f.txt three")
				w.wantOutput(s.ID, "2\ntwo\n", "get a", "cat f.txt")
				must(t, w.Delete(t.Context(), ann, s.ID))
				_, _, err = w.Pause(t.Context(), ann, f.ID)
				must(t, err)
				w.wantOutput(f.ID, "3\nthree\n", "get a", "cat f.txt")
			})
		})
	}
}

func TestRestartAndDelete(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		s := w.create()
		w.run(s.ID, "set a 1", "file f.txt x")
		x := w.start(s.ID, "stubborn")
		r, err := w.Restart(t.Context(), ann, s.ID)
		must(t, err)
		if r.State != kernels.StateIdle || r.ExecutionCount != 0 {
			t.Errorf("restarted it is %+v", r)
		}
		if a, done := x.Answer(); !done || a.Status != sandbox.StatusCancelled {
			t.Errorf("the cell that ran: %+v", a)
		}
		a, err := w.Execute(t.Context(), ann, s.ID, cell("cat f.txt", "get a"))
		must(t, err)
		if a.Stdout != "x\n" || a.Error == nil || a.ExecutionCount != 1 || a.Notice != "" {
			t.Errorf("the answer is %+v", a)
		}

		x = w.start(s.ID, "stubborn")
		must(t, w.Delete(t.Context(), ann, s.ID))
		<-x.Done()
		_, err = w.Get(ann, s.ID)
		wantKind(t, err, sandbox.KindNotFound)
		for _, dir := range []string{"files", "states"} {
			if entries, err := os.ReadDir(filepath.Join(w.cfg.Dir, dir)); err != nil || len(entries) != 0 {
				t.Errorf("left in %s: %v, %v", dir, entries, err)
			}
		}
	})
}

func TestUnusedSessionsAreDeleted(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		guest := kernels.Owner{ID: "address:192.0.2.1", Guest: true}
		s := w.create()
		g, err := w.Create(t.Context(), guest, kernels.NewSession{Language: "script"})
		must(t, err)
		time.Sleep(kernels.DefaultGuestRetention + 2*time.Hour)
		synctest.Wait()
		_, err = w.Get(guest, g.ID)
		wantKind(t, err, sandbox.KindNotFound)
		w.run(s.ID, "set a 1")
		time.Sleep(kernels.DefaultRetention - time.Hour)
		synctest.Wait()
		w.wantState(s.ID, kernels.StatePaused)
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		_, err = w.Get(ann, s.ID)
		wantKind(t, err, sandbox.KindNotFound)
	})
}

func TestStatesThatCannotBeUsed(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, w *world, path string){
		"another version": func(_ *testing.T, w *world, _ string) { w.engine.SetVersion("2") },
		"damaged":         func(t *testing.T, _ *world, path string) { must(t, flip(path, -1)) },
		"damaged header":  func(t *testing.T, _ *world, path string) { must(t, flip(path, 0)) },
		"cut short":       func(t *testing.T, _ *world, path string) { must(t, os.Truncate(path, 10)) },
		"empty":           func(t *testing.T, _ *world, path string) { must(t, os.Truncate(path, 0)) },
		"missing":         func(t *testing.T, _ *world, path string) { must(t, os.Remove(path)) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, nil, func(t *testing.T, w *world) {
				s, other := w.create(), w.create()
				w.run(s.ID, "set a 1", "file f.txt x")
				w.run(other.ID, "set a other")
				_, _, err := w.Pause(t.Context(), ann, s.ID)
				must(t, err)
				spoil(t, w, filepath.Join(w.cfg.Dir, "states", s.ID))
				_, _, err = w.Resume(t.Context(), ann, s.ID)
				if err == nil {
					t.Fatal("it was resumed")
				}
				if s := w.wantState(s.ID, kernels.StateFailed); !strings.Contains(s.Message, "restart") {
					t.Errorf("the message is %q", s.Message)
				}
				_, err = w.Start(ann, s.ID, cell("get a"))
				wantKind(t, err, sandbox.KindConflict)
				_, err = w.Restart(t.Context(), ann, s.ID)
				must(t, err)
				w.wantOutput(s.ID, "x\n", "cat f.txt")
				w.wantOutput(other.ID, "other\n", "get a")
			})
		})
	}
}

// flip changes one byte of a file, counted from the end when at is negative.
func flip(path string, at int) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if at < 0 {
		at += len(b)
	}
	b[at] ^= 1
	return os.WriteFile(path, b, 0o600)
}

func TestFailedSavingKeepsTheOlderState(t *testing.T) {
	for name, spoil := range map[string]func(w *world){
		"the disk is full":   func(w *world) { w.engine.SetSaveErr(errors.New("no space left on device")) },
		"the state is large": func(*world) {},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(c *kernels.Config) { c.StateBytes = 1 << 10 }, func(t *testing.T, w *world) {
				s := w.create()
				w.run(s.ID, "set a old")
				_, _, err := w.Pause(t.Context(), ann, s.ID)
				must(t, err)
				w.run(s.ID, "set a new", "set big "+strings.Repeat("x", 2<<10))
				spoil(w)
				_, _, err = w.Pause(t.Context(), ann, s.ID)
				if err == nil {
					t.Error("it was paused")
				}
				w.wantState(s.ID, kernels.StateIdle) // and goes on
				w.wantOutput(s.ID, "new\n", "get a")
				if entries, err := os.ReadDir(filepath.Join(w.cfg.Dir, "states")); err != nil || len(entries) != 1 {
					t.Errorf("the states are %v, %v", entries, err)
				}
				w.engine.Kill()
				w.engine.SetSaveErr(nil)
				w.wantOutput(s.ID, "old\n", "get a")
			})
		})
	}
}

func TestFiles(t *testing.T) {
	inWorld(t, func(c *kernels.Config) { c.FileBytes, c.Files = 100, 5 }, func(t *testing.T, w *world) {
		s, err := w.Create(t.Context(), ann, kernels.NewSession{Language: "script", Files: []sandbox.File{{Name: "in/a.txt", Content: []byte("A")}}})
		must(t, err)
		w.wantOutput(s.ID, "A\n", "cat in/a.txt", "file b.txt")
		must(t, w.PutFile(ann, s.ID, "in/a.txt", []byte("AA")))
		w.wantOutput(s.ID, "AA\n", "cat in/a.txt")
		files, err := w.Files(ann, s.ID)
		must(t, err)
		if len(files) != 2 || files[0].Name != "b.txt" || files[1].Name != "in/a.txt" || files[1].Size != 2 {
			t.Errorf("the files are %+v", files)
		}
		for _, bad := range []string{"", "..", "../x", "/etc/passwd", "a/../b", "in/", "a\x00"} {
			wantKind(t, w.PutFile(ann, s.ID, bad, nil), sandbox.KindUnprocessed)
			wantKind(t, w.DeleteFile(ann, s.ID, bad), sandbox.KindUnprocessed)
			_, _, err := w.OpenFile(ann, s.ID, bad)
			wantKind(t, err, sandbox.KindUnprocessed)
		}
		wantKind(t, w.PutFile(ann, s.ID, "in", nil), sandbox.KindConflict)
		wantKind(t, w.PutFile(ann, s.ID, "b.txt/c", nil), sandbox.KindConflict)
		wantKind(t, w.PutFile(ann, s.ID, "big", make([]byte, 99)), sandbox.KindTooLarge)
		wantKind(t, w.PutFile(ann, s.ID, "x/y/z", nil), sandbox.KindTooLarge)
		_, _, err = w.OpenFile(ann, s.ID, "in")
		wantKind(t, err, sandbox.KindNotFound)

		dir := filepath.Join(w.cfg.Dir, "files", s.ID)
		must(t, os.Symlink("/etc/passwd", filepath.Join(dir, "link")))
		_, _, err = w.OpenFile(ann, s.ID, "link")
		wantKind(t, err, sandbox.KindNotFound)
		f, cost, err := w.Fork(t.Context(), ann, s.ID, "")
		must(t, err)
		if files, err := w.Files(ann, f.ID); err != nil || len(files) != 2 || cost.Bytes < 2 {
			t.Errorf("the fork has %v, %v", files, err)
		}
		must(t, w.DeleteFile(ann, s.ID, "in/a.txt"))
		wantKind(t, w.DeleteFile(ann, s.ID, "in/a.txt"), sandbox.KindNotFound)
	})
}

func TestStoredBytesAreBounded(t *testing.T) {
	inWorld(t, func(c *kernels.Config) { c.StoredBytes = 1000 }, func(t *testing.T, w *world) {
		s := w.create()
		must(t, w.PutFile(ann, s.ID, "a", make([]byte, 900)))
		wantKind(t, w.PutFile(ann, s.ID, "b", make([]byte, 200)), sandbox.KindBusy)
		_, _, err := w.Fork(t.Context(), ann, s.ID, "")
		wantKind(t, err, sandbox.KindBusy)
		must(t, w.DeleteFile(ann, s.ID, "a"))
		must(t, w.PutFile(ann, s.ID, "b", make([]byte, 200)))
	})
}

func TestCellsWaitForAPlace(t *testing.T) {
	inWorld(t, func(c *kernels.Config) { c.Running = 1 }, func(t *testing.T, w *world) {
		a, b := w.create(), w.create()
		w.start(a.ID, "loop")
		x := w.start(b.ID, "print b")
		y, err := w.Last(ann, b.ID)
		must(t, err)
		if _, done := y.Answer(); done {
			t.Error("it did not wait")
		}
		must(t, w.Interrupt(ann, b.ID)) // while it waits
		got, err := x.Wait(t.Context())
		must(t, err)
		if got.Status != sandbox.StatusCancelled || got.Stdout != "" {
			t.Errorf("the answer is %+v", got)
		}
		x = w.start(b.ID, "print b")
		must(t, w.Interrupt(ann, a.ID))
		if got, err := x.Wait(t.Context()); err != nil || got.Stdout != "b\n" {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

// TestClientsTakeTurns lets one client flood the keeper with cells: the first cell
// of another one runs in the next place, though both share their sessions.
func TestClientsTakeTurns(t *testing.T) {
	inWorld(t, func(c *kernels.Config) { c.Running = 1 }, func(t *testing.T, w *world) {
		flood, other := ann, ann
		flood.Client, other.Client = "key:flood", "key:other"
		start := func(o kernels.Owner, line string) *kernels.Execution {
			x, err := w.Start(o, w.create().ID, cell(line))
			must(t, err)
			synctest.Wait()
			return x
		}
		var cells []*kernels.Execution
		for range 20 {
			cells = append(cells, start(flood, "sleep 1s"))
		}
		x := start(other, "print hello")
		began := time.Now()
		got, err := x.Wait(t.Context())
		must(t, err)
		if took := time.Since(began); got.Stdout != "hello\n" || took > 2*time.Second {
			t.Errorf("%q came after %v", got.Stdout, took)
		}
		for _, x := range cells {
			if _, err := x.Wait(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}
