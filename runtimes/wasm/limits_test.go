package wasm_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sandpiper/runtimes/wasm"
	"sandpiper/sandbox"
)

// stopSlack is how long after its limit a run may go on: longer where a machine is
// so busy that only a longer limit is met in time.
func stopSlack(limit time.Duration) time.Duration { return limit / 5 }

// limitsToTry are limits of time of the same program, until one is met in time.
var limitsToTry = []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}

// anyFailure stands for any status but ok: how far a program gets before its
// limit depends on the machine.
const anyFailure sandbox.Status = "any failure"

// TestPythonStops runs programs that do not end by themselves, whatever they do.
func TestPythonStops(t *testing.T) {
	e := newEngine(t, "python")
	tests := []struct {
		name, code string
		status     sandbox.Status
	}{
		{"loop", "print('started')\nwhile True: pass", sandbox.StatusTimeout},
		{"regex", "print('started')\nimport re\nre.match(r'(a+)+$', 'a'*40 + 'b')", sandbox.StatusTimeout},
		{"big power", "print('started')\n10**10**8", sandbox.StatusTimeout},
		{"bare except", "print('started')\nwhile True:\n  try:\n    while True: pass\n  except: pass", sandbox.StatusTimeout},
		{"sleep", "import time\nprint('started')\ntime.sleep(100)", sandbox.StatusTimeout},
		{"sleep in a loop", "import time\nprint('started')\nwhile True:\n  try: time.sleep(.001)\n  except: pass", sandbox.StatusTimeout},
		{"asyncio sleep", "print('started')\nimport asyncio\nasyncio.run(asyncio.sleep(100))", sandbox.StatusTimeout},
		{"input", "print('started')\ninput()", sandbox.StatusTimeout},
		{"stdin", "import sys\nprint('started')\nsys.stdin.read()", sandbox.StatusTimeout},
		{"memory copies", "print('started')\nwhile True: bytearray(50_000_000)", sandbox.StatusTimeout},
		{"search", "print('started')\ns = 'a' * 10**6\nwhile True: s.replace('b', 'c'); s.count('aab')", sandbox.StatusTimeout},
		{"files", "print('started')\nwhile True:\n  open('x', 'w').write('x' * 1000)", sandbox.StatusTimeout},
		{"output flood", "print('started')\nwhile True:\n  try: print('x' * 1000)\n  except: pass", sandbox.StatusOutputLimit},
		{"recursion", "print('started')\ndef f(): f()\nf()", sandbox.StatusError},
		{"recursion without its limit", "import sys\nprint('started')\nsys.setrecursionlimit(10**7)\ndef f(): f()\nf()", anyFailure},
		{"recursion in repr", "import sys\nprint('started')\nsys.setrecursionlimit(10**7)\nclass A:\n  def __repr__(self): return repr(self)\nrepr(A())", anyFailure},
		{"memory caught", "print('started')\nx = []\nwhile True:\n  try: x.append(bytearray(10**6))\n  except: pass", sandbox.StatusTimeout},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := pythonProgram(tt.code)
			p.Stdin = sandbox.LiveStdin()
			var problem string
			for _, p.Limits.Wall = range limitsToTry {
				if problem = stopped(t, e, p, tt.status); problem == "" {
					return
				}
			}
			t.Error(problem)
		})
	}
}

// TestEveryLanguageStops runs programs of the other languages that nothing but
// the limits can end.
func TestEveryLanguageStops(t *testing.T) {
	e := newEngine(t)
	tests := []struct {
		language, name, code string
		status               sandbox.Status
	}{
		{"javascript", "loop", "console.log('started'); for (;;) ;", sandbox.StatusTimeout},
		{"javascript", "caught", "console.log('started'); for (;;) try { for (;;) ; } catch {}", sandbox.StatusTimeout},
		{"javascript", "regex", "console.log('started'); /^(a+)+$/.test('a'.repeat(40) + 'b')", sandbox.StatusTimeout},
		{"javascript", "promises", "console.log('started'); const f = () => Promise.resolve().then(f); f()", sandbox.StatusTimeout},
		{"javascript", "timers", "console.log('started'); setInterval(() => {}, 0)", sandbox.StatusTimeout},
		{"javascript", "fills", "console.log('started'); const a = new Uint8Array(1e8); for (;;) a.fill(1)", sandbox.StatusTimeout},
		{"javascript", "recursion", "console.log('started'); (function f() { f() })()", anyFailure},
		{"javascript", "memory", "console.log('started'); const a = []; for (;;) a.push(new Array(1000).fill(a.length))", anyFailure},
		{"typescript", "loop", "console.log('started'); for (;;) ;", sandbox.StatusTimeout},
		{"ruby", "loop", "puts 'started'\nwhile true do end", sandbox.StatusTimeout},
		{"ruby", "rescued", "puts 'started'\nloop { begin; loop {}; rescue Exception; end }", sandbox.StatusTimeout},
		{"ruby", "recursion", "puts 'started'\ndef f = f\nf", anyFailure},
		{"lua", "loop", "print('started') while true do end", sandbox.StatusTimeout},
		{"lua", "protected", "print('started') while true do pcall(function() while true do end end) end", sandbox.StatusTimeout},
		{"lua", "recursion", "print('started') local function f() return 1 + f() end f()", anyFailure},
		{"lua", "strings", "print('started') local s = 'x' while true do s = s .. s end", anyFailure},
		{"sql", "recursive query", "select 'started'; with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n;", sandbox.StatusTimeout},
	}
	for _, tt := range tests {
		t.Run(tt.language+" "+tt.name, func(t *testing.T) {
			l := language(t, e, tt.language)
			p := sandbox.Program{Language: l.ID, Files: []sandbox.File{{Name: l.Main, Content: []byte(tt.code)}}}
			var problem string
			for _, p.Limits.Wall = range limitsToTry[1:] {
				if problem = stopped(t, e, p, tt.status); problem == "" {
					return
				}
			}
			t.Error(problem)
		})
	}
}

// stopped runs p, which has to end in time with the status, its first output
// and the reason, and returns what is wrong.
func stopped(t *testing.T, e *wasm.Engine, p sandbox.Program, want sandbox.Status) string {
	began := time.Now()
	o, out := run(t, e, p)
	took := time.Since(began)
	switch {
	case took > p.Limits.Wall+stopSlack(p.Limits.Wall):
		return fmt.Sprintf("took %v with a limit of %v", took, p.Limits.Wall)
	case o.Status != want && (want != anyFailure || o.Status == sandbox.StatusOK):
		return fmt.Sprintf("status %q, want %q; stderr %q", o.Status, want, out.stderr.String())
	case !strings.Contains(out.stdout.String(), "started"):
		return fmt.Sprintf("stdout was lost: %.100q", out.stdout.String())
	case o.Status != sandbox.StatusError && !strings.Contains(out.stderr.String(), "sandpiper: "):
		return fmt.Sprintf("stderr does not say why: %.300q", out.stderr.String())
	}
	return ""
}

func TestPythonMemoryLimit(t *testing.T) {
	e := newEngine(t, "python")
	for name, code := range map[string]string{
		"many": "print('started')\nx = []\nwhile True: x.append(bytearray(10**6))",
		"one":  "print('started')\nbytearray(10**8)",
	} {
		p := pythonProgram(code)
		p.Limits.MemoryBytes = 48 << 20
		o, out := run(t, e, p)
		if o.Status != sandbox.StatusMemoryLimit || o.ExitCode != 1 || o.Usage.MemoryBytes > 48<<20 {
			t.Errorf("%s: outcome %+v", name, o)
		}
		if want := "MemoryError\nsandpiper: needed more than 48 MiB of memory: the memory limit.\n"; !strings.HasSuffix(out.stderr.String(), want) {
			t.Errorf("%s: stderr %q", name, out.stderr.String())
		}
		if len(o.Diagnostics) != 1 || o.Diagnostics[0].Message != "MemoryError" {
			t.Errorf("%s: diagnostics %+v", name, o.Diagnostics)
		}
	}
}
