package jail

import (
	"errors"
	"hash/maphash"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/tetratelabs/wazero/experimental/sys"
	wasys "github.com/tetratelabs/wazero/sys"
)

// The device numbers that guests see in place of the host's, so that files on
// different mounts are never taken for the same.
const (
	devFS uint64 = iota + 1
	devLibrary
	devDevices
)

// FS is a guest's folder: everything below an os.Root, within Limits. A guest
// can read, write, rename and remove regular files and folders in it. It cannot
// make hard links, follow a link out of the root, or open anything else than
// files and folders, and it never learns the host's paths, owners, device or
// inode numbers. Symbolic links are for a NewHome only. All methods may be called
// from several goroutines.
type FS struct {
	sys.UnimplementedFS
	root *os.Root                 // nil before the first use
	late func() (*os.Root, error) // makes it then
	seed maphash.Seed             // hides the host's inode numbers
	home bool                     // it is a sandbox's, with links and modes: see NewHome

	// mu makes each operation one step, so that what was checked and counted is
	// what is then done.
	mu      sync.Mutex
	closed  bool
	open    map[*file]struct{}
	nodes   map[nodeID]*node
	quota   quota
	linked  bool     // there may be symbolic links of the guest's
	changes *Changes // nil for nobody who asks
	kept    int      // entries of open folders that have been read, for Readdir to return
}

var _ sys.FS = (*FS)(nil)

// New returns a file system over root. What is in root already does not count
// against the limits. The caller keeps root and closes it after Close.
func New(root *os.Root, limits Limits) *FS {
	f := NewLate(nil, limits)
	f.root = root
	return f
}

// NewLate is New for a folder that many a guest never looks into: open makes it when
// something in it is first asked for. Where that fails the guest is told so each time.
func NewLate(open func() (*os.Root, error), limits Limits) *FS {
	return &FS{
		late:  open,
		seed:  maphash.MakeSeed(),
		open:  map[*file]struct{}{},
		nodes: map[nodeID]*node{},
		quota: quota{limits: limits},
	}
}

// Close closes every file that the guest left open. Every later call fails with
// EBADF.
func (f *FS) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	var errs []error
	for fl := range f.open {
		errs = append(errs, fl.release())
	}
	return errors.Join(errs...)
}

// Exceeded returns the first limit that the guest ran into, or nil.
func (f *FS) Exceeded() *LimitError {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.quota.exceeded
}

// begin locks f for one operation on the path p. It returns the cleaned path, in
// which the guest's links are resolved (the last component too, if follow), and
// what unlocks f again.
func (f *FS) begin(p string, follow bool) (guestPath, func(), sys.Errno) {
	g, errno := cleanPath(p)
	if errno != 0 {
		return g, nil, errno
	}
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return g, nil, sys.EBADF
	}
	if f.root == nil {
		var err error
		if f.root, err = f.late(); err != nil {
			f.mu.Unlock()
			return g, nil, f.quota.refusedBy(err)
		}
	}
	if f.linked {
		if g, errno = f.resolve(g, follow); errno != 0 {
			f.mu.Unlock()
			return g, nil, errno
		}
	}
	return g, f.mu.Unlock, 0
}

// Lstat implements sys.FS.
func (f *FS) Lstat(p string) (wasys.Stat_t, sys.Errno) { return f.statWith(p, false, (*os.Root).Lstat) }

// Stat implements sys.FS. Links that lead out of the root are EPERM.
func (f *FS) Stat(p string) (wasys.Stat_t, sys.Errno) { return f.statWith(p, true, (*os.Root).Stat) }

func (f *FS) statWith(p string, follow bool, stat func(*os.Root, string) (fs.FileInfo, error)) (wasys.Stat_t, sys.Errno) {
	g, end, errno := f.begin(p, follow)
	if errno != 0 {
		return wasys.Stat_t{}, errno
	}
	defer end()
	info, err := stat(f.root, g.name)
	switch {
	case err != nil:
		return wasys.Stat_t{}, errnoOf(err)
	case g.wantDir && !info.IsDir():
		return wasys.Stat_t{}, sys.ENOTDIR
	}
	return f.guestStat(info), 0
}

// guestStat is what a guest may know of a host file.
func (f *FS) guestStat(info fs.FileInfo) wasys.Stat_t {
	st := wasys.NewStat_t(info)
	st.Ino = f.inode(nodeIDOf(st))
	st.Dev = devFS
	return st
}

// inode turns a host's inode number into one that says nothing about the host
// and is the same for as long as the run.
func (f *FS) inode(id nodeID) wasys.Inode { return maphash.Comparable(f.seed, id) | 1 }

// Mkdir implements sys.FS. The mode is always 0700, in a sandbox 0755.
func (f *FS) Mkdir(p string, _ fs.FileMode) sys.Errno {
	if f.home {
		return f.MkdirMode(p, homeDirMode)
	}
	return f.MkdirMode(p, 0o700)
}

// MkdirMode is Mkdir with a mode.
func (f *FS) MkdirMode(p string, perm fs.FileMode) sys.Errno {
	g, end, errno := f.begin(p, false)
	if errno != 0 {
		return errno
	}
	defer end()
	defer f.renamed()
	if _, err := f.root.Lstat(g.name); err == nil {
		return sys.EEXIST
	}
	if errno := f.quota.addFile(); errno != 0 {
		return errno
	}
	if err := f.root.Mkdir(g.name, perm&fs.ModePerm|0o700); err != nil {
		f.quota.giveBack(0)
		return f.quota.refusedBy(err)
	}
	return 0
}

// Rmdir implements sys.FS.
func (f *FS) Rmdir(p string) sys.Errno {
	return f.remove(p, func(g guestPath, info fs.FileInfo) sys.Errno {
		switch {
		case g.name == ".":
			return sys.EINVAL
		case !info.IsDir():
			return sys.ENOTDIR
		}
		return 0
	})
}

// Unlink implements sys.FS.
func (f *FS) Unlink(p string) sys.Errno {
	return f.remove(p, func(g guestPath, info fs.FileInfo) sys.Errno {
		switch {
		case info.IsDir():
			return sys.EISDIR
		case g.wantDir:
			return sys.ENOTDIR
		}
		return 0
	})
}

func (f *FS) remove(p string, check func(guestPath, fs.FileInfo) sys.Errno) sys.Errno {
	g, end, errno := f.begin(p, false)
	if errno != 0 {
		return errno
	}
	defer end()
	defer f.renamed()
	info, err := f.root.Lstat(g.name)
	if err != nil {
		return errnoOf(err)
	}
	if errno := check(g, info); errno != 0 {
		return errno
	}
	if err := f.root.Remove(g.name); err != nil {
		return errnoOf(err)
	}
	f.dropped(info)
	return 0
}

// dropped settles the account of a file whose name has just gone. A file that
// is still open keeps its share until it is closed, and one that has other
// names keeps it for good.
func (f *FS) dropped(info fs.FileInfo) {
	st := wasys.NewStat_t(info)
	if !info.IsDir() && st.Nlink > 1 {
		return
	}
	if n := f.nodes[nodeIDOf(st)]; n != nil {
		n.gone = true
		return
	}
	f.quota.giveBack(sizeOf(info))
}

// Rename implements sys.FS. A file or an empty folder of the new name is
// replaced.
func (f *FS) Rename(from, to string) sys.Errno {
	dst, errno := cleanPath(to)
	if errno != 0 {
		return errno
	}
	src, end, errno := f.begin(from, false)
	if errno != 0 {
		return errno
	}
	defer end()
	defer f.renamed()
	if f.linked {
		if dst, errno = f.resolve(dst, false); errno != 0 {
			return errno
		}
	}
	info, err := f.root.Lstat(src.name)
	if err != nil {
		return errnoOf(err)
	}
	if errno := f.checkRename(src, dst, info); errno != 0 {
		return errno
	}
	old, err := f.root.Lstat(dst.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return f.quota.refusedBy(f.root.Rename(src.name, dst.name))
	case err != nil:
		return errnoOf(err)
	case os.SameFile(info, old):
		return 0
	}
	return f.replace(src.name, info, dst.name, old)
}

func (f *FS) checkRename(src, dst guestPath, info fs.FileInfo) sys.Errno {
	switch {
	case src.name == "." || dst.name == "." || strings.HasPrefix(dst.name, src.name+"/"):
		return sys.EINVAL
	case (src.wantDir || dst.wantDir) && !info.IsDir():
		return sys.ENOTDIR
	case info.IsDir() && depth(dst.name) > depth(src.name):
		return f.checkHeight(src.name, maxDepth-depth(dst.name))
	}
	return 0
}

// replace renames src over dst, which is there. Preconditions: f.mu must be held.
func (f *FS) replace(src string, info fs.FileInfo, dst string, old fs.FileInfo) sys.Errno {
	switch {
	case info.IsDir() && !old.IsDir():
		return sys.ENOTDIR
	case !info.IsDir() && old.IsDir():
		return sys.EISDIR
	case old.IsDir():
		// os.Root refuses to rename over a folder, so an empty one goes first.
		if err := f.root.Remove(dst); err != nil {
			return errnoOf(err)
		}
		f.dropped(old)
		return f.quota.refusedBy(f.root.Rename(src, dst))
	}
	if err := f.root.Rename(src, dst); err != nil {
		return f.quota.refusedBy(err)
	}
	f.dropped(old)
	return 0
}

// checkHeight refuses to move the folder name where what is in it, counted in
// levels, would be deeper than maxDepth. The walk is bounded by the file quota.
func (f *FS) checkHeight(name string, levels int) sys.Errno {
	top := depth(name)
	err := fs.WalkDir(f.root.FS(), name, func(p string, _ fs.DirEntry, err error) error {
		if err == nil && depth(path.Clean(p))-top > levels {
			return sys.ENAMETOOLONG
		}
		return err
	})
	if errno, ok := errors.AsType[sys.Errno](err); ok {
		return errno
	}
	return errnoOf(err)
}

// Link implements sys.FS: hard links are refused.
func (f *FS) Link(_, _ string) sys.Errno { return sys.EPERM }

// Symlink implements sys.FS. Only a sandbox has symbolic links.
func (f *FS) Symlink(target, p string) sys.Errno {
	if !f.home {
		return sys.EPERM
	}
	return f.symlink(target, p)
}

// Readlink implements sys.FS. Where a guest cannot make links, one that is there
// was made on the host and its text is the host's business.
func (f *FS) Readlink(p string) (string, sys.Errno) {
	st, errno := f.Lstat(p)
	switch {
	case errno != 0:
		return "", errno
	case st.Mode&fs.ModeSymlink == 0:
		return "", sys.EINVAL
	case !f.home:
		return "", sys.EPERM
	}
	return f.readlink(p)
}

// Utimens implements sys.FS.
func (f *FS) Utimens(p string, atim, mtim int64) sys.Errno {
	g, end, errno := f.begin(p, true)
	if errno != 0 {
		return errno
	}
	defer end()
	defer f.renamed()
	return errnoOf(f.root.Chtimes(g.name, hostTime(atim), hostTime(mtim)))
}

// hostTime is the time to set for a timestamp; the zero time leaves it as it is.
func hostTime(ns int64) time.Time {
	if ns == sys.UTIME_OMIT {
		return time.Time{}
	}
	return time.Unix(0, ns)
}
