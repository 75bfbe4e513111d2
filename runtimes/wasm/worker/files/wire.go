package files

import (
	"encoding/binary"
	"io/fs"

	"github.com/tetratelabs/wazero/experimental/sys"
	wasys "github.com/tetratelabs/wazero/sys"

	"sandpiper/runtimes/wasm/jail"
)

const (
	// maxData is how much is read or written at once. A payload may have paths
	// instead, which are shorter where they are possible at all.
	maxData    = 128 << 10
	maxPayload = maxData + 4096

	// maxPage is how many entries of a folder come at once; with names of 255 bytes
	// they fit well.
	maxPage = 256

	requestSize = 36
	answerSize  = 16
	statSize    = 60
)

// op is what a request asks for.
type op uint8

// Requests. Those with a handle are about an open file.
const (
	opOpen     op = iota + 1 // path, flag, x: mode, y: bytes → n: handle, stat, version, data
	opStat                   // path → stat
	opLstat                  // path → stat
	opMkdir                  // path, x: mode
	opChmod                  // path, x: mode
	opRename                 // path, path
	opRmdir                  // path
	opUnlink                 // path
	opLink                   // path, path
	opSymlink                // text, path
	opReadlink               // path → text
	opUtimens                // path, x and y: times
	opFstat                  // handle → stat
	opPread                  // handle, x: offset, flag: bytes → data
	opPwrite                 // handle, x: offset, data → n
	opAppend                 // handle, data → n, offset after it
	opTruncate               // handle, x: size
	opRewind                 // handle of a folder
	opReaddir                // handle, flag: entries → entries
	opFutimens               // handle, x and y: times
	opSync                   // handle
	opClose                  // handle; no answer
)

// request is a message of the worker.
type request struct {
	op            op
	handle, flag  uint32
	x, y          int64
	first, second []byte
}

// append adds the request to b.
func (r request) append(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, uint32(len(r.first)+len(r.second)))
	b = append(b, byte(r.op), 0, 0, 0)
	b = le.AppendUint32(b, r.handle)
	b = le.AppendUint32(b, r.flag)
	b = le.AppendUint64(b, uint64(r.x))
	b = le.AppendUint64(b, uint64(r.y))
	b = le.AppendUint32(b, uint32(len(r.first)))
	return append(append(b, r.first...), r.second...)
}

// readRequest reads what append has written, but for the payload, whose size and
// first part's size it returns.
func readRequest(head []byte) (r request, size, first uint32) {
	le := binary.LittleEndian
	r = request{op: op(head[4]), handle: le.Uint32(head[8:]), flag: le.Uint32(head[12:]), x: int64(le.Uint64(head[16:])), y: int64(le.Uint64(head[24:]))}
	return r, le.Uint32(head), le.Uint32(head[32:])
}

// answer is a message of the server.
type answer struct {
	errno   sys.Errno
	n       int64
	payload []byte
}

// append adds the answer to b.
func (a answer) append(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, uint32(len(a.payload)))
	b = le.AppendUint16(b, uint16(a.errno))
	b = append(b, 0, 0)
	b = le.AppendUint64(b, uint64(a.n))
	return append(b, a.payload...)
}

// readAnswer reads what append has written, but for the payload, whose size it
// returns.
func readAnswer(head []byte) (a answer, size uint32) {
	le := binary.LittleEndian
	return answer{errno: sys.Errno(le.Uint16(head[4:])), n: int64(le.Uint64(head[8:]))}, le.Uint32(head)
}

func appendStat(b []byte, st wasys.Stat_t) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, uint32(st.Mode))
	for _, n := range []uint64{st.Dev, st.Ino, st.Nlink, uint64(st.Size), uint64(st.Atim), uint64(st.Mtim), uint64(st.Ctim)} {
		b = le.AppendUint64(b, n)
	}
	return b
}

func readStat(b []byte) (wasys.Stat_t, bool) {
	if len(b) != statSize {
		return wasys.Stat_t{}, false
	}
	le := binary.LittleEndian
	n := func(i int) uint64 { return le.Uint64(b[4+8*i:]) }
	return wasys.Stat_t{
		Mode: fs.FileMode(le.Uint32(b)), Dev: n(0), Ino: n(1), Nlink: n(2), Size: int64(n(3)), Atim: int64(n(4)), Mtim: int64(n(5)), Ctim: int64(n(6)),
	}, true
}

// versionSize is that of a jail.Version.
const versionSize = 16

// appendVersion adds a version to a stat. What was opened comes after it.
func appendVersion(b []byte, v jail.Version) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(b, v.Names), v.Content)
}

// readOpened reads the payload of the answer to opOpen.
func readOpened(b []byte) (st wasys.Stat_t, v jail.Version, data []byte, ok bool) {
	if len(b) < statSize+versionSize {
		return st, v, nil, false
	}
	st, ok = readStat(b[:statSize])
	v.Names, v.Content = binary.LittleEndian.Uint64(b[statSize:]), binary.LittleEndian.Uint64(b[statSize+8:])
	return st, v, b[statSize+versionSize:], ok
}

func appendEntry(b []byte, e sys.Dirent) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, uint32(e.Type))
	b = le.AppendUint64(b, e.Ino)
	b = le.AppendUint16(b, uint16(len(e.Name)))
	return append(b, e.Name...)
}

func readEntries(b []byte) (all []sys.Dirent, ok bool) {
	const head = 14
	le := binary.LittleEndian
	for len(b) > 0 {
		if len(b) < head || len(b)-head < int(le.Uint16(b[12:])) {
			return nil, false
		}
		end := head + int(le.Uint16(b[12:]))
		all = append(all, sys.Dirent{Type: fs.FileMode(le.Uint32(b)), Ino: le.Uint64(b[4:]), Name: string(b[head:end])})
		b = b[end:]
	}
	return all, true
}
