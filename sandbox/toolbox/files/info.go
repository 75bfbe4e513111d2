package files

import (
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"time"

	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

// list answers with the entries of a folder, and of those below it down to a
// depth. Links are listed as links.
func (h *Handler) list(w http.ResponseWriter, r *http.Request) error {
	dir, err := h.resolve(or(r.URL.Query().Get("path"), h.workDir))
	if err != nil {
		return err
	}
	depth, err := parseDepth(r.URL.Query().Get("depth"))
	if err != nil {
		return err
	}
	if err := h.needFolder(dir); err != nil {
		return err
	}
	infos := []toolboxtype.FileInfo{}
	s := walk{fs: h.fs, depth: depth, left: h.limits.entries}
	err = s.folder(r.Context(), dir, func(name string, e fs.DirEntry) error {
		if info, err := e.Info(); err == nil { // else it has just gone
			infos = append(infos, h.describe(name, info))
		}
		return nil
	})
	if err != nil {
		return answer.FileError(dir, err)
	}
	if s.cut {
		return answer.BadRequest("%s has more than %d entries to that depth; ask for a smaller depth or a folder below it", dir, h.limits.entries)
	}
	return answer.JSON(w, http.StatusOK, infos)
}

func parseDepth(s string) (int, error) {
	if s == "" {
		return 1, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, answer.BadRequest("depth must be a whole number of at least 1, not %q", s)
	}
	return n, nil
}

// needFolder returns an error when dir is not a folder.
func (h *Handler) needFolder(dir string) error {
	info, err := h.fs.Stat(dir)
	if err != nil {
		return answer.FileError(dir, err)
	}
	if !info.IsDir() {
		return answer.BadRequest("%s is a file, not a folder", dir)
	}
	return nil
}

// info answers with what a path leads to; for a link that leads nowhere, with
// the link.
func (h *Handler) info(w http.ResponseWriter, r *http.Request) error {
	name, err := h.resolveQuery(r, "path")
	if err != nil {
		return err
	}
	info, err := h.fs.Stat(name)
	if err != nil {
		if link, lerr := h.fs.Lstat(name); lerr == nil {
			info, err = link, nil
		}
	}
	if err != nil {
		return answer.FileError(name, err)
	}
	return answer.JSON(w, http.StatusOK, h.describe(name, info))
}

// describe returns what the clients see of a file.
func (h *Handler) describe(name string, info fs.FileInfo) toolboxtype.FileInfo {
	owner, group := h.fs.Owner(info)
	return toolboxtype.FileInfo{
		Name:        path.Base(name), // a link is called by its own name
		Path:        name,
		IsDir:       info.IsDir(),
		Size:        info.Size(),
		ModTime:     info.ModTime().Round(0).String(),
		ModifiedAt:  info.ModTime().UTC().Format(time.RFC3339Nano),
		Mode:        info.Mode().String(),
		Permissions: fmt.Sprintf("%04o", octal(info.Mode())),
		Owner:       owner,
		Group:       group,
	}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
