package wasm_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sandpiper/runtimes/catalog"
	"sandpiper/runtimes/wasm"
	"sandpiper/sandbox"
)

// cacheDir keeps the tests' compiled modules, since compiling takes long.
func cacheDir(tb testing.TB) string {
	tb.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "sandpiper-test")
}

// newEngine starts an engine whose languages are those of the catalogue with
// the given IDs, or all of them, and waits until all are ready.
func newEngine(tb testing.TB, only ...string) *wasm.Engine {
	tb.Helper()
	return newEngineWith(tb, wasm.Config{Only: only})
}

func newEngineWith(tb testing.TB, cfg wasm.Config) *wasm.Engine {
	tb.Helper()
	cfg.RunDir = tb.TempDir()
	return newEngineIn(tb, cfg)
}

// newEngineIn is newEngineWith for a run folder of the caller's.
func newEngineIn(tb testing.TB, cfg wasm.Config) *wasm.Engine {
	tb.Helper()
	cfg.CacheDir = cacheDir(tb)
	e, err := wasm.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := e.Close(); err != nil {
			tb.Error(err)
		}
	})
	for _, l := range e.Languages() {
		waitReady(tb, e, l.ID)
	}
	return e
}

// waitReady waits until the language is prepared. A failure, as when its module
// was never built, fails the test.
func waitReady(tb testing.TB, e *wasm.Engine, id string) {
	tb.Helper()
	for {
		switch l := language(tb, e, id); l.State {
		case sandbox.LanguageReady:
			return
		case sandbox.LanguageFailed:
			tb.Fatalf("language %s: %s", id, l.Stage)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// needInstalled skips a test of a language whose compiler is not built, which is
// done on request only.
func needInstalled(tb testing.TB, e *wasm.Engine, id string) {
	tb.Helper()
	for _, c := range catalog.Languages() {
		if err := wasm.Installed(c); c.ID == id && err != nil {
			tb.Skip(err)
		}
	}
	// A compiler is made ready by the first program, which is told so.
	l := language(tb, e, id)
	hello := sandbox.Program{Language: id, Files: []sandbox.File{{Name: l.Main, Content: []byte(l.Hello)}}}
	if _, err := e.Run(context.Background(), hello, &transcript{}); err != nil {
		tb.Fatal(err)
	}
}

func language(tb testing.TB, e *wasm.Engine, id string) sandbox.Language {
	tb.Helper()
	for _, l := range e.Languages() {
		if l.ID == id {
			return l
		}
	}
	tb.Fatalf("no language %q", id)
	return sandbox.Language{}
}

// recorder is a Sink that keeps everything.
type recorder struct {
	mu             sync.Mutex
	stdout, stderr strings.Builder
	displays       []sandbox.Display
	first          time.Time                        // when the first output came
	onOutput       func(s sandbox.Stream, p string) // may be nil
}

func (r *recorder) Output(s sandbox.Stream, p []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first.IsZero() {
		r.first = time.Now()
	}
	if s == sandbox.Stderr {
		r.stderr.Write(p)
	} else {
		r.stdout.Write(p)
	}
	if r.onOutput != nil {
		r.onOutput(s, string(p))
	}
}

func (r *recorder) Display(d sandbox.Display) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.displays = append(r.displays, d)
}

// pythonProgram is a program of one file.
func pythonProgram(code string) sandbox.Program {
	return sandbox.Program{Language: "python", Files: []sandbox.File{{Name: "main.py", Content: []byte(code)}}}
}

// run runs p to its end.
func run(tb testing.TB, e *wasm.Engine, p sandbox.Program) (sandbox.Outcome, *recorder) {
	tb.Helper()
	var out recorder
	o, err := e.Run(tb.Context(), p, &out)
	if err != nil {
		tb.Fatal(err)
	}
	return o, &out
}

func TestPythonHello(t *testing.T) {
	o, out := run(t, newEngine(t, "python"), pythonProgram("print('Hello, world!')\n"))
	if got := out.stdout.String(); got != "Hello, world!\n" || o.Status != sandbox.StatusOK {
		t.Errorf("stdout %q, stderr %q, outcome %+v", got, out.stderr.String(), o)
	}
	if o.Usage.CPU <= 0 || o.Usage.Wall <= 0 || o.Usage.MemoryBytes < 1<<20 {
		t.Errorf("usage %+v", o.Usage)
	}
}
