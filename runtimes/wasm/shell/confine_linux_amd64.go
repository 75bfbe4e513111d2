package shell

import "golang.org/x/sys/unix"

const filterArch = unix.AUDIT_ARCH_X86_64

// archCalls and archFileCalls are older calls, which newer systems do without.
var (
	archCalls     = []uintptr{unix.SYS_POLL, unix.SYS_EPOLL_WAIT, unix.SYS_ARCH_PRCTL}
	archFileCalls = []uintptr{unix.SYS_OPEN, unix.SYS_STAT, unix.SYS_LSTAT, unix.SYS_ACCESS, unix.SYS_READLINK}
)
