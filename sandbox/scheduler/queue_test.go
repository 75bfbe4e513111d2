package scheduler_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/sandbox/scheduler"
)

func TestQueueIsFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, scheduler.Config{MaxRunning: 1})
		b.submit("ada", "sleep 1s", "print a1")
		for _, who := range []string{"ada a2", "ada a3", "ada a4", "bob b1", "bob b2", "eve e1"} {
			client, text, _ := strings.Cut(who, " ")
			b.submit(client, "sleep 1s", "print "+text)
		}
		time.Sleep(10 * time.Second)
		var order []string
		for _, p := range b.runner.Started() {
			order = append(order, strings.Fields(string(p.Files[0].Content))[3])
		}
		if got := strings.Join(order, " "); got != "a1 a2 b1 e1 a3 b2 a4" {
			t.Errorf("started in the order %s", got)
		}
	})
}

func TestQueuePositions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, scheduler.Config{MaxRunning: 1})
		first := b.submit("ada", "loop")
		second, third := b.submit("ada", "loop"), b.submit("ada", "loop")
		position := func(r *scheduler.Run) int { return r.Progress().Position }
		if position(second) != 1 || position(third) != 2 {
			t.Errorf("positions %d and %d, want 1 and 2", position(second), position(third))
		}
		other := b.submit("bob", "loop")
		if position(second) != 1 || position(other) != 2 || position(third) != 3 {
			t.Errorf("positions %d, %d, %d with bob, want 1, 2, 3", position(second), position(other), position(third))
		}
		if got := b.Stats(); got.Running != 1 || got.Waiting != 3 {
			t.Errorf("stats %+v", got)
		}
		first.Cancel(sandbox.ErrKilled)
		synctest.Wait()
		if second.Progress().State != sandbox.ProgressRunning || position(other) != 1 || position(third) != 2 {
			t.Errorf("after the first: %+v, %d, %d", second.Progress(), position(other), position(third))
		}
		if got := story(follow(t, first)); got != "start running exit(cancelled 137 SIGKILL)" {
			t.Errorf("the first: %s", got)
		}
	})
}

func TestReaderHearsEveryPosition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, scheduler.Config{MaxRunning: 1})
		for range 3 {
			b.submit("ada", "sleep 1s")
		}
		r := b.submit("ada", "print done")
		if got := story(follow(t, r)); got != `start queued3 queued2 queued1 running stdout("done\n") exit(ok 0 )` {
			t.Errorf("heard %s", got)
		}
	})
}

func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, scheduler.Config{MaxRunning: 2, RunningPerClient: 1, QueuePerClient: 2, QueueTotal: 3})
		refused := func(client string) *sandbox.Error {
			t.Helper()
			_, err := b.Submit(t.Context(), scheduler.Request{Client: client, Program: sandboxtest.Program("loop")})
			return asError(t, err)
		}
		for range 3 {
			b.submit("ada", "loop")
		}
		if now, _ := b.runner.Running(); now != 1 {
			t.Errorf("ada runs %d programs at once, want 1", now)
		}
		if e := refused("ada"); e.Kind != sandbox.KindBusy || e.RetryAfter < time.Second {
			t.Errorf("a fourth of ada: %#v", e)
		}
		b.submit("bob", "loop")
		if now, _ := b.runner.Running(); now != 2 {
			t.Errorf("%d programs run, want 2", now)
		}
		b.submit("bob", "loop")
		if e := refused("eve"); e.Kind != sandbox.KindBusy || e.RetryAfter < time.Second {
			t.Errorf("one more than the queue holds: %#v", e)
		}
	})
}

func TestRetryAfterFollowsTheLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, scheduler.Config{MaxRunning: 1, QueuePerClient: 2})
		for range 40 {
			b.submit("ada", "sleep 9s")
			time.Sleep(10 * time.Second)
		}
		for range 3 {
			b.submit("ada", "loop")
		}
		_, err := b.Submit(t.Context(), scheduler.Request{Client: "ada", Program: sandboxtest.Program("loop")})
		if e := asError(t, err); e.RetryAfter < 15*time.Second || e.RetryAfter > 20*time.Second {
			t.Errorf("two runs of 9 s wait, but retry after %v", e.RetryAfter)
		}
	})
}

func TestCancel(t *testing.T) {
	causes := []struct {
		cause error
		want  string
	}{
		{sandbox.ErrInterrupted, "exit(cancelled 130 SIGINT)"},
		{sandbox.ErrKilled, "exit(cancelled 137 SIGKILL)"},
		{sandbox.ErrClientGone, "exit(cancelled 129 SIGHUP)"},
	}
	for _, tt := range causes {
		t.Run(tt.cause.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, scheduler.Config{MaxRunning: 1})
				running, queued := b.submit("ada", "print a", "loop"), b.submit("ada", "print b")
				queued.Cancel(tt.cause)
				queued.Cancel(sandbox.ErrShutdown)
				running.Cancel(tt.cause)
				running.Cancel(sandbox.ErrShutdown)
				b.wait(running)
				running.Cancel(tt.cause)
				if got := story(follow(t, running)); got != `start running stdout("a\n") `+tt.want {
					t.Errorf("running: %s", got)
				}
				if got := story(follow(t, queued)); got != "start queued1 "+tt.want {
					t.Errorf("queued: %s", got)
				}
				if n := len(b.runner.Started()); n != 1 {
					t.Errorf("%d programs were started, want 1", n)
				}
				b.recorded(running)
				b.recorded(queued)
			})
		})
	}
}

func TestLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, scheduler.Config{})
		req := scheduler.Request{Client: "ada", Program: sandboxtest.Program("loop"), IdempotencyKey: "k"}
		one, _ := b.Submit(t.Context(), req)
		two, _ := b.Submit(t.Context(), req)
		one.Leave()
		synctest.Wait()
		if _, ended := two.Result(); ended {
			t.Fatal("the run ended while one still waited for it")
		}
		two.Leave()
		if res := b.wait(two); res.Signal != "SIGHUP" {
			t.Errorf("after all left: %+v", res.Outcome)
		}
		two.Leave()
	})
}
