package wasm_test

import (
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"sandpiper/runtimes/wasm/jail"
	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// home is a sandbox's file system with some programs in /desk.
func home(t *testing.T) *jail.FS {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"main.py":     "import sys, os, helper\nprint(sys.argv, os.getcwd(), helper.x, __file__, __name__)\nopen('made', 'w').write('1')\n",
		"helper.py":   "x = 7\n",
		"bad.py":      "def f():\n    1/0\nf()\n",
		"pkg/mod.py":  "import sys\nprint('module', sys.argv[1:], __name__)\n",
		"main.js":     "const h = require('./helper.js');\nconsole.log(process.argv, process.cwd(), h.x, __filename);\nrequire('fs').writeFileSync('made', '2');\n",
		"helper.js":   "exports.x = 8;\n",
		"bad.js":      "function f() { throw new Error('no') }\nf()\n",
		"main.ts":     "import { y } from './lib';\nconst n: number = y;\nconsole.log(n);\n",
		"lib.ts":      "export const y: number = 9;\n",
		"main.rb":     "require_relative 'helper'\np ARGV, Dir.pwd, X, $0\n",
		"helper.rb":   "X = 10\n",
		"main.lua":    "local h = require('helper')\nprint(arg[1], h.x, io.open('main.py'):read())\n",
		"helper.lua":  "return { x = 11 }\n",
		"schema.sql":  "create table t(a); insert into t values (12);\n",
		"fromweb.txt": "plain\n",
	} {
		if i := strings.LastIndexByte(name, '/'); i > 0 {
			if err := root.MkdirAll("desk/"+name[:i], 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := root.MkdirAll("desk", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := root.WriteFile("desk/"+name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	fs := jail.NewHome(root, jail.Limits{Bytes: 1 << 20, Files: 100, OpenFiles: 64}, jail.Usage{})
	t.Cleanup(func() {
		_ = fs.Close()
		_ = root.Close()
	})
	return fs
}

// TestExec runs the languages as the commands of a sandbox's shell.
func TestExec(t *testing.T) {
	e := newEngine(t)
	for _, tt := range []struct {
		id     string
		args   string // separated by |
		stdin  string
		tty    bool
		code   int
		stdout string
		stderr string // part of it
	}{
		{id: "python", args: "main.py|a|b c", stdout: "['main.py', 'a', 'b c'] /desk 7 /desk/main.py __main__\n"},
		{id: "python", args: "/desk/main.py", stdout: "['/desk/main.py'] /desk 7 /desk/main.py __main__\n"},
		{id: "python", args: "-c|import sys; print(sys.argv)|x", stdout: "['-c', 'x']\n"},
		{id: "python", args: "-Bcprint(3)", stdout: "3\n"},
		{id: "python", args: "-m|pkg.mod|x", stdout: "module ['x'] __main__\n"},
		{id: "python", args: "-m|json.tool", stdin: `{"a":1}`, stdout: "{\n    \"a\": 1\n}\n"},
		{id: "python", args: "", stdin: "print('in')\n", stdout: "in\n"},
		{id: "python", args: "-|q", stdin: "import sys; print(sys.argv)\n", stdout: "['-', 'q']\n"},
		{id: "python", args: "", tty: true, stdin: "1+1\nprint('x')\n", stdout: ">>> 2\n>>> x\n>>> ", stderr: "Python 3.12"},
		{id: "python", args: "-c|import sys; sys.exit(7)", code: 7},
		{id: "python", args: "bad.py", code: 1, stderr: "  File \"/desk/bad.py\", line 2, in f\n"},
		{id: "python", args: "nowhere.py", code: 2, stderr: "can't open file '/desk/nowhere.py'"},
		{id: "python", args: "--version", stdout: "Python 3.12.0\n"},
		{id: "python", args: "-c", code: 2, stderr: "argument expected"},
		{id: "python", args: "-c|import os; os.symlink('main.py', 'l'); print(os.readlink('l'), open('/desk/l').read()[:6], os.path.realpath('l'))", stdout: "main.py import /desk/main.py\n"},
		{id: "javascript", args: "main.js|a", stdout: "[ 'node', '/desk/main.js', 'a' ] /desk 8 /desk/main.js\n"},
		{id: "javascript", args: "main", stdout: "[ 'node', '/desk/main.js' ] /desk 8 /desk/main.js\n"},
		{id: "javascript", args: "-e|console.log(require('./helper').x, process.argv)|z", stdout: "8 [ 'node', 'z' ]\n"},
		{id: "javascript", args: "-p|1+2", stdout: "3\n"},
		{id: "javascript", args: "", stdin: "console.log(4)", stdout: "4\n"},
		{id: "javascript", args: "bad.js", code: 1, stderr: "Error: no"},
		{id: "javascript", args: "--version", stdout: "v20.0.0\n"},
		{id: "javascript", args: "", tty: true, code: 1, stderr: "no interactive prompt"},
		{id: "javascript", args: "-x", code: 9, stderr: "bad option: -x"},
		{id: "javascript", args: "nowhere.js", code: 1, stderr: "nowhere.js"},
		{id: "typescript", args: "main.ts", stdout: "9\n"},
		{id: "typescript", args: "-e|const a: number = 1; console.log(a)", stdout: "1\n"},
		{id: "ruby", args: "main.rb|a", stdout: "[\"a\"]\n\"/desk\"\n10\n\"main.rb\"\n"},
		{id: "ruby", args: "-rset|-e|p Set.new([1]).size, ARGV|k", stdout: "1\n[\"k\"]\n"},
		{id: "ruby", args: "", stdin: "puts 5\n", stdout: "5\n"},
		{id: "ruby", args: "-e|exit 3", code: 3},
		{id: "ruby", args: "-n", code: 2, stderr: "not known"},
		{id: "lua", args: "main.lua|a", stdout: "a\t11\timport sys, os, helper\n"},
		{id: "lua", args: "-e|print(6)", stdout: "6\n"},
		{id: "lua", args: "-", stdin: "print(7)", stdout: "7\n"},
		{id: "sql", args: "t.db", stdin: ".read schema.sql\nselect a from t;", stdout: " a\n--\n12\n\n"},
		{id: "sql", args: ":memory:|select 1 as b", stdout: "b\n-\n1\n\n"},
	} {
		t.Run(tt.id+" "+tt.args, func(t *testing.T) {
			files := home(t)
			var mu sync.Mutex
			var out [3]strings.Builder
			cfg := vm.RunConfig{
				Limits: sandbox.Limits{Wall: time.Minute, CPU: time.Minute, MemoryBytes: 512 << 20, OutputBytes: 1 << 20, OpenFiles: 64},
				Stdin:  sandbox.StaticStdin([]byte(tt.stdin)),
				Env:    []string{"HOME=/desk", "PWD=/desk"},
				Mounts: []vm.Mount{{Path: "/", FS: files}, {Path: "/dev", FS: jail.NewDevices(jail.NewDisplays(jail.DisplayLimits{}, func(sandbox.Display) {}, func(error) {}), 64)}},
				Output: func(s sandbox.Stream, p []byte) {
					mu.Lock()
					defer mu.Unlock()
					out[s].Write(p)
				},
			}
			var args []string
			if tt.args != "" {
				args = strings.Split(tt.args, "|")
			}
			o, err := e.Exec(t.Context(), tt.id, cfg, vm.Invocation{Dir: "/desk", Args: args, TTY: tt.tty})
			if err != nil {
				t.Fatal(err)
			}
			stdout, stderr := out[sandbox.Stdout].String(), out[sandbox.Stderr].String()
			if o.ExitCode != tt.code || stdout != tt.stdout || !strings.Contains(stderr, tt.stderr) {
				t.Errorf("exit code %d, want %d\nstdout %q\n  want %q\nstderr %q, want %q in it", o.ExitCode, tt.code, stdout, tt.stdout, stderr, tt.stderr)
			}
		})
	}
}
