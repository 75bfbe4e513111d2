package clang

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"sandpiper/sandbox"
)

var program = []sandbox.File{
	{Name: "main.c", Content: []byte("int main(void) { return x; }\n")},
	{Name: "lib/list.c", Content: []byte("int x;\n")},
	{Name: "lib/list.h", Content: []byte("extern int x;\n")},
}

func TestDiagnose(t *testing.T) {
	at := func(file string, line, column int, severity sandbox.Severity, message string) sandbox.Diagnostic {
		return sandbox.Diagnostic{File: file, Line: line, Column: column, Severity: severity, Message: message}
	}
	tests := []struct {
		name, messages string
		want           []sandbox.Diagnostic
	}{
		{"nothing", "", nil},
		{"error", "main.c:3:5: error: use of undeclared identifier 'x'\n    3 |     x = 1;\n      |     ^\n1 error generated.\n",
			[]sandbox.Diagnostic{at("main.c", 3, 5, sandbox.SeverityError, "use of undeclared identifier 'x'")}},
		{"warning", "lib/list.h:1:9: warning: unused [-Wunused]\n", []sandbox.Diagnostic{at("lib/list.h", 1, 9, sandbox.SeverityWarning, "unused [-Wunused]")}},
		{"fatal", "main.c:1:10: fatal error: 'no.h' file not found\n", []sandbox.Diagnostic{at("main.c", 1, 10, sandbox.SeverityError, "'no.h' file not found")}},
		{"what the linker misses", "wasm-ld: error: main.c.o: undefined symbol: x\n", []sandbox.Diagnostic{at("main.c", 1, 25, sandbox.SeverityError, "undefined symbol: x")}},
		{"what the linker misses of C++", "wasm-ld: error: lib/list.h.o: undefined symbol: list::x(int)\n", []sandbox.Diagnostic{at("lib/list.h", 1, 12, sandbox.SeverityError, "undefined symbol: list::x(int)")}},
		{"what no source names", "wasm-ld: error: main.c.o: undefined symbol: y\n", nil},
		{"what the library misses", "wasm-ld: error: crt1-command.o: undefined symbol: main\n", nil},
		{"note", "main.c:1:10: note: declared here\n", nil},
		{"of a header of the system", "/sdk/include/stdio.h:3:1: error: no\n", nil},
		{"shown code that looks like one", "    3 | main.c:3:5: error: x\n", nil},
		{"no such line", "main.c:99999999999999999999:1: error: x\n", nil},
		{"line zero", "main.c:0:1: error: x\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := diagnose(tt.messages, program); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestDiagnoseIsBounded(t *testing.T) {
	flood := strings.Repeat("main.c:1:1: error: x\n", 10*maxDiagnostics)
	if got := len(diagnose(flood, program)); got != maxDiagnostics {
		t.Errorf("%d diagnostics, want %d", got, maxDiagnostics)
	}
}

func TestTidy(t *testing.T) {
	tests := []struct{ name, given, want string }{
		{"place", "src/main.c:3:5: error: x\n", "main.c:3:5: error: x\n"},
		{"inclusion", "In file included from src/main.c:1:\n", "In file included from main.c:1:\n"},
		{"object", "wasm-ld: error: src/main.c.o: undefined symbol: f\n", "wasm-ld: error: main.c.o: undefined symbol: f\n"},
		{"code", "    3 | open(\"src/main.c\");\n", "    3 | open(\"src/main.c\");\n"},
		{"other word", "mysrc/main.c:1:1: error: x\n", "mysrc/main.c:1:1: error: x\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tidy(tt.given); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestHint(t *testing.T) {
	tests := []struct{ name, messages, want string }{
		{"nothing", "main.c:1:1: error: x\n", ""},
		{"no main", "wasm-ld: error: crt1-command.o: undefined symbol: main\n", "no main function"},
		{"exceptions", "main.cpp:2:14: error: cannot use 'throw' with exceptions disabled\n", "exceptions"},
		{"threads", "wasm-ld: error: main.c.o: undefined symbol: pthread_create\n", "threads"},
		{"missing function", "wasm-ld: error: main.c.o: undefined symbol: helper\n", "not defined"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := hint(tt.messages); !strings.Contains(got, tt.want) || (tt.want == "") != (got == "") {
				t.Errorf("got %q, want something about %q", got, tt.want)
			}
		})
	}
}

func TestRequest(t *testing.T) {
	language := func(args []string) string { return args[slices.Index(args, "-x")+1] }
	tests := []struct {
		name  string
		files []string
		plus  bool
		want  []string // languages of what is compiled
	}{
		{"C", []string{"main.c", "lib/a.c", "lib/a.h", "data.txt"}, false, []string{"c", "c"}},
		{"C++", []string{"main.cpp", "a.cc", "b.c", "a.hpp"}, true, []string{"c++", "c++", "c"}},
		{"a main file without an ending", []string{"program"}, false, []string{"c"}},
		{"the folder of the main file", []string{"one/main.c", "two/main.c"}, false, []string{"c"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var files []sandbox.File
			for _, name := range tt.files {
				files = append(files, sandbox.File{Name: name})
			}
			r, problem := newRequest(files, tt.plus)
			if problem != "" {
				t.Fatal(problem)
			}
			var got []string
			for _, s := range r.Steps[:len(r.Steps)-1] {
				got = append(got, language(s.Args))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("compiled as %q, want %q", got, tt.want)
			}
			if last := r.Steps[len(r.Steps)-1]; last.As != "wasm-ld" {
				t.Errorf("the last step is %q", last.As)
			}
			if len(r.Files) != len(files) {
				t.Errorf("%d files, want %d: a program may include any", len(r.Files), len(files))
			}
		})
	}
}

func TestTooManySources(t *testing.T) {
	files := make([]sandbox.File, maxSources+1)
	for i := range files {
		files[i].Name = strings.Repeat("x", i+1) + ".c"
	}
	if _, problem := newRequest(files, false); problem == "" {
		t.Error("no problem")
	}
}

func FuzzDiagnose(f *testing.F) {
	f.Add("src/main.c:3:5: error: use of undeclared identifier 'x'\n    3 | x\n")
	f.Add("wasm-ld: error: src/main.c.o: undefined symbol: foo\n")
	f.Add("In file included from src/main.c:1:\nsrc/lib/list.h:1:1: warning: x\n")
	f.Fuzz(func(t *testing.T, messages string) {
		for _, d := range diagnose(tidy(messages), program) {
			if d.Line < 1 || d.Column < 0 || d.Message == "" || !has(program, d.File) {
				t.Errorf("impossible place %+v", d)
			}
		}
		_ = hint(messages)
	})
}

func TestStartsThreads(t *testing.T) {
	for code, want := range map[string]bool{
		"pthread_create(&t, 0, f, 0);":          true,
		"if (thrd_create(&t, f, 0)) return 1;":  true,
		"std::jthread t([] {});":                true,
		"int my_pthread_create_count;":          false,
		"#include <pthread.h>\nint main() {}\n": false,
	} {
		if got := startsThreads([]sandbox.File{{Name: "main.c", Content: []byte(code)}}); got != want {
			t.Errorf("%q: %t", code, got)
		}
	}
}
