package computer_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sandpiper/runtimes/wasm/computer"
	"sandpiper/sandbox/guest"
)

// shells waits until as many shells are there and rest.
func (l *lab) shells(t *testing.T, live, resting int) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		gotLive, gotResting := l.Shells()
		if gotLive == live && gotResting == resting {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d shells, %d of them rest; want %d and %d", gotLive, gotResting, live, resting)
		}
	}
}

// restLab is an engine whose shells rest until the end of the test. It has no spares.
func restLab(t *testing.T) *lab {
	t.Helper()
	l := newLab(t, computer.Config{Spares: -1})
	l.RestFor(time.Hour)
	return l
}

// boxAtRest creates a sandbox whose shell has run a command.
func (l *lab) boxAtRest(t *testing.T) guest.Guest {
	t.Helper()
	g := l.box(t)
	sh(t, g, "true")
	l.shells(t, 1, 1)
	return g
}

// TestShellIsUsedAgain runs more commands in one shell than it has descriptors, of
// all kinds that open some.
func TestShellIsUsedAgain(t *testing.T) {
	l := restLab(t)
	g := l.box(t)
	for i := range 120 {
		for _, test := range []struct{ script, stdin, stdout, stderr string }{
			{script: "true"},
			{script: "echo $x; x=1; exit 3", stdout: "\n"},
			{script: "nothing-like-it", stderr: "bash: nothing-like-it: command not found\n"},
			{script: "printf 'b\na\n' | sort | tee out | tail -n 1; cat <out", stdout: "b\na\nb\n"},
			{script: "cat <<E\n$(echo here)\nE\nread y <<<there; echo $y", stdout: "here\nthere\n"},
			{script: "diff <(echo 1) <(echo 1) && cat <(echo two)", stdout: "two\n"},
			{script: "cat; (exit 4) & wait $!; echo $?", stdin: "input", stdout: "input4\n"},
			{script: "head -n 1", stdin: "first\n" + strings.Repeat("more\n", 1000), stdout: "first\n"},
		} {
			if got := run(t, g, test.stdin, "/bin/bash", "-c", test.script); got.stdout != test.stdout || got.stderr != test.stderr {
				t.Fatalf("time %d, %q: %+v", i, test.script, got)
			}
			l.shells(t, 1, 1)
		}
	}
}

// What a command did in its shell is not to be seen by the next one.
func TestUsedShellIsAsNew(t *testing.T) {
	const script = `echo "${x-unset} $? [$!] $#"; jobs; set | grep -c '^x='; alias; trap; shopt -p nullglob; pwd; f; cat; ls -A /tmp; false; echo on`
	l := restLab(t)
	g := l.box(t)
	fresh := sh(t, g, script)
	l.shells(t, 1, 1)
	run(t, g, "left over", "/bin/bash", "-c", `export x=1; alias ll=ls; trap 'echo trapped' EXIT USR1; shopt -s nullglob; f() { echo called; }; cd /tmp; set -eu -o pipefail; (exit 7) & wait $!`)
	l.shells(t, 1, 1)
	if used := sh(t, g, script); used != fresh {
		t.Errorf("a used shell says %+v, a new one %+v", used, fresh)
	}
}

// A shell rests for its own sandbox, and not for long.
func TestShellRests(t *testing.T) {
	l := newLab(t, computer.Config{Spares: -1})
	l.RestFor(300 * time.Millisecond)
	one, other := l.box(t), l.box(t)
	sh(t, one, "true")
	l.shells(t, 1, 1)
	p, err := other.Start(t.Context(), guest.Cmd{Args: []string{"sleep", "60"}, Dir: "/"})
	if err != nil {
		t.Fatal(err)
	}
	if live, _ := l.Shells(); live != 2 {
		t.Errorf("%d shells for two sandboxes", live)
	}
	l.shells(t, 1, 0)
	if err := p.Signal(guest.SIGKILL); err != nil {
		t.Fatal(err)
	}
	l.shells(t, 0, 0)
}

// A shell that has left something does not rest: it is there for that, and goes.
func TestShellThatLeftSomething(t *testing.T) {
	for name, script := range map[string]string{
		"memory": "x=$(head -c 40000000 /dev/zero | tr '\\0' x); echo ${#x} >/dev/null",
		"pipe":   "echo <(echo never read) >/dev/null",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := restLab(t)
			if got := sh(t, l.box(t), script); got.code != 0 {
				t.Errorf("%+v", got)
			}
			l.shells(t, 0, 0)
		})
	}
	t.Run("job", func(t *testing.T) {
		t.Parallel()
		l := restLab(t)
		g := l.box(t)
		if got := sh(t, g, "(until [ -e go ]; do sleep 0.01; done; echo ended >end) & echo begun"); got.stdout != "begun\n" {
			t.Errorf("%+v", got)
		}
		l.shells(t, 1, 0)
		if got := sh(t, g, "touch go; until [ -s end ]; do sleep 0.01; done; cat end"); got.stdout != "ended\n" {
			t.Errorf("%+v", got)
		}
		l.shells(t, 2, 2)
	})
}

// A signal that comes when its process has just ended does not reach the command
// that has the shell next.
func TestSignalOfTheCommandBefore(t *testing.T) {
	l := restLab(t)
	g := l.box(t)
	for i := range 60 {
		p, err := g.Start(t.Context(), guest.Cmd{Args: []string{"true"}, Dir: "/"})
		if err != nil {
			t.Fatal(err)
		}
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			for signal := []guest.Signal{guest.SIGKILL, guest.SIGTERM}[i%2]; ; {
				_ = p.Signal(signal) // it has ended, or not
				select {
				case <-stop:
					return
				default:
				}
			}
		}()
		if i%4 > 1 {
			time.Sleep(time.Duration(i) * 60 * time.Microsecond) // the signals may meet its end
		}
		if _, err := p.Wait(); err != nil {
			t.Fatal(err)
		}
		if got := sh(t, g, fmt.Sprintf("echo %d", i)); got.stdout != fmt.Sprintln(i) || got.code != 0 {
			t.Errorf("after a signal for another: %+v", got)
		}
		close(stop)
		<-stopped
	}
}

// A sandbox that stops takes its shells along.
func TestStopEndsRestingShells(t *testing.T) {
	l := restLab(t)
	l.boxAtRest(t)
	found, err := l.List(t.Context())
	if err != nil || len(found) != 1 {
		t.Fatalf("%v, %v", found, err)
	}
	if err := l.Stop(t.Context(), found[0].ID, time.Minute); err != nil {
		t.Fatal(err)
	}
	l.shells(t, 0, 0)
}

// A terminal may have a shell that has run commands; it goes with the terminal.
func TestTerminalInUsedShell(t *testing.T) {
	l := restLab(t)
	g := l.boxAtRest(t)
	var out safeBuffer
	p, err := g.Start(t.Context(), guest.Cmd{
		Args: []string{"/bin/bash"}, Dir: "/tmp", Env: g.Info().Env, TTY: &guest.WinSize{Rows: 24, Cols: 80},
		Stdin: strings.NewReader("pwd; exit 3\n"), Stdout: &out,
	})
	if err != nil {
		t.Fatal(err)
	}
	if live, resting := l.Shells(); live != 1 || resting != 0 {
		t.Errorf("%d shells, %d rest", live, resting)
	}
	if status, err := p.Wait(); err != nil || status.Code != 3 || !strings.Contains(out.String(), "\n/tmp\r\n") {
		t.Errorf("%+v, %v, %q", status, err, out.String())
	}
	l.shells(t, 0, 0)
}
