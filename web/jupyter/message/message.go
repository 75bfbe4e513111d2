// Package message has the messages of Jupyter's protocol and the two ways in
// which they travel over a WebSocket: as JSON, and in the binary frames of the
// subprotocol v1.kernel.websocket.jupyter.org. What comes in is a stranger's: it
// is bounded and checked here, and nothing of it is believed further in.
package message

import (
	"encoding/json"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/reply"
)

// ProtocolVersion is the version of Jupyter's message protocol that is spoken.
const ProtocolVersion = "5.5"

// Channel is one of the streams of messages that share a connection.
type Channel string

// The channels. IOPub goes to all clients of a kernel, the others to one.
const (
	Shell   Channel = "shell"
	Control Channel = "control"
	Stdin   Channel = "stdin"
	IOPub   Channel = "iopub"
)

// Limits of what clients send.
const (
	MaxBytes   = 4 << 20 // of a message, all its parts together
	maxName    = 256     // of an id or a type, in bytes
	maxHeader  = 4 << 10
	maxBuffers = 64
)

// Header names a message.
type Header struct {
	ID       string `json:"msg_id"`
	Type     string `json:"msg_type"`
	Session  string `json:"session"`
	Username string `json:"username"`
	Date     string `json:"date"`
	Version  string `json:"version"`
}

// Message is one message. Header holds what its client wrote, also what Head does
// not know, so that answers carry it back whole.
type Message struct {
	Channel  Channel
	Head     Header
	Header   json.RawMessage // Head as it was written
	Parent   json.RawMessage // the header of the message that this one answers; empty for none
	Metadata json.RawMessage // an object; empty for none
	Content  json.RawMessage // an object
	Buffers  [][]byte
}

// Author makes messages of one sender.
type Author struct {
	Session  string
	Username string
}

// Write returns a new message. parent is the header of the message that it
// answers, nil for none. It fails when content is no JSON.
func (a Author) Write(channel Channel, kind string, parent json.RawMessage, content any) (Message, error) {
	head := Header{
		ID: sandbox.NewUUID(), Type: kind, Session: a.Session, Username: a.Username,
		Date: time.Now().UTC().Format("2006-01-02T15:04:05.000000Z"), Version: ProtocolVersion,
	}
	header, err := reply.Marshal(head)
	if err != nil {
		return Message{}, err
	}
	body, err := reply.Marshal(content)
	if err != nil {
		return Message{}, err
	}
	return Message{Channel: channel, Head: head, Header: header, Parent: parent, Content: body}, nil
}

// Size is about how many bytes m takes on the wire.
func (m Message) Size() int {
	n := len(m.Header) + len(m.Parent) + len(m.Metadata) + len(m.Content)
	for _, b := range m.Buffers {
		n += len(b)
	}
	return n
}

// check refuses what no client has a reason to send, and reads the header.
func (m *Message) check() error {
	switch m.Channel {
	case Shell, Control, Stdin:
	default:
		return sandbox.FieldErrorf("channel", "messages go to the channels shell, control and stdin, not to %.40q", m.Channel)
	}
	if len(m.Header) > maxHeader {
		return sandbox.FieldErrorf("header", "the header of a message has at most %d bytes", maxHeader)
	}
	if len(m.Header) == 0 {
		return sandbox.FieldErrorf("header", "a message needs a header")
	}
	if err := reply.UnmarshalLenient(m.Header, &m.Head); err != nil {
		return err
	}
	for name, value := range map[string]string{"msg_id": m.Head.ID, "msg_type": m.Head.Type, "session": m.Head.Session} {
		if len(value) > maxName || value == "" && name != "session" {
			return sandbox.FieldErrorf("header."+name, "%s has 1 to %d bytes", name, maxName)
		}
	}
	if len(m.Buffers) > maxBuffers {
		return sandbox.FieldErrorf("buffers", "a message has at most %d buffers", maxBuffers)
	}
	return nil
}
