package guest

import (
	"io"
	"io/fs"
	"time"
)

// FS is a sandbox's file system. Nothing that a path or a link in it says leads
// outside the sandbox. Flags are those of package os.
type FS interface {
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	Mkdir(name string, perm fs.FileMode) error
	MkdirAll(name string, perm fs.FileMode) error
	Stat(name string) (fs.FileInfo, error)  // follows links
	Lstat(name string) (fs.FileInfo, error) // does not
	ReadDir(name string) ([]fs.DirEntry, error)
	Readlink(name string) (string, error)
	Symlink(target, name string) error // fs.ErrPermission or errors.ErrUnsupported where a guest has no links
	Remove(name string) error
	RemoveAll(name string) error
	Rename(from, to string) error
	Chmod(name string, mode fs.FileMode) error
	Chown(name, owner, group string) error // names or numbers; "" leaves one alone
	Chtimes(name string, atime, mtime time.Time) error

	// Owner returns the names of a file's owner and group.
	Owner(info fs.FileInfo) (owner, group string)
}

// File is an open file.
type File interface {
	io.ReadWriteCloser
	io.ReaderAt
	io.Seeker
	Stat() (fs.FileInfo, error)
	Truncate(size int64) error
}
