package proxy

import "encoding/binary"

// frames finds out of one direction of a WebSocket whether it says something:
// browsers and servers keep idle connections up with pings, which are no use of a
// sandbox. It reads the heads of frames (RFC 6455, 5.2) and passes over what is in
// them. Its zero value is at the beginning of a frame.
type frames struct {
	head []byte // of a frame, as far as it is known
	left uint64 // bytes to come of what is in the frame
	data bool   // whether the frame is one of data
}

// The bits of a frame's head.
const (
	opcodeBits = 0x0f
	controlBit = 0x08 // of the opcode: close, ping and pong
	maskedBit  = 0x80
	lengthBits = 0x7f
	length16   = 126
	length64   = 127
	plainHead  = 2
	maskLength = 4
)

// says reports whether p, which comes next, has any of a frame of data.
func (f *frames) says(p []byte) bool {
	said := false
	for len(p) > 0 {
		if f.left > 0 {
			n := min(f.left, uint64(len(p)))
			p, f.left = p[n:], f.left-n
			said = said || f.data
			continue
		}
		f.head, p = append(f.head, p[0]), p[1:]
		if size, known := headSize(f.head); known && len(f.head) == size {
			f.data = f.head[0]&opcodeBits&controlBit == 0
			f.left = payload(f.head)
			said = said || f.data // an empty message is one
			f.head = f.head[:0]
		}
	}
	return said
}

// headSize returns how long a frame's head is, once enough of it is known.
func headSize(head []byte) (size int, known bool) {
	if len(head) < plainHead {
		return 0, false
	}
	size = plainHead
	switch head[1] & lengthBits {
	case length16:
		size += 2
	case length64:
		size += 8
	}
	if head[1]&maskedBit != 0 {
		size += maskLength
	}
	return size, true
}

// payload returns how much is in the frame of a whole head.
func payload(head []byte) uint64 {
	switch n := head[1] & lengthBits; n {
	case length16:
		return uint64(binary.BigEndian.Uint16(head[plainHead:]))
	case length64:
		return binary.BigEndian.Uint64(head[plainHead:])
	default:
		return uint64(n)
	}
}
