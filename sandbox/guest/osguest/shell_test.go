//go:build linux

package osguest_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/guest/osguest"
)

func openShell(t testing.TB, g *osguest.Guest) guest.Shell {
	t.Helper()
	s, err := g.OpenShell(t.Context(), guest.ShellConfig{Dir: g.Info().WorkDir, Env: g.Info().Env})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// in runs a script in a shell.
func in(t testing.TB, s guest.Shell, script string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs buffer
	code, err := s.Run(t.Context(), script, guest.ShellIO{Stdout: &out, Stderr: &errs})
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return out.String(), errs.String(), code
}

func TestShell(t *testing.T) {
	g := newGuest(t, osguest.Config{})
	s := openShell(t, g)
	for _, step := range []struct {
		script, stdout, stderr string
		code                   int
	}{
		{"echo out; echo err >&2; (exit 3)", "out\n", "err\n", 3},
		{"cd /usr; export A=1; B=2; f() { echo f$1; }", "", "", 0},
		{"pwd; echo $A$B; f 5; sh -c 'echo $A'", "/usr\n12\nf5\n1\n", "", 0},
		{"cat <<EOF\nhere $A\nEOF", "here 1\n", "", 0},
		{"cat", "", "", 0},
		{"printf 'no newline'", "no newline", "", 0},
		{"return 5", "", "", 5},
		{"", "", "", 0},
		{"# only a comment", "", "", 0},
		{"printf() { :; }; echo still", "still\n", "", 0},
		{"sleep 63 &", "", "", 0},
		{"printf '\\001\\000\\377'", "", "", 0}, // the user's own function
		{"unset -f printf; printf '\\001\\000\\377'", "\x01\x00\xff", "", 0},
		{"trap 'echo bye' EXIT; exit 9", "bye\n", "", 9},
	} {
		stdout, stderr, code := in(t, s, step.script)
		if stdout != step.stdout || stderr != step.stderr || code != step.code {
			t.Errorf("%s: got %q %q %d", step.script, stdout, stderr, code)
		}
	}
	if _, err := s.Run(t.Context(), "echo", guest.ShellIO{}); !errors.Is(err, guest.ErrShellEnded) {
		t.Errorf("after the end: %v", err)
	}
}

func TestShellSurvivesSyntaxErrors(t *testing.T) {
	s := openShell(t, newGuest(t, osguest.Config{}))
	if _, stderr, code := in(t, s, "echo 'open"); code == 0 || stderr == "" {
		t.Errorf("got %q %d", stderr, code)
	}
	if _, stderr, code := in(t, s, "if then"); code == 0 || stderr == "" {
		t.Errorf("got %q %d", stderr, code)
	}
	if stdout, _, code := in(t, s, "echo alive"); stdout != "alive\n" || code != 0 {
		t.Errorf("got %q %d", stdout, code)
	}
}

func TestShellErrexit(t *testing.T) {
	s := openShell(t, newGuest(t, osguest.Config{}))
	if stdout, _, code := in(t, s, "set -e; echo one; false; echo two"); stdout != "one\n" || code != 1 {
		t.Errorf("got %q %d", stdout, code)
	}
}

func TestShellInput(t *testing.T) {
	s := openShell(t, newGuest(t, osguest.Config{}))
	r, w := io.Pipe()
	var out buffer
	done := make(chan int, 1)
	go func() {
		code, err := s.Run(t.Context(), "read a; echo got $a; cat; exit 2", guest.ShellIO{Stdin: r, Stdout: &out, Stderr: &out})
		if err != nil {
			t.Error(err)
		}
		done <- code
	}()
	_, _ = io.WriteString(w, "one\n")
	eventually(t, "an answer", func() bool { return out.String() == "got one\n" })
	_, _ = io.WriteString(w, "two\n")
	eventually(t, "an answer", func() bool { return strings.HasSuffix(out.String(), "two\n") })
	_ = w.Close()
	if code := <-done; code != 2 {
		t.Errorf("got %d", code)
	}
}

func TestShellInputThatNobodyReads(t *testing.T) {
	s := openShell(t, newGuest(t, osguest.Config{}))
	if _, err := s.Run(t.Context(), "true", guest.ShellIO{Stdin: strings.NewReader(strings.Repeat("x", 1<<20))}); err != nil {
		t.Error(err)
	}
	if stdout, _, _ := in(t, s, "echo next"); stdout != "next\n" {
		t.Errorf("got %q", stdout)
	}
}

func TestShellFlood(t *testing.T) {
	s := openShell(t, newGuest(t, osguest.Config{}))
	var n counter
	const size = 100 << 20
	code, err := s.Run(t.Context(), "head -c 104857600 /dev/zero", guest.ShellIO{Stdout: &n})
	if err != nil || code != 0 || n != size {
		t.Errorf("got %d bytes, code %d, %v", n, code, err)
	}
}

type counter int

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }

// onWrite is a writer that does something when it is written to.
type onWrite func()

func (f onWrite) Write(p []byte) (int, error) { f(); return len(p), nil }

func TestShellCancel(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		stays  bool
	}{
		"a process":  {"echo x; sleep 64; echo $?", true},
		"a pipeline": {"echo x; sleep 65 | sleep 66", true},
		"the shell":  {"echo x; while :; do :; done", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openShell(t, newGuest(t, osguest.Config{}))
			in(t, s, "sleep 67 & bg=$!; V=5")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if _, err := s.Run(ctx, c.script, guest.ShellIO{Stdout: onWrite(cancel)}); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			code, err := s.Run(t.Context(), "test $V = 5 && kill -0 $bg", guest.ShellIO{})
			if c.stays && (code != 0 || err != nil) {
				t.Errorf("the shell or its background process is lost: %d, %v", code, err)
			}
			if !c.stays && !errors.Is(err, guest.ErrShellEnded) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestShellCloseKillsWhatItStarted(t *testing.T) {
	g := newGuest(t, osguest.Config{})
	s := openShell(t, g)
	stdout, _, _ := in(t, s, "sleep 68 & echo $!; setsid sleep 69 & echo $!")
	pids := strings.Fields(stdout)
	if len(pids) != 2 {
		t.Fatalf("got %q", stdout)
	}
	eventually(t, "both", func() bool { return alive(pids[0]) && alive(pids[1]) })
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	eventually(t, "their end", func() bool { return !alive(pids[0]) && !alive(pids[1]) })
	if _, err := s.Run(t.Context(), "true", guest.ShellIO{}); !errors.Is(err, guest.ErrShellEnded) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkShell(b *testing.B) {
	s := openShell(b, newGuest(b, osguest.Config{}))
	for b.Loop() {
		if _, err := s.Run(b.Context(), "true", guest.ShellIO{Stdout: io.Discard, Stderr: io.Discard}); err != nil {
			b.Fatal(err)
		}
	}
}
