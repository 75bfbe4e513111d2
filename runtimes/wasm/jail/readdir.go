package jail

import (
	"io/fs"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// Readdir implements sys.File. The folder is read whole at the first call after
// opening or rewinding, so a listing is one moment's, and it is sorted by name,
// so a program lists the same way every time. What that takes is bounded by the
// file quota, and for all open folders together by maxKept.
func (f *file) Readdir(n int) ([]sys.Dirent, sys.Errno) {
	end, errno := f.begin()
	if errno != 0 {
		return nil, errno
	}
	defer end()
	if !f.dir {
		return nil, sys.EBADF
	}
	if errno := f.list(); errno != 0 {
		return nil, errno
	}
	if n <= 0 || n > len(f.entries) {
		n = len(f.entries)
	}
	page := f.entries[:n:n]
	if f.entries = f.entries[n:]; len(f.entries) == 0 {
		f.forget()
	}
	return page, 0
}

// maxKept is how many entries all open folders may keep together, unless it is a
// single one: a guest can open a large folder many times.
const maxKept = 1 << 18

// keep makes room for n entries. Preconditions: fs.mu must be held.
func (f *file) keep(n int) sys.Errno {
	if f.fs.kept > 0 && f.fs.kept+n > maxKept {
		return f.fs.quota.exceed(LimitOpenFiles, int64(f.fs.quota.limits.OpenFiles))
	}
	f.kept = n
	f.fs.kept += n
	return 0
}

// forget drops the entries that have not been returned. Preconditions: fs.mu must be
// held.
func (f *file) forget() {
	f.fs.kept -= f.kept
	f.entries, f.kept = nil, 0
}

// list fills f.entries unless it has been since the last rewind. Preconditions:
// fs.mu must be held.
func (f *file) list() sys.Errno {
	if f.listed {
		return 0
	}
	if _, err := f.host.Seek(0, 0); err != nil {
		return errnoOf(err)
	}
	found, err := f.host.ReadDir(-1)
	if err != nil {
		return errnoOf(err)
	}
	if errno := f.keep(len(found)); errno != 0 {
		return errno
	}
	f.entries = make([]sys.Dirent, 0, len(found))
	for _, e := range found {
		if d, ok := f.entry(e); ok {
			f.entries = append(f.entries, d)
		}
	}
	slices.SortFunc(f.entries, func(a, b sys.Dirent) int { return strings.Compare(a.Name, b.Name) })
	f.listed = true
	return 0
}

// entry is what a guest sees of e. Names that no guest could open are left out.
func (f *file) entry(e fs.DirEntry) (sys.Dirent, bool) {
	if _, errno := cleanPath(e.Name()); errno != 0 {
		return sys.Dirent{}, false
	}
	d := sys.Dirent{Name: e.Name(), Type: e.Type()}
	if id, ok := lstatAt(f.host, e.Name()); ok {
		d.Ino = f.fs.inode(id)
	}
	return d, true
}
