package jail

import (
	"io"
	"sync"

	"github.com/tetratelabs/wazero/experimental/sys"
	wasys "github.com/tetratelabs/wazero/sys"
)

// openCount bounds how many files are open at once where no host descriptor
// stands behind them, only our memory.
type openCount struct {
	max int

	mu sync.Mutex
	n  int
}

// take counts one more open file, if there may be one.
func (c *openCount) take() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n >= c.max {
		return false
	}
	c.n++
	return true
}

func (c *openCount) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n--
}

// listing is an open folder whose entries are known.
type listing struct {
	sys.UnimplementedFile
	stat   wasys.Stat_t
	all    []sys.Dirent
	next   int // index in all of the entry to read next
	opens  *openCount
	closed bool
}

func newListing(stat wasys.Stat_t, all []sys.Dirent, opens *openCount) *listing {
	return &listing{stat: stat, all: all, opens: opens}
}

// Dev implements sys.File.
func (f *listing) Dev() (uint64, sys.Errno) { return f.stat.Dev, 0 }

// Ino implements sys.File.
func (f *listing) Ino() (wasys.Inode, sys.Errno) { return f.stat.Ino, 0 }

// IsDir implements sys.File.
func (f *listing) IsDir() (bool, sys.Errno) { return true, 0 }

// Stat implements sys.File.
func (f *listing) Stat() (wasys.Stat_t, sys.Errno) { return f.stat, 0 }

// Read implements sys.File.
func (f *listing) Read([]byte) (int, sys.Errno) { return 0, sys.EISDIR }

// Pread implements sys.File.
func (f *listing) Pread([]byte, int64) (int, sys.Errno) { return 0, sys.EISDIR }

// Write implements sys.File.
func (f *listing) Write([]byte) (int, sys.Errno) { return 0, sys.EBADF }

// Pwrite implements sys.File.
func (f *listing) Pwrite([]byte, int64) (int, sys.Errno) { return 0, sys.EBADF }

// Truncate implements sys.File.
func (f *listing) Truncate(int64) sys.Errno { return sys.EISDIR }

// Seek implements sys.File. A folder can only be rewound.
func (f *listing) Seek(to offset, whence int) (int64, sys.Errno) {
	if to != 0 || whence != io.SeekStart {
		return 0, sys.EISDIR
	}
	f.next = 0
	return 0, 0
}

// Readdir implements sys.File.
func (f *listing) Readdir(n int) ([]sys.Dirent, sys.Errno) {
	if f.closed {
		return nil, sys.EBADF
	}
	rest := f.all[f.next:]
	if n <= 0 || n > len(rest) {
		n = len(rest)
	}
	f.next += n
	return rest[:n:n], 0
}

// Close implements sys.File.
func (f *listing) Close() sys.Errno {
	if f.closed {
		return sys.EBADF
	}
	f.closed = true
	f.opens.leave()
	return 0
}
