package wasm_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"sandpiper/runtimes/wasm"
	"sandpiper/runtimes/wasm/jail"
	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// compiled makes the program of a compiled language: names and contents of its files
// take turns.
func compiled(language string, files ...string) sandbox.Program {
	p := sandbox.Program{Language: language}
	for i := 0; i < len(files); i += 2 {
		p.Files = append(p.Files, sandbox.File{Name: files[i], Content: []byte(files[i+1])})
	}
	return p
}

// TestRefusedPrograms runs programs whose compiler says something, or that end badly:
// where it is, and what may help.
func TestRefusedPrograms(t *testing.T) {
	e := newEngine(t, "go", "c", "cpp")
	const fails = "package main\n\nimport \"testing\"\n\nfunc TestX(t *testing.T) {\n\tt.Error(\"no\")\n}\n"
	const misprints = "package main\n\nimport (\n\t\"fmt\"\n\t\"testing\"\n)\n\nfunc TestX(t *testing.T) {\n\tfmt.Printf(\"%d\", \"x\")\n}\n"
	tests := []struct {
		name, language, file, code string
		line, column               int    // of the first diagnostic; column 0 for any
		want                       string // in its message
		hint                       string // in stderr
	}{
		{"Go that does not compile", "go", "main.go", "package main\n\nfunc main() { x }\n", 3, 15, "undefined: x", "main.go:3:15"},
		{"an import that is not used", "go", "main.go", "package main\n\nimport \"os\"\n\nfunc main() {}\n", 3, 8, `"os" imported and not used`, ""},
		{"a variable that is not used", "go", "main.go", "package main\n\nfunc main() {\n\tx := 1\n}\n", 4, 2, "declared and not used: x", ""},
		{"a syntax error", "go", "main.go", "package main\n\nfunc main() {\n", 4, 1, "syntax error", ""},
		{"a package that is not there", "go", "main.go", "package main\n\nimport \"nosuch\"\n\nfunc main() { nosuch.X() }\n", 3, 8, "not in the standard library", ""},
		{"a function without a body", "go", "main.go", "package main\n\nfunc f()\n\nfunc main() { f() }\n", 3, 6, "missing function body", ""},
		{"Go that panics", "go", "main.go", "package main\n\nfunc main() {\n\tpanic(\"boom\")\n}\n", 4, 0, "boom", ""},
		{"Go that waits for itself", "go", "main.go", "package main\n\nfunc main() {\n\tselect {}\n}\n", 4, 0, "deadlock", ""},
		{"a Go test that fails", "go", "main_test.go", fails, 6, 0, "no", ""},
		{"a Go test that vet finds fault with", "go", "main_test.go", misprints, 9, 14, "wrong type", ""},
		{"C that does not compile", "c", "main.c", "int main(void) {\n    return x;\n}\n", 2, 12, "undeclared identifier", "main.c:2:12"},
		{"a header that is not there", "c", "main.c", "#include <nosuch.h>\nint main(void) {}\n", 1, 10, "file not found", "header"},
		{"a function that is not there", "c", "main.c", "int f(void);\nint main(void) { return f(); }\n", 1, 5, "undefined symbol: f", "declared but not defined"},
		{"no main function", "c", "main.c", "int f(void) { return 1; }\n", 0, 0, "", "no main function"},
		{"threads in C", "c", "main.c", "#include <pthread.h>\nstatic void *f(void *p) { return p; }\nint main(void) { pthread_t t; return pthread_create(&t, 0, f, 0); }\n", 0, 0, "", "threads"},
		{"C++ with exceptions", "cpp", "main.cpp", "int main() {\n    throw 1;\n}\n", 2, 5, "exceptions disabled", "exceptions"},
		{"C++ with threads", "cpp", "main.cpp", "#include <thread>\nint main() {\n    std::thread t([] {});\n    t.join();\n}\n", 0, 0, "", "threads"},
		{"a template that does not fit", "cpp", "main.cpp", "#include <vector>\nint main() {\n    std::vector<int> v = \"x\";\n}\n", 3, 22, "no viable conversion", ""},
	}
	for _, id := range []string{"go", "c", "cpp"} {
		t.Run(id, func(t *testing.T) {
			needInstalled(t, e, id)
			for _, tt := range tests {
				if tt.language != id {
					continue
				}
				t.Run(tt.name, func(t *testing.T) {
					s := &transcript{}
					o, err := e.Run(context.Background(), compiled(id, tt.file, tt.code), s)
					if err != nil {
						t.Fatal(err)
					}
					stderr := s.stderr.String()
					if o.Status != sandbox.StatusError || !strings.Contains(stderr, tt.hint) {
						t.Fatalf("status %s (%s), want an error with %q in stderr\n%s", o.Status, o.Message, tt.hint, stderr)
					}
					if tt.line == 0 {
						return
					}
					if len(o.Diagnostics) == 0 {
						t.Fatalf("no diagnostics\n%s", stderr)
					}
					if d := o.Diagnostics[0]; d.File != tt.file || d.Line != tt.line || tt.column > 0 && d.Column != tt.column || !strings.Contains(d.Message, tt.want) {
						t.Errorf("diagnostic %+v, want %s:%d:%d: %s\n%s", d, tt.file, tt.line, tt.column, tt.want, stderr)
					}
				})
			}
		})
	}
}

// TestCompiledPrograms runs programs that use what a language has.
func TestCompiledPrograms(t *testing.T) {
	e := newEngine(t, "go", "c", "cpp")
	tests := []struct {
		name, want string // in standard output
		program    sandbox.Program
	}{
		{"goroutines and generics", "[1 4 9]", compiled("go", "main.go", `package main

import (
	"fmt"
	"slices"
	"sync"
)

func each[T, U any](in []T, f func(T) U) []U {
	out := make([]U, len(in))
	var wg sync.WaitGroup
	for i, v := range in {
		wg.Go(func() { out[i] = f(v) })
	}
	wg.Wait()
	return out
}

func main() {
	squares := each([]int{3, 1, 2}, func(n int) int { return n * n })
	slices.Sort(squares)
	fmt.Println(squares)
}
`)},
		{"packages below a go.mod", "lib two", compiled("go", "cmd/app/main.go", "package main\n\nimport (\n\t\"fmt\"\n\n\t\"example.org/m/lib\"\n)\n\nfunc main() { fmt.Println(lib.Name(), other()) }\n",
			"cmd/app/other.go", "package main\n\nfunc other() string { return \"two\" }\n", "go.mod", "module example.org/m\n\ngo 1.24\n",
			"lib/lib.go", "package lib\n\nfunc Name() string { return \"lib\" }\n")},
		{"embedded files", "hello 2", compiled("go", "main.go", `package main

import (
	"embed"
	"fmt"
)

//go:embed greeting.txt
var greeting string

//go:embed data
var data embed.FS

func main() {
	entries, err := data.ReadDir("data")
	fmt.Println(greeting, len(entries), err)
}
`, "greeting.txt", "hello", "data/a", "1", "data/b", "2")},
		{"tests, examples and a main function of tests", "--- PASS: ExampleSum", compiled("go", "sum.go", "package sum\n\nfunc Sum(a, b int) int { return a + b }\n", "sum_test.go", `package sum

import (
	"fmt"
	"os"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(m.Run()) }

func TestSum(t *testing.T) {
	t.Run("small", func(t *testing.T) {
		if Sum(1, 2) != 3 {
			t.Error("no")
		}
	})
}

func ExampleSum() {
	fmt.Println(Sum(2, 3))
	// Output: 5
}
`)},
		{"a benchmark", "ns/op", withArgs(compiled("go", "x_test.go", "package x\n\nimport \"testing\"\n\nfunc BenchmarkX(b *testing.B) {\n\tfor b.Loop() {\n\t}\n}\n"), "-bench", ".", "-benchtime", "10x")},
		{"C of several files", "12 2.0", compiled("c", "main.c", "#include <math.h>\n#include <stdio.h>\n#include \"lib/twice.h\"\nint main(void) { printf(\"%d %.1f\\n\", twice(6), sqrt(4)); }\n",
			"lib/twice.h", "int twice(int);\n", "lib/twice.c", "#include \"twice.h\"\nint twice(int n) { return 2 * n; }\n")},
		{"C's input, arguments and memory", "3 words, 1 argument", withInput(withArgs(compiled("c", "main.c", `#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv) {
    char *word = malloc(100);
    int n = 0;
    while (scanf("%99s", word) == 1) n++;
    free(word);
    printf("%d words, %d argument\n", n, argc - 1);
}
`), "x"), "a b c\n")},
		{"C++'s library", "[ada:2] [bob:1] 6", compiled("cpp", "main.cpp", `#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <ranges>
#include <sstream>
#include <string>
#include <vector>
int main() {
    std::map<std::string, int> seen;
    std::istringstream in("ada bob ada");
    for (std::string w; in >> w;) seen[w]++;
    for (auto const &[name, n] : seen) std::cout << '[' << name << ':' << n << "] ";
    auto v = std::make_unique<std::vector<int>>(std::vector{3, 1, 2});
    std::ranges::sort(*v);
    std::cout << std::accumulate(v->begin(), v->end(), 0) << std::endl;
}
`)},
	}
	for _, id := range []string{"go", "c", "cpp"} {
		t.Run(id, func(t *testing.T) {
			needInstalled(t, e, id)
			for _, tt := range tests {
				if tt.program.Language != id {
					continue
				}
				t.Run(tt.name, func(t *testing.T) {
					_, s := runProgram(t, e, tt.program)
					if !strings.Contains(s.stdout.String(), tt.want) {
						t.Errorf("it printed %q, want %q in it\n%s", s.stdout.String(), tt.want, s.stderr.String())
					}
				})
			}
		})
	}
}

func withArgs(p sandbox.Program, args ...string) sandbox.Program {
	p.Args = args
	return p
}

func withInput(p sandbox.Program, text string) sandbox.Program {
	p.Stdin = sandbox.StaticStdin([]byte(text))
	return p
}

// TestCompileBombs holds that what would take a compiler for ever, or more memory
// than there is, ends with a status that says so, and that the next program works.
func TestCompileBombs(t *testing.T) {
	e := newEngine(t, "go", "c", "cpp")
	doubled := "#define A0 x,\n"
	for i := 1; i < 32; i++ {
		doubled += fmt.Sprintf("#define A%d A%d A%d\n", i, i-1, i-1)
	}
	tests := []struct {
		name    string
		program sandbox.Program
		want    string // in what the user reads
	}{
		{"Go data", compiled("go", "main.go", "package main\n\nvar x = [1 << 34]byte{1}\n\nfunc main() { println(x[0]) }\n"), "too large"},
		{"a Go constant", compiled("go", "main.go", "package main\n\nconst a = 1 << 500\nconst b = a * a * a * a * a\n\nfunc main() { println(b) }\n"), "overflow"},
		{"a Go type in itself", compiled("go", "main.go", "package main\n\ntype T[P any] struct{ f *T[T[P]] }\n\nfunc main() { var t T[int]; println(t.f) }\n"), "instantiation cycle"},
		{"an include of the device", compiled("c", "main.c", "#include \"/dev/stdin\"\nint main(void) {}\n"), "file not found"},
		{"an include of the host", compiled("c", "main.c", "#include \"/etc/passwd\"\nint main(void) {}\n"), "file not found"},
		{"an include of the folders around", compiled("c", "main.c", "#include \"../../../programs/x/report.json\"\nint main(void) {}\n"), "fatal error"},
		{"a file that includes itself", compiled("c", "main.c", "#include \"main.c\"\nint main(void) {}\n"), "nested too deeply"},
		{"macros that double", compiled("c", "main.c", doubled+"int x[] = { A31 0 };\nint main(void) {}\n"), "memory"},
		{"C data", compiled("c", "main.c", "char x[3u << 30] = {1};\nint main(void) { return x[5]; }\n"), ""},
		{"templates without end", compiled("cpp", "main.cpp", "template <int N> struct T { static const int v = T<N + 1>::v; };\nint main() { return T<0>::v; }\n"), "recursive template"},
		{"a constant that takes for ever", compiled("cpp", "main.cpp", "constexpr int f() { int n = 0; while (true) n++; return n; }\nconstexpr int x = f();\nint main() {}\n"), "constexpr"},
	}
	for _, id := range []string{"go", "c", "cpp"} {
		t.Run(id, func(t *testing.T) {
			needInstalled(t, e, id)
			for _, tt := range tests {
				if tt.program.Language != id {
					continue
				}
				t.Run(tt.name, func(t *testing.T) {
					s := &transcript{}
					began := time.Now()
					o, err := e.Run(context.Background(), tt.program, s)
					if err != nil {
						t.Fatal(err)
					}
					if o.Status != sandbox.StatusError || !strings.Contains(s.stderr.String()+o.Message, tt.want) {
						t.Errorf("%s (%s) after %v, want an error about %q\n%.2000s", o.Status, o.Message, time.Since(began), tt.want, s.stderr.String())
					}
					needInstalled(t, e, id) // runs its hello
				})
			}
		})
	}
}

// sandboxCommand runs a command in a sandbox's files, as a shell does.
func sandboxCommand(t *testing.T, e *wasm.Engine, files *jail.FS, dir, line string) (code int, stdout, stderr string) {
	t.Helper()
	var mu sync.Mutex
	var out [3]strings.Builder
	cfg := vm.RunConfig{
		Limits: sandbox.Limits{Wall: 5 * time.Minute, CPU: 5 * time.Minute, MemoryBytes: 512 << 20, OutputBytes: 1 << 20, OpenFiles: 64},
		Env:    []string{"HOME=/desk", "PWD=" + dir},
		Mounts: []vm.Mount{{Path: "/", FS: files}},
		Output: func(s sandbox.Stream, p []byte) {
			mu.Lock()
			defer mu.Unlock()
			out[s].Write(p)
		},
	}
	words := strings.Fields(line)
	name := words[0]
	if strings.Contains(name, "/") { // as a shell finds out by the file
		name = "wasm"
		words = append([]string{name}, words...)
	}
	o, err := e.Exec(t.Context(), name, cfg, vm.Invocation{Dir: dir, Args: words[1:]})
	if err != nil {
		t.Fatal(err)
	}
	return o.ExitCode, out[sandbox.Stdout].String(), out[sandbox.Stderr].String()
}

// desk makes a sandbox's files.
func desk(t *testing.T, contents map[string]string) *jail.FS {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range contents {
		if i := strings.LastIndexByte(name, '/'); i > 0 {
			if err := root.MkdirAll(name[:i], 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := root.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	files := jail.NewHome(root, jail.Limits{Bytes: 64 << 20, Files: 1000, OpenFiles: 64}, jail.Usage{})
	t.Cleanup(func() {
		_ = files.Close()
		_ = root.Close()
	})
	return files
}

// TestGoCommand runs the command go, one call after the other.
func TestGoCommand(t *testing.T) {
	e := newEngine(t, "go")
	needInstalled(t, e, "go")
	files := desk(t, map[string]string{
		"desk/hello.go":           "package main\n\nimport (\n\t\"fmt\"\n\t\"os\"\n)\n\nfunc main() {\n\tdir, err := os.Getwd()\n\tb, _ := os.ReadFile(\"data.txt\")\n\tfmt.Println(dir, err, os.Args[1:], string(b))\n\tos.Exit(len(os.Args) - 1)\n}\n",
		"desk/data.txt":           "data",
		"desk/ugly/ugly.go":       "package main\nimport \"fmt\"\nfunc main() {fmt.Printf(\"%d\\n\", \"x\")}\n",
		"desk/bad/bad.go":         "package main\n\nfunc main() { x }\n",
		"desk/m/go.mod":           "module example.org/m\n\ngo 1.24\n",
		"desk/m/lib/lib.go":       "package lib\n\nfunc Twice(n int) int { return 2 * n }\n",
		"desk/m/lib/lib_test.go":  "package lib\n\nimport \"testing\"\n\nfunc TestTwice(t *testing.T) {\n\tif Twice(2) != 4 {\n\t\tt.Error(\"no\")\n\t}\n}\n\nfunc BenchmarkTwice(b *testing.B) {\n\tfor b.Loop() {\n\t\tTwice(1)\n\t}\n}\n",
		"desk/m/cmd/app/main.go":  "package main\n\nimport (\n\t_ \"embed\"\n\t\"fmt\"\n\n\t\"example.org/m/lib\"\n)\n\n//go:embed note.txt\nvar note string\n\nfunc main() { fmt.Println(lib.Twice(21), note) }\n",
		"desk/m/cmd/app/note.txt": "noted",
		"desk/m/broken/b_test.go": "package broken\n\nimport \"testing\"\n\nfunc TestB(t *testing.T) {\n\tt.Fatal(\"as it should\")\n}\n",
	})
	tests := []struct {
		dir, line      string
		code           int
		stdout, stderr string // parts
	}{
		{"/desk", "go run hello.go a b", 1, "/desk <nil> [a b] data\n", "exit status 2"},
		{"/desk", "go build hello.go", 0, "", ""},
		{"/desk", "./hello x", 1, "/desk <nil> [x] data\n", ""},
		{"/desk/m", "../hello", 0, "/desk/m <nil> [] \n", ""},
		{"/desk/m", "go run ./cmd/app", 0, "42 noted\n", ""},
		{"/desk/m/cmd/app", "go run .", 0, "42 noted\n", ""},
		{"/desk", "go run example.org/m/cmd/app", 1, "", "is not in std"},
		{"/desk/m", "go build -o /desk/bin ./cmd/app", 0, "", ""},
		{"/desk", "./bin", 0, "42 noted\n", ""},
		{"/desk/m", "go build ./...", 0, "", ""},
		{"/desk/m", "go test ./lib", 0, "ok  \texample.org/m/lib\t", ""},
		{"/desk/m/lib", "go test -v -run Twice", 0, "--- PASS: TestTwice", ""},
		{"/desk/m/lib", "go test -bench . -benchtime 5x", 0, "BenchmarkTwice", ""},
		{"/desk/m", "go test ./...", 1, "--- FAIL: TestB", ""},
		{"/desk/m", "go test ./cmd/app", 0, "?   \texample.org/m/cmd/app\t[no test files]\n", ""},
		{"/desk/m", "go vet ./lib", 0, "", ""},
		{"/desk", "go vet ./ugly", 1, "", "wrong type"},
		{"/desk/bad", "go run .", 1, "", "./bad.go:3:15: undefined: x"},
		{"/desk", "go vet ./bad", 1, "", "bad/bad.go:3:15: undefined: x"},
		{"/desk", "gofmt -l ugly", 0, "ugly/ugly.go\n", ""},
		{"/desk", "gofmt -d ugly/ugly.go", 1, "+func main() { fmt.Printf", ""},
		{"/desk", "go fmt ./ugly", 0, "ugly/ugly.go\n", ""},
		{"/desk", "gofmt -l ugly", 0, "", ""},
		{"/desk/ugly", "go mod init example.org/ugly", 0, "", "creating new go.mod"},
		{"/desk/ugly", "go mod init again", 1, "", "already exists"},
		{"/desk/ugly", "go env GOOS GOMOD", 0, "wasip1\n/desk/ugly/go.mod\n", ""},
		{"/desk", "go version", 0, "go version go1.", ""},
		{"/desk", "go get example.org/x", 1, "", "container sandbox"},
		{"/desk", "go frob", 2, "", "unknown command"},
		{"/desk", "go run nowhere.go", 1, "", "nowhere.go: no such file"},
		{"/desk", "go", 2, "", "go run"},
		{"/desk", "wasm data.txt", 126, "", "not a WebAssembly program"},
	}
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.dir+": "+tt.line, "/", "|"), func(t *testing.T) {
			code, stdout, stderr := sandboxCommand(t, e, files, tt.dir, tt.line)
			if code != tt.code || !strings.Contains(stdout, tt.stdout) || !strings.Contains(stderr, tt.stderr) {
				t.Errorf("exit code %d, want %d\nstdout %q, want %q in it\nstderr %q, want %q in it", code, tt.code, stdout, tt.stdout, stderr, tt.stderr)
			}
		})
	}
}

// TestCompilerCommands runs cc and c++, one call after the other.
func TestCompilerCommands(t *testing.T) {
	e := newEngine(t, "c", "cpp")
	needInstalled(t, e, "c")
	files := desk(t, map[string]string{
		"desk/main.c":      "#include <stdio.h>\n#include \"inc/part.h\"\nint main(int argc, char **argv) {\n    FILE *f = fopen(\"data.txt\", \"r\");\n    char b[9] = \"none\";\n    if (f) fgets(b, 9, f);\n    printf(\"%d %s %s\\n\", part(N), b, argc > 1 ? argv[1] : \"-\");\n    return argc;\n}\n",
		"desk/inc/part.h":  "int part(int);\n",
		"desk/part.c":      "#include <part.h>\nint part(int n) { return n + 1; }\n",
		"desk/data.txt":    "data",
		"desk/sub/x":       "",
		"desk/bad.c":       "#include \"inc/part.h\"\nint main(void) {\n    return y;\n}\n",
		"desk/warn.c":      "int main(void) { int unused; return 0; }\n",
		"desk/main.cpp":    "#include <iostream>\nint main() { std::cout << \"C++\" << std::endl; }\n",
		"desk/throw.cpp":   "int main() { throw 1; }\n",
		"desk/missing.c":   "#include \"nosuch.h\"\n",
		"desk/undefined.c": "int f(void);\nint main(void) { return f(); }\n",
	})
	tests := []struct {
		dir, line      string
		code           int
		stdout, stderr string // parts
	}{
		{"/desk", "cc -DN=41 -Iinc -o prog main.c part.c", 0, "", ""},
		{"/desk", "./prog", 1, "42 data -\n", ""},
		{"/desk/sub", "../prog x", 2, "42 none x\n", ""},
		{"/desk", "gcc -c -Iinc part.c", 0, "", ""},
		{"/desk/sub", "clang -O2 -std=c11 -DN=1 ../main.c ../part.o", 0, "", ""},
		{"/desk/sub", "./a.out", 1, "2 none -\n", ""},
		{"/desk", "cc -E -DN=7 main.c", 0, "part(7)", ""},
		{"/desk", "cc -S -o - part.c -Iinc", 0, "part:", ""},
		{"/desk", "cc bad.c", 1, "", "bad.c:3:12: error: use of undeclared identifier 'y'"},
		{"/desk/sub", "cc ../bad.c", 1, "", "/desk/bad.c:3:12: error"},
		{"/desk", "cc warn.c", 0, "", "warn.c:1:22: warning: unused variable"},
		{"/desk", "cc missing.c", 1, "", "'nosuch.h' file not found"},
		{"/desk", "cc undefined.c", 1, "", "undefined symbol: f"},
		{"/desk", "cc -lz warn.c", 1, "", "-lz"},
		{"/desk", "cc nowhere.c", 1, "", "nowhere.c: no such file"},
		{"/desk", "c++ -o cxx main.cpp", 0, "", ""},
		{"/desk", "./cxx", 0, "C++\n", ""},
		{"/desk", "g++ throw.cpp", 1, "", "exceptions"},
		{"/desk", "cc --version", 0, "clang", ""},
	}
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.dir+": "+tt.line, "/", "|"), func(t *testing.T) {
			code, stdout, stderr := sandboxCommand(t, e, files, tt.dir, tt.line)
			if code != tt.code || !strings.Contains(stdout, tt.stdout) || !strings.Contains(stderr, tt.stderr) {
				t.Errorf("exit code %d, want %d\nstdout %q, want %q in it\nstderr %q, want %q in it", code, tt.code, stdout, tt.stdout, stderr, tt.stderr)
			}
		})
	}
}
