package session

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// modes are the modes of a terminal's screen that are set by bytes which a log no
// longer has: the alternate screen, mouse reports, bracketed paste and so on, as
// programs switch them with CSI ? n h and CSI ? n l. Without them a screen that
// is drawn from the rest would not behave as the program believes.
type modes struct {
	set  map[int]bool
	rest []byte // a sequence whose end is yet to come
}

const (
	// maxModes bounds how many modes are remembered; programs use two dozen.
	maxModes = 64

	// maxSequence is the longest sequence that is looked at, in bytes.
	maxSequence = 64
)

var privateCSI = []byte("\x1b[?")

// watch takes notice of bytes that are about to go.
func (m *modes) watch(data []byte) {
	if len(m.rest) > 0 {
		data = append(m.rest, data...)
		m.rest = nil
	}
	for {
		i := bytes.IndexByte(data, privateCSI[0])
		if i < 0 {
			return
		}
		data = data[i:]
		n, whole := m.sequence(data)
		if !whole {
			m.rest = bytes.Clone(data)
			return
		}
		data = data[n:]
	}
}

// sequence reads the sequence at the beginning of data, and returns its length;
// whole is false when its end is yet to come.
func (m *modes) sequence(data []byte) (n int, whole bool) {
	head := min(len(data), len(privateCSI))
	if !bytes.Equal(data[:head], privateCSI[:head]) {
		return 1, true
	}
	for i := head; i < len(data) && i < maxSequence; i++ {
		switch c := data[i]; {
		case c == 'h' || c == 'l':
			m.switched(string(data[head:i]), c == 'h')
			return i + 1, true
		case (c < '0' || c > '9') && c != ';':
			return i, true
		}
	}
	return min(len(data), maxSequence), len(data) >= maxSequence
}

func (m *modes) switched(list string, on bool) {
	for text := range strings.SplitSeq(list, ";") {
		n, err := strconv.ParseUint(text, 10, 16)
		if _, known := m.set[int(n)]; err != nil || !known && len(m.set) >= maxModes {
			continue
		}
		if m.set == nil {
			m.set = map[int]bool{}
		}
		m.set[int(n)] = on
	}
}

// String returns the sequences that set the modes.
func (m *modes) String() string {
	var b strings.Builder
	for _, n := range slices.Sorted(maps.Keys(m.set)) {
		final := 'l'
		if m.set[n] {
			final = 'h'
		}
		fmt.Fprintf(&b, "\x1b[?%d%c", n, final)
	}
	return b.String()
}
