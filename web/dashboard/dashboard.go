// Package dashboard serves the places where sandboxes are looked after: the list
// of sandboxes, the form for a new one, its metrics, activity and settings,
// snapshots with their warm pools, API keys, and what the server has room for.
//
// All of it is HTML from the server. Forms work without scripts; with them they
// open in a dialog, and what changes appears by itself: see package live. What a
// caller may do is decided as in the control API, by the permissions of the key
// that he signed in with.
package dashboard

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
	"sandpiper/web/apikey"
	"sandpiper/web/dashboard/farewell"
	"sandpiper/web/dashboard/metrics"
	"sandpiper/web/dashboard/sandboxpage"
	"sandpiper/web/page"
	"sandpiper/web/reply"
	"sandpiper/web/words"
)

// SSH gives out access to a sandbox by SSH, and takes it back.
type SSH interface {
	// Grant returns the token of a new access and the command that uses it.
	Grant(ctx context.Context, org, id string, ttl time.Duration) (token, command string, expires time.Time, err error)

	// Accesses returns those of a sandbox that have not ended, the oldest first.
	Accesses(ctx context.Context, org, id string) ([]sandbox.SSHAccess, error)

	// RevokeByID ends one of them, with its connections.
	RevokeByID(ctx context.Context, org, id, access string) error
}

// Config is what the places stand on.
type Config struct {
	Manager      *manager.Manager
	Keys         apikey.Store
	Frame        *page.Frame
	Pages        *sandboxpage.Pages // of single sandboxes; the tabs of this package are added to it. Its routes are its own
	Organization sandbox.Organization
	SSH          SSH           // nil for a server without it
	UndoWait     time.Duration // 0 for farewell.Wait
	PublicURL    *url.URL
	Version      string
	Now          func() time.Time // nil means time.Now
	Log          *slog.Logger     // nil means slog.Default()
}

// Handler serves the places. It implements web.Routes; Close ends it.
type Handler struct {
	manager *manager.Manager
	keys    apikey.Store
	frame   *page.Frame
	pages   *sandboxpage.Pages
	org     sandbox.Organization
	ssh     SSH
	public  string // origin of the public URL
	version string
	now     func() time.Time
	log     *slog.Logger

	farewell *farewell.Desk
	sampler  *metrics.Sampler

	stop     context.CancelFunc // ends what goes on in the background
	watching sync.WaitGroup
}

// New returns a Handler.
func New(cfg Config) *Handler {
	h := &Handler{
		manager: cfg.Manager, keys: cfg.Keys, frame: cfg.Frame, pages: cfg.Pages, org: cfg.Organization, ssh: cfg.SSH,
		public: cfg.PublicURL.Scheme + "://" + cfg.PublicURL.Host, version: cfg.Version, now: cfg.Now, log: cmp.Or(cfg.Log, slog.Default()),
		sampler: metrics.NewSampler(cfg.Manager),
	}
	if h.now == nil {
		h.now = time.Now
	}
	h.farewell = farewell.New(cmp.Or(cfg.UndoWait, farewell.Wait), cfg.Pages.Wake)
	for _, tab := range []string{"metrics", "activity", "settings"} {
		h.pages.Serves(tab)
	}
	if h.ssh == nil {
		h.pages.Lacks("ssh")
	}
	h.pages.OnUndo(h.undo)
	h.pages.OnProblem(h.undeleted)
	background, stop := context.WithCancel(context.Background())
	h.stop = stop
	h.watching.Go(func() { h.sampler.Watch(background, h.started) })
	return h
}

// Close drops deletions that can be taken back still, and ends what is measured.
func (h *Handler) Close() {
	h.stop()
	h.farewell.Close()
	h.watching.Wait()
}

// started returns the sandboxes that can say what they use.
func (h *Handler) started(ctx context.Context) (all []sandbox.Sandbox) {
	f := sandbox.SandboxFilter{Organization: h.org.ID, States: []sandbox.State{sandbox.StateStarted}, Limit: sandbox.MaxPageSize}
	for {
		page, err := h.manager.List(ctx, f)
		if err != nil {
			if ctx.Err() == nil {
				h.log.WarnContext(ctx, "list the sandboxes whose use is measured", "error", err)
			}
			return all
		}
		all = append(all, page.Items...)
		if f.Cursor = page.NextCursor; f.Cursor == "" {
			return all
		}
	}
}

// Register adds the routes of all places.
func (h *Handler) Register(mux *http.ServeMux) {
	h.registerSandboxes(mux)
	h.registerVerbs(mux)
	h.registerTabs(mux)
	h.registerSnapshots(mux)
	h.registerKeys(mux)
	h.pages.Handle(mux, "GET /settings", h.getServer)
	h.pages.Handle(mux, "GET /settings/events", h.getServerEvents)
}

// undo tells of the deletion of a sandbox that has not begun.
func (h *Handler) undo(id string) (components.Undo, bool) {
	at, ok := h.farewell.At(id)
	if !ok {
		return components.Undo{}, false
	}
	return components.Undo{
		URL: "/sandboxes/" + id + "/undo", Text: "Will be deleted with all its files",
		At: at.UTC().Format(time.RFC3339), In: "a few seconds",
	}, true
}

// undeleted says why a sandbox that was to be deleted is still there; "" where
// nobody wanted that.
func (h *Handler) undeleted(id string) string {
	err := h.farewell.Failed(id)
	if err == nil {
		return ""
	}
	return "It could not be deleted: " + reply.Public(err).Message + ". Try it again."
}

// place returns what a page of one of the top bar's places has.
func (h *Handler) place(r *http.Request, title, place string) components.Page {
	p := h.frame.PageWith(r, title, "dashboard.js")
	p.Place = place
	return p
}

func (h *Handler) age(t time.Time) components.Age {
	if t.IsZero() {
		return components.Age{Ago: "never"}
	}
	return components.Age{Ago: words.Ago(t, h.now()), At: t.UTC().Format(time.RFC3339), Exact: words.Exact(t)}
}
