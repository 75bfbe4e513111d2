//go:build unix

package jail

import (
	"os"

	"golang.org/x/sys/unix"
)

// lstatAt identifies the entry name of the open folder dir. It goes by the
// folder's descriptor, since the path that a DirEntry would use for the same
// does not know about the root or about renames.
func lstatAt(dir *os.File, name string) (nodeID, bool) {
	raw, err := dir.SyscallConn()
	if err != nil {
		return nodeID{}, false
	}
	var st unix.Stat_t
	var statErr error
	err = raw.Control(func(fd uintptr) {
		statErr = unix.Fstatat(int(fd), name, &st, unix.AT_SYMLINK_NOFOLLOW)
	})
	if err != nil || statErr != nil {
		return nodeID{}, false
	}
	return nodeID{dev: uint64(st.Dev), ino: st.Ino}, true
}
