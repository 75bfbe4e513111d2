package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/sandbox/scheduler"
)

func TestLookup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, scheduler.Config{})
		r := b.submit("ada", "print hello", "sleep 1s", "eprint bye", "display text/plain x")
		lookup := func(client string) (*scheduler.Run, error) { return b.Lookup(t.Context(), client, r.ID()) }
		live, err := lookup("ada")
		if err != nil || live != r {
			t.Fatalf("live: %v, %v", live, err)
		}
		if res, ended := live.Result(); ended || res.Stdout != "hello\n" || res.Language != "script" {
			t.Errorf("so far: %+v, %t", res, ended)
		}
		if _, err := lookup("bob"); sandbox.KindOf(err) != sandbox.KindNotFound {
			t.Errorf("bob sees ada's run: %v", err)
		}
		want := b.wait(r)
		time.Sleep(time.Hour)
		old, err := lookup("ada")
		if err != nil || old == r {
			t.Fatalf("from the history: %v, %v", old, err)
		}
		if got := b.wait(old); got.Stdout != want.Stdout || got.Stderr != want.Stderr || got.Usage != want.Usage || len(got.Outputs) != 1 {
			t.Errorf("from the history: %+v, want %+v", got, want)
		}
		if got := story(follow(t, old)); got != `start stdout("hello\n") stderr("bye\n") display exit(ok 0 )` {
			t.Errorf("replay: %s", got)
		}
		old.Cancel(sandbox.ErrKilled)
		old.Leave()
		if _, err := lookup("bob"); sandbox.KindOf(err) != sandbox.KindNotFound {
			t.Errorf("bob sees ada's old run: %v", err)
		}
		if _, err := b.Lookup(t.Context(), "ada", "nothing"); sandbox.KindOf(err) != sandbox.KindNotFound {
			t.Errorf("no run: %v", err)
		}
		time.Sleep(25 * time.Hour)
		if _, err := lookup("ada"); sandbox.KindOf(err) != sandbox.KindNotFound {
			t.Errorf("after the retention: %v", err)
		}
	})
}

func TestRecent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, scheduler.Config{})
		var want []string
		for i := range 5 {
			r := b.submit("ada", fmt.Sprintf("print %d", i))
			b.wait(r)
			want = append(want, r.ID())
			time.Sleep(time.Second)
		}
		slices.Reverse(want)
		b.wait(b.submit("bob", "print"))
		recent, err := b.Recent(t.Context(), sandbox.RunFilter{Client: "ada", Limit: 3})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, rec := range recent {
			got = append(got, rec.Result.ID)
			if rec.Result.Stdout != "" || rec.Result.Status != sandbox.StatusOK {
				t.Errorf("record %+v", rec.Result)
			}
		}
		if !slices.Equal(got, want[:3]) {
			t.Errorf("got %v, want %v", got, want[:3])
		}
		older, err := b.Recent(t.Context(), sandbox.RunFilter{Client: "ada", Before: want[2], Limit: 3})
		if err != nil || len(older) != 2 || older[0].Result.ID != want[3] {
			t.Errorf("got %+v, %v behind %s of %v", older, err, want[2], want)
		}
	})
}

func TestHistoryThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, scheduler.Config{})
		b.store.SetErr(errors.New("disk full"))
		r := b.submit("ada", "print hello")
		if res := b.wait(r); res.Stdout != "hello\n" {
			t.Errorf("result %+v", res)
		}
		synctest.Wait()
		if got, err := b.Lookup(t.Context(), "ada", r.ID()); err != nil || got != r {
			t.Errorf("still in memory: %v, %v", got, err)
		}
		b.store.SetErr(nil)
		next := b.submit("ada", "print again")
		b.wait(next)
		b.recorded(next)
	})
}

// pickyStore refuses what it is given together with some run. It does nothing until
// it is released.
type pickyStore struct {
	sandboxtest.RunStore
	refused string // its output
	release chan struct{}
	calls   int
}

func (s *pickyStore) SaveRuns(ctx context.Context, runs ...sandbox.RunRecord) error {
	s.calls++
	<-s.release
	for _, r := range runs {
		if r.Result.Stdout == s.refused {
			return errors.New("this one cannot be recorded")
		}
	}
	return s.RunStore.SaveRuns(ctx, runs...)
}

// TestRunsAreRecordedTogether holds that runs which end together go into one
// transaction, and that one which cannot be recorded does not take them along.
func TestRunsAreRecordedTogether(t *testing.T) {
	for refused, calls := range map[string]int{"nothing": 2, "3\n": 2 + 5} {
		synctest.Test(t, func(t *testing.T) {
			store := &pickyStore{refused: refused, release: make(chan struct{})}
			s := scheduler.New(scheduler.Config{Runners: []sandbox.CodeRunner{sandboxtest.NewRunner()}, Store: store, Log: slog.New(slog.DiscardHandler)})
			defer s.Close()
			run := func(command string) {
				r, err := s.Submit(t.Context(), scheduler.Request{Client: "ada", Program: sandboxtest.Program(command)})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := r.Wait(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			run("print first") // which the store is at while the others end
			synctest.Wait()
			for n := range 5 {
				run(fmt.Sprint("print ", n))
			}
			close(store.release)
			synctest.Wait()
			recorded, err := store.Runs(t.Context(), sandbox.RunFilter{Client: "ada", Limit: 10})
			want := 6
			if refused == "3\n" {
				want = 5
			}
			if err != nil || len(recorded) != want || store.calls != calls {
				t.Errorf("refusing %q: %d runs recorded in %d calls, want %d in %d; %v", refused, len(recorded), store.calls, want, calls, err)
			}
		})
	}
}

func TestHistoryLeavesOutManyFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, scheduler.Config{})
		big := strings.Repeat("x", 600<<10)
		var commands []string
		for i := range 10 {
			commands = append(commands, fmt.Sprintf("file f%d %s", i, big))
		}
		// Ten files would not fit into one program, so the engine makes them up.
		runner := filesRunner{b.runner, commands}
		s := scheduler.New(scheduler.Config{Runners: []sandbox.CodeRunner{runner}, Store: b.store})
		defer s.Close()
		r, err := s.Submit(t.Context(), scheduler.Request{Client: "ada", Program: sandboxtest.Program("print")})
		if err != nil {
			t.Fatal(err)
		}
		if got := len(b.wait(r).Files); got != 10 {
			t.Errorf("the result has %d files, want 10", got)
		}
		if got := len(b.recorded(r).Result.Files); got != 6 {
			t.Errorf("the record has %d files, want the 6 that fit", got)
		}
	})
}

// filesRunner runs commands whatever the program.
type filesRunner struct {
	*sandboxtest.Runner
	commands []string
}

func (f filesRunner) Run(ctx context.Context, p sandbox.Program, out sandbox.Sink) (sandbox.Outcome, error) {
	return f.Runner.Run(ctx, sandboxtest.Program(f.commands...), out)
}

func TestRecentShowsWhatIsNotRecordedYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runner, store := sandboxtest.NewRunner(), &slowStore{release: make(chan struct{})}
		s := scheduler.New(scheduler.Config{Runners: []sandbox.CodeRunner{runner}, Store: store})
		defer s.Close()
		defer close(store.release)
		for _, client := range []string{"ada", "bob", "ada"} {
			r, err := s.Submit(t.Context(), scheduler.Request{Client: client, Program: sandboxtest.Program("print")})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.Wait(t.Context()); err != nil { // the store holds nobody up
				t.Fatal(err)
			}
		}
		for limit, want := range map[int]int{10: 2, 1: 1} {
			if recent, err := s.Recent(t.Context(), sandbox.RunFilter{Client: "ada", Limit: limit}); err != nil || len(recent) != want {
				t.Errorf("%d runs of ada, %v; want %d", len(recent), err, want)
			}
		}
		all, err := s.Recent(t.Context(), sandbox.RunFilter{Client: "ada", Limit: 10})
		if err != nil || len(all) != 2 {
			t.Fatalf("%d runs of ada, %v", len(all), err)
		}
		older, err := s.Recent(t.Context(), sandbox.RunFilter{Client: "ada", Before: all[0].Result.ID, Limit: 10})
		if err != nil || len(older) != 1 || older[0].Result.ID != all[1].Result.ID {
			t.Errorf("behind the newest, which is not stored: %+v, %v", older, err)
		}
	})
}

// slowStore saves nothing until it is released.
type slowStore struct {
	sandboxtest.RunStore
	release chan struct{}
}

func (s *slowStore) SaveRuns(ctx context.Context, runs ...sandbox.RunRecord) error {
	<-s.release
	return s.RunStore.SaveRuns(ctx, runs...)
}
