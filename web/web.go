package web

import (
	"cmp"
	"log/slog"
	"net/http"
	"strings"

	"sandpiper/web/auth"
	"sandpiper/web/reply"
)

// Routes adds routes to a mux.
type Routes interface {
	Register(mux *http.ServeMux)
}

// Config says what the server serves.
type Config struct {
	Guard    *auth.Guard
	API      []Routes     // of paths below /v1/, /api/, /toolbox/ and /jupyter/
	Pages    []Routes     // everything else; none for a server without pages
	Gate     Gate         // before what is about sandboxes
	Previews Previews     // on their hosts; nil for none
	Ready    func() error // why the server takes no work, as a *sandbox.Error; nil means always ready
	Version  string       // of the server, in the health check
	Log      *slog.Logger // nil means slog.Default()
}

// New returns the handler of the whole server.
func New(cfg Config) http.Handler {
	log := cmp.Or(cfg.Log, slog.Default())
	api, pages := newAPI(cfg), newPages(cfg)
	root := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isAPI(r.URL.Path) {
			api.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	})
	return apart(cfg, compressed(observe(log, secure(cfg.Guard.Identify(cfg.Gate.before(root))))))
}

// isAPI reports whether a path belongs to programs rather than to browsers.
func isAPI(path string) bool {
	for _, prefix := range []string{"/v1/", "/api/", "/toolbox/", "/jupyter/"} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

func newAPI(cfg Config) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /api/health", health(cfg.Ready, cfg.Version))
	cfg.Guard.RegisterAPI(mux)
	for _, routes := range cfg.API {
		routes.Register(mux)
	}
	return crossOrigin(problems(mux))
}

func newPages(cfg Config) http.Handler {
	mux := http.NewServeMux()
	if len(cfg.Pages) == 0 {
		return problems(mux)
	}
	for _, routes := range cfg.Pages {
		routes.Register(mux)
	}
	return sameOrigin(cfg.Guard, mux)
}

// sameOrigin refuses what pages of other sites would do by way of a visitor's
// browser. Embeds are made for other sites: their documents have an opaque
// origin, and they get nothing for the visitor's cookie.
func sameOrigin(guard *auth.Guard, next http.Handler) http.Handler {
	return reply.Handler(func(w http.ResponseWriter, r *http.Request) error {
		if !strings.HasPrefix(r.URL.Path, "/embed/") {
			if err := guard.SameOrigin(r); err != nil {
				return err
			}
		}
		next.ServeHTTP(w, r)
		return nil
	})
}
