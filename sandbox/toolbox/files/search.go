package files

import (
	"context"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

// search answers with the files and folders below a folder that a glob matches:
// their names or, when it has a slash, their paths from that folder. In such
// paths ** stands for any number of folders.
func (h *Handler) search(w http.ResponseWriter, r *http.Request) error {
	root, err := h.resolveQuery(r, "path")
	if err != nil {
		return err
	}
	match, err := parseGlob(r.URL.Query().Get("pattern"))
	if err != nil {
		return err
	}
	if err := h.needFolder(root); err != nil {
		return err
	}
	found := toolboxtype.SearchFilesResponse{Files: []string{}}
	cut, err := h.bounded(r.Context(), func(ctx context.Context) (bool, error) {
		s := walk{fs: h.fs, left: h.limits.entries}
		err := s.folder(ctx, root, func(name string, _ fs.DirEntry) error {
			if !match(strings.TrimPrefix(strings.TrimPrefix(name, root), "/")) {
				return nil
			}
			if len(found.Files) >= h.limits.matches {
				return errFull
			}
			found.Files = append(found.Files, name)
			return nil
		})
		return s.cut, err
	})
	if err != nil {
		return answer.FileError(root, err)
	}
	markCut(w, cut)
	return answer.JSON(w, http.StatusOK, found)
}

// maxStars bounds how many ** a glob may have: each multiplies the work.
const maxStars = 4

// parseGlob returns what tells whether a glob matches a relative path.
func parseGlob(glob string) (match func(rel string) bool, err error) {
	switch {
	case glob == "":
		return nil, answer.BadRequest("the query parameter pattern is required")
	case len(glob) > answer.MaxPath:
		return nil, answer.BadRequest("the pattern may have %d bytes at most", answer.MaxPath)
	}
	if _, err := path.Match(glob, ""); err != nil {
		return nil, answer.BadRequest("the pattern %.100q is not a valid glob", glob)
	}
	if !strings.Contains(glob, "/") {
		return func(rel string) bool { ok, _ := path.Match(glob, path.Base(rel)); return ok }, nil
	}
	segments := strings.Split(strings.Trim(glob, "/"), "/")
	stars := 0
	for _, s := range segments {
		if _, err := path.Match(s, ""); err != nil {
			return nil, answer.BadRequest("the pattern %.100q is not a valid glob", glob)
		}
		if s == "**" {
			stars++
		}
	}
	if stars > maxStars {
		return nil, answer.BadRequest("the pattern may have ** at most %d times", maxStars)
	}
	return func(rel string) bool { return matchSegments(segments, strings.Split(rel, "/")) }, nil
}

// matchSegments matches a path's names against a glob's.
func matchSegments(globs, names []string) bool {
	for len(globs) > 0 {
		if globs[0] == "**" {
			for i := range len(names) + 1 {
				if matchSegments(globs[1:], names[i:]) {
					return true
				}
			}
			return false
		}
		if len(names) == 0 {
			return false
		}
		if ok, _ := path.Match(globs[0], names[0]); !ok {
			return false
		}
		globs, names = globs[1:], names[1:]
	}
	return len(names) == 0
}
