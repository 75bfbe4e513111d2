package jail

import (
	"io"
	"math"
	"os"

	"github.com/tetratelabs/wazero/experimental/sys"
	wasys "github.com/tetratelabs/wazero/sys"
)

// file is an open file or folder of an FS. Its offset lives here and not in the
// host's file, so append mode can be switched at any time.
type file struct {
	fs   *FS
	name string // when it was opened; a rename does not change it
	dir  bool

	// The rest is guarded by fs.mu.
	host     *os.File // nil when closed
	node     *node
	writable bool
	append   bool
	nonblock bool
	offset   int64
	entries  []sys.Dirent // what Readdir has still to return; see listed
	listed   bool
	kept     int // entries that there were, while some of them are still kept
}

var _ sys.PollableFile = (*file)(nil)

// begin locks the file system for one operation and returns what unlocks it.
func (f *file) begin() (func(), sys.Errno) {
	f.fs.mu.Lock()
	if f.host == nil {
		f.fs.mu.Unlock()
		return nil, sys.EBADF
	}
	return f.fs.mu.Unlock, 0
}

// beginData is begin for what only regular files can do.
func (f *file) beginData() (func(), sys.Errno) {
	if f.dir {
		return nil, sys.EISDIR
	}
	return f.begin()
}

// Dev implements sys.File.
func (f *file) Dev() (uint64, sys.Errno) { return devFS, 0 }

// Ino implements sys.File.
func (f *file) Ino() (wasys.Inode, sys.Errno) { return f.fs.inode(f.node.id), 0 }

// IsDir implements sys.File.
func (f *file) IsDir() (bool, sys.Errno) { return f.dir, 0 }

// IsAppend implements sys.File.
func (f *file) IsAppend() bool {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	return f.append
}

// SetAppend implements sys.File.
func (f *file) SetAppend(enable bool) sys.Errno {
	end, errno := f.beginData()
	if errno != 0 {
		return errno
	}
	defer end()
	f.append = enable
	return 0
}

// Stat implements sys.File.
func (f *file) Stat() (wasys.Stat_t, sys.Errno) {
	end, errno := f.begin()
	if errno != 0 {
		return wasys.Stat_t{}, errno
	}
	defer end()
	info, err := f.host.Stat()
	if err != nil {
		return wasys.Stat_t{}, errnoOf(err)
	}
	return f.fs.guestStat(info), 0
}

// Read implements sys.File.
func (f *file) Read(p []byte) (int, sys.Errno) {
	end, errno := f.beginData()
	if errno != 0 {
		return 0, errno
	}
	defer end()
	n, err := f.host.ReadAt(p, f.offset)
	f.offset += int64(n)
	return n, errnoOf(err)
}

// Pread implements sys.File.
func (f *file) Pread(p []byte, off int64) (int, sys.Errno) {
	end, errno := f.beginData()
	if errno != 0 {
		return 0, errno
	}
	defer end()
	if off < 0 {
		return 0, sys.EINVAL
	}
	n, err := f.host.ReadAt(p, off)
	return n, errnoOf(err)
}

// offset is an int64 under another name: go vet takes a method Seek(int64, int)
// for io.Seeker's and wants it to return an error, which sys.File does not.
type offset = int64

// Seek implements sys.File. A folder can only be rewound.
func (f *file) Seek(to offset, whence int) (int64, sys.Errno) {
	end, errno := f.begin()
	if errno != 0 {
		return 0, errno
	}
	defer end()
	if f.dir {
		if to != 0 || whence != io.SeekStart {
			return 0, sys.EISDIR
		}
		f.forget()
		f.listed = false
		return 0, 0
	}
	base, ok := seekBase(whence, f.offset, f.node.size)
	if !ok || base+to < 0 { // the sum of two large offsets is negative too
		return 0, sys.EINVAL
	}
	f.offset = base + to
	return f.offset, 0
}

// Write implements sys.File. It writes all of p or, over the quota, nothing.
func (f *file) Write(p []byte) (int, sys.Errno) {
	end, errno := f.beginWrite()
	if errno != 0 {
		return 0, errno
	}
	defer end()
	if f.append {
		f.offset = f.node.size
	}
	n, errno := f.writeAt(p, f.offset)
	f.offset += int64(n)
	return n, errno
}

// Pwrite implements sys.File. Append mode does not change where it writes.
func (f *file) Pwrite(p []byte, off int64) (int, sys.Errno) {
	end, errno := f.beginWrite()
	if errno != 0 {
		return 0, errno
	}
	defer end()
	return f.writeAt(p, off)
}

func (f *file) beginWrite() (func(), sys.Errno) {
	end, errno := f.begin()
	if errno == 0 && !f.writable {
		end()
		return nil, sys.EBADF
	}
	return end, errno
}

// writeAt charges for the growth, then writes. Preconditions: fs.mu must be held.
func (f *file) writeAt(p []byte, off int64) (int, sys.Errno) {
	switch {
	case off < 0 || off > math.MaxInt64-int64(len(p)):
		return 0, sys.EINVAL
	case len(p) == 0:
		return 0, 0
	}
	if errno := f.fs.quota.resize(f.node, max(f.node.size, off+int64(len(p)))); errno != 0 {
		return 0, errno
	}
	n, err := f.host.WriteAt(p, off)
	f.fs.written(f.node)
	if err != nil {
		f.refreshSize()
	}
	return n, f.fs.quota.refusedBy(err)
}

// Truncate implements sys.File.
func (f *file) Truncate(size int64) sys.Errno {
	end, errno := f.beginData()
	if errno != 0 {
		return errno
	}
	defer end()
	if size < 0 || !f.writable {
		return sys.EINVAL
	}
	return f.truncate(size)
}

// truncate charges for the growth, then sets the size. Preconditions: fs.mu
// must be held.
func (f *file) truncate(size int64) sys.Errno {
	if errno := f.fs.quota.resize(f.node, size); errno != 0 {
		return errno
	}
	err := f.host.Truncate(size)
	f.fs.written(f.node)
	if err != nil {
		f.refreshSize()
	}
	return f.fs.quota.refusedBy(err)
}

// refreshSize corrects what was charged after the host did something else.
func (f *file) refreshSize() {
	if info, err := f.host.Stat(); err == nil {
		f.fs.quota.bytes += sizeOf(info) - f.node.size
		f.node.size = sizeOf(info)
	}
}

// Sync implements sys.File. A run's files do not outlive the run, so nothing is
// forced to the disk: that would let a guest keep the disk busy for others.
func (f *file) Sync() sys.Errno {
	end, errno := f.begin()
	if errno == 0 {
		end()
	}
	return errno
}

// Datasync implements sys.File, as Sync.
func (f *file) Datasync() sys.Errno { return f.Sync() }

// Utimens implements sys.File. It needs the file's name: a file that was
// renamed or removed since it was opened is ENOSYS.
func (f *file) Utimens(atim, mtim int64) sys.Errno {
	end, errno := f.begin()
	if errno != 0 {
		return errno
	}
	defer end()
	defer f.fs.renamed()
	mine, err := f.host.Stat()
	if err != nil {
		return errnoOf(err)
	}
	named, err := f.fs.root.Lstat(f.name)
	if err != nil || !os.SameFile(mine, named) {
		return sys.ENOSYS
	}
	return errnoOf(f.fs.root.Chtimes(f.name, hostTime(atim), hostTime(mtim)))
}

// Poll implements sys.PollableFile: a file is always ready.
func (f *file) Poll(sys.Pflag, int32) (bool, sys.Errno) { return true, 0 }

// IsNonblock implements sys.PollableFile.
func (f *file) IsNonblock() bool {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	return f.nonblock
}

// SetNonblock implements sys.PollableFile. Files never block, so the flag is
// only remembered.
func (f *file) SetNonblock(enable bool) sys.Errno {
	end, errno := f.begin()
	if errno != 0 {
		return errno
	}
	defer end()
	f.nonblock = enable
	return 0
}

// Close implements sys.File.
func (f *file) Close() sys.Errno {
	end, errno := f.begin()
	if errno != 0 {
		return errno
	}
	defer end()
	return errnoOf(f.release())
}

// release closes the host's file and settles the account. Preconditions: fs.mu
// must be held and the file be open.
func (f *file) release() error {
	err := f.host.Close()
	f.host = nil
	f.forget()
	delete(f.fs.open, f)
	f.node.opens--
	if f.node.opens == 0 {
		delete(f.fs.nodes, f.node.id)
		if f.node.gone {
			f.fs.quota.giveBack(f.node.size)
		}
	}
	return err
}
