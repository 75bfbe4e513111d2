package confine

import "golang.org/x/sys/unix"

const filterArch = unix.AUDIT_ARCH_X86_64

// archCalls are refused too.
var archCalls = []uintptr{unix.SYS_KEXEC_FILE_LOAD, unix.SYS_IOPL, unix.SYS_IOPERM, unix.SYS_MODIFY_LDT, unix.SYS_MKNOD}
