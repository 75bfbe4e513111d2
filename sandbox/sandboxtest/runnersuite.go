package sandboxtest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"sandpiper/sandbox"
)

const (
	// readyTimeout is how long an engine may prepare its languages; the first
	// time it compiles them.
	readyTimeout = 5 * time.Minute

	// promptly is what stopping may take on a busy machine, and less than a limit
	// that a program has anyway. The engine's own tests measure it more closely.
	promptly = 7 * time.Second

	// runTimeout is how long a short program may take on a busy machine.
	runTimeout = 2 * time.Minute
)

// Programs are small programs of one language, as code of the main file. One
// that the language cannot express stays empty, and is not tested.
type Programs struct {
	Language string
	Hello    string // prints "hello" and a newline
	Echo     string // copies stdin to stdout, line by line
	Stderr   string // prints the line "out" to stdout and the line "err" to stderr
	Exit3    string // prints the line "partial" and ends with exit code 3
	Loop     string // prints the line "begun" and computes for ever
	Sleep    string // prints the line "begun" and sleeps for 100 s
	Flood    string // prints for ever
	OutFile  string // leaves "42" in out/answer.txt
	Given    string // prints its arguments, one a line, and the environment variable GREETING
}

// TestCodeRunner checks that an engine keeps the contract of sandbox.CodeRunner
// with each of the languages. It calls newRunner once.
func TestCodeRunner(t *testing.T, newRunner func(t *testing.T) sandbox.CodeRunner, languages ...Programs) {
	r := newRunner(t)
	t.Run("languages", func(t *testing.T) { languagesAreDescribed(t, r) })
	t.Run("unknown language", func(t *testing.T) {
		_, err := r.Run(t.Context(), sandbox.Program{Language: "cobol-2077", Files: []sandbox.File{{Name: "x", Content: nil}}}, NewRecorder(t))
		wantKind(t, err, sandbox.KindUnprocessed)
	})
	for _, p := range languages {
		t.Run(p.Language, func(t *testing.T) { testLanguage(t, r, p) })
	}
}

// languagesAreDescribed checks the list of languages.
func languagesAreDescribed(t *testing.T, r sandbox.CodeRunner) {
	if r.Engine() == "" || r.Engine() == sandbox.EngineAuto {
		t.Errorf("the engine is called %q", r.Engine())
	}
	seen := make(map[string]bool)
	for _, l := range r.Languages() {
		for _, name := range append([]string{l.ID}, l.Aliases...) {
			if seen[name] || name != strings.ToLower(name) {
				t.Errorf("language %s: the name %q is taken or not in lower case", l.ID, name)
			}
			seen[name] = true
		}
		if l.Name == "" || l.Version == "" || !strings.HasPrefix(l.Extension, ".") || l.Main == "" || l.State == "" {
			t.Errorf("language %s lacks something: %+v", l.ID, l)
		}
	}
}

// A trial is one language of an engine under test.
type trial struct {
	runner   sandbox.CodeRunner
	language sandbox.Language
}

func testLanguage(t *testing.T, r sandbox.CodeRunner, p Programs) {
	l := trial{r, awaitReady(t, r, p.Language)}
	for _, tt := range []struct {
		name string
		code string
		run  func(t *testing.T, code string)
	}{
		{"hello", p.Hello, l.hello},
		{"many at once", p.Hello, l.parallel},
		{"cancelled before it starts", p.Hello, l.cancelledBefore},
		{"input", p.Echo, l.echo},
		{"no input", p.Echo, l.noInput},
		{"live input", p.Echo, l.liveInput},
		{"cancelled while it waits for input", p.Echo, l.cancelInput},
		{"two streams", p.Stderr, l.stderr},
		{"exit code", p.Exit3, l.exit},
		{"a loop ends at the time limit", p.Loop, l.timeout},
		{"a loop is cancelled", p.Loop, l.cancel},
		{"a loop delays nobody", p.Loop, func(t *testing.T, loop string) { l.beside(t, loop, p.Hello) }},
		{"sleep ends at the time limit", p.Sleep, l.timeout},
		{"sleep is cancelled", p.Sleep, l.cancel},
		{"a flood ends at the output limit", p.Flood, l.flood},
		{"a file is left behind", p.OutFile, l.outFile},
		{"arguments and environment", p.Given, l.given},
	} {
		if tt.code != "" {
			t.Run(tt.name, func(t *testing.T) { tt.run(t, tt.code) })
		}
	}
}

// awaitReady waits until the engine has prepared a language.
func awaitReady(t *testing.T, r sandbox.CodeRunner, id string) sandbox.Language {
	t.Helper()
	for deadline := time.Now().Add(readyTimeout); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		for _, l := range r.Languages() {
			if l.ID != id {
				continue
			}
			switch l.State {
			case sandbox.LanguageReady:
				return l
			case sandbox.LanguageFailed:
				t.Fatalf("%s cannot be prepared: %s", l.Name, l.Stage)
			}
		}
	}
	t.Fatalf("%s was not ready after %v", id, readyTimeout)
	return sandbox.Language{}
}

func (l trial) program(code string) sandbox.Program {
	return sandbox.Program{Language: l.language.ID, Files: []sandbox.File{{Name: l.language.Main, Content: []byte(code)}}}
}

// run runs p to its end.
func (l trial) run(t *testing.T, ctx context.Context, p sandbox.Program, rec *Recorder) sandbox.Outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	o, err := l.runner.Run(ctx, p, rec)
	rec.Close()
	if err != nil {
		t.Errorf("run: %v", err)
	}
	return o
}

// want checks how a run ended; stdout may have more after what is wanted.
func want(t *testing.T, o sandbox.Outcome, rec *Recorder, status sandbox.Status, exit int, stdout string) {
	t.Helper()
	if o.Status != status || o.ExitCode != exit {
		t.Errorf("got status %s and exit code %d, want %s and %d", o.Status, o.ExitCode, status, exit)
	}
	if !strings.HasPrefix(rec.Stdout(), stdout) {
		t.Errorf("got stdout %q, want %q", rec.Stdout(), stdout)
	}
	if t.Failed() {
		t.Logf("message %q, signal %q, stderr %q", o.Message, o.Signal, rec.Stderr())
	}
}

func (l trial) hello(t *testing.T, code string) {
	rec := NewRecorder(t)
	o := l.run(t, t.Context(), l.program(code), rec)
	want(t, o, rec, sandbox.StatusOK, 0, "hello\n")
	if rec.Stdout() != "hello\n" || rec.Stderr() != "" || o.Signal != "" || o.Message != "" {
		t.Errorf("got %q, %q, %+v", rec.Stdout(), rec.Stderr(), o)
	}
	if o.Usage.Wall <= 0 || o.Usage.MemoryBytes <= 0 {
		t.Errorf("usage %+v", o.Usage)
	}
}

func (l trial) parallel(t *testing.T, code string) {
	for i := range 6 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			l.hello(t, code)
		})
	}
}

func (l trial) cancelledBefore(t *testing.T, code string) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(sandbox.ErrKilled)
	rec := NewRecorder(t)
	want(t, l.run(t, ctx, l.program(code), rec), rec, sandbox.StatusCancelled, 137, "")
}

func (l trial) echo(t *testing.T, code string) {
	p, rec := l.program(code), NewRecorder(t)
	p.Stdin = sandbox.StaticStdin([]byte("one\ntwö\n"))
	want(t, l.run(t, t.Context(), p, rec), rec, sandbox.StatusOK, 0, "one\ntwö\n")
}

func (l trial) noInput(t *testing.T, code string) {
	rec := NewRecorder(t)
	want(t, l.run(t, t.Context(), l.program(code), rec), rec, sandbox.StatusOK, 0, "")
}

func (l trial) liveInput(t *testing.T, code string) {
	p, rec := l.program(code), NewRecorder(t)
	p.Stdin = sandbox.LiveStdin()
	ended := l.start(t, t.Context(), p, rec)
	said := ""
	for _, line := range []string{"one\n", "two\n"} {
		if _, err := p.Stdin.Write([]byte(line)); err != nil {
			t.Error(err)
		}
		said += line
		awaitStdout(t, rec, said)
	}
	p.Stdin.Close()
	want(t, <-ended, rec, sandbox.StatusOK, 0, said)
}

func (l trial) cancelInput(t *testing.T, code string) {
	p, rec := l.program(code), NewRecorder(t)
	p.Stdin = sandbox.LiveStdin()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	ended := l.start(t, ctx, p, rec)
	if _, err := p.Stdin.Write([]byte("one\n")); err != nil {
		t.Error(err)
	}
	awaitStdout(t, rec, "one\n")
	o := stop(t, ended, func() { cancel(sandbox.ErrInterrupted) })
	want(t, o, rec, sandbox.StatusCancelled, 130, "one\n")
}

func (l trial) stderr(t *testing.T, code string) {
	rec := NewRecorder(t)
	want(t, l.run(t, t.Context(), l.program(code), rec), rec, sandbox.StatusOK, 0, "out\n")
	if rec.Stderr() != "err\n" {
		t.Errorf("stderr is %q", rec.Stderr())
	}
}

func (l trial) exit(t *testing.T, code string) {
	rec := NewRecorder(t)
	want(t, l.run(t, t.Context(), l.program(code), rec), rec, sandbox.StatusError, 3, "partial\n")
}

func (l trial) timeout(t *testing.T, code string) {
	p, rec := l.program(code), NewRecorder(t)
	p.Limits.Wall = 2 * time.Second // the start is included
	began := time.Now()
	o := l.run(t, t.Context(), p, rec)
	for rec.Stdout() == "" && p.Limits.Wall < MaxLimits.Wall/2 { // too busy for the start
		p.Limits.Wall, rec, began = 2*p.Limits.Wall, NewRecorder(t), time.Now()
		o = l.run(t, t.Context(), p, rec)
	}
	want(t, o, rec, sandbox.StatusTimeout, 137, "begun\n")
	if took := time.Since(began); took < p.Limits.Wall || took > p.Limits.Wall+promptly {
		t.Errorf("a limit of %v ended the run after %v", p.Limits.Wall, took)
	}
	if o.Signal != "SIGKILL" || o.Message == "" {
		t.Errorf("signal %q, message %q", o.Signal, o.Message)
	}
}

func (l trial) cancel(t *testing.T, code string) {
	for _, tt := range []struct {
		cause  error
		signal string
		exit   int
	}{
		{sandbox.ErrInterrupted, "SIGINT", 130},
		{sandbox.ErrKilled, "SIGKILL", 137},
		{sandbox.ErrClientGone, "SIGHUP", 129},
		{sandbox.ErrShutdown, "SIGTERM", 143},
	} {
		t.Run(tt.signal, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			rec := NewRecorder(t)
			ended := l.start(t, ctx, l.program(code), rec)
			awaitStdout(t, rec, "begun\n")
			o := stop(t, ended, func() { cancel(tt.cause) })
			want(t, o, rec, sandbox.StatusCancelled, tt.exit, "begun\n")
			if o.Signal != tt.signal {
				t.Errorf("signal %q, want %q", o.Signal, tt.signal)
			}
		})
	}
}

// beside runs a short program while others loop.
func (l trial) beside(t *testing.T, loop, hello string) {
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var loops []<-chan sandbox.Outcome
	for range 4 {
		rec := NewRecorder(t)
		loops = append(loops, l.start(t, ctx, l.program(loop), rec))
		awaitStdout(t, rec, "begun\n")
	}
	rec := NewRecorder(t)
	want(t, l.run(t, t.Context(), l.program(hello), rec), rec, sandbox.StatusOK, 0, "hello\n")
	cancel(sandbox.ErrKilled)
	for _, ended := range loops {
		if o := <-ended; o.Status != sandbox.StatusCancelled {
			t.Errorf("a loop ended as %s: %s", o.Status, o.Message)
		}
	}
}

func (l trial) flood(t *testing.T, code string) {
	p, rec := l.program(code), NewRecorder(t)
	p.Limits.OutputBytes = 10_000
	o := l.run(t, t.Context(), p, rec)
	want(t, o, rec, sandbox.StatusOutputLimit, 137, "")
	if n := len(rec.Stdout()); n != 10_000 || !o.Truncated.Stdout || o.Truncated.Stderr {
		t.Errorf("a limit of 10,000 bytes kept %d; truncated %+v", n, o.Truncated)
	}
}

func (l trial) outFile(t *testing.T, code string) {
	rec := NewRecorder(t)
	o := l.run(t, t.Context(), l.program(code), rec)
	want(t, o, rec, sandbox.StatusOK, 0, "")
	if len(o.Files) != 1 || o.Files[0].Name != "answer.txt" || string(o.Files[0].Content) != "42" {
		t.Errorf("left behind %+v", o.Files)
	}
}

func (l trial) given(t *testing.T, code string) {
	p, rec := l.program(code), NewRecorder(t)
	p.Args, p.Env = []string{"one", "two words"}, map[string]string{"GREETING": "hé"}
	want(t, l.run(t, t.Context(), p, rec), rec, sandbox.StatusOK, 0, "one\ntwo words\nhé\n")
}

// start runs p beside the test and sends how it ended.
func (l trial) start(t *testing.T, ctx context.Context, p sandbox.Program, rec *Recorder) <-chan sandbox.Outcome {
	ended := make(chan sandbox.Outcome, 1)
	go func() { ended <- l.run(t, ctx, p, rec) }()
	return ended
}

// stop does something that ends a run promptly.
func stop(t *testing.T, ended <-chan sandbox.Outcome, how func()) sandbox.Outcome {
	t.Helper()
	began := time.Now()
	how()
	o := <-ended
	if took := time.Since(began); took > promptly {
		t.Errorf("it took %v to stop", took)
	}
	return o
}

// awaitStdout waits until a run has written text to stdout.
func awaitStdout(t *testing.T, rec *Recorder, text string) {
	t.Helper()
	patience := time.After(runTimeout)
	for {
		stdout, more := rec.change()
		if strings.HasPrefix(stdout, text) {
			return
		}
		select {
		case <-more:
		case <-patience:
			t.Fatalf("stdout is %q after %v, want %q", stdout, runTimeout, text)
		}
	}
}
