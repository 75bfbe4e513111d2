package ruby_test

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
	"sandpiper/runtimes/wasm/kernel"
	"sandpiper/runtimes/wasm/ruby"
	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// page keeps what a cell puts out.
type page struct {
	stdout, stderr bytes.Buffer
	displays       []sandbox.Display
}

// Output implements sandbox.Sink.
func (p *page) Output(s sandbox.Stream, b []byte) {
	if s == sandbox.Stderr {
		p.stderr.Write(b)
	} else {
		p.stdout.Write(b)
	}
}

// Display implements sandbox.Sink.
func (p *page) Display(d sandbox.Display) { p.displays = append(p.displays, d) }

var limits = sandbox.Limits{
	Wall: time.Minute, CPU: time.Minute, MemoryBytes: 256 << 20, OutputBytes: 1 << 20,
	FileBytes: 32 << 20, Files: 1000, OpenFiles: 64,
}

// surroundings is the configuration of a kernel in an empty folder.
func surroundings(t *testing.T, p *page) vm.RunConfig {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	files := jail.New(root, jail.Limits{Bytes: limits.FileBytes, Files: limits.Files, OpenFiles: limits.OpenFiles})
	t.Cleanup(func() { files.Close(); root.Close() })
	displays := jail.NewDisplays(jail.DisplayLimits{}, p.Display, func(err error) { t.Error(err) })
	return vm.RunConfig{Limits: limits, Env: []string{"NAME=it's"}, Mounts: []vm.Mount{
		{Path: "/", FS: files}, {Path: "/dev", FS: jail.NewDevices(displays, 8)},
	}}
}

// load loads Ruby with the cache that the tests of all languages share, since
// compiling it takes long.
func load(t *testing.T) kernel.Language {
	t.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	host, err := vm.New(vm.Config{CacheDir: filepath.Join(dir, "sandpiper-test")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { host.Close(context.Background()) })
	r, err := catalog.OpenModule("ruby")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	wasm, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	d := &ruby.Driver{}
	if err := d.Load(t.Context(), host, vm.Binary(wasm)); err != nil {
		t.Fatal(err)
	}
	return d.Kernels()
}

func text(o sandbox.CellOutcome) string {
	if o.Result == nil {
		return ""
	}
	return o.Result.Data["text/plain"].(string)
}

func run(t *testing.T, k *kernel.Kernel, p *page, c sandbox.Cell) sandbox.CellOutcome {
	t.Helper()
	*p = page{}
	o, err := k.Execute(t.Context(), c, p, func() {})
	if err != nil {
		t.Fatalf("%s: %v", c.Code, err)
	}
	return o
}

func TestKernel(t *testing.T) {
	language := load(t)
	p := &page{}
	k, err := language.Open(t.Context(), surroundings(t, p))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	run := func(k *kernel.Kernel, code string) sandbox.CellOutcome {
		t.Helper()
		return run(t, k, p, sandbox.Cell{Code: code, Stdin: sandbox.StaticStdin([]byte("one\ntwo\n"))})
	}
	for _, c := range [][3]string{
		{"1 + 1", "2", ""},
		{"_ * 21", "42", ""},
		{"x = 5\ndef f(n) = n + 1\nclass A; end", "", ""},
		{"puts f(x)", "", "6\n"},
		{"f(x);", "", ""},
		{"ENV['NAME']", `"it's"`, ""},
		{"gets", `"one\n"`, ""},
		{"gets", `"one\n"`, ""},
		{"'it''s \\\\ #{x}'", `"its \\ \#{x}"`, ""},
		{"nil", "", ""},
		{"require 'sandpiper'; Sandpiper.line([1, 2])", "", ""},
	} {
		if o := run(k, c[0]); text(o) != c[1] || p.stdout.String() != c[2] || p.stderr.Len() > 0 || o.Status != sandbox.StatusOK {
			t.Errorf("%s: result %q, stdout %q, stderr %q, %+v %+v", c[0], text(o), &p.stdout, &p.stderr, o.Outcome, o.Error)
		}
	}
	if len(p.displays) != 1 {
		t.Errorf("%d displays", len(p.displays))
	}
	html := run(k, "Class.new { def to_html = '<b>x</b>' }.new")
	if html.Result == nil || html.Result.Data["text/html"] != "<b>x</b>" {
		t.Errorf("result %v", html.Result)
	}
	run(k, "display 1, 'two'")
	if len(p.displays) != 2 {
		t.Errorf("%d displays", len(p.displays))
	}
	failures(t, func(code string) sandbox.CellOutcome { return run(k, code) })

	if o := run(k, "exit 3"); o.Status != sandbox.StatusError || o.ExitCode != 3 || o.RolledBack {
		t.Errorf("exit: %+v", o.Outcome)
	}
	var state bytes.Buffer
	if err := k.Save(t.Context(), &state); err != nil {
		t.Fatal(err)
	}
	run(k, "x = 0")
	resumed, err := language.Resume(t.Context(), surroundings(t, p), &state)
	if err != nil {
		t.Fatal(err)
	}
	defer resumed.Close()
	forked, err := resumed.Fork(t.Context(), surroundings(t, p))
	if err != nil {
		t.Fatal(err)
	}
	defer forked.Close()
	for _, c := range []*kernel.Kernel{resumed, forked} {
		if o := run(c, "f(x)"); text(o) != "6" {
			t.Errorf("the copy has %q, %+v", text(o), o)
		}
	}
	seen := map[string]bool{}
	for _, c := range []*kernel.Kernel{k, resumed, forked} {
		random := text(run(c, "require 'securerandom'; [rand, Random.rand, SecureRandom.hex]"))
		if seen[random] || random == "" {
			t.Errorf("two kernels have the same random numbers %s", random)
		}
		seen[random] = true
	}
	stopped(t, k, p)
}

// failures runs cells that raise.
func failures(t *testing.T, run func(code string) sandbox.CellOutcome) {
	run("def boom\n  raise IOError, 'no'\nend")
	for _, tt := range []struct {
		code, name, value string
		line              int
		trace             string
	}{
		{"1\nraise ArgumentError, 'bad'", "ArgumentError", "bad", 2, "in '<main>': bad (ArgumentError)"},
		{"\n\nboom", "IOError", "no", 3, ":2:in 'Object#boom': no (IOError)"},
		{"x = [1,\nend", "SyntaxError", "", 1, "syntax error"},
	} {
		o := run(tt.code)
		if o.Status != sandbox.StatusError || o.Error == nil || o.RolledBack {
			t.Fatalf("%s: %+v", tt.code, o)
		}
		trace := strings.Join(o.Error.Traceback, "\n")
		if o.Error.Name != tt.name || tt.value != "" && o.Error.Value != tt.value || !strings.Contains(trace, tt.trace) || strings.Contains(trace, "sandpiper_") {
			t.Errorf("%s: %s %q\n%s", tt.code, o.Error.Name, o.Error.Value, trace)
		}
		if len(o.Diagnostics) == 0 || o.Diagnostics[0].File != "cell" || o.Diagnostics[0].Line != tt.line {
			t.Errorf("%s: diagnostics %+v", tt.code, o.Diagnostics)
		}
	}
}

// stopped has cells be stopped by Ruby's own exception: what they did stays. One
// that does not heed it is stopped by force, and what it did is undone.
func stopped(t *testing.T, k *kernel.Kernel, p *page) {
	for _, tt := range []struct {
		code   string
		forced bool
	}{
		{"loop {}", false},
		{"sleep", false},
		{"i = 0; while true; i += 1; end", false},
		{"begin; loop {}; rescue StandardError; end", false},
		{"loop { begin; loop {}; rescue Exception; end }", true},
	} {
		run(t, k, p, sandbox.Cell{Code: "kept = 1"})
		o := run(t, k, p, sandbox.Cell{Code: "kept = 2; " + tt.code, Limits: sandbox.Limits{Wall: 300 * time.Millisecond}})
		if o.Status != sandbox.StatusTimeout || o.RolledBack != tt.forced || !tt.forced && (o.Error == nil || o.Error.Name != "Interrupt") {
			t.Errorf("%s: %+v %+v", tt.code, o, o.Error)
		}
		want := "2"
		if tt.forced {
			want = "1"
		}
		if o := run(t, k, p, sandbox.Cell{Code: "kept"}); text(o) != want {
			t.Errorf("%s: kept %q, %+v", tt.code, text(o), o)
		}
	}
}
