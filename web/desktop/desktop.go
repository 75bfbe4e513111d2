package desktop

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/auth"
	"sandpiper/web/dashboard/sandboxpage"
	"sandpiper/web/page"
	"sandpiper/web/reply"
)

// Manager is what desktops need of the manager; *manager.Manager has it.
type Manager interface {
	ByID(ctx context.Context, id string) (sandbox.Sandbox, error)
	Dial(ctx context.Context, id string, port int) (net.Conn, error)
	Touch(ctx context.Context, org, idOrName string, source sandbox.ActivitySource) error
	SigningKey(s sandbox.Sandbox) string
}

// Config says what the pages stand on.
type Config struct {
	Manager   Manager
	Links     sandbox.DesktopLinkStore
	Pages     *sandboxpage.Pages
	Frame     *page.Frame
	Assets    page.Assets
	Guard     *auth.Guard
	PublicURL *url.URL         // where browsers reach the server
	Now       func() time.Time // nil means time.Now
	Log       *slog.Logger     // nil means slog.Default()
}

// Handler serves the pages of desktops. It implements web.Routes, and
// proxy.PortHandler for sandbox.RecordingsPort.
type Handler struct {
	manager Manager
	links   sandbox.DesktopLinkStore
	pages   *sandboxpage.Pages
	frame   *page.Frame
	assets  page.Assets
	guard   *auth.Guard
	public  string // origin of the public URL
	now     func() time.Time
	log     *slog.Logger
	rooms   rooms
	calls   reply.Lifelines
}

// New returns a Handler.
func New(cfg Config) *Handler {
	h := &Handler{
		manager: cfg.Manager, links: cfg.Links, pages: cfg.Pages, frame: cfg.Frame, assets: cfg.Assets, guard: cfg.Guard,
		public: cfg.PublicURL.Scheme + "://" + cfg.PublicURL.Host, now: cfg.Now, log: cmp.Or(cfg.Log, slog.Default()),
	}
	if h.now == nil {
		h.now = time.Now
	}
	h.pages.Serves("desktop")
	return h
}

// Close ends the connections to screens: for http.Server.RegisterOnShutdown.
func (h *Handler) Close() { h.calls.End() }

// Register adds the routes.
func (h *Handler) Register(mux *http.ServeMux) {
	h.pages.Handle(mux, "GET /sandboxes/{id}/desktop", h.getDesktop)
	h.pages.Handle(mux, "GET /sandboxes/{id}/desktop/events", h.getEvents)
	h.pages.Handle(mux, "GET /sandboxes/{id}/desktop/socket", h.getSocket)
	h.pages.Handle(mux, "POST /sandboxes/{id}/desktop/links", h.postLink)
	h.pages.Handle(mux, "POST /sandboxes/{id}/desktop/links/{link}/delete", h.deleteLink)

	h.frame.Handle(mux, "GET /desktop/{token}", h.getShared)
	h.frame.Handle(mux, "GET /desktop/{token}/socket", h.getSharedSocket)
}

// writable finds the sandbox of a request for a caller who may use it.
func (h *Handler) writable(r *http.Request) (sandbox.Sandbox, error) {
	if err := auth.CheckPermission(r.Context(), auth.WriteSandboxes); err != nil {
		return sandbox.Sandbox{}, err
	}
	return h.pages.Sandbox(r)
}
