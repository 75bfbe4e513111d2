//go:build unix

package kernels

import (
	"fmt"
	"os"
	"syscall"
)

// adopt gives a file the owner of its session's folder: programs may run as another
// user than the server.
func adopt(root *os.Root, name string) error {
	info, err := root.Stat(".")
	if err != nil {
		return fmt.Errorf("find the owner of a session's folder: %w", err)
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(st.Uid) == os.Geteuid() {
		return nil
	}
	if err := root.Lchown(name, int(st.Uid), int(st.Gid)); err != nil {
		return fmt.Errorf("give a session's file to its program: %w", err)
	}
	return nil
}
