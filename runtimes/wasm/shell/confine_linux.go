package shell

import (
	"fmt"
	"os"
	"unsafe"

	"github.com/landlock-lsm/go-landlock/landlock"
	"golang.org/x/sys/unix"
)

// Limits of a child, by the kernel.
const (
	maxChildData  = MemoryLimit
	maxChildFiles = 256
)

// confine takes from the process what a shell has no need of. Landlock is taken
// where the kernel has it; the system call filter, which takes more, must be had.
func confine() error {
	for what, most := range map[int]uint64{unix.RLIMIT_DATA: maxChildData, unix.RLIMIT_NOFILE: maxChildFiles, unix.RLIMIT_CORE: 0} {
		if err := unix.Setrlimit(what, &unix.Rlimit{Cur: most, Max: most}); err != nil {
			return fmt.Errorf("limit the shell: %w", err)
		}
	}
	_ = landlock.V5.BestEffort().Restrict() // see above
	return filterCalls()
}

// dataSize and the rest are the layout of seccomp_data.
const (
	atNumber = 0
	atArch   = 4
	atArg0   = 16 // the lower half of it
)

// filterCalls installs the system call filter on all threads. Calls that name a
// file answer that there is none, others that they are not permitted.
func filterCalls() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up privileges: %w", err)
	}
	program := callFilter(os.Getpid())
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return fmt.Errorf("filter system calls: %w", errno)
	}
	return nil
}

func load(offset uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
}

func give(result uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: result}
}

// unless skips the next instruction when the loaded value is not k.
func unless(k uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: k, Jf: 1}
}

func deny(errno unix.Errno) unix.SockFilter {
	return give(unix.SECCOMP_RET_ERRNO | uint32(errno))
}

// callFilter is the filter program for the process pid.
func callFilter(pid int) []unix.SockFilter {
	allow := give(unix.SECCOMP_RET_ALLOW)
	p := []unix.SockFilter{
		load(atArch), {Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: filterArch, Jt: 1}, give(unix.SECCOMP_RET_KILL_PROCESS),
		load(atNumber),
	}
	for _, call := range allowedCalls {
		p = append(p, unless(uint32(call)), allow)
	}
	for _, call := range missingFileCalls {
		p = append(p, unless(uint32(call)), deny(unix.ENOENT))
	}
	p = append(p,
		unless(unix.SYS_CLONE3), deny(unix.ENOSYS),
		unless(unix.SYS_IOCTL), deny(unix.ENOTTY),
		// Only threads, and signals to itself.
		unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_CLONE, Jf: 4},
		load(atArg0), unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: unix.CLONE_THREAD, Jf: 1}, allow, deny(unix.EPERM),
		unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_TGKILL, Jf: 3},
		load(atArg0), unless(uint32(pid)), allow,
		deny(unix.EPERM),
	)
	return p
}

// allowedCalls are what a Go program needs to compute, to wait, and to use the
// descriptors that it has.
var allowedCalls = append([]uintptr{
	unix.SYS_READ, unix.SYS_WRITE, unix.SYS_READV, unix.SYS_WRITEV, unix.SYS_CLOSE, unix.SYS_FSTAT, unix.SYS_LSEEK,
	unix.SYS_MMAP, unix.SYS_MPROTECT, unix.SYS_MUNMAP, unix.SYS_MREMAP, unix.SYS_MADVISE, unix.SYS_MINCORE, unix.SYS_BRK,
	unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK, unix.SYS_RESTART_SYSCALL,
	unix.SYS_DUP, unix.SYS_DUP3, unix.SYS_FCNTL, unix.SYS_PIPE2, unix.SYS_EVENTFD2,
	unix.SYS_EPOLL_CREATE1, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_PWAIT, unix.SYS_PPOLL,
	unix.SYS_NANOSLEEP, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_CLOCK_GETTIME, unix.SYS_CLOCK_GETRES, unix.SYS_GETTIMEOFDAY,
	unix.SYS_GETPID, unix.SYS_GETPPID, unix.SYS_GETTID, unix.SYS_GETUID, unix.SYS_GETEUID, unix.SYS_GETGID, unix.SYS_GETEGID,
	unix.SYS_FUTEX, unix.SYS_SCHED_YIELD, unix.SYS_SCHED_GETAFFINITY, unix.SYS_SET_ROBUST_LIST, unix.SYS_RSEQ, unix.SYS_MEMBARRIER,
	unix.SYS_RECVMSG, unix.SYS_SENDMSG, unix.SYS_RECVFROM, unix.SYS_SENDTO, unix.SYS_SHUTDOWN, unix.SYS_GETSOCKOPT, unix.SYS_GETSOCKNAME, unix.SYS_GETPEERNAME,
	unix.SYS_GETRANDOM, unix.SYS_EXIT, unix.SYS_EXIT_GROUP,
}, archCalls...)

// missingFileCalls are those that name a file.
var missingFileCalls = append([]uintptr{
	unix.SYS_OPENAT, unix.SYS_NEWFSTATAT, unix.SYS_STATX, unix.SYS_FACCESSAT, unix.SYS_FACCESSAT2, unix.SYS_READLINKAT, unix.SYS_OPENAT2,
}, archFileCalls...)
