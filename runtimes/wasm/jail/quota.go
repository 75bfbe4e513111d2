package jail

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/tetratelabs/wazero/experimental/sys"
	wasys "github.com/tetratelabs/wazero/sys"
)

// Limits bounds what a guest may do to its folder. Zero means none at all.
type Limits struct {
	// Bytes is by how much the files of the folder may grow together, measured
	// by their sizes: a hole counts as if it were written. Writing over what is
	// there costs nothing, and what is cut off or removed is given back.
	Bytes int64
	// Files is how many files and folders may be added, net of those removed.
	Files int
	// OpenFiles is how many files and folders may be open at once. A WASI guest
	// has the mounted folder itself open from its first call on.
	OpenFiles int
}

// Limit names one of the Limits.
type Limit string

// The limits that a LimitError can name.
const (
	LimitBytes     Limit = "bytes"
	LimitFiles     Limit = "files"
	LimitOpenFiles Limit = "open_files"
	LimitHost      Limit = "host" // no limit of the guest's: the host's own disk is full
)

// LimitError says which limit a guest ran into. Its text is one sentence for
// people.
type LimitError struct {
	Limit Limit
	Max   int64
}

// Error implements error.
func (e *LimitError) Error() string {
	switch e.Limit {
	case LimitBytes:
		return fmt.Sprintf("a run may write %s of files at most", byteCount(e.Max))
	case LimitFiles:
		return fmt.Sprintf("a run may create %d files and folders at most", e.Max)
	case LimitOpenFiles:
		return fmt.Sprintf("a run may have %d files open at once", e.Max)
	case LimitHost:
		return "the server's disk is full"
	}
	return fmt.Sprintf("a run is over its limit of %d %s", e.Max, e.Limit)
}

func byteCount(n int64) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}

// nodeID identifies a file on the host whatever its name.
type nodeID struct{ dev, ino uint64 }

func nodeIDOf(st wasys.Stat_t) nodeID { return nodeID{st.Dev, st.Ino} }

// node is a file that is open, once however many handles there are. Its size is
// kept here because nobody else writes in the folder while the guest runs.
type node struct {
	id    nodeID
	size  int64
	opens int
	gone  bool // it has no name any more; the last close gives back its share
}

// quota counts what a guest uses. Both counts can be below zero, when it
// removed what was there before it started.
type quota struct {
	limits   Limits
	bytes    int64
	files    int
	exceeded *LimitError // the first limit that was hit
	refused  Limit       // the last one; see FS.Refused
}

// addFile takes the share of one new file or folder.
func (q *quota) addFile() sys.Errno {
	if q.files >= q.limits.Files {
		return q.exceed(LimitFiles, int64(q.limits.Files))
	}
	q.files++
	return 0
}

// resize changes what n is charged for. Growing can fail, shrinking cannot.
func (q *quota) resize(n *node, size int64) sys.Errno {
	if size > n.size && size-n.size > q.limits.Bytes-q.bytes {
		return q.exceed(LimitBytes, q.limits.Bytes)
	}
	q.bytes += size - n.size
	n.size = size
	return 0
}

// giveBack returns the share of a file or folder that has gone.
func (q *quota) giveBack(size int64) {
	q.files--
	q.bytes -= size
}

func (q *quota) exceed(l Limit, limit int64) sys.Errno {
	q.refused = l
	if q.exceeded == nil {
		q.exceeded = &LimitError{Limit: l, Max: limit}
	}
	return sys.EIO
}

// refusedBy is errnoOf for what takes room, and notes a host that has none left.
func (q *quota) refusedBy(err error) sys.Errno {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return q.exceed(LimitHost, 0)
	}
	return errnoOf(err)
}

// sizeOf is what a file is charged for: only regular files have a size.
func sizeOf(info fs.FileInfo) int64 {
	if info.Mode().IsRegular() {
		return info.Size()
	}
	return 0
}
