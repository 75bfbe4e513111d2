package computer_test

import (
	"strings"
	"testing"
	"time"

	"sandpiper/runtimes/wasm/computer"
	"sandpiper/sandbox"
	"sandpiper/sandbox/guest"
)

// TestStop checks that a stop waits for what has something to end, and not for
// shells that only wait for somebody to type.
func TestStop(t *testing.T) {
	const grace = 30 * time.Second // and no machine is so slow
	l := newLab(t, computer.Config{})
	for _, tt := range []struct {
		name  string
		begin func(t *testing.T, g guest.Guest)
		left  string // a file of its last words
	}{
		{"a new session", func(t *testing.T, g guest.Guest) { openShell(t, g) }, ""},
		{"a session between commands", func(t *testing.T, g guest.Guest) { in(t, openShell(t, g), "x=1", "") }, ""},
		{"a session with a job", func(t *testing.T, g guest.Guest) { in(t, openShell(t, g), "sleep 600 &", "") }, ""},
		{"a terminal", func(t *testing.T, g guest.Guest) { openTerminal(t, g, "/bin/bash").typing("", prompt) }, ""},
		{"a terminal with a command", func(t *testing.T, g guest.Guest) {
			tm := openTerminal(t, g, "/bin/bash")
			tm.typing("", prompt)
			tm.typing("echo on; sleep 600\r", "\r\non\r\n")
		}, ""},
		{"a command that ends in order", func(t *testing.T, g guest.Guest) {
			start(t, g, "trap 'sleep 0.2; echo bye > last; exit' TERM; : > ready; while :; do sleep 0.01; done")
		}, "last"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id := sandbox.NewID()
			spec := sandbox.Spec{ID: id, Ref: computer.Ref, Token: id}
			if err := l.Create(t.Context(), spec); err != nil {
				t.Fatal(err)
			}
			tt.begin(t, l.guest(id))
			began := time.Now()
			if err := l.Stop(t.Context(), id, grace); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took >= grace {
				t.Errorf("it took %v", took)
			}
			if tt.left == "" {
				return
			}
			if err := l.Start(t.Context(), spec); err != nil {
				t.Fatal(err)
			}
			if got := sh(t, l.guest(id), "cat "+tt.left); got.stdout != "bye\n" {
				t.Errorf("its last words are %+v", got)
			}
		})
	}
}

// start starts a script and waits until it has made the file ready.
func start(t *testing.T, g guest.Guest, script string) {
	t.Helper()
	_, err := g.Start(t.Context(), guest.Cmd{Args: []string{"/bin/bash", "-c", script}, Dir: g.Info().WorkDir, Env: g.Info().Env})
	if err != nil {
		t.Fatal(err)
	}
	if got := sh(t, g, "until test -e ready; do sleep 0.01; done; echo ready"); !strings.Contains(got.stdout, "ready") {
		t.Fatalf("%+v", got)
	}
}
