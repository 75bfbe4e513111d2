package jail

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"strings"

	"github.com/tetratelabs/wazero/experimental/sys"
	wasys "github.com/tetratelabs/wazero/sys"
)

// Library is a read-only file system over an fs.FS, such as an embedded folder
// of helper modules. Files are regular files and folders; anything else in the
// tree is not there. One Library serves one run.
type Library struct {
	sys.UnimplementedFS
	tree  fs.FS
	opens openCount
}

var _ sys.FS = (*Library)(nil)

// NewLibrary returns a file system over tree. At most maxOpen files may be open
// at once. The tree must not change while a guest uses it.
func NewLibrary(tree fs.FS, maxOpen int) *Library {
	return &Library{tree: tree, opens: openCount{max: maxOpen}}
}

// OpenFile implements sys.FS. Whatever would change the tree is EROFS.
func (l *Library) OpenFile(p string, flag sys.Oflag, _ fs.FileMode) (sys.File, sys.Errno) {
	g, info, errno := l.lookup(p)
	switch {
	case errno == sys.ENOENT && flag&sys.O_CREAT != 0:
		return nil, sys.EROFS
	case errno != 0:
		return nil, errno
	case flag&sys.O_CREAT != 0 && flag&sys.O_EXCL != 0:
		return nil, sys.EEXIST
	case info.IsDir() && flag&sys.O_DIRECTORY == 0 && flag&writeFlags != 0:
		return nil, sys.EISDIR
	case !info.IsDir() && flag&sys.O_DIRECTORY != 0:
		return nil, sys.ENOTDIR
	case !info.IsDir() && flag&(sys.O_TRUNC|writeFlags) != 0:
		return nil, sys.EROFS
	case !l.opens.take():
		return nil, sys.EIO
	}
	f, errno := l.open(g, info)
	if errno != 0 {
		l.opens.leave()
	}
	return f, errno
}

func (l *Library) open(g guestPath, info fs.FileInfo) (sys.File, sys.Errno) {
	st := libraryStat(g.name, info)
	if !info.IsDir() {
		return l.openData(g.name, st)
	}
	entries, err := fs.ReadDir(l.tree, g.name)
	if err != nil {
		return nil, treeErrno(err)
	}
	var list []sys.Dirent
	for _, e := range entries {
		if e.Type().IsRegular() || e.IsDir() {
			list = append(list, sys.Dirent{Name: e.Name(), Ino: libraryInode(join(g.name, e.Name())), Type: e.Type()})
		}
	}
	return newListing(st, list, &l.opens), 0
}

// openData opens a file for reading at any offset: embedded files can be read
// in place, others are read into memory.
func (l *Library) openData(name string, st wasys.Stat_t) (sys.File, sys.Errno) {
	f, err := l.tree.Open(name)
	if err != nil {
		return nil, treeErrno(err)
	}
	if r, ok := f.(io.ReaderAt); ok {
		return &libraryFile{stat: st, data: r, closer: f, opens: &l.opens}, 0
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		return nil, sys.EIO
	}
	return &libraryFile{stat: st, data: bytes.NewReader(b), opens: &l.opens}, 0
}

func (l *Library) lookup(p string) (guestPath, fs.FileInfo, sys.Errno) {
	g, errno := cleanPath(p)
	if errno != 0 {
		return g, nil, errno
	}
	info, err := fs.Stat(l.tree, g.name)
	switch {
	case err != nil:
		return g, nil, treeErrno(err)
	case !isFileOrDir(info):
		return g, nil, sys.ENOENT
	case g.wantDir && !info.IsDir():
		return g, nil, sys.ENOTDIR
	}
	return g, info, 0
}

// treeErrno translates an error of an fs.FS, which often has no number in it.
func treeErrno(err error) sys.Errno {
	if errors.Is(err, fs.ErrNotExist) {
		return sys.ENOENT
	}
	return sys.EIO
}

// Lstat implements sys.FS.
func (l *Library) Lstat(p string) (wasys.Stat_t, sys.Errno) { return l.Stat(p) }

// Stat implements sys.FS.
func (l *Library) Stat(p string) (wasys.Stat_t, sys.Errno) {
	g, info, errno := l.lookup(p)
	if errno != 0 {
		return wasys.Stat_t{}, errno
	}
	return libraryStat(g.name, info), 0
}

// libraryStat is info without what only the host knows. Embedded files have no
// time; guests see the epoch.
func libraryStat(name string, info fs.FileInfo) wasys.Stat_t {
	st := wasys.Stat_t{Dev: devLibrary, Ino: libraryInode(name), Mode: fs.FileMode(0o444), Nlink: 1, Size: info.Size()}
	if info.IsDir() {
		st.Mode, st.Size = fs.ModeDir|0o555, 0
	}
	if t := info.ModTime(); !t.IsZero() {
		st.Mtim = t.UnixNano()
		st.Atim, st.Ctim = st.Mtim, st.Mtim
	}
	return st
}

// libraryInode numbers a file by its path, with the FNV-1a hash.
func libraryInode(name string) wasys.Inode {
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return h | 1
}

func join(dir, name string) string { return strings.TrimPrefix(dir+"/"+name, "./") }

// Mkdir implements sys.FS.
func (l *Library) Mkdir(string, fs.FileMode) sys.Errno { return sys.EROFS }

// Rmdir implements sys.FS.
func (l *Library) Rmdir(string) sys.Errno { return sys.EROFS }

// Unlink implements sys.FS.
func (l *Library) Unlink(string) sys.Errno { return sys.EROFS }

// Rename implements sys.FS.
func (l *Library) Rename(_, _ string) sys.Errno { return sys.EROFS }

// Link implements sys.FS.
func (l *Library) Link(_, _ string) sys.Errno { return sys.EROFS }

// Symlink implements sys.FS.
func (l *Library) Symlink(_, _ string) sys.Errno { return sys.EROFS }

// Utimens implements sys.FS.
func (l *Library) Utimens(string, int64, int64) sys.Errno { return sys.EROFS }

// Readlink implements sys.FS.
func (l *Library) Readlink(p string) (string, sys.Errno) {
	if _, _, errno := l.lookup(p); errno != 0 {
		return "", errno
	}
	return "", sys.EINVAL
}

// libraryFile is an open file of a Library.
type libraryFile struct {
	sys.UnimplementedFile
	stat   wasys.Stat_t
	data   io.ReaderAt
	closer io.Closer // may be nil
	opens  *openCount
	at     int64
	closed bool
}

// Dev implements sys.File.
func (f *libraryFile) Dev() (uint64, sys.Errno) { return f.stat.Dev, 0 }

// Ino implements sys.File.
func (f *libraryFile) Ino() (wasys.Inode, sys.Errno) { return f.stat.Ino, 0 }

// IsDir implements sys.File.
func (f *libraryFile) IsDir() (bool, sys.Errno) { return false, 0 }

// Stat implements sys.File.
func (f *libraryFile) Stat() (wasys.Stat_t, sys.Errno) { return f.stat, 0 }

// Read implements sys.File.
func (f *libraryFile) Read(p []byte) (int, sys.Errno) {
	n, errno := f.Pread(p, f.at)
	f.at += int64(n)
	return n, errno
}

// Pread implements sys.File.
func (f *libraryFile) Pread(p []byte, off int64) (int, sys.Errno) {
	switch {
	case f.closed:
		return 0, sys.EBADF
	case off < 0:
		return 0, sys.EINVAL
	case len(p) == 0 || off >= f.stat.Size:
		return 0, 0
	}
	n, err := f.data.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		return n, sys.EIO
	}
	return n, 0
}

// Seek implements sys.File.
func (f *libraryFile) Seek(to offset, whence int) (int64, sys.Errno) {
	base, ok := seekBase(whence, f.at, f.stat.Size)
	if !ok || base+to < 0 { // the sum of two large offsets is negative too
		return 0, sys.EINVAL
	}
	f.at = base + to
	return f.at, 0
}

// seekBase is where an offset of Seek counts from.
func seekBase(whence int, current, size int64) (base int64, ok bool) {
	switch whence {
	case io.SeekStart:
		return 0, true
	case io.SeekCurrent:
		return current, true
	case io.SeekEnd:
		return size, true
	}
	return 0, false
}

// Write implements sys.File.
func (f *libraryFile) Write([]byte) (int, sys.Errno) { return 0, sys.EBADF }

// Pwrite implements sys.File.
func (f *libraryFile) Pwrite([]byte, int64) (int, sys.Errno) { return 0, sys.EBADF }

// Truncate implements sys.File.
func (f *libraryFile) Truncate(int64) sys.Errno { return sys.EINVAL }

// Close implements sys.File.
func (f *libraryFile) Close() sys.Errno {
	if f.closed {
		return sys.EBADF
	}
	f.closed = true
	f.opens.leave()
	if f.closer != nil {
		_ = f.closer.Close()
	}
	return 0
}
