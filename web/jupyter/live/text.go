package live

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// decoder turns the bytes of a stream, which come in arbitrary pieces, into text:
// a character that a write cut in two comes out whole, and what is no UTF-8 becomes
// U+FFFD. The zero value is ready.
type decoder struct {
	held []byte // the start of a character whose rest has not come
}

func (d *decoder) text(p []byte) string {
	p = append(d.held, p...)
	cut := len(p)
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		if tail := p[len(p)-n:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				cut -= n
			}
			break
		}
	}
	d.held = bytes.Clone(p[cut:])
	return strings.ToValidUTF8(string(p[:cut]), "\uFFFD")
}

// rest returns what the end of the stream left incomplete.
func (d *decoder) rest() string {
	rest := strings.ToValidUTF8(string(d.held), "\uFFFD")
	d.held = nil
	return rest
}
