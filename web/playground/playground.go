// Package playground serves the playground over a sandbox: a page of forms whose
// script writes them as code and does what they say by the API, in the browser,
// with the terminals and the desktop of that sandbox beside them.
package playground

import (
	"context"
	"net/http"
	"net/url"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/web/dashboard/sandboxpage"
	"sandpiper/web/dashboard/view"
	"sandpiper/web/page"
)

// Manager is what the page needs of the manager; *manager.Manager has it.
type Manager interface {
	Snapshots(ctx context.Context, f sandbox.SnapshotFilter) (sandbox.SnapshotPage, error)
	DefaultSnapshot() string
	Runners(ctx context.Context) ([]sandbox.Runner, error)
}

// Config says what the page stands on.
type Config struct {
	Manager      Manager
	Pages        *sandboxpage.Pages
	Frame        *page.Frame
	Organization string   // ID of the one that all callers belong to
	PublicURL    *url.URL // the server's address: the code on the page calls the API there
	Image        string   // that containers can start from, as an example
}

// Handler serves the page. It implements web.Routes.
type Handler struct {
	cfg Config
	api string
}

// New returns a Handler for callers who signed in.
func New(cfg Config) *Handler {
	return &Handler{cfg: cfg, api: cfg.PublicURL.JoinPath("api").String()}
}

// Register adds the route.
func (h *Handler) Register(mux *http.ServeMux) {
	h.cfg.Pages.Handle(mux, "GET /playground", h.get)
}

func (h *Handler) get(w http.ResponseWriter, r *http.Request) error {
	v := components.SandboxPlay{API: h.api}
	var err error
	if v.Snapshots, err = h.snapshots(r.Context()); err != nil {
		return err
	}
	if v.Image, err = h.image(r.Context()); err != nil {
		return err
	}
	p := h.cfg.Frame.PageWith(r, "Playground of sandboxes", "sandboxplay.js")
	p.Styles = append(p.Styles, h.cfg.Frame.Paths("terminal.css", "desktop.css", "sandboxplay.css")...)
	p.Place = "/sandboxes"
	return h.cfg.Pages.Render(w, r, components.SandboxPlayPage(p, v))
}

// snapshots lists those that a sandbox can start from now.
func (h *Handler) snapshots(ctx context.Context) ([]components.Option, error) {
	all, err := h.cfg.Manager.Snapshots(ctx, sandbox.SnapshotFilter{
		Organization: h.cfg.Organization, Sort: sandbox.SnapshotsByName, Ascending: true, Limit: sandbox.MaxPageSize,
	})
	if err != nil {
		return nil, err
	}
	var out []components.Option
	for _, s := range all.Items {
		if s.State == sandbox.SnapshotActive {
			out = append(out, components.Option{Value: s.Name, Label: view.Snapshot(s), Selected: s.Name == h.cfg.Manager.DefaultSnapshot()})
		}
	}
	return out, nil
}

// image returns the image that is offered, "" where no container can run.
func (h *Handler) image(ctx context.Context) (string, error) {
	runners, err := h.cfg.Manager.Runners(ctx)
	if err != nil {
		return "", err
	}
	for _, r := range runners {
		if r.Engine == sandbox.EngineContainer && r.State == "ready" {
			return h.cfg.Image, nil
		}
	}
	return "", nil
}
