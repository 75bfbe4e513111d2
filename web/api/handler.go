package api

import (
	"cmp"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"

	"sandpiper/sandbox"
	"sandpiper/web/auth"
	"sandpiper/web/preview"
	"sandpiper/web/reply"
	"sandpiper/web/run/openapi"
)

// Config says what the API stands on.
type Config struct {
	Manager      Manager
	Keys         Keys
	Guard        *auth.Guard
	Organization sandbox.Organization // the one that all callers belong to
	PublicURL    *url.URL             // where clients reach the server
	Site         *preview.Site        // where previews are
	Links        *preview.Links       // that sign addresses of previews
	Warn         bool                 // a page warns before previews
	SSH          SSH                  // nil where SSH is off
	SSHAddress   string               // host:port of SSH for users; the public URL's host where it has none
	Toolbox      Toolbox              // what toolboxes serve
	Version      string
	Ready        func() error // why the server takes no work, as a *sandbox.Error; nil means always ready
	Log          *slog.Logger // nil means slog.Default()
}

// Handler serves the control API. It implements web.Routes.
type Handler struct {
	manager Manager
	keys    Keys
	guard   *auth.Guard
	org     sandbox.Organization
	public  *url.URL
	site    *preview.Site
	links   *preview.Links
	warn    bool
	ssh     SSH
	version string
	sshHost string // host:port; "" where SSH is off
	ready   func() error
	openAPI func() ([]byte, error)
	toolbox func() ([]byte, error) // its document
	tools   []openapi.Operation    // of toolboxes
	log     *slog.Logger

	feeds reply.Lifelines // of connections for events
}

// New returns a Handler.
func New(cfg Config) *Handler {
	h := &Handler{
		manager: cfg.Manager,
		keys:    cfg.Keys,
		guard:   cfg.Guard,
		org:     cfg.Organization,
		public:  cfg.PublicURL,
		site:    cfg.Site,
		links:   cfg.Links,
		warn:    cfg.Warn,
		ssh:     cfg.SSH,
		version: cfg.Version,
		sshHost: cfg.SSHAddress,
		ready:   cfg.Ready,
		log:     cmp.Or(cfg.Log, slog.Default()),
	}
	if h.ready == nil {
		h.ready = func() error { return nil }
	}
	h.openAPI = sync.OnceValues(h.document)
	h.tools, h.toolbox = cfg.Toolbox.Operations, sync.OnceValues(func() ([]byte, error) { return cfg.Toolbox.document(cfg.Version) })
	return h
}

// Close ends the connections for events: for http.Server.RegisterOnShutdown.
func (h *Handler) Close() { h.feeds.End() }

// route is an operation and who serves it. The mux, the OpenAPI document and
// the table of conformance are made of routes.
type route struct {
	openapi.Operation
	permission string // that an API key needs; "" for none
	handler    reply.Handler
}

// routes lists everything that the API serves.
func (h *Handler) routes() []route {
	var all []route
	for _, some := range [][]route{
		h.configRoutes(), h.keyRoutes(), h.organizationRoutes(), h.regionRoutes(), h.runnerRoutes(),
		h.listRoutes(), h.lifecycleRoutes(), h.settingRoutes(), h.previewRoutes(), h.sshRoutes(),
		h.snapshotRoutes(), h.poolRoutes(), h.workspaceRoutes(), absentRoutes(),
	} {
		all = append(all, some...)
	}
	return all
}

// Register adds the routes to a mux. What no route takes below /api/ answers
// 404 in the API's shape.
func (h *Handler) Register(mux *http.ServeMux) {
	var routes router
	for _, r := range h.routes() {
		routes.handle(r.Method, r.Path, h.guarded(r).With(WriteError))
	}
	mux.Handle("GET /api/openapi.json", reply.Handler(served(h.openAPI)).With(WriteError))
	mux.Handle("GET "+toolboxDocument, reply.Handler(served(h.toolbox)).With(WriteError))
	mux.Handle("GET /api/socket.io/", http.HandlerFunc(h.serveEvents))
	nothing := reply.Handler(nothing).With(WriteError)
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		if handler := routes.match(r); handler != nil {
			handler.ServeHTTP(w, r)
			return
		}
		nothing.ServeHTTP(w, r)
	})
}

// guarded lets callers through that may do what r does.
func (h *Handler) guarded(r route) reply.Handler {
	if r.Public {
		return r.handler
	}
	return h.guard.Permitted(r.permission, func(w http.ResponseWriter, req *http.Request) error {
		if err := h.checkOrganization(req); err != nil {
			return err
		}
		w.Header().Set("Cache-Control", "no-store")
		return r.handler(w, req)
	})
}

// organizationHeader is where clients say for which organization they act.
const organizationHeader = "X-Daytona-Organization-ID"

// checkOrganization refuses requests for organizations of others.
func (h *Handler) checkOrganization(r *http.Request) error {
	if id := r.Header.Get(organizationHeader); id != "" && id != h.org.ID {
		return sandbox.Errorf(sandbox.KindForbidden, "you are no member of the organization %.64q; leave the header %s out, or send %s", id, organizationHeader, h.org.ID)
	}
	return nil
}

func nothing(_ http.ResponseWriter, r *http.Request) error {
	return sandbox.Errorf(sandbox.KindNotFound, "there is no %s %.200s; the operations are listed at /api/openapi.json", r.Method, r.URL.Path)
}

// base returns where this client reaches the server: the public URL or, for a
// server that listens on all addresses and was not told its name, the host that
// the client asked for.
func (h *Handler) base(r *http.Request) string {
	u := *h.public
	u.Path = strings.TrimSuffix(u.Path, "/")
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && ip.IsUnspecified() && validHost(r.Host) {
		u.Host = r.Host
	}
	return u.String()
}

// validHost reports whether a Host header names a host and nothing else.
func validHost(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	return name != "" && !strings.ContainsAny(host, "/\\@?# \"'<>")
}
