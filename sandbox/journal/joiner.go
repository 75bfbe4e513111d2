package journal

import (
	"strings"
	"unicode/utf8"
)

// A Joiner turns a byte stream that comes in arbitrary pieces into valid UTF-8
// text: a character cut in two by a write comes out whole, and each byte that
// belongs to no character becomes U+FFFD. The zero value is ready.
type Joiner struct {
	held [utf8.UTFMax]byte // the start of a character whose rest has not come
	n    int
}

// Write appends the whole characters of what it held and of p to dst.
func (j *Joiner) Write(dst *strings.Builder, p []byte) {
	if j.n > 0 {
		p = j.complete(dst, p)
	}
	cut := len(p) - incompleteTail(p)
	appendValid(dst, p[:cut])
	j.n += copy(j.held[j.n:], p[cut:])
}

// complete feeds p byte by byte until nothing is held, and returns the rest of
// p, which is empty while the held character is still incomplete.
func (j *Joiner) complete(dst *strings.Builder, p []byte) []byte {
	for len(p) > 0 && j.n > 0 {
		j.held[j.n] = p[0]
		if !utf8.FullRune(j.held[:j.n+1]) {
			j.n++
			p = p[1:]
			continue
		}
		r, size := utf8.DecodeRune(j.held[:j.n+1])
		if r == utf8.RuneError && size == 1 {
			// p[0] does not continue the character: it starts anew.
			j.Flush(dst)
			break
		}
		dst.WriteRune(r)
		j.n = 0
		p = p[1:]
	}
	return p
}

// Flush ends the stream: what is held will never be complete.
func (j *Joiner) Flush(dst *strings.Builder) {
	for range j.n {
		dst.WriteRune(utf8.RuneError)
	}
	j.n = 0
}

// incompleteTail returns how many bytes at the end of p may be the start of a
// character that goes on in the next write.
func incompleteTail(p []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		if tail := p[len(p)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

// appendValid appends p with every invalid byte replaced.
func appendValid(dst *strings.Builder, p []byte) {
	if utf8.Valid(p) {
		dst.Write(p)
		return
	}
	for len(p) > 0 {
		r, size := utf8.DecodeRune(p)
		dst.WriteRune(r)
		p = p[size:]
	}
}
