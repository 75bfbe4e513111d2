package computer_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sandpiper/runtimes/wasm"
	"sandpiper/runtimes/wasm/computer"
	"sandpiper/runtimes/wasm/program"
	"sandpiper/runtimes/wasm/worker"
	"sandpiper/runtimes/wasm/worker/inside"
	"sandpiper/runtimes/wasm/worker/link"
	"sandpiper/sandbox"
	"sandpiper/sandbox/gitrepo"
	"sandpiper/sandbox/guest"
)

// workerCommand makes the test binary a worker process.
const workerCommand = "worker"

// folder is where the runtimes of the tests keep what lasts as long as the tests.
var folder string

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == workerCommand {
		if err := inside.Main(openEngine); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	var err error
	if folder, err = os.MkdirTemp("", "computer-test-"); err != nil {
		panic(err)
	}
	code := m.Run()
	if pool != nil {
		err = pool.Close()
	}
	if err := errors.Join(err, os.RemoveAll(folder)); err != nil {
		panic(err)
	}
	os.Exit(code)
}

func openEngine(s link.Setup) (inside.Engine, error) {
	return wasm.New(wasm.Config{CacheDir: s.Cache, RunDir: s.Runs, Only: s.Only})
}

// cacheFolder is kept from one test run to the next.
func cacheFolder(name string) string {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	return filepath.Join(cache, name)
}

// workerFolder prepares a folder for a pool of one worker, whose cache is kept.
func workerFolder(dir string) string {
	own, kept := filepath.Join(dir, "0"), cacheFolder("sandpiper-test-worker")
	if err := errors.Join(os.MkdirAll(own, 0o700), os.MkdirAll(kept, 0o700), os.Symlink(kept, filepath.Join(own, "cache"))); err != nil {
		panic(err)
	}
	return dir
}

// pool are the runtimes of all tests, since loading them takes long: a worker
// process, as servers have it.
var pool *worker.Pool

var languages = sync.OnceValue(func() program.Engine {
	var err error
	if pool, err = worker.New(context.Background(), worker.Config{Args: []string{workerCommand}, Dir: workerFolder(folder)}); err != nil {
		panic(err)
	}
	// Preparing them the first time takes longer than a test gives its programs.
	for slices.ContainsFunc(pool.Languages(), func(l sandbox.Language) bool { return l.State == sandbox.LanguagePreparing }) {
		time.Sleep(20 * time.Millisecond)
	}
	return pool
})

// noToolbox is a toolbox of a test that talks to the guest itself.
type noToolbox struct{ http.Handler }

func (noToolbox) Close() {}

// lab is an engine whose guests can be reached.
type lab struct {
	*computer.Engine
	mu     sync.Mutex
	guests map[string]guest.Guest // by token
}

func newLab(t testing.TB, cfg computer.Config) *lab {
	t.Helper()
	l := &lab{guests: map[string]guest.Guest{}}
	if cfg.Languages == nil {
		cfg.Languages = languages()
	}
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	cfg.Git = func(ctx context.Context, c computer.GitCall) int {
		return gitrepo.Command(ctx, c.FS, c.Dir, c.Env, c.Args, c.Stdout, c.Stderr, gitrepo.Nowhere("there is no network in this test"))
	}
	cfg.NewToolbox = func(g guest.Guest, spec sandbox.Spec) computer.Toolbox {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.guests[spec.Token] = g
		return noToolbox{http.NotFoundHandler()}
	}
	e, err := computer.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l.Engine = e
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// box creates a sandbox and returns its guest.
func (l *lab) box(t testing.TB) guest.Guest {
	t.Helper()
	return l.boxWith(t, sandbox.Resources{CPU: 1, MemoryGiB: 1, DiskGiB: 1})
}

func (l *lab) boxWith(t testing.TB, r sandbox.Resources) guest.Guest {
	t.Helper()
	id := sandbox.NewID()
	if err := l.Create(t.Context(), sandbox.Spec{ID: id, Ref: computer.Ref, Token: id, Resources: r}); err != nil {
		t.Fatal(err)
	}
	return l.guest(id)
}

// guest returns the guest of a sandbox as it was last started.
func (l *lab) guest(id string) guest.Guest {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.guests[id]
}

// safeBuffer is a buffer that a process may write to.
type safeBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// result is what a command left.
type result struct {
	stdout, stderr string
	code           int
}

// run runs a command to its end.
func run(t testing.TB, g guest.Guest, stdin string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	var stdout, stderr safeBuffer
	p, err := g.Start(ctx, guest.Cmd{
		Args: args, Dir: g.Info().WorkDir, Env: g.Info().Env, Stdin: strings.NewReader(stdin), Stdout: &stdout, Stderr: &stderr,
	})
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	status, err := p.Wait()
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return result{stdout.String(), stderr.String(), status.Code}
}

// sh runs a script.
func sh(t testing.TB, g guest.Guest, script string) result {
	t.Helper()
	return run(t, g, "", "/bin/bash", "-c", script)
}

func TestShellRuns(t *testing.T) {
	g := newLab(t, computer.Config{}).box(t)
	for _, tt := range []struct{ script, stdout string }{
		{"echo hello", "hello\n"},
		{"echo a b c | cat", "a b c\n"},
		{"pwd; echo $HOME $USER", "/home/daytona\n/home/daytona daytona\n"},
		{"echo one > f; cat f; ls", "one\nf\n"},
		{"python3 -c 'print(6*7)'", "42\n"},
		{"echo 'print(1)' > a.py; python a.py | cat; node -e 'console.log(2)' > out.txt; cat out.txt", "1\n2\n"},
		{`git init -q r && cd r && git config user.name n && git config user.email e@x && echo a > f && git add f && git commit -qm first && git log --oneline | wc -l; git status --short; echo b >> f; git diff | grep '^+b'`, "1\n+b\n"},
		{"git clone -q r c && cat c/f; git -C r status --short", "a\n M f\n"},
		{"lua -e 'print(io.open(\"f\"):read())'; lua -e 'f = io.open(\"made\", \"w\"); f:write(\"x\"); f:close()'; ls; sqlite3 t.db 'create table t(a); insert into t values (7)'; sqlite3 t.db 'select a from t' | tail -2", "one\na.py\nc\nf\nmade\nout.txt\nr\n7\n\n"},
		{"ruby -e 'puts 1'; tsx -e 'const a: number = 2; console.log(a)'", "1\n2\n"},
		{"which ls python3; command -v sed", "/usr/bin/ls\n/usr/bin/python3\n/usr/bin/sed\n"},
	} {
		if got := sh(t, g, tt.script); got.stdout != tt.stdout || got.code != 0 {
			t.Errorf("%s: %+v, want %q", tt.script, got, tt.stdout)
		}
	}
}
