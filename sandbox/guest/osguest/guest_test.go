//go:build linux

package osguest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/guest/osguest"
)

// newGuest returns a guest over this machine that works in a folder of the test.
func newGuest(t testing.TB, cfg osguest.Config) *osguest.Guest {
	t.Helper()
	if cfg.WorkDir == "" {
		cfg.WorkDir = t.TempDir()
	}
	if cfg.Env == nil {
		cfg.Env = os.Environ()
	}
	g, err := osguest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// buffer is a bytes.Buffer for concurrent use.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// eventually waits until ok holds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain for " + what)
		}
	}
}

// run runs a program to its end.
func run(t testing.TB, g *osguest.Guest, cmd guest.Cmd) (stdout, stderr string, status guest.ExitStatus) {
	t.Helper()
	var out, errs buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if cmd.Env == nil {
		cmd.Env = g.Info().Env
	}
	p, err := g.Start(t.Context(), cmd)
	if err != nil {
		t.Fatal(err)
	}
	status, err = p.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Signal(guest.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("a signal after the end: %v", err)
	}
	return out.String(), errs.String(), status
}

func sh(script string) guest.Cmd { return guest.Cmd{Args: []string{"sh", "-c", script}} }

func TestProcesses(t *testing.T) {
	g := newGuest(t, osguest.Config{})
	for name, c := range map[string]struct {
		cmd            guest.Cmd
		stdout, stderr string
		status         guest.ExitStatus
	}{
		"streams apart":  {sh("echo out; echo err >&2; exit 3"), "out\n", "err\n", guest.ExitStatus{Code: 3}},
		"input":          {guest.Cmd{Args: []string{"cat"}, Stdin: strings.NewReader("in")}, "in", "", guest.ExitStatus{}},
		"no input":       {guest.Cmd{Args: []string{"cat"}}, "", "", guest.ExitStatus{}},
		"unread input":   {guest.Cmd{Args: []string{"true"}, Stdin: strings.NewReader(strings.Repeat("x", 1<<20))}, "", "", guest.ExitStatus{}},
		"signal":         {sh("kill -9 $$"), "", "", guest.ExitStatus{Code: 137, Signal: guest.SIGKILL}},
		"environment":    {guest.Cmd{Args: []string{"/bin/sh", "-c", "echo $A $B"}, Env: []string{"A=1", "B=2", "A=3"}}, "3 2\n", "", guest.ExitStatus{}},
		"folder":         {guest.Cmd{Args: []string{"pwd"}, Dir: "/usr"}, "/usr\n", "", guest.ExitStatus{}},
		"outliving":      {sh("sleep 60 & echo $!"), "", "", guest.ExitStatus{}},
		"late and whole": {sh("head -c 60000 /dev/zero; (sleep 60; echo late) &"), strings.Repeat("\x00", 60000), "", guest.ExitStatus{}},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, status := run(t, g, c.cmd)
			if name == "outliving" {
				stdout = ""
			}
			if stdout != c.stdout || stderr != c.stderr || status != c.status {
				t.Errorf("got %.80q %.80q %+v", stdout, stderr, status)
			}
		})
	}
}

func TestOneWriterKeepsTheOrder(t *testing.T) {
	g := newGuest(t, osguest.Config{})
	var out buffer
	cmd := sh("for i in 1 2 3; do echo o$i; echo e$i >&2; done")
	cmd.Env, cmd.Stdout, cmd.Stderr = g.Info().Env, &out, &out
	p, err := g.Start(t.Context(), cmd)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != "o1\ne1\no2\ne2\no3\ne3\n" {
		t.Errorf("got %q", got)
	}
}

func TestStartErrors(t *testing.T) {
	g := newGuest(t, osguest.Config{})
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		cmd  guest.Cmd
		want error
	}{
		"no program":      {guest.Cmd{}, fs.ErrInvalid},
		"unknown program": {guest.Cmd{Args: []string{"no-such-program"}}, fs.ErrNotExist},
		"empty path":      {guest.Cmd{Args: []string{"true"}, Env: []string{"PATH=/nowhere"}}, fs.ErrNotExist},
		"not executable":  {guest.Cmd{Args: []string{plain}}, fs.ErrPermission},
		"no folder":       {guest.Cmd{Args: []string{"true"}, Dir: "/no/such/folder"}, fs.ErrNotExist},
	} {
		if _, err := g.Start(t.Context(), c.cmd); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestContextKillsTheGroup(t *testing.T) {
	g := newGuest(t, osguest.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	pid := filepath.Join(t.TempDir(), "pid")
	cmd := sh("sleep 61 & echo $! >" + pid + "; wait")
	cmd.Env = g.Info().Env
	p, err := g.Start(ctx, cmd)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the child", func() bool { data, _ := os.ReadFile(pid); return strings.HasSuffix(string(data), "\n") })
	cancel()
	status, err := p.Wait()
	if err != nil || status.Code != 137 || status.Signal != guest.SIGKILL {
		t.Errorf("got %+v, %v", status, err)
	}
	data, _ := os.ReadFile(pid)
	eventually(t, "the end of the child", func() bool { return !alive(strings.TrimSpace(string(data))) })
}

// alive reports whether a process is there and not just waiting to be buried.
func alive(pid string) bool {
	data, err := os.ReadFile("/proc/" + pid + "/stat")
	return err == nil && !strings.Contains(string(data), ") Z ")
}

func TestTerminal(t *testing.T) {
	g := newGuest(t, osguest.Config{})
	var out buffer
	r, w := io.Pipe()
	defer w.Close()
	p, err := g.Start(t.Context(), guest.Cmd{
		Args: []string{"sh", "-c", "stty size; read line; stty size; echo got $line; exit 4"}, Env: g.Info().Env,
		TTY: &guest.WinSize{Rows: 30, Cols: 100}, Stdin: r, Stdout: &out,
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the first size", func() bool { return strings.Contains(out.String(), "30 100") })
	if err := p.Resize(guest.WinSize{Rows: 5, Cols: 7}); err != nil {
		t.Error(err)
	}
	if _, err := io.WriteString(w, "hello\n"); err != nil {
		t.Error(err)
	}
	status, err := p.Wait()
	if err != nil || status.Code != 4 {
		t.Errorf("got %+v, %v", status, err)
	}
	if got := out.String(); !strings.Contains(got, "5 7\r\n") || !strings.HasSuffix(got, "got hello\r\n") {
		t.Errorf("got %q", got)
	}
	if err := p.Resize(guest.WinSize{Rows: 1, Cols: 1}); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("a size after the end: %v", err)
	}
}

func TestTerminalIsNotHeldByDescendants(t *testing.T) {
	g := newGuest(t, osguest.Config{})
	var out buffer
	p, err := g.Start(t.Context(), guest.Cmd{
		Args: []string{"sh", "-c", "trap '' HUP; sleep 62 & echo done"}, Env: g.Info().Env, TTY: &guest.WinSize{Rows: 24, Cols: 80}, Stdout: &out,
	})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := p.Wait(); err != nil || time.Since(began) > 30*time.Second {
		t.Errorf("waited %v: %v", time.Since(began), err)
	}
	if got := out.String(); got != "done\r\n" {
		t.Errorf("got %q", got)
	}
}

// slowBuffer is a buffer that takes its first bytes only when it is told to go on.
type slowBuffer struct {
	buffer
	first       sync.Once
	shown, goOn chan struct{}
}

func (b *slowBuffer) Write(p []byte) (int, error) {
	b.first.Do(func() {
		close(b.shown)
		<-b.goOn
	})
	return b.buffer.Write(p)
}

// TestTerminalWithASlowReceiver has a terminal end while what takes its output is
// busy with the first of it: the last of it comes, too.
func TestTerminalWithASlowReceiver(t *testing.T) {
	g := newGuest(t, osguest.Config{})
	r, w := io.Pipe()
	defer w.Close()
	out := &slowBuffer{shown: make(chan struct{}), goOn: make(chan struct{})}
	p, err := g.Start(t.Context(), guest.Cmd{
		Args: []string{"sh", "-c", "echo first; read line; echo last"}, Env: g.Info().Env, TTY: &guest.WinSize{Rows: 24, Cols: 80}, Stdin: r, Stdout: out,
	})
	if err != nil {
		t.Fatal(err)
	}
	<-out.shown
	if _, err := io.WriteString(w, "\n"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end of the process", func() bool { return !alive(strconv.Itoa(p.PID())) })
	time.AfterFunc(time.Second, func() { close(out.goOn) }) // more than a terminal's last output is given
	if _, err := p.Wait(); err != nil {
		t.Error(err)
	}
	if got := out.String(); !strings.HasPrefix(got, "first\r\n") || !strings.HasSuffix(got, "last\r\n") {
		t.Errorf("got %q", got)
	}
}

func TestKillingATerminalKillsItsJobs(t *testing.T) {
	g := newGuest(t, osguest.Config{})
	var out buffer
	p, err := g.Start(t.Context(), guest.Cmd{
		Args: []string{"bash", "-c", "set -m; trap '' HUP; sleep 70 & echo job $!; wait"}, Env: g.Info().Env, TTY: &guest.WinSize{Rows: 24, Cols: 80}, Stdout: &out,
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the job", func() bool { return strings.HasSuffix(out.String(), "\r\n") })
	if err := p.Signal(guest.SIGKILL); err != nil {
		t.Error(err)
	}
	if status, err := p.Wait(); err != nil || status.Code != 137 {
		t.Errorf("got %+v, %v", status, err)
	}
	job := strings.TrimSpace(strings.TrimPrefix(out.String(), "job "))
	eventually(t, "the end of the job", func() bool { return !alive(job) })
}

func TestPorts(t *testing.T) {
	g := newGuest(t, osguest.Config{})
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Logf("%s: %v", address, err) // a machine without that protocol
			continue
		}
		defer l.Close()
		port := l.Addr().(*net.TCPAddr).Port
		ports, err := g.Ports(t.Context())
		if err != nil || !slices.Contains(ports, port) || !slices.IsSorted(ports) {
			t.Errorf("%s: port %d is not in %v: %v", address, port, ports, err)
		}
		conn, err := g.DialPort(t.Context(), port)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		_ = conn.Close()
		_ = l.Close()
		if _, err := g.DialPort(t.Context(), port); err == nil {
			t.Errorf("%s: connected to a closed port", address)
		}
	}
}

func TestInfo(t *testing.T) {
	g := newGuest(t, osguest.Config{Home: "/usr", Env: []string{"A=1", "HOME=/wrong", "USER=wrong"}})
	info := g.Info()
	if info.Home != "/usr" || info.User == "" || len(info.Shell) == 0 {
		t.Errorf("got %+v", info)
	}
	for _, want := range []string{"A=1", "HOME=/usr", "USER=" + info.User} {
		if !slices.Contains(info.Env, want) {
			t.Errorf("no %s in %v", want, info.Env)
		}
	}
	if !slices.ContainsFunc(info.Env, func(kv string) bool { return strings.HasPrefix(kv, "PATH=/") }) {
		t.Errorf("no PATH in %v", info.Env)
	}
	if _, err := osguest.New(osguest.Config{WorkDir: "relative"}); err == nil {
		t.Error("a relative folder was taken")
	}
	if _, err := osguest.New(osguest.Config{User: "no-such-user"}); err == nil {
		t.Error("an unknown user was taken")
	}
}

func TestReapOrphans(t *testing.T) {
	// Only the first process of a container gets orphans, so this looks only at
	// what must not happen: the exit codes of others are not stolen.
	g := newGuest(t, osguest.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { g.ReapOrphans(ctx); close(done) }()
	for range 20 {
		if _, _, status := run(t, g, sh("exit 7")); status.Code != 7 {
			t.Errorf("got %+v", status)
		}
	}
	cancel()
	<-done
}

func BenchmarkTrue(b *testing.B) {
	g := newGuest(b, osguest.Config{})
	for b.Loop() {
		p, err := g.Start(b.Context(), guest.Cmd{Args: []string{"/bin/true"}, Env: g.Info().Env, Stdout: io.Discard, Stderr: io.Discard})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := p.Wait(); err != nil {
			b.Fatal(err)
		}
	}
}
