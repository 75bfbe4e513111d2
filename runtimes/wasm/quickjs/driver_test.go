package quickjs_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sandpiper/runtimes/catalog"
	"sandpiper/runtimes/wasm/jail"
	"sandpiper/runtimes/wasm/quickjs"
	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// drivers are shared by all tests and loaded when the first program runs, since
// fuzzing workers run none.
var drivers = struct{ js, ts *quickjs.Driver }{quickjs.JavaScript(), quickjs.TypeScript()}

var (
	loadDrivers sync.Once
	unload      []func() // what TestMain does at the end, last first
)

func TestMain(m *testing.M) {
	code := m.Run()
	for _, f := range slices.Backward(unload) {
		f()
	}
	os.Exit(code)
}

func load() {
	dir, err := os.MkdirTemp("", "quickjs-test-")
	must(err)
	unload = append(unload, func() { os.RemoveAll(dir) })
	host, err := vm.New(vm.Config{CacheDir: dir})
	must(err)
	unload = append(unload, func() { host.Close(context.Background()) })
	module, err := catalog.OpenModule("quickjs")
	must(err)
	defer module.Close()
	wasm, err := io.ReadAll(module)
	must(err)
	for _, d := range []*quickjs.Driver{drivers.js, drivers.ts} {
		must(d.Load(context.Background(), host, vm.Binary(wasm)))
		unload = append(unload, func() { d.Close() })
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// run is one program and what became of it.
type run struct {
	files    []sandbox.File
	args     []string
	env      []string
	stdin    *sandbox.Stdin
	limits   sandbox.Limits
	dir      string // the run's folder; made for the test if empty
	outcome  sandbox.Outcome
	stdout   bytes.Buffer
	stderr   bytes.Buffer
	displays []sandbox.Display
	heard    func(text string) // called with each piece of stdout, if not nil
}

// script returns a run of one file, or of several in txtar's manner: a line
// "-- name --" before each.
func script(t testing.TB, name, source string) *run {
	t.Helper()
	r := &run{limits: sandbox.Limits{
		Wall: 10 * time.Second, CPU: 10 * time.Second, MemoryBytes: 256 << 20, OutputBytes: 1 << 20,
		FileBytes: 32 << 20, Files: 1000, OpenFiles: 64,
	}}
	if !strings.HasPrefix(source, "-- ") {
		r.files = []sandbox.File{{Name: name, Content: []byte(source)}}
		return r
	}
	for _, part := range strings.Split("\n"+source, "\n-- ")[1:] {
		head, body, ok := strings.Cut(part, " --\n")
		if !ok {
			t.Fatalf("bad file header in %q", part)
		}
		r.files = append(r.files, sandbox.File{Name: head, Content: []byte(strings.TrimSuffix(body, "\n") + "\n")})
	}
	return r
}

func (r *run) start(ctx context.Context, t testing.TB, d *quickjs.Driver) {
	t.Helper()
	loadDrivers.Do(load)
	if r.dir == "" {
		r.dir = t.TempDir()
	}
	for _, f := range r.files {
		path := filepath.Join(r.dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	files := jail.New(root, jail.Limits{Bytes: r.limits.FileBytes, Files: r.limits.Files, OpenFiles: r.limits.OpenFiles})
	defer files.Close()
	cfg := vm.RunConfig{
		Limits: r.limits, Stdin: r.stdin, Env: r.env, Output: r.output,
		Mounts: []vm.Mount{{Path: "/", FS: files}, {Path: "/dev", FS: jail.NewDevices(jail.NewDisplays(jail.DisplayLimits{}, r.show, r.refuse), 8)}},
	}
	r.outcome = d.Run(ctx, cfg, sandbox.Program{Files: r.files, Args: r.args})
}

func (r *run) output(s sandbox.Stream, p []byte) {
	if s == sandbox.Stderr {
		r.stderr.Write(p)
		return
	}
	r.stdout.Write(p)
	if r.heard != nil {
		r.heard(string(p))
	}
}

func (r *run) show(d sandbox.Display) { r.displays = append(r.displays, d) }

func (r *run) refuse(err error) { r.stderr.WriteString("display refused: " + err.Error() + "\n") }

// language is a driver with what a test needs to use it.
type language struct {
	name, ending, hello string
	driver              *quickjs.Driver
}

func languages() []language {
	return []language{
		{"javascript", ".js", `console.log("hello");`, drivers.js},
		{"typescript", ".ts", `const whom: string = "hello"; console.log(whom);`, drivers.ts},
	}
}

func TestHello(t *testing.T) {
	for _, l := range languages() {
		t.Run(l.name, func(t *testing.T) {
			r := script(t, "main"+l.ending, l.hello)
			r.start(t.Context(), t, l.driver)
			if r.stdout.String() != "hello\n" || r.stderr.Len() > 0 || r.outcome.Status != sandbox.StatusOK {
				t.Errorf("stdout %q, stderr %q, %+v", &r.stdout, &r.stderr, r.outcome)
			}
		})
	}
}

func TestDisplay(t *testing.T) {
	r := script(t, "main.js", `
import * as sp from "sandpiper";
sp.line([1, 3, 2], { title: "Title" });
__sandpiper_display(JSON.stringify({ data: { "text/plain": "by hand" }, metadata: {} }));`)
	r.start(t.Context(), t, drivers.js)
	if len(r.displays) != 2 || r.stderr.Len() > 0 {
		t.Fatalf("%d displays, stderr %q", len(r.displays), &r.stderr)
	}
	if svg, _ := r.displays[0].Data["image/svg+xml"].(string); !strings.Contains(svg, "Title") {
		t.Errorf("no chart in %v", r.displays[0].Data)
	}
	if got := r.displays[1].Data["text/plain"]; got != "by hand" {
		t.Errorf("text %v", got)
	}
}

// TestDiagnosticsOfRuns has the places of errors as the editor needs them.
func TestDiagnosticsOfRuns(t *testing.T) {
	for _, tt := range []struct {
		name, source string
		driver       *quickjs.Driver
		want         sandbox.Diagnostic
	}{
		{"uncaught", "\nfunction f() {\n  null.x;\n}\nf();", drivers.js,
			sandbox.Diagnostic{File: "main", Line: 3, Column: 3, Message: "TypeError: cannot read property 'x' of null"}},
		{"first line of a script", "null.x", drivers.js,
			sandbox.Diagnostic{File: "main", Line: 1, Column: 1, Message: "TypeError: cannot read property 'x' of null"}},
		{"first line of a module", "null.x + import.meta.url", drivers.js,
			sandbox.Diagnostic{File: "main", Line: 1, Column: 1, Message: "TypeError: cannot read property 'x' of null"}},
		{"syntax", "let a;\nlet b = ;", drivers.js,
			sandbox.Diagnostic{File: "main", Line: 2, Column: 9, Message: "SyntaxError: unexpected token in expression: ';'"}},
		{"translated", "type A = 1;\n\nconst n: A | null = null;\nthrow new Error(\"x\");", drivers.ts,
			sandbox.Diagnostic{File: "main", Line: 4, Column: 11, Message: "Error: x"}},
		{"syntax in TypeScript", "const a: number = ;", drivers.ts,
			sandbox.Diagnostic{File: "main", Line: 1, Column: 19, Message: `Unexpected ";"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := script(t, "main", tt.source)
			r.start(t.Context(), t, tt.driver)
			tt.want.Severity = sandbox.SeverityError
			if len(r.outcome.Diagnostics) != 1 || r.outcome.Diagnostics[0] != tt.want {
				t.Errorf("got %+v, want %+v; stderr:\n%s", r.outcome.Diagnostics, tt.want, &r.stderr)
			}
		})
	}
}
