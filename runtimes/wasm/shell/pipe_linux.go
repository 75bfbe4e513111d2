package shell

import (
	"os"

	"golang.org/x/sys/unix"
)

// unread reports whether f is a pipe that nobody reads any more.
func unread(f *os.File) bool {
	raw, err := f.SyscallConn()
	if err != nil {
		return false
	}
	broken := false
	err = raw.Control(func(fd uintptr) {
		p := []unix.PollFd{{Fd: int32(fd)}}
		n, err := unix.Poll(p, 0)
		broken = err == nil && n > 0 && p[0].Revents&unix.POLLERR != 0
	})
	return err == nil && broken
}
