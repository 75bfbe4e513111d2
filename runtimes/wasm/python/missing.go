package python

import (
	"fmt"
	"path"
	"strings"

	"sandpiper/internal/lazyregexp"
	"sandpiper/sandbox"
)

// notFound matches the last line of an uncaught ModuleNotFoundError.
var notFound = lazyregexp.New(`(?m)^ModuleNotFoundError: No module named '([^'.]+)[^']*'\n?\z`)

// absentModules are those of the standard library that need what WebAssembly
// has not.
var absentModules = map[string]bool{
	"ctypes": true, "_ctypes": true, "curses": true, "_curses": true, "dbm": true, "_dbm": true,
	"ensurepip": true, "grp": true, "idlelib": true, "lzma": true, "_lzma": true, "mmap": true,
	"multiprocessing": true, "_multiprocessing": true, "pty": true, "pwd": true, "readline": true,
	"resource": true, "ssl": true, "_ssl": true, "syslog": true, "termios": true, "tkinter": true,
	"_tkinter": true, "tty": true, "turtle": true, "venv": true,
}

// missingModule returns one sentence for a program that ended because it could
// not import a module, unless that module was meant to be one of its own files.
func missingModule(stderr []byte, files []sandbox.File) string {
	m := notFound().FindSubmatch(stderr)
	if m == nil {
		return ""
	}
	name := string(m[1])
	switch {
	case isOwn(name, files):
		return ""
	case absentModules[name]:
		return fmt.Sprintf("%s cannot work in WebAssembly; it needs a container sandbox", strings.TrimLeft(name, "_"))
	}
	return fmt.Sprintf("%s is not in the standard library; packages need a container sandbox", name)
}

// isOwn reports whether the program has a file or a folder that an import of
// name could mean.
func isOwn(name string, files []sandbox.File) bool {
	for _, f := range files {
		first, _, _ := strings.Cut(f.Name, "/")
		if strings.TrimSuffix(first, path.Ext(first)) == name {
			return true
		}
	}
	return false
}
