package wasm_test

import (
	"strings"
	"testing"
	"time"

	"sandpiper/sandbox"
)

// stopSlack is how long after its deadline a run may go on.
const stopSlack = 100 * time.Millisecond

// anyFailure stands for any status but ok: how far a program gets before its
// limit depends on the machine.
const anyFailure sandbox.Status = "any failure"

// TestPythonStops runs programs that do not end by themselves, whatever they do.
func TestPythonStops(t *testing.T) {
	e := newEngine(t, "python")
	const limit = 500 * time.Millisecond
	tests := []struct {
		name, code string
		status     sandbox.Status
	}{
		{"loop", "print('started')\nwhile True: pass", sandbox.StatusTimeout},
		{"regex", "import re\nprint('started')\nre.match(r'(a+)+$', 'a'*40 + 'b')", sandbox.StatusTimeout},
		{"big power", "print('started')\n10**10**8", sandbox.StatusTimeout},
		{"bare except", "print('started')\nwhile True:\n  try:\n    while True: pass\n  except: pass", sandbox.StatusTimeout},
		{"sleep", "import time\nprint('started')\ntime.sleep(100)", sandbox.StatusTimeout},
		{"sleep in a loop", "import time\nprint('started')\nwhile True:\n  try: time.sleep(.001)\n  except: pass", sandbox.StatusTimeout},
		{"asyncio sleep", "import asyncio\nprint('started')\nasyncio.run(asyncio.sleep(100))", sandbox.StatusTimeout},
		{"input", "print('started')\ninput()", sandbox.StatusTimeout},
		{"stdin", "import sys\nprint('started')\nsys.stdin.read()", sandbox.StatusTimeout},
		{"memory copies", "print('started')\nwhile True: bytearray(50_000_000)", sandbox.StatusTimeout},
		{"search", "print('started')\ns = 'a' * 10**6\nwhile True: s.replace('b', 'c'); s.count('aab')", sandbox.StatusTimeout},
		{"files", "print('started')\nwhile True:\n  open('x', 'w').write('x' * 1000)", sandbox.StatusTimeout},
		{"output flood", "print('started')\nwhile True:\n  try: print('x' * 1000)\n  except: pass", sandbox.StatusOutputLimit},
		{"recursion", "print('started')\ndef f(): f()\nf()", sandbox.StatusError},
		{"recursion without its limit", "import sys\nprint('started')\nsys.setrecursionlimit(10**7)\ndef f(): f()\nf()", anyFailure},
		{"recursion in repr", "import sys\nprint('started')\nsys.setrecursionlimit(10**7)\nclass A:\n  def __repr__(self): return repr(self)\nrepr(A())", anyFailure},
		{"memory", "print('started')\nx = []\nwhile True: x.append(bytearray(10**6))", sandbox.StatusMemoryLimit},
		{"memory caught", "print('started')\nx = []\nwhile True:\n  try: x.append(bytearray(10**6))\n  except: pass", sandbox.StatusTimeout},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := pythonProgram(tt.code)
			p.Stdin = sandbox.LiveStdin()
			p.Limits.Wall = limit
			began := time.Now()
			o, out := run(t, e, p)
			took := time.Since(began)
			if took > limit+stopSlack {
				t.Errorf("took %v with a limit of %v", took, limit)
			}
			t.Log(took, o.Usage, o.Message)
			if o.Status != tt.status && (tt.status != anyFailure || o.Status == sandbox.StatusOK) {
				t.Errorf("status %q, want %q; stderr %q", o.Status, tt.status, out.stderr.String())
			}
			if !strings.HasPrefix(out.stdout.String(), "started\n") {
				t.Errorf("stdout was lost: %.100q", out.stdout.String())
			}
			if o.Status != sandbox.StatusError && !strings.Contains(out.stderr.String(), "sandpiper: ") {
				t.Errorf("stderr does not say why: %.300q", out.stderr.String())
			}
		})
	}
}
