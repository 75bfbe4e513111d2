package computer

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/tetratelabs/wazero/experimental/sys"
	wasys "github.com/tetratelabs/wazero/sys"

	"sandpiper/runtimes/wasm/jail"
	"sandpiper/sandbox/guest"
)

// userName owns everything in a sandbox that is not part of it.
const userName = "daytona"

// fileSystem is a sandbox's file system as a guest.FS: what package jail holds on
// disk, and the virtual folders.
type fileSystem struct {
	home    *jail.FS
	virtual virtual
}

var _ guest.FS = (*fileSystem)(nil)

// inner is a path as package jail has it.
func inner(name string) string {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	if name == "" {
		return "."
	}
	return name
}

// fail makes an error of a number of package jail. Its EIO may mean a quota.
func (f *fileSystem) fail(op, name string, errno sys.Errno) error {
	if errno == 0 {
		return nil
	}
	var err error = syscall.EIO
	var no syscall.Errno
	switch {
	case errno == sys.EIO:
		switch f.home.Refused() {
		case jail.LimitBytes, jail.LimitFiles, jail.LimitHost:
			err = syscall.ENOSPC
		case jail.LimitOpenFiles:
			err = syscall.EMFILE
		}
	case errors.As(errno, &no):
		err = no
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// readOnly is the error of a change in a virtual folder, or nil.
func (f *fileSystem) readOnly(op, name string) error {
	if f.virtual.covers(path.Clean(name)) {
		return &fs.PathError{Op: op, Path: name, Err: syscall.EROFS}
	}
	return nil
}

// OpenFile implements guest.FS.
func (f *fileSystem) OpenFile(name string, flag int, perm fs.FileMode) (guest.File, error) {
	if clean := path.Clean(name); f.virtual.covers(clean) {
		device := path.Dir(clean) == "/dev"
		if flag&(os.O_WRONLY|os.O_RDWR|os.O_CREATE|os.O_TRUNC) != 0 && !device {
			return nil, f.readOnly("open", name)
		}
		file, err := f.virtual.open(clean)
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
		return file, nil
	}
	h, errno := f.home.OpenMode(inner(name), openFlags(flag), perm)
	if errno != 0 {
		return nil, f.fail("open", name, errno)
	}
	return &openFile{fs: f, file: h, name: name}, nil
}

func openFlags(flag int) sys.Oflag {
	var o sys.Oflag
	switch {
	case flag&os.O_RDWR != 0:
		o = sys.O_RDWR
	case flag&os.O_WRONLY != 0:
		o = sys.O_WRONLY
	}
	for host, guest := range map[int]sys.Oflag{os.O_APPEND: sys.O_APPEND, os.O_CREATE: sys.O_CREAT, os.O_EXCL: sys.O_EXCL, os.O_TRUNC: sys.O_TRUNC} {
		if flag&host != 0 {
			o |= guest
		}
	}
	return o
}

// Mkdir implements guest.FS.
func (f *fileSystem) Mkdir(name string, perm fs.FileMode) error {
	if err := f.readOnly("mkdir", name); err != nil {
		return err
	}
	return f.fail("mkdir", name, f.home.MkdirMode(inner(name), perm))
}

// MkdirAll implements guest.FS.
func (f *fileSystem) MkdirAll(name string, perm fs.FileMode) error {
	if info, err := f.Stat(name); err == nil {
		if !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: name, Err: syscall.ENOTDIR}
		}
		return nil
	}
	if up := path.Dir(path.Clean(name)); up != path.Clean(name) {
		if err := f.MkdirAll(up, perm); err != nil {
			return err
		}
	}
	if err := f.Mkdir(name, perm); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// Stat implements guest.FS.
func (f *fileSystem) Stat(name string) (fs.FileInfo, error) {
	return f.stat("stat", name, f.home.Stat)
}

// Lstat implements guest.FS.
func (f *fileSystem) Lstat(name string) (fs.FileInfo, error) {
	return f.stat("lstat", name, f.home.Lstat)
}

func (f *fileSystem) stat(op, name string, stat func(string) (wasys.Stat_t, sys.Errno)) (fs.FileInfo, error) {
	clean := path.Clean(name)
	if f.virtual.covers(clean) {
		info, err := f.virtual.info(clean)
		if err != nil {
			return nil, &fs.PathError{Op: op, Path: name, Err: err}
		}
		return info, nil
	}
	st, errno := stat(inner(name))
	if errno != 0 {
		return nil, f.fail(op, name, errno)
	}
	return newInfo(path.Base(clean), st), nil
}

// ReadDir implements guest.FS.
func (f *fileSystem) ReadDir(name string) ([]fs.DirEntry, error) {
	clean := path.Clean(name)
	if f.virtual.covers(clean) {
		entries, err := f.virtual.readDir(clean)
		if err != nil {
			return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
		}
		return entries, nil
	}
	d, errno := f.home.OpenFile(inner(name), sys.O_RDONLY|sys.O_DIRECTORY, 0)
	if errno != 0 {
		return nil, f.fail("readdir", name, errno)
	}
	defer d.Close()
	found, errno := d.Readdir(-1)
	if errno != 0 {
		return nil, f.fail("readdir", name, errno)
	}
	entries := make([]fs.DirEntry, len(found))
	for i, e := range found {
		entries[i] = dirEntry{fs: f, dir: clean, name: e.Name, kind: e.Type}
	}
	return entries, nil
}

// Readlink implements guest.FS.
func (f *fileSystem) Readlink(name string) (string, error) {
	if f.virtual.covers(path.Clean(name)) {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: syscall.EINVAL}
	}
	target, errno := f.home.Readlink(inner(name))
	return target, f.fail("readlink", name, errno)
}

// Symlink implements guest.FS.
func (f *fileSystem) Symlink(target, name string) error {
	if err := f.readOnly("symlink", name); err != nil {
		return err
	}
	return f.fail("symlink", name, f.home.Symlink(target, inner(name)))
}

// Remove implements guest.FS.
func (f *fileSystem) Remove(name string) error {
	if err := f.readOnly("remove", name); err != nil {
		return err
	}
	errno := f.home.Unlink(inner(name))
	if errno == sys.EISDIR {
		errno = f.home.Rmdir(inner(name))
	}
	return f.fail("remove", name, errno)
}

// RemoveAll implements guest.FS. It goes on when something cannot be removed.
func (f *fileSystem) RemoveAll(name string) error {
	if err := f.readOnly("remove", name); err != nil {
		return err
	}
	errno := f.home.Unlink(inner(name))
	switch errno {
	case 0, sys.ENOENT:
		return nil
	case sys.EISDIR:
	default:
		return f.fail("remove", name, errno)
	}
	entries, err := f.ReadDir(name)
	for _, e := range entries {
		if failed := f.RemoveAll(path.Join(name, e.Name())); failed != nil && err == nil {
			err = failed
		}
	}
	if err != nil {
		return err
	}
	return f.fail("remove", name, f.home.Rmdir(inner(name)))
}

// Rename implements guest.FS.
func (f *fileSystem) Rename(from, to string) error {
	for _, name := range []string{from, to} {
		if err := f.readOnly("rename", name); err != nil {
			return err
		}
	}
	return f.fail("rename", from, f.home.Rename(inner(from), inner(to)))
}

// Chmod implements guest.FS. The owner keeps the right to read and write.
func (f *fileSystem) Chmod(name string, mode fs.FileMode) error {
	if err := f.readOnly("chmod", name); err != nil {
		return err
	}
	return f.fail("chmod", name, f.home.Chmod(inner(name), mode))
}

// Chown implements guest.FS. There is one user, so only that one can own a file.
func (f *fileSystem) Chown(name, owner, group string) error {
	if _, err := f.Stat(name); err != nil {
		return err
	}
	for _, who := range []string{owner, group} {
		if who != "" && who != userName && who != "1000" {
			return &fs.PathError{Op: "chown", Path: name, Err: syscall.EPERM}
		}
	}
	return nil
}

// Chtimes implements guest.FS.
func (f *fileSystem) Chtimes(name string, atime, mtime time.Time) error {
	if f.virtual.covers(path.Clean(name)) {
		return nil
	}
	return f.fail("chtimes", name, f.home.Utimens(inner(name), timestamp(atime), timestamp(mtime)))
}

// timestamp leaves alone what the zero time stands for.
func timestamp(t time.Time) int64 {
	if t.IsZero() {
		return sys.UTIME_OMIT
	}
	return t.UnixNano()
}

// Owner implements guest.FS.
func (f *fileSystem) Owner(info fs.FileInfo) (owner, group string) {
	if i, ok := info.(*fileInfo); ok && i.root {
		return "root", "root"
	}
	return userName, userName
}

// fileInfo describes a file.
type fileInfo struct {
	name     string
	size     int64
	mode     fs.FileMode
	modified time.Time
	root     bool // it is part of the sandbox itself
}

func newInfo(name string, st wasys.Stat_t) *fileInfo {
	return &fileInfo{name: name, size: st.Size, mode: st.Mode, modified: time.Unix(0, st.Mtim)}
}

// Name implements fs.FileInfo.
func (i *fileInfo) Name() string { return i.name }

// Size implements fs.FileInfo.
func (i *fileInfo) Size() int64 { return i.size }

// Mode implements fs.FileInfo.
func (i *fileInfo) Mode() fs.FileMode { return i.mode }

// ModTime implements fs.FileInfo.
func (i *fileInfo) ModTime() time.Time { return i.modified }

// IsDir implements fs.FileInfo.
func (i *fileInfo) IsDir() bool { return i.mode.IsDir() }

// Sys implements fs.FileInfo. There is nothing of the host to be seen.
func (i *fileInfo) Sys() any { return nil }

// dirEntry is a file of a folder; its information is looked up when it is asked
// for.
type dirEntry struct {
	fs        *fileSystem
	dir, name string
	kind      fs.FileMode
}

// Name implements fs.DirEntry.
func (e dirEntry) Name() string { return e.name }

// IsDir implements fs.DirEntry.
func (e dirEntry) IsDir() bool { return e.kind.IsDir() }

// Type implements fs.DirEntry.
func (e dirEntry) Type() fs.FileMode { return e.kind.Type() }

// Info implements fs.DirEntry.
func (e dirEntry) Info() (fs.FileInfo, error) { return e.fs.Lstat(path.Join(e.dir, e.name)) }

// openFile is an open file on disk.
type openFile struct {
	fs   *fileSystem
	file sys.File
	name string
}

// Read implements io.Reader.
func (f *openFile) Read(p []byte) (int, error) {
	n, errno := f.file.Read(p)
	if n == 0 && errno == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, f.fs.fail("read", f.name, errno)
}

// ReadAt implements io.ReaderAt.
func (f *openFile) ReadAt(p []byte, off int64) (int, error) {
	n, errno := f.file.Pread(p, off)
	if n < len(p) && errno == 0 {
		return n, io.EOF
	}
	return n, f.fs.fail("read", f.name, errno)
}

// Write implements io.Writer.
func (f *openFile) Write(p []byte) (int, error) {
	n, errno := f.file.Write(p)
	return n, f.fs.fail("write", f.name, errno)
}

// Seek implements io.Seeker.
func (f *openFile) Seek(offset int64, whence int) (int64, error) {
	n, errno := f.file.Seek(offset, whence)
	return n, f.fs.fail("seek", f.name, errno)
}

// Stat implements guest.File.
func (f *openFile) Stat() (fs.FileInfo, error) {
	st, errno := f.file.Stat()
	if errno != 0 {
		return nil, f.fs.fail("stat", f.name, errno)
	}
	return newInfo(path.Base(f.name), st), nil
}

// Truncate implements guest.File.
func (f *openFile) Truncate(size int64) error {
	return f.fs.fail("truncate", f.name, f.file.Truncate(size))
}

// Close implements io.Closer.
func (f *openFile) Close() error { return f.fs.fail("close", f.name, f.file.Close()) }
