package scheduler_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/sandbox/scheduler"
)

// A start is when a run began; several begin at one moment.
type start struct {
	at time.Time
	n  int // of the run
}

// A watcher is an engine that checks, run by run, what the scheduler promises.
type watcher struct {
	*sandboxtest.Runner
	mu      sync.Mutex
	client  map[string]string // by the program's first argument
	running map[string]int    // by client
	peak    map[string]int    // by client
	started map[string][]start
}

func (w *watcher) Run(ctx context.Context, p sandbox.Program, out sandbox.Sink) (sandbox.Outcome, error) {
	w.mu.Lock()
	client := w.client[p.Args[0]]
	w.running[client]++
	w.peak[client] = max(w.peak[client], w.running[client])
	var n int
	fmt.Sscan(p.Args[0], &n)
	w.started[client] = append(w.started[client], start{time.Now(), n})
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		w.running[client]--
		w.mu.Unlock()
	}()
	return w.Runner.Run(ctx, p, out)
}

// TestRandomHistories does whatever clients and engines may do, in random
// order, and holds the promises against it.
func TestRandomHistories(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { randomHistory(t, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

func randomHistory(t *testing.T, rnd *rand.Rand) {
	w := &watcher{Runner: sandboxtest.NewRunner(), client: map[string]string{}, running: map[string]int{},
		peak: map[string]int{}, started: map[string][]start{}}
	store := &sandboxtest.RunStore{}
	cfg := scheduler.Config{
		Runners: []sandbox.CodeRunner{w}, Store: store,
		MaxRunning: 1 + rnd.IntN(4), QueuePerClient: 1 + rnd.IntN(6), QueueTotal: 1 + rnd.IntN(12),
		PrepareTimeout: 5 * time.Second, Log: slog.New(slog.DiscardHandler),
	}
	cfg.RunningPerClient = 1 + rnd.IntN(cfg.MaxRunning)
	s := scheduler.New(cfg)
	defer s.Close()

	var accepted []*scheduler.Run
	for n := range 150 {
		switch rnd.IntN(10) {
		case 0, 1, 2, 3, 4:
			if r := randomSubmit(t, s, w, rnd, n); r != nil {
				accepted = append(accepted, r)
			}
		case 5:
			if len(accepted) > 0 {
				accepted[rnd.IntN(len(accepted))].Cancel(pick(rnd, sandbox.ErrInterrupted, sandbox.ErrKilled, sandbox.ErrClientGone))
			}
		case 6:
			w.SetState("script", pick(rnd, sandbox.LanguageReady, sandbox.LanguageReady, sandbox.LanguagePreparing, sandbox.LanguageFailed), "")
		default:
			time.Sleep(time.Duration(rnd.IntN(3000)) * time.Millisecond)
		}
		if got := s.Stats(); got.Running > cfg.MaxRunning || got.Waiting > cfg.QueueTotal+1 {
			t.Fatalf("stats %+v with %+v", got, cfg)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rnd.IntN(20))*time.Second)
	defer cancel()
	if err := s.Drain(ctx); err != nil {
		t.Errorf("drain: %v", err)
	}

	if _, peak := w.Running(); peak > cfg.MaxRunning {
		t.Errorf("%d programs ran at once, want %d at most", peak, cfg.MaxRunning)
	}
	for client, peak := range w.peak {
		if peak > cfg.RunningPerClient {
			t.Errorf("%d programs of %s ran at once, want %d at most", peak, client, cfg.RunningPerClient)
		}
		slices.SortFunc(w.started[client], func(a, b start) int { return cmp.Or(a.at.Compare(b.at), a.n-b.n) })
		if !slices.IsSortedFunc(w.started[client], func(a, b start) int { return a.n - b.n }) {
			t.Errorf("the programs of %s were started in the order %v", client, w.started[client])
		}
	}
	for _, r := range accepted {
		checkHistory(t, store, r)
	}
}

func pick[T any](rnd *rand.Rand, of ...T) T { return of[rnd.IntN(len(of))] }

// randomSubmit returns nil when the run is refused, which it must be for a reason.
func randomSubmit(t *testing.T, s *scheduler.Scheduler, w *watcher, rnd *rand.Rand, n int) *scheduler.Run {
	t.Helper()
	client := pick(rnd, "ada", "bob", "eve", "joe")
	p := sandboxtest.Program(pick(rnd, "print hello", "loop", "panic no", "fail no", "exit 3", "flood",
		fmt.Sprintf("print a\nsleep %dms\nprint b", rnd.IntN(5000))))
	p.Limits.OutputBytes = 20_000
	p.Args = []string{fmt.Sprint(n)}
	w.mu.Lock()
	w.client[p.Args[0]] = client
	w.mu.Unlock()
	r, err := s.Submit(t.Context(), scheduler.Request{Client: client, Program: p})
	if err != nil {
		if e := asError(t, err); e.Kind != sandbox.KindBusy && e.Kind != sandbox.KindUnavailable {
			t.Errorf("submit: %v", err)
		}
		return nil
	}
	return r
}

// checkHistory holds that an accepted run has one beginning, one end and one
// record.
func checkHistory(t *testing.T, store *sandboxtest.RunStore, r *scheduler.Run) {
	t.Helper()
	events := follow(t, r)
	for i, e := range events {
		if (e.Type == sandbox.EventStart) != (i == 0) || (e.Type == sandbox.EventExit) != (i == len(events)-1) {
			t.Errorf("events %s", story(events))
		}
	}
	rec, err := store.Run(t.Context(), r.ID())
	if err != nil {
		t.Errorf("record of a run: %v", err)
	}
	if exit := events[len(events)-1].Result; rec.Result.Status != exit.Status || rec.Result.Stdout != exit.Stdout {
		t.Errorf("record %+v, exit %+v", rec.Result.Outcome, exit.Outcome)
	}
}
