//go:build linux

package session_test

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/guest/osguest"
	"sandpiper/sandbox/session"
)

func newManager(t *testing.T) *session.Manager {
	t.Helper()
	g, err := osguest.New(osguest.Config{Home: t.TempDir(), WorkDir: t.TempDir(), Env: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	m := session.New(g)
	t.Cleanup(func() {
		m.Close()
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func create(t *testing.T, m *session.Manager, id string) *session.Session {
	t.Helper()
	s, err := m.Create(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func exec(t *testing.T, s *session.Session, script string, o session.Options) *session.Command {
	t.Helper()
	c, err := s.Exec(script, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// finish waits for a command and returns its output and exit code.
func finish(t *testing.T, c *session.Command) (stdout, stderr string, code int) {
	t.Helper()
	select {
	case <-c.Done():
	case <-time.After(time.Minute):
		t.Fatalf("%s does not end", c.Script)
	}
	code, _ = c.ExitCode()
	return text(c.Log(), session.Stdout), text(c.Log(), session.Stderr), code
}

func text(l *session.Log, s session.Stream) string {
	var b strings.Builder
	chunks, _ := l.Pieces()
	for _, c := range chunks {
		if c.Stream == s {
			b.Write(c.Data)
		}
	}
	return b.String()
}

// eventually waits until ok holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain for " + what)
		}
	}
}

func TestCommandsOfASession(t *testing.T) {
	m := newManager(t)
	s := create(t, m, "one")
	finish(t, exec(t, s, "cd /usr; V=1", session.Options{}))
	stdout, stderr, code := finish(t, exec(t, s, "pwd; echo $V >&2; (exit 4)", session.Options{}))
	if stdout != "/usr\n" || stderr != "1\n" || code != 4 {
		t.Errorf("got %q %q %d", stdout, stderr, code)
	}
	first := exec(t, s, "sleep 0.2; echo first", session.Options{})
	second := exec(t, s, "echo second", session.Options{})
	if stdout, _, _ := finish(t, second); stdout != "second\n" {
		t.Errorf("got %q", stdout)
	}
	if _, ended := first.ExitCode(); !ended {
		t.Error("the second command ended before the first")
	}
	if got := s.Commands(); len(got) != 4 || got[2] != first {
		t.Errorf("got %v", got)
	}
	if c, err := s.Command(first.ID); c != first || err != nil {
		t.Errorf("got %v, %v", c, err)
	}
	if _, err := s.Command("no"); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestSessions(t *testing.T) {
	m := newManager(t)
	b := create(t, m, "b")
	create(t, m, "a")
	for id, want := range map[string]error{"a": session.ErrExists, "": session.ErrBadID, "x/y": session.ErrBadID, "entrypoint": session.ErrExists} {
		if _, err := m.Create(t.Context(), id); !errors.Is(err, want) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if all := m.Sessions(); len(all) != 2 || all[0].ID != "a" {
		t.Errorf("got %v", all)
	}
	c := exec(t, b, "sleep 71", session.Options{})
	if err := m.Delete("b"); err != nil {
		t.Error(err)
	}
	finish(t, c)
	if _, err := m.Session("b"); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if err := m.Delete("b"); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if _, err := b.Exec("true", session.Options{}); !errors.Is(err, session.ErrEnded) {
		t.Errorf("got %v", err)
	}
	m.Close()
	if _, err := m.Create(t.Context(), "c"); !errors.Is(err, session.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestSessionWhoseShellExits(t *testing.T) {
	s := create(t, newManager(t), "one")
	if _, _, code := finish(t, exec(t, s, "exit 3", session.Options{})); code != 3 {
		t.Errorf("got %d", code)
	}
	c := exec(t, s, "true", session.Options{})
	if _, stderr, code := finish(t, c); code != -1 || !errors.Is(c.Err(), session.ErrEnded) || stderr == "" {
		t.Errorf("got %d, %q, %v", code, stderr, c.Err())
	}
	eventually(t, "the end of the session", func() bool {
		_, err := s.Exec("true", session.Options{})
		return errors.Is(err, session.ErrEnded)
	})
}

func TestCommandInput(t *testing.T) {
	s := create(t, newManager(t), "one")
	c := exec(t, s, "read a; echo got $a", session.Options{Input: true})
	if err := c.Send(t.Context(), []byte("hello\n")); err != nil {
		t.Error(err)
	}
	if stdout, _, _ := finish(t, c); stdout != "hello\ngot hello\n" {
		t.Errorf("got %q", stdout)
	}
	if err := c.Send(t.Context(), []byte("late")); !errors.Is(err, session.ErrCompleted) {
		t.Errorf("got %v", err)
	}
	c = exec(t, s, "read a; echo got $a", session.Options{Input: true, Quiet: true})
	if err := c.Send(t.Context(), []byte("secret\n")); err != nil {
		t.Error(err)
	}
	if stdout, _, _ := finish(t, c); stdout != "got secret\n" {
		t.Errorf("got %q", stdout)
	}
	c = exec(t, s, "sleep 73", session.Options{})
	if err := c.Send(t.Context(), []byte("x")); !errors.Is(err, session.ErrNoInput) {
		t.Errorf("got %v", err)
	}
}

func TestFlood(t *testing.T) {
	s := create(t, newManager(t), "one")
	c := exec(t, s, "head -c 50000000 /dev/zero; echo end", session.Options{})
	stdout, _, _ := finish(t, c)
	start, end := c.Log().Bounds()
	if end != 50000004 || start == 0 || !strings.HasSuffix(stdout, "\x00end\n") || int64(len(stdout)) != end-start {
		t.Errorf("%d bytes, from %d to %d", len(stdout), start, end)
	}
}

func TestPTY(t *testing.T) {
	m := newManager(t)
	p, err := m.CreatePTY(session.PTYConfig{ID: "t", Env: map[string]string{"V": "5", "PS1": "$ "}, Size: guest.WinSize{Rows: 24, Cols: 80}, Lazy: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Resize(guest.WinSize{Rows: 33, Cols: 44}); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := p.Start(); err != nil {
			t.Error(err)
		}
	}
	type_ := func(s string) {
		if err := p.Write(t.Context(), []byte(s)); err != nil {
			t.Error(err)
		}
	}
	type_("stty size; echo v$V\n")
	eventually(t, "the size", func() bool { return strings.Contains(text(p.Log(), session.Stdout), "33 44\r\nv5") })
	if err := p.Resize(guest.WinSize{Rows: 10, Cols: 20}); err != nil || p.WinSize().Rows != 10 {
		t.Error(err)
	}
	type_("stty size; exit 6\n")
	<-p.Done()
	if code, reason := p.Exit(); code != 6 || reason == "" || !strings.Contains(text(p.Log(), session.Stdout), "10 20") {
		t.Errorf("got %d, %q", code, reason)
	}
	if err := p.Resize(guest.WinSize{Rows: 1, Cols: 1}); !errors.Is(err, session.ErrEnded) {
		t.Errorf("got %v", err)
	}
	if err := p.Write(t.Context(), []byte("x")); !errors.Is(err, session.ErrEnded) {
		t.Errorf("got %v", err)
	}
	if all := m.PTYs(); len(all) != 1 || all[0] != p || p.Active() {
		t.Errorf("got %v", all)
	}
}

func TestKillPTY(t *testing.T) {
	m := newManager(t)
	for _, lazy := range []bool{true, false} {
		p, err := m.CreatePTY(session.PTYConfig{ID: "t", Size: guest.WinSize{Rows: 24, Cols: 80}, Lazy: lazy})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.CreatePTY(session.PTYConfig{ID: "t"}); !errors.Is(err, session.ErrExists) {
			t.Errorf("got %v", err)
		}
		if err := m.DeletePTY("t"); err != nil {
			t.Error(err)
		}
		if code, reason := p.Exit(); code != 137 || reason != "the terminal was killed" {
			t.Errorf("got %d, %q", code, reason)
		}
		if err := m.DeletePTY("t"); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	}
}

func TestOldTerminalsAreForgotten(t *testing.T) {
	m := newManager(t)
	for i := range 130 {
		id := "t" + strings.Repeat("x", i)
		p, err := m.CreatePTY(session.PTYConfig{ID: id, Size: guest.WinSize{Rows: 24, Cols: 80}, Dir: "/no/such/folder", Lazy: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Start(); err == nil {
			t.Fatal("a shell started nowhere")
		}
	}
	if all := m.PTYs(); len(all) != 128 || all[0].ID != "txx" {
		t.Errorf("%d terminals are left", len(all))
	}
}

func TestEntrypoint(t *testing.T) {
	m := newManager(t)
	if m.Entrypoint() != nil {
		t.Error("there is a main process already")
	}
	c, err := m.StartEntrypoint([]string{"sh", "-c", "echo out; echo err >&2; exit 5"})
	if err != nil || m.Entrypoint() != c {
		t.Fatal(err)
	}
	if stdout, stderr, code := finish(t, c); stdout != "out\n" || stderr != "err\n" || code != 5 {
		t.Errorf("got %q %q %d", stdout, stderr, code)
	}
	if _, err := m.StartEntrypoint([]string{"true"}); err == nil {
		t.Error("a second main process was started")
	}
	other := newManager(t)
	if _, err := other.StartEntrypoint([]string{"no-such-program"}); err == nil {
		t.Error("a missing program was started")
	}
	if code, ended := other.Entrypoint().ExitCode(); code != -1 || !ended {
		t.Errorf("got %d, %v", code, ended)
	}
}

func TestCloseKillsTheMainProcess(t *testing.T) {
	m := newManager(t)
	c, err := m.StartEntrypoint([]string{"sleep", "72"})
	if err != nil {
		t.Fatal(err)
	}
	r := c.Log().Reader(0)
	defer r.Close()
	m.Close()
	if _, _, err := r.Next(context.Background()); !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}
