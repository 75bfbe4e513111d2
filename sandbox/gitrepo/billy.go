package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/go-git/go-billy/v5"

	"sandpiper/sandbox/guest"
)

// billyFS is a folder of a guest as go-git wants it. It has the context of one
// operation, since go-git's files have none of their own: when it ends, so does
// whatever go-git is doing.
//
// Nothing is written through a link below the folder, as git refuses to, so that
// no repository reaches what lies beside it.
type billyFS struct {
	ctx  context.Context
	fs   guest.FS
	root string // absolute
}

var (
	_ billy.Filesystem = (*billyFS)(nil)
	_ billy.Change     = (*billyFS)(nil)
)

func newBilly(ctx context.Context, fsys guest.FS, root string) *billyFS {
	return &billyFS{ctx: ctx, fs: fsys, root: path.Clean(root)}
}

// abs returns a name's absolute path, which is never above the root.
func (b *billyFS) abs(name string) string {
	return path.Join(b.root, path.Clean("/"+name))
}

// writable returns the absolute path of a name that is to be changed.
func (b *billyFS) writable(name string) (string, error) {
	if err := b.ctx.Err(); err != nil {
		return "", err
	}
	full := b.abs(name)
	rel := strings.TrimPrefix(strings.TrimPrefix(path.Dir(full), b.root), "/")
	at := b.root
	for part := range strings.SplitSeq(rel, "/") {
		at = path.Join(at, part)
		info, err := b.fs.Lstat(at)
		if err != nil {
			break // it will be made
		}
		if at != b.root && info.Mode()&fs.ModeSymlink != 0 {
			return "", &fs.PathError{Op: "write", Path: full, Err: fmt.Errorf("%s is a link: %w", at, syscall.ELOOP)}
		}
	}
	return full, nil
}

// withParents is writable for something new, whose folder is made.
func (b *billyFS) withParents(name string) (string, error) {
	full, err := b.writable(name)
	if err != nil {
		return "", err
	}
	return full, b.fs.MkdirAll(path.Dir(full), 0o755)
}

// Create implements billy.Basic.
func (b *billyFS) Create(name string) (billy.File, error) {
	return b.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

// Open implements billy.Basic.
func (b *billyFS) Open(name string) (billy.File, error) { return b.OpenFile(name, os.O_RDONLY, 0) }

// OpenFile implements billy.Basic.
func (b *billyFS) OpenFile(name string, flag int, perm fs.FileMode) (billy.File, error) {
	full, err := b.abs(name), b.ctx.Err()
	switch {
	case flag&os.O_CREATE != 0:
		full, err = b.withParents(name)
	case flag&(os.O_WRONLY|os.O_RDWR) != 0:
		full, err = b.writable(name)
	}
	if err != nil {
		return nil, err
	}
	if flag&os.O_CREATE == 0 { // a pipe must not hold us up
		if info, err := b.fs.Stat(full); err == nil && info.Mode()&(fs.ModeNamedPipe|fs.ModeDevice|fs.ModeSocket) != 0 {
			return nil, &fs.PathError{Op: "open", Path: full, Err: fs.ErrInvalid}
		}
	}
	f, err := b.fs.OpenFile(full, flag, perm)
	if err != nil {
		return nil, err
	}
	return &billyFile{File: f, ctx: b.ctx, name: name}, nil
}

// Stat implements billy.Basic.
func (b *billyFS) Stat(name string) (fs.FileInfo, error) {
	if err := b.ctx.Err(); err != nil {
		return nil, err
	}
	return b.fs.Stat(b.abs(name))
}

// Rename implements billy.Basic.
func (b *billyFS) Rename(from, to string) error {
	full, err := b.writable(from)
	if err != nil {
		return err
	}
	target, err := b.withParents(to)
	if err != nil {
		return err
	}
	return b.fs.Rename(full, target)
}

// Remove implements billy.Basic.
func (b *billyFS) Remove(name string) error {
	full, err := b.writable(name)
	if err != nil {
		return err
	}
	return b.fs.Remove(full)
}

// Join implements billy.Basic.
func (b *billyFS) Join(elem ...string) string { return path.Join(elem...) }

// TempFile implements billy.TempFile.
func (b *billyFS) TempFile(dir, prefix string) (billy.File, error) {
	for {
		name := path.Join(dir, fmt.Sprintf("%s%016x", prefix, rand.Uint64()))
		f, err := b.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// ReadDir implements billy.Dir.
func (b *billyFS) ReadDir(name string) ([]fs.FileInfo, error) {
	if err := b.ctx.Err(); err != nil {
		return nil, err
	}
	entries, err := b.fs.ReadDir(b.abs(name))
	if err != nil {
		return nil, err
	}
	infos := make([]fs.FileInfo, 0, len(entries))
	for _, e := range entries {
		if info, err := e.Info(); err == nil { // else it has just gone
			infos = append(infos, info)
		}
	}
	return infos, nil
}

// MkdirAll implements billy.Dir.
func (b *billyFS) MkdirAll(name string, perm fs.FileMode) error {
	full, err := b.writable(path.Join(name, "new"))
	if err != nil {
		return err
	}
	return b.fs.MkdirAll(path.Dir(full), perm)
}

// Lstat implements billy.Symlink.
func (b *billyFS) Lstat(name string) (fs.FileInfo, error) {
	if err := b.ctx.Err(); err != nil {
		return nil, err
	}
	return b.fs.Lstat(b.abs(name))
}

// Symlink implements billy.Symlink. In a guest without links it writes a file
// with the target in it, as git does where there are none.
func (b *billyFS) Symlink(target, name string) error {
	full, err := b.withParents(name)
	if err != nil {
		return err
	}
	err = b.fs.Symlink(target, full)
	if !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	f, ferr := b.fs.OpenFile(full, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if ferr != nil {
		return err
	}
	_, err = f.Write([]byte(target))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// Readlink implements billy.Symlink.
func (b *billyFS) Readlink(name string) (string, error) {
	if err := b.ctx.Err(); err != nil {
		return "", err
	}
	return b.fs.Readlink(b.abs(name))
}

// Chmod implements billy.Chmod. A guest without modes ignores it.
func (b *billyFS) Chmod(name string, mode fs.FileMode) error {
	full, err := b.writable(name)
	if err != nil {
		return err
	}
	if err := b.fs.Chmod(full, mode); !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// Lchown implements billy.Change.
func (b *billyFS) Lchown(string, int, int) error { return errors.ErrUnsupported }

// Chown implements billy.Change.
func (b *billyFS) Chown(string, int, int) error { return errors.ErrUnsupported }

// Chtimes implements billy.Change.
func (b *billyFS) Chtimes(name string, atime, mtime time.Time) error {
	full, err := b.writable(name)
	if err != nil {
		return err
	}
	return b.fs.Chtimes(full, atime, mtime)
}

// Chroot implements billy.Chroot.
func (b *billyFS) Chroot(name string) (billy.Filesystem, error) {
	return newBilly(b.ctx, b.fs, b.abs(name)), nil
}

// Root implements billy.Chroot.
func (b *billyFS) Root() string { return b.root }

// billyFile is an open file as go-git wants it.
type billyFile struct {
	guest.File
	ctx  context.Context
	name string
}

// Name implements billy.File.
func (f *billyFile) Name() string { return f.name }

// Read implements io.Reader.
func (f *billyFile) Read(p []byte) (int, error) {
	if err := f.ctx.Err(); err != nil {
		return 0, err
	}
	return f.File.Read(p)
}

// Write implements io.Writer.
func (f *billyFile) Write(p []byte) (int, error) {
	if err := f.ctx.Err(); err != nil {
		return 0, err
	}
	return f.File.Write(p)
}

// Lock implements billy.File. The lock of a repository is its index.lock.
func (f *billyFile) Lock() error { return nil }

// Unlock implements billy.File.
func (f *billyFile) Unlock() error { return nil }
