package web

import (
	"net/http"
	"strings"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/reply"
)

// gateWait is how long a request waits for a gate.
const gateWait = 20 * time.Second

// Gate holds requests about sandboxes back while the server, which has just
// started, asks its engines what they hold. Quick runs and their pages are served
// meanwhile.
type Gate struct {
	Open   <-chan struct{}   // closed when requests may go on; nil for no gate
	Errors reply.ErrorWriter // writes that it took too long
}

// early are the paths of the API that need no sandboxes.
var early = map[string]bool{"/api/health": true, "/api/signin-links": true}

// late are where the paths of sandboxes begin.
var late = []string{"/api/", "/toolbox/", "/sandboxes", "/snapshots", "/keys", "/settings", "/playground", "/desktop/", "/preview/"}

func aboutSandboxes(path string) bool {
	for _, prefix := range late {
		if strings.HasPrefix(path, prefix) {
			return !early[path]
		}
	}
	return false
}

// before returns next with what is about sandboxes behind the gate.
func (g Gate) before(next http.Handler) http.Handler {
	held := g.hold(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if aboutSandboxes(r.URL.Path) {
			held.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hold returns next behind the gate.
func (g Gate) hold(next http.Handler) http.Handler {
	if g.Open == nil {
		return next
	}
	return reply.Handler(func(w http.ResponseWriter, r *http.Request) error {
		if err := g.await(r); err != nil {
			return err
		}
		next.ServeHTTP(w, r)
		return nil
	}).With(g.Errors)
}

func (g Gate) await(r *http.Request) error {
	select {
	case <-g.Open:
		return nil
	default:
	}
	tooLate := time.NewTimer(gateWait)
	defer tooLate.Stop()
	select {
	case <-g.Open:
		return nil
	case <-r.Context().Done():
		return r.Context().Err()
	case <-tooLate.C:
		return &sandbox.Error{
			Kind: sandbox.KindUnavailable, RetryAfter: time.Second,
			Message: "the server has just started and still asks its engines which sandboxes there are; try again",
		}
	}
}
