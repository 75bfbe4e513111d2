package proxy

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// frame makes a frame of n bytes, masked as those of browsers are.
func frame(opcode byte, n int, masked bool) []byte {
	out := []byte{0x80 | opcode}
	mask := byte(0)
	if masked {
		mask = maskedBit
	}
	switch {
	case n < length16:
		out = append(out, mask|byte(n))
	case n < 1<<16:
		out = binary.BigEndian.AppendUint16(append(out, mask|length16), uint16(n))
	default:
		out = binary.BigEndian.AppendUint64(append(out, mask|length64), uint64(n))
	}
	if masked {
		out = append(out, 1, 2, 3, 4)
	}
	return append(out, bytes.Repeat([]byte{0x81}, n)...) // which looks like a head
}

func TestFrames(t *testing.T) {
	const text, ping, pong, closing, more = 1, 9, 10, 8, 0
	for _, c := range []struct {
		name string
		data []byte
		want bool
	}{
		{"nothing", nil, false},
		{"a ping", frame(ping, 4, true), false},
		{"a ping without a text", frame(ping, 0, false), false},
		{"pings and pongs", append(frame(ping, 125, true), frame(pong, 125, false)...), false},
		{"the end", frame(closing, 2, true), false},
		{"a text", frame(text, 5, true), true},
		{"an empty text", frame(text, 0, true), true},
		{"a text after a ping", append(frame(ping, 3, true), frame(text, 3, true)...), true},
		{"a long one", frame(text, 300, false), true},
		{"a very long one", frame(2, 70_000, true), true},
		{"the rest of one", frame(more, 10, false), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var whole frames
			if got := whole.says(c.data); got != c.want {
				t.Errorf("in one piece: %v", got)
			}
			var pieces frames
			said := false
			for _, b := range c.data {
				said = pieces.says([]byte{b}) || said
			}
			if said != c.want {
				t.Errorf("byte by byte: %v", said)
			}
			if whole.left != 0 || len(whole.head) != 0 || pieces.left != 0 {
				t.Errorf("it is not at the end of a frame: %+v", whole)
			}
		})
	}
}

func FuzzFrames(f *testing.F) {
	f.Add(frame(9, 4, true), 3)
	f.Add(frame(1, 300, false), 1)
	f.Add([]byte{0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 2)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		cut = max(0, min(cut, len(data)))
		var one, two frames
		whole := one.says(data)
		first := two.says(data[:cut])
		if second := two.says(data[cut:]); whole != (first || second) || one.left != two.left || len(one.head) > 14 {
			t.Errorf("in one piece %v, in two %v and %v", whole, first, second)
		}
	})
}
