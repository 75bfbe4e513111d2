// Package playground serves the playground over a sandbox: a page of forms whose
// script writes them as code and does what they say by the API, in the browser.
package playground

import (
	"net/http"
	"net/url"

	"sandpiper/components"
	"sandpiper/web/dashboard/sandboxpage"
	"sandpiper/web/page"
)

// Handler serves the page. It implements web.Routes.
type Handler struct {
	pages *sandboxpage.Pages
	frame *page.Frame
	api   string
}

// New returns a Handler for callers who signed in, as pages knows them. The code
// on its page calls the API at public, the server's address.
func New(pages *sandboxpage.Pages, frame *page.Frame, public *url.URL) *Handler {
	return &Handler{pages: pages, frame: frame, api: public.JoinPath("api").String()}
}

// Register adds the route.
func (h *Handler) Register(mux *http.ServeMux) {
	h.pages.Handle(mux, "GET /playground", h.get)
}

func (h *Handler) get(w http.ResponseWriter, r *http.Request) error {
	p := h.frame.PageWith(r, "Playground of sandboxes", "sandboxplay.js")
	p.Styles = append(p.Styles, h.frame.Paths("sandboxplay.css")...)
	p.Place = "/sandboxes"
	return h.pages.Render(w, r, components.SandboxPlayPage(p, h.api))
}
