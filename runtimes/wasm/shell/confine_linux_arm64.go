package shell

import "golang.org/x/sys/unix"

const filterArch = unix.AUDIT_ARCH_AARCH64

// archCalls and archFileCalls are older calls, which this system never had.
var archCalls, archFileCalls []uintptr
