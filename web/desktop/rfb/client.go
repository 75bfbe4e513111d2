package rfb

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

// Kinds of messages from clients.
const (
	msgSetPixelFormat  = 0
	msgSetEncodings    = 2
	msgUpdateRequest   = 3
	msgKey             = 4
	msgPointer         = 5
	msgClientCutText   = 6
	msgContinuous      = 150
	msgFence           = 248 // of servers, too
	msgXVP             = 250
	msgSetDesktopSize  = 251
	msgGII             = 253
	msgQEMU            = 255
	qemuKey, qemuAudio = 0, 1
	qemuSetAudioFormat = 2
	giiBigEndian       = 0x80
	maxEncodings       = 256
	maxClientText      = 1 << 20 // what a person copies, in bytes
	maxFence           = 64
	screenSize         = 16 // of one screen in a message
)

// A ClientPolicy says what of a client's messages reaches the server.
type ClientPolicy struct {
	// View lets only through what makes a picture: no key, no pointer, no text,
	// no size. Pixels are then of the format Plain.
	View bool
	// Input is called for each message that a person's hands make: keys, pointer,
	// text. nil means that nobody wants to know.
	Input func()
}

// CopyClient leads a client's messages to a server until one side ends, as the
// policy says. It returns nil when the client ends between two messages.
func CopyClient(server io.Writer, client io.Reader, policy ClientPolicy) error {
	in, out := pipes(server, client)
	c := clientCopy{in: in, out: out, policy: policy}
	if c.policy.Input == nil {
		c.policy.Input = func() {}
	}
	for {
		kind, err := c.in.ReadByte()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read from the client: %w", err)
		}
		if err := c.message(kind); err != nil {
			return fmt.Errorf("message %d of the client: %w", kind, err)
		}
	}
}

type clientCopy struct {
	in     *bufio.Reader
	out    *bufio.Writer
	policy ClientPolicy
	head   [20]byte // of the message at hand
}

// message reads one message whose kind has been read, and passes it on or
// drops it.
func (c *clientCopy) message(kind byte) error {
	switch kind {
	case msgSetPixelFormat:
		return c.pixelFormat()
	case msgSetEncodings:
		return c.encodings()
	case msgUpdateRequest, msgContinuous:
		return c.move(true, kind, 10, nil)
	case msgFence:
		return c.move(true, kind, 9, func(head []byte) (int64, error) { return within(int64(head[8]), maxFence) })
	case msgKey:
		return c.input(kind, 8, nil)
	case msgPointer:
		return c.input(kind, 6, nil)
	case msgClientCutText:
		return c.input(kind, 8, func(head []byte) (int64, error) { return within(textSize(head[4:]), maxClientText) })
	case msgSetDesktopSize:
		return c.move(!c.policy.View, kind, 8, func(head []byte) (int64, error) { return int64(head[6]) * screenSize, nil })
	case msgQEMU:
		return c.qemu()
	case msgXVP:
		return c.move(false, kind, 4, nil)
	case msgGII:
		return c.move(false, kind, 4, func(head []byte) (int64, error) {
			if head[1]&giiBigEndian != 0 {
				return int64(binary.BigEndian.Uint16(head[2:])), nil
			}
			return int64(binary.LittleEndian.Uint16(head[2:])), nil
		})
	}
	return fmt.Errorf("it is not known")
}

// input moves what a person's hands make.
func (c *clientCopy) input(kind byte, size int, more func(head []byte) (int64, error)) error {
	if !c.policy.View {
		c.policy.Input()
	}
	return c.move(!c.policy.View, kind, size, more)
}

// move passes a message on, or drops it. It has size bytes with its kind, and
// after them as many as more says.
func (c *clientCopy) move(pass bool, kind byte, size int, more func(head []byte) (int64, error)) error {
	head, err := c.read(kind, size)
	if err != nil {
		return err
	}
	var rest int64
	if more != nil {
		if rest, err = more(head); err != nil {
			return err
		}
	}
	if !pass {
		_, err := io.CopyN(io.Discard, c.in, rest)
		return err
	}
	if _, err := c.out.Write(head); err != nil {
		return err
	}
	return forward(c.out, c.in, rest)
}

// read returns the first size bytes of a message, with its kind.
func (c *clientCopy) read(kind byte, size int) ([]byte, error) {
	c.head[0] = kind
	_, err := io.ReadFull(c.in, c.head[1:size])
	return c.head[:size], err
}

// pixelFormat lets those who watch have the one format that CopyServer knows.
func (c *clientCopy) pixelFormat() error {
	head, err := c.read(msgSetPixelFormat, 4+formatSize)
	if err != nil {
		return err
	}
	if c.policy.View {
		if PixelFormat(head[4:]) != Plain {
			return fmt.Errorf("the pixel format is not the one that was offered")
		}
		return nil // the server has it already
	}
	_, err = c.out.Write(head)
	return err
}

// encodings passes on which encodings the client understands, without those
// that would lead to messages we do not know.
func (c *clientCopy) encodings() error {
	head, err := c.read(msgSetEncodings, 4)
	if err != nil {
		return err
	}
	n := int(binary.BigEndian.Uint16(head[2:]))
	if n > maxEncodings {
		return fmt.Errorf("it lists %d encodings, more than %d", n, maxEncodings)
	}
	list := make([]byte, 4*n)
	if _, err := io.ReadFull(c.in, list); err != nil {
		return err
	}
	kept := []byte{msgSetEncodings, 0, 0, 0}
	for ; len(list) > 0; list = list[4:] {
		if c.allowed(int32(binary.BigEndian.Uint32(list))) {
			kept = append(kept, list[:4]...)
		}
	}
	binary.BigEndian.PutUint16(kept[2:], uint16(len(kept)/4-1))
	_, err = c.out.Write(kept)
	return err
}

func (c *clientCopy) allowed(e int32) bool {
	return watchable(e) || !c.policy.View && usable(e)
}

// qemu moves key events of QEMU's kind, and drops the rest of what QEMU knows.
func (c *clientCopy) qemu() error {
	sub, err := c.in.Peek(3)
	if err != nil {
		return err
	}
	switch {
	case sub[0] == qemuKey:
		return c.input(msgQEMU, 12, nil)
	case sub[0] != qemuAudio:
		return fmt.Errorf("its kind %d is not known", sub[0])
	case binary.BigEndian.Uint16(sub[1:]) == qemuSetAudioFormat:
		return c.move(false, msgQEMU, 10, nil)
	}
	return c.move(false, msgQEMU, 4, nil)
}

// textSize reads the length of a cut text, which is negative for the extended
// form.
func textSize(b []byte) int64 {
	n := int64(int32(binary.BigEndian.Uint32(b)))
	return max(n, -n)
}

func within(n, limit int64) (int64, error) {
	if n > limit {
		return 0, fmt.Errorf("it has %d bytes, more than %d", n, limit)
	}
	return n, nil
}
