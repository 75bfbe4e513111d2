package files

import (
	"github.com/tetratelabs/wazero/experimental/sys"
	wasys "github.com/tetratelabs/wazero/sys"

	"sandpiper/runtimes/wasm/jail"
)

const (
	// maxPaths is of how many paths an FS knows what they lead to.
	maxPaths = 4096

	// firstBytes is how much of a file comes when it is opened to be read, and
	// maxAhead how much more than it asks for a guest gets that reads one piece after
	// the other.
	firstBytes = 16 << 10
	minAhead   = 8 << 10
	maxAhead   = 64 << 10
)

// question is one whose answer is known for some time: opStat or opLstat of a path.
type question struct {
	op   op
	path string
}

// found is what a path leads to. It holds for as long as the versions are the same.
type found struct {
	st      wasys.Stat_t
	errno   sys.Errno
	version jail.Version
}

// holds reports whether what was found still is so.
func (k found) holds(c *jail.Changes) bool {
	now := c.Of(k.st.Ino)
	return now.Names == k.version.Names && (k.errno != 0 || now.Content == k.version.Content)
}

// lookUp answers opStat or opLstat.
func (f *FS) lookUp(q question) (wasys.Stat_t, sys.Errno) {
	if f.changes == nil {
		return f.stat(path(q.op, q.path))
	}
	if k, ok := f.known(q); ok {
		return k.st, k.errno
	}
	before := f.changes.All()
	st, errno := f.stat(path(q.op, q.path))
	version := f.changes.Of(st.Ino)
	if version.Names = before.Names; f.changes.All().Content == before.Content {
		f.note(q, found{st, errno, version})
	}
	return st, errno
}

// known returns what is known of a path, if it still holds.
func (f *FS) known(q question) (found, bool) {
	if f.changes == nil {
		return found{}, false
	}
	f.mu.Lock()
	k, ok := f.paths[q]
	f.mu.Unlock()
	return k, ok && k.holds(f.changes)
}

// note keeps what was found, unless it is an error that may be another one next time.
func (f *FS) note(q question, k found) {
	if k.errno != 0 && k.errno != sys.ENOENT && k.errno != sys.ENOTDIR {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.paths) >= maxPaths {
		clear(f.paths)
	}
	f.paths[q] = k
}

// block is a part of a file's content that has come and not been read yet.
type block struct {
	at      int64
	data    []byte
	last    bool // nothing comes after it
	content uint64
}

// read reads from the block what it has of p at off; ok is false for nothing. last
// reports that the file ends there.
func (b *block) read(p []byte, off int64) (n int, last, ok bool) {
	if off < b.at || off > b.at+int64(len(b.data)) {
		return 0, false, false
	}
	rest := b.data[off-b.at:]
	n = copy(p, rest)
	return n, b.last && n == len(rest), n > 0 || b.last
}
