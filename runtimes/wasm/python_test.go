package wasm_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"sandpiper/sandbox"
)

// TestPythonAsExpected runs what a learner would try.
func TestPythonAsExpected(t *testing.T) {
	e := newEngine(t, "python")
	tests := []struct {
		name, code, stdin string
		stdout, stderr    string
		exit              int
	}{
		{"input", "name = input('name? ')\nage = int(input())\nprint(name, age + 1)", "Ann\n7\n", "name? Ann 8\n", "", 0},
		{"end of input", "try: input()\nexcept EOFError as e: print(repr(e))", "", "EOFError('EOF when reading a line')\n", "", 0},
		{"identity", "import sys\nprint(__name__, __file__, sys.argv, sys.path[0], sys.modules['__main__'].__dict__ is globals(), __doc__)\nprint(sorted(k for k in globals() if not k.startswith('__')))",
			"", "__main__ /main.py ['main.py'] / True None\n['sys']\n", "", 0},
		{"sleep", "import time\nt = time.monotonic()\ntime.sleep(.02)\nprint(.02 <= time.monotonic() - t < 5)", "", "True\n", "", 0},
		{"clocks", "import time, datetime\nprint(time.time() > 1.7e9, datetime.datetime.now().year > 2020, 0 <= time.process_time() < 100, time.process_time_ns() < 10**11)",
			"", "True True True True\n", "", 0},
		{"time zones", "import datetime, zoneinfo\nprint(datetime.datetime(2026, 7, 1, tzinfo=zoneinfo.ZoneInfo('Europe/Berlin')), len(zoneinfo.available_timezones()) > 300)",
			"", "2026-07-01 00:00:00+02:00 True\n", "", 0},
		{"links", "import os\nopen('a', 'w').write('x')\nfor target, name in [('../../../etc/passwd', 'b'), ('..', 'd'), ('a', 'c'), ('/etc', 'e')]:\n" +
			"    try: os.symlink(target, name); print('made', name)\n    except OSError: pass\n    try: os.link(target, name); print('made', name)\n    except OSError: pass\n" +
			"for path in ['../etc/passwd', '/../etc/passwd', '/dev/../../etc/passwd', '/lib/sandpiper/../../../etc/passwd', '//etc/passwd']:\n" +
			"    try: print('read', open(path).read())\n    except OSError: pass\nprint(sorted(os.listdir()))", "", "['a', 'main.py']\n", "", 0},
		{"libraries are read only", "import os\nfor path in ['/lib/sandpiper/x', '/usr/share/zoneinfo/x', '/dev/x']:\n    try: open(path, 'w'); print('wrote', path)\n    except OSError: pass\n" +
			"try: os.remove('/lib/sandpiper/sandpiper.py'); print('removed')\nexcept OSError: print('no')", "", "no\n", "", 0},
		{"asyncio", "import asyncio\nasync def f(n):\n    await asyncio.sleep(n / 100)\n    return n\nasync def main():\n    async with asyncio.timeout(5):\n        print(await asyncio.gather(f(2), f(1)))\n    q = asyncio.Queue()\n    await q.put(1)\n    print(await q.get())\nasyncio.run(main())\nasyncio.run(main())",
			"", "[2, 1]\n1\n[2, 1]\n1\n", "", 0},
		{"library", "import json, decimal, sqlite3, re, hashlib, zlib, csv, statistics, fractions, dataclasses, tomllib, unittest, xml.dom.minidom\n" +
			"db = sqlite3.connect(':memory:')\nprint(db.execute('select 6 * 7').fetchone()[0], decimal.Decimal('0.1') + decimal.Decimal('0.2'), json.dumps({'é': [1]}, ensure_ascii=False))",
			"", "42 0.3 {\"é\": [1]}\n", "", 0},
		{"encodings", "import sys\nprint('é'.encode('latin-1'), 'ü.de'.encode('idna'), b'\\xa4'.decode('iso-8859-15'), 'zipimport' in sys.modules)", "", "b'\\xe9' b'xn--tda.de' € True\n", "", 0},
		{"utf-8", "open('ä.txt', 'w').write('naïve ☃')\nprint(open('ä.txt').read(), len(input()))", "☃☃\n", "naïve ☃ 2\n", "", 0},
		{"sqlite file", "import sqlite3\nwith sqlite3.connect('a.db') as db:\n    db.execute('create table t(x)')\n    db.execute('insert into t values (5)')\nprint(sqlite3.connect('a.db').execute('select x from t').fetchall())", "", "[(5,)]\n", "", 0},
		{"temporary file", "import tempfile\nwith tempfile.TemporaryFile('w+') as f:\n    f.write('x'); f.seek(0); print(f.read())", "", "x\n", "", 0},
		{"exit code", "import sys\nprint('a')\nsys.exit(3)", "", "a\n", "", 3},
		{"exit message", "import sys\nsys.exit('bye')", "", "", "bye\n", 1},
		{"exit without one", "exit()", "", "", "", 0},
		{"exit handler", "import atexit\natexit.register(print, 'bye')\n1/0", "", "bye\n",
			"Traceback (most recent call last):\n  File \"main.py\", line 3, in <module>\n    1/0\n    ~^~\nZeroDivisionError: division by zero\n", 1},
		{"chained errors", "try:\n    {}['x']\nexcept KeyError as e:\n    raise ValueError('bad') from e", "", "",
			"Traceback (most recent call last):\n  File \"main.py\", line 2, in <module>\n    {}['x']\n    ~~^^^^^\nKeyError: 'x'\n\n" +
				"The above exception was the direct cause of the following exception:\n\n" +
				"Traceback (most recent call last):\n  File \"main.py\", line 4, in <module>\n    raise ValueError('bad') from e\nValueError: bad\n", 1},
		{"syntax error", "print('a')\nx = = 1", "", "", "  File \"main.py\", line 2\n    x = = 1\n        ^\nSyntaxError: invalid syntax\n", 1},
		{"own excepthook", "import sys\nsys.excepthook = lambda t, e, tb: print('caught', e, tb.tb_lineno)\nraise ValueError('x')", "", "caught x 3\n", "", 1},
		{"missing package", "import numpy", "", "",
			"Traceback (most recent call last):\n  File \"main.py\", line 1, in <module>\n    import numpy\nModuleNotFoundError: No module named 'numpy'\n" +
				"sandpiper: numpy is not in the standard library; packages need a container sandbox\n", 1},
		{"no threads", "import threading\ntry: threading.Thread(target=print).start()\nexcept RuntimeError as e: print(e)", "", "can't start new thread\n", "", 0},
		{"no network", "import socket\ntry: socket.create_connection(('127.0.0.1', 80))\nexcept Exception as e: print('no')", "", "no\n", "", 0},
		{"no processes", "import subprocess\ntry: subprocess.run(['ls'])\nexcept Exception as e: print('no')", "", "no\n", "", 0},
		{"nothing of the host", "import os\nprint(sorted(os.listdir('/')), sorted(os.environ), os.path.exists('/etc/passwd'), os.path.exists('/proc'), os.getcwd())",
			"", "['main.py'] ['HOME', 'LANG', 'TZ'] False False /\n", "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := pythonProgram(tt.code)
			p.Stdin = sandbox.StaticStdin([]byte(tt.stdin))
			o, out := run(t, e, p)
			if out.stdout.String() != tt.stdout || out.stderr.String() != tt.stderr {
				t.Errorf("stdout %q, want %q\nstderr %q, want %q", out.stdout.String(), tt.stdout, out.stderr.String(), tt.stderr)
			}
			if o.ExitCode != tt.exit {
				t.Errorf("exit code %d, want %d (%s)", o.ExitCode, tt.exit, o.Message)
			}
		})
	}
}

func TestPythonSearchPath(t *testing.T) {
	p := pythonProgram("import os, extra, sandpiper\nprint(extra.X, os.environ['PYTHONPATH'])")
	p.Files = append(p.Files, sandbox.File{Name: "more/extra.py", Content: []byte("X = 5")})
	p.Env = map[string]string{"PYTHONPATH": "/more"}
	if _, out := run(t, newEngine(t, "python"), p); out.stdout.String() != "5 /more\n" {
		t.Errorf("stdout %q, stderr %q", out.stdout.String(), out.stderr.String())
	}
}

// TestPythonStreams checks that output comes while the program runs, prompts
// included.
func TestPythonStreams(t *testing.T) {
	e := newEngine(t, "python")
	in := sandbox.LiveStdin()
	out := recorder{onOutput: func(_ sandbox.Stream, p string) {
		if strings.HasSuffix(p, "? ") {
			_, _ = in.Write([]byte("yes\n"))
		}
	}}
	p := pythonProgram("import time\nprint('begun')\na = input('one? ')\nb = input('two? ')\nprint(a, b)")
	p.Stdin = in
	o, err := e.Run(t.Context(), p, &out)
	if err != nil || o.Status != sandbox.StatusOK {
		t.Fatal(o, err)
	}
	if want := "begun\none? two? yes yes\n"; out.stdout.String() != want {
		t.Errorf("stdout %q, want %q", out.stdout.String(), want)
	}
}

// TestPythonIsFresh checks that a run has its own random numbers and sees
// nothing of the one before. The seed of hashes is that of the image, but for a
// run that asks for one of its own.
func TestPythonIsFresh(t *testing.T) {
	e := newEngine(t, "python")
	seen := map[string]bool{}
	for n := range 8 {
		p := pythonProgram("import os, random, builtins, uuid\nprint(os.urandom(8).hex(), random.random(), uuid.uuid4(), hash('x') if 'PYTHONHASHSEED' in os.environ else random.getrandbits(64), hasattr(builtins, 'left'), os.path.exists('left'))\nbuiltins.left = 1\nopen('left', 'w')")
		if n%4 == 3 {
			p.Env = map[string]string{"PYTHONHASHSEED": "random"}
		}
		_, out := run(t, e, p)
		s := out.stdout.String()
		if !strings.HasSuffix(s, " False False\n") {
			t.Errorf("something was left: %q", s)
		}
		for _, field := range strings.Fields(s)[:4] {
			if seen[field] {
				t.Errorf("%s was there before", field)
			}
			seen[field] = true
		}
	}
}

// TestStuckRunsDelayNobody runs short programs beside ones that never end.
func TestStuckRunsDelayNobody(t *testing.T) {
	e := newEngine(t, "python")
	alone := fastest(t, e)
	ctx, stop := context.WithCancel(t.Context())
	var stuck sync.WaitGroup
	for range 4 {
		stuck.Go(func() {
			p := pythonProgram("while True: pass")
			p.Limits = sandbox.Limits{Wall: time.Minute, CPU: time.Minute}
			if _, err := e.Run(ctx, p, &recorder{}); err != nil {
				t.Error(err)
			}
		})
	}
	time.Sleep(500 * time.Millisecond)
	var beside time.Duration
	for range 5 { // what else the machine does may be in the way
		if beside = fastest(t, e); beside < alone+50*time.Millisecond {
			break
		}
	}
	stop()
	stuck.Wait()
	if t.Logf("alone %v, beside stuck runs %v", alone, beside); beside > 2*alone+50*time.Millisecond {
		t.Errorf("a hello takes %v, and %v beside stuck runs", alone, beside)
	}
}

// fastest returns the shortest of some runs of a hello, so that other work on
// the machine counts little.
func fastest(t *testing.T, e sandbox.CodeRunner) time.Duration {
	best := time.Hour
	for range 8 {
		began := time.Now()
		if _, err := e.Run(t.Context(), pythonProgram("print(1)"), &recorder{}); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(began))
	}
	return best
}
