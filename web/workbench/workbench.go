// Package workbench serves what one does inside a sandbox: terminals, files,
// ports and processes, as tabs of the sandbox's pages, and the terminals as a page
// of their own at port 22222 of its preview hosts. The pages' scripts talk to the sandbox's toolbox themselves; the
// server only makes the page.
package workbench

import (
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/web/dashboard/sandboxpage"
	"sandpiper/web/page"
	"sandpiper/web/qrcode"
	"sandpiper/web/reply"
)

// Handler serves the tabs. It implements web.Routes.
type Handler struct {
	pages *sandboxpage.Pages
	frame *page.Frame
}

// New returns a Handler whose tabs are in pages.
func New(pages *sandboxpage.Pages, frame *page.Frame) *Handler {
	for _, tab := range []string{"terminal", "files", "ports", "processes"} {
		pages.Serves(tab)
	}
	return &Handler{pages: pages, frame: frame}
}

// Register adds the routes.
func (h *Handler) Register(mux *http.ServeMux) {
	h.pages.Handle(mux, "GET /sandboxes/{id}/terminal", h.getTerminal)
	h.work(mux, "files", components.FilesPage)
	h.work(mux, "ports", components.PortsPage)
	h.work(mux, "processes", components.ProcessesPage)
	h.pages.Handle(mux, "POST /sandboxes/{id}/ports/qr", postQR)
}

// work adds the route of a tab whose script has its name.
func (h *Handler) work(mux *http.ServeMux, tab string, view func(components.SandboxPage, components.WorkView) templ.Component) {
	h.pages.Handle(mux, "GET /sandboxes/{id}/"+tab, func(w http.ResponseWriter, r *http.Request) error {
		s, p, err := h.pages.Open(r, tab, tab+".js")
		if err != nil {
			return err
		}
		p.Page.Styles = append(p.Page.Styles, h.frame.Paths("workbench.css")...)
		id := url.PathEscape(s.ID)
		v := components.WorkView{Toolbox: "/toolbox/" + id + "/", API: "/api/sandbox/" + id + "/", Serve: "python3 -m http.server 8000 --bind 127.0.0.1"}
		if s.Engine == sandbox.EngineWasm { // where programs have no sockets
			v.Serve = "serve 8000   # the files of the folder"
		}
		return h.pages.Render(w, r, view(p, v))
	})
}

// maxLink is the longest link that is drawn, in bytes.
const maxLink = 1 << 10

// postQR draws a link as a QR code. Links may hold tokens, so they come in the
// body and not in an address, which is kept in logs and histories.
func postQR(w http.ResponseWriter, r *http.Request) error {
	link, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxLink))
	if err != nil {
		return &sandbox.Error{Kind: sandbox.KindInvalid, Message: "the link could not be read: it may have 1024 bytes", Err: err}
	}
	picture := qrcode.SVG(string(link))
	if picture == "" {
		return sandbox.Errorf(sandbox.KindInvalid, "the link is too long for a QR code")
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, err = io.WriteString(w, picture)
	return err
}

func (h *Handler) getTerminal(w http.ResponseWriter, r *http.Request) error {
	s, p, err := h.pages.Open(r, "terminal", "terminal.js")
	if err != nil {
		return err
	}
	p.Fills = true
	p.Page.Styles = append(p.Page.Styles, h.frame.Paths("terminal.css")...)
	return h.pages.Render(w, r, components.TerminalPage(p, components.TerminalView{Toolbox: "/toolbox/" + url.PathEscape(s.ID) + "/"}))
}

// Port serves the terminals of a sandbox at a port of its preview host, without
// the app: an origin of their own, with their assets. It implements
// proxy.PortHandler.
type Port struct {
	frame   *page.Frame
	assets  page.Assets
	toolbox string
}

// NewPort returns the pages of the port. toolbox is the path below which the
// proxy leads to the sandbox's toolbox, with a slash at the end.
func NewPort(frame *page.Frame, assets page.Assets, toolbox string) *Port {
	return &Port{frame: frame, assets: assets, toolbox: toolbox}
}

// ServePort implements proxy.PortHandler.
func (p *Port) ServePort(w http.ResponseWriter, r *http.Request, s sandbox.Sandbox) {
	reply.Handler(func(w http.ResponseWriter, r *http.Request) error {
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			return sandbox.Errorf(sandbox.KindInvalid, "this is the page of a terminal, which can only be looked at")
		case strings.HasPrefix(r.URL.Path, "/static/"):
			p.assets.ServeHTTP(w, r)
			return nil
		case r.URL.Path != "/":
			return sandbox.Errorf(sandbox.KindNotFound, "there is nothing at %.200s; the terminal is at /", r.URL.Path)
		}
		view := p.frame.PageWith(r, s.Name+" · Terminal", "terminal-alone.js")
		view.Styles = append(view.Styles, p.frame.Paths("terminal.css")...)
		return p.frame.Render(w, r, http.StatusOK, components.TerminalAlone(view, s.Name, components.TerminalView{Toolbox: p.toolbox}))
	}).With(p.frame.WriteError).ServeHTTP(w, r)
}
