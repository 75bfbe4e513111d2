package shell

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// confinedVariable makes the test binary a process that is confined and tries
// what it must not.
const confinedVariable = "SANDPIPER_TEST_CONFINED"

func TestMain(m *testing.M) {
	if os.Getenv(confinedVariable) != "" {
		tryEverything()
		return
	}
	os.Exit(m.Run())
}

// tryEverything prints what was possible.
func tryEverything() {
	if err := confine(); err != nil {
		fmt.Println("not confined:", err)
		return
	}
	report := func(what string, err error) {
		if err == nil {
			fmt.Println("possible:", what)
		}
	}
	_, err := os.Open("/etc/passwd")
	report("open a file", err)
	_, err = os.Stat("/etc/passwd")
	report("look at a file", err)
	report("make a file", os.WriteFile("/tmp/made", nil, 0o600))
	report("remove a file", os.Remove("/tmp/made"))
	report("make a folder", os.Mkdir("/tmp/made", 0o700))
	report("make a link", os.Symlink("/", "/tmp/made"))
	_, err = net.Dial("tcp", "127.0.0.1:1")
	report("connect", ignoreRefusal(err))
	_, err = net.Listen("tcp", "127.0.0.1:0")
	report("listen", err)
	_, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	report("make a socket", err)
	report("start a program", exec.Command("/bin/true").Run())
	_, _, errno := syscall.RawSyscall(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0)
	if errno == 0 {
		fmt.Println("possible: fork")
	}
	report("signal others", syscall.Kill(os.Getppid(), 0))
	report("raise a limit", unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 4096, Max: 4096}))
	report("become somebody", syscall.Setuid(0))
	report("change the root", syscall.Chroot("/"))
	report("mount", unix.Mount("none", "/tmp", "tmpfs", 0, ""))
	report("trace", syscall.PtraceAttach(os.Getppid()))
	_, err = unix.MemfdCreate("x", 0)
	report("make a memory file", err)
	report("lower a nice value", unix.Setpriority(unix.PRIO_PROCESS, 0, -5))
	r, w, err := os.Pipe()
	if err != nil {
		fmt.Println("not possible: pipes:", err)
		return
	}
	done := make(chan bool)
	go func() {
		b := make([]byte, 5)
		n, _ := r.Read(b)
		done <- string(b[:n]) == "hello"
	}()
	fmt.Fprint(w, "hello")
	fmt.Println("works:", <-done)
}

// ignoreRefusal takes a refused connection for one that was made.
func ignoreRefusal(err error) error {
	if err != nil && strings.Contains(err.Error(), "refused") {
		return nil
	}
	return err
}

// TestConfined checks that a child can compute and talk over pipes, and no more.
func TestConfined(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), confinedVariable+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "works: true\n" {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestChildEnds checks that a child goes when its server does.
func TestChildEnds(t *testing.T) {
	c, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	c.Peer.Close()
	<-c.Gone()
	c, err = Start()
	if err != nil {
		t.Fatal(err)
	}
	c.Kill()
	<-c.Gone()
	if _, cpu := c.Usage(); cpu == 0 {
		t.Error("an ended child used no CPU time")
	}
}
