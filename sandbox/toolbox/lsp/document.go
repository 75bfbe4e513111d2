package lsp

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"

	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

const (
	maxDocument = 8 << 20 // bytes of a file that is opened
	maxOpen     = 500     // documents that one server has open
)

func (h *Handler) didOpen(w http.ResponseWriter, r *http.Request) error {
	var req toolboxtype.LspDocumentRequest
	if err := answer.Decode(w, r, &req); err != nil {
		return err
	}
	s, err := h.server(req.LanguageID, req.PathToProject)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.limits.request)
	defer cancel()
	name, err := h.fileOf(s, req.URI)
	if err != nil {
		return err
	}
	if err := s.open(ctx, name); err != nil {
		return s.public(err)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func (h *Handler) didClose(w http.ResponseWriter, r *http.Request) error {
	var req toolboxtype.LspDocumentRequest
	if err := answer.Decode(w, r, &req); err != nil {
		return err
	}
	s, err := h.server(req.LanguageID, req.PathToProject)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.limits.request)
	defer cancel()
	name, err := h.fileOf(s, req.URI)
	if err != nil {
		return err
	}
	if err := s.close(ctx, name); err != nil {
		return s.public(err)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// fileOf returns the file that a client means by an address. Clients put
// "file://" before the path as it is: absolute or relative to the working folder
// or the project, and with or without percent signs for special characters.
func (h *Handler) fileOf(s *server, uri string) (string, error) {
	if uri == "" {
		return "", answer.BadRequest("uri is required")
	}
	raw := strings.TrimPrefix(uri, "file://")
	if strings.Contains(raw, "://") {
		return "", answer.BadRequest("uri must begin with file://, not be %.100q", uri)
	}
	names := []string{raw}
	if plain, err := url.PathUnescape(raw); err == nil && plain != raw {
		names = append(names, plain)
	}
	var first string
	for _, name := range names {
		for _, base := range []string{h.g.Info().WorkDir, s.project} {
			full, err := answer.Path(base, name)
			if err != nil {
				return "", err
			}
			if _, err := s.fs.Stat(full); err == nil {
				return full, nil
			}
			if first == "" {
				first = full
			}
		}
	}
	return first, nil // is not there; whoever needs it will say so
}

// read returns a file's text.
func (s *server) read(name string) (string, error) {
	info, err := s.fs.Stat(name)
	switch {
	case err != nil:
		return "", answer.FileError(name, err)
	case !info.Mode().IsRegular():
		return "", answer.BadRequest("%s is not a file", name)
	case info.Size() > maxDocument:
		return "", answer.BadRequest("%s is larger than %d bytes", name, maxDocument)
	}
	f, err := s.fs.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return "", answer.FileError(name, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxDocument))
	return string(text), answer.FileError(name, err)
}

// open tells the server what is in a file: all of it at first, and later when it
// has changed.
func (s *server) open(ctx context.Context, name string) error {
	text, err := s.read(name)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	uri := fileURI(name)
	doc := s.docs[name]
	switch {
	case doc == nil && len(s.docs) >= maxOpen:
		return answer.Errorf(http.StatusConflict, "CONFLICT", "%d documents are open; close one first", maxOpen)
	case doc == nil:
		err = s.conn.notify(ctx, "textDocument/didOpen", map[string]any{
			"textDocument": map[string]any{"uri": uri, "languageId": s.lang.documentID(name), "version": 1, "text": text},
		})
		doc = &document{}
	case doc.text == text:
		return nil
	default:
		err = s.conn.notify(ctx, "textDocument/didChange", map[string]any{
			"textDocument":   map[string]any{"uri": uri, "version": doc.version + 1},
			"contentChanges": []any{map[string]any{"text": text}},
		})
	}
	if err != nil {
		return err
	}
	s.docs[name] = &document{doc.version + 1, text}
	return nil
}

// close tells the server that a document is of no interest any more.
func (s *server) close(ctx context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.docs[name] == nil {
		return nil
	}
	delete(s.docs, name)
	return s.conn.notify(ctx, "textDocument/didClose", map[string]any{"textDocument": map[string]any{"uri": fileURI(name)}})
}

// anyOpen tells whether the server knows any document.
func (s *server) anyOpen() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.docs) > 0
}

// errEnough ends a walk.
var errEnough = errors.New("enough files")

// files returns at most limit files of the language in the project.
func (s *server) files(ctx context.Context, limit int) ([]string, error) {
	var found []string
	err := walk(ctx, s.fs, s.project, 0, func(name string) error {
		if s.lang.owns(name) {
			found = append(found, name)
		}
		if len(found) >= limit {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return found, err
}

// maxDepth is how deep files are looked for.
const maxDepth = 20

func walk(ctx context.Context, fsys guest.FS, dir string, depth int, visit func(name string) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := fsys.ReadDir(dir)
	if err != nil || depth > maxDepth {
		return nil // what cannot be read is passed over
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch {
		case e.Type().IsRegular():
			err = visit(name)
		case e.Type()&fs.ModeDir != 0 && !isForeign(e.Name()):
			err = walk(ctx, fsys, name, depth+1, visit)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
