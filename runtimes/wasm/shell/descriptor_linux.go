package shell

import (
	"math"

	"golang.org/x/sys/unix"
)

// freeDescriptor returns the lowest number that the next descriptor can get.
func freeDescriptor() int {
	fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return math.MaxInt // there is none
	}
	_ = unix.Close(fd)
	return fd
}
