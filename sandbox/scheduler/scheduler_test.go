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

// preparer is a Runner that counts what it is asked to prefer.
type preparer struct {
	*sandboxtest.Runner
	preferred chan string
}

func (p preparer) Prefer(language string) {
	select {
	case p.preferred <- language:
	default:
	}
}

// TestPrefers holds that engines hear which languages runs wait for, and of no others.
func TestPrefers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runner := preparer{sandboxtest.NewRunner(), make(chan string, 2)}
		runner.SetState("script", sandbox.LanguagePreparing, "waiting for its turn")
		runner.SetState("python", sandbox.LanguagePreparing, "waiting for its turn")
		s := scheduler.New(scheduler.Config{Runners: []sandbox.CodeRunner{runner}, Store: &sandboxtest.RunStore{}})
		defer s.Close()
		r, err := s.Submit(t.Context(), scheduler.Request{Client: "ada", Program: sandboxtest.Program("print hello")})
		if err != nil {
			t.Fatal(err)
		}
		for range cap(runner.preferred) {
			if got := <-runner.preferred; got != "script" {
				t.Errorf("%s was preferred", got)
			}
		}
		runner.SetState("script", sandbox.LanguageReady, "")
		if res, err := r.Wait(t.Context()); err != nil || res.Status != sandbox.StatusOK {
			t.Errorf("%+v, %v", res, err)
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
