package files

import (
	"io/fs"
	"strconv"
	"strings"

	"sandpiper/sandbox/toolbox/answer"
)

// special are the permission bits that package fs keeps apart from the rest.
var special = []struct {
	octal uint32
	mode  fs.FileMode
}{{0o4000, fs.ModeSetuid}, {0o2000, fs.ModeSetgid}, {0o1000, fs.ModeSticky}}

// permissions are all bits that a mode of a request can set.
const permissions = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky

// octal returns a mode's permissions as the numbers that chmod takes.
func octal(m fs.FileMode) uint32 {
	bits := uint32(m.Perm())
	for _, s := range special {
		if m&s.mode != 0 {
			bits |= s.octal
		}
	}
	return bits
}

// parseMode reads permissions as chmod takes them: 644, 0755, 0o1777.
func parseMode(s string) (fs.FileMode, error) {
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "0o"), 8, 32)
	if err != nil || n > 0o7777 {
		return 0, answer.BadRequest("mode must be octal permissions such as 0755, not %.40q", s)
	}
	mode := fs.FileMode(n & 0o777)
	for _, b := range special {
		if uint32(n)&b.octal != 0 {
			mode |= b.mode
		}
	}
	return mode, nil
}
