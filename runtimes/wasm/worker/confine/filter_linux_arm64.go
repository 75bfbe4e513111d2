package confine

import "golang.org/x/sys/unix"

const filterArch = unix.AUDIT_ARCH_AARCH64

// archCalls are refused too.
var archCalls = []uintptr{unix.SYS_KEXEC_FILE_LOAD}
