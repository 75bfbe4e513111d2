package quickjs_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sandpiper/runtimes/catalog"
	"sandpiper/runtimes/wasm/jail"
	"sandpiper/runtimes/wasm/quickjs"
	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

var drivers struct{ js, ts *quickjs.Driver }

func TestMain(m *testing.M) { os.Exit(withDrivers(m)) }

// withDrivers loads both drivers once for all tests.
func withDrivers(m *testing.M) int {
	dir, err := os.MkdirTemp("", "quickjs-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	host, err := vm.New(vm.Config{CacheDir: filepath.Join(dir, "cache")})
	if err != nil {
		panic(err)
	}
	defer host.Close(ctx)
	module, err := catalog.OpenModule("quickjs")
	if err != nil {
		panic(err)
	}
	wasm, err := io.ReadAll(module)
	if err != nil {
		panic(err)
	}
	drivers.js, drivers.ts = quickjs.JavaScript(), quickjs.TypeScript()
	for _, d := range []*quickjs.Driver{drivers.js, drivers.ts} {
		if err := d.Load(ctx, host, wasm); err != nil {
			panic(err)
		}
	}
	return m.Run()
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
		r.files = append(r.files, sandbox.File{Name: head, Content: []byte(body + "\n")})
	}
	return r
}

func (r *run) start(ctx context.Context, t testing.TB, d *quickjs.Driver) {
	t.Helper()
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
	} else {
		r.stdout.Write(p)
	}
}

func (r *run) show(d sandbox.Display) { r.displays = append(r.displays, d) }

func (r *run) refuse(err error) { r.stderr.WriteString("display refused: " + err.Error() + "\n") }

func TestHello(t *testing.T) {
	r := script(t, "main.js", `console.log("hello"); console.log([1,2,{a:1}])`)
	r.start(t.Context(), t, drivers.js)
	if r.stdout.String() != "hello\n[ 1, 2, { a: 1 } ]\n" {
		t.Fatalf("%q %q %+v", r.stdout.String(), r.stderr.String(), r.outcome)
	}
	t.Log(r.outcome)
}

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
