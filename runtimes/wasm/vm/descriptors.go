package vm

import (
	"context"
	"io/fs"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/experimental/sys"
	wazerosys "github.com/tetratelabs/wazero/sys"
)

// A guest can take another's place only with the file descriptors of a new one. What
// wazero keeps of them cannot be looked at, so it is followed here: no file may be
// open, and those that a guest begins with (its streams and mounts) may not have
// been closed, replaced or given other flags.

// lateMount is a mount whose file system may change from run to run. It counts the
// files of it that are open.
type lateMount struct {
	sys.FS
	folder *lateFolder // once it was opened
	open   int         // without folder
}

// lateMounts puts what counts before each mount.
func lateMounts(mounts []Mount) ([]Mount, []*lateMount) {
	late, counted := make([]Mount, len(mounts)), make([]*lateMount, len(mounts))
	for i, m := range mounts {
		counted[i] = &lateMount{FS: m.FS}
		late[i] = Mount{Path: m.Path, FS: counted[i]}
	}
	return late, counted
}

// nothing is behind a mount that nobody uses.
var nothing sys.FS = sys.UnimplementedFS{}

// OpenFile implements sys.FS. The first to call it is wazero itself, for the mount's
// own descriptor, as soon as something is looked for below it.
func (m *lateMount) OpenFile(path string, flag sys.Oflag, perm fs.FileMode) (sys.File, sys.Errno) {
	if m.folder == nil && path == "." {
		m.folder = &lateFolder{mount: m}
		return m.folder, 0
	}
	f, errno := m.FS.OpenFile(path, flag, perm)
	if errno != 0 {
		return nil, errno
	}
	m.open++
	return &lateFile{File: f, mount: m}, 0
}

// untouched reports whether no file is open, and the mount's descriptor as it was.
func (m *lateMount) untouched() bool {
	return m.open == 0 && (m.folder == nil || !m.folder.closed && !m.folder.read)
}

// part takes away what the run has put behind the mount.
func (m *lateMount) part() {
	if m.folder != nil {
		m.folder.part()
	}
	m.FS = nothing
}

type lateFile struct {
	sys.File
	mount *lateMount // nil once closed
}

// Close implements sys.File.
func (f *lateFile) Close() sys.Errno {
	if f.mount != nil {
		f.mount.open--
		f.mount = nil
	}
	return f.File.Close()
}

// lateFolder is the descriptor of a mount, which wazero keeps for as long as there
// is the guest. It stands for the folder that the mount has at the time.
type lateFolder struct {
	sys.DirFile
	mount  *lateMount
	now    sys.File // behind it, once it was needed
	read   bool     // wazero remembers how far it was read
	closed bool
}

// get calls f with the folder that is behind it now.
func (l *lateFolder) get(f func(sys.File) sys.Errno) sys.Errno {
	if l.now == nil {
		var errno sys.Errno
		if l.now, errno = l.mount.FS.OpenFile(".", sys.O_RDONLY, 0); errno != 0 {
			l.now = nil
			return errno
		}
	}
	return f(l.now)
}

func (l *lateFolder) part() {
	if l.now != nil {
		l.now.Close()
	}
	l.now = nil
}

// Stat implements sys.File.
func (l *lateFolder) Stat() (st wazerosys.Stat_t, errno sys.Errno) {
	errno = l.get(func(f sys.File) (errno sys.Errno) {
		st, errno = f.Stat()
		return errno
	})
	return st, errno
}

// Dev implements sys.File.
func (l *lateFolder) Dev() (uint64, sys.Errno) {
	st, errno := l.Stat()
	return st.Dev, errno
}

// Ino implements sys.File.
func (l *lateFolder) Ino() (wazerosys.Inode, sys.Errno) {
	st, errno := l.Stat()
	return st.Ino, errno
}

// IsDir implements sys.File. Mounts are folders.
func (l *lateFolder) IsDir() (bool, sys.Errno) { return true, 0 }

// offset is an int64 under another name: go vet takes a method Seek(int64, int)
// for io.Seeker's and wants it to return an error, which sys.File does not.
type offset = int64

// Seek implements sys.File.
func (l *lateFolder) Seek(to offset, whence int) (at int64, errno sys.Errno) {
	l.read = true
	errno = l.get(func(f sys.File) (errno sys.Errno) {
		at, errno = f.Seek(to, whence)
		return errno
	})
	return at, errno
}

// Readdir implements sys.File.
func (l *lateFolder) Readdir(n int) (entries []sys.Dirent, errno sys.Errno) {
	l.read = true
	errno = l.get(func(f sys.File) (errno sys.Errno) {
		entries, errno = f.Readdir(n)
		return errno
	})
	return entries, errno
}

// Sync implements sys.File.
func (l *lateFolder) Sync() sys.Errno { return l.get(sys.File.Sync) }

// Datasync implements sys.File.
func (l *lateFolder) Datasync() sys.Errno { return l.get(sys.File.Datasync) }

// Utimens implements sys.File.
func (l *lateFolder) Utimens(atim, mtim int64) sys.Errno {
	return l.get(func(f sys.File) sys.Errno { return f.Utimens(atim, mtim) })
}

// Close implements sys.File.
func (l *lateFolder) Close() sys.Errno {
	l.closed = true
	l.part()
	return 0
}

// rearrangements finds out when a guest changes the descriptors that it began with.
// It is a listener of the WASI functions that can.
type rearrangements struct{}

// NewFunctionListener implements experimental.FunctionListenerFactory.
func (rearrangements) NewFunctionListener(def api.FunctionDefinition) experimental.FunctionListener {
	switch def.Name() {
	case "fd_close":
		return experimental.FunctionListenerFunc(onClose)
	case "fd_renumber", "fd_fdstat_set_flags", "fd_fdstat_set_rights":
		return experimental.FunctionListenerFunc(onRearrange)
	}
	return nil
}

// firstFree is the first descriptor after the streams; mounts have the next ones.
const firstFree = 3

func onClose(ctx context.Context, _ api.Module, _ api.FunctionDefinition, params []uint64, _ experimental.StackIterator) {
	if r := Current(ctx); r != nil && uint32(params[0]) < uint32(firstFree+len(r.cfg.Mounts)) {
		r.rearranged = true
	}
}

func onRearrange(ctx context.Context, _ api.Module, _ api.FunctionDefinition, _ []uint64, _ experimental.StackIterator) {
	if r := Current(ctx); r != nil {
		r.rearranged = true
	}
}
