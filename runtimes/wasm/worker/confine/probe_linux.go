package confine

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"

	"sandpiper/runtimes/wasm/worker/link"
)

// Probe tries what a confined worker must not be able to do, and returns what was
// possible.
func Probe() []link.Attempt {
	var possible []link.Attempt
	for _, p := range probes {
		if p.try() == nil {
			possible = append(possible, link.Attempt{What: p.what, Measure: p.measure})
		}
	}
	return possible
}

// probes are attempts, each of which must fail where the measure is taken.
var probes = []struct {
	measure, what string
	try           func() error
}{
	{"files", "open a file of the system", func() error { return closed(os.Open("/etc/passwd")) }},
	{"files", "list the root folder", func() error { _, err := os.ReadDir("/"); return err }},
	{"files", "write to a shared folder", func() error { return os.WriteFile("/tmp/sandpiper-probe", nil, 0o600) }},
	{"files", "start a program of the system", func() error { return exec.Command("/bin/true").Run() }},
	{"network", "connect to the machine", func() error { return connect("127.0.0.1:1") }},
	{"system calls", "listen", func() error {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err == nil {
			_ = l.Close()
		}
		return err
	}},
	{"system calls", "make a socket", func() error { return made(unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)) }},
	{"system calls", "trace its server", func() error { return syscall.PtraceAttach(os.Getppid()) }},
	{"processes", "signal its server", func() error { return syscall.Kill(os.Getppid(), 0) }},
	{"user", "become root", func() error { return syscall.Setuid(0) }},
	{"system calls", "make a user namespace", func() error { return unix.Unshare(unix.CLONE_NEWUSER) }},
	{"system calls", "mount", func() error { return unix.Mount("none", "/tmp", "tmpfs", 0, "") }},
	{"system calls", "change its root", func() error { return syscall.Chroot("/") }},
	{"system calls", "use io_uring", func() error {
		_, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, 0, 0)
		return refused(errno)
	}},
	{"system calls", "load a BPF program", func() error {
		_, _, errno := unix.Syscall(unix.SYS_BPF, 0, 0, 0)
		return refused(errno)
	}},
	{"open files", "open more files than its limit", func() error {
		return unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 2 * maxOpen, Max: 2 * maxOpen})
	}},
	{"open files", "leave a core dump", func() error { return unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: 1, Max: 1}) }},
	{"environment", "see its environment", func() error {
		if len(os.Environ()) == 0 {
			return errors.New("empty")
		}
		return nil
	}},
}

func closed(f *os.File, err error) error {
	if err == nil {
		_ = f.Close()
	}
	return err
}

// connect takes a refused connection for one that was made: it got there.
func connect(address string) error {
	c, err := net.Dial("tcp", address)
	if errors.Is(err, unix.ECONNREFUSED) {
		return nil
	}
	if err == nil {
		_ = c.Close()
	}
	return err
}

func made(fd int, err error) error {
	if err == nil {
		_ = unix.Close(fd)
	}
	return err
}

// refused reports the refusal of the filter; other errors are of a call that got
// through to the kernel.
func refused(errno unix.Errno) error {
	if errno == unix.EPERM || errno == unix.ENOSYS {
		return errno
	}
	return nil
}
