package computer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"sandpiper/runtimes/wasm/computer"
	"sandpiper/sandbox/guest"
)

// openShell opens a shell that is closed at the end of the test.
func openShell(t *testing.T, g guest.Guest) guest.Shell {
	t.Helper()
	s, err := g.OpenShell(t.Context(), guest.ShellConfig{Dir: g.Info().WorkDir, Env: g.Info().Env})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// in runs a script in a shell.
func in(t *testing.T, s guest.Shell, script, stdin string) result {
	t.Helper()
	var stdout, stderr safeBuffer
	code, err := s.Run(t.Context(), script, guest.ShellIO{Stdin: strings.NewReader(stdin), Stdout: &stdout, Stderr: &stderr})
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return result{stdout.String(), stderr.String(), code}
}

func TestSession(t *testing.T) {
	g := newLab(t, computer.Config{}).box(t)
	s := openShell(t, g)
	for _, tt := range []struct {
		script, stdin, stdout string
		code                  int
	}{
		{"x=1; mkdir d; cd d", "", "", 0},
		{"echo $x; pwd", "", "1\n/home/daytona/d\n", 0},
		{"f() { echo called $1; }", "", "", 0},
		{"f again", "", "called again\n", 0},
		{"false", "", "", 1},
		{"echo $?", "", "1\n", 0},
		{"read line; echo got $line", "typed\n", "got typed\n", 0},
		{"export Y=2; bash -c 'echo $Y'", "", "2\n", 0},
		{"if then", "", "", 2},
		{"set -e; true", "", "", 0},
		{"set +e; ls | wc -l", "", "0\n", 0},
		{"python3 -c 'import os; print(os.getcwd())'", "", "/home/daytona/d\n", 0},
		{"sleep 0.2 & echo started", "", "started\n", 0},
		{"wait; echo waited", "", "waited\n", 0},
		{"", "", "", 0},
		{"cat <<E\nmany\nlines\nE", "", "many\nlines\n", 0},
		{"exit 7", "", "", 7},
	} {
		if got := in(t, s, tt.script, tt.stdin); got.stdout != tt.stdout || got.code != tt.code {
			t.Errorf("%s: %+v, want %q, %d", tt.script, got, tt.stdout, tt.code)
		}
	}
	if _, err := s.Run(t.Context(), "echo", guest.ShellIO{}); !errors.Is(err, guest.ErrShellEnded) {
		t.Errorf("after exit: %v", err)
	}
}

// TestSessionCancel ends commands and keeps the shell.
func TestSessionCancel(t *testing.T) {
	g := newLab(t, computer.Config{}).box(t)
	s := openShell(t, g)
	in(t, s, "kept=yes", "")
	for _, script := range []string{"sleep 60", "while :; do :; done", "cat", "python3 -c 'while True: pass'", "sleep 60 | cat", "yes > /dev/null"} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		r, w := io.Pipe()
		began := time.Now()
		code, err := s.Run(ctx, script, guest.ShellIO{Stdin: r})
		cancel()
		_ = w.Close()
		if took := time.Since(began); took > patience/2 || code == 0 || err != nil {
			t.Errorf("%s: code %d, %v after %v", script, code, err, took)
		}
		if got := in(t, s, "echo $kept", ""); got.stdout != "yes\n" {
			t.Fatalf("after %s, which took %v: %+v", script, time.Since(began), got)
		}
	}
}

func TestSessionBackgroundOutlivesCommand(t *testing.T) {
	g := newLab(t, computer.Config{}).box(t)
	s := openShell(t, g)
	in(t, s, "(until test -e go; do sleep 0.01; done; echo late > late.txt) &", "") // it holds its command up or not
	if in(t, s, "ls late.txt", "").code == 0 {
		t.Error("a background job did not wait")
	}
	if got := in(t, s, ": > go; wait; cat late.txt", ""); got.stdout != "late\n" {
		t.Errorf("%+v", got)
	}
	if got := sh(t, g, "nohup sleep 30 > /dev/null 2>&1 & echo away"); got.stdout != "away\n" {
		t.Errorf("%+v", got)
	}
	if got := sh(t, g, "ps -ef | grep -c '[s]leep 30'; pkill -f '[s]leep 30'; while ps -ef | grep -q '[s]leep 30'; do sleep 0.01; done; echo gone"); got.stdout != "1\ngone\n" {
		t.Errorf("%+v", got)
	}
}

// terminal is a process with a terminal, typed at by a test.
type terminal struct {
	t    *testing.T
	keys io.WriteCloser
	out  safeBuffer
	p    guest.Process
}

func openTerminal(t *testing.T, g guest.Guest, args ...string) *terminal {
	t.Helper()
	r, w := io.Pipe()
	tm := &terminal{t: t, keys: w}
	var err error
	tm.p, err = g.Start(t.Context(), guest.Cmd{
		Args: args, Dir: g.Info().WorkDir, Env: append(g.Info().Env, "TERM=xterm-256color"), Stdin: r, Stdout: &tm.out, TTY: &guest.WinSize{Rows: 24, Cols: 80},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = tm.p.Signal(guest.SIGKILL)
		_ = w.Close()
	})
	return tm
}

// typing types keys and waits until the screen has shown a text after what it had
// shown before.
func (tm *terminal) typing(keys, want string) {
	tm.t.Helper()
	before := len(tm.out.String())
	if _, err := io.WriteString(tm.keys, keys); err != nil {
		tm.t.Fatal(err)
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if strings.Contains(tm.out.String()[before:], want) {
			return
		}
	}
	tm.t.Fatalf("typed %q, waited for %q, the screen is %q", keys, want, tm.out.String())
}

const prompt = "daytona@wasm:~$ "

func TestTerminal(t *testing.T) {
	g := newLab(t, computer.Config{}).box(t)
	tm := openTerminal(t, g, "/bin/bash")
	tm.typing("", prompt)
	tm.typing("echo hel", "hel")
	tm.typing("lo\r", "\r\nhello\r\n"+prompt)
	tm.typing("cd /tmp\r", "daytona@wasm:/tmp$ ")
	tm.typing("cd\r", prompt)
	tm.typing("\x1b[A\x1b[A\x1b[A\r", "\r\nhello\r\n") // two lines up in the history
	tm.typing("for i in 1 2; do\r", "> ")
	tm.typing("echo n$i; done\r", "n1\r\nn2\r\n"+prompt)
	tm.typing("echo ab\x7fc\r", "\r\nac\r\n")
	tm.typing("sleep 60\r", "\r\n")
	tm.typing("\x03", "^C")
	tm.typing("echo $?\r", "130\r\n"+prompt)
	for i := range 10 { // also before it has begun
		tm.typing("sleep 60\r\x03", "^C")
		tm.typing(fmt.Sprintf("echo $?-%d\r", i), fmt.Sprintf("\r\n130-%d\r\n%s", i, prompt))
	}
	tm.typing("sh -c 'echo in\"side\"; sleep 60; echo after'; echo code $?\r", "\r\ninside\r\n")
	tm.typing("\x03", prompt) // it ends the line, and not the terminal
	tm.typing("bash\r", prompt)
	tm.typing("sh -c 'sleep 60'\r", "\r\n")
	tm.typing("\x03", prompt)
	tm.typing("exit 7\r", prompt)
	tm.typing("echo $?\r", "7\r\n")
	tm.typing("python3 -c 'while True: pass'\r", "\r\n")
	time.Sleep(100 * time.Millisecond)
	tm.typing("\x03", prompt)
	tm.typing("abandoned\x03", prompt)
	tm.typing("cat\r", "\r\n")
	tm.typing("line\r", "line\r\nline\r\n")
	tm.typing("\x04", prompt)
	tm.typing("if then\r", "syntax error")
	tm.typing("tput cols; python3 -c 'print(1)'\r", "80\r\n1\r\n")
	if err := tm.p.Resize(guest.WinSize{Rows: 10, Cols: 40}); err != nil {
		t.Fatal(err)
	}
	tm.typing("tput cols\r", "40\r\n")
	tm.typing("python3\r", ">>> ")
	tm.typing("1+1\r", "2\r\n>>> ")
	tm.typing("def f():\r  return 5\r\r", ">>> ")
	tm.typing("f()\r", "5\r\n>>> ")
	tm.typing("\x04", prompt)
	tm.typing("ls -d /bin /tmp\r", "/bin  /tmp\r\n")
	tm.typing("touch 'a file' 'a folder'; mkd\tnew\r", "mkdir new")
	tm.typing("ls a\t", `\ f`) // as far as it is clear
	tm.typing("\t", "a file    a folder\r\n"+prompt)
	tm.typing("i\t\r", "\r\na file\r\n"+prompt)
	tm.typing("greeting=hello; welcome() { echo dear $1; }\r", prompt)
	tm.typing("welc\t$greet\t\r", "\r\ndear hello\r\n"+prompt)
	tm.typing("\x1b[200~echo one\necho two\x1b[201~", "two")
	tm.typing("\r", "\r\none\r\ntwo\r\n"+prompt)
	for script, want := range map[string]string{
		`[ -t 0 ] && [ -t 1 ] && test -t 2 && [[ -t 1 && ! -t 3 ]]`: "0", `[ -t 0 ] </dev/null`: "1", `[ -t 1 ] | cat`: "0",
		`[ ! -t 1 -o ! -t 0 ]`: "1", `(exit $([ -t 1 ]; echo $?))`: "1", `[[ -t 1 ]] >/dev/null`: "1", `[ a = -t ]`: "1",
	} {
		tm.typing(script+"; echo code-$?\r", "\r\ncode-"+want+"\r\n"+prompt)
	}
	tm.typing("exit 3\r", "exit 3")
	status, err := tm.p.Wait()
	if err != nil || status.Code != 3 {
		t.Errorf("%+v, %v", status, err)
	}
}

func TestTerminalEnds(t *testing.T) {
	g := newLab(t, computer.Config{}).box(t)
	tm := openTerminal(t, g, "/bin/bash")
	tm.typing("", prompt)
	tm.typing("\x04", "exit\r\n")
	if status, err := tm.p.Wait(); err != nil || status.Code != 0 {
		t.Errorf("Ctrl-D: %+v, %v", status, err)
	}
	for _, s := range []guest.Signal{guest.SIGHUP, guest.SIGKILL} {
		tm := openTerminal(t, g, "/bin/bash")
		tm.typing("", prompt)
		if err := tm.p.Signal(s); err != nil {
			t.Fatal(err)
		}
		if status, err := tm.p.Wait(); err != nil || status.Code != 128+int(s) {
			t.Errorf("signal %d: %+v, %v", s, status, err)
		}
	}
	tm = openTerminal(t, g, "python3")
	tm.typing("", ">>> ")
	tm.typing("print('x' * 3)\r", "xxx\r\n>>> ")
	tm.typing("\x04", "")
	if status, err := tm.p.Wait(); err != nil || status.Code != 0 {
		t.Errorf("python: %+v, %v", status, err)
	}
}

func TestSignals(t *testing.T) {
	g := newLab(t, computer.Config{}).box(t)
	for _, tt := range []struct {
		name   string
		args   []string
		signal guest.Signal
		code   int
		stdout string
	}{
		{"term", []string{"bash", "-c", "sleep 60"}, guest.SIGTERM, 143, ""},
		{"kill", []string{"bash", "-c", "sleep 60"}, guest.SIGKILL, 137, ""},
		{"hup", []string{"sleep", "60"}, guest.SIGHUP, 129, ""},
		{"loop", []string{"bash", "-c", "while :; do :; done"}, guest.SIGINT, 130, ""},
		{"exit trap", []string{"bash", "-c", "trap 'echo bye' EXIT; touch begun; sleep 60"}, guest.SIGTERM, 143, "bye\n"},
		{"term trap", []string{"bash", "-c", "trap 'echo got; exit 4' TERM; touch begun; while :; do sleep 0.05; done"}, guest.SIGTERM, 4, "got\n"},
		{"ignored", []string{"bash", "-c", "trap '' TERM; touch begun; until [ -e sent ]; do sleep 0.05; done; echo on"}, guest.SIGTERM, 0, "on\n"},
		{"python", []string{"python3", "-c", "while True: pass"}, guest.SIGTERM, 143, ""},
		{"python in a shell", []string{"bash", "-c", "python3 -c 'while True: pass'; echo next"}, guest.SIGKILL, 137, ""},
		{"python sleeps", []string{"python3", "-c", "import time; time.sleep(60)"}, guest.SIGKILL, 137, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sh(t, g, "rm -f /tmp/begun /tmp/sent")
			var out safeBuffer
			p, err := g.Start(t.Context(), guest.Cmd{Args: tt.args, Dir: "/tmp", Env: g.Info().Env, Stdout: &out})
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(fmt.Sprint(tt.args), "begun") {
				awaitFile(t, g, "/tmp/begun")
			} else {
				time.Sleep(200 * time.Millisecond)
			}
			if err := p.Signal(tt.signal); err != nil {
				t.Fatal(err)
			}
			sh(t, g, ": > /tmp/sent")
			began := time.Now()
			status, err := p.Wait()
			if err != nil || status.Code != tt.code || out.String() != tt.stdout {
				t.Errorf("%+v, %v, output %q", status, err, out.String())
			}
			if took := time.Since(began); took > patience/2 {
				t.Errorf("it took %v", took)
			}
			if p.Signal(tt.signal) == nil {
				t.Error("a process that has ended takes signals")
			}
		})
	}
}

// awaitFile waits until a file is there.
func awaitFile(t *testing.T, g guest.Guest, name string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if _, err := g.FS().Stat(name); err == nil {
			return
		} else if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

func TestContextKills(t *testing.T) {
	g := newLab(t, computer.Config{}).box(t)
	for _, args := range [][]string{{"sleep", "60"}, {"python3", "-c", "while True: pass"}, {"bash", "-c", "trap '' TERM INT HUP; while :; do :; done"}} {
		ctx, cancel := context.WithCancel(t.Context())
		p, err := g.Start(ctx, guest.Cmd{Args: args, Dir: "/", Env: g.Info().Env})
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(200*time.Millisecond, cancel)
		if status, err := p.Wait(); err != nil || status.Signal != guest.SIGKILL {
			t.Errorf("%q: %+v, %v", args, status, err)
		}
		cancel()
	}
}

// TestStreams checks that output comes as it is written and all of it.
func TestStreams(t *testing.T) {
	g := newLab(t, computer.Config{}).box(t)
	r, w := io.Pipe()
	var out safeBuffer
	p, err := g.Start(t.Context(), guest.Cmd{Args: []string{"python3", "-c", "for line in iter(input, 'end'):\n  print('got', line)"}, Dir: "/", Env: g.Info().Env, Stdin: r, Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		fmt.Fprintf(w, "line %d\n", i)
		want := fmt.Sprintf("got line %d\n", i)
		for end := time.Now().Add(patience); !strings.Contains(out.String(), want); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("waited for %q, got %q", want, out.String())
			}
		}
	}
	fmt.Fprintln(w, "end")
	if status, err := p.Wait(); err != nil || status.Code != 0 {
		t.Errorf("%+v, %v", status, err)
	}
	const size = 3 << 20
	for _, script := range []string{
		fmt.Sprintf("head -c %d /dev/zero", size), fmt.Sprintf("python3 -c 'print(\"x\" * %d, end=\"\")'", size), fmt.Sprintf("python3 -c 'print(\"x\" * %d, end=\"\")' | cat | cat", size),
		fmt.Sprintf("head -c %d /dev/zero > big; cat big; rm big", size),
	} {
		if got := sh(t, g, script); len(got.stdout) != size || got.code != 0 {
			t.Errorf("%s: %d bytes, code %d, %s", script, len(got.stdout), got.code, got.stderr)
		}
	}
	both := &safeBuffer{}
	p, err = g.Start(t.Context(), guest.Cmd{Args: []string{"bash", "-c", "for i in 1 2 3; do echo o$i; echo e$i >&2; python3 -c 'import sys; print(1, flush=True); print(2, file=sys.stderr)'; done"}, Dir: "/", Env: g.Info().Env, Stdout: both, Stderr: both})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	if want := "o1\ne1\n1\n2\no2\ne2\n1\n2\no3\ne3\n1\n2\n"; both.String() != want {
		t.Errorf("both streams: %q, want %q", both.String(), want)
	}
}
