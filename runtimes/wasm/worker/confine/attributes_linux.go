package confine

import (
	"os"
	"syscall"
)

// User is the user and group of workers that root starts, in a range that systems
// leave unused. Nobody else should have it.
const User = 60606

// Attributes says how a worker is started, from the most confined way to the plainest:
// which of them works is found by trying, since kernels and containers differ in what
// they permit.
func Attributes() []Way {
	plain := syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	separate := plain
	separate.Cloneflags = syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		other := &syscall.Credential{Uid: User, Gid: User}
		separate.Credential = other
		apart := plain
		apart.Credential = other
		return []Way{{separate, true}, {apart, true}, {plain, false}}
	}
	separate.Cloneflags |= syscall.CLONE_NEWUSER
	separate.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
	separate.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
	return []Way{{separate, false}, {plain, false}}
}

// Way is a way to start a worker.
type Way struct {
	Attr syscall.SysProcAttr
	Own  bool // the worker has the user User
}

// Network returns what tells this process's network from others; "" where the system
// does not say.
func Network() string {
	name, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return ""
	}
	return name
}
