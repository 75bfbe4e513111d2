package sandbox

import (
	"crypto/rand"
	"fmt"
	"strings"
)

// NewID returns a new identifier: 26 lower-case letters and digits that carry
// at least 128 random bits, so that nobody can guess one.
func NewID() string { return strings.ToLower(rand.Text()) }

// NewUUID returns a new random UUID in its usual spelling.
func NewUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
