package wasm_test

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"sandpiper/runtimes/catalog"
	"sandpiper/runtimes/wasm"
	"sandpiper/sandbox"
)

// transcript is a Sink that keeps everything.
type transcript struct {
	stdout, stderr strings.Builder
	displays       []sandbox.Display
}

func (s *transcript) Output(stream sandbox.Stream, p []byte) {
	if stream == sandbox.Stderr {
		s.stderr.Write(p)
	} else {
		s.stdout.Write(p)
	}
}

func (s *transcript) Display(d sandbox.Display) { s.displays = append(s.displays, d) }

func TestExamples(t *testing.T) {
	e := newEngine(t)
	for _, l := range catalog.Languages() {
		t.Run(l.ID, func(t *testing.T) {
			needInstalled(t, e, l.ID)
			pictures, inputs := 0, 0
			for _, ex := range l.Examples {
				t.Run(ex.ID, func(t *testing.T) {
					o, s := runProgram(t, e, sandbox.Program{
						Language: l.ID, Files: ex.Files, Args: ex.Args, Stdin: sandbox.StaticStdin([]byte(ex.Stdin)),
					})
					if s.stderr.Len() > 0 {
						t.Errorf("stderr: %s", s.stderr.String())
					}
					if s.stdout.Len()+len(s.displays)+len(o.Files) == 0 {
						t.Error("nothing came of it")
					}
					pictures += len(s.displays) + len(o.Files)
				})
				inputs += len(ex.Stdin)
			}
			if pictures == 0 || inputs == 0 {
				t.Errorf("%d displays and files, %d bytes of input: every language shows both", pictures, inputs)
			}
		})
	}
}

func TestHellos(t *testing.T) {
	e := newEngine(t)
	for _, l := range catalog.Languages() {
		t.Run(l.ID, func(t *testing.T) {
			needInstalled(t, e, l.ID)
			_, s := runProgram(t, e, sandbox.Program{Language: l.ID, Files: []sandbox.File{{Name: l.Main, Content: []byte(l.Hello)}}})
			if !strings.Contains(s.stdout.String(), "Hello, world!") {
				t.Errorf("it printed %q", s.stdout.String())
			}
		})
	}
}

// TestVersions asks each runtime for its version.
func TestVersions(t *testing.T) {
	questions := map[string]string{
		"python":     "import platform\nprint(platform.python_version())\n",
		"ruby":       "puts RUBY_VERSION\n",
		"lua":        "print(_VERSION)\n",
		"sql":        "select sqlite_version();\n",
		"javascript": "console.log(process.versions.quickjs);\n",
		"typescript": "console.log(process.versions.quickjs);\n",
		"go":         "package main\n\nimport (\n\t\"fmt\"\n\t\"runtime\"\n)\n\nfunc main() { fmt.Println(runtime.Version()) }\n",
		"c":          "#include <stdio.h>\n\nint main(void) { puts(__clang_version__); }\n",
		"cpp":        "#include <cstdio>\n\nint main() { std::puts(__clang_version__); }\n",
	}
	version := regexp.MustCompile(`\d+(\.\d+)+`)
	e := newEngine(t)
	for _, l := range catalog.Languages() {
		t.Run(l.ID, func(t *testing.T) {
			needInstalled(t, e, l.ID)
			question, ok := questions[l.ID]
			if !ok {
				t.Fatal("no question for this language")
			}
			_, s := runProgram(t, e, sandbox.Program{Language: l.ID, Files: []sandbox.File{{Name: l.Main, Content: []byte(question)}}})
			if got := version.FindString(s.stdout.String()); got != l.Version {
				t.Errorf("the runtime is version %q, the catalogue says %q", got, l.Version)
			}
		})
	}
}

// runProgram runs p and fails the test unless it ends well.
func runProgram(t *testing.T, e *wasm.Engine, p sandbox.Program) (sandbox.Outcome, *transcript) {
	t.Helper()
	s := &transcript{}
	o, err := e.Run(context.Background(), p, s)
	if err != nil {
		t.Fatal(err)
	}
	if o.Status != sandbox.StatusOK {
		t.Fatalf("%s, exit code %d: %s\n%s", o.Status, o.ExitCode, o.Message, s.stderr.String())
	}
	return o, s
}
