//go:build linux

package kernel_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/guest/osguest"
	"sandpiper/sandbox/toolbox/kernel"
)

func newGuest(t testing.TB) *osguest.Guest {
	t.Helper()
	g, err := osguest.New(osguest.Config{WorkDir: t.TempDir(), Env: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// sink keeps what a cell brings forth.
type sink struct {
	mu             sync.Mutex
	stdout, stderr string
	errors         []kernel.Error
	charts         []json.RawMessage
	heard          chan struct{} // gets a token with the first output
}

func newSink() *sink { return &sink{heard: make(chan struct{}, 1)} }

func (s *sink) add(to *string, text string) {
	s.mu.Lock()
	*to += text
	s.mu.Unlock()
	select {
	case s.heard <- struct{}{}:
	default:
	}
}

func (s *sink) Stdout(text string)          { s.add(&s.stdout, text) }
func (s *sink) Stderr(text string)          { s.add(&s.stderr, text) }
func (s *sink) Error(e kernel.Error)        { s.errors = append(s.errors, e) }
func (s *sink) Chart(chart json.RawMessage) { s.charts = append(s.charts, chart) }

func newKernel(t testing.TB, language string) *kernel.Kernel {
	t.Helper()
	g := newGuest(t)
	k, err := kernel.New(g, kernel.Config{Language: language, Dir: g.Info().WorkDir, Env: func() []string { return g.Info().Env }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

// run runs a cell that must not fail for reasons of the kernel's own.
func run(t testing.TB, k *kernel.Kernel, code string) *sink {
	t.Helper()
	s := newSink()
	if err := k.Run(t.Context(), code, nil, s); err != nil {
		t.Fatalf("%s: %v", code, err)
	}
	return s
}

// step is a cell with what it must bring forth.
type step struct{ code, stdout, stderr, error string }

func runSteps(t *testing.T, k *kernel.Kernel, steps []step) {
	t.Helper()
	for _, c := range steps {
		s := run(t, k, c.code)
		got := ""
		if len(s.errors) > 0 {
			got = s.errors[0].Name + ": " + s.errors[0].Value
		}
		if s.stdout != c.stdout || s.stderr != c.stderr || got != c.error || len(s.errors) > 1 {
			t.Errorf("%s: got %q %q %+v", c.code, s.stdout, s.stderr, s.errors)
		}
	}
}

func TestPythonCells(t *testing.T) {
	runSteps(t, newKernel(t, kernel.Python), []step{
		{"x = 41", "", "", ""},
		{"x += 1\nx", "42\n", "", ""},
		{"def f(): return 'é'\nprint(f()); None", "é\n", "", ""},
		{"f()", "'é'\n", "", ""},
		{"import sys; print('e', file=sys.stderr); sys.stdout.write('no newline'); None", "no newline", "e\n", ""},
		{"1/0", "", "", "ZeroDivisionError: division by zero"},
		{"if", "", "", "SyntaxError: invalid syntax (<cell 7>, line 1)"},
		{"input()", "", "", "EOFError: EOF when reading a line"},
		{"import os; os.system('echo from a child; echo error >&2; cat'); None", "from a child\n", "error\n", ""},
		{"import asyncio\nasync def g():\n  await asyncio.sleep(0)\n  return 5\nawait g()", "5\n", "", ""},
		{"exit()", "", "", ""},
		{"sys.exit(3)", "", "", "SystemExit: 3"},
		{"class A: pass\nimport pickle\ntype(pickle.loads(pickle.dumps(A()))) is A", "True\n", "", ""},
		{"print('\\ud800')", "\\ud800\n", "", ""},
		{"", "", "", ""},
		{"print('a' * 3000000, end='')", strings.Repeat("a", 3000000), "", ""},
		{"x", "42\n", "", ""},
	})
}

func TestPythonTraceback(t *testing.T) {
	s := run(t, newKernel(t, kernel.Python), "def f():\n    return 1/0\nf()")
	want := `Traceback (most recent call last):
  File "<cell 1>", line 3, in <module>
    f()
  File "<cell 1>", line 2, in f
    return 1/0
           ~^~
ZeroDivisionError: division by zero
`
	if len(s.errors) != 1 || strings.ReplaceAll(s.errors[0].Traceback, "           ~^~\n", "") != strings.ReplaceAll(want, "           ~^~\n", "") {
		t.Errorf("got %+v", s.errors)
	}
}

func TestJavaScriptCells(t *testing.T) {
	runSteps(t, newKernel(t, kernel.JavaScript), []step{
		{"let x = 41", "", "", ""},
		{"x += 1", "42\n", "", ""},
		{"const f = () => 'é'; f()", "'é'\n", "", ""},
		{"console.log(f()); console.error('e')", "é\n", "e\n", ""},
		{"null.x", "", "", "TypeError: Cannot read properties of null (reading 'x')"},
		{"await new Promise((r) => setTimeout(() => r(7), 5))", "7\n", "", ""},
		{"const y = await Promise.resolve(8)", "", "", ""},
		{"y", "8\n", "", ""},
		{"throw 'text'", "", "", "Error: text"},
		{"require('path').basename('/a/b')", "'b'\n", "", ""},
		{"({a: 1})", "{ a: 1 }\n", "", ""},
	})
}

func TestEnvironmentOfACell(t *testing.T) {
	for language, show := range map[string]string{kernel.Python: "import os; print(os.environ.get('V'))", kernel.JavaScript: "console.log(process.env.V ?? 'None')"} {
		k := newKernel(t, language)
		s := newSink()
		if err := k.Run(t.Context(), show, map[string]string{"V": "5"}, s); err != nil {
			t.Fatal(err)
		}
		if after := run(t, k, show); s.stdout != "5\n" || after.stdout != "None\n" {
			t.Errorf("%s: got %q, then %q", language, s.stdout, after.stdout)
		}
	}
}

func TestInterrupt(t *testing.T) {
	for name, c := range map[string]struct{ language, set, loop, get, want string }{
		"python sleeps":     {kernel.Python, "v = 5", "print(1)\nimport time\ntime.sleep(60)", "v", "5\n"},
		"python computes":   {kernel.Python, "v = 5", "print(1)\nwhile True: pass", "v", "5\n"},
		"python refuses":    {kernel.Python, "v = 5", "import time\nwhile True:\n  try: print(1); time.sleep(60)\n  except: pass", "'v' in globals()", "False\n"},
		"javascript loops":  {kernel.JavaScript, "var v = 5", "console.log(1); for (;;);", "v", "5\n"},
		"javascript awaits": {kernel.JavaScript, "var v = 5", "console.log(1); await new Promise(() => setTimeout(() => {}, 60000))", "v", "5\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKernel(t, c.language)
			run(t, k, c.set)
			cause := errors.New("enough")
			ctx, cancel := context.WithCancelCause(t.Context())
			s := newSink()
			go func() { <-s.heard; time.Sleep(50 * time.Millisecond); cancel(cause) }()
			if err := k.Run(ctx, c.loop, nil, s); !errors.Is(err, cause) {
				t.Errorf("got %v", err)
			}
			if got := run(t, k, c.get); got.stdout != c.want {
				t.Errorf("then %q %q %+v", got.stdout, got.stderr, got.errors)
			}
		})
	}
}

func TestInterpreterThatDies(t *testing.T) {
	k := newKernel(t, kernel.Python)
	s := run(t, k, "print('last'); import os; os._exit(9)")
	if s.stdout != "last\n" || len(s.errors) != 1 || s.errors[0].Name != "InterpreterDied" || !strings.Contains(s.errors[0].Value, "code 9") {
		t.Errorf("got %q %+v", s.stdout, s.errors)
	}
	if s := run(t, k, "6 * 7"); s.stdout != "42\n" {
		t.Errorf("got %q", s.stdout)
	}
}

func TestOutputBetweenCells(t *testing.T) {
	k := newKernel(t, kernel.Python)
	dir := t.TempDir()
	ended, said := filepath.Join(dir, "ended"), filepath.Join(dir, "said")
	run(t, k, `import os, threading, time
def say():
    while not os.path.exists("`+ended+`"): time.sleep(0.01)
    print("late", flush=True)
    open("`+said+`", "w").close()
threading.Thread(target=say).start()`)
	if err := os.WriteFile(ended, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(said); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the thread says nothing")
		}
	}
	if s := run(t, k, "print('next')"); s.stdout != "late\nnext\n" {
		t.Errorf("got %q", s.stdout)
	}
}

func TestClose(t *testing.T) {
	k := newKernel(t, kernel.Python)
	s := newSink()
	done := make(chan error, 1)
	go func() { done <- k.Run(t.Context(), "print(1)\nimport time\ntime.sleep(60)", nil, s) }()
	<-s.heard
	k.Close()
	if err := <-done; !errors.Is(err, kernel.ErrClosed) {
		t.Errorf("got %v", err)
	}
	if err := k.Run(t.Context(), "1", nil, newSink()); !errors.Is(err, kernel.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestLanguagesThatAreNotThere(t *testing.T) {
	if _, err := kernel.Language("cobol"); !errors.Is(err, kernel.ErrLanguage) {
		t.Errorf("got %v", err)
	}
	g := newGuest(t)
	if _, err := kernel.New(g, kernel.Config{Language: "cobol"}); !errors.Is(err, kernel.ErrLanguage) {
		t.Errorf("got %v", err)
	}
	k, err := kernel.New(g, kernel.Config{Language: kernel.Python, Dir: "/", Env: func() []string { return []string{"PATH=/nowhere"} }})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if err := k.Run(t.Context(), "1", nil, newSink()); !errors.Is(err, kernel.ErrLanguage) || !strings.Contains(err.Error(), "python3 is not installed") {
		t.Errorf("got %v", err)
	}
}

// program runs a program in a folder.
func program(t *testing.T, g guest.Guest, p kernel.Program) (string, guest.ExitStatus, []json.RawMessage) {
	t.Helper()
	var out strings.Builder
	if p.Env == nil {
		p.Env = g.Info().Env
	}
	p.Dir = g.Info().WorkDir
	status, charts, err := kernel.RunProgram(t.Context(), g, p, &out)
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), status, charts
}

func TestPrograms(t *testing.T) {
	g := newGuest(t)
	if err := os.WriteFile(filepath.Join(g.Info().WorkDir, "beside.js"), []byte("exports.n = 5"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(g.Info().WorkDir, "beside.py"), []byte("n = 5"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		language, code string
		args           []string
		want           string
		code_          int
	}{
		"python":            {kernel.Python, "print('é')", nil, "é\n", 0},
		"python order":      {kernel.Python, "import sys\nprint('a', end='')\nprint('b', file=sys.stderr)\nprint('c')", nil, "ab\nc\n", 0},
		"python argv":       {kernel.Python, "import sys; print(sys.argv[1:])", []string{"-a", "b c", "--"}, "['-a', 'b c', '--']\n", 0},
		"python exit":       {kernel.Python, "import sys; sys.exit(4)", nil, "", 4},
		"python input":      {kernel.Python, "import sys; print(repr(sys.stdin.read()))", nil, "''\n", 0},
		"python module":     {kernel.Python, "import beside; print(beside.n, __name__)", nil, "5 __main__\n", 0},
		"python error":      {kernel.Python, "def f():\n  raise KeyError('x')\nf()", nil, "Traceback (most recent call last):\n  File \"<code>\", line 3, in <module>\n    f()\n  File \"<code>\", line 2, in f\n    raise KeyError('x')\nKeyError: 'x'\n", 1},
		"python syntax":     {kernel.Python, "if", nil, "  File \"<code>\", line 1\n    if\n      ^\nSyntaxError: invalid syntax\n", 1},
		"python artifacts":  {kernel.Python, "print('dtn_artifact_k39fd2:{\"type\":\"chart\"}')", nil, "dtn_artifact_k39fd2:{\"type\":\"chart\"}\n", 0},
		"python binary":     {kernel.Python, "import sys; sys.stdout.buffer.write(bytes(range(256)))", nil, bytesTo256(), 0},
		"javascript":        {kernel.JavaScript, "console.log(process.argv.slice(2), require('./beside').n)", []string{"-a", "b"}, "[ '-a', 'b' ] 5\n", 0},
		"javascript exit":   {kernel.JavaScript, "process.exit(4)", nil, "", 4},
		"javascript module": {kernel.JavaScript, "import path from 'node:path'\nconsole.log(path.basename('/a/b'), await 5)", nil, "b 5\n", 0},
		"javascript await":  {kernel.JavaScript, "const x = await Promise.resolve(6)\nconsole.log(x)", nil, "6\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			out, status, charts := program(t, g, kernel.Program{Language: c.language, Code: c.code, Args: c.args})
			if out != c.want || status.Code != c.code_ || len(charts) != 0 {
				t.Errorf("got %q, code %d, %d charts", out, status.Code, len(charts))
			}
		})
	}
}

func bytesTo256() string {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return string(all)
}

// noTypeScript is what machines answer that have nothing for TypeScript.
const noTypeScript = "there is no TypeScript here"

func TestTypeScript(t *testing.T) {
	g := newGuest(t)
	code := "import { basename } from 'path'\nconst x: number = 6\nenum E { A = 1 }\nconsole.log(x, E.A, basename('/a/b'), process.argv.slice(2))\nawait 5"
	out, status, _ := program(t, g, kernel.Program{Language: kernel.TypeScript, Code: code, Args: []string{"-a"}})
	if strings.Contains(out, noTypeScript) && status.Code == 1 {
		t.Log("this machine has no TypeScript, and says so")
		return
	}
	if out != "6 1 b [ '-a' ]\n" || status.Code != 0 {
		t.Errorf("got %q, code %d", out, status.Code)
	}
	out, status, _ = program(t, g, kernel.Program{Language: kernel.TypeScript, Code: "const x: = 5"})
	if status.Code != 1 || !strings.Contains(out, "SyntaxError: line 1: ") {
		t.Errorf("got %q, code %d", out, status.Code)
	}
	k := newKernel(t, kernel.TypeScript)
	runSteps(t, k, []step{{"const x: number = 41; interface A { b: string }", "", "", ""}, {"x + 1 as number", "42\n", "", ""}})
}

// onWrite is a writer that does something when it is written to.
type onWrite func()

func (f onWrite) Write(p []byte) (int, error) { f(); return len(p), nil }

func TestProgramThatIsCutOff(t *testing.T) {
	g := newGuest(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := kernel.Program{Language: kernel.Python, Code: "import time; print('x', flush=True); time.sleep(60)", Dir: "/", Env: g.Info().Env}
	status, _, err := kernel.RunProgram(ctx, g, p, onWrite(cancel))
	if err != nil || status.Signal != guest.SIGKILL {
		t.Errorf("got %+v, %v", status, err)
	}
}

// TestCharts draws with a stand-in; the tests with the SDK do with matplotlib.
func TestCharts(t *testing.T) {
	g := newGuest(t)
	fake, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	env := append(g.Info().Env, "PYTHONPATH="+fake)
	code := "import matplotlib.pyplot as plt\nprint('before', end='')\nplt.figure('one')\nplt.figure('two')\nplt.show()\nplt.show()\nprint('after')"
	out, status, charts := program(t, g, kernel.Program{Language: kernel.Python, Code: code, Env: env})
	if out != "beforeafter\n" || status.Code != 0 || len(charts) != 2 {
		t.Fatalf("got %q, %+v, %s", out, status, charts)
	}
	if got, want := string(charts[0]), `{"type": "unknown", "title": "one", "elements": [], "png": "cG5nIG9mIG9uZQ=="}`; got != want {
		t.Errorf("got %s", got)
	}
}
