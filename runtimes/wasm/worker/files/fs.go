package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/tetratelabs/wazero/experimental/sys"
	wasys "github.com/tetratelabs/wazero/sys"

	"sandpiper/runtimes/wasm/jail"
)

// FS is the worker's end: the file system at the other end of a socket. When the
// connection has ended, everything is EIO. It is safe for concurrent use, one request
// at a time.
type FS struct {
	sys.UnimplementedFS
	socket  *os.File
	page    []byte        // nil for none
	changes *jail.Changes // what is in it; nil where nothing is kept

	mu     sync.Mutex
	fd     int // of socket, in blocking mode
	broken bool
	out    []byte      // requests without an answer that have not been sent
	late   *time.Timer // runs when there are any
	in     []byte      // a buffer that is used again
	paths  map[question]found
}

var _ sys.FS = (*FS)(nil)

// lateTime is for how long a request without an answer may wait for another one that
// it goes with.
const lateTime = time.Millisecond

// Open takes over a connected stream socket whose other end is served. page is the
// file system's Page, from which it is told what it may keep; nil for none.
//
// The guest's thread waits for each answer in the kernel, and not in Go's poller: a
// guest is bound to its thread, and handing over to another one and back takes longer
// than an answer does.
func Open(socket, page *os.File) (*FS, error) {
	f := &FS{socket: socket, fd: int(socket.Fd()), in: make([]byte, 4<<10), paths: map[question]found{}}
	if page != nil {
		mem, err := mapPage(page)
		if err != nil {
			return nil, err
		}
		f.page, f.changes = mem, counters(mem)
	}
	if err := syscall.SetNonblock(f.fd, false); err != nil {
		return nil, errors.Join(fmt.Errorf("open a program's files: %w", err), f.unmap())
	}
	return f, nil
}

// Close ends the connection: what is open is closed. No other call may go on.
func (f *FS) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.broken = true
	if f.late != nil {
		f.late.Stop()
	}
	return errors.Join(f.socket.Close(), f.unmap())
}

// unmap gives up the page, if there is one.
func (f *FS) unmap() error {
	if f.page == nil {
		return nil
	}
	page := f.page
	f.page, f.changes = nil, nil
	return unmap(page)
}

// tell sends a request that has no answer, with the next one or a little later.
func (f *FS) tell(r request) sys.Errno {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken {
		return sys.EIO
	}
	f.out = r.append(f.out)
	if f.late == nil {
		f.late = time.AfterFunc(lateTime, f.flush)
	}
	return 0
}

// flush sends what has waited.
func (f *FS) flush() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.late = nil
	if !f.broken {
		f.broken = f.send() != nil
	}
}

// send writes what is to be sent. Preconditions: f.mu must be held.
func (f *FS) send() error {
	err := f.write(f.out)
	f.out = f.out[:0]
	return err
}

// call sends a request and has take read the answer, whose payload holds until take
// returns.
func (f *FS) call(r request, take func(a answer) sys.Errno) sys.Errno {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.broken:
		return sys.EIO
	case len(r.first)+len(r.second) > maxPayload:
		return sys.ENAMETOOLONG // pieces of data are smaller
	}
	f.out = r.append(f.out)
	if err := f.send(); err != nil {
		f.broken = true
		return sys.EIO
	}
	a, err := f.receive()
	switch {
	case err != nil:
		f.broken = true
		return sys.EIO
	case a.errno != 0:
		return a.errno
	}
	return take(a)
}

// done is for answers that say no more than that it is done.
func done(answer) sys.Errno { return 0 }

func (f *FS) receive() (answer, error) {
	got, err := f.read(0, answerSize)
	if err != nil {
		return answer{}, err
	}
	a, size := readAnswer(f.in)
	if size > maxData {
		return a, fmt.Errorf("an answer has %d bytes", size)
	}
	end := answerSize + int(size)
	if len(f.in) < end {
		f.in = append(f.in, make([]byte, end-len(f.in))...)
	}
	_, err = f.read(got, end)
	a.payload = f.in[answerSize:end]
	return a, err
}

// read fills the buffer up to want bytes at least, got of which are there, and
// returns how many there are.
func (f *FS) read(got, want int) (int, error) {
	for got < want {
		n, err := syscall.Read(f.fd, f.in[got:])
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return got, err
		case n == 0:
			return got, syscall.EPIPE
		default:
			got += n
		}
	}
	return got, nil
}

func (f *FS) write(b []byte) error {
	for len(b) > 0 {
		n, err := syscall.Write(f.fd, b)
		if err != nil && err != syscall.EINTR {
			return err
		}
		b = b[max(0, n):]
	}
	return nil
}

// path makes the request for an operation on a path.
func path(o op, p string) request { return request{op: o, first: []byte(p)} }

// OpenFile implements sys.FS.
func (f *FS) OpenFile(p string, flag sys.Oflag, perm fs.FileMode) (sys.File, sys.Errno) {
	q := question{opStat, p}
	if k, ok := f.known(q); ok && k.errno != 0 && flag&sys.O_CREAT == 0 {
		return nil, k.errno
	}
	r := path(opOpen, p)
	r.flag, r.x = uint32(flag), int64(perm)
	if f.changes != nil && flag&(sys.O_WRONLY|sys.O_RDWR|sys.O_DIRECTORY) == 0 {
		r.y = firstBytes
	}
	opened := &file{fs: f, append: flag&sys.O_APPEND != 0, nonblock: flag&sys.O_NONBLOCK != 0}
	errno := f.call(r, func(a answer) sys.Errno { return opened.set(a, int(r.y)) })
	if errno != 0 {
		return nil, errno
	}
	return opened, 0
}

// valid is EIO for an answer that is none.
func valid(ok bool) sys.Errno {
	if !ok {
		return sys.EIO
	}
	return 0
}

// Lstat implements sys.FS.
func (f *FS) Lstat(p string) (wasys.Stat_t, sys.Errno) { return f.lookUp(question{opLstat, p}) }

// Stat implements sys.FS.
func (f *FS) Stat(p string) (wasys.Stat_t, sys.Errno) { return f.lookUp(question{opStat, p}) }

func (f *FS) stat(r request) (st wasys.Stat_t, errno sys.Errno) {
	errno = f.call(r, func(a answer) sys.Errno {
		var ok bool
		st, ok = readStat(a.payload)
		return valid(ok)
	})
	return st, errno
}

// Mkdir implements sys.FS.
func (f *FS) Mkdir(p string, perm fs.FileMode) sys.Errno {
	return f.call(request{op: opMkdir, first: []byte(p), x: int64(perm)}, done)
}

// Chmod implements sys.FS.
func (f *FS) Chmod(p string, perm fs.FileMode) sys.Errno {
	return f.call(request{op: opChmod, first: []byte(p), x: int64(perm)}, done)
}

// Rename implements sys.FS.
func (f *FS) Rename(from, to string) sys.Errno { return f.call(two(opRename, from, to), done) }

// Link implements sys.FS.
func (f *FS) Link(from, to string) sys.Errno { return f.call(two(opLink, from, to), done) }

// Symlink implements sys.FS.
func (f *FS) Symlink(target, p string) sys.Errno { return f.call(two(opSymlink, target, p), done) }

func two(o op, first, second string) request {
	return request{op: o, first: []byte(first), second: []byte(second)}
}

// Rmdir implements sys.FS.
func (f *FS) Rmdir(p string) sys.Errno { return f.call(path(opRmdir, p), done) }

// Unlink implements sys.FS.
func (f *FS) Unlink(p string) sys.Errno { return f.call(path(opUnlink, p), done) }

// Readlink implements sys.FS.
func (f *FS) Readlink(p string) (text string, errno sys.Errno) {
	errno = f.call(path(opReadlink, p), func(a answer) sys.Errno {
		text = string(a.payload)
		return 0
	})
	return text, errno
}

// Utimens implements sys.FS.
func (f *FS) Utimens(p string, atim, mtim int64) sys.Errno {
	return f.call(request{op: opUtimens, first: []byte(p), x: atim, y: mtim}, done)
}
