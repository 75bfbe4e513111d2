package ui

import (
	_ "embed"
	"net/http"

	"sandpiper/components"
	"sandpiper/web/auth"
)

//go:embed favicon.svg
var favicon []byte

// page returns what every page has.
func (h *Handler) page(r *http.Request, title string) components.Page {
	return components.Page{
		Title:    title,
		Place:    r.URL.Path,
		Styles:   h.paths("app.css"),
		Scripts:  h.paths("page.js"),
		Preloads: h.assets.Imports("page.js"),
		Account:  components.Account{SignedIn: auth.From(r.Context()).SignedIn(), Open: h.desk.Guard.Open()},
		Unbuilt:  !h.assets.Built(),
	}
}

// paths returns the URLs of built files, without those that are missing.
func (h *Handler) paths(names ...string) []string {
	var out []string
	for _, name := range names {
		if p := h.assets.Path(name); p != "" {
			out = append(out, p)
		}
	}
	return out
}

func getFavicon(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "public, max-age=86400")
	_, _ = w.Write(favicon) // a client that went away is nobody's error
}

// robots keeps search engines to the pages that are the same for everybody.
const robots = "User-agent: *\nDisallow: /s/\nDisallow: /embed/\nDisallow: /runs\nDisallow: /v1/\nDisallow: /api/\n"

func getRobots(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(robots)) // a client that went away is nobody's error
}
