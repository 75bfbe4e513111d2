package link

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"sandpiper/runtimes/wasm/frame"
)

const (
	// maxFragment is how much of a message travels at once, in bytes.
	maxFragment = 64 << 10

	// maxMessage bounds a message. The largest are the end of a run, with its files
	// (8 MiB) and output that has not been sent (16 MiB, and displays).
	maxMessage = 64 << 20

	// maxPartial bounds what is kept of messages that are not complete, each of which
	// counts partialCost bytes besides its own.
	maxPartial  = 256 << 20
	partialCost = 1 << 10

	// maxFiles is how many files come with a message.
	maxFiles = 2

	headSize = 24
)

// Flags of a fragment.
const (
	flagFirst = 1 << iota
	flagMore  // others of the same message follow
)

// Message is one message.
type Message struct {
	Op    Op
	ID    uint64 // of the call that it belongs to; 0 for none
	Body  []byte // JSON; nil for none
	Data  []byte
	Files []*os.File // of a received one: the receiver's to close
}

// Decode reads the body.
func (m *Message) Decode(body any) error {
	if err := decode(m.Body, body); err != nil {
		return fmt.Errorf("decode a message of type %d: %w", m.Op, err)
	}
	return nil
}

// Close closes the files of a received message that nobody wants.
func (m *Message) Close() {
	for _, f := range m.Files {
		_ = f.Close()
	}
	m.Files = nil
}

// Link is one side of a connection.
type Link struct {
	conn *frame.Conn

	// The rest belongs to the goroutine that receives.
	partial map[key]*partial
	kept    int // bytes of all of them
}

// key tells messages apart whose fragments come in turns.
type key struct {
	op Op
	id uint64
}

type partial struct {
	message Message
	body    int // its length
	payload []byte
}

// New takes over f, a connected unix stream socket. Only a side that takes files
// can be sent any.
func New(f *os.File, takesFiles bool) (*Link, error) {
	limits := frame.Limits{Head: headSize, Data: maxFragment}
	if takesFiles {
		limits.Files = maxFiles
	}
	c, err := frame.NewConn(f, limits)
	if err != nil {
		return nil, err
	}
	return &Link{conn: c, partial: map[key]*partial{}}, nil
}

// Send sends a message and returns once the system has all of it. It is safe for
// concurrent use, but not for two messages of one type and call.
func (l *Link) Send(op Op, id uint64, body any, data []byte, files ...*os.File) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return fmt.Errorf("encode a message of type %d: %w", op, err)
		}
	}
	payload := data
	if len(text) > 0 {
		payload = append(text, data...)
	}
	if len(payload) > maxMessage {
		return frame.ErrTooLarge
	}
	head := make([]byte, headSize)
	head[0], head[1] = byte(op), flagFirst
	binary.LittleEndian.PutUint64(head[8:], id)
	binary.LittleEndian.PutUint32(head[16:], uint32(len(text)))
	for {
		piece := payload[:min(len(payload), maxFragment)]
		payload = payload[len(piece):]
		if len(payload) > 0 {
			head[1] |= flagMore
		}
		if err := l.conn.Send(frame.Frame{Head: head, Data: piece, Files: files}); err != nil {
			return err
		}
		if len(payload) == 0 {
			return nil
		}
		head[1], files = 0, nil
	}
}

// Receive returns the next message that is complete. One goroutine may call it, and
// calls Release when it has had enough.
func (l *Link) Receive() (*Message, error) {
	for {
		f, err := l.conn.Receive()
		if err != nil {
			return nil, err
		}
		m, err := l.take(f)
		if m != nil || err != nil {
			return m, err
		}
	}
}

// take adds a fragment to its message, and returns that once it is complete.
func (l *Link) take(f frame.Frame) (*Message, error) {
	if len(f.Head) != headSize {
		return nil, errors.Join(errors.New("a fragment has no head"), closeAll(f.Files))
	}
	flags, k := f.Head[1], key{Op(f.Head[0]), binary.LittleEndian.Uint64(f.Head[8:])}
	p := l.partial[k]
	if (p == nil) != (flags&flagFirst != 0) || p != nil && len(f.Files) > 0 {
		return nil, errors.Join(errors.New("a fragment belongs to no message"), closeAll(f.Files))
	}
	if p == nil {
		p = &partial{message: Message{Op: k.op, ID: k.id, Files: f.Files}, body: int(binary.LittleEndian.Uint32(f.Head[16:]))}
		l.partial[k] = p
		l.kept += partialCost
	}
	p.payload = append(p.payload, f.Data...)
	l.kept += len(f.Data)
	if len(p.payload) > maxMessage || l.kept > maxPartial {
		return nil, errors.New("messages are over their limits")
	}
	if flags&flagMore != 0 {
		if len(f.Data) == 0 {
			return nil, errors.New("a fragment has nothing in it")
		}
		return nil, nil
	}
	delete(l.partial, k)
	l.kept -= len(p.payload) + partialCost
	if p.body > len(p.payload) {
		return nil, errors.Join(errors.New("a message lacks its body"), closeAll(p.message.Files))
	}
	p.message.Body, p.message.Data = p.payload[:p.body:p.body], p.payload[p.body:]
	return &p.message, nil
}

// Shut ends the connection: Receive and Send fail from now on.
func (l *Link) Shut() { _ = l.conn.Shut() }

// Release ends the connection and closes the files of messages that nobody took.
func (l *Link) Release() {
	for _, p := range l.partial {
		p.message.Close()
	}
	clear(l.partial)
	l.conn.Release()
}

func closeAll(files []*os.File) error {
	for _, f := range files {
		_ = f.Close()
	}
	return nil
}
