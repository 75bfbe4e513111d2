package toolchain

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sandpiper/runtimes/wasm/vm"
	"sandpiper/runtimes/wasm/wasmtest"
	"sandpiper/sandbox"
)

// testSet is a toolchain without tools, which every build of this program has: its
// child only makes machine code. It is there before a child's init looks for it.
var testSet = func() Set {
	s := Set{Name: "test", SDK: "lua", Memory: 64 << 20}
	sets = append(sets, s)
	return s
}()

// patience is how long a test waits for what takes milliseconds on an idle machine.
const patience = time.Minute

// newTools makes a toolchain for a test.
func newTools(t *testing.T, cfg Config) *Toolchain {
	t.Helper()
	host, err := vm.New(vm.Config{CacheDir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Set, cfg.Log = testSet, slog.New(slog.DiscardHandler)
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	tools, err := New(cfg, host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(tools.Close(), host.Close(context.Background())); err != nil {
			t.Error(err)
		}
	})
	return tools
}

// program is a module that writes a text and ends.
func program(text string) []byte {
	const iovec, at, result = 0, 16, 8
	write := wasmtest.Import{Module: "wasi_snapshot_preview1", Name: "fd_write", Type: "iiii:i"}
	code := wasmtest.Code(
		wasmtest.I32(iovec), wasmtest.I32(at), wasmtest.Store(),
		wasmtest.I32(iovec+4), wasmtest.I32(int32(len(text))), wasmtest.Store(),
		wasmtest.I32(1), wasmtest.I32(iovec), wasmtest.I32(1), wasmtest.I32(result), wasmtest.Call(0), wasmtest.Drop(),
	)
	return wasmtest.Command(strings.Repeat("\x00", at)+text, code, write)
}

// request makes a module ready to run.
func request(module []byte) Request {
	return Request{Files: []File{{Name: programFile, Content: module}}, Result: programFile}
}

// printed runs what was built and returns what it wrote.
func printed(t *testing.T, p *Program) string {
	t.Helper()
	var out bytes.Buffer
	res := p.Module.Run(t.Context(), vm.RunConfig{
		Limits: sandbox.Limits{Wall: patience, CPU: patience, MemoryBytes: 1 << 20, OutputBytes: 1 << 10, FileBytes: 1, Files: 1, OpenFiles: 8},
		Output: func(_ sandbox.Stream, b []byte) { out.Write(b) },
		Args:   []string{"x"},
	}, vm.Start)
	if res.Status != sandbox.StatusOK {
		t.Errorf("it ended with %s: %s", res.Status, res.Message)
	}
	return out.String()
}

// mustBuild builds what must be fit, and releases it after it ran.
func mustBuild(t *testing.T, tools *Toolchain, text string) {
	t.Helper()
	p, report, err := tools.Build(t.Context(), request(program(text)))
	if err != nil || p == nil {
		t.Fatalf("%+v, %v", report, err)
	}
	defer p.Release()
	if got := printed(t, p); got != text {
		t.Errorf("it printed %q, want %q", got, text)
	}
}

func TestBuiltOnce(t *testing.T) {
	dir := t.TempDir()
	tools := newTools(t, Config{Dir: dir})
	mustBuild(t, tools, "one")
	pid := tools.child.cmd.Process.Pid
	mustBuild(t, tools, "one")
	mustBuild(t, tools, "two")
	if got := tools.child.cmd.Process.Pid; got != pid {
		t.Error("each build has a child of its own")
	}
	// Another server, later, has no need of a child.
	later := newTools(t, Config{Dir: dir})
	mustBuild(t, later, "two")
	if later.child != nil {
		t.Error("what was kept is built again")
	}
	if left, err := filepath.Glob(filepath.Join(dir, jobsDir, "*")); err != nil || len(left) > 0 {
		t.Errorf("builds left %q behind, %v", left, err)
	}
}

// TestOtherVersion holds that a program of a version with another form of machine code
// is built again, by a child: whoever loads it would have to compile what is not
// trusted.
func TestOtherVersion(t *testing.T) {
	dir := t.TempDir()
	tools := newTools(t, Config{Dir: dir})
	tools.key = strings.Replace(tools.key, vm.Version(), "an older version", 1)
	mustBuild(t, tools, "x")
	later := newTools(t, Config{Dir: dir})
	mustBuild(t, later, "x")
	if later.child == nil {
		t.Error("what another version built is used")
	}
}

// TestDamagedProgram holds that what is not whole is made again.
func TestDamagedProgram(t *testing.T) {
	for name, damage := range map[string]func(folder string) error{
		"no report":     func(folder string) error { return os.Remove(filepath.Join(folder, reportFile)) },
		"half a report": func(folder string) error { return os.WriteFile(filepath.Join(folder, reportFile), []byte("{"), 0o600) },
		"no module":     func(folder string) error { return os.Remove(filepath.Join(folder, programFile)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			mustBuild(t, newTools(t, Config{Dir: dir}), "x")
			folders, err := filepath.Glob(filepath.Join(dir, programsDir, "*"))
			if err != nil || len(folders) != 1 {
				t.Fatalf("%q, %v", folders, err)
			}
			if err := damage(folders[0]); err != nil {
				t.Fatal(err)
			}
			again := newTools(t, Config{Dir: dir})
			mustBuild(t, again, "x")
			if again.child == nil {
				t.Error("it was not made again")
			}
		})
	}
}

func TestPrune(t *testing.T) {
	dir := t.TempDir()
	mustBuild(t, newTools(t, Config{Dir: dir}), "old")
	folders, err := filepath.Glob(filepath.Join(dir, programsDir, "*"))
	if err != nil || len(folders) != 1 {
		t.Fatalf("%q, %v", folders, err)
	}
	old := folders[0]
	long := time.Now().Add(-time.Hour)
	if err := os.Chtimes(old, long, long); err != nil {
		t.Fatal(err)
	}
	one, err := size(old)
	if err != nil {
		t.Fatal(err)
	}
	tools := newTools(t, Config{Dir: dir, keep: 2*one + one/2})
	mustBuild(t, tools, "mid")
	if _, err := os.Stat(old); err != nil {
		t.Errorf("it is pruned while there is room: %v", err)
	}
	mustBuild(t, tools, "new")
	if _, err := os.Stat(old); err == nil {
		t.Error("the program that was used longest ago is kept")
	}
	if left, err := filepath.Glob(filepath.Join(dir, programsDir, "*")); err != nil || len(left) != 2 {
		t.Errorf("%d programs are kept, want 2: %v", len(left), err)
	}
}

// gone waits until a process has ended.
func gone(t *testing.T, pid int) {
	t.Helper()
	for end := time.Now().Add(patience); syscall.Kill(pid, 0) == nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the child goes on")
		}
	}
}

func TestIdleChildEnds(t *testing.T) {
	tools := newTools(t, Config{Idle: 10 * time.Millisecond})
	p, _, err := tools.Build(t.Context(), request(program("x")))
	if err != nil {
		t.Fatal(err)
	}
	p.Release()
	tools.turn <- struct{}{} // the child may have ended before this
	pid := 0
	if tools.child != nil {
		pid = tools.child.cmd.Process.Pid
	}
	<-tools.turn
	if pid != 0 {
		tools.leaveFrom(t)
		gone(t, pid)
	}
	mustBuild(t, tools, "y") // and the next build has another
}

// leaveFrom takes the turn and gives it back, which starts the time of rest again.
func (t *Toolchain) leaveFrom(tb testing.TB) {
	tb.Helper()
	if err := t.take(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	t.leave()
}

func TestChildThatIsKilledIsReplaced(t *testing.T) {
	tools := newTools(t, Config{})
	mustBuild(t, tools, "x")
	pid := tools.child.cmd.Process.Pid
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p, report, err := tools.Build(t.Context(), request(program("y")))
	if err != nil || p != nil || !strings.Contains(report.Problem, "ended before it was done") {
		t.Errorf("%v, %+v, %v", p, report, err)
	}
	mustBuild(t, tools, "y")
	if tools.child.cmd.Process.Pid == pid {
		t.Error("it is the child that was killed")
	}
}

// TestHostileModules holds that what is no program, or one that would take for ever
// to make machine code of, ends with a sentence, and the next build works.
func TestHostileModules(t *testing.T) {
	large := bytes.Repeat(wasmtest.Code(wasmtest.I32(1), wasmtest.Drop()), 200<<10)
	tests := []struct {
		name   string
		module []byte
		want   string
	}{
		{"nothing", nil, "cannot be run here"},
		{"text", []byte("int main() {}"), "cannot be run here"},
		{"half a module", program("x")[:40], "cannot be run here"},
		{"a function without end", wasmtest.Command("", large), "cannot be run here"},
		{"what is not here", wasmtest.Command("", nil, wasmtest.Import{Module: "env", Name: "system", Type: ":i"}), "env"},
		{"too much of it", append(program("x"), make([]byte, maxProgram)...), "larger than"},
	}
	tools := newTools(t, Config{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, report, err := tools.Build(t.Context(), request(tt.module))
			if err != nil || p != nil || !report.Failed || !strings.Contains(report.Problem, tt.want) {
				t.Errorf("%v, %+v, %v; want a problem about %q", p, report, err, tt.want)
			}
		})
	}
	mustBuild(t, tools, "afterwards")
}

func TestBusy(t *testing.T) {
	tools := newTools(t, Config{})
	tools.turn <- struct{}{} // somebody builds for long
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, maxQueue)
	for range maxQueue {
		go func() {
			_, _, err := tools.Make(ctx, request(program("x")))
			ended <- err
		}()
	}
	for len(tools.queue) < maxQueue {
		time.Sleep(time.Millisecond)
	}
	if _, _, err := tools.Build(t.Context(), request(program("y"))); !errors.Is(err, ErrBusy) {
		t.Errorf("error %v, want ErrBusy", err)
	}
	cancel()
	for range maxQueue {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("one that waited: %v", err)
		}
	}
	<-tools.turn
	mustBuild(t, tools, "z")
}

func TestMake(t *testing.T) {
	tools := newTools(t, Config{})
	r := Request{Files: []File{{Name: "src/a", Content: []byte("as it is")}}, Result: "src/a"}
	result, report, err := tools.Make(t.Context(), r)
	if err != nil || report.Failed || string(result) != "as it is" {
		t.Errorf("%q, %+v, %v", result, report, err)
	}
	r.Result = "src/none"
	if _, _, err := tools.Make(t.Context(), r); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a result that is not there: %v", err)
	}
	kept, err := filepath.Glob(filepath.Join(tools.cfg.Dir, "*", "*"))
	if err != nil || len(kept) > 0 {
		t.Errorf("%q are kept, %v", kept, err)
	}
}

// TestResultIsNoLink holds that a folder whose owner is not trusted leads nowhere.
func TestResultIsNoLink(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := errors.Join(os.WriteFile(secret, []byte("s"), 0o600), os.Symlink(secret, filepath.Join(dir, "a"))); err != nil {
		t.Fatal(err)
	}
	if content, err := readResult(dir, "a"); err == nil {
		t.Errorf("it reads %q", content)
	}
}
