package golang

import (
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sandpiper/sandbox"
)

// source makes the files of a program: names and contents take turns.
func source(pairs ...string) []sandbox.File {
	var files []sandbox.File
	for i := 0; i < len(pairs); i += 2 {
		files = append(files, sandbox.File{Name: pairs[i], Content: []byte(pairs[i+1])})
	}
	return files
}

const (
	hello   = "package main\n\nfunc main() {}\n"
	library = "package a\n\nfunc A() {}\n"
)

func TestPlan(t *testing.T) {
	tests := []struct {
		name     string
		files    []sandbox.File
		packages []string // in the order in which they are compiled
		tests    bool
	}{
		{"one file", source("main.go", hello), []string{"main"}, false},
		{"several files", source("main.go", hello, "b.go", "package main\n"), []string{"main"}, false},
		{"another platform's file", source("main.go", hello, "b_windows.go", "package other\n"), []string{"main"}, false},
		{"a file that is left out", source("main.go", hello, "b.go", "//go:build ignore\n\npackage other\n"), []string{"main"}, false},
		{"a package below", source("main.go", "package main\n\nimport \"x.org/m/a\"\n\nfunc main() { a.A() }\n", "go.mod", "module x.org/m\n", "a/a.go", library),
			[]string{"x.org/m/a", "main"}, false},
		{"a chain of packages", source("main.go", "package main\n\nimport \"program/a\"\n\nfunc main() { a.A() }\n",
			"a/a.go", "package a\n\nimport \"program/b\"\n", "b/b.go", "package b\n"), []string{"program/b", "program/a", "main"}, false},
		{"tests", source("main.go", hello, "main_test.go", "package main\n\nimport \"testing\"\n\nfunc TestX(t *testing.T) {}\n"), []string{"program", "main"}, true},
		{"tests beside the package", source("main.go", hello, "main_test.go", "package main_test\n\nimport \"testing\"\n\nfunc TestX(t *testing.T) {}\n"),
			[]string{"program", "program_test", "main"}, true},
		{"a test without a main function", source("main.go", "package x\n\nimport \"testing\"\n\nfunc TestX(t *testing.T) {}\n"), []string{"program", "main"}, true},
		{"a function that only looks like a test", source("main.go", hello+"func TestX() {}\nfunc Testing(t *testing.T) {}\n"), []string{"main"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, problems := newPlan(tt.files)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			var got []string
			for _, s := range p.request.Steps[:len(p.request.Steps)-1] {
				if s.Tool != "compile" {
					continue
				}
				got = append(got, s.Args[slices.Index(s.Args, "-p")+1])
			}
			if !slices.Equal(got, tt.packages) {
				t.Errorf("compiles %q, want %q", got, tt.packages)
			}
			if p.tests != tt.tests {
				t.Errorf("tests: %t", p.tests)
			}
			if last := p.request.Steps[len(p.request.Steps)-1]; last.Tool != "link" {
				t.Errorf("the last step is %s", last.Tool)
			}
		})
	}
}

func TestPlanIsTheSameEveryTime(t *testing.T) {
	files := source("main_test.go", "package x\n\nimport \"testing\"\n\nfunc TestA(t *testing.T) {}\nfunc BenchmarkB(b *testing.B) {}\nfunc FuzzC(f *testing.F) {}\n",
		"x_test.go", "package x_test\n\nfunc ExampleD() {\n\t// Output:\n}\n")
	first, _ := newPlan(files)
	for range 20 {
		if again, _ := newPlan(files); !reflect.DeepEqual(first, again) {
			t.Fatal("the plan differs, so the program would be built again")
		}
	}
}

func TestUnfitPrograms(t *testing.T) {
	tests := []struct {
		name  string
		files []sandbox.File
		line  int
		want  string
	}{
		{"a module from elsewhere", source("main.go", "package main\n\nimport \"github.com/x/y\"\n\nfunc main() {}\n"), 3, "container sandbox"},
		{"cgo", source("main.go", "package main\n\nimport \"C\"\n\nfunc main() {}\n"), 3, "cgo"},
		{"a package that is not there", source("main.go", "package main\n\nimport \"program/a\"\n\nfunc main() {}\n"), 3, "not among"},
		{"packages in a circle", source("main.go", "package main\n\nimport \"program/a\"\n\nfunc main() {}\n",
			"a/a.go", "package a\n\nimport \"program/b\"\n", "b/b.go", "package b\n\nimport \"program/a\"\n"), 1, "cycle"},
		{"no main function", source("main.go", "package main\n"), 1, "undeclared"},
		{"no main package", source("main.go", library), 1, "not a main package"},
		{"no file for this platform", source("main_windows.go", hello), 1, "platform"},
		{"no tests in a test file", source("main_test.go", "package main\n"), 1, "no tests"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, problems := newPlan(tt.files)
			if len(problems) != 1 || problems[0].Line != tt.line || !strings.Contains(problems[0].Message, tt.want) {
				t.Errorf("got %+v, want one in line %d about %q", problems, tt.line, tt.want)
			}
		})
	}
}

func TestTestMain(t *testing.T) {
	tests := []struct {
		name, source string
		want         []string
	}{
		{"all kinds", "package x\n\nfunc TestA(t *testing.T) {}\nfunc BenchmarkB(b *testing.B) {}\nfunc FuzzC(f *testing.F) {}\n",
			[]string{`{"TestA", _test.TestA}`, `{"BenchmarkB", _test.BenchmarkB}`, `{"FuzzC", _test.FuzzC}`, "os.Exit(m.Run())"}},
		{"an example with output", "package x\n\nfunc ExampleA() {\n\t// Output: 1\n}\nfunc TestB(t *testing.T) {}\n", []string{`{"ExampleA", _test.ExampleA, "1\n", false}`}},
		{"a main function of its own", "package x\n\nfunc TestMain(m *testing.M) { m.Run() }\nfunc TestA(t *testing.T) {}\n", []string{"_test.TestMain(m)\n\tos.Exit(status(m))"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newProgram(source("x_test.go", tt.source), ".")
			p.units(toTest)
			if _, err := parser.ParseFile(token.NewFileSet(), "", p.testMain, 0); err != nil {
				t.Errorf("%v\n%s", err, p.testMain)
			}
			for _, want := range tt.want {
				if !strings.Contains(p.testMain, want) {
					t.Errorf("%q is not in\n%s", want, p.testMain)
				}
			}
		})
	}
}

func TestTestArguments(t *testing.T) {
	tests := []struct{ name, given, want string }{
		{"none", "", ""},
		{"of go test", "-run TestX --count=2 -v=false", "-test.run TestX -test.count=2 -test.v=false"},
		{"of the program", "-test.short -args -x y", "-test.short -x y"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := append([]string{"-test.v=true", "-test.paniconexit0"}, strings.Fields(tt.want)...)
			if got := testArguments(strings.Fields(tt.given)); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func at(file string, line, column int, message string) sandbox.Diagnostic {
	return sandbox.Diagnostic{File: file, Line: line, Column: column, Severity: sandbox.SeverityError, Message: message}
}

func TestDiagnostics(t *testing.T) {
	files := source("main.go", hello, "a/a.go", library, "main_test.go", "package main\n")
	tests := []struct {
		name     string
		diagnose func(string, []sandbox.File) []sandbox.Diagnostic
		text     string
		want     []sandbox.Diagnostic
	}{
		{"compiler", diagnose, "main.go:7:2: declared and not used: x\na/a.go:1:1: other\n", []sandbox.Diagnostic{at("main.go", 7, 2, "declared and not used: x"), at("a/a.go", 1, 1, "other")}},
		{"compiler, more lines", diagnose, "main.go:7:2: cannot use x\n\thave (int)\n\twant (string)\n", []sandbox.Diagnostic{at("main.go", 7, 2, "cannot use x\nhave (int)\nwant (string)")}},
		{"compiler, its own folder", diagnose, "/src/main.go:7:2: x\n", []sandbox.Diagnostic{at("main.go", 7, 2, "x")}},
		{"compiler, no file of the program", diagnose, "other.go:7:2: x\n\tmore\n", nil},
		{"compiler, impossible line", diagnose, "main.go:0:2: x\n", nil},
		{"compiler, missing package", diagnose, "main.go:3:8: could not import net/rpc (open : No such file or directory)\n",
			[]sandbox.Diagnostic{at("main.go", 3, 8, "package net/rpc is not in the standard library that is installed here; other packages need a container sandbox")}},
		{"panic", diagnosePanic, "panic: boom\n\ngoroutine 1 [running]:\nruntime.x()\n\truntime/panic.go:1 +0x1\nmain.main()\n\tmain.go:7 +0x3\n", []sandbox.Diagnostic{at("main.go", 7, 0, "boom")}},
		{"panic without a place", diagnosePanic, "panic: boom\n", nil},
		{"deadlock", diagnosePanic, "fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [chan receive]:\nmain.main()\n\tmain.go:5\n",
			[]sandbox.Diagnostic{at("main.go", 5, 0, "all goroutines are asleep - deadlock!")}},
		{"failed test", diagnoseTests, "=== RUN   TestA\n    main_test.go:9: got 1\n--- FAIL: TestA (0.00s)\n", []sandbox.Diagnostic{at("main_test.go", 9, 0, "got 1")}},
		{"test that logs and passes", diagnoseTests, "=== RUN   TestA\n    main_test.go:9: fine\n--- PASS: TestA (0.00s)\n=== RUN   TestB\n--- FAIL: TestB (0.00s)\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.diagnose(tt.text, files); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func FuzzDiagnose(f *testing.F) {
	files := source("main.go", hello, "a/a.go", library)
	f.Add("/src/main.go:7:2: declared and not used: x\n\tmore\n")
	f.Add("panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\tmain.go:7 +0x3\n")
	f.Add("=== RUN   TestA\n    main.go:9: got 1\n--- FAIL: TestA (0.00s)\n")
	f.Fuzz(func(t *testing.T, text string) {
		found := slices.Concat(diagnose(tidy(text), files), diagnosePanic(text, files), diagnoseTests(text, files))
		for _, d := range found {
			if d.Line < 1 || d.Column < 0 || !has(files, d.File) {
				t.Errorf("impossible place %+v", d)
			}
		}
	})
}

// FuzzPlan reads programs that are none.
func FuzzPlan(f *testing.F) {
	f.Add("main.go", hello, "module x\n", library)
	f.Add("d/main_test.go", "package x\n\nimport (\n\t\"C\"\n\t\"program/a\"\n)\n\nfunc TestX(t *testing.T) {}\n", "module \"a b\"\ngo 1.22\n", "package a\nimport \"program/a\"")
	f.Add("main.go", "//go:build \n\npackage main_test\nfunc TestMain(*testing.M)", "", "")
	f.Fuzz(func(t *testing.T, name, main, module, other string) {
		p, problems := newPlan(source(name, main, "go.mod", module, "a/a.go", other, "main_test.go", other))
		if len(problems) == 0 && len(p.request.Steps) < 2 {
			t.Error("neither a problem nor a plan")
		}
		for _, d := range problems {
			if d.Line < 1 || d.Message == "" {
				t.Errorf("impossible place %+v", d)
			}
		}
	})
}
