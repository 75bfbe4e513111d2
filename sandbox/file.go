package sandbox

import (
	"path"
	"strings"
	"unicode/utf8"
)

// MaxFileName is the longest path of a program's file, in bytes.
const MaxFileName = 255

// ValidateFileName reports, as a *Error of KindUnprocessed that names field,
// why name cannot be a file of a program: it must be a clean, relative,
// slash-separated UTF-8 path that stays inside the program's folder.
func ValidateFileName(field, name string) error {
	switch {
	case name == "":
		return FieldErrorf(field, "a file needs a name")
	case len(name) > MaxFileName:
		return FieldErrorf(field, "a file name may have %d bytes at most", MaxFileName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, isControl):
		return FieldErrorf(field, "a file name must be UTF-8 text without control characters")
	case strings.ContainsRune(name, '\\'):
		return FieldErrorf(field, "file name %q: use / between folders", name)
	case path.IsAbs(name) || path.Clean(name) != name || name == "." || name == ".." || strings.HasPrefix(name, "../"):
		return FieldErrorf(field, "file name %q must be a plain relative path inside the program's folder", name)
	}
	return nil
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }
