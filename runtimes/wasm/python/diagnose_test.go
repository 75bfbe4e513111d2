package python

import (
	"slices"
	"strings"
	"testing"

	"sandpiper/sandbox"
)

// program is what the tests' tracebacks are about.
var program = []sandbox.File{
	{Name: "main.py", Content: []byte("import helper\n\ndef f(x):\n    return helper.half(x)\n\nprint(f('é') + 1)\n")},
	{Name: "helper.py", Content: []byte("def half(x):\n\tif x:\n\t\treturn x / 2\n")},
	{Name: "pkg/mod.py", Content: []byte("import numpy\n")},
}

func TestDiagnose(t *testing.T) {
	tests := []struct {
		name   string
		stderr string
		want   []sandbox.Diagnostic
	}{
		{"nothing", "", nil},
		{"no traceback", "warning: something\n", nil},
		{"innermost file of the program",
			"Traceback (most recent call last):\n" +
				"  File \"main.py\", line 6, in <module>\n    print(f('é') + 1)\n          ^^^^^^\n" +
				"  File \"main.py\", line 4, in f\n    return helper.half(x)\n           ^^^^^^^^^^^^^^\n" +
				"  File \"/helper.py\", line 3, in half\n    return x / 2\n           ~~^~~\n" +
				"TypeError: unsupported operand type(s) for /: 'str' and 'int'\n",
			[]sandbox.Diagnostic{{File: "helper.py", Line: 3, Column: 10, Severity: "error",
				Message: "TypeError: unsupported operand type(s) for /: 'str' and 'int'"}}},
		{"error inside the library",
			"Traceback (most recent call last):\n" +
				"  File \"main.py\", line 6, in <module>\n    print(f('é') + 1)\n          ^^^^^^\n" +
				"  File \"/usr/local/lib/python312.zip/json/__init__.py\", line 346, in loads\n" +
				"json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)\n",
			[]sandbox.Diagnostic{{File: "main.py", Line: 6, Column: 7, Severity: "error",
				Message: "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)"}}},
		{"syntax error",
			"  File \"main.py\", line 6\n    print(f('é') + 1)\n         ^\nSyntaxError: '(' was never closed\n",
			[]sandbox.Diagnostic{{File: "main.py", Line: 6, Column: 6, Severity: "error", Message: "SyntaxError: '(' was never closed"}}},
		{"the last of a chain",
			"Traceback (most recent call last):\n  File \"main.py\", line 4, in f\nKeyError: 'a'\n\n" +
				"During handling of the above exception, another exception occurred:\n\n" +
				"Traceback (most recent call last):\n  File \"main.py\", line 6, in <module>\nValueError\n",
			[]sandbox.Diagnostic{{File: "main.py", Line: 6, Severity: "error", Message: "ValueError"}}},
		{"message of several lines",
			"Traceback (most recent call last):\n  File \"main.py\", line 6, in <module>\nRuntimeError: one\n  File \"x\"\ntwo\n",
			[]sandbox.Diagnostic{{File: "main.py", Line: 6, Severity: "error", Message: "RuntimeError: one"}}},
		{"source has changed",
			"Traceback (most recent call last):\n  File \"main.py\", line 6, in <module>\n    other(1)\n    ^^^^^\nNameError: x\n",
			[]sandbox.Diagnostic{{File: "main.py", Line: 6, Severity: "error", Message: "NameError: x"}}},
		{"not a file of the program",
			"Traceback (most recent call last):\n  File \"<string>\", line 1, in <module>\nNameError: x\n", nil},
		{"absurd line",
			"Traceback (most recent call last):\n  File \"main.py\", line 99999999999999999999, in f\nNameError: x\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Diagnose([]byte(tt.stderr), program); !slices.Equal(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestMissingModule(t *testing.T) {
	tests := []struct{ name, stderr, want string }{
		{"package", "Traceback…\nModuleNotFoundError: No module named 'numpy'\n",
			"numpy is not in the standard library; packages need a container sandbox"},
		{"part of a package", "ModuleNotFoundError: No module named 'scipy.stats'\n",
			"scipy is not in the standard library; packages need a container sandbox"},
		{"own file", "ModuleNotFoundError: No module named 'helper.x'; 'helper' is not a package\n", ""},
		{"own folder", "ModuleNotFoundError: No module named 'pkg.other'\n", ""},
		{"standard library", "ModuleNotFoundError: No module named '_ssl'\n", "ssl cannot work in WebAssembly; it needs a container sandbox"},
		{"not the end", "ModuleNotFoundError: No module named 'numpy'\nhandled\n", ""},
		{"something else", "ValueError: No module named 'numpy'\n", ""},
	}
	for _, tt := range tests {
		if got := missingModule([]byte(tt.stderr), program); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func FuzzDiagnose(f *testing.F) {
	f.Add("Traceback (most recent call last):\n  File \"main.py\", line 6, in <module>\n    print(f('é') + 1)\n          ^^^^^^\nE: x\n")
	f.Add("  File \"main.py\", line 6\n    print\n ^\nSyntaxError: x")
	f.Add("  File \"helper.py\", line 3, in x\n    return x / 2\n    ~^\nE")
	f.Fuzz(func(t *testing.T, stderr string) {
		for _, d := range Diagnose([]byte(stderr), program) {
			if !slices.ContainsFunc(program, func(f sandbox.File) bool { return f.Name == d.File }) || d.Line < 1 || d.Column < 0 || d.Message == "" {
				t.Errorf("diagnostic %+v", d)
			}
		}
		if hint := missingModule([]byte(stderr), program); strings.ContainsAny(hint, "\n") {
			t.Errorf("hint of several lines: %q", hint)
		}
	})
}
