package ui

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/sandbox/scheduler"
	"sandpiper/web/auth"
	"sandpiper/web/page"
	"sandpiper/web/run"
	"sandpiper/web/words"
)

// embedData is what an embed's script knows, as EmbedData in
// static/src/embed.ts has it.
type embedData struct {
	Program  programData `json:"program"`
	Editor   string      `json:"editor"`
	File     string      `json:"file"`
	ReadOnly bool        `json:"readOnly"`
	RunNow   bool        `json:"runNow"`
	Live     bool        `json:"live"` // changed programs and live input are possible
	Path     string      `json:"path"` // where to run
}

// getEmbed shows a shared program for a frame on somebody else's page. Its
// parameters are theme, run, file, stdin, layout, read-only and hide-code.
func (h *Handler) getEmbed(w http.ResponseWriter, r *http.Request) error {
	s, err := h.snippet(r)
	if err != nil {
		return h.embedTrouble(w, r, err)
	}
	l, err := h.language(s.Language)
	if err != nil {
		return h.embedTrouble(w, r, err)
	}
	nonce := page.NewNonce()
	embedHeaders(w.Header(), h.host(r), nonce)
	return components.EmbedPage(h.embedView(r, s, l)).Render(templ.WithNonce(r.Context(), nonce), w)
}

func (h *Handler) embedView(r *http.Request, s sandbox.Snippet, l sandbox.Language) components.Embed {
	q := r.URL.Query()
	d := draftOfSnippet(s)
	open := h.desk.Guard.Open()
	if open && q.Has("stdin") {
		d.Stdin = q.Get("stdin")
	}
	data := embedData{
		Program:  programDataOf(d),
		Editor:   l.Editor,
		File:     q.Get("file"),
		ReadOnly: !open || flag(q, "read-only"),
		RunNow:   q.Get("run") == "load",
		Live:     open,
		Path:     "/embed/" + s.ID + "/run",
	}
	if open {
		data.Path = "/v1/run"
	}
	return components.Embed{
		Title:    titleOf(s, l),
		Styles:   h.frame.Paths("app.css"),
		Scripts:  h.frame.Paths("embed.js"),
		Theme:    theme(q.Get("theme")),
		Language: label(l),
		Program:  programView(d),
		Output:   s.Output,
		OpenURL:  h.sharedURL(s.ID),
		HideCode: flag(q, "hide-code"),
		Column:   q.Get("layout") == "column",
		Data:     data,
	}
}

// embedTrouble says inside the frame why there is no program.
func (h *Handler) embedTrouble(w http.ResponseWriter, r *http.Request, err error) error {
	if err != errNoSnippet {
		return err
	}
	nonce := page.NewNonce()
	embedHeaders(w.Header(), h.host(r), nonce)
	w.WriteHeader(http.StatusNotFound)
	return components.EmbedGone(h.frame.Paths("app.css"), theme(r.URL.Query().Get("theme")), words.Sentence(errNoSnippet.Message)).Render(templ.WithNonce(r.Context(), nonce), w)
}

// flag reads a parameter that is there or not: read-only, read-only=true.
func flag(q url.Values, name string) bool {
	switch q.Get(name) {
	case "", "1", "true", "yes":
		return q.Has(name)
	default:
		return false
	}
}

// theme returns a theme that a page can ask for; "" follows the system.
func theme(s string) string {
	if s == "light" || s == "dark" {
		return s
	}
	return ""
}

// postEmbedRun runs a shared program exactly as it was shared, for anybody,
// also where running other programs needs a key. The events are those of
// POST /v1/run.
func (h *Handler) postEmbedRun(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Access-Control-Allow-Origin", "*") // embeds have an opaque origin
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	w.Header().Set("Access-Control-Expose-Headers", "Retry-After, X-Request-Id")
	s, err := h.snippet(r)
	if err != nil {
		return err
	}
	caller := auth.From(r.Context())
	if err := h.desk.Guard.Allow(caller); err != nil {
		return err
	}
	d := draftOfSnippet(s)
	job, err := h.desk.Scheduler.Submit(r.Context(), scheduler.Request{Client: caller.ID, Program: d.program()})
	if err != nil {
		return err
	}
	defer job.Leave()
	return run.StreamSSE(w, r, job, 0)
}

// getFrame serves the shell that shows a program's own HTML.
func (h *Handler) getFrame(w http.ResponseWriter, r *http.Request) error {
	frameHeaders(w.Header(), h.host(r))
	return components.FramePage(h.assets.Path("frame.js")).Render(r.Context(), w)
}

func (h *Handler) embedURL(id string) string { return h.public + "/embed/" + id }

// frameHTML returns the element that shows an embed.
func (h *Handler) frameHTML(s sandbox.Snippet, src, width, height string) string {
	title := s.Title
	if title == "" {
		title = "Runnable program"
	}
	return fmt.Sprintf(`<iframe src="%s" title="%s" width="%s" height="%s" loading="lazy" sandbox="allow-scripts allow-popups allow-popups-to-escape-sandbox allow-forms allow-downloads" allow="clipboard-write" style="border:0"></iframe>`,
		html.EscapeString(src), html.EscapeString(title), html.EscapeString(width), html.EscapeString(height))
}

// textOnly escapes text between tags, and leaves quotes as people wrote them.
var textOnly = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// elementHTML returns the elements that make a program on a page of one's own
// runnable: the text stays readable where scripts or the server are missing.
func (h *Handler) elementHTML(s sandbox.Snippet) string {
	code := ""
	if len(s.Files) > 0 {
		code = strings.TrimRight(string(s.Files[0].Content), "\n")
	}
	return fmt.Sprintf("<script src=\"%s/embed.js\" async></script>\n<sandpiper-snippet language=\"%s\">\n<pre>%s</pre>\n</sandpiper-snippet>",
		h.public, html.EscapeString(s.Language), textOnly.Replace(code))
}
