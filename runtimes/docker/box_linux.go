package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// boxSize bounds what a sandbox can keep in its box.
const boxSize = "size=1m,nr_inodes=256,mode=0700"

// make makes an empty box.
func (b boxes) make(id string) error {
	box := b.path(id)
	if err := os.MkdirAll(box, 0o700); err != nil {
		return err
	}
	if b.tmpfs {
		if err := unix.Mount("sandpiper", box, "tmpfs", unix.MS_NODEV|unix.MS_NOEXEC|unix.MS_NOSUID, boxSize); err != nil {
			return fmt.Errorf("mount a tmpfs: %w", err)
		}
	}
	if err := os.Mkdir(b.path(id, "run"), 0o700); err != nil {
		return err
	}
	return b.give(b.path(id, "run"))
}

// stage puts a volume's folder at a path that only the server can change. The
// folder is opened first and mounted by its descriptor, so that nobody can put a
// link in its place in between.
func (b boxes) stage(dir, at string) error {
	if !b.tmpfs {
		return errors.New("volumes need a server that runs as root")
	}
	fd, err := unix.Openat2(unix.AT_FDCWD, dir, &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS,
	})
	if err != nil {
		return fmt.Errorf("open the volume's folder: %w", err)
	}
	defer unix.Close(fd)
	if err := os.MkdirAll(at, 0o700); err != nil {
		return err
	}
	if err := unix.Mount(fmt.Sprintf("/proc/self/fd/%d", fd), at, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind the volume's folder: %w", err)
	}
	return nil
}

// remove removes a box with all that is mounted in it; one that is not there is
// fine. What is mounted is let go of first: nothing of a volume is removed.
func (b boxes) remove(id string) error {
	box := b.path(id)
	if err := b.unmount(box); err != nil {
		return fmt.Errorf("unmount the box of sandbox %s: %w", id, err)
	}
	if err := os.RemoveAll(box); err != nil {
		return fmt.Errorf("remove the box of sandbox %s: %w", id, err)
	}
	return nil
}

// unmount detaches whatever is mounted at box, with everything below it.
func (b boxes) unmount(box string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	for {
		err := unix.Unmount(box, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
		switch {
		case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOENT): // nothing is mounted
			return nil
		case err != nil:
			return err
		}
	}
}

// dialSocket connects to the agent's socket in a box. The sandbox owns the
// folder, so the socket is opened without following links, looked at, and
// connected to by its descriptor.
func dialSocket(ctx context.Context, run string) (net.Conn, error) {
	dir, err := unix.Open(run, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: filepath.Base(run), Err: err}
	}
	defer unix.Close(dir)
	fd, err := unix.Openat(dir, agentSocket, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: agentSocket, Err: err}
	}
	defer unix.Close(fd)
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return nil, &os.PathError{Op: "stat", Path: agentSocket, Err: err}
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return nil, fmt.Errorf("%s is not a socket", agentSocket)
	}
	return new(net.Dialer).DialContext(ctx, "unix", fmt.Sprintf("/proc/self/fd/%d", fd))
}

// mayMount reports whether this process can mount.
func mayMount() bool {
	dir, err := os.MkdirTemp("", "sandpiper-mount-")
	if err != nil {
		return false
	}
	defer os.Remove(dir)
	if err := unix.Mount("sandpiper", dir, "tmpfs", unix.MS_NODEV|unix.MS_NOEXEC|unix.MS_NOSUID, boxSize); err != nil {
		return false
	}
	return unix.Unmount(dir, unix.MNT_DETACH) == nil
}
