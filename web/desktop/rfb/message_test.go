package rfb

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// Messages of clients, as noVNC sends them.
var (
	setFormat  = append([]byte{msgSetPixelFormat, 0, 0, 0}, Plain[:]...)
	request    = []byte{msgUpdateRequest, 1, 0, 0, 0, 0, 5, 0, 3, 32}
	continuous = []byte{msgContinuous, 1, 0, 0, 0, 0, 5, 0, 3, 32}
	fence      = []byte{msgFence, 0, 0, 0, 0x80, 0, 0, 1, 3, 'a', 'b', 'c'}
	key        = []byte{msgKey, 1, 0, 0, 0, 0, 0, 'x'}
	pointer    = []byte{msgPointer, 0x81, 0, 10, 0, 20}
	cutText    = []byte{msgClientCutText, 0, 0, 0, 0, 0, 0, 4, 't', 'e', 'x', 't'}
	cutMore    = []byte{msgClientCutText, 0, 0, 0, 0xff, 0xff, 0xff, 0xfc, 1, 2, 3, 4} // the extended form: a negative length
	qemu       = []byte{msgQEMU, qemuKey, 0, 1, 0, 0, 0, 'x', 0, 0, 0, 45}
	audio      = []byte{msgQEMU, qemuAudio, 0, 0}
	audioAs    = []byte{msgQEMU, qemuAudio, 0, qemuSetAudioFormat, 0, 2, 0, 0, 0xac, 0x44}
	resize     = append([]byte{msgSetDesktopSize, 0, 4, 0, 3, 0, 1, 0}, make([]byte, screenSize)...)
	power      = []byte{msgXVP, 0, 1, 2}
	gii        = []byte{msgGII, 0x81, 0, 2, 9, 9}
	giiLittle  = []byte{msgGII, 0x01, 2, 0, 9, 9}
)

func encodings(list ...int32) []byte {
	b := []byte{msgSetEncodings, 0, 0, 0}
	binary.BigEndian.PutUint16(b[2:], uint16(len(list)))
	for _, e := range list {
		b = binary.BigEndian.AppendUint32(b, uint32(e))
	}
	return b
}

func join(parts ...[]byte) []byte { return slices.Concat(parts...) }

// client runs CopyClient over a whole conversation.
func client(in []byte, view bool) (out []byte, inputs int, err error) {
	var server bytes.Buffer
	err = CopyClient(&server, bytes.NewReader(in), ClientPolicy{View: view, Input: func() { inputs++ }})
	return server.Bytes(), inputs, err
}

func TestWhatOfAClientReachesTheServer(t *testing.T) {
	for _, tt := range []struct {
		name          string
		in            []byte
		control, view []byte
		inputs        int
	}{
		{"nothing", nil, nil, nil, 0},
		{"pixel format", setFormat, setFormat, nil, 0}, // those who watch have it already
		{"update request", request, request, request, 0},
		{"continuous updates", continuous, continuous, continuous, 0},
		{"fence", fence, fence, fence, 0},
		{"key", key, key, nil, 1},
		{"pointer", pointer, pointer, nil, 1},
		{"cut text", cutText, cutText, nil, 1},
		{"extended cut text", cutMore, cutMore, nil, 1},
		{"QEMU key", qemu, qemu, nil, 1},
		{"QEMU audio", join(audio, audioAs), nil, nil, 0},
		{"size of the desktop", resize, resize, nil, 0},
		{"power", power, nil, nil, 0},
		{"general input", join(gii, giiLittle), nil, nil, 0},
		{
			"encodings", encodings(encTight, encHextile, encExtendedCutStr, -316, -305, -309, encQuality0, 12345),
			encodings(encTight, encHextile, encExtendedCutStr, encQuality0), encodings(encTight, encQuality0), 0,
		},
		{"one after another", join(request, key, request, pointer, request), join(request, key, request, pointer, request), join(request, request, request), 2},
		{"a pointer with all buttons is no longer than others", join([]byte{msgPointer, 0xff, 0, 1, 0, 2}, request), join([]byte{msgPointer, 0xff, 0, 1, 0, 2}, request), request, 1},
		{"a text that looks like messages", append([]byte{msgClientCutText, 0, 0, 0, 0, 0, 0, 8}, key...), append([]byte{msgClientCutText, 0, 0, 0, 0, 0, 0, 8}, key...), nil, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, inputs, err := client(tt.in, false)
			if err != nil || !bytes.Equal(out, tt.control) || inputs != tt.inputs {
				t.Errorf("in control: %v, %d inputs, %v; want %v, %d", out, inputs, err, tt.control, tt.inputs)
			}
			out, inputs, err = client(tt.in, true)
			if err != nil || !bytes.Equal(out, tt.view) || inputs != 0 {
				t.Errorf("watching: %v, %d inputs, %v; want %v", out, inputs, err, tt.view)
			}
		})
	}
}

func TestWhatEndsAClient(t *testing.T) {
	other := bytes.Clone(setFormat)
	other[4] = 8
	long := []byte{msgClientCutText, 0, 0, 0, 0, 0x10, 0, 1}
	for _, tt := range []struct {
		name string
		in   []byte
		want string
		view bool // only those who watch
	}{
		{"an unknown message", []byte{99, 1, 2, 3}, "message 99 of the client: it is not known", false},
		{"an unknown message of QEMU's", []byte{msgQEMU, 7, 0, 0}, "kind 7", false},
		{"a text without an end", long, "1048577 bytes, more than 1048576", false},
		{"an extended text without an end", []byte{msgClientCutText, 0, 0, 0, 0x80, 0, 0, 0}, "2147483648 bytes", false},
		{"too many encodings", []byte{msgSetEncodings, 0, 0xff, 0xff}, "65535 encodings", false},
		{"a long fence", append([]byte{msgFence, 0, 0, 0, 0, 0, 0, 0, 65}, make([]byte, 65)...), "65 bytes", false},
		{"cut off in a head", key[:3], "EOF", false},
		{"cut off in a text", cutText[:9], "EOF", false},
		{"another pixel format", other, "not the one that was offered", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, view := range []bool{false, true} {
				_, _, err := client(tt.in, view)
				if tt.view && !view {
					if err != nil {
						t.Errorf("in control: %v", err)
					}
				} else if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("view %v: %v, want %q", view, err, tt.want)
				}
			}
		})
	}
}

// Messages of servers.
func update(n uint16, rectangles ...[]byte) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{msgUpdate, 0}, n), join(rectangles...)...)
}

func rectangle(w, h uint16, encoding int32, data ...byte) []byte {
	b := binary.BigEndian.AppendUint16([]byte{0, 1, 0, 2}, w)
	b = binary.BigEndian.AppendUint16(b, h)
	return append(binary.BigEndian.AppendUint32(b, uint32(encoding)), data...)
}

// compact is n bytes of data with their length before them.
func compact(n int) []byte {
	b := []byte{byte(n & 0x7f)}
	if n > 0x7f {
		b[0] |= 0x80
		b = append(b, byte(n>>7&0x7f))
	}
	if n > 0x3fff {
		b[1] |= 0x80
		b = append(b, byte(n>>14))
	}
	return append(b, make([]byte, n)...)
}

var (
	serverText  = []byte{msgServerCutText, 0, 0, 0, 0, 0, 0, 6, 's', 'e', 'c', 'r', 'e', 't'}
	serverMore  = []byte{msgServerCutText, 0, 0, 0, 0xff, 0xff, 0xff, 0xfa, 's', 'e', 'c', 'r', 'e', 't'}
	bell        = []byte{msgBell}
	endUpdates  = []byte{msgEndContinuous}
	serverFence = []byte{msgFence, 0, 0, 0, 0x80, 0, 0, 1, 2, 'h', 'i'}
)

// pictures are updates in each encoding that those who watch may ask for.
var pictures = map[string][]byte{
	"no rectangle":      update(0),
	"raw":               update(1, rectangle(2, 3, encRaw, make([]byte, 24)...)),
	"copied":            update(1, rectangle(9, 9, encCopyRect, 0, 1, 0, 2)),
	"ZRLE":              update(1, rectangle(9, 9, encZRLE, 0, 0, 0, 3, 1, 2, 3)),
	"Tight, one colour": update(1, rectangle(9, 9, encTight, 0x8f, 1, 2, 3)),
	"Tight, JPEG":       update(1, rectangle(9, 9, encTight, join([]byte{0x90}, compact(200))...)),
	"Tight, long JPEG":  update(1, rectangle(9, 9, encTight, join([]byte{0x90}, compact(70000))...)),
	"Tight, basic":      update(1, rectangle(9, 9, encTight, join([]byte{0x00}, compact(5))...)),
	"Tight, tiny":       update(1, rectangle(1, 3, encTight, 0x10, 1, 2, 3, 4, 5, 6, 7, 8, 9)),
	"Tight, empty":      update(1, rectangle(0, 3, encTight, 0x10)),
	"Tight, gradient":   update(1, rectangle(9, 9, encTight, join([]byte{0x40, filterGradient}, compact(5))...)),
	"Tight, two colours": update(2,
		rectangle(9, 2, encTight, 0x50, filterPalette, 1, 1, 1, 1, 2, 2, 2, 0xff, 0x80, 0xff, 0x80),
		rectangle(80, 2, encTight, join([]byte{0x50, filterPalette, 1, 1, 1, 1, 2, 2, 2}, compact(7))...)),
	"Tight, three colours": update(2,
		rectangle(3, 3, encTight, 0x60, filterPalette, 2, 1, 1, 1, 2, 2, 2, 3, 3, 3, 0, 1, 2, 0, 1, 2, 0, 1, 2),
		rectangle(4, 3, encTight, join([]byte{0x60, filterPalette, 2, 1, 1, 1, 2, 2, 2, 3, 3, 3}, compact(4))...)),
	"cursor":        update(1, rectangle(9, 2, encCursor, make([]byte, 9*2*4+2*2)...)),
	"sizes":         update(2, rectangle(640, 480, encDesktopSize), rectangle(640, 480, encExtendedSize, append([]byte{1, 0, 0, 0}, make([]byte, screenSize)...)...)),
	"last one":      update(countless, rectangle(1, 1, encRaw, 1, 2, 3, 4), rectangle(0, 0, encLastRect)),
	"fewer":         update(5, rectangle(0, 0, encLastRect)),
	"colours":       {msgColours, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6},
	"bell":          bell,
	"end of stream": endUpdates,
	"fence":         serverFence,
}

func TestAPicturePassesAsItIs(t *testing.T) {
	for name, in := range pictures {
		t.Run(name, func(t *testing.T) {
			in := join(in, bell) // what follows is seen for what it is
			for _, r := range []io.Reader{bytes.NewReader(in), iotest.OneByteReader(bytes.NewReader(in))} {
				var out bytes.Buffer
				if err := CopyServer(&out, r, false); err != nil || !bytes.Equal(out.Bytes(), in) {
					t.Errorf("%d bytes came out and %d went in: %v", out.Len(), len(in), err)
				}
			}
			if err := CopyServer(io.Discard, bytes.NewReader(in[:len(in)-2]), false); err == nil && len(in) > 2 {
				t.Error("no error for one that is cut off")
			}
		})
	}
}

func TestCopiedTextReachesOnlyWhoMayHaveIt(t *testing.T) {
	for _, text := range [][]byte{serverText, serverMore} {
		in := join(bell, text, bell)
		for allowed, want := range map[bool][]byte{false: join(bell, bell), true: in} {
			var out bytes.Buffer
			if err := CopyServer(&out, bytes.NewReader(in), allowed); err != nil || !bytes.Equal(out.Bytes(), want) {
				t.Errorf("allowed %v: got %q, %v", allowed, out.Bytes(), err)
			}
		}
	}
}

func TestWhatEndsAServer(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   []byte
		want string
	}{
		{"an unknown message", []byte{77}, "message 77 of the server: it is not known"},
		{"the name of the desktop", update(1, rectangle(0, 0, encDesktopName, 0, 0, 0, 1, 'x')), "encoding -307 was not asked for"},
		{"an unknown compression", update(1, rectangle(1, 1, encTight, 0xa0)), "compression 10"},
		{"an unknown filter", update(1, rectangle(1, 1, encTight, 0x40, 9)), "filter 9"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := CopyServer(io.Discard, bytes.NewReader(tt.in), false); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// FuzzCopyClient holds that those who watch send nothing but what makes a
// picture, however the bytes arrive: what comes out goes through unchanged, and
// none of it is input.
func FuzzCopyClient(f *testing.F) {
	for _, m := range [][]byte{setFormat, request, continuous, fence, key, pointer, cutText, cutMore, qemu, audio, audioAs, resize, power, gii, giiLittle, encodings(7, -316, -239)} {
		f.Add(join(m, request))
		f.Add(join(request, m[:len(m)/2]))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		out, _, failed := client(in, true)
		again, inputs, err := client(out, false)
		if failed == nil && err != nil || inputs != 0 || !bytes.Equal(again, out) {
			t.Errorf("%v became %v, in which the next sees %v, %d inputs, %v", in, out, again, inputs, err)
		}
		for b := out; len(b) > 0; {
			kind, n := b[0], map[byte]int{msgUpdateRequest: 10, msgContinuous: 10}[b[0]]
			switch kind {
			case msgSetEncodings:
				n = 4 + 4*int(binary.BigEndian.Uint16(b[2:]))
			case msgFence:
				n = 9 + int(b[8]) // its head is never cut off
			}
			if n == 0 {
				t.Fatalf("%v let a message %d through: %v", in, kind, out)
			}
			b = b[min(n, len(b)):] // the last may be cut off
		}
		var slow bytes.Buffer
		_ = CopyClient(&slow, iotest.OneByteReader(bytes.NewReader(in)), ClientPolicy{View: true})
		if !bytes.Equal(slow.Bytes(), out) {
			t.Errorf("byte by byte %v became %v, at once %v", in, slow.Bytes(), out)
		}
	})
}

// FuzzCopyServer holds that a server's messages pass unchanged but for texts.
func FuzzCopyServer(f *testing.F) {
	for _, m := range pictures {
		f.Add(join(m, serverText, bell))
		f.Add(m[:len(m)/2])
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var all, some, again bytes.Buffer
		failed := CopyServer(&all, bytes.NewReader(in), true)
		if failed == nil && !bytes.Equal(all.Bytes(), in) {
			t.Errorf("%v became %v", in, all.Bytes())
		}
		if failed != nil {
			return
		}
		if err := CopyServer(&some, bytes.NewReader(in), false); err != nil {
			t.Fatalf("%v fails without texts only: %v", in, err)
		}
		if err := CopyServer(&again, bytes.NewReader(some.Bytes()), true); err != nil || !bytes.Equal(again.Bytes(), some.Bytes()) {
			t.Errorf("%v became %v, which becomes %v, %v", in, some.Bytes(), again.Bytes(), err)
		}
	})
}
