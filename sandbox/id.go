package sandbox

import (
	"crypto/rand"
	"strings"
)

// NewID returns a new identifier: 26 lower-case letters and digits that carry
// at least 128 random bits, so that nobody can guess one.
func NewID() string { return strings.ToLower(rand.Text()) }
