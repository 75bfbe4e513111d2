//go:build linux

package osguest

import (
	"io/fs"
	"os"
	"os/user"
	"path"
	"strconv"
	"syscall"
	"time"

	"sandpiper/sandbox/guest"
)

// FS is the whole file system of the machine, with the rights of the guest's
// user. Relative names are refused with fs.ErrInvalid.
type FS struct{ user account }

var _ guest.FS = (*FS)(nil)

// OpenFile implements guest.FS.
func (f *FS) OpenFile(name string, flag int, perm fs.FileMode) (file guest.File, err error) {
	err = f.do("open", name, func() error {
		// A pipe or a device that nobody serves must not hold the caller up;
		// for other files the flag does nothing.
		opened, err := os.OpenFile(name, flag|syscall.O_NONBLOCK, perm)
		if err == nil {
			file = opened
		}
		return err
	})
	return file, err
}

// Mkdir implements guest.FS.
func (f *FS) Mkdir(name string, perm fs.FileMode) error {
	return f.do("mkdir", name, func() error { return os.Mkdir(name, perm) })
}

// MkdirAll implements guest.FS.
func (f *FS) MkdirAll(name string, perm fs.FileMode) error {
	return f.do("mkdir", name, func() error { return os.MkdirAll(name, perm) })
}

// Stat implements guest.FS.
func (f *FS) Stat(name string) (info fs.FileInfo, err error) {
	err = f.do("stat", name, func() error { info, err = os.Stat(name); return err })
	return info, err
}

// Lstat implements guest.FS.
func (f *FS) Lstat(name string) (info fs.FileInfo, err error) {
	err = f.do("lstat", name, func() error { info, err = os.Lstat(name); return err })
	return info, err
}

// ReadDir implements guest.FS. The entries are sorted by name.
func (f *FS) ReadDir(name string) (entries []fs.DirEntry, err error) {
	err = f.do("readdir", name, func() error { entries, err = os.ReadDir(name); return err })
	return entries, err
}

// Readlink implements guest.FS.
func (f *FS) Readlink(name string) (target string, err error) {
	err = f.do("readlink", name, func() error { target, err = os.Readlink(name); return err })
	return target, err
}

// Symlink implements guest.FS.
func (f *FS) Symlink(target, name string) error {
	return f.do("symlink", name, func() error { return os.Symlink(target, name) })
}

// Remove implements guest.FS.
func (f *FS) Remove(name string) error {
	return f.do("remove", name, func() error { return os.Remove(name) })
}

// RemoveAll implements guest.FS.
func (f *FS) RemoveAll(name string) error {
	return f.do("removeall", name, func() error { return os.RemoveAll(name) })
}

// Rename implements guest.FS.
func (f *FS) Rename(from, to string) error {
	if !path.IsAbs(to) {
		return &fs.PathError{Op: "rename", Path: to, Err: fs.ErrInvalid}
	}
	return f.do("rename", from, func() error { return os.Rename(from, to) })
}

// Chmod implements guest.FS.
func (f *FS) Chmod(name string, mode fs.FileMode) error {
	return f.do("chmod", name, func() error { return os.Chmod(name, mode) })
}

// Chtimes implements guest.FS.
func (f *FS) Chtimes(name string, atime, mtime time.Time) error {
	return f.do("chtimes", name, func() error { return os.Chtimes(name, atime, mtime) })
}

// Chown implements guest.FS. Giving a file away takes the rights of root, which
// the guest's user may not have.
func (f *FS) Chown(name, owner, group string) error {
	uid, gid := -1, -1
	if owner != "" {
		a, err := findUser(owner)
		if err != nil {
			return &fs.PathError{Op: "chown", Path: name, Err: fs.ErrInvalid}
		}
		uid = int(a.uid)
	}
	if group != "" {
		id, err := findGroup(group)
		if err != nil {
			return &fs.PathError{Op: "chown", Path: name, Err: fs.ErrInvalid}
		}
		gid = int(id)
	}
	return f.do("chown", name, func() error { return os.Chown(name, uid, gid) })
}

// Owner implements guest.FS. An owner that has no name is a number.
func (f *FS) Owner(info fs.FileInfo) (owner, group string) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", ""
	}
	owner, group = strconv.FormatUint(uint64(st.Uid), 10), strconv.FormatUint(uint64(st.Gid), 10)
	if st.Uid == f.user.uid && f.user.name != "" {
		owner = f.user.name
	} else if u, err := user.LookupId(owner); err == nil {
		owner = u.Username
	}
	if g, err := user.LookupGroupId(group); err == nil {
		group = g.Name
	}
	return owner, group
}

// do calls fn with the user's rights, if name is absolute.
func (f *FS) do(op, name string, fn func() error) error {
	if !path.IsAbs(name) {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return f.user.as(fn)
}
