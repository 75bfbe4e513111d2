package wire

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// Op says what a request is for.
type Op string

// What a child asks of the server. Paths are absolute; a file is known by the
// Handle that OpOpen gave.
const (
	OpOpen      Op = "open"      // Path, Flag, Perm → Handle
	OpRead      Op = "read"      // Handle, N → Data, EOF at the end
	OpReadAt    Op = "readat"    // Handle, Offset, N → Data
	OpWrite     Op = "write"     // Handle, Data → N
	OpSeek      Op = "seek"      // Handle, Offset, Whence → Offset
	OpFstat     Op = "fstat"     // Handle → Info
	OpTruncate  Op = "truncate"  // Handle, Offset
	OpClose     Op = "close"     // Handle
	OpStat      Op = "stat"      // Path → Info
	OpLstat     Op = "lstat"     // Path → Info
	OpReadDir   Op = "readdir"   // Path, Offset (entries to skip) → Infos, EOF when that is all
	OpReadlink  Op = "readlink"  // Path → Path
	OpMkdir     Op = "mkdir"     // Path, Perm
	OpMkdirAll  Op = "mkdirall"  // Path, Perm
	OpSymlink   Op = "symlink"   // Path, To (the link's text)
	OpRemove    Op = "remove"    // Path
	OpRemoveAll Op = "removeall" // Path
	OpRename    Op = "rename"    // Path, To
	OpChmod     Op = "chmod"     // Path, Perm
	OpChown     Op = "chown"     // Path, To (owner), Text (group)
	OpChtimes   Op = "chtimes"   // Path, Times

	OpSpawn  Op = "spawn"  // Args, Dir, Env, TTY; Files: stdin, stdout, stderr → Code, once it has ended
	OpJob    Op = "job"    // Text → PID of a new background job
	OpJobEnd Op = "jobend" // PID, Code
	OpKill   Op = "kill"   // PID (below 0: the group), Signal
	OpPS     Op = "ps"     // → Processes
	OpServe  Op = "serve"  // Dir, Port (0 for any; below 0 to end) → Port
	OpDisk   Op = "disk"   // → N (used), Offset (limit), in bytes
	OpLine   Op = "line"   // Text (prompt) → Text (line with its newline), EOF at the end, Code when interrupted
	OpCancel Op = "cancel" // Target: ends that request of the child
	OpRest   Op = "rest"   // the last run has left nothing, and another one may be asked for; no answer
)

// What the server asks of a child.
const (
	OpRun    Op = "run"    // Args or Text (script of a session), Dir, Env, PID, TTY; Files → Code, Exited
	OpReady  Op = "ready"  // answered when a run would begin at once
	OpSignal Op = "signal" // PID (that of a run: all that is part of it), Signal; no answer
	OpTyped  Op = "typed"  // the line that an OpLine waits for is there, and what is interrupted from now on is that; no answer
	OpResize Op = "resize" // Rows, Cols; no answer

	// Text (the line up to the cursor) → Args (what its last word may become), Offset (where that begins)
	OpComplete Op = "complete"
)

// Message is a request or an answer. Which fields mean something depends on Op.
type Message struct {
	ID     uint64 `json:"i,omitempty"` // pairs an answer with its request; 0 wants no answer
	Answer bool   `json:"r,omitempty"`
	Op     Op     `json:"o,omitempty"`

	Err   string        `json:"e,omitempty"` // of an answer: what went wrong, for people
	Errno syscall.Errno `json:"n,omitempty"` // and its number, if it has one

	Path   string      `json:"p,omitempty"`
	To     string      `json:"t,omitempty"`
	Text   string      `json:"x,omitempty"`
	Flag   int         `json:"f,omitempty"`
	Perm   fs.FileMode `json:"m,omitempty"`
	Handle int         `json:"h,omitempty"`
	Offset int64       `json:"s,omitempty"`
	Whence int         `json:"w,omitempty"`
	N      int64       `json:"l,omitempty"`
	EOF    bool        `json:"z,omitempty"`

	Args   []string `json:"a,omitempty"`
	Dir    string   `json:"d,omitempty"`
	Env    []string `json:"v,omitempty"`
	PID    int      `json:"P,omitempty"`
	Parent int      `json:"Q,omitempty"`
	Signal int      `json:"S,omitempty"`
	Code   int      `json:"c,omitempty"`
	Exited bool     `json:"X,omitempty"`
	TTY    bool     `json:"T,omitempty"`
	Port   int      `json:"O,omitempty"`
	Rows   int      `json:"R,omitempty"`
	Cols   int      `json:"C,omitempty"`
	Target uint64   `json:"G,omitempty"`

	// Programs are the commands that the server runs, of a run.
	Programs []string `json:"N,omitempty"`

	Info      *Info       `json:"I,omitempty"`
	Infos     []Info      `json:"J,omitempty"`
	Processes []Process   `json:"K,omitempty"`
	Times     []time.Time `json:"M,omitempty"` // access and modification

	Data  []byte     `json:"-"`
	Files []*os.File `json:"-"`
}

// Process is a line of ps.
type Process struct {
	PID, Parent, Group int
	Started            time.Time
	CPU                time.Duration
	State              string // "R", "S" or "T"
	Command            string
}

// Fail makes an answer of err.
func Fail(err error) *Message {
	m := &Message{Err: err.Error()}
	var no syscall.Errno
	switch {
	case errors.As(err, &no):
		m.Errno = no
	case errors.Is(err, fs.ErrNotExist):
		m.Errno = syscall.ENOENT
	case errors.Is(err, fs.ErrExist):
		m.Errno = syscall.EEXIST
	case errors.Is(err, fs.ErrPermission):
		m.Errno = syscall.EACCES
	}
	return m
}

// Error is what an answer says went wrong, or nil.
func (m *Message) Error() error {
	switch {
	case m.Errno != 0:
		return m.Errno
	case m.Err != "":
		return errors.New(m.Err)
	}
	return nil
}

// Info is an fs.FileInfo that can be sent.
type Info struct {
	FileName string      `json:"n"`
	Length   int64       `json:"s,omitempty"`
	Bits     fs.FileMode `json:"m"`
	Modified time.Time   `json:"t"`
	Owner    string      `json:"o,omitempty"`
	Group    string      `json:"g,omitempty"`
}

var _ fs.FileInfo = (*Info)(nil)

// Name implements fs.FileInfo.
func (i *Info) Name() string { return i.FileName }

// Size implements fs.FileInfo.
func (i *Info) Size() int64 { return i.Length }

// Mode implements fs.FileInfo.
func (i *Info) Mode() fs.FileMode { return i.Bits }

// ModTime implements fs.FileInfo.
func (i *Info) ModTime() time.Time { return i.Modified }

// IsDir implements fs.FileInfo.
func (i *Info) IsDir() bool { return i.Bits.IsDir() }

// Sys implements fs.FileInfo.
func (i *Info) Sys() any { return i }
