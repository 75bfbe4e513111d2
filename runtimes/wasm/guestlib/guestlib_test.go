package guestlib_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sandpiper/runtimes/wasm"
	"sandpiper/sandbox"
)

// update writes the golden files from what the first language gives.
var update = flag.Bool("update", false, "write the golden files")

// languages have the module; the first one is the model for the golden files.
var languages = []struct{ id, extension string }{{"python", ".py"}, {"javascript", ".js"}, {"ruby", ".rb"}}

// newEngine starts an engine with the languages that have the module. Its cache is
// its own, since an engine removes from a cache what its languages do not use.
func newEngine(t *testing.T) *wasm.Engine {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	cfg := wasm.Config{CacheDir: filepath.Join(cache, "sandpiper-test-guestlib"), RunDir: t.TempDir()}
	for _, l := range languages {
		cfg.Only = append(cfg.Only, l.id)
	}
	e, err := wasm.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	if got := len(e.Languages()); got != len(languages) {
		t.Fatalf("the engine has %d of the languages %v", got, languages)
	}
	for _, l := range languages {
		awaitReady(t, e, l.id)
	}
	return e
}

func awaitReady(t *testing.T, e *wasm.Engine, id string) {
	t.Helper()
	for {
		for _, l := range e.Languages() {
			switch {
			case l.ID != id:
			case l.State == sandbox.LanguageReady:
				return
			case l.State == sandbox.LanguageFailed:
				t.Fatalf("%s: %s (run make setup)", id, l.Stage)
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// recorder keeps what a run says, with the displays among the text of stdout as
// "«n»".
type recorder struct {
	mu             sync.Mutex
	stdout, stderr strings.Builder
	displays       []sandbox.Display
}

func (r *recorder) Output(s sandbox.Stream, p []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s == sandbox.Stdout {
		r.stdout.Write(p)
	} else {
		r.stderr.Write(p)
	}
}

func (r *recorder) Display(d sandbox.Display) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.displays = append(r.displays, d)
	fmt.Fprintf(&r.stdout, "«%d»", len(r.displays))
}

// runTestdata runs testdata/name in a language, with the other files beside it,
// and wants it to succeed.
func runTestdata(t *testing.T, e *wasm.Engine, language, name string, others ...string) (sandbox.Outcome, *recorder) {
	t.Helper()
	p := sandbox.Program{Language: language, Limits: sandbox.Limits{Wall: time.Minute, CPU: time.Minute}}
	for _, name := range append([]string{name}, others...) {
		content, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		p.Files = append(p.Files, sandbox.File{Name: name, Content: content})
	}
	var out recorder
	o, err := e.Run(t.Context(), p, &out)
	if err != nil {
		t.Fatal(err)
	}
	if o.Status != sandbox.StatusOK {
		t.Fatalf("%s: %s %s, exit code %d\n%s", name, o.Status, o.Message, o.ExitCode, out.stderr.String())
	}
	return o, &out
}

// golden compares content with a golden file.
func golden(t *testing.T, write bool, name string, content []byte) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if write {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(content) != string(want) {
		t.Errorf("%s differs: %s", name, firstDifference(string(content), string(want)))
	}
}

// firstDifference quotes the first line that differs.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d\n got %.2000s\nwant %.2000s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

func TestSameInEveryLanguage(t *testing.T) {
	e := newEngine(t)
	for i, l := range languages {
		write := *update && i == 0
		t.Run(l.id+"/charts", func(t *testing.T) {
			o, out := runTestdata(t, e, l.id, "charts"+l.extension, "cases.json")
			golden(t, write, "charts.txt", []byte(out.stdout.String()))
			if want := cases(t); len(o.Files) != want {
				t.Errorf("%d files in out/, want %d", len(o.Files), want)
			}
			for _, f := range o.Files {
				golden(t, write, f.Name, f.Content)
			}
		})
		t.Run(l.id+"/displays", func(t *testing.T) {
			_, out := runTestdata(t, e, l.id, "displays"+l.extension)
			golden(t, write, "displays.txt", []byte(out.stdout.String()))
			var lines []byte
			for _, d := range out.displays {
				line, err := json.Marshal(d)
				if err != nil {
					t.Fatal(err)
				}
				lines = append(append(lines, line...), '\n')
			}
			golden(t, write, "displays.jsonl", lines)
			if out.stderr.Len() > 0 {
				t.Errorf("stderr: %s", out.stderr.String())
			}
		})
		t.Run(l.id+"/misuse", func(t *testing.T) {
			_, out := runTestdata(t, e, l.id, "misuse"+l.extension)
			want := strings.Repeat("refused\n", 8) + numbered(256) + "done\n"
			if got := out.stdout.String(); got != want {
				t.Errorf("stdout differs: %s", firstDifference(got, want))
			}
			if got := out.stderr.String(); strings.Count(got, "256 outputs") != 1 {
				t.Errorf("stderr %q, want to be told once that there were too many outputs", got)
			}
		})
	}
}

// numbered is how a recorder writes n displays.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "«%d»", i+1)
	}
	return b.String()
}

// cases is the number of charts in testdata/cases.json.
func cases(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list []json.RawMessage
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	return len(list)
}
