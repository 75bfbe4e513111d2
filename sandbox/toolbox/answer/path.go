package answer

import (
	"path"
	"strings"
)

// MaxPath is the longest path that Path takes, in bytes, as on Linux.
const MaxPath = 4096

// Path returns the absolute path in a guest that a client means by name, which
// is relative to the guest's working folder unless it is absolute.
func Path(workDir, name string) (string, error) {
	switch {
	case name == "":
		return "", BadRequest("the path must not be empty")
	case strings.ContainsRune(name, 0):
		return "", BadRequest("a path must not have NUL characters")
	case len(name) > MaxPath:
		return "", BadRequest("a path may have %d bytes at most", MaxPath)
	case path.IsAbs(name):
		return path.Clean(name), nil
	}
	return path.Join(workDir, name), nil
}
