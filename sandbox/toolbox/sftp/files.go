package sftp

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pkg/sftp"

	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/toolbox/answer"
	toolboxfiles "sandpiper/sandbox/toolbox/files"
)

// maxOpen is how many files and folders one connection may have open.
const maxOpen = 256

// umask is taken from the permissions of what is made, as after a log-in.
const umask = 0o022

// metricsTime bounds the look at how full the disk is.
const metricsTime = 5 * time.Second

// files is the handlers of one connection.
type files struct {
	guest guest.Guest
	fs    guest.FS
	dir   string
	names owners
	open  atomic.Int32
}

var (
	_ sftp.FileReader           = (*files)(nil)
	_ sftp.OpenFileWriter       = (*files)(nil)
	_ sftp.PosixRenameFileCmder = (*files)(nil)
	_ sftp.StatVFSFileCmder     = (*files)(nil)
	_ sftp.LstatFileLister      = (*files)(nil)
	_ sftp.ReadlinkFileLister   = (*files)(nil)
	_ sftp.RealPathFileLister   = (*files)(nil)
	_ sftp.NameLookupFileLister = (*files)(nil)
)

// status is an error of a file system as SFTP knows it.
func status(err error) error {
	switch {
	case err == nil, err == io.EOF:
		return err
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return sftp.ErrSSHFxNoSuchFile
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return sftp.ErrSSHFxPermissionDenied
	case errors.Is(err, errors.ErrUnsupported):
		return sftp.ErrSSHFxOpUnsupported
	}
	return err
}

// clean checks a path, which the protocol's side has made absolute.
func clean(name string) (string, error) {
	name, err := answer.Path("/", name)
	if err != nil {
		return "", fs.ErrInvalid
	}
	return name, nil
}

// Fileread implements sftp.FileReader.
func (f *files) Fileread(r *sftp.Request) (io.ReaderAt, error) { return f.openFile(r) }

// Filewrite implements sftp.FileWriter.
func (f *files) Filewrite(r *sftp.Request) (io.WriterAt, error) { return f.openFile(r) }

// OpenFile implements sftp.OpenFileWriter.
func (f *files) OpenFile(r *sftp.Request) (sftp.WriterAtReaderAt, error) { return f.openFile(r) }

func (f *files) openFile(r *sftp.Request) (*handle, error) {
	name, err := clean(r.Filepath)
	if err != nil {
		return nil, err
	}
	release, err := f.take()
	if err != nil {
		return nil, err
	}
	flags := r.Pflags()
	file, err := f.fs.OpenFile(name, openFlags(flags), permissions(r.Attrs))
	if err != nil {
		release()
		return nil, status(err)
	}
	return &handle{File: file, appends: flags.Append, release: release}, nil
}

// take counts one more open file, and returns what counts it off.
func (f *files) take() (release func(), err error) {
	if f.open.Add(1) > maxOpen {
		f.open.Add(-1)
		return nil, syscall.EMFILE
	}
	return func() { f.open.Add(-1) }, nil
}

func openFlags(p sftp.FileOpenFlags) int {
	flag := os.O_RDONLY
	switch {
	case p.Read && (p.Write || p.Append):
		flag = os.O_RDWR
	case !p.Read:
		flag = os.O_WRONLY
	}
	for _, f := range []struct {
		set  bool
		flag int
	}{{p.Append, os.O_APPEND}, {p.Creat, os.O_CREATE}, {p.Trunc, os.O_TRUNC}, {p.Excl, os.O_EXCL}} {
		if f.set {
			flag |= f.flag
		}
	}
	return flag
}

// permissions reads those of a file that is opened from its attributes. Package
// sftp passes those on without saying which they are. OpenSSH sends the
// permissions alone, and no other attribute is as short.
func permissions(attrs []byte) fs.FileMode {
	mode := fs.FileMode(0o666)
	if len(attrs) == 4 {
		mode = fs.FileMode(binary.BigEndian.Uint32(attrs)) & fs.ModePerm
	}
	return mode &^ umask
}

// Filecmd implements sftp.FileCmder.
func (f *files) Filecmd(r *sftp.Request) error {
	if r.Method == "Symlink" {
		return f.symlink(r.Filepath, r.Target)
	}
	name, err := clean(r.Filepath)
	if err != nil {
		return err
	}
	switch r.Method {
	case "Setstat":
		return status(f.setstat(name, r.AttrFlags(), r.Attributes()))
	case "Mkdir":
		return status(f.fs.Mkdir(name, 0o777&^umask))
	case "Rmdir":
		return status(f.remove(name, true))
	case "Remove":
		return status(f.remove(name, false))
	case "Rename":
		return f.rename(name, r.Target, false)
	}
	return sftp.ErrSSHFxOpUnsupported
}

// PosixRename implements sftp.PosixRenameFileCmder: it replaces what is there.
func (f *files) PosixRename(r *sftp.Request) error {
	name, err := clean(r.Filepath)
	if err != nil {
		return err
	}
	return f.rename(name, r.Target, true)
}

func (f *files) rename(from, target string, replace bool) error {
	to, err := clean(target)
	if err != nil {
		return err
	}
	if _, err := f.fs.Lstat(to); err == nil && !replace {
		return fs.ErrExist
	}
	return status(f.fs.Rename(from, to))
}

// symlink makes a link; its target is whatever text the client says.
func (f *files) symlink(target, link string) error {
	if len(target) > answer.MaxPath || strings.ContainsRune(target, 0) {
		return fs.ErrInvalid
	}
	name, err := clean(link)
	if err != nil {
		return err
	}
	return status(f.fs.Symlink(target, name))
}

// remove removes a folder, or what is none.
func (f *files) remove(name string, folder bool) error {
	info, err := f.fs.Lstat(name)
	if err != nil {
		return err
	}
	if info.IsDir() != folder {
		return map[bool]error{true: syscall.ENOTDIR, false: syscall.EISDIR}[folder]
	}
	return f.fs.Remove(name)
}

// setstat changes the attributes that are given.
func (f *files) setstat(name string, given sftp.FileAttrFlags, a *sftp.FileStat) error {
	if given.Size {
		if err := f.truncate(name, a.Size); err != nil {
			return err
		}
	}
	if given.UidGid {
		if err := f.fs.Chown(name, strconv.FormatUint(uint64(a.UID), 10), strconv.FormatUint(uint64(a.GID), 10)); err != nil {
			return err
		}
	}
	if given.Permissions {
		if err := f.fs.Chmod(name, a.FileMode()); err != nil {
			return err
		}
	}
	if given.Acmodtime {
		return f.fs.Chtimes(name, a.AccessTime(), a.ModTime())
	}
	return nil
}

func (f *files) truncate(name string, size uint64) error {
	if int64(size) < 0 {
		return syscall.EINVAL
	}
	file, err := f.fs.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Truncate(int64(size)), file.Close())
}

// RealPath implements sftp.RealPathFileLister.
func (f *files) RealPath(name string) (string, error) {
	full, err := answer.Path(f.dir, name)
	if name == "" {
		full, err = f.dir, nil
	}
	if err != nil {
		return "", fs.ErrInvalid
	}
	full, err = toolboxfiles.RealPath(f.fs, full)
	return full, status(err)
}

// Readlink implements sftp.ReadlinkFileLister.
func (f *files) Readlink(name string) (string, error) {
	name, err := clean(name)
	if err != nil {
		return "", err
	}
	target, err := f.fs.Readlink(name)
	return target, status(err)
}

// StatVFS implements sftp.StatVFSFileCmder: it tells of the sandbox's disk.
func (f *files) StatVFS(*sftp.Request) (*sftp.StatVFS, error) {
	const block = 4096
	ctx, cancel := context.WithTimeout(context.Background(), metricsTime)
	defer cancel()
	m, err := f.guest.Metrics(ctx)
	if err != nil || m.DiskLimit <= 0 {
		return nil, sftp.ErrSSHFxOpUnsupported
	}
	free := uint64(max(0, m.DiskLimit-m.DiskBytes)) / block
	return &sftp.StatVFS{
		Bsize: block, Frsize: block, Blocks: uint64(m.DiskLimit) / block, Bfree: free, Bavail: free, Namemax: 255,
	}, nil
}
