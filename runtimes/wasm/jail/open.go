package jail

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/tetratelabs/wazero/experimental/sys"
	wasys "github.com/tetratelabs/wazero/sys"
)

// writeFlags are the flags that open a file for writing.
const writeFlags = sys.O_RDWR | sys.O_WRONLY

// OpenFile implements sys.FS. New files have the mode 0600 whatever perm says, and
// 0644 in a sandbox.
func (f *FS) OpenFile(p string, flag sys.Oflag, _ fs.FileMode) (sys.File, sys.Errno) {
	if f.home {
		return f.OpenMode(p, flag, homeFileMode)
	}
	return f.OpenMode(p, flag, 0o600)
}

// OpenMode is OpenFile with the mode of a new file.
func (f *FS) OpenMode(p string, flag sys.Oflag, perm fs.FileMode) (sys.File, sys.Errno) {
	follow := flag&sys.O_NOFOLLOW == 0 && (flag&sys.O_CREAT == 0 || flag&sys.O_EXCL == 0)
	g, end, errno := f.begin(p, follow)
	if errno != 0 {
		return nil, errno
	}
	defer end()
	if len(f.open) >= f.quota.limits.OpenFiles {
		return nil, f.quota.exceed(LimitOpenFiles, int64(f.quota.limits.OpenFiles))
	}
	g.wantDir = g.wantDir || flag&sys.O_DIRECTORY != 0
	h, errno := f.openHost(g, flag, perm&fs.ModePerm|0o600)
	if errno != 0 {
		return nil, errno
	}
	return f.adopt(h, g, flag)
}

// openHost opens or creates a file on the host. Preconditions: f.mu must be held.
func (f *FS) openHost(g guestPath, flag sys.Oflag, perm fs.FileMode) (*os.File, sys.Errno) {
	info, err := f.root.Lstat(g.name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && flag&sys.O_CREAT != 0:
		return f.create(g, flag, perm)
	case err != nil:
		return nil, errnoOf(err)
	case flag&sys.O_CREAT != 0 && flag&sys.O_EXCL != 0:
		return nil, sys.EEXIST
	case info.Mode()&fs.ModeSymlink != 0:
		return f.openLink(g, flag)
	}
	return f.openExisting(g, flag, info)
}

// openLink opens what a symbolic link made by the host leads to, inside the root.
func (f *FS) openLink(g guestPath, flag sys.Oflag) (*os.File, sys.Errno) {
	if flag&sys.O_NOFOLLOW != 0 {
		return nil, sys.ELOOP
	}
	info, err := f.root.Stat(g.name)
	if err != nil {
		return nil, errnoOf(err)
	}
	return f.openExisting(g, flag, info)
}

func (f *FS) openExisting(g guestPath, flag sys.Oflag, info fs.FileInfo) (*os.File, sys.Errno) {
	switch {
	case !isFileOrDir(info):
		return nil, sys.EPERM
	case g.wantDir && !info.IsDir():
		return nil, sys.ENOTDIR
	case info.IsDir() && !g.wantDir && flag&writeFlags != 0:
		return nil, sys.EISDIR
	case info.IsDir():
		flag &^= writeFlags // a guest may ask for more rights than a folder has
	}
	h, err := f.root.OpenFile(g.name, hostFlags(flag), 0)
	return h, errnoOf(err)
}

func (f *FS) create(g guestPath, flag sys.Oflag, perm fs.FileMode) (*os.File, sys.Errno) {
	if g.wantDir {
		return nil, sys.EISDIR
	}
	if errno := f.quota.addFile(); errno != 0 {
		return nil, errno
	}
	h, err := f.root.OpenFile(g.name, hostFlags(flag)|os.O_CREATE|os.O_EXCL, perm)
	f.renamed()
	if err != nil {
		f.quota.giveBack(0)
		return nil, f.quota.refusedBy(err)
	}
	return h, 0
}

// hostFlags keeps only the access mode: appending, truncating and creating are
// done here, where they are counted. O_NONBLOCK is for a FIFO that takes the
// place of a file between the check and the open; adopt then refuses it.
func hostFlags(flag sys.Oflag) int {
	switch {
	case flag&sys.O_RDWR != 0:
		return os.O_RDWR | syscall.O_NONBLOCK
	case flag&sys.O_WRONLY != 0:
		return os.O_WRONLY | syscall.O_NONBLOCK
	}
	return os.O_RDONLY | syscall.O_NONBLOCK
}

// adopt makes a guest's file of h, or closes it. Preconditions: f.mu must be held.
func (f *FS) adopt(h *os.File, g guestPath, flag sys.Oflag) (sys.File, sys.Errno) {
	info, err := h.Stat()
	if err != nil || !isFileOrDir(info) {
		_ = h.Close()
		return nil, sys.EPERM
	}
	id := nodeIDOf(wasys.NewStat_t(info))
	n := f.nodes[id]
	if n == nil {
		n = &node{id: id, size: sizeOf(info)}
		f.nodes[id] = n
	}
	n.opens++
	fl := &file{
		fs: f, host: h, node: n, name: g.name, dir: info.IsDir(),
		writable: flag&writeFlags != 0 && !info.IsDir(),
		append:   flag&sys.O_APPEND != 0,
		nonblock: flag&sys.O_NONBLOCK != 0,
	}
	f.open[fl] = struct{}{}
	if flag&sys.O_TRUNC != 0 && fl.writable {
		if errno := fl.truncate(0); errno != 0 {
			_ = fl.release()
			return nil, errno
		}
	}
	return fl, 0
}

func isFileOrDir(info fs.FileInfo) bool { return info.Mode().IsRegular() || info.IsDir() }
