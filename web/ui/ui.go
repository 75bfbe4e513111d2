package ui

import (
	"cmp"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/a-h/templ"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/web/reply"
	"sandpiper/web/run"
)

// Assets are the built files of the front end; *static.Assets has them.
type Assets interface {
	http.Handler                     // serves them below /static/
	Built() bool                     // whether there are any
	Path(name string) string         // the URL path of "app.css", "" when it is missing
	Imports(name string) []string    // the URL paths of the modules that "page.js" imports
	Stable(name string) http.Handler // serves one under any path
}

// Config is what the pages need.
type Config struct {
	Desk      run.Desk // takes programs in
	Snippets  sandbox.SnippetStore
	Assets    Assets
	PublicURL *url.URL         // where browsers reach the server
	Salt      []byte           // keeps the ids of shared programs from being guessed; the same after a restart
	Now       func() time.Time // nil means time.Now

	// Operations are those of the control API, for the page about it; nil on a
	// server without sandboxes.
	Operations []components.DocsOperation

	Log *slog.Logger // nil means slog.Default()
}

// Handler serves the pages.
type Handler struct {
	desk     run.Desk
	snippets sandbox.SnippetStore
	assets   Assets
	public   string // origin of the public URL
	salt     []byte
	now      func() time.Time
	log      *slog.Logger

	operations []components.DocsOperation
}

// New returns a Handler.
func New(cfg Config) *Handler {
	now := cfg.Now
	if now == nil {
		now = time.Now
	}
	return &Handler{
		desk:     cfg.Desk,
		snippets: cfg.Snippets,
		assets:   cfg.Assets,
		public:   cfg.PublicURL.Scheme + "://" + cfg.PublicURL.Host,
		salt:     cfg.Salt,
		now:      now,
		log:      cmp.Or(cfg.Log, slog.Default()),

		operations: cfg.Operations,
	}
}

// Register adds the routes of pages.
func (h *Handler) Register(mux *http.ServeMux) {
	handle := func(pattern string, f reply.Handler) { mux.Handle(pattern, f.With(h.writeError)) }

	handle("GET /{$}", h.getPlayground)
	handle("POST /{$}", h.postPlayground)
	handle("GET /examples", h.getExamples)
	handle("GET /languages/{id}/status", h.getLanguageStatus)

	handle("POST /share", h.postShare)
	handle("GET /s/{id}", h.getShared)
	handle("GET /s/{id}/raw", h.getRaw)
	handle("DELETE /s/{id}", h.deleteShared)

	handle("GET /embed/{id}", h.getEmbed)
	handle("POST /embed/{id}/run", h.postEmbedRun)
	handle("GET /frame", h.getFrame)
	handle("GET /oembed", h.getOEmbed)
	mux.Handle("GET /embed.js", h.assets.Stable("standalone/embed.js"))

	handle("GET /runs", h.getRuns)
	handle("GET /runs/{id}", h.getRun)
	handle("GET /docs", h.getDocs)
	handle("GET /sandboxes/{id}/terminal", noTerminal)
	h.desk.Guard.RegisterPages(mux, h.signInPage, h.writeError)

	mux.Handle("GET /static/", h.assets)
	mux.HandleFunc("GET /favicon.svg", getFavicon)
	mux.HandleFunc("GET /robots.txt", getRobots)
	handle("/", h.notFound)
}

// noTerminal answers where clients are sent for a sandbox's terminal.
func noTerminal(http.ResponseWriter, *http.Request) error {
	return sandbox.Errorf(sandbox.KindUnsupported, "this version shows no terminal of a sandbox in the browser; run commands in it with an SDK or with daytona exec")
}

func (h *Handler) notFound(_ http.ResponseWriter, r *http.Request) error {
	return sandbox.Errorf(sandbox.KindNotFound, "there is nothing at %s", r.URL.Path)
}

// render answers with a component as a page of the app.
func (h *Handler) render(w http.ResponseWriter, r *http.Request, status int, c templ.Component) error {
	nonce := newNonce()
	header := w.Header()
	appHeaders(header, nonce)
	header.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	return c.Render(templ.WithNonce(r.Context(), nonce), w)
}

// fragment answers with a component that goes into a page which is open.
func fragment(w http.ResponseWriter, r *http.Request, status int, c templ.Component) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	return c.Render(r.Context(), w)
}

// isFragment reports whether a page's script asked, and wants a piece of HTML.
func isFragment(r *http.Request) bool { return r.Header.Get("HX-Request") == "true" }
