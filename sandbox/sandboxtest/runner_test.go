package sandboxtest

import (
	"testing"

	"sandpiper/sandbox"
)

func TestRunnerKeepsTheContract(t *testing.T) {
	TestCodeRunner(t, func(*testing.T) sandbox.CodeRunner { return NewRunner() }, Programs{
		Language: "script",
		Hello:    "print hello",
		Echo:     "echo",
		Stderr:   "print out\neprint err",
		Exit3:    "print partial\nexit 3",
		Loop:     "print begun\nloop",
		Sleep:    "print begun\nsleep 100s",
		Flood:    "flood",
		OutFile:  "file answer.txt 42",
		Given:    "arg 1\narg 2\nenv GREETING",
	})
}

func TestScripts(t *testing.T) {
	tests := []struct {
		name   string
		script string
		status sandbox.Status
		exit   int
		stdout string
		stderr string
	}{
		{"comments", "# nothing\n\nprint a", sandbox.StatusOK, 0, "a\n", ""},
		{"literals", `write "a\n\xff"` + "\n" + `ewrite "\x00"`, sandbox.StatusOK, 0, "a\n\xff", "\x00"},
		{"bad literal", `write a`, sandbox.StatusError, 1, "", "not a string literal: a\n"},
		{"bad duration", "sleep soon", sandbox.StatusError, 1, "", "time: invalid duration \"soon\"\n"},
		{"exit 0", "exit 0\nprint never", sandbox.StatusOK, 0, "", ""},
		{"unknown", "print a\nfly", sandbox.StatusError, 1, "a\n", "main.txt:2: unknown command fly\n"},
		{"cat", "cat main.txt", sandbox.StatusOK, 0, "cat main.txt\n", ""},
		{"cat of nothing", "cat x", sandbox.StatusError, 1, "", "cat: no file x\n"},
		{"readline", "readline\nprint b", sandbox.StatusOK, 0, "one\nb\n", ""},
		{"memory", "print a\nmemory", sandbox.StatusMemoryLimit, 137, "a\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, rec := Program(tt.script), NewRecorder(t)
			p.Stdin = sandbox.StaticStdin([]byte("one\ntwo\n"))
			o, err := NewRunner().Run(t.Context(), p, rec)
			if err != nil || o.Status != tt.status || o.ExitCode != tt.exit {
				t.Errorf("got %+v, %v", o, err)
			}
			if rec.Stdout() != tt.stdout || rec.Stderr() != tt.stderr {
				t.Errorf("got %q and %q, want %q and %q", rec.Stdout(), rec.Stderr(), tt.stdout, tt.stderr)
			}
		})
	}
}

func TestRunnerIsScriptable(t *testing.T) {
	r := NewRunner()
	for command, kind := range map[string]sandbox.Kind{"fail x": sandbox.KindInternal, "reject x": sandbox.KindUnprocessed} {
		_, err := r.Run(t.Context(), Program(command), NewRecorder(t))
		wantKind(t, err, kind)
	}
	r.SetState("script", sandbox.LanguagePreparing, "compiling")
	_, err := r.Run(t.Context(), Program("print"), NewRecorder(t))
	wantKind(t, err, sandbox.KindUnavailable)
	r.SetEngine(sandbox.EngineContainer)
	if r.Engine() != sandbox.EngineContainer || len(r.Started()) != 2 {
		t.Errorf("engine %s, %d started", r.Engine(), len(r.Started()))
	}
	defer func() {
		if recover() == nil {
			t.Error("a script that panics does not")
		}
		if now, peak := r.Running(); now != 0 || peak != 1 {
			t.Errorf("%d run, %d ran", now, peak)
		}
	}()
	r.SetState("script", sandbox.LanguageReady, "")
	r.Run(t.Context(), Program("panic x"), NewRecorder(t))
}
