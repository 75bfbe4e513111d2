package jail

import (
	"bytes"

	"github.com/tetratelabs/wazero/experimental/sys"
	wasys "github.com/tetratelabs/wazero/sys"
)

// device is an open device. A guest uses a file from one goroutine at a time.
type device struct {
	sys.UnimplementedFile
	opens  *openCount
	ino    wasys.Inode
	sink   *lineBuffer // nil for null
	closed bool
}

// Dev implements sys.File.
func (f *device) Dev() (uint64, sys.Errno) { return devDevices, 0 }

// Ino implements sys.File.
func (f *device) Ino() (wasys.Inode, sys.Errno) { return f.ino, 0 }

// IsDir implements sys.File.
func (f *device) IsDir() (bool, sys.Errno) { return false, 0 }

// Stat implements sys.File.
func (f *device) Stat() (wasys.Stat_t, sys.Errno) { return deviceStat(f.ino), 0 }

// Read implements sys.File: there is never anything to read.
func (f *device) Read([]byte) (int, sys.Errno) { return 0, f.readErrno() }

// Pread implements sys.File, as Read.
func (f *device) Pread([]byte, int64) (int, sys.Errno) { return 0, f.readErrno() }

func (f *device) readErrno() sys.Errno {
	if f.closed || f.sink != nil {
		return sys.EBADF
	}
	return 0
}

// Seek implements sys.File: a device is always at 0.
func (f *device) Seek(offset, int) (int64, sys.Errno) { return 0, 0 }

// Write implements sys.File.
func (f *device) Write(p []byte) (int, sys.Errno) {
	switch {
	case f.closed:
		return 0, sys.EBADF
	case f.sink != nil && !f.sink.write(p):
		return 0, sys.EIO
	}
	return len(p), 0
}

// Pwrite implements sys.File; the position means nothing to a device.
func (f *device) Pwrite(p []byte, _ int64) (int, sys.Errno) { return f.Write(p) }

// Truncate implements sys.File and does nothing.
func (f *device) Truncate(int64) sys.Errno { return 0 }

// Utimens implements sys.File and does nothing.
func (f *device) Utimens(_, _ int64) sys.Errno { return 0 }

// Close implements sys.File. A last line without its newline counts.
func (f *device) Close() sys.Errno {
	if f.closed {
		return sys.EBADF
	}
	f.closed = true
	if f.sink != nil {
		f.sink.flush()
	}
	f.opens.leave()
	return 0
}

// lineBuffer cuts what is written to it into lines. What it holds has been
// charged to displays, so it is bounded by the limit of those.
type lineBuffer struct {
	displays *Displays
	pending  []byte
}

// write reports whether the run may display more.
func (b *lineBuffer) write(p []byte) bool {
	if !b.displays.charge(len(p)) {
		b.pending = nil
		return false
	}
	for {
		line, rest, found := bytes.Cut(p, []byte{'\n'})
		b.pending = append(b.pending, line...)
		if !found {
			return true
		}
		if !b.flush() {
			return false
		}
		p = rest
	}
}

func (b *lineBuffer) flush() bool {
	ok := b.displays.line(b.pending)
	b.pending = b.pending[:0]
	return ok
}
