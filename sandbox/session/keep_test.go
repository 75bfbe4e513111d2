package session

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestKeptBytesStay cuts a reader off whose client has got less than was taken:
// what the client lacks is still there for the next, although more was written
// than the log holds.
func TestKeptBytesStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newStore(1 << 20).newLog(4 * pieceSize)
		first := l.Reader(0)
		first.Keep(0)
		written := make(chan struct{})
		go func() {
			defer close(written)
			for i := range 16 {
				_, _ = l.writer(Stdout).Write(bytes.Repeat([]byte{byte('a' + i)}, pieceSize))
			}
			l.store.ended(l)
		}()
		for range 3 {
			if _, dropped, err := first.Next(t.Context()); dropped != 0 || err != nil {
				t.Fatal(dropped, err)
			}
		}
		first.Keep(pieceSize) // the client has one piece of the three
		synctest.Wait()
		if start, end := l.Bounds(); start > pieceSize || end > 6*pieceSize {
			t.Fatalf("the log holds %d to %d", start, end)
		}
		second := l.Reader(pieceSize)
		first.Close()
		out, _, dropped := collect(t, second)
		<-written
		if dropped != 0 || len(out) != 15*pieceSize || out[0] != 'b' || out[len(out)-1] != 'p' {
			t.Errorf("%d bytes, %d dropped", len(out), dropped)
		}
	})
}

func TestKeptBytesAreNotKeptForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newStore(1 << 20).newLog(4 * pieceSize)
		r := l.Reader(0)
		defer r.Close()
		r.Keep(0)
		started := time.Now()
		_, _ = l.writer(Stdout).Write(make([]byte, 20*pieceSize))
		if took := time.Since(started); took != patience {
			t.Errorf("the writer waited %v", took)
		}
		if start, _ := l.Bounds(); start == 0 {
			t.Error("nothing was dropped")
		}
	})
}

func TestModes(t *testing.T) {
	for name, c := range map[string]struct {
		pieces []string
		want   string
	}{
		"none":                {[]string{"plain \x1b[31mred\x1b[0m text"}, ""},
		"alternate screen":    {[]string{"\x1b[?1049h\x1b[?25l~"}, "\x1b[?25l\x1b[?1049h"},
		"the last one counts": {[]string{"\x1b[?2004h", "\x1b[?2004l"}, "\x1b[?2004l"},
		"several at once":     {[]string{"\x1b[?1000;1006h"}, "\x1b[?1000h\x1b[?1006h"},
		"cut in two":          {[]string{"x\x1b[?10", "49hy"}, "\x1b[?1049h"},
		"cut after escape":    {[]string{"x\x1b", "[?7l"}, "\x1b[?7l"},
		"a request":           {[]string{"\x1b[?6n\x1b[?25$p\x1b[?1h"}, "\x1b[?1h"},
		"not a number":        {[]string{"\x1b[?h\x1b[?99999999h\x1b[?;;5h"}, "\x1b[?5h"},
		"never ends":          {[]string{"\x1b[?" + strings.Repeat("1", 500), "h\x1b[?3h"}, "\x1b[?3h"},
	} {
		t.Run(name, func(t *testing.T) {
			var m modes
			for _, p := range c.pieces {
				m.watch([]byte(p))
			}
			if got := m.String(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// FuzzModes checks that it does not matter where the output was cut, and that
// nothing grows without bound.
func FuzzModes(f *testing.F) {
	f.Add([]byte("\x1b[?1049h\x1b[?25l"), 3)
	f.Add([]byte("\x1b[?1;2;3h\x1b[?\x1b[?2004l"), 7)
	f.Fuzz(func(t *testing.T, data []byte, at int) {
		at = min(max(at, 0), len(data))
		var whole, parts modes
		whole.watch(data)
		parts.watch(data[:at])
		parts.watch(data[at:])
		if whole.String() != parts.String() || len(whole.set) > maxModes || len(whole.rest) > maxSequence {
			t.Errorf("%q whole, %q in two, %d bytes wait", whole.String(), parts.String(), len(whole.rest))
		}
	})
}

// FuzzResume plays a client that takes, confirms, is cut off and comes back, in
// any order, with a log smaller than what is written to it. Each byte must come
// exactly once and in order, or be counted as dropped.
func FuzzResume(f *testing.F) {
	f.Add([]byte{0, 200, 1, 1, 2, 1, 3, 0, 0, 255, 1, 2, 1, 3, 1, 1})
	f.Add([]byte{0, 255, 0, 255, 0, 255, 3, 1, 2, 1})
	f.Fuzz(func(t *testing.T, script []byte) {
		l := newStore(1 << 20).newLog(2 * pieceSize)
		r := l.Reader(0)
		r.slow = true // so that nothing here waits: what is lost must be told
		var next, taken, acked int64
		for len(script) > 1 {
			op, n := script[0]%4, int(script[1])
			script = script[2:]
			switch op {
			case 0:
				_, _ = l.writer(Stdout).Write(counted(next, n*256))
				next += int64(n * 256)
			case 1:
				chunk, dropped, _, _ := r.take()
				if len(chunk.Data) == 0 {
					continue
				}
				if chunk.Offset != taken+dropped || !bytes.Equal(chunk.Data, counted(chunk.Offset, len(chunk.Data))) {
					t.Fatalf("at %d: offset %d, %d dropped", taken, chunk.Offset, dropped)
				}
				taken = chunk.Offset + int64(len(chunk.Data))
				r.slow = true
			case 2:
				acked = taken
				r.Keep(acked)
			case 3:
				fresh := l.Reader(acked)
				fresh.slow = true
				r.Close()
				r, taken = fresh, acked
			}
		}
		r.Close()
	})
}

// counted returns bytes that tell their offsets.
func counted(from int64, n int) []byte {
	data := make([]byte, n)
	for i := range data {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], uint64(from+int64(i))/8)
		data[i] = b[(from+int64(i))%8]
	}
	return data
}
