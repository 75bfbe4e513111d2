package computer_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sandpiper/runtimes/wasm"
	"sandpiper/runtimes/wasm/computer"
	"sandpiper/runtimes/wasm/worker"
	"sandpiper/sandbox/guest"
)

// children returns the process ids of this process's workers.
func children(t testing.TB) map[int]bool {
	t.Helper()
	found := map[int]bool{}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		t.Skip("this system does not show processes")
	}
	for _, file := range stats {
		b, _ := os.ReadFile(file) // it may have ended
		_, rest, _ := strings.Cut(string(b), ") ")
		fields := strings.Fields(rest)
		args, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		if len(fields) > 1 && fields[1] == strconv.Itoa(os.Getpid()) && strings.HasSuffix(string(args), "\x00"+workerCommand+"\x00") {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			found[pid] = true
		}
	}
	return found
}

// ownPool starts a worker for one test, and returns its process id.
func ownPool(t *testing.T) (*worker.Pool, int) {
	t.Helper()
	before := children(t)
	p, err := worker.New(t.Context(), worker.Config{Args: []string{workerCommand}, Dir: filepath.Join(t.TempDir(), "workers"), Only: []string{"lua"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	for pid := range children(t) {
		if !before[pid] {
			return p, pid
		}
	}
	t.Fatal("there is no new worker")
	return nil, 0
}

// TestWorkerDies kills the worker while programs of two sandboxes run, one from a
// shell and one from the toolbox: they end as killed processes do, the shell says why
// and goes on, and what runs next has a new worker.
func TestWorkerDies(t *testing.T) {
	p, pid := ownPool(t)
	l := newLab(t, computer.Config{Languages: p})
	shell, toolbox := l.box(t), l.box(t)
	const loop = `io.stdout:setvbuf("no") io.open("begun", "w"):close() while true do end`
	var outs, errs [2]safeBuffer
	start := func(i int, g guest.Guest, args ...string) guest.Process {
		started, err := g.Start(t.Context(), guest.Cmd{Args: args, Dir: g.Info().WorkDir, Env: g.Info().Env, Stdout: &outs[i], Stderr: &errs[i]})
		if err != nil {
			t.Fatal(err)
		}
		return started
	}
	processes := []guest.Process{
		start(0, shell, "bash", "-c", fmt.Sprintf("lua -e '%s'; echo code $?; lua -e 'print(1)'", loop)),
		start(1, toolbox, "lua", "-e", loop),
	}
	for _, g := range []guest.Guest{shell, toolbox} {
		awaitFile(t, g, g.Info().WorkDir+"/begun")
	}
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		code   int
		stdout string
	}{{0, "code 137\n1\n"}, {137, ""}} {
		status, err := processes[i].Wait()
		if err != nil || status.Code != want.code || outs[i].String() != want.stdout {
			t.Errorf("%d: %+v, %v, %q", i, status, err, outs[i].String())
		}
		if text := errs[i].String(); strings.Count(text, "sandpiper: The worker process that ran this ended (killed by SIGKILL)") != 1 {
			t.Errorf("%d: standard error is %q", i, text)
		}
	}
	if got := run(t, toolbox, "", "lua", "-e", "print(2)"); got.stdout != "2\n" {
		t.Errorf("the next program: %+v", got)
	}
}

// TestPoolCloses ends a program with the server.
func TestPoolCloses(t *testing.T) {
	p, _ := ownPool(t)
	g := newLab(t, computer.Config{Languages: p}).box(t)
	var out safeBuffer
	started, err := g.Start(t.Context(), guest.Cmd{Args: []string{"lua", "-e", "while true do end"}, Dir: "/tmp", Env: g.Info().Env, Stderr: &out})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if status, err := started.Wait(); err != nil || status.Code == 0 {
		t.Errorf("%+v, %v, %q", status, err, out.String())
	}
	if got := run(t, g, "", "lua", "-e", "print(1)"); got.code != 126 || !strings.Contains(got.stderr, "shutting down") {
		t.Errorf("without a pool: %+v", got)
	}
}

// TestSameFiles has the server, a shell and a program in a worker change the same
// files at the same time: each sees what the others did at once.
func TestSameFiles(t *testing.T) {
	g := newLab(t, computer.Config{}).box(t)
	got := sh(t, g, `echo one > f
lua -e '
local function show() local f = io.open("f"); print(f:read("*a")); f:close() end
show()
local f = io.open("f", "a"); f:write("two\n"); f:flush()
print(io.read())
show()
f:write("four\n"); f:close()' < <(until grep -q two f; do sleep 0.01; done; echo three >> f; echo go)
cat f; stat -c %s f; ln -s f link; lua -e 'for l in io.lines("link") do io.write(l, " ") end'
lua -e 'print(os.rename("f", "g"), os.remove("link"))'; ls`)
	if want := "one\n\ngo\none\ntwo\nthree\n\none\ntwo\nthree\nfour\n19\none two three four true\ttrue\ng\n"; got.stdout != want {
		t.Errorf("%+v, want %q", got, want)
	}
	m, err := g.Metrics(t.Context())
	if err != nil || m.DiskBytes < 19 || m.DiskBytes > 10_000 {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestProgramUsage checks that a program in a worker is in the sandbox's figures.
func TestProgramUsage(t *testing.T) {
	g := newLab(t, computer.Config{}).box(t)
	before, err := g.Metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	started, err := g.Start(ctx, guest.Cmd{Args: []string{"python3", "-c", "x = bytearray(100 << 20)\nwhile True: pass"}, Dir: "/", Env: g.Info().Env})
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		now, err := g.Metrics(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if now.MemoryBytes > before.MemoryBytes+100<<20 && now.CPUSeconds > before.CPUSeconds+0.2 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%+v, before it %+v", now, before)
		}
	}
	cancel()
	if _, err := started.Wait(); err != nil {
		t.Fatal(err)
	}
	after, err := g.Metrics(t.Context())
	if err != nil || after.MemoryBytes > before.MemoryBytes+50<<20 || after.CPUSeconds < before.CPUSeconds+0.2 {
		t.Errorf("afterwards %+v, %v, before %+v", after, err, before)
	}
}

// TestInProcess runs programs without workers.
func TestInProcess(t *testing.T) {
	e, err := wasm.New(wasm.Config{CacheDir: t.TempDir(), RunDir: t.TempDir(), Only: []string{"lua"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	g := newLab(t, computer.Config{Languages: e}).box(t)
	if got := sh(t, g, "echo in | lua -e 'local f = io.open(\"f\", \"w\"); f:write(io.read()); f:close(); os.exit(3)'; echo $?; cat f"); got.stdout != "3\nin" {
		t.Errorf("%+v", got)
	}
	if got := sh(t, g, "lua -e 'while true do print(1) end' | head -2"); !strings.HasPrefix(got.stdout, "1\n1\n") {
		t.Errorf("%+v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	started, err := g.Start(ctx, guest.Cmd{Args: []string{"lua", "-e", "while true do end"}, Dir: "/", Env: g.Info().Env})
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(200*time.Millisecond, cancel)
	if status, err := started.Wait(); err != nil || status.Code != 137 {
		t.Errorf("%+v, %v", status, err)
	}
}
