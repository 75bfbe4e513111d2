package wasm_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"sandpiper/sandbox"
)

// TestPythonEnds runs programs whose end, or whose beginning, an image could get
// wrong. Each is run from the image and by an interpreter that starts from
// nothing, and has to do the same.
func TestPythonEnds(t *testing.T) {
	e := newEngine(t, "python")
	const finalizer = "class A:\n    def __init__(self, n): self.n = n\n    def __del__(self): print('end of', self.n)\n"
	tests := []struct {
		name, code     string
		files          map[string]string
		env            map[string]string
		stdout, stderr string // stderr: its end
		exit           int
	}{
		{name: "finalizers", code: finalizer + "a, b = A(1), A(2)\nprint('bye')", stdout: "bye\nend of 1\nend of 2\n"},
		{name: "finalizer in a cycle", code: finalizer + "a = A(1)\na.me = a\ndef f(): return a", stdout: "end of 1\n"},
		{name: "finalizer in a module", code: "import helper", files: map[string]string{"helper.py": finalizer + "a = A(3)"}, stdout: "end of 3\n"},
		{name: "finalizer after an error", code: finalizer + "a = A(1)\n1/0", stdout: "end of 1\n", stderr: "ZeroDivisionError: division by zero\n", exit: 1},
		{name: "exit functions", code: "import atexit, sys\natexit.register(print, 'last')\natexit.register(print, 'first')\nsys.exit(4)", stdout: "first\nlast\n", exit: 4},
		{name: "output at the end", code: "import sys\nsys.stdout.reconfigure(line_buffering=False)\nprint('x', end='')", stdout: "x"},
		{name: "replaced output", code: finalizer + "import sys, io\nsys.stdout = io.StringIO()\na = A(1)", stdout: "end of 1\n"},
		{name: "text of exit", code: "raise SystemExit('no')", stderr: "no\n", exit: 1},
		{name: "nothing of exit", code: "exit()", exit: 0},
		{name: "large code of exit", code: "raise SystemExit(300)", exit: 300},
		{name: "true of exit", code: "raise SystemExit(True)", exit: 1},
		{name: "hard exit", code: "import os\nprint('x', flush=True)\nos._exit(7)", stdout: "x\n", exit: 7},
		{name: "interrupt that nobody caught", code: "raise KeyboardInterrupt", stderr: "KeyboardInterrupt\n", exit: 130},
		{name: "syntax error", code: "print(", stderr: "SyntaxError: '(' was never closed\n", exit: 1},
		{name: "own module with the name of a library", code: "import random, statistics\nprint(random.mine, statistics.mean([1, 3]))",
			files: map[string]string{"random.py": "mine = 1\nfrom math import floor\nRandom = object\ndef __getattr__(name): return print\n"}, stdout: "1 2\n"},
		{name: "own package with the name of a library", code: "import json\nprint(json.mine)", files: map[string]string{"json/__init__.py": "mine = 2"}, stdout: "2\n"},
		{name: "search path", code: "import mod, sys, os\nprint(mod.x, sys.path[0], sys.path[2], os.environ['PYTHONPATH'])", files: map[string]string{"own/mod.py": "x = 5"},
			env: map[string]string{"PYTHONPATH": "/own"}, stdout: "5 / /own /own\n"},
		{name: "environment", code: "import os\nprint(sorted(os.environ.items()))", env: map[string]string{"A": "é"},
			stdout: "[('A', 'é'), ('HOME', '/'), ('LANG', 'C.UTF-8'), ('TZ', 'UTC')]\n"},
		{name: "flags and names", code: "import sys\nprint(sys.flags.utf8_mode, sys.flags.dont_write_bytecode, sys.flags.optimize, sys.executable, sys.stdin.encoding, sys.stdout.errors, sys.stderr.errors)",
			stdout: "1 1 0  utf-8 surrogateescape backslashreplace\n"},
		{name: "signal handler", code: "import signal\nprint(signal.getsignal(2) is signal.default_int_handler)", stdout: "True\n"},
		{name: "recursion limit", code: "import sys\ndef f(n): return n and f(n - 1)\nprint(sys.getrecursionlimit(), f(900))", stdout: "1000 0\n"},
		{name: "logging begins now", code: "import logging, time\nprint(0 <= time.time() - logging._startTime < 60)", stdout: "True\n"},
		{name: "warnings", code: "import warnings\nwarnings.warn('careful')", stderr: "UserWarning: careful\n  warnings.warn('careful')\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, plain := range []bool{false, true} {
				p := pythonProgram(tt.code)
				for name, content := range tt.files {
					p.Files = append(p.Files, sandbox.File{Name: name, Content: []byte(content)})
				}
				p.Env = map[string]string{}
				for name, value := range tt.env {
					p.Env[name] = value
				}
				if plain {
					if tt.name == "environment" {
						continue // which is where we ask for it
					}
					p.Env["PYTHONDONTWRITEBYTECODE"] = "1"
				}
				o, out := run(t, e, p)
				if o.ExitCode != tt.exit || out.stdout.String() != tt.stdout || !strings.HasSuffix(out.stderr.String(), tt.stderr) || tt.stderr == "" && out.stderr.Len() > 0 {
					t.Errorf("plain %t: exit code %d, want %d; stdout %q, want %q; stderr %q", plain, o.ExitCode, tt.exit, out.stdout.String(), tt.stdout, out.stderr.String())
				}
			}
		})
	}
}

// TestPythonRunsAreIsolated has runs leave secrets in all places and end in all
// ways, many at a time, with others that look for them.
func TestPythonRunsAreIsolated(t *testing.T) {
	e := newEngine(t, "python")
	const leave = "import builtins, sys, os, json, random, atexit, signal\n" +
		"secret = ['TOP' + 'SECRET%d' % i * 20 for i in range(20000)]\nbuiltins.leak = secret\njson.leak = secret\nsys.modules['leak'] = json\n" +
		"os.environ['LEAK'] = 'x'\nf = open('leak', 'w')\nos.mkdir('d')\nos.chdir('d')\nrandom.seed(1)\nsignal.signal(2, lambda *_: None)\nsys.path.insert(0, '/leak')\nprint('left', flush=True)\n"
	const look = "import builtins, sys, os, json, random, gc, signal\n" +
		"found = [n for n in ('leak',) if hasattr(builtins, n) or hasattr(json, n) or n in sys.modules or n in globals()]\n" +
		"found += ['LEAK' in os.environ, os.path.exists('/leak'), os.getcwd() != '/', '/leak' in sys.path, signal.getsignal(2) is not signal.default_int_handler]\n" +
		"fd = os.open('/main.py', os.O_RDONLY)\nfound.append(fd != int(sys.argv[1]))\n" +
		"found.append(bytearray(20_000_000).count(0) != 20_000_000)\nneedle = 'TOP' + 'SECRET'\nfound += [o for o in gc.get_objects() if isinstance(o, list) and o and isinstance(o[0], str) and o[0].startswith(needle)]\n" +
		"print(any(found), found[:20])"
	ends := []struct {
		name, code string
		limits     sandbox.Limits
		status     sandbox.Status
		cancel     bool
	}{
		{name: "normal", status: sandbox.StatusOK},
		{name: "error", code: "1/0", status: sandbox.StatusError},
		{name: "hard exit", code: "os._exit(3)", status: sandbox.StatusError},
		{name: "time", code: "while True: pass", limits: sandbox.Limits{Wall: 200 * time.Millisecond}, status: sandbox.StatusTimeout},
		{name: "memory", code: "x = []\nwhile True: x.append(bytearray(10**6))", limits: sandbox.Limits{MemoryBytes: 64 << 20}, status: sandbox.StatusMemoryLimit},
		{name: "output", code: "while True: print('x' * 10000)", limits: sandbox.Limits{OutputBytes: 1 << 16}, status: sandbox.StatusOutputLimit},
		{name: "cancelled", code: "import time\ntime.sleep(60)", status: sandbox.StatusCancelled, cancel: true},
	}
	_, first := run(t, e, pythonProgram("import os\nprint(os.open('/main.py', os.O_RDONLY))"))
	free := strings.TrimSpace(first.stdout.String()) // the first free file descriptor
	patient := sandbox.Limits{Wall: time.Minute, CPU: time.Minute, MemoryBytes: 256 << 20, OutputBytes: 1 << 20, FileBytes: 1 << 20, Files: 100, OpenFiles: 64}
	limits := make(chan struct{}, 8)
	var all sync.WaitGroup
	for n := range 200 {
		limits <- struct{}{}
		all.Go(func() {
			defer func() { <-limits }()
			if n%2 == 0 {
				var out recorder
				p := pythonProgram(look)
				p.Limits, p.Args = patient, []string{free}
				o, err := e.Run(t.Context(), p, &out)
				if want := "False ["; err != nil || o.Status != sandbox.StatusOK || !strings.HasPrefix(out.stdout.String(), want) {
					t.Errorf("outcome %+v, %v; stdout %q, stderr %q", o, err, out.stdout.String(), out.stderr.String())
				}
				return
			}
			end := ends[n/2%len(ends)]
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			p := pythonProgram(leave + end.code)
			p.Limits = end.limits.WithDefaults(patient, sandbox.Limits{Wall: time.Minute, CPU: time.Minute, MemoryBytes: 1 << 30, OutputBytes: 1 << 24, FileBytes: 1 << 24, Files: 100, OpenFiles: 64})
			out := recorder{}
			if end.cancel {
				out.onOutput = func(sandbox.Stream, string) { cancel(sandbox.ErrKilled) }
			}
			if o, err := e.Run(ctx, p, &out); err != nil || o.Status != end.status && o.Status != sandbox.StatusTimeout {
				t.Errorf("%s: outcome %+v, %v; stderr %.300q", end.name, o, err, out.stderr.String())
			}
		})
	}
	all.Wait()
}

// BenchmarkPythonKernels measures the next cell of one of many kernels, and what
// opening, saving and resuming one takes.
func BenchmarkPythonKernels(b *testing.B) {
	e := newEngine(b, "python")
	const many = 100
	var kernels []sandbox.Kernel
	var opened, next, saved, resumed times
	for n := range many {
		began := time.Now()
		k := openKernel(b, e, "python")
		opened.add(time.Since(began))
		cell(b, k, fmt.Sprintf("x = %d\ndef f(n): return n + x", n))
		kernels = append(kernels, k)
	}
	var memory int64
	for _, k := range kernels {
		memory += k.Memory()
	}
	n := 0
	for b.Loop() {
		k := kernels[n*7%many]
		began := time.Now()
		o, _ := cell(b, k, "f(1)")
		next.add(time.Since(began))
		if want := fmt.Sprint(n*7%many + 1); text(o) != want {
			b.Fatalf("%q, want %q", text(o), want)
		}
		n++
	}
	var size int
	for _, k := range kernels[:20] {
		var state strings.Builder
		began := time.Now()
		if err := k.Save(b.Context(), &state); err != nil {
			b.Fatal(err)
		}
		saved.add(time.Since(began))
		size = state.Len()
		spec := kernelSpec(b, "python")
		began = time.Now()
		r, err := e.ResumeKernel(b.Context(), spec, strings.NewReader(state.String()))
		if err != nil {
			b.Fatal(err)
		}
		resumed.add(time.Since(began))
		closeLater(b, r)
	}
	opened.report(b, "open")
	next.report(b, "cell")
	saved.report(b, "save")
	resumed.report(b, "resume")
	b.ReportMetric(float64(memory)/many/1024, "KiB/kernel")
	b.ReportMetric(float64(size)/1024, "KiB-saved")
}
