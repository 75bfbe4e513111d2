package jail

import (
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/tetratelabs/wazero/experimental/sys"
)

const (
	maxPath  = 4096 // bytes of a path, as on Linux
	maxName  = 255  // bytes of one component, as on most host file systems
	maxDepth = 128  // components; bounds what removing the folder afterwards costs
)

// guestPath is a path that a guest gave, cleaned. It is relative, has no "..",
// and is "." for the root.
type guestPath struct {
	name    string
	wantDir bool // it ended in a slash, so it may only name a folder
}

// cleanPath checks a path and resolves "." and ".." in it by text alone: a path
// that would leave the root that way is EPERM, before the host sees it.
func cleanPath(p string) (guestPath, sys.Errno) {
	switch {
	case len(p) > maxPath:
		return guestPath{}, sys.ENAMETOOLONG
	case p == "":
		return guestPath{}, sys.ENOENT
	case strings.IndexByte(p, 0) >= 0 || !utf8.ValidString(p):
		return guestPath{}, sys.EINVAL
	}
	g := guestPath{name: path.Clean(p), wantDir: strings.HasSuffix(p, "/")}
	if !fs.ValidPath(g.name) {
		return guestPath{}, sys.EPERM
	}
	return g, checkComponents(g.name)
}

func checkComponents(name string) sys.Errno {
	if depth(name) > maxDepth {
		return sys.ENAMETOOLONG
	}
	for part := range strings.SplitSeq(name, "/") {
		if len(part) > maxName {
			return sys.ENAMETOOLONG
		}
	}
	return 0
}

// depth is the number of components of a cleaned path; that of the root is 0.
func depth(name string) int {
	if name == "." {
		return 0
	}
	return 1 + strings.Count(name, "/")
}
