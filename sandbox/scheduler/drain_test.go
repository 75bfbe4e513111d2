package scheduler_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/sandbox/scheduler"
)

func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, scheduler.Config{MaxRunning: 1})
		short := b.submit("ada", "sleep 1s", "print done")
		next := b.submit("ada", "sleep 1s", "print done")
		long, queued := b.submit("bob", "print begun", "sleep 9s"), b.submit("bob", "print never")
		drained := make(chan error)
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			drained <- b.Drain(ctx)
		}()
		synctest.Wait()
		_, err := b.Submit(t.Context(), scheduler.Request{Client: "eve", Program: sandboxtest.Program("print")})
		if e := asError(t, err); e.Kind != sandbox.KindUnavailable || e.RetryAfter <= 0 {
			t.Errorf("a new run while draining: %#v", e)
		}
		if err := <-drained; err != nil {
			t.Errorf("drain: %v", err)
		}
		for _, tt := range []struct {
			name string
			run  *scheduler.Run
			want string
		}{
			{"short", short, `start running stdout("done\n") exit(ok 0 )`},
			{"next", next, `start running stdout("done\n") exit(ok 0 )`},
			{"long", long, `start running stdout("begun\n") exit(cancelled 143 SIGTERM)`},
			{"queued", queued, `start queued1 exit(cancelled 143 SIGTERM)`},
		} {
			if got := story(follow(t, tt.run)); got != tt.want {
				t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
			}
			b.recorded(tt.run)
		}
		if n := len(b.runner.Started()); n != 3 {
			t.Errorf("%d programs were started, want 3", n)
		}
	})
}

func TestDrainOfAnIdleSchedulerIsQuick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, scheduler.Config{})
		b.wait(b.submit("ada", "print"))
		began := time.Now()
		for range 3 {
			if err := b.Drain(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("took %v", took)
		}
	})
}

// deafRunner does not stop when it is told to, until release is closed.
type deafRunner struct {
	*sandboxtest.Runner
	release chan struct{}
}

func (d deafRunner) Run(_ context.Context, _ sandbox.Program, out sandbox.Sink) (sandbox.Outcome, error) {
	out.Output(sandbox.Stdout, []byte("begun\n"))
	<-d.release
	out.Output(sandbox.Stdout, []byte("late\n"))
	return sandbox.Outcome{Status: sandbox.StatusOK}, nil
}

func TestDrainGivesUpOnADeafEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runner := deafRunner{sandboxtest.NewRunner(), make(chan struct{})}
		store := &sandboxtest.RunStore{}
		s := scheduler.New(scheduler.Config{Runners: []sandbox.CodeRunner{runner}, Store: store})
		r, err := s.Submit(t.Context(), scheduler.Request{Client: "ada", Program: sandboxtest.Program("print")})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err == nil {
			t.Error("nobody hears that a run did not stop")
		}
		if got := story(follow(t, r)); got != `start running stdout("begun\n") exit(cancelled 143 SIGTERM)` {
			t.Errorf("got %s", got)
		}
		if _, err := store.Run(t.Context(), r.ID()); err != nil {
			t.Errorf("record: %v", err)
		}
		close(runner.release)
		synctest.Wait()
		if res, _ := r.Result(); res.Stdout != "begun\n" || res.Status != sandbox.StatusCancelled {
			t.Errorf("a late engine changed the result to %+v", res)
		}
	})
}
