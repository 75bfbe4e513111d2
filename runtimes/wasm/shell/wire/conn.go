package wire

import (
	"encoding/json"
	"fmt"
	"os"

	"sandpiper/runtimes/wasm/frame"
)

// Limits of a message.
const (
	MaxData  = 128 << 10 // bytes of Data
	maxJSON  = 1 << 20
	maxFiles = 3
)

// ErrTooLarge is for a message that is over a limit, such as one with too many
// arguments.
var ErrTooLarge = frame.ErrTooLarge

// SocketPair returns the two ends of a connection for NewPeer, which programs
// that are started meanwhile do not inherit.
func SocketPair() (ours, theirs *os.File, err error) { return frame.SocketPair() }

// limits are those of both sides.
var limits = frame.Limits{Head: maxJSON, Data: MaxData, Files: maxFiles}

// send writes a message. It is safe for concurrent use.
func send(c *frame.Conn, m *Message) error {
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode a message: %w", err)
	}
	if len(m.Files) > maxFiles {
		return ErrTooLarge
	}
	return c.Send(frame.Frame{Head: text, Data: m.Data, Files: m.Files})
}

// receive reads the next message.
func receive(c *frame.Conn) (*Message, error) {
	f, err := c.Receive()
	if err != nil {
		return nil, err
	}
	m := Message{Files: f.Files}
	if err := json.Unmarshal(f.Head, &m); err != nil {
		closeAll(f.Files)
		return nil, fmt.Errorf("decode a message: %w", err)
	}
	if len(f.Data) > 0 {
		m.Data = append([]byte(nil), f.Data...)
	}
	return &m, nil
}
