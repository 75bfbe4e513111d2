// Package lsp serves the toolbox's operations on code: it runs real language
// servers in the guest and speaks the Language Server Protocol with them.
package lsp

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

const (
	stopTime   = 2 * time.Second // that a server has to end by itself
	maxServers = 8               // that run at once
)

// limits are what tests make shorter.
type limits struct {
	start   time.Duration // until a server is ready
	request time.Duration
	idle    time.Duration // after which a server that nobody uses ends
}

// Handler serves the operations. It is safe for concurrent use.
type Handler struct {
	g      guest.Guest
	limits limits
	life   context.Context
	end    context.CancelFunc

	mu      sync.Mutex
	closed  bool
	servers map[key]*entry
}

// key is what there is one server of: a language and a project.
type key struct{ lang, project string }

// entry is a server, or one that is being started.
type entry struct {
	ready  chan struct{} // closed when the start has succeeded or failed
	server *server       // nil when it failed
	err    error
}

// New returns the handler of a guest's language servers. The caller must Close
// it.
func New(g guest.Guest) *Handler {
	life, end := context.WithCancel(context.Background())
	return &Handler{
		g: g, life: life, end: end, servers: map[key]*entry{},
		limits: limits{start: time.Minute, request: time.Minute, idle: 20 * time.Minute},
	}
}

// Close ends all language servers and waits for that.
func (h *Handler) Close() {
	h.mu.Lock()
	h.closed = true
	all := h.servers
	h.servers = map[key]*entry{}
	h.mu.Unlock()
	h.end()
	for _, e := range all {
		<-e.ready
		if e.server != nil {
			e.server.idle.Stop()
			<-e.server.ended
		}
	}
}

// Register adds the routes of all operations to mux.
func (h *Handler) Register(mux *http.ServeMux) {
	answer.Register(mux, h.routes())
}

// Routes describes all operations.
func Routes() []answer.Route { return new(Handler).routes() }

func (h *Handler) routes() []answer.Route {
	return []answer.Route{
		answer.Op("POST /lsp/start", h.start, "Start", "Start the language server of a project").Takes(toolboxtype.LspServerRequest{}),
		answer.Op("POST /lsp/stop", h.stop, "Stop", "Stop a language server").Takes(toolboxtype.LspServerRequest{}),
		answer.Op("POST /lsp/did-open", h.didOpen, "DidOpen", "Tell a language server that a document was opened").Takes(toolboxtype.LspDocumentRequest{}),
		answer.Op("POST /lsp/did-close", h.didClose, "DidClose", "Tell a language server that a document was closed").Takes(toolboxtype.LspDocumentRequest{}),
		answer.Op("POST /lsp/completions", h.completions, "Completions", "List what could be written at a place").Takes(toolboxtype.LspCompletionParams{}).Gives(http.StatusOK, toolboxtype.CompletionList{}),
		answer.Op("GET /lsp/document-symbols", h.documentSymbols, "DocumentSymbols", "List the symbols of a document").Needs("languageId", "pathToProject", "uri").Gives(http.StatusOK, []toolboxtype.LspSymbol{}),
		answer.Op("GET /lsp/workspacesymbols", h.workspaceSymbols, "WorkspaceSymbols", "Find symbols of a project").Needs("query", "languageId", "pathToProject").Gives(http.StatusOK, []toolboxtype.LspSymbol{}),
		answer.Op("GET /lsp/workspace-symbols", h.workspaceSymbols, "WorkspaceSymbolsOld", "Find symbols of a project, as older clients do").Needs("query", "languageId", "pathToProject").Gives(http.StatusOK, []toolboxtype.LspSymbol{}),
	}
}

// start starts the server of a project. One that runs already is left alone.
func (h *Handler) start(w http.ResponseWriter, r *http.Request) error {
	var req toolboxtype.LspServerRequest
	if err := answer.Decode(w, r, &req); err != nil {
		return err
	}
	lang, k, err := h.key(req.LanguageID, req.PathToProject)
	if err != nil {
		return err
	}
	info, err := h.g.FS().Stat(k.project)
	if err != nil {
		return answer.FileError(k.project, err)
	}
	if !info.IsDir() {
		return answer.BadRequest("pathToProject must be a folder, and %s is a file", k.project)
	}
	if err := h.ensure(r.Context(), lang, k); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// key returns the language and the project of a request.
func (h *Handler) key(languageID, project string) (*language, key, error) {
	lang, err := findLanguage(languageID)
	if err != nil {
		return nil, key{}, err
	}
	if project == "" {
		return nil, key{}, answer.BadRequest("pathToProject is required")
	}
	dir, err := answer.Path(h.g.Info().WorkDir, project)
	return lang, key{lang.id, dir}, err
}

// ensure starts a server, or waits for one that is being started.
func (h *Handler) ensure(ctx context.Context, lang *language, k key) error {
	e, first, err := h.claim(k)
	if err != nil {
		return err
	}
	if first { // for everyone who asks meanwhile, so not with this request's life
		go h.launch(e, lang, k)
	}
	select {
	case <-e.ready:
		return e.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *Handler) launch(e *entry, lang *language, k key) {
	s, err := launch(h.life, h.g, lang, k.project, h.limits.start)
	if err == nil {
		s.idle = time.AfterFunc(h.limits.idle, func() { h.drop(k, e); s.stop() })
	} else {
		h.drop(k, e)
	}
	e.server, e.err = s, err
	close(e.ready)
}

// claim returns the entry of a server, and whether the caller is the one to
// start it. Those that have crashed make way.
func (h *Handler) claim(k key) (e *entry, first bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, false, answer.Errorf(http.StatusGone, "GONE", "the sandbox is stopping")
	}
	for other, e := range h.servers {
		if e.crashed() {
			e.server.idle.Stop()
			delete(h.servers, other)
		}
	}
	if e := h.servers[k]; e != nil {
		return e, false, nil
	}
	if len(h.servers) >= maxServers {
		return nil, false, answer.Errorf(http.StatusConflict, "CONFLICT", "%d language servers are running; stop one first", maxServers)
	}
	e = &entry{ready: make(chan struct{})}
	h.servers[k] = e
	return e, true, nil
}

// crashed tells whether a server was started and has ended by itself.
func (e *entry) crashed() bool {
	select {
	case <-e.ready:
		return e.server != nil && !e.server.running()
	default:
		return false
	}
}

// drop forgets an entry, unless another one has taken its place.
func (h *Handler) drop(k key, e *entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.servers[k] == e {
		delete(h.servers, k)
	}
}

// stop ends the server of a project. Where none runs, nothing happens.
func (h *Handler) stop(w http.ResponseWriter, r *http.Request) error {
	var req toolboxtype.LspServerRequest
	if err := answer.Decode(w, r, &req); err != nil {
		return err
	}
	_, k, err := h.key(req.LanguageID, req.PathToProject)
	if err != nil {
		return err
	}
	h.mu.Lock()
	e := h.servers[k]
	h.mu.Unlock()
	if e != nil {
		<-e.ready
		h.drop(k, e)
		if e.server != nil {
			e.server.idle.Stop()
			e.server.stop()
		}
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// server returns the running server of a project.
func (h *Handler) server(languageID, project string) (*server, error) {
	lang, k, err := h.key(languageID, project)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	e := h.servers[k]
	h.mu.Unlock()
	if e != nil {
		<-e.ready
	}
	if e == nil || e.server == nil {
		return nil, answer.Errorf(http.StatusBadRequest, "LSP_SERVER_NOT_INITIALIZED", "no language server for %s runs in %s; start it first", lang.id, k.project)
	}
	e.server.idle.Reset(h.limits.idle)
	return e.server, nil
}

// public turns an error of a conversation into one to show.
func (s *server) public(err error) error {
	var ended *endedError
	var rpc *rpcError
	switch {
	case errors.As(err, &ended):
		return &answer.Error{Status: http.StatusBadRequest, Code: "LSP_SERVER_NOT_INITIALIZED", Message: ended.Error() + "; start it again", Err: err}
	case errors.As(err, &rpc):
		return &answer.Error{Status: http.StatusBadRequest, Code: "BAD_REQUEST", Message: s.lang.command[0] + " says: " + strings.ToValidUTF8(rpc.Message, ""), Err: err}
	case errors.Is(err, context.DeadlineExceeded):
		return &answer.Error{Status: http.StatusRequestTimeout, Code: "REQUEST_TIMEOUT", Message: s.lang.command[0] + " did not answer in time", Err: err}
	}
	return err
}
