package quickjs_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sandpiper/runtimes/wasm/quickjs"
	"sandpiper/sandbox"
)

var update = flag.Bool("update", false, "write what programs print into testdata/programs")

// TestPrograms runs the programs of testdata/programs. A file there holds a
// program's files, and in sections of those names its standard input (stdin) and
// arguments (args), and what it has to print (stdout, stderr) and its exit code
// (exit), which is 0 if there is no such section.
func TestPrograms(t *testing.T) {
	paths, err := filepath.Glob("testdata/programs/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no programs: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			program := parseProgram(t, string(b))
			got := program.execute(t)
			if *update {
				if err := os.WriteFile(path, got.format(), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			for name, want := range map[string]string{"stdout": program.want["stdout"], "stderr": program.want["stderr"], "exit": program.want["exit"]} {
				if got.want[name] != want {
					t.Errorf("%s:\n%s\nwant:\n%s", name, got.want[name], want)
				}
			}
		})
	}
}

// testProgram is one file of testdata/programs.
type testProgram struct {
	files []sandbox.File
	want  map[string]string // by section
}

var sections = []string{"stdin", "args", "stdout", "stderr", "exit"}

func parseProgram(t *testing.T, text string) testProgram {
	t.Helper()
	p := testProgram{want: map[string]string{}}
	for _, f := range script(t, "", text).files {
		if slices.Contains(sections, f.Name) {
			p.want[f.Name] = string(f.Content)
		} else {
			p.files = append(p.files, f)
		}
	}
	return p
}

// execute runs the program and returns it with what it printed.
func (p testProgram) execute(t *testing.T) testProgram {
	t.Helper()
	r := script(t, "main.js", "")
	r.files = p.files
	r.stdin = sandbox.StaticStdin([]byte(p.want["stdin"]))
	r.args = strings.Fields(p.want["args"])
	r.env = []string{"GREETING=hello"}
	r.start(t.Context(), t, p.driver())
	got := testProgram{files: p.files, want: map[string]string{"stdin": p.want["stdin"], "args": p.want["args"]}}
	got.want["stdout"], got.want["stderr"] = wholeLines(r.stdout.String()), wholeLines(r.stderr.String())
	if r.outcome.ExitCode != 0 {
		got.want["exit"] = fmt.Sprintf("%d\n", r.outcome.ExitCode)
	}
	return got
}

// wholeLines ends a text's last line, as the files do.
func wholeLines(text string) string {
	if text == "" || strings.HasSuffix(text, "\n") {
		return text
	}
	return text + "\n"
}

func (p testProgram) driver() *quickjs.Driver {
	if strings.HasSuffix(p.files[0].Name, "ts") {
		return drivers.ts
	}
	return drivers.js
}

func (p testProgram) format() []byte {
	var b bytes.Buffer
	for _, f := range p.files {
		fmt.Fprintf(&b, "-- %s --\n%s", f.Name, f.Content)
	}
	for _, s := range sections {
		if text := p.want[s]; text != "" {
			fmt.Fprintf(&b, "-- %s --\n%s", s, text)
		}
	}
	return b.Bytes()
}
