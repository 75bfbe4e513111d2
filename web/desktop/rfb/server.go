package rfb

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

// Kinds of messages from servers.
const (
	msgUpdate        = 0
	msgColours       = 1
	msgBell          = 2
	msgServerCutText = 3
	msgEndContinuous = 150 // clients turn updates on and off with the same number

	rectSize      = 12
	colourSize    = 6
	countless     = 0xffff // rectangles: as many as come before the last one
	pixelSize     = 4      // of the format Plain
	tightPixel    = 3      // the same without what does not count
	tightPlain    = 12     // bytes of data below which Tight does not compress
	tightFill     = 8
	tightJPEG     = 9
	tightExplicit = 4 // a filter is named
)

// The filters of Tight.
const (
	filterCopy = iota
	filterPalette
	filterGradient
)

// CopyServer leads a server's messages to a client that only watches, until one
// side ends. Pixels must be of the format Plain and encodings those that
// CopyClient lets a watching client name. Texts that were copied on the screen
// pass only with text. It returns nil when the server ends between two messages.
func CopyServer(client io.Writer, server io.Reader, text bool) error {
	in, out := pipes(client, server)
	s := serverCopy{in: in, out: out, text: text}
	for {
		kind, err := s.in.ReadByte()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read from the server: %w", err)
		}
		if err := s.message(kind); err != nil {
			return fmt.Errorf("message %d of the server: %w", kind, err)
		}
	}
}

type serverCopy struct {
	in   *bufio.Reader
	out  *bufio.Writer
	text bool
	head [rectSize]byte
}

func (s *serverCopy) message(kind byte) error {
	switch kind {
	case msgUpdate:
		return s.update()
	case msgColours:
		head, err := s.pass(kind, 5)
		if err != nil {
			return err
		}
		return s.passN(colourSize * int64(binary.BigEndian.Uint16(head[3:])))
	case msgBell, msgEndContinuous:
		return s.out.WriteByte(kind)
	case msgServerCutText:
		return s.cutText()
	case msgFence:
		head, err := s.pass(kind, 8)
		if err != nil {
			return err
		}
		return s.passN(int64(head[7]))
	}
	return fmt.Errorf("it is not known")
}

// pass passes a message's kind on with the size bytes after it, and returns
// those. They hold until the next call.
func (s *serverCopy) pass(kind byte, size int) ([]byte, error) {
	if err := s.out.WriteByte(kind); err != nil {
		return nil, err
	}
	return s.passHead(size)
}

func (s *serverCopy) passHead(size int) ([]byte, error) {
	head := s.head[:size]
	if _, err := io.ReadFull(s.in, head); err != nil {
		return nil, err
	}
	_, err := s.out.Write(head)
	return head, err
}

func (s *serverCopy) passN(n int64) error {
	return forward(s.out, s.in, n)
}

// cutText drops a text of the screen's clipboard, unless the client may have it.
func (s *serverCopy) cutText() error {
	head := s.head[:7]
	if _, err := io.ReadFull(s.in, head); err != nil {
		return err
	}
	size := textSize(head[3:])
	if !s.text {
		_, err := io.CopyN(io.Discard, s.in, size)
		return err
	}
	if _, err := s.out.Write(append([]byte{msgServerCutText}, head...)); err != nil {
		return err
	}
	return s.passN(size)
}

func (s *serverCopy) update() error {
	head, err := s.pass(msgUpdate, 3)
	if err != nil {
		return err
	}
	n := int(binary.BigEndian.Uint16(head[1:]))
	for i := 0; i < n || n == countless; i++ {
		last, err := s.rectangle()
		if err != nil {
			return fmt.Errorf("rectangle %d: %w", i, err)
		}
		if last {
			return nil
		}
	}
	return nil
}

// rectangle passes one rectangle on, and reports whether it says that it is the
// last one.
func (s *serverCopy) rectangle() (last bool, err error) {
	head, err := s.passHead(rectSize)
	if err != nil {
		return false, err
	}
	w, h := int64(binary.BigEndian.Uint16(head[4:])), int64(binary.BigEndian.Uint16(head[6:]))
	switch encoding := int32(binary.BigEndian.Uint32(head[8:])); encoding {
	case encRaw:
		return false, s.passN(w * h * pixelSize)
	case encCopyRect:
		return false, s.passN(4)
	case encTight:
		return false, s.tight(w, h)
	case encZRLE:
		head, err := s.passHead(4)
		if err != nil {
			return false, err
		}
		return false, s.passN(int64(binary.BigEndian.Uint32(head)))
	case encCursor:
		return false, s.passN(w*h*pixelSize + (w+7)/8*h)
	case encExtendedSize:
		head, err := s.passHead(4)
		if err != nil {
			return false, err
		}
		return false, s.passN(int64(head[0]) * screenSize)
	case encDesktopSize:
		return false, nil
	case encLastRect:
		return true, nil
	default:
		return false, fmt.Errorf("the encoding %d was not asked for", encoding)
	}
}

// tight passes the data of a rectangle in the encoding Tight on.
func (s *serverCopy) tight(w, h int64) error {
	head, err := s.passHead(1)
	if err != nil {
		return err
	}
	switch control := head[0] >> 4; {
	case control == tightFill:
		return s.passN(tightPixel)
	case control == tightJPEG:
		return s.passCompact()
	case control > tightJPEG:
		return fmt.Errorf("the compression %d of Tight is not known", control)
	default:
		return s.tightBasic(w, h, control&tightExplicit != 0)
	}
}

func (s *serverCopy) tightBasic(w, h int64, explicit bool) error {
	filter := byte(filterCopy)
	if explicit {
		head, err := s.passHead(1)
		if err != nil {
			return err
		}
		filter = head[0]
	}
	size := w * h * tightPixel
	switch filter {
	case filterCopy, filterGradient:
	case filterPalette:
		head, err := s.passHead(1)
		if err != nil {
			return err
		}
		colours := int64(head[0]) + 1
		if err := s.passN(colours * tightPixel); err != nil {
			return err
		}
		size = w * h
		if colours <= 2 {
			size = (w + 7) / 8 * h
		}
	default:
		return fmt.Errorf("the filter %d of Tight is not known", filter)
	}
	if size < tightPlain {
		return s.passN(size)
	}
	return s.passCompact()
}

// passCompact passes data on whose length stands before it, in one to three
// bytes of which each says whether another follows.
func (s *serverCopy) passCompact() error {
	var size int64
	for i := range 3 {
		head, err := s.passHead(1)
		if err != nil {
			return err
		}
		if i == 2 {
			size |= int64(head[0]) << 14
			break
		}
		size |= int64(head[0]&0x7f) << (7 * i)
		if head[0]&0x80 == 0 {
			break
		}
	}
	return s.passN(size)
}
