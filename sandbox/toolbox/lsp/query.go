package lsp

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

const (
	maxSearched = 500  // files in which symbols are looked for one by one
	maxSymbols  = 5000 // that one answer has
)

func (h *Handler) completions(w http.ResponseWriter, r *http.Request) error {
	var req toolboxtype.LspCompletionParams
	if err := answer.Decode(w, r, &req); err != nil {
		return err
	}
	if req.Position == nil || req.Position.Line < 0 || req.Position.Character < 0 {
		return answer.BadRequest("position is required, with a line and a character from 0")
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
	list, err := s.complete(ctx, name, req)
	if err != nil {
		return s.public(err)
	}
	return answer.JSON(w, http.StatusOK, list)
}

func (s *server) complete(ctx context.Context, name string, req toolboxtype.LspCompletionParams) (*toolboxtype.CompletionList, error) {
	if err := s.open(ctx, name); err != nil {
		return nil, err
	}
	params := map[string]any{"textDocument": map[string]any{"uri": fileURI(name)}, "position": req.Position}
	if req.Context != nil {
		params["context"] = req.Context
	}
	var raw json.RawMessage
	if err := s.conn.call(ctx, "textDocument/completion", params, &raw); err != nil {
		return nil, err
	}
	return decodeCompletions(raw)
}

// decodeCompletions reads what servers answer: a list, its items alone, or null.
func decodeCompletions(raw json.RawMessage) (*toolboxtype.CompletionList, error) {
	list := &toolboxtype.CompletionList{}
	var err error
	if text := strings.TrimSpace(string(raw)); strings.HasPrefix(text, "[") {
		err = json.Unmarshal(raw, &list.Items)
	} else if text != "" {
		err = json.Unmarshal(raw, list)
	}
	if list.Items == nil {
		list.Items = []toolboxtype.CompletionItem{}
	}
	return list, err
}

func (h *Handler) documentSymbols(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	s, err := h.server(q.Get("languageId"), q.Get("pathToProject"))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.limits.request)
	defer cancel()
	name, err := h.fileOf(s, q.Get("uri"))
	if err != nil {
		return err
	}
	if err := s.open(ctx, name); err != nil {
		return s.public(err)
	}
	symbols, err := s.symbols(ctx, name)
	if err != nil {
		return s.public(err)
	}
	return answer.JSON(w, http.StatusOK, symbols)
}

// symbols asks for the symbols of a file.
func (s *server) symbols(ctx context.Context, name string) ([]toolboxtype.LspSymbol, error) {
	var raw []symbol
	uri := fileURI(name)
	if err := s.conn.call(ctx, "textDocument/documentSymbol", map[string]any{"textDocument": map[string]any{"uri": uri}}, &raw); err != nil {
		return nil, err
	}
	return flatten([]toolboxtype.LspSymbol{}, uri, raw, 0), nil
}

// symbol is what servers answer: with a location, or with a range and symbols
// inside of it.
type symbol struct {
	Name     string                   `json:"name"`
	Kind     int                      `json:"kind"`
	Location *toolboxtype.LspLocation `json:"location"`
	Range    toolboxtype.LspRange     `json:"range"`
	Children []symbol                 `json:"children"`
}

func flatten(all []toolboxtype.LspSymbol, uri string, symbols []symbol, depth int) []toolboxtype.LspSymbol {
	for _, sym := range symbols {
		if len(all) >= maxSymbols || depth > maxDepth {
			break
		}
		location := toolboxtype.LspLocation{URI: uri, Range: sym.Range}
		if sym.Location != nil {
			location = *sym.Location
		}
		all = append(all, toolboxtype.LspSymbol{Name: sym.Name, Kind: sym.Kind, Location: location})
		all = flatten(all, uri, sym.Children, depth+1)
	}
	return all
}

func (h *Handler) workspaceSymbols(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	s, err := h.server(q.Get("languageId"), q.Get("pathToProject"))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.limits.request)
	defer cancel()
	search := s.search
	if !s.finds {
		search = s.searchFiles
	}
	symbols, err := search(ctx, q.Get("query"))
	if err != nil {
		return s.public(err)
	}
	return answer.JSON(w, http.StatusOK, symbols)
}

// search asks the server for symbols of the whole project. Servers know the
// project only when they know a file of it.
func (s *server) search(ctx context.Context, query string) ([]toolboxtype.LspSymbol, error) {
	if !s.anyOpen() {
		files, err := s.files(ctx, 1)
		if err != nil {
			return nil, err
		}
		for _, name := range files {
			if err := s.open(ctx, name); err != nil {
				return nil, err
			}
		}
	}
	var raw []symbol
	if err := s.conn.call(ctx, "workspace/symbol", map[string]any{"query": query}, &raw); err != nil {
		return nil, err
	}
	return flatten([]toolboxtype.LspSymbol{}, "", raw, 0), nil
}

// searchFiles looks for symbols file by file, for servers that cannot search a
// project themselves.
func (s *server) searchFiles(ctx context.Context, query string) ([]toolboxtype.LspSymbol, error) {
	files, err := s.files(ctx, maxSearched)
	if err != nil {
		return nil, err
	}
	found := []toolboxtype.LspSymbol{}
	for _, name := range files {
		symbols, err := s.symbols(ctx, name)
		if err != nil {
			return nil, err
		}
		for _, sym := range symbols {
			if len(found) < maxSymbols && strings.Contains(strings.ToLower(sym.Name), strings.ToLower(query)) {
				found = append(found, sym)
			}
		}
	}
	return found, nil
}
