package ui

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/web/page"
	"sandpiper/web/reply"
	"sandpiper/web/run"
)

// Config is what the pages need.
type Config struct {
	Desk      run.Desk // takes programs in
	Snippets  sandbox.SnippetStore
	Assets    page.Assets
	PublicURL *url.URL         // where browsers reach the server
	Salt      []byte           // keeps the ids of shared programs from being guessed; the same after a restart
	Now       func() time.Time // nil means time.Now

	// Operations are those of the control API, for the page about it; nil on a
	// server without sandboxes.
	Operations []components.DocsOperation

	// Sessions returns the languages that have sessions, and SessionOperations are
	// those of their API. nil on a server without sessions.
	Sessions          func() []sandbox.Language
	SessionOperations []components.DocsOperation

	Log *slog.Logger // nil means slog.Default()
}

// Handler serves the pages.
type Handler struct {
	desk     run.Desk
	snippets sandbox.SnippetStore
	assets   page.Assets
	frame    *page.Frame
	public   string // origin of the public URL
	salt     []byte
	now      func() time.Time

	operations        []components.DocsOperation
	sessions          func() []sandbox.Language
	sessionOperations []components.DocsOperation

	streams reply.Lifelines
}

// HangUp ends the streams: for http.Server.RegisterOnShutdown.
func (h *Handler) HangUp() { h.streams.End() }

// New returns a Handler.
func New(cfg Config) *Handler {
	now := cfg.Now
	if now == nil {
		now = time.Now
	}
	sessions := cfg.Sessions
	if sessions == nil {
		sessions = func() []sandbox.Language { return nil }
	}
	return &Handler{
		desk:     cfg.Desk,
		snippets: cfg.Snippets,
		assets:   cfg.Assets,
		frame:    page.New(cfg.Assets, cfg.Desk.Guard, cfg.Log),
		public:   cfg.PublicURL.Scheme + "://" + cfg.PublicURL.Host,
		salt:     cfg.Salt,
		now:      now,

		operations:        cfg.Operations,
		sessions:          sessions,
		sessionOperations: cfg.SessionOperations,
	}
}

// Register adds the routes of pages.
func (h *Handler) Register(mux *http.ServeMux) {
	handle := func(pattern string, serve reply.Handler) { h.frame.Handle(mux, pattern, serve) }

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
	handle("GET /runs/events", h.getRunsEvents)
	handle("GET /runs/{id}", h.getRun)
	handle("GET /docs", h.getDocs)
	h.desk.Guard.RegisterPages(mux, h.signInPage, h.frame.WriteError)

	mux.Handle("GET /static/", h.assets)
	mux.HandleFunc("GET /favicon.svg", getFavicon)
	mux.HandleFunc("GET /robots.txt", getRobots)
	handle("/", h.notFound)
}

// notFound leads from an address with slashes at its end to the one without.
func (h *Handler) notFound(w http.ResponseWriter, r *http.Request) error {
	if (r.Method == http.MethodGet || r.Method == http.MethodHead) && strings.HasSuffix(r.URL.Path, "/") {
		// A URL, so that what is left cannot be read as the name of another host.
		to := url.URL{Path: "/" + strings.Trim(r.URL.Path, "/"), RawQuery: r.URL.RawQuery}
		http.Redirect(w, r, to.String(), http.StatusMovedPermanently)
		return nil
	}
	return sandbox.Errorf(sandbox.KindNotFound, "there is nothing at %s", r.URL.Path)
}
