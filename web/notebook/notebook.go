// Package notebook serves the notebook page: cells of code and text over one
// session. The page's script keeps the notebook in the browser and talks to
// /v1/sessions; the server has the page, and notebooks to begin with.
package notebook

import (
	"net/http"

	"sandpiper/components"
	"sandpiper/internal/lazyregexp"
	"sandpiper/sandbox"
	"sandpiper/web/auth"
	"sandpiper/web/page"
	"sandpiper/web/words"
)

// Config says what the pages stand on.
type Config struct {
	Frame *page.Frame
	Guard *auth.Guard

	// Languages returns the languages that have sessions, with the state of each
	// now; sandbox.KernelEngine has it.
	Languages func() []sandbox.Language
}

// Handler serves the pages. It implements web.Routes.
type Handler struct{ cfg Config }

// New returns a Handler.
func New(cfg Config) *Handler { return &Handler{cfg} }

// Register adds the routes.
func (h *Handler) Register(mux *http.ServeMux) {
	h.cfg.Frame.Handle(mux, "GET /notebook", h.getHome)
	h.cfg.Frame.Handle(mux, "GET /notebook/new", h.getNew)
	h.cfg.Frame.Handle(mux, "GET /notebook/{id}", h.getNotebook)
	h.cfg.Frame.Handle(mux, "GET /notebook/examples/{file}", h.getExample)
}

// data is what the page's script knows, as PageData in
// static/src/lib/notebook/data.ts has it.
type data struct {
	Languages []languageData `json:"languages"`
	SignedIn  bool           `json:"signedIn"` // others get no list of sessions
}

type languageData struct {
	ID     string `json:"id"`
	Label  string `json:"label"` // "Python 3.14"
	Editor string `json:"editor"`
}

// getHome shows the notebooks of this browser, and what one can begin with.
func (h *Handler) getHome(w http.ResponseWriter, r *http.Request) error {
	if h.stranger(w, r) {
		return nil
	}
	p := h.cfg.Frame.PageWith(r, "Notebooks", "notebooks.js")
	p.Description = "Notebooks of Python, JavaScript and Ruby whose state can be paused and forked."
	p.Styles = append(p.Styles, h.cfg.Frame.Paths("notebook.css")...)
	return h.cfg.Frame.Render(w, r, http.StatusOK, components.NotebooksPage(p, components.Notebooks{
		Languages: h.options(), Examples: exampleLinks(h.cfg.Languages()), Data: h.data(r),
	}))
}

// getNew shows a notebook that is nowhere yet: an empty one of the language that
// the address names, an example, or what the browser was given to open. The page
// gives it an address when there is something to keep.
func (h *Handler) getNew(w http.ResponseWriter, r *http.Request) error {
	return h.show(w, r, "New notebook")
}

// idForm is that of the notebooks' ids, which the page's script makes.
var idForm = lazyregexp.New(`^[A-Za-z0-9_-]{8,64}$`)

// getNotebook shows a notebook that the browser keeps.
func (h *Handler) getNotebook(w http.ResponseWriter, r *http.Request) error {
	if !idForm().MatchString(r.PathValue("id")) {
		return sandbox.Errorf(sandbox.KindNotFound, "there is no notebook at %s", r.URL.Path)
	}
	return h.show(w, r, "Notebook")
}

func (h *Handler) show(w http.ResponseWriter, r *http.Request, title string) error {
	if h.stranger(w, r) {
		return nil
	}
	p := h.cfg.Frame.PageWith(r, title, "notebook.js")
	p.Place, p.Fixed = "/notebook", true
	p.Styles = append(p.Styles, h.cfg.Frame.Paths("notebook.css")...)
	return h.cfg.Frame.Render(w, r, http.StatusOK, components.NotebookPage(p, components.Notebook{Data: h.data(r)}))
}

// stranger shows the way in to those who may not run programs here.
func (h *Handler) stranger(w http.ResponseWriter, r *http.Request) bool {
	if h.cfg.Guard.CheckRunner(r.Context()) == nil {
		return false
	}
	http.Redirect(w, r, page.SignInURL(r.URL.RequestURI()), http.StatusSeeOther)
	return true
}

func (h *Handler) data(r *http.Request) data {
	d := data{Languages: []languageData{}, SignedIn: auth.From(r.Context()).SignedIn()}
	for _, l := range h.cfg.Languages() {
		d.Languages = append(d.Languages, languageData{ID: l.ID, Label: words.Language(l.Name, l.Version), Editor: l.Editor})
	}
	return d
}

func (h *Handler) options() []components.LanguageOption {
	var out []components.LanguageOption
	for _, l := range h.cfg.Languages() {
		out = append(out, components.LanguageOption{ID: l.ID, Label: words.Language(l.Name, l.Version), State: string(l.State), Stage: words.Sentence(l.Stage)})
	}
	return out
}
