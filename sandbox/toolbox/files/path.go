package files

import (
	"io/fs"
	"net/http"
	"path"
	"strings"
	"syscall"

	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/toolbox/answer"
)

// maxLinks is how many links one path may lead through, as on Linux.
const maxLinks = 40

// resolve returns the absolute path that a client means by name.
func (h *Handler) resolve(name string) (string, error) { return answer.Path(h.workDir, name) }

// resolveQuery returns the absolute path in a required parameter of the query.
func (h *Handler) resolveQuery(r *http.Request, param string) (string, error) {
	name := r.URL.Query().Get(param)
	if name == "" {
		return "", answer.BadRequest("the query parameter %s is required", param)
	}
	return h.resolve(name)
}

// RealPath returns where name leads when all links on it are followed, the last
// one too. What it leads to need not be there.
func RealPath(fsys guest.FS, name string) (string, error) {
	done, rest := "/", name
	for links := 0; rest != ""; {
		var first string
		first, rest, _ = strings.Cut(rest, "/")
		next := path.Join(done, first)
		target, err := fsys.Readlink(next)
		if first == "" || first == ".." || err != nil { // no link, or not there
			done = next
			continue
		}
		if links++; links > maxLinks {
			return "", &fs.PathError{Op: "open", Path: name, Err: syscall.ELOOP}
		}
		if path.IsAbs(target) {
			done = "/"
		}
		rest = target + "/" + rest
	}
	return done, nil
}
