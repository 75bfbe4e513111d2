package files

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/tetratelabs/wazero/experimental/sys"
	wasys "github.com/tetratelabs/wazero/sys"

	"sandpiper/runtimes/wasm/jail"
)

// maxHandles is how many files one program may have open; the file system may have a
// lower limit.
const maxHandles = 1024

// Serve answers what comes from conn with the files of a file system, until conn
// ends: nil means that the other side closed it. What is open then is closed. Serve
// closes neither conn nor the file system, whose changes are counted in changes; nil
// where they are not.
func Serve(conn io.ReadWriter, files sys.FS, changes *jail.Changes) error {
	s := &server{files: files, changes: changes, open: map[uint32]sys.File{}}
	defer s.close()
	in := bufio.NewReaderSize(conn, 4<<10)
	head := make([]byte, requestSize)
	for {
		if _, err := io.ReadFull(in, head); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("hear a program's request: %w", err)
		}
		r, err := s.receive(in, head)
		if err != nil {
			return err
		}
		a := s.do(r)
		if r.op == opClose {
			continue
		}
		s.out = a.append(s.out[:0])
		if _, err := conn.Write(s.out); err != nil {
			return fmt.Errorf("answer a program: %w", err)
		}
	}
}

// server is the server's end of one program's files.
type server struct {
	files   sys.FS
	changes *jail.Changes
	open    map[uint32]sys.File
	last    uint32

	// Buffers that are used again.
	payload, data, out []byte
}

func (s *server) close() {
	for _, f := range s.open {
		_ = f.Close() // there is nobody to tell
	}
}

// receive reads the rest of a request, which holds until the next one.
func (s *server) receive(in io.Reader, head []byte) (request, error) {
	r, size, first := readRequest(head)
	if size > maxPayload || first > size {
		return r, errors.New("a request of a program is over its limits")
	}
	s.payload = sized(s.payload, int(size))
	if _, err := io.ReadFull(in, s.payload); err != nil {
		return r, fmt.Errorf("hear a program's request: %w", err)
	}
	r.first, r.second = s.payload[:first], s.payload[first:]
	return r, nil
}

// sized returns a buffer of n bytes, b if it is large enough.
func sized(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

// do carries out a request.
func (s *server) do(r request) answer {
	switch r.op {
	case opOpen:
		return s.openFile(r)
	case opStat:
		return s.stat(s.files.Stat(string(r.first)))
	case opLstat:
		return s.stat(s.files.Lstat(string(r.first)))
	case opReadlink:
		text, errno := s.files.Readlink(string(r.first))
		return answer{errno: errno, payload: []byte(text)}
	case opMkdir, opChmod, opRename, opRmdir, opUnlink, opLink, opSymlink, opUtimens:
		return answer{errno: s.change(r)}
	}
	f := s.open[r.handle]
	if f == nil {
		return answer{errno: sys.EBADF}
	}
	return s.onFile(f, r)
}

// change carries out a request that changes what a path leads to.
func (s *server) change(r request) sys.Errno {
	p, mode := string(r.first), fs.FileMode(uint32(r.x))
	switch r.op {
	case opMkdir:
		return s.files.Mkdir(p, mode)
	case opChmod:
		return s.files.Chmod(p, mode)
	case opRename:
		return s.files.Rename(p, string(r.second))
	case opRmdir:
		return s.files.Rmdir(p)
	case opUnlink:
		return s.files.Unlink(p)
	case opLink:
		return s.files.Link(p, string(r.second))
	case opSymlink:
		return s.files.Symlink(p, string(r.second))
	}
	return s.files.Utimens(p, r.x, r.y)
}

func (s *server) openFile(r request) answer {
	if len(s.open) >= maxHandles {
		return answer{errno: sys.EIO}
	}
	f, errno := s.files.OpenFile(string(r.first), sys.Oflag(r.flag), fs.FileMode(uint32(r.x)))
	if errno != 0 {
		return answer{errno: errno}
	}
	a := s.describe(f, r.y)
	if a.errno != 0 {
		_ = f.Close()
		return a
	}
	for s.last++; s.open[s.last] != nil; s.last++ { // it may have gone round
	}
	s.open[s.last] = f
	a.n = int64(s.last)
	return a
}

// describe answers what an open file is, and with its first bytes, want at most.
func (s *server) describe(f sys.File, want int64) answer {
	var version jail.Version // as it was before the rest is read
	if ino, errno := f.Ino(); s.changes != nil && errno == 0 {
		version = s.changes.Of(ino)
	}
	a := s.stat(f.Stat())
	if a.errno != 0 {
		return a
	}
	s.data = appendVersion(s.data, version)
	if want = min(max(0, want), firstBytes); want > 0 {
		at := len(s.data)
		s.data = append(s.data, make([]byte, want)...)
		n, errno := f.Pread(s.data[at:], 0)
		if errno != 0 && errno != sys.EISDIR {
			return answer{errno: errno}
		}
		s.data = s.data[:at+max(0, n)]
	}
	return answer{payload: s.data}
}

func (s *server) stat(st wasys.Stat_t, errno sys.Errno) answer {
	if errno != 0 {
		return answer{errno: errno}
	}
	s.data = appendStat(s.data[:0], st)
	return answer{payload: s.data}
}

// onFile carries out a request about an open file.
func (s *server) onFile(f sys.File, r request) answer {
	switch r.op {
	case opFstat:
		return s.stat(f.Stat())
	case opPread:
		s.data = sized(s.data, int(min(r.flag, maxData)))
		n, errno := f.Pread(s.data, r.x)
		return answer{errno: errno, payload: s.data[:max(0, n)]}
	case opPwrite:
		n, errno := f.Pwrite(r.second, r.x)
		return answer{errno: errno, n: int64(n)}
	case opAppend:
		return s.append(f, r.second)
	case opTruncate:
		return answer{errno: f.Truncate(r.x)}
	case opRewind:
		_, errno := f.Seek(0, io.SeekStart)
		return answer{errno: errno}
	case opReaddir:
		return s.readdir(f, int(min(r.flag, maxPage)))
	case opFutimens:
		return answer{errno: f.Utimens(r.x, r.y)}
	case opSync:
		return answer{errno: f.Sync()}
	case opClose:
		delete(s.open, r.handle)
		return answer{errno: f.Close()}
	}
	return answer{errno: sys.ENOSYS}
}

// append writes at the end, wherever that is now.
func (s *server) append(f sys.File, p []byte) answer {
	if !f.IsAppend() {
		if errno := f.SetAppend(true); errno != 0 {
			return answer{errno: errno}
		}
	}
	n, errno := f.Write(p)
	if errno != 0 {
		return answer{errno: errno}
	}
	at, errno := f.Seek(0, io.SeekCurrent)
	s.data = binary.LittleEndian.AppendUint64(s.data[:0], uint64(at))
	return answer{errno: errno, n: int64(n), payload: s.data}
}

func (s *server) readdir(f sys.File, n int) answer {
	entries, errno := f.Readdir(max(1, n))
	s.data = s.data[:0]
	for _, e := range entries {
		s.data = appendEntry(s.data, e)
	}
	if errno == 0 && len(s.data) > maxData {
		errno = sys.EIO // names that no file system of ours has
	}
	if errno != 0 {
		return answer{errno: errno}
	}
	return answer{payload: s.data}
}
