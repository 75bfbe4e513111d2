package files

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

// replace puts one text in the place of another in several files, and answers
// with what became of each. The text is taken as it is, not as a regular
// expression; a file without it is left alone, successfully.
func (h *Handler) replace(w http.ResponseWriter, r *http.Request) error {
	var req toolboxtype.ReplaceRequest
	if err := answer.Decode(w, r, &req); err != nil {
		return err
	}
	switch {
	case len(req.Files) == 0:
		return answer.BadRequest("files must name at least one file")
	case len(req.Files) > h.limits.files:
		return answer.BadRequest("files may name %d files at most", h.limits.files)
	case req.Pattern == "":
		return answer.BadRequest("pattern must not be empty")
	case req.NewValue == nil:
		return answer.BadRequest("newValue is required")
	}
	results := make([]toolboxtype.ReplaceResult, 0, len(req.Files))
	for _, name := range req.Files {
		if err := r.Context().Err(); err != nil {
			return err
		}
		result := toolboxtype.ReplaceResult{File: name, Success: true}
		if err := h.replaceIn(name, req.Pattern, *req.NewValue); err != nil {
			result.Success, result.Error = false, answer.Public(err).Message
		}
		results = append(results, result)
	}
	return answer.JSON(w, http.StatusOK, results)
}

func (h *Handler) replaceIn(name, old, new string) error {
	name, err := h.resolve(name)
	if err != nil {
		return err
	}
	content, err := h.readWhole(name)
	if err != nil {
		return err
	}
	n := bytes.Count(content, []byte(old))
	if n == 0 {
		return nil
	}
	if size := int64(len(content)) + int64(n)*int64(len(new)-len(old)); size > h.limits.replaceBytes {
		return answer.BadRequest("%s would become larger than %d bytes", name, h.limits.replaceBytes)
	}
	s, err := h.stage(name)
	if err != nil {
		return answer.FileError(name, err)
	}
	defer s.discard()
	if _, err := strings.NewReplacer(old, new).WriteString(s.file, string(content)); err != nil {
		return answer.FileError(name, err)
	}
	return answer.FileError(name, s.commit())
}

// readWhole reads a file that is small enough to replace text in.
func (h *Handler) readWhole(name string) ([]byte, error) {
	file, info, err := h.openRegular(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info.Size() <= h.limits.replaceBytes {
		content, err := io.ReadAll(io.LimitReader(file, h.limits.replaceBytes+1))
		if err != nil || int64(len(content)) <= h.limits.replaceBytes {
			return content, answer.FileError(name, err)
		}
	}
	return nil, answer.BadRequest("%s is larger than %d bytes", name, h.limits.replaceBytes)
}
