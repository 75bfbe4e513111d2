package web

import (
	"cmp"
	"log/slog"
	"net/http"
)

// Previews serve what runs in sandboxes, on hosts of its own.
type Previews interface {
	// Owns reports whether a Host header is one of theirs.
	Owns(host string) bool
	// Listener serves their hosts, and what only their own listener has.
	Listener() http.Handler
}

// NewPreviews returns the handler of the previews' own listener. It has nothing
// of the app.
func NewPreviews(cfg Config) http.Handler {
	return observe(cmp.Or(cfg.Log, slog.Default()), cfg.Gate.hold(cfg.Previews.Listener()))
}

// apart serves the hosts of previews before the app sees anything of them.
func apart(cfg Config, app http.Handler) http.Handler {
	if cfg.Previews == nil {
		return app
	}
	previews := NewPreviews(cfg)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if cfg.Previews.Owns(r.Host) {
			previews.ServeHTTP(w, r)
			return
		}
		app.ServeHTTP(w, r)
	})
}
