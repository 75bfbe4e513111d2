// Package attach runs one process over one connection: its input, output and
// signals travel in frames, with the exit at the end. The server's code runner
// and its SSH gateway use it, where the toolbox's public API has no streams with
// an end of input, and no signals.
//
// A frame is a byte for its kind, the length of its content in four bytes, big
// end first, and the content. The connection begins as an HTTP request to POST
// /attach with a Command as JSON and an upgrade to Protocol.
package attach

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Protocol is the name of the upgrade.
const Protocol = "sandpiper-attach"

// kind says what a frame is.
type kind byte

const (
	frameStdin  kind = 1 // to the process
	frameEOF    kind = 2 // the input has ended
	frameSignal kind = 3 // one byte: the signal's number
	frameStdout kind = 4 // from the process
	frameStderr kind = 5
	frameExit   kind = 6 // an Exit as JSON; the last frame
	frameTaken  kind = 7 // the process has taken a frame of input; there is room for another
	frameResize kind = 8 // to the process: rows and columns of its terminal, two bytes each, big end first
)

// maxFrame bounds a frame's content.
const maxFrame = 64 << 10

// headSize is the length of what comes before a frame's content.
const headSize = 5

// errFrame is the error of a peer that does not keep to the protocol.
var errFrame = errors.New("not a frame")

// writeFrame writes a frame in one piece. Content beyond maxFrame is split.
func writeFrame(w io.Writer, k kind, content []byte) error {
	for first := true; first || len(content) > 0; first = false {
		part := content[:min(len(content), maxFrame)]
		content = content[len(part):]
		frame := make([]byte, headSize, headSize+len(part))
		frame[0] = byte(k)
		binary.BigEndian.PutUint32(frame[1:], uint32(len(part)))
		if _, err := w.Write(append(frame, part...)); err != nil {
			return err
		}
	}
	return nil
}

// readFrame reads a frame. Its content is valid until the next call with the
// same buffer, which has maxFrame bytes.
func readFrame(r io.Reader, buf []byte) (kind, []byte, error) {
	var head [headSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	k := kind(head[0])
	if n > maxFrame || k < frameStdin || k > frameResize {
		return 0, nil, fmt.Errorf("%w: kind %d with %d bytes", errFrame, k, n)
	}
	if _, err := io.ReadFull(r, buf[:n]); err != nil {
		return 0, nil, err
	}
	return k, buf[:n], nil
}

// Command is a process to run: Args, or the sandbox's shell.
type Command struct {
	Args   []string `json:"args,omitempty"`
	Shell  bool     `json:"shell,omitempty"`  // run the user's shell, in place of Args: as after a log-in, or
	Script string   `json:"script,omitempty"` // with this for it to run
	Dir    string   `json:"dir"`              // "" is the sandbox's work folder
	Env    []string `json:"env"`              // KEY=value, added to the sandbox's own
	TTY    *Size    `json:"tty,omitempty"`    // a terminal of that size, whose output is all on stdout; nil for none

	// HangUp says what becomes of the process when the caller goes away: it gets
	// SIGHUP, as from a terminal whose line is dead, and lives on if it likes.
	// Without it the process is killed.
	HangUp bool `json:"hangUp,omitempty"`

	// Window is how many frames of input may be under way, up to MaxWindow; 0 is
	// one.
	Window int `json:"window,omitempty"`

	// Measure fills in what the sandbox used, in Exit.
	Measure bool `json:"measure,omitempty"`
}

// MaxWindow is how many frames of input may be under way at most.
const MaxWindow = 16

// window is the number that holds.
func (c Command) window() int { return min(max(c.Window, 1), MaxWindow) }

// Size is a terminal's size in characters.
type Size struct {
	Rows uint16 `json:"rows"`
	Cols uint16 `json:"cols"`
}

// Exit is how a process ended and what it used.
type Exit struct {
	Code        int     `json:"code"`
	Signal      int     `json:"signal"`          // 0 when it ended by itself
	Error       string  `json:"error,omitempty"` // why it could not be started
	CPUSeconds  float64 `json:"cpuSeconds"`      // that the whole sandbox used meanwhile, where that was measured
	MemoryBytes int64   `json:"memoryBytes"`     // the most that the whole sandbox was seen to use
}
