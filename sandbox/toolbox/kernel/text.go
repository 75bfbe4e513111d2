package kernel

import (
	"strings"
	"unicode/utf8"
)

// utf8Text turns bytes that come in arbitrary pieces into valid text: a
// character that is cut in two comes out whole, and each byte that belongs to
// none becomes U+FFFD.
type utf8Text struct{ held []byte }

// add returns the text that is whole with p.
func (t *utf8Text) add(p []byte) string {
	p = append(t.held, p...)
	n := len(p)
	for back := 1; back < utf8.UTFMax && back <= len(p); back++ {
		if tail := p[len(p)-back:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				n -= back
			}
			break
		}
	}
	t.held = append([]byte(nil), p[n:]...)
	return strings.ToValidUTF8(string(p[:n]), "\ufffd")
}

// flush returns what is left when no more comes.
func (t *utf8Text) flush() string {
	left := strings.ToValidUTF8(string(t.held), "\ufffd")
	t.held = nil
	return left
}
