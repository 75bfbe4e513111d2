package files

import (
	"bytes"
	"encoding/binary"
	"io"

	"github.com/tetratelabs/wazero/experimental/sys"
	wasys "github.com/tetratelabs/wazero/sys"

	"sandpiper/runtimes/wasm/jail"
)

// file is an open file or folder of an FS. Its offset and flags live here: no other
// program has this handle. A guest uses a file from one goroutine at a time.
type file struct {
	fs     *FS
	handle uint32
	dev    uint64
	ino    wasys.Inode
	dir    bool

	offset   int64
	append   bool
	nonblock bool
	closed   bool

	known block // of its content
	is    found // what Stat says
	next  int64 // where the last read has ended
	ahead int   // how much more than that was asked for
}

var _ sys.PollableFile = (*file)(nil)

// call is FS.call for a request about this file.
func (f *file) call(r request, take func(a answer) sys.Errno) sys.Errno {
	if f.closed {
		return sys.EBADF
	}
	r.handle = f.handle
	return f.fs.call(r, take)
}

// Dev implements sys.File.
func (f *file) Dev() (uint64, sys.Errno) { return f.dev, 0 }

// Ino implements sys.File.
func (f *file) Ino() (wasys.Inode, sys.Errno) { return f.ino, 0 }

// IsDir implements sys.File.
func (f *file) IsDir() (bool, sys.Errno) { return f.dir, 0 }

// IsAppend implements sys.File.
func (f *file) IsAppend() bool { return f.append }

// SetAppend implements sys.File.
func (f *file) SetAppend(enable bool) sys.Errno {
	switch {
	case f.dir:
		return sys.EISDIR
	case f.closed:
		return sys.EBADF
	}
	f.append = enable
	return 0
}

// Stat implements sys.File.
func (f *file) Stat() (wasys.Stat_t, sys.Errno) {
	if f.closed {
		return wasys.Stat_t{}, sys.EBADF
	}
	version, keeps := f.version()
	if keeps && f.is.version == version {
		return f.is.st, 0
	}
	st, errno := f.fs.stat(request{op: opFstat, handle: f.handle})
	if errno == 0 {
		f.is = found{st: st, version: version}
	}
	return st, errno
}

// version is the file's now; ok is false where nothing is kept of it.
func (f *file) version() (v jail.Version, ok bool) {
	if f.fs.changes == nil {
		return jail.Version{}, false
	}
	return f.fs.changes.Of(f.ino), true
}

// set makes f what the answer to opOpen says, which was asked for the first want bytes.
func (f *file) set(a answer, want int) sys.Errno {
	st, version, data, ok := readOpened(a.payload)
	if !ok {
		return sys.EIO
	}
	f.handle, f.dev, f.ino, f.dir = uint32(a.n), st.Dev, st.Ino, st.Mode.IsDir()
	f.is = found{st: st, version: version}
	if want > 0 && !f.dir {
		f.known = block{data: bytes.Clone(data), last: len(data) < want, content: version.Content}
	}
	return 0
}

// Read implements sys.File.
func (f *file) Read(p []byte) (int, sys.Errno) {
	n, errno := f.Pread(p, f.offset)
	f.offset += int64(n)
	return n, errno
}

// Pread implements sys.File. It reads less than p only at the end of the file.
func (f *file) Pread(p []byte, off int64) (n int, errno sys.Errno) {
	for more := true; more && errno == 0; {
		var got int
		var last bool
		got, last, errno = f.piece(p[n:], off+int64(n))
		n += got
		more = !last && n < len(p)
	}
	if n > 0 {
		return n, 0 // what went wrong after it does so again
	}
	return 0, errno
}

// piece reads some of p, from what is known if possible. last reports that the file
// ends there.
func (f *file) piece(p []byte, off int64) (n int, last bool, errno sys.Errno) {
	version, keeps := f.version()
	keeps = keeps && !f.closed
	if keeps && f.known.content == version.Content {
		if n, last, ok := f.known.read(p, off); ok {
			f.next = off + int64(n)
			return n, last, 0
		}
	}
	want := min(len(p), maxData)
	all := want
	if keeps {
		all = min(want+f.lookAhead(off, version.Content), maxData)
	}
	errno = f.call(request{op: opPread, x: off, flag: uint32(all)}, func(a answer) sys.Errno {
		n = copy(p[:want], a.payload)
		last = n < want
		f.next = off + int64(n)
		f.known = block{at: f.next, data: append(f.known.data[:0], a.payload[n:]...), last: len(a.payload) < all, content: version.Content}
		return 0
	})
	return n, last, errno
}

// lookAhead returns how much more to read than is asked for: ever more while one piece
// is read after the other, and nothing when what has come that way was of no use.
func (f *file) lookAhead(off int64, content uint64) int {
	if off != f.next || f.known.content != content {
		f.ahead = 0
		return 0
	}
	f.ahead = min(max(minAhead, 2*f.ahead), maxAhead)
	return f.ahead
}

// offset is an int64 under another name, for the reason that package jail gives.
type offset = int64

// Seek implements sys.File. A folder can only be rewound.
func (f *file) Seek(to offset, whence int) (int64, sys.Errno) {
	if f.dir {
		if to != 0 || whence != io.SeekStart {
			return 0, sys.EISDIR
		}
		return 0, f.call(request{op: opRewind}, done)
	}
	base := int64(0)
	switch {
	case f.closed:
		return 0, sys.EBADF
	case whence == io.SeekStart:
	case whence == io.SeekCurrent:
		base = f.offset
	case whence == io.SeekEnd:
		st, errno := f.Stat()
		if errno != 0 {
			return 0, errno
		}
		base = st.Size
	default:
		return 0, sys.EINVAL
	}
	if base+to < 0 { // the sum of two large offsets is negative too
		return 0, sys.EINVAL
	}
	f.offset = base + to
	return f.offset, 0
}

// Write implements sys.File. What is more than a piece may be written in part.
func (f *file) Write(p []byte) (int, sys.Errno) {
	if !f.append {
		n, errno := f.Pwrite(p, f.offset)
		f.offset += int64(n)
		return n, errno
	}
	return inPieces(p, func(piece []byte, _ int) (n int, errno sys.Errno) {
		errno = f.call(request{op: opAppend, second: piece}, func(a answer) sys.Errno {
			if len(a.payload) != 8 {
				return sys.EIO
			}
			n, f.offset = int(a.n), int64(binary.LittleEndian.Uint64(a.payload))
			return 0
		})
		return n, errno
	})
}

// Pwrite implements sys.File, as Write. Append mode does not change where it writes.
func (f *file) Pwrite(p []byte, off int64) (int, sys.Errno) {
	return inPieces(p, func(piece []byte, at int) (n int, errno sys.Errno) {
		errno = f.call(request{op: opPwrite, x: off + int64(at), second: piece}, func(a answer) sys.Errno {
			n = int(a.n)
			return 0
		})
		return n, errno
	})
}

// inPieces has write write p, until it writes less than it is given.
func inPieces(p []byte, write func(piece []byte, at int) (int, sys.Errno)) (int, sys.Errno) {
	for at := 0; ; {
		piece := p[at:min(len(p), at+maxData)]
		n, errno := write(piece, at)
		if n < 0 || n > len(piece) {
			return at, sys.EIO // that is no answer
		}
		if errno != 0 && at > 0 {
			return at, 0 // what went wrong after it does so again
		}
		at += n
		if errno != 0 || n < len(piece) || at == len(p) {
			return at, errno
		}
	}
}

// Truncate implements sys.File.
func (f *file) Truncate(size int64) sys.Errno {
	return f.call(request{op: opTruncate, x: size}, done)
}

// Readdir implements sys.File.
func (f *file) Readdir(n int) (all []sys.Dirent, errno sys.Errno) {
	for {
		want := maxPage
		if n > 0 {
			want = min(maxPage, n-len(all))
		}
		got := 0
		errno = f.call(request{op: opReaddir, flag: uint32(want)}, func(a answer) sys.Errno {
			page, ok := readEntries(a.payload)
			all, got = append(all, page...), len(page)
			return valid(ok)
		})
		if errno != 0 || got < want || len(all) == n {
			return all, errno
		}
	}
}

// Sync implements sys.File.
func (f *file) Sync() sys.Errno { return f.call(request{op: opSync}, done) }

// Datasync implements sys.File, as Sync.
func (f *file) Datasync() sys.Errno { return f.Sync() }

// Utimens implements sys.File.
func (f *file) Utimens(atim, mtim int64) sys.Errno {
	return f.call(request{op: opFutimens, x: atim, y: mtim}, done)
}

// Poll implements sys.PollableFile: a file is always ready.
func (f *file) Poll(sys.Pflag, int32) (bool, sys.Errno) { return true, 0 }

// IsNonblock implements sys.PollableFile.
func (f *file) IsNonblock() bool { return f.nonblock }

// SetNonblock implements sys.PollableFile. Files never block, so the flag is only
// remembered.
func (f *file) SetNonblock(enable bool) sys.Errno {
	f.nonblock = enable
	return 0
}

// Close implements sys.File. It does not wait for the server, which closes the file
// within a moment, and before it looks at the next request.
func (f *file) Close() sys.Errno {
	if f.closed {
		return sys.EBADF
	}
	f.closed, f.known = true, block{}
	return f.fs.tell(request{op: opClose, handle: f.handle})
}
