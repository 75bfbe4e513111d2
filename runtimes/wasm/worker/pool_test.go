package worker_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sandpiper/runtimes/wasm/worker"
	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
)

// soon is how long something may take that takes a moment, on a busy machine.
const soon = 60 * time.Second

func TestConformance(t *testing.T) {
	sandboxtest.TestCodeRunner(t, func(t *testing.T) sandbox.CodeRunner {
		return newPool(t, func(c *worker.Config) { c.Args, c.Only = []string{realWorker}, []string{"javascript", "lua"} })
	},
		sandboxtest.Programs{
			Language: "javascript",
			Hello:    "console.log('hello')",
			Echo:     "import readline from 'node:readline'\nfor await (const line of readline.createInterface({input: process.stdin})) console.log(line)",
			Stderr:   "console.log('out'); console.error('err')",
			Exit3:    "console.log('partial'); process.exit(3)",
			Loop:     "console.log('begun'); for (;;) ;",
			Sleep:    "console.log('begun'); setTimeout(() => {}, 100000)",
			Flood:    "for (;;) console.log('x'.repeat(1000))",
			OutFile:  "import fs from 'node:fs'\nfs.mkdirSync('out'); fs.writeFileSync('out/answer.txt', '42')",
			Given:    "for (const a of process.argv.slice(2)) console.log(a)\nconsole.log(process.env.GREETING)",
		},
		sandboxtest.Programs{
			Language: "lua",
			Hello:    "print('hello')",
			Echo:     "for line in io.lines() do print(line) end",
			Loop:     "print('begun')\nwhile true do end",
		},
	)
}

func TestRun(t *testing.T) {
	p := newPool(t, nil)
	tests := []struct {
		name    string
		program sandbox.Program
		said    string
		status  sandbox.Status
		code    int
		kind    sandbox.Kind // of the error; "" for none
	}{
		{name: "streams", program: script("print a", "eprint b", "print c"), said: "a\nB\nc\n", status: sandbox.StatusOK},
		{name: "displays between output", program: script("print a", `display text/html <b>x</b>`, "print b"), said: "a\n[1]b\n", status: sandbox.StatusOK},
		{name: "an exit code", program: script("exit 7"), status: sandbox.StatusError, code: 7},
		{name: "a bad program", program: script("reject not so"), kind: sandbox.KindUnprocessed},
		{name: "a fault of the engine", program: script("fail inside"), kind: sandbox.KindInternal},
		{name: "an unknown language", program: sandbox.Program{Language: "latin", Files: []sandbox.File{{Name: "a"}}}, kind: sandbox.KindUnprocessed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := newSink()
			o, err := p.Run(t.Context(), tt.program, out)
			if tt.kind != "" {
				if err == nil || sandbox.KindOf(err) != tt.kind {
					t.Errorf("got %v, want an error of kind %s", err, tt.kind)
				}
				return
			}
			if err != nil || o.Status != tt.status || o.ExitCode != tt.code || out.String() != tt.said {
				t.Errorf("got %+v, %v, %q", o, err, out)
			}
		})
	}
}

func TestLargeOutcome(t *testing.T) {
	out := newSink()
	o, err := newPool(t, nil).Run(t.Context(), script("big name"), out)
	if err != nil || o.Status != sandbox.StatusOK || len(out.String()) != 16<<20 || len(o.Files) != 2 || len(o.Files[0].Content) != 4<<20 || o.Files[1].Name != "name" {
		t.Errorf("got %s, %v, %d bytes, %d files", o.Status, err, len(out.String()), len(o.Files))
	}
}

func TestStdin(t *testing.T) {
	p := newPool(t, nil)
	program := script("readline", "echo")
	program.Stdin = sandbox.LiveStdin()
	asked := make(chan struct{}, 100)
	program.Stdin.OnDemand(func() { asked <- struct{}{} })
	out := newSink()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if o, err := p.Run(t.Context(), program, out); err != nil || o.Status != sandbox.StatusOK {
			t.Errorf("got %+v, %v", o, err)
		}
	}()
	want := ""
	for _, line := range []string{"one\n", "two\n", strings.Repeat("x", 200<<10) + "\n"} {
		<-asked // not before the program waits
		if _, err := program.Stdin.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
		want += line
	}
	_ = program.Stdin.Close()
	<-ended
	if out.String() != want {
		t.Errorf("%d bytes came back, want %d", len(out.String()), len(want))
	}
	program = script("echo")
	program.Stdin = sandbox.StaticStdin([]byte("all at once"))
	out = newSink()
	if _, err := p.Run(t.Context(), program, out); err != nil || out.String() != "all at once" {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestCancel(t *testing.T) {
	p := newPool(t, nil)
	for _, cause := range []error{sandbox.ErrInterrupted, sandbox.ErrKilled, sandbox.ErrClientGone, sandbox.ErrShutdown, context.Canceled, errors.New("something else")} {
		ctx, cancel := context.WithCancelCause(t.Context())
		out := newSink()
		go func() {
			<-out.said
			cancel(cause)
		}()
		o, err := p.Run(ctx, script("signal"), out)
		if want := sandbox.CancelledOutcome(cause); err != nil || o.Signal != want.Signal || o.Message != want.Message || o.ExitCode != want.ExitCode {
			t.Errorf("%v: got %+v, %v", cause, o, err)
		}
	}
}

// TestDeath ends a worker in several ways: its own run fails, and says why, and the
// next run has a new worker.
func TestDeath(t *testing.T) {
	tests := []struct {
		name, program, message string
	}{
		{"kill -9", "sleep 1h", "killed by SIGKILL"},
		{"exit", "os.Exit", "with exit code 3"},
		{"a hang", "stop", "it did not answer"},
		{"memory", "grow", "MiB of memory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, func(c *worker.Config) { c.Heartbeat, c.MemoryBytes = 5*time.Second, 300<<20 })
			first := p.PIDs()[0]
			out := newSink()
			program := script("print begun", tt.program)
			if tt.name != "kill -9" {
				program = script(tt.program)
			} else {
				go func() {
					<-out.said
					_ = unix.Kill(first, unix.SIGKILL)
				}()
			}
			o, err := p.Run(t.Context(), program, out)
			if err != nil || o.Status != sandbox.StatusInternal || !strings.Contains(o.Message, tt.message) || !strings.Contains(o.Message, "run it again") {
				t.Errorf("got %+v, %v", o, err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), soon)
			defer cancel()
			next := newSink()
			if o, err := p.Run(ctx, script("print again"), next); err != nil || o.Status != sandbox.StatusOK || next.String() != "again\n" {
				t.Errorf("afterwards: %+v, %v", o, err)
			}
			if p.PIDs()[0] == first {
				t.Error("the same worker goes on")
			}
		})
	}
}

// TestStuck cancels a run that does not heed it: its worker is ended, and the run too.
func TestStuck(t *testing.T) {
	p := newPool(t, func(c *worker.Config) { c.SetStubborn(10 * time.Millisecond) })
	first := p.PIDs()[0]
	ctx, cancel := context.WithCancelCause(t.Context())
	out := newSink()
	go func() {
		<-out.said
		cancel(sandbox.ErrKilled)
	}()
	o, err := p.Run(ctx, script("stuck"), out)
	if err != nil || o.Status != sandbox.StatusInternal || !strings.Contains(o.Message, "did not end a program") {
		t.Errorf("got %+v, %v", o, err)
	}
	if o, err := p.Run(t.Context(), script("print again"), newSink()); err != nil || o.Status != sandbox.StatusOK || p.PIDs()[0] == first {
		t.Errorf("afterwards: %+v, %v", o, err)
	}
}

// TestOthersGoOn ends one of two workers: the runs of the other one go on.
func TestOthersGoOn(t *testing.T) {
	p := newPool(t, func(c *worker.Config) { c.Workers = 2 })
	for len(p.PIDs()) < 2 { // New waits for the first only
		runtime.Gosched()
	}
	victim := p.PIDs()[0]
	const runs = 6
	outcomes := make(chan sandbox.Outcome, runs)
	var begun sync.WaitGroup
	stop, cancel := context.WithCancelCause(t.Context())
	for range runs {
		begun.Add(1)
		out := newSink()
		go func() {
			<-out.said
			begun.Done()
		}()
		go func() {
			o, err := p.Run(stop, script("signal"), out)
			if err != nil {
				t.Error(err)
			}
			outcomes <- o
		}()
	}
	begun.Wait()
	_ = unix.Kill(victim, unix.SIGKILL)
	lost := 0
	for range runs / 2 { // they share out the runs
		if o := <-outcomes; o.Status == sandbox.StatusInternal {
			lost++
		}
	}
	cancel(sandbox.ErrInterrupted)
	for range runs / 2 {
		if o := <-outcomes; o.Signal != "SIGINT" {
			t.Errorf("a run of the other worker: %+v", o)
		}
	}
	if lost != runs/2 {
		t.Errorf("%d runs were lost with their worker, want %d", lost, runs/2)
	}
}

// TestNotBegun ends a worker that has not read a run: the run goes to the next one.
func TestNotBegun(t *testing.T) {
	p := newPool(t, nil)
	first := p.PIDs()[0]
	if err := unix.Kill(first, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	out := newSink()
	ended := make(chan sandbox.Outcome, 1)
	go func() {
		o, err := p.Run(t.Context(), script("print hello"), out)
		if err != nil {
			t.Error(err)
		}
		ended <- o
	}()
	for p.Busy() == 0 {
		runtime.Gosched()
	}
	_ = unix.Kill(first, unix.SIGKILL)
	if o := <-ended; o.Status != sandbox.StatusOK || out.String() != "hello\n" {
		t.Errorf("got %+v, %q", o, out)
	}
}

// TestFlood has runs print without end beside one that prints little, all the time.
func TestFlood(t *testing.T) {
	p := newPool(t, nil)
	ctx, stop := context.WithCancelCause(t.Context())
	var floods sync.WaitGroup
	for range 2 {
		floods.Go(func() {
			for ctx.Err() == nil {
				_, _ = p.Run(ctx, script("big"), newSink())
			}
		})
	}
	var slowest time.Duration
	for range 50 {
		began := time.Now()
		if o, err := p.Run(t.Context(), script("print hello"), newSink()); err != nil || o.Status != sandbox.StatusOK {
			t.Fatalf("%+v, %v", o, err)
		}
		slowest = max(slowest, time.Since(began))
	}
	stop(sandbox.ErrKilled)
	floods.Wait()
	t.Logf("the slowest of 50 short runs beside floods took %v", slowest)
	if slowest > soon/6 {
		t.Errorf("a short run took %v", slowest)
	}
}

// TestRestarts checks that replaced workers leave nothing behind.
func TestRestarts(t *testing.T) {
	restarts := 100
	if testing.Short() {
		restarts = 10
	}
	p := newPool(t, nil)
	run := func() {
		if o, err := p.Run(t.Context(), script("print hello"), newSink()); err != nil || o.Status != sandbox.StatusOK {
			t.Fatalf("%+v, %v", o, err)
		}
	}
	run()
	files, goroutines := openFiles(t), runtime.NumGoroutine()
	for range restarts {
		_, _ = p.Run(t.Context(), script("os.Exit"), newSink())
	}
	run()
	deadline := time.Now().Add(soon)
	for openFiles(t) > files || runtime.NumGoroutine() > goroutines {
		if time.Now().After(deadline) {
			t.Fatalf("%d files and %d goroutines, before %d and %d", openFiles(t), runtime.NumGoroutine(), files, goroutines)
		}
		runtime.Gosched()
	}
}

func TestPrefer(t *testing.T) {
	p := newPool(t, func(c *worker.Config) { c.Args = []string{slowWorker} })
	python := func() sandbox.LanguageState { return p.Languages()[1].State }
	if got := python(); got != sandbox.LanguagePreparing {
		t.Fatalf("at first it is %s", got)
	}
	for end := time.Now().Add(soon); python() != sandbox.LanguageReady; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the worker did not hear of it")
		}
		p.Prefer("python") // as the scheduler does, again and again
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("this system does not show open files: ", err)
	}
	return len(entries)
}

func TestNoWorker(t *testing.T) {
	cfg := worker.Config{Args: []string{deafWorker}, Dir: filepath.Join(t.TempDir(), "workers")}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := worker.New(ctx, cfg); err == nil {
		t.Error("a pool without workers was made")
	}
}

func TestClose(t *testing.T) {
	p := newPool(t, nil)
	pid := p.PIDs()[0]
	out := newSink()
	ended := make(chan sandbox.Outcome, 1)
	go func() {
		o, err := p.Run(t.Context(), script("signal"), out)
		if err != nil {
			t.Error(err)
		}
		ended <- o
	}()
	<-out.said
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if o := <-ended; o.Signal != "SIGTERM" {
		t.Errorf("the run ended with %+v", o)
	}
	if err := unix.Kill(pid, 0); !errors.Is(err, unix.ESRCH) {
		t.Errorf("the worker is there: %v", err)
	}
	if _, err := p.Run(t.Context(), script("print x"), newSink()); sandbox.KindOf(err) != sandbox.KindUnavailable {
		t.Errorf("a closed pool: %v", err)
	}
}

// TestConfinement has a worker try everything: what a measure prevents that is taken
// must be impossible.
func TestConfinement(t *testing.T) {
	measures, possible, err := worker.Probe([]string{fakeWorker})
	if err != nil {
		t.Fatal(err)
	}
	taken := map[string]bool{}
	for _, m := range measures {
		t.Logf("%-14s %-5v %s", m.Name, m.Taken, m.Detail)
		taken[m.Name] = m.Taken
	}
	for _, a := range possible {
		if taken[a.Measure] {
			t.Errorf("a worker could %s, in spite of %q", a.What, a.Measure)
		} else {
			t.Logf("a worker could %s", a.What)
		}
	}
	if runtime.GOOS == "linux" && !(taken["environment"] && taken["open files"] && taken["privileges"] && taken["system calls"]) {
		t.Error("what every Linux has was not taken")
	}
}
