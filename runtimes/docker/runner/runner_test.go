package runner_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/client"

	"sandpiper/runtimes/docker"
	"sandpiper/runtimes/docker/runner"
	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
)

const image = "sandpiper/sandbox:1"

var (
	agentFile string
	missing   string // why these tests cannot run; "" when they can
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sandpiper-runner-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if missing = prepare(dir); missing != "" && os.Getenv("CI") == "true" {
		fmt.Fprintln(os.Stderr, "under CI the tests need Docker and the default image: "+missing)
		return 1
	}
	return m.Run()
}

// prepare builds the agent and looks for the engine and the image.
func prepare(dir string) string {
	agentFile = filepath.Join(dir, "toolboxd")
	build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", agentFile, "../../../sandbox/toolbox/toolboxd")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Sprintf("the agent does not build: %v\n%s", err, out)
	}
	api, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		return err.Error()
	}
	defer api.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := api.ImageInspect(ctx, image); err != nil {
		return err.Error()
	}
	return ""
}

func newRunner(t testing.TB, change ...func(*runner.Config)) *runner.Runner {
	t.Helper()
	if missing != "" {
		t.Skip("no Docker engine with the default image: " + strings.TrimSpace(missing))
	}
	e, err := docker.New(docker.Config{DataDir: filepath.Join(t.TempDir(), "docker"), Agent: agentFile})
	if err != nil {
		t.Fatal(err)
	}
	cfg := runner.Config{Engine: e, Image: image}
	for _, c := range change {
		c(&cfg)
	}
	r, err := runner.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if err := r.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if all, err := e.List(ctx); err != nil || len(all) > 0 {
			t.Errorf("the runner left %+v, %v", all, err)
		}
		if err := e.Purge(ctx); err != nil {
			t.Errorf("clear up: %v", err)
		}
		e.Close()
	})
	return r
}

func TestConformance(t *testing.T) {
	t.Parallel()
	sandboxtest.TestCodeRunner(t, func(t *testing.T) sandbox.CodeRunner { return newRunner(t) },
		sandboxtest.Programs{
			Language: "python",
			Hello:    "print('hello')",
			Echo:     "import sys\nfor line in sys.stdin: print(line, end='', flush=True)",
			Stderr:   "import sys\nprint('out')\nprint('err', file=sys.stderr)",
			Exit3:    "print('partial')\nraise SystemExit(3)",
			Loop:     "print('begun')\nwhile True: pass",
			Sleep:    "import time\nprint('begun')\ntime.sleep(100)",
			Flood:    "while True: print('x' * 1000)",
			OutFile:  "import os\nos.mkdir('out')\nopen('out/answer.txt', 'w').write('42')",
			Given:    "import os, sys\nprint(*sys.argv[1:], os.environ['GREETING'], sep='\\n')",
		},
		sandboxtest.Programs{
			Language: "javascript",
			Hello:    "console.log('hello')",
			Echo:     "import readline from 'node:readline'\nfor await (const line of readline.createInterface({input: process.stdin})) console.log(line)",
			Given:    "for (const a of process.argv.slice(2)) console.log(a)\nconsole.log(process.env.GREETING)",
		},
		sandboxtest.Programs{
			Language: "typescript",
			Hello:    "const s: string = await Promise.resolve('hello'); console.log(s)",
		},
		sandboxtest.Programs{
			Language: "bash",
			Exit3:    "echo partial; exit 3",
			Given:    "for a; do echo \"$a\"; done; echo $GREETING",
		},
		sandboxtest.Programs{
			Language: "c",
			Hello:    "#include <stdio.h>\nint main(void) { puts(\"hello\"); }",
			Echo:     "#include <stdio.h>\nint main(void) { int c; while ((c = getchar()) != EOF) putchar(c); }",
			Loop:     "#include <stdio.h>\nint main(void) { puts(\"begun\"); for (volatile int i = 0;; i++); }",
		},
		sandboxtest.Programs{
			Language: "cpp",
			Hello:    "#include <iostream>\nint main() { std::cout << \"hello\\n\"; }",
		},
	)
}

// patience is how long anything may take on the busiest machine.
const patience = 2 * time.Minute

// result runs one program of a few files.
func result(t *testing.T, r *runner.Runner, p sandbox.Program) (sandbox.Outcome, *sandboxtest.Recorder) {
	t.Helper()
	await(t, r, p.Language)
	rec := sandboxtest.NewRecorder(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	o, err := r.Run(ctx, p, rec)
	rec.Close()
	if err != nil {
		t.Fatal(err)
	}
	return o, rec
}

// await waits until a language is ready.
func await(t testing.TB, r *runner.Runner, id string) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		for _, l := range r.Languages() {
			if l.ID == id && l.State == sandbox.LanguageReady {
				return
			}
		}
	}
	t.Fatalf("%s does not get ready: %+v", id, r.Languages())
}

func file(name, content string) sandbox.File {
	return sandbox.File{Name: name, Content: []byte(content)}
}

func TestPrograms(t *testing.T) {
	t.Parallel()
	r := newRunner(t)
	for name, tt := range map[string]struct {
		program    sandbox.Program
		status     sandbox.Status
		exit       int
		stdout     string
		diagnostic string // "file:line message"
	}{
		"packages with native code": {
			sandbox.Program{Language: "python", Files: []sandbox.File{file("main.py", "import numpy\nprint(numpy.arange(4).sum())")}},
			sandbox.StatusOK, 0, "6\n", ""},
		"a subprocess": {
			sandbox.Program{Language: "python", Files: []sandbox.File{file("main.py", "import subprocess\nprint(subprocess.run(['uname'], capture_output=True, text=True).stdout)")}},
			sandbox.StatusOK, 0, "Linux\n\n", ""},
		"a file in a folder": {
			sandbox.Program{Language: "python", Files: []sandbox.File{file("main.py", "import birds.wader\nprint(birds.wader.name)"), file("birds/wader.py", "name = 'sandpiper'")}},
			sandbox.StatusOK, 0, "sandpiper\n", ""},
		"a Python error": {
			sandbox.Program{Language: "python", Files: []sandbox.File{file("main.py", "def f():\n    return 1 / 0\nf()")}},
			sandbox.StatusError, 1, "", "main.py:2 ZeroDivisionError: division by zero"},
		"a JavaScript error": {
			sandbox.Program{Language: "javascript", Files: []sandbox.File{file("main.js", "const x = 1\nx.y.z")}},
			sandbox.StatusError, 1, "", "main.js:2 TypeError: Cannot read properties of undefined (reading 'z')"},
		"modules of TypeScript": {
			sandbox.Program{Language: "typescript", Files: []sandbox.File{file("main.ts", "import { name } from './bird'\nconsole.log(name as string)"), file("bird.ts", "export const name: string = 'knot'")}},
			sandbox.StatusOK, 0, "knot\n", ""},
		"a TypeScript error": {
			sandbox.Program{Language: "typescript", Files: []sandbox.File{file("main.ts", "const x: number = ;\n")}},
			sandbox.StatusError, 2, "", "main.ts:1 TS1109: Expression expected."},
		"C of two files": {
			sandbox.Program{Language: "c", Files: []sandbox.File{file("main.c", "#include <stdio.h>\nint twice(int);\nint main(void) { printf(\"%d\\n\", twice(21)); }"), file("twice.c", "int twice(int n) { return 2 * n; }")}},
			sandbox.StatusOK, 0, "42\n", ""},
		"a C error": {
			sandbox.Program{Language: "c", Files: []sandbox.File{file("main.c", "int main(void) {\n    return nothing;\n}")}},
			sandbox.StatusError, 1, "", "main.c:2 ‘nothing’ undeclared (first use in this function)"},
		"a crash": {
			sandbox.Program{Language: "c", Files: []sandbox.File{file("main.c", "int main(void) { *(volatile int *)0 = 1; }")}},
			sandbox.StatusError, 139, "", ""},
		"too much memory": {
			sandbox.Program{Language: "python", Files: []sandbox.File{file("main.py", "x = bytearray(200 << 20)\nprint(len(x))")}, Limits: sandbox.Limits{MemoryBytes: 64 << 20}},
			sandbox.StatusMemoryLimit, 137, "", ""},
		"too much processor time": {
			sandbox.Program{Language: "bash", Files: []sandbox.File{file("main.sh", "while :; do :; done")}, Limits: sandbox.Limits{CPU: time.Second}},
			sandbox.StatusTimeout, 137, "", ""},
		"a flag for a name": {
			sandbox.Program{Language: "c", Files: []sandbox.File{file("-v.c", "#include <stdio.h>\nint main(void) { puts(\"fine\"); }")}},
			sandbox.StatusOK, 0, "fine\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			o, rec := result(t, r, tt.program)
			if o.Status != tt.status || o.ExitCode != tt.exit || rec.Stdout() != tt.stdout {
				t.Errorf("got %+v with %q and %q", o, rec.Stdout(), rec.Stderr())
			}
			got := ""
			if len(o.Diagnostics) > 0 {
				got = fmt.Sprintf("%s:%d %s", o.Diagnostics[0].File, o.Diagnostics[0].Line, o.Diagnostics[0].Message)
			}
			if got != tt.diagnostic {
				t.Errorf("the diagnostic is %q, want %q; stderr is %q", got, tt.diagnostic, rec.Stderr())
			}
		})
	}
}

// TestRunsShareNothing looks in a second run for what a first one left.
func TestRunsShareNothing(t *testing.T) {
	t.Parallel()
	r := newRunner(t)
	for range 3 {
		o, rec := result(t, r, sandbox.Program{Language: "bash", Files: []sandbox.File{file("main.sh", "ls /tmp ~ | grep -c left; touch /tmp/left ~/left")}})
		if rec.Stdout() != "0\n" {
			t.Errorf("a run found something: %q, %+v", rec.Stdout(), o)
		}
	}
}

// TestNoImage runs without the image: every language says what is missing.
func TestNoImage(t *testing.T) {
	t.Parallel()
	r := newRunner(t, func(c *runner.Config) { c.Image = "sandpiper/is-not-there:1" })
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if l := r.Languages()[0]; l.State == sandbox.LanguageFailed {
			if !strings.Contains(l.Stage, "sandpiper/is-not-there:1") {
				t.Errorf("it says %q", l.Stage)
			}
			_, err := r.Run(t.Context(), sandbox.Program{Language: "python", Files: []sandbox.File{file("main.py", "")}}, sandboxtest.NewRecorder(t))
			if sandbox.KindOf(err) != sandbox.KindUnavailable {
				t.Errorf("a run: %v", err)
			}
			return
		}
	}
	t.Errorf("nothing is said: %+v", r.Languages())
}

// BenchmarkWarm measures a program that does nothing, from a member that waits
// to what it left behind.
func BenchmarkWarm(b *testing.B) {
	r := newRunner(b)
	await(b, r, "bash")
	p := sandbox.Program{Language: "bash", Files: []sandbox.File{file("main.sh", ":")}}
	var times []time.Duration
	for b.Loop() {
		time.Sleep(1500 * time.Millisecond) // until the pool is full again
		began := time.Now()
		if o, err := r.Run(b.Context(), p, sandboxtest.NewRecorder(b)); err != nil || o.Status != sandbox.StatusOK {
			b.Fatalf("%+v, %v", o, err)
		}
		times = append(times, time.Since(began))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "ms-p50")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "ms-p99")
	b.ReportMetric(0, "ns/op")
}
