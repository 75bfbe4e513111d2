package quickjs

import "golang.org/x/sys/unix"

// limitChild bounds the memory of a child, by a limit of the kernel.
func limitChild() {
	const most = 512 << 20
	_ = unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: most, Max: most}) // the time limit is left if this fails
}
