package python

import (
	"encoding/binary"
	"io/fs"

	"github.com/tetratelabs/wazero/experimental/sys"
	wasys "github.com/tetratelabs/wazero/sys"
)

// portPath is the folder of the port, portName its file.
const (
	portPath = "/run/sandpiper"
	portName = "port"
)

// port is a folder with one file, by which the driver and its scripts talk. What
// is read from the file is the request; what is written to it is the answer. The
// program can do both as well, and can so deceive nobody but itself.
//
// A port belongs to one guest and is used on its goroutine.
type port struct {
	sys.UnimplementedFS
	request []byte
	answer  []byte
	limit   int // bytes of an answer
}

// ask sets what the guest reads and forgets the last answer.
func (p *port) ask(request []byte) { p.request, p.answer = request, nil }

// OpenFile implements sys.FS.
func (p *port) OpenFile(path string, flag sys.Oflag, _ fs.FileMode) (sys.File, sys.Errno) {
	switch path {
	case ".", "":
		return &portFolder{}, 0
	case portName:
		if flag&sys.O_DIRECTORY != 0 {
			return nil, sys.ENOTDIR
		}
		return &portFile{port: p, request: p.request}, 0
	}
	if flag&sys.O_CREAT != 0 {
		return nil, sys.EROFS
	}
	return nil, sys.ENOENT
}

// Stat implements sys.FS.
func (p *port) Stat(path string) (wasys.Stat_t, sys.Errno) {
	switch path {
	case ".", "":
		return wasys.Stat_t{Dev: portDevice, Ino: 1, Mode: fs.ModeDir | 0o555, Nlink: 1}, 0
	case portName:
		return p.stat(), 0
	}
	return wasys.Stat_t{}, sys.ENOENT
}

// Lstat implements sys.FS.
func (p *port) Lstat(path string) (wasys.Stat_t, sys.Errno) { return p.Stat(path) }

// portDevice is the device number of the folder.
const portDevice = 0x7073

func (p *port) stat() wasys.Stat_t {
	return wasys.Stat_t{Dev: portDevice, Ino: 2, Mode: 0o600, Nlink: 1, Size: int64(len(p.request))}
}

// portFolder is the open folder; there is nothing to list.
type portFolder struct{ sys.UnimplementedFile }

// IsDir implements sys.File.
func (*portFolder) IsDir() (bool, sys.Errno) { return true, 0 }

// Dev implements sys.File.
func (*portFolder) Dev() (uint64, sys.Errno) { return portDevice, 0 }

// Ino implements sys.File.
func (*portFolder) Ino() (wasys.Inode, sys.Errno) { return 1, 0 }

// Stat implements sys.File.
func (*portFolder) Stat() (wasys.Stat_t, sys.Errno) {
	return wasys.Stat_t{Dev: portDevice, Ino: 1, Mode: fs.ModeDir | 0o555, Nlink: 1}, 0
}

// Readdir implements sys.File.
func (*portFolder) Readdir(int) ([]sys.Dirent, sys.Errno) { return nil, 0 }

// Close implements sys.File.
func (*portFolder) Close() sys.Errno { return 0 }

// portFile is the open file.
type portFile struct {
	sys.UnimplementedFile
	port    *port
	request []byte // what is left of it
}

// Dev implements sys.File.
func (*portFile) Dev() (uint64, sys.Errno) { return portDevice, 0 }

// Ino implements sys.File.
func (*portFile) Ino() (wasys.Inode, sys.Errno) { return 2, 0 }

// IsDir implements sys.File.
func (*portFile) IsDir() (bool, sys.Errno) { return false, 0 }

// Stat implements sys.File.
func (f *portFile) Stat() (wasys.Stat_t, sys.Errno) { return f.port.stat(), 0 }

// Read implements sys.File.
func (f *portFile) Read(b []byte) (int, sys.Errno) {
	n := copy(b, f.request)
	f.request = f.request[n:]
	return n, 0
}

// Write implements sys.File.
func (f *portFile) Write(b []byte) (int, sys.Errno) {
	if len(f.port.answer)+len(b) > f.port.limit {
		return 0, sys.EIO
	}
	f.port.answer = append(f.port.answer, b...)
	return len(b), 0
}

// Close implements sys.File.
func (f *portFile) Close() sys.Errno { return 0 }

// A request is a tuple of Python's module marshal, which reads it faster than any
// other format: of bytes objects, of numbers and of further tuples.

// marshalNone is None.
const marshalNone = 'N'

// tuple marshals items: each a string, a bool, or a list of strings.
func tuple(items ...any) []byte {
	b := binary.LittleEndian.AppendUint32([]byte{'('}, uint32(len(items)))
	for _, item := range items {
		switch v := item.(type) {
		case string:
			b = appendBytes(b, v)
		case bool:
			b = append(b, map[bool]byte{false: 'F', true: 'T'}[v])
		case []string:
			b = append(b, '(')
			b = binary.LittleEndian.AppendUint32(b, uint32(len(v)))
			for _, s := range v {
				b = appendBytes(b, s)
			}
		default:
			panic("python: a request cannot have that")
		}
	}
	return b
}

func appendBytes(b []byte, s string) []byte {
	b = append(b, 's')
	b = binary.LittleEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}
