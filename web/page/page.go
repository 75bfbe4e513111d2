// Package page is the frame of the app's pages: what each has around its
// content, its security headers, and how errors look.
package page

import (
	"cmp"
	"log/slog"
	"net/http"

	"github.com/a-h/templ"

	"sandpiper/components"
	"sandpiper/web/auth"
	"sandpiper/web/reply"
)

// Assets are the built files of the front end; *static.Assets has them.
type Assets interface {
	http.Handler                     // serves them below /static/
	Built() bool                     // whether there are any
	Path(name string) string         // the URL path of "app.css", "" when it is missing
	Imports(name string) []string    // the URL paths of the modules that "page.js" imports
	Stable(name string) http.Handler // serves one under any path
}

// Frame makes pages. It is safe for concurrent use.
type Frame struct {
	assets Assets
	guard  *auth.Guard
	log    *slog.Logger
}

// New returns a Frame for pages whose callers guard knows. A nil log means
// slog.Default().
func New(assets Assets, guard *auth.Guard, log *slog.Logger) *Frame {
	return &Frame{assets: assets, guard: guard, log: cmp.Or(log, slog.Default())}
}

// Handle adds a route whose errors look as the request wants them.
func (f *Frame) Handle(mux *http.ServeMux, pattern string, h reply.Handler) {
	mux.Handle(pattern, h.With(f.WriteError))
}

// Page returns what every page has, for a page that runs page.js only.
func (f *Frame) Page(r *http.Request, title string) components.Page {
	return components.Page{
		Title:    title,
		Place:    r.URL.Path,
		Styles:   f.Paths("app.css"),
		Scripts:  f.Paths("page.js"),
		Preloads: f.assets.Imports("page.js"),
		Account:  components.Account{SignedIn: auth.From(r.Context()).SignedIn(), Open: f.guard.Open()},
		Unbuilt:  !f.assets.Built(),
	}
}

// PageWith returns what every page has, for one with a script of its own: the
// entry point static/src/<name>.ts, which takes the place of page.js.
func (f *Frame) PageWith(r *http.Request, title, script string) components.Page {
	p := f.Page(r, title)
	p.Scripts, p.Preloads = f.Paths(script), f.assets.Imports(script)
	return p
}

// Paths returns the URLs of built files, without those that are missing.
func (f *Frame) Paths(names ...string) []string {
	var out []string
	for _, name := range names {
		if p := f.assets.Path(name); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// Render answers with a component as a page of the app.
func (f *Frame) Render(w http.ResponseWriter, r *http.Request, status int, c templ.Component) error {
	nonce := NewNonce()
	appHeaders(w.Header(), nonce)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	return c.Render(templ.WithNonce(r.Context(), nonce), w)
}

// Fragment answers with a component that goes into a page which is open.
func Fragment(w http.ResponseWriter, r *http.Request, status int, c templ.Component) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	return c.Render(r.Context(), w)
}

// IsFragment reports whether a page's script asked, and wants a piece of HTML.
func IsFragment(r *http.Request) bool { return r.Header.Get("HX-Request") == "true" }
