package docker

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// peer is the process behind the Docker socket.
type peer struct {
	pid       int
	namespace uint64 // inode of its network namespace
}

// file is the daemon's network namespace.
func (p peer) file() string { return fmt.Sprintf("/proc/%d/ns/net", p.pid) }

// daemonPeer finds the process that listens on a Unix socket. It returns the
// zero peer where that is not known: another kind of address, or a daemon that
// runs elsewhere.
func daemonPeer(host string) peer {
	path, isUnix := strings.CutPrefix(host, "unix://")
	if !isUnix {
		return peer{}
	}
	conn, err := net.DialTimeout("unix", path, 5*time.Second)
	if err != nil {
		return peer{}
	}
	defer conn.Close()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return peer{}
	}
	var p peer
	controlErr := raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			p.pid = int(cred.Pid)
		}
	})
	var stat unix.Stat_t
	if controlErr != nil || p.pid <= 0 || unix.Stat(p.file(), &stat) != nil {
		return peer{}
	}
	p.namespace = stat.Ino
	return p
}

// maxFiles returns how many files the daemon's children may have open, 0 where
// that is not known.
func (p peer) maxFiles() int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", p.pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		rest, found := strings.CutPrefix(line, "Max open files")
		if fields := strings.Fields(rest); found && len(fields) >= 2 {
			hard, _ := strconv.ParseInt(fields[1], 10, 64)
			return hard
		}
	}
	return 0
}

// diskSpace returns the size of the file system that dir is on, and what of it is free.
func diskSpace(dir string) (total, available int64, ok bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, 0, false
	}
	return int64(s.Blocks) * s.Bsize, int64(s.Bavail) * s.Bsize, true
}

// memoryAvailable returns what the host could give to new processes.
func memoryAvailable() (int64, bool) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) == 3 && fields[0] == "MemAvailable:" {
			kib, err := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10, err == nil
		}
	}
	return 0, false
}

// diskUse returns how many bytes a file takes on the disk.
func diskUse(info os.FileInfo) int64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Blocks * 512
	}
	return info.Size()
}
