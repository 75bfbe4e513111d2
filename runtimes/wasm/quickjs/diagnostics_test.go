package quickjs_test

import (
	"slices"
	"strings"
	"testing"

	"sandpiper/runtimes/wasm/quickjs"
	"sandpiper/sandbox"
)

func TestDiagnostics(t *testing.T) {
	at := func(file string, line, column int, message string) sandbox.Diagnostic {
		return sandbox.Diagnostic{File: file, Line: line, Column: column, Severity: sandbox.SeverityError, Message: message}
	}
	for _, tt := range []struct {
		name   string
		stderr string
		want   []sandbox.Diagnostic
	}{
		{"nothing", "", nil},
		{"plain output", "warning: 1:2:3\nmain.js is fine\n", nil},
		{"uncaught error", "main.js:3:9\n  throw new Error('x');\n        ^\n\nUncaught Error: x\n    at main.js:3:9\n",
			[]sandbox.Diagnostic{at("main.js", 3, 9, "Error: x")}},
		{"rejected promise", "lib/a b.js:1:1\nf()\n^\n\nUncaught (in promise) TypeError: no\n",
			[]sandbox.Diagnostic{at("lib/a b.js", 1, 1, "TypeError: no")}},
		{"output of the program before it", "hello\nmain.js:2:1\nx\n^\n\nUncaught ReferenceError: x is not defined\n",
			[]sandbox.Diagnostic{at("main.js", 2, 1, "ReferenceError: x is not defined")}},
		{"error with properties", "main.js:2:1\nx\n^\n\nUncaught Error: x {\n  code: 1\n}\n",
			[]sandbox.Diagnostic{at("main.js", 2, 1, "Error: x")}},
		{"place without an error", "main.js:2:1\na\nb\nc\nd\nUncaught Error: x\n", nil},
		{"error without a place", "Uncaught 5\n", nil},
		{"several syntax errors", "main.ts:1:5: error: Expected \";\"\n    1 | let\nutil.ts:20:1: error: Unexpected }\n",
			[]sandbox.Diagnostic{at("main.ts", 1, 5, `Expected ";"`), at("util.ts", 20, 1, "Unexpected }")}},
		{"windows line ends", "main.ts:1:5: error: bad\r\n", []sandbox.Diagnostic{at("main.ts", 1, 5, "bad")}},
		{"numbers that are none", "main.ts:99999999999999999999:5: error: bad\n", nil},
		{"line zero", "main.ts:0:5: error: bad\n", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := quickjs.Diagnostics([]byte(tt.stderr)); !slices.Equal(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestDiagnosticsAreBounded(t *testing.T) {
	stderr := strings.Repeat("main.ts:1:1: error: again\n", 1000)
	if got := len(quickjs.Diagnostics([]byte(stderr))); got != 50 {
		t.Errorf("%d diagnostics, want 50", got)
	}
}

func FuzzDiagnostics(f *testing.F) {
	f.Add([]byte("main.js:3:9\n  throw new Error('x');\n        ^\n\nUncaught Error: x\n"))
	f.Add([]byte("main.ts:1:5: error: Expected \";\"\n"))
	f.Add([]byte("a:1:1\nUncaught (in promise) \n\xff:2:2"))
	f.Fuzz(func(t *testing.T, stderr []byte) {
		for _, d := range quickjs.Diagnostics(stderr) {
			if d.File == "" || d.Line < 1 || d.Column < 0 || d.Message == "" {
				t.Errorf("bad diagnostic %+v", d)
			}
		}
	})
}
