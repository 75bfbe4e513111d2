package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/sandbox/scheduler"
)

// A bench is a scheduler with what it stands on.
type bench struct {
	*scheduler.Scheduler
	t      *testing.T
	runner *sandboxtest.Runner
	store  *sandboxtest.RunStore
}

// newBench starts a scheduler that is closed at the end of the test.
func newBench(t *testing.T, cfg scheduler.Config) *bench {
	t.Helper()
	b := &bench{t: t, runner: sandboxtest.NewRunner(), store: &sandboxtest.RunStore{}}
	cfg.Runners, cfg.Store = []sandbox.CodeRunner{b.runner}, b.store
	cfg.Log = slog.New(slog.DiscardHandler)
	b.Scheduler = scheduler.New(cfg)
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b
}

// submit submits commands, and waits until all is quiet.
func (b *bench) submit(client string, commands ...string) *scheduler.Run {
	b.t.Helper()
	r, err := b.Submit(b.t.Context(), scheduler.Request{Client: client, Program: sandboxtest.Program(commands...)})
	if err != nil {
		b.t.Fatalf("submit: %v", err)
	}
	synctest.Wait()
	return r
}

func (b *bench) wait(r *scheduler.Run) sandbox.Result {
	b.t.Helper()
	res, err := r.Wait(context.Background())
	if err != nil {
		b.t.Fatalf("wait: %v", err)
	}
	return res
}

// recorded waits for a run's record.
func (b *bench) recorded(r *scheduler.Run) sandbox.RunRecord {
	b.t.Helper()
	synctest.Wait()
	rec, err := b.store.Run(b.t.Context(), r.ID())
	if err != nil {
		b.t.Fatalf("record of a run: %v", err)
	}
	return rec
}

// follow reads every event of r.
func follow(t *testing.T, r *scheduler.Run) []sandbox.Event {
	t.Helper()
	var all []sandbox.Event
	for next := 0; ; {
		events, n, err := r.Events(context.Background(), next)
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatalf("events after %d: %v", next, err)
		}
		all, next = append(all, events...), n
	}
}

// story writes events as one line.
func story(events []sandbox.Event) string {
	var parts []string
	for _, e := range events {
		part := string(e.Type)
		switch e.Type {
		case sandbox.EventStdout, sandbox.EventStderr:
			part += fmt.Sprintf("(%q)", e.Text)
		case sandbox.EventStatus:
			part = string(e.Status.State)
			if e.Status.Position > 0 {
				part += fmt.Sprint(e.Status.Position)
			}
		case sandbox.EventExit:
			part += fmt.Sprintf("(%s %d %s)", e.Result.Status, e.Result.ExitCode, e.Result.Signal)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " ")
}

func asError(t *testing.T, err error) *sandbox.Error {
	t.Helper()
	var e *sandbox.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a *sandbox.Error", err)
	}
	return e
}

func TestRunStories(t *testing.T) {
	tests := []struct {
		name     string
		commands []string
		want     string
	}{
		{"hello", []string{"print hello"}, `start running stdout("hello\n") exit(ok 0 )`},
		{"two streams and a display", []string{"print a", "eprint b", "display text/plain x", "print c"},
			`start running stdout("a\n") stderr("b\n") display stdout("c\n") exit(ok 0 )`},
		{"exit code", []string{"exit 3"}, `start running exit(error 3 )`},
		{"bytes that are not text", []string{`write "a\xffb\xe2\x82"`}, `start running stdout("a�b��") exit(ok 0 )`},
		{"timeout", []string{"print a", "loop"}, `start running stdout("a\n") exit(timeout 137 SIGKILL)`},
		{"memory", []string{"memory"}, `start running exit(memory_limit 137 SIGKILL)`},
		{"engine error", []string{"fail disk on fire"}, `start running exit(internal 1 )`},
		{"engine panic", []string{"print a", "panic boom"}, `start running stdout("a\n") exit(internal 1 )`},
		{"program the engine refuses", []string{"reject no such thing"}, `start running exit(error 1 )`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, scheduler.Config{})
				r := b.submit("ada", tt.commands...)
				b.wait(r)
				if got := story(follow(t, r)); got != tt.want {
					t.Errorf("got  %s\nwant %s", got, tt.want)
				}
				if rec := b.recorded(r); rec.Client != "ada" || rec.Result.Status != b.wait(r).Status {
					t.Errorf("record %+v", rec)
				}
			})
		})
	}
}

func TestResultHasEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, scheduler.Config{})
		r := b.submit("ada", "print hello", "eprint oh", "display text/html <b>", "diag 4 wrong", "file out.txt content", "exit 3")
		res := b.wait(r)
		if len(res.ID) != 26 || res.ID != r.ID() {
			t.Errorf("id %q of run %q", res.ID, r.ID())
		}
		if res.Language != "script" || res.Version != "1.2.3" || res.Engine != sandbox.EngineWasm || res.Reason == "" {
			t.Errorf("identity %+v", res)
		}
		if res.Stdout != "hello\n" || res.Stderr != "oh\n" || len(res.Outputs) != 1 {
			t.Errorf("output %q, %q, %v", res.Stdout, res.Stderr, res.Outputs)
		}
		if len(res.Diagnostics) != 1 || len(res.Files) != 1 || res.Usage.MemoryBytes == 0 || res.Message == "" {
			t.Errorf("outcome %+v", res.Outcome)
		}
		if now, ok := r.Result(); !ok || now.Stdout != res.Stdout {
			t.Errorf("Result after the end: %+v, %t", now, ok)
		}
	})
}

func TestInternalErrorsSayNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, scheduler.Config{})
		for _, command := range []string{"fail secret", "panic secret"} {
			if res := b.wait(b.submit("ada", command)); strings.Contains(res.Message, "secret") || res.Message == "" {
				t.Errorf("%s: message %q", command, res.Message)
			}
		}
	})
}

func TestRejectedProgramSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, scheduler.Config{})
		if res := b.wait(b.submit("ada", "reject the reason")); res.Message != "the reason" {
			t.Errorf("message %q", res.Message)
		}
	})
}

func TestSubmitRefuses(t *testing.T) {
	ok := sandboxtest.Program("print")
	with := func(change func(p *sandbox.Program)) sandbox.Program {
		p := ok
		change(&p)
		return p
	}
	tests := []struct {
		name    string
		program sandbox.Program
		key     string
		kind    sandbox.Kind
		field   string
	}{
		{"no language", with(func(p *sandbox.Program) { p.Language = "" }), "", sandbox.KindUnprocessed, "language"},
		{"unknown language", with(func(p *sandbox.Program) { p.Language = "cobol" }), "", sandbox.KindUnprocessed, "language"},
		{"unknown version", with(func(p *sandbox.Program) { p.Version = "9" }), "", sandbox.KindUnprocessed, "version"},
		{"no files", with(func(p *sandbox.Program) { p.Files = nil }), "", sandbox.KindUnprocessed, "files"},
		{"container", with(func(p *sandbox.Program) { p.Engine = sandbox.EngineContainer }), "", sandbox.KindUnprocessed, "engine"},
		{"unknown engine", with(func(p *sandbox.Program) { p.Engine = "jvm" }), "", sandbox.KindUnprocessed, "engine"},
		{"long key", ok, strings.Repeat("k", 256), sandbox.KindUnprocessed, scheduler.IdempotencyKeyField},
		{"failed language", with(func(p *sandbox.Program) { p.Language = "py" }), "", sandbox.KindUnavailable, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, scheduler.Config{})
			b.runner.SetState("python", sandbox.LanguageFailed, "the module is missing")
			_, err := b.Submit(t.Context(), scheduler.Request{Client: "ada", Program: tt.program, IdempotencyKey: tt.key})
			if e := asError(t, err); e.Kind != tt.kind || e.Field != tt.field || e.Message == "" {
				t.Errorf("got %#v", e)
			}
		})
	}
}

func TestPlace(t *testing.T) {
	containers := sandboxtest.NewRunner(sandbox.Language{ID: "go", Name: "Go", Version: "1.26", State: sandbox.LanguageReady},
		sandbox.Language{ID: "python", Name: "Python", Version: "3.14.0", Aliases: []string{"py"}, State: sandbox.LanguageReady})
	containers.SetEngine(sandbox.EngineContainer)
	s := scheduler.New(scheduler.Config{Runners: []sandbox.CodeRunner{sandboxtest.NewRunner(), containers}, Store: &sandboxtest.RunStore{}})
	defer s.Close()
	tests := []struct {
		name              string
		language, version string
		engine            sandbox.EngineChoice
		want, wantVersion string
	}{
		{"the first engine", "py", "", "", "wasm", "3.12.0"},
		{"the first engine, by name", "PYTHON3", "*", "auto", "wasm", "3.12.0"},
		{"the engine with the version", "py", "3.14", "", "container", "3.14.0"},
		{"the engine with the language", "go", "", "", "container", "1.26"},
		{"the engine asked for", "py", "", "container", "container", "3.14.0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := sandboxtest.Program("print")
			p.Language, p.Version, p.Engine = tt.language, tt.version, tt.engine
			r, err := s.Submit(t.Context(), scheduler.Request{Program: p})
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Identity(); string(got.Engine) != tt.want || got.Version != tt.wantVersion || got.Reason == "" {
				t.Errorf("got %+v", got)
			}
		})
	}
}

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

func TestStdin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, scheduler.Config{})
		p := sandboxtest.Program("readline", "echo")
		p.Stdin = sandbox.LiveStdin()
		r, err := b.Submit(t.Context(), scheduler.Request{Client: "ada", Program: p})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, err := r.Stdin().Write([]byte("one\ntwo")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if res, ended := r.Result(); ended || res.Stdout != "one\ntwo" {
			t.Errorf("before the end of input: %q, %t", res.Stdout, ended)
		}
		r.Stdin().Close()
		if res := b.wait(r); res.Stdout != "one\ntwo" || res.Status != sandbox.StatusOK {
			t.Errorf("result %+v", res)
		}
		silent := b.submit("ada", "echo")
		if res := b.wait(silent); res.Status != sandbox.StatusOK {
			t.Errorf("a program without input: %+v", res)
		}
		stopped := sandboxtest.Program("print")
		stopped.Stdin = sandbox.LiveStdin()
		r, _ = b.Submit(t.Context(), scheduler.Request{Client: "ada", Program: stopped})
		b.wait(r)
		if _, err := r.Stdin().Write([]byte("late")); sandbox.KindOf(err) != sandbox.KindConflict {
			t.Errorf("input after the end: %v", err)
		}
	})
}

func TestPreparing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, scheduler.Config{MaxRunning: 1})
		b.runner.SetState("script", sandbox.LanguagePreparing, "compiling")
		p := sandboxtest.Program("print hello")
		r := b.submit("ada", "print hello")
		if got := r.Progress(); got.State != sandbox.ProgressPreparing || !strings.Contains(got.Message, "compiling") {
			t.Errorf("progress %+v", got)
		}
		p.Language = "python"
		other, err := b.Submit(t.Context(), scheduler.Request{Client: "ada", Program: p})
		if err != nil {
			t.Fatal(err)
		}
		if res := b.wait(other); res.Status != sandbox.StatusOK {
			t.Errorf("a ready language waited: %+v", res)
		}
		b.runner.SetState("script", sandbox.LanguagePreparing, "almost there")
		time.Sleep(time.Second)
		if got := r.Progress(); !strings.Contains(got.Message, "almost there") {
			t.Errorf("progress %+v", got)
		}
		b.runner.SetState("script", sandbox.LanguageReady, "")
		if res := b.wait(r); res.Stdout != "hello\n" {
			t.Errorf("result %+v", res)
		}
		if got := story(follow(t, r)); got != `start running stdout("hello\n") exit(ok 0 )` {
			t.Errorf("heard afterwards: %s", got)
		}
	})
}

func TestPreparingEnds(t *testing.T) {
	tests := []struct {
		name string
		act  func(b *bench, r *scheduler.Run)
		want sandbox.Status
	}{
		{"in failure", func(b *bench, r *scheduler.Run) {
			b.runner.SetState("script", sandbox.LanguageFailed, "no such module")
		}, sandbox.StatusInternal},
		{"never", func(b *bench, r *scheduler.Run) {}, sandbox.StatusInternal},
		{"by cancellation", func(b *bench, r *scheduler.Run) { r.Cancel(sandbox.ErrKilled) }, sandbox.StatusCancelled},
		{"by a shutdown", func(b *bench, r *scheduler.Run) { b.Close() }, sandbox.StatusCancelled},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, scheduler.Config{PrepareTimeout: time.Minute})
				b.runner.SetState("script", sandbox.LanguagePreparing, "compiling")
				began := time.Now()
				r := b.submit("ada", "print hello")
				tt.act(b, r)
				if res := b.wait(r); res.Status != tt.want || res.Message == "" {
					t.Errorf("got %+v", res.Outcome)
				}
				if took := time.Since(began); took > time.Minute+time.Second {
					t.Errorf("ended after %v", took)
				}
				b.recorded(r)
			})
		})
	}
}

func TestIdempotency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, scheduler.Config{MaxRunning: 8})
		request := func(client, key, command string) scheduler.Request {
			p := sandboxtest.Program(command)
			p.Stdin = sandbox.StaticStdin([]byte("input"))
			return scheduler.Request{Client: client, Program: p, IdempotencyKey: key}
		}
		ids := make(chan string)
		for range 20 {
			go func() {
				r, err := b.Submit(context.Background(), request("ada", "k", "sleep 1s"))
				if err != nil {
					t.Error(err)
				}
				ids <- r.ID()
			}()
		}
		first := <-ids
		for range 19 {
			if id := <-ids; id != first {
				t.Errorf("run %s beside %s", id, first)
			}
		}
		synctest.Wait()
		if n := len(b.runner.Started()); n != 1 {
			t.Errorf("%d programs were started", n)
		}

		_, err := b.Submit(t.Context(), request("ada", "k", "sleep 2s"))
		if e := asError(t, err); e.Kind != sandbox.KindUnprocessed || e.Field != scheduler.IdempotencyKeyField {
			t.Errorf("another program: %#v", e)
		}
		for _, req := range []scheduler.Request{request("bob", "k", "sleep 1s"), request("ada", "l", "sleep 1s")} {
			if r, err := b.Submit(t.Context(), req); err != nil || r.ID() == first {
				t.Errorf("another client or key got run %v, %v", r, err)
			}
		}

		time.Sleep(2 * time.Second)
		r, err := b.Submit(t.Context(), request("ada", "k", "sleep 1s"))
		if err != nil || r.ID() != first {
			t.Errorf("after the end: %v, %v", r, err)
		}
		time.Sleep(time.Hour)
		b.wait(b.submit("ada", "print")) // lets the first go from memory
		r, err = b.Submit(t.Context(), request("ada", "k", "sleep 1s"))
		if err != nil || r.ID() != first || b.wait(r).Status != sandbox.StatusOK {
			t.Errorf("from the history: %v, %v", r, err)
		}
		time.Sleep(24 * time.Hour)
		r, err = b.Submit(t.Context(), request("ada", "k", "sleep 1s"))
		if err != nil || r.ID() == first {
			t.Errorf("after the retention: %v, %v", r, err)
		}
	})
}

func TestIdempotencyForgetsWhatDidNotRun(t *testing.T) {
	for _, command := range []string{"loop", "fail"} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, scheduler.Config{})
			req := scheduler.Request{Client: "ada", Program: sandboxtest.Program(command), IdempotencyKey: "k"}
			one, _ := b.Submit(t.Context(), req)
			one.Leave()
			b.wait(one)
			two, err := b.Submit(t.Context(), req)
			if err != nil || two.ID() == one.ID() {
				t.Errorf("%s: the second try is %v, %v", command, two, err)
			}
		})
	}
}

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
		recent, err := b.Recent(t.Context(), "ada", 3)
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

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, scheduler.Config{})
		r := b.submit("ada", "loop")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if _, ended := r.Result(); ended {
			t.Error("the run has ended with it")
		}
		r.Cancel(sandbox.ErrKilled)
		<-r.Done()
		if res, err := r.Wait(ctx); err != nil || res.ID != r.ID() || r.Client() != "ada" {
			t.Errorf("after the end: %+v, %v", res, err)
		}
	})
}

func TestLanguagesOfAllEngines(t *testing.T) {
	more := sandboxtest.NewRunner(sandbox.Language{ID: "python", Version: "9"}, sandbox.Language{ID: "go"})
	s := scheduler.New(scheduler.Config{Runners: []sandbox.CodeRunner{sandboxtest.NewRunner(), more}, Store: &sandboxtest.RunStore{}})
	defer s.Close()
	var got []string
	for _, l := range s.Languages() {
		got = append(got, l.ID+" "+l.Version)
	}
	if want := []string{"script 1.2.3", "python 3.12.0", "go "}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// oddRunner breaks the contract: it gives no status, or ends its goroutine.
type oddRunner struct{ *sandboxtest.Runner }

func (o oddRunner) Run(_ context.Context, p sandbox.Program, _ sandbox.Sink) (sandbox.Outcome, error) {
	if p.Args[0] == "exit" {
		runtime.Goexit()
	}
	return sandbox.Outcome{}, nil
}

func TestEngineThatBreaksTheContract(t *testing.T) {
	s := scheduler.New(scheduler.Config{Runners: []sandbox.CodeRunner{oddRunner{sandboxtest.NewRunner()}},
		Store: &sandboxtest.RunStore{}, Log: slog.New(slog.DiscardHandler)})
	defer s.Close()
	for _, how := range []string{"no status", "exit"} {
		p := sandboxtest.Program("print")
		p.Args = []string{how}
		r, err := s.Submit(t.Context(), scheduler.Request{Program: p})
		if err != nil {
			t.Fatal(err)
		}
		if res, err := r.Wait(t.Context()); err != nil || res.Status != sandbox.StatusInternal {
			t.Errorf("%s: %+v, %v", how, res.Outcome, err)
		}
	}
}

func TestIdempotencyOutlivesTheHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, scheduler.Config{RetainRuns: 2})
		req := scheduler.Request{Client: "ada", Program: sandboxtest.Program("print"), IdempotencyKey: "k"}
		first, err := b.Submit(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			time.Sleep(time.Second)
			b.wait(b.submit("bob", "print"))
		}
		time.Sleep(time.Hour)
		b.wait(b.submit("bob", "print")) // lets the first go from memory
		again, err := b.Submit(t.Context(), req)
		if err != nil || again.ID() == first.ID() {
			t.Errorf("got %v, %v", again, err)
		}
		b.wait(again)
		time.Sleep(time.Hour)
		b.wait(b.submit("bob", "print"))
		b.store.SetErr(errors.New("disk on fire"))
		if _, err := b.Submit(t.Context(), req); err == nil {
			t.Error("the store's error is lost")
		}
		if _, err := b.Recent(t.Context(), "ada", 10); err == nil {
			t.Error("the store's error is lost")
		}
	})
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
			if recent, err := s.Recent(t.Context(), "ada", limit); err != nil || len(recent) != want {
				t.Errorf("%d runs of ada, %v; want %d", len(recent), err, want)
			}
		}
	})
}

// slowStore saves nothing until it is released.
type slowStore struct {
	sandboxtest.RunStore
	release chan struct{}
}

func (s *slowStore) SaveRun(ctx context.Context, r sandbox.RunRecord) error {
	<-s.release
	return s.RunStore.SaveRun(ctx, r)
}
