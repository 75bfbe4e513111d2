package wasm_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sandpiper/runtimes/wasm"
	"sandpiper/sandbox"
)

// cell runs code in a kernel to its end.
func cell(tb testing.TB, k sandbox.Kernel, code string) (sandbox.CellOutcome, *recorder) {
	tb.Helper()
	var out recorder
	o, err := k.Execute(tb.Context(), sandbox.Cell{Code: code}, &out)
	if err != nil {
		tb.Fatalf("%q: %v", code, err)
	}
	return o, &out
}

// openKernel opens a kernel in a folder of its own.
func openKernel(tb testing.TB, e *wasm.Engine, language string) sandbox.Kernel {
	tb.Helper()
	k, err := e.OpenKernel(tb.Context(), kernelSpec(tb, language))
	if err != nil {
		tb.Fatal(err)
	}
	closeLater(tb, k)
	return k
}

func kernelSpec(tb testing.TB, language string) sandbox.KernelSpec {
	return sandbox.KernelSpec{Language: language, Dir: tb.TempDir(), Env: map[string]string{"GREETING": "hello"}}
}

func closeLater(tb testing.TB, k sandbox.Kernel) {
	tb.Cleanup(func() {
		if err := k.Close(); err != nil {
			tb.Error(err)
		}
	})
}

// text returns the plain text of a cell's result, "" when it has none.
func text(o sandbox.CellOutcome) string {
	if o.Result == nil {
		return ""
	}
	return o.Result.Data["text/plain"].(string)
}

// TestPythonCells runs cells one after another in one kernel.
func TestPythonCells(t *testing.T) {
	k := openKernel(t, newEngine(t, "python"), "python")
	tests := []struct {
		name, code     string
		result, stdout string
		status         sandbox.Status // "" for ok
		err            string         // "Name: value"
		place          string         // "line:column" of the diagnostic
	}{
		{name: "nothing", code: ""},
		{name: "statement", code: "x = 41"},
		{name: "expression", code: "x + 1", result: "42"},
		{name: "last result", code: "_ * 2", result: "84"},
		{name: "text", code: "'a'", result: "'a'"},
		{name: "none", code: "None"},
		{name: "none keeps the last result", code: "_", result: "'a'"},
		{name: "semicolon", code: "x + 1;  # no"},
		{name: "semicolon in a string", code: "'a;'", result: "'a;'"},
		{name: "not an expression at the end", code: "1\ny = 2"},
		{name: "definition", code: "import math\ndef area(r):\n    return math.pi * r\n"},
		{name: "several statements", code: "print('a')\nprint('b', flush=True)\nround(area(2), 2)", stdout: "a\nb\n", result: "6.28"},
		{name: "environment", code: "import os, sys\nos.environ['GREETING'], sys.argv, __name__, sys.path[0]", result: "('hello', [''], '__main__', '')"},
		{name: "files", code: "with open('a.txt', 'w') as f: f.write('there')\nopen('/a.txt').read()", result: "'there'"},
		{name: "rich result", code: "class R:\n    def __repr__(self): return 'R'\n    def _repr_html_(self): return '<b>R</b>'\nR()", result: "R"},
		{name: "class is still there", code: "isinstance(R(), R), R.__module__", result: "(True, '__main__')"},
		{name: "exception", code: "def f(n):\n    return 1 / n\nprint('before')\nf(0)", stdout: "before\n", status: sandbox.StatusError, err: "ZeroDivisionError: division by zero", place: "2:12"},
		{name: "exception of an earlier cell", code: "\nf(0)", status: sandbox.StatusError, err: "ZeroDivisionError: division by zero", place: "2:1"},
		{name: "syntax error", code: "x = 1\ny = (", status: sandbox.StatusError, err: "SyntaxError: '(' was never closed (<cell 19>, line 2)", place: "2:5"},
		{name: "nothing of a cell with a syntax error ran", code: "x", result: "41"},
		{name: "exit", code: "z = 1\nexit(3)", status: sandbox.StatusError, err: "SystemExit: 3"},
		{name: "after exit", code: "z, x, input.__name__", result: "(1, 41, 'input')"},
		{name: "await", code: "import asyncio\nasync def g(n):\n    await asyncio.sleep(.001)\n    return n\nawait g(7)", result: "7"},
		{name: "own display", code: "display(R())\nimport sandpiper\nsandpiper.html('<i>x</i>')", result: ""},
		{name: "chart once", code: "sandpiper.line([1, 2])"},
		{name: "exception without text", code: "class E(Exception):\n    def __str__(self): raise ValueError\nraise E", status: sandbox.StatusError, err: "E: <exception str() failed>", place: "3:1"},
		{name: "repr that fails", code: "class B:\n    def __repr__(self): raise ValueError('no')\nB()", status: sandbox.StatusError, err: "ValueError: no", place: "2:25"},
		{name: "not a string", code: "raise KeyError('é')", status: sandbox.StatusError, err: "KeyError: 'é'", place: "1:1"},
		{name: "base exception", code: "raise GeneratorExit", status: sandbox.StatusError, err: "GeneratorExit: ", place: "1:1"},
		{name: "bad bundle", code: "class J:\n    def _repr_png_(self): return 'not base64'\nJ()", result: `[the result cannot be shown: the value of "image/png" must be base64]`},
		{name: "large result", code: "len('x' * 2_000_000)\n'x' * 2_000_000", result: "'" + strings.Repeat("x", 1<<20-1) + "… (951426 more characters)"},
		{name: "surrogates", code: "print('\\ud800' == chr(0xd800))\n'\\ud800'", stdout: "True\n", result: `'\ud800'`},
		{name: "recursion", code: "def r(): r()\nr()", status: sandbox.StatusError, err: "RecursionError: maximum recursion depth exceeded", place: "1:10"},
		{name: "memory", code: "b = bytearray(10**9)", status: sandbox.StatusMemoryLimit, err: "MemoryError: ", place: "1:5"},
		{name: "clock goes on", code: "import time\nt = time.monotonic()"},
		{name: "clock went on", code: "0 < time.monotonic() - t < 60", result: "True"},
		{name: "state after all that", code: "x, f.__name__", result: "(41, 'f')"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, out := cell(t, k, tt.code)
			if tt.status == "" {
				tt.status = sandbox.StatusOK
			}
			if o.Status != tt.status || text(o) != tt.result || out.stdout.String() != tt.stdout || out.stderr.String() != "" || o.RolledBack {
				t.Errorf("outcome %+v, result %.200q, error %+v; stdout %q, stderr %q", o.Outcome, text(o), o.Error, out.stdout.String(), out.stderr.String())
			}
			checkError(t, o, tt.err, tt.place)
		})
	}
}

func checkError(t *testing.T, o sandbox.CellOutcome, want, place string) {
	t.Helper()
	got, at := "", ""
	if o.Error != nil {
		got = o.Error.Name + ": " + o.Error.Value
		if all := strings.Join(o.Error.Traceback, "\n"); strings.Contains(all, "/lib/sandpiper") || !strings.Contains(all, o.Error.Name) {
			t.Errorf("traceback %s", all)
		}
	}
	if len(o.Diagnostics) > 0 {
		d := o.Diagnostics[0]
		at = fmt.Sprintf("%d:%d", d.Line, d.Column)
		if d.File != "cell" {
			t.Errorf("diagnostic %+v", d)
		}
	}
	if got != want || at != place {
		t.Errorf("error %q at %q, want %q at %q", got, at, want, place)
	}
}

// TestPythonCellStdin gives cells an input of their own.
func TestPythonCellStdin(t *testing.T) {
	k := openKernel(t, newEngine(t, "python"), "python")
	for _, in := range []string{"Ann\nleft over\n", "Bob\n"} {
		var out recorder
		o, err := k.Execute(t.Context(), sandbox.Cell{Code: "name = input('? ')\nname", Stdin: sandbox.StaticStdin([]byte(in))}, &out)
		if want := "'" + in[:3] + "'"; err != nil || text(o) != want || out.stdout.String() != "? " {
			t.Errorf("result %q, want %q; %v, %q", text(o), want, err, out.stdout.String())
		}
	}
	if o, _ := cell(t, k, "input()"); o.Error == nil || o.Error.Name != "EOFError" {
		t.Errorf("without an input: %+v", o)
	}
}

// TestPythonInterrupt interrupts cells in different ways; the state stays.
func TestPythonInterrupt(t *testing.T) {
	e := newEngine(t, "python")
	k := openKernel(t, e, "python")
	const deaf = "n = 0\ndef spin():\n    while True: pass\nwhile True:\n    try: spin()\n    except KeyboardInterrupt: pass"
	live := sandbox.LiveStdin()
	defer live.Close()
	tests := []struct {
		name, code string
		stop       func(cancel context.CancelCauseFunc)
		limits     sandbox.Limits
		status     sandbox.Status
		signal     string
		rolledBack bool
	}{
		{name: "loop", code: "while True: n += 1", stop: func(context.CancelCauseFunc) { k.Interrupt() }, status: sandbox.StatusCancelled, signal: "SIGINT"},
		{name: "sleep", code: "import time\ntime.sleep(60)", stop: func(context.CancelCauseFunc) { k.Interrupt() }, status: sandbox.StatusCancelled, signal: "SIGINT"},
		{name: "input", code: "input()", stop: func(context.CancelCauseFunc) { k.Interrupt() }, status: sandbox.StatusCancelled, signal: "SIGINT"},
		{name: "await", code: "import asyncio\nawait asyncio.sleep(60)", stop: func(context.CancelCauseFunc) { k.Interrupt() }, status: sandbox.StatusCancelled, signal: "SIGINT"},
		{name: "context", code: "while True: pass", stop: func(cancel context.CancelCauseFunc) { cancel(sandbox.ErrClientGone) }, status: sandbox.StatusCancelled, signal: "SIGINT"},
		{name: "wall time", code: "import time\ntime.sleep(60)", limits: sandbox.Limits{Wall: 300 * time.Millisecond}, status: sandbox.StatusTimeout, signal: "SIGINT"},
		{name: "CPU time", code: "while True: pass", limits: sandbox.Limits{CPU: 300 * time.Millisecond}, status: sandbox.StatusTimeout, signal: "SIGINT"},
		{name: "deaf to the context", code: deaf,
			stop: func(cancel context.CancelCauseFunc) { cancel(sandbox.ErrKilled) }, status: sandbox.StatusCancelled, signal: "SIGKILL", rolledBack: true},
		{name: "deaf to a limit", code: deaf,
			limits: sandbox.Limits{CPU: 200 * time.Millisecond}, status: sandbox.StatusTimeout, signal: "SIGKILL", rolledBack: true},
		{name: "output", code: "n = 0\nwhile True: print('y' * 1000)", limits: sandbox.Limits{OutputBytes: 1 << 16}, status: sandbox.StatusOutputLimit, signal: "SIGKILL", rolledBack: true},
		{name: "end of the process", code: "n = 0\nimport os\nos._exit(5)", status: sandbox.StatusError, rolledBack: true},
	}
	cell(t, k, "n = 7")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			var out recorder
			if tt.stop != nil {
				out.onOutput = func(s sandbox.Stream, p string) {
					if p == "started\n" {
						go tt.stop(cancel)
					}
				}
			}
			began := time.Now()
			o, err := k.Execute(ctx, sandbox.Cell{Code: "print('started')\n" + tt.code, Stdin: live, Limits: tt.limits}, &out)
			if err != nil {
				t.Fatal(err)
			}
			if o.Status != tt.status || o.Signal != tt.signal || o.RolledBack != tt.rolledBack || o.Message == "" {
				t.Errorf("outcome %+v, rolled back %t, error %+v; stderr %q", o.Outcome, o.RolledBack, o.Error, out.stderr.String())
			}
			if !o.RolledBack && (o.Error == nil || o.Error.Name != "KeyboardInterrupt") {
				t.Errorf("error %+v", o.Error)
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("took %v", took)
			}
			if o, _ := cell(t, k, "n >= 7, open('/dev/null').read()"); text(o) != "(True, '')" {
				t.Errorf("then: %q, %+v", text(o), o)
			}
		})
	}
	k.Interrupt() // with no cell running
	if o, _ := cell(t, k, "1"); text(o) != "1" {
		t.Errorf("after an interrupt of nothing: %+v", o)
	}
}

// TestPythonKernelsAreFresh opens kernels from one image and forks them.
func TestPythonKernelsAreFresh(t *testing.T) {
	e := newEngine(t, "python")
	const draw = "import random, uuid, secrets, os\nrandom.random(), uuid.uuid4(), secrets.token_hex(8), os.urandom(8), random.getrandbits(64)"
	seen := map[string]bool{}
	check := func(k sandbox.Kernel) {
		t.Helper()
		o, _ := cell(t, k, draw)
		for _, field := range strings.Split(strings.Trim(text(o), "()"), ", ") {
			if field == "" || seen[field] {
				t.Errorf("%q was there before", field)
			}
			seen[field] = true
		}
	}
	first := openKernel(t, e, "python")
	check(first)
	cell(t, first, "x = 1\nimport builtins\nbuiltins.left = 1\nopen('left', 'w').close()")
	second := openKernel(t, e, "python")
	check(second)
	if o, _ := cell(t, second, "'x' in globals() or hasattr(__builtins__, 'left') or os.path.exists('left')"); text(o) != "False" {
		t.Errorf("something was left: %+v", o)
	}
	for range 2 {
		fork, err := first.Fork(t.Context(), kernelSpec(t, "python"))
		if err != nil {
			t.Fatal(err)
		}
		closeLater(t, fork)
		check(fork)
		if o, _ := cell(t, fork, "x += 1\nx"); text(o) != "2" {
			t.Errorf("fork: %+v", o)
		}
	}
	if o, _ := cell(t, first, "x"); text(o) != "1" {
		t.Errorf("after a fork: %+v", o)
	}
}

// TestPythonPause saves a kernel and resumes it in another engine.
func TestPythonPause(t *testing.T) {
	spec := kernelSpec(t, "python")
	e := newEngine(t, "python")
	k, err := e.OpenKernel(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	cell(t, k, "import random, sandpiper\nclass A:\n    n = 1\na = A()\nf = open('a.txt', 'w+')\nf.write('x')\nf.flush()\nsandpiper.html('1')\nrandom.seed(5)\nrandom.random()")
	want, _ := cell(t, k, "r = random.getstate()\nv = random.random()\nrandom.setstate(r)\nv")
	var state bytes.Buffer
	if err := k.Save(t.Context(), &state); err != nil {
		t.Fatal(err)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Execute(t.Context(), sandbox.Cell{Code: "1"}, &recorder{}); !errors.Is(err, sandbox.ErrKernelGone) {
		t.Errorf("a closed kernel: %v", err)
	}
	t.Logf("%d bytes of state", state.Len())
	if state.Len() > 1<<20 {
		t.Errorf("a small state has %d bytes", state.Len())
	}
	other := newEngine(t, "python")
	resumed, err := other.ResumeKernel(t.Context(), spec, bytes.NewReader(state.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	closeLater(t, resumed)
	if o, _ := cell(t, resumed, "random.random()"); text(o) != text(want) {
		t.Errorf("a resumed kernel draws %s, want %s", text(o), text(want))
	}
	o, out := cell(t, resumed, "sandpiper.html('2')\ntry: f.write('y'); f.flush()\nexcept ValueError as e: print('closed')\na.n, A.n, open('a.txt').read()")
	if text(o) != "(1, 1, 'x')" || len(out.displays) != 1 || out.stdout.String() != "closed\n" {
		t.Errorf("outcome %+v %+v %q", o, out.displays, out.stdout.String())
	}
	if _, err := os.Stat(filepath.Join(spec.Dir, "a.txt")); err != nil {
		t.Error(err)
	}
	damaged := bytes.Clone(state.Bytes())
	damaged[len(damaged)/2] ^= 0x55
	if _, err := other.ResumeKernel(t.Context(), spec, bytes.NewReader(damaged)); err == nil {
		t.Error("a damaged state was resumed")
	}
}

// TestPythonKernelConflicts has calls come while a cell runs.
func TestPythonKernelConflicts(t *testing.T) {
	k := openKernel(t, newEngine(t, "python"), "python")
	started, done := make(chan struct{}), make(chan struct{})
	out := recorder{onOutput: func(s sandbox.Stream, _ string) {
		if s == sandbox.Stdout {
			close(started)
		}
	}}
	go func() {
		defer close(done)
		if _, err := k.Execute(context.Background(), sandbox.Cell{Code: "print(1)\nwhile True: pass"}, &out); err != nil {
			t.Error(err)
		}
	}()
	<-started
	_, executed := k.Execute(t.Context(), sandbox.Cell{Code: "1"}, &recorder{})
	_, forked := k.Fork(t.Context(), kernelSpec(t, "python"))
	for name, err := range map[string]error{"execute": executed, "fork": forked, "save": k.Save(t.Context(), &bytes.Buffer{})} {
		var e *sandbox.Error
		if !errors.As(err, &e) || e.Kind != sandbox.KindConflict {
			t.Errorf("%s while a cell runs: %v", name, err)
		}
	}
	if k.Memory() == 0 {
		t.Log("no figure of the memory yet")
	}
	if err := k.Close(); err != nil {
		t.Error(err)
	}
	<-done
}
