package ui

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/web/qrcode"
	"sandpiper/web/words"
)

// getShared shows a shared program in the playground.
func (h *Handler) getShared(w http.ResponseWriter, r *http.Request) error {
	s, err := h.snippet(r)
	if err != nil {
		return err
	}
	l, err := h.language(s.Language)
	if err != nil {
		return err
	}
	d := draftOfSnippet(s)
	page := h.playground(r, l, d, fromShared)
	page.Page.OEmbed = h.oEmbedURL(s.ID)
	page.Page.Title = titleOf(s, l)
	page.Data = h.sharedData(l, d, s.ID)
	now := h.now()
	page.Shared = &components.Shared{
		ID:      s.ID,
		URL:     h.sharedURL(s.ID),
		Age:     words.Ago(s.CreatedAt, now),
		Created: words.Exact(s.CreatedAt),
		Expires: expiry(s, now),
		Output:  s.Output,
	}
	page.Locked = h.desk.Guard.CheckRunner(r.Context()) != nil
	return h.showPlayground(w, r, http.StatusOK, page)
}

func (h *Handler) sharedData(l sandbox.Language, d draft, id string) pageData {
	data := h.pageData(l, d, fromShared)
	data.Shared = id
	return data
}

func draftOfSnippet(s sandbox.Snippet) draft {
	return draft{Language: s.Language, Title: s.Title, Files: s.Files, Stdin: s.Stdin, Args: s.Args}
}

// titleOf returns what a shared program is called.
func titleOf(s sandbox.Snippet, l sandbox.Language) string {
	if s.Title != "" {
		return s.Title
	}
	return l.Name + " program"
}

// expiry returns for how long a program is still kept; "" for ever.
func expiry(s sandbox.Snippet, now time.Time) string {
	if s.ExpiresAt.IsZero() {
		return ""
	}
	return words.Span(s.ExpiresAt.Sub(now) + time.Minute) // a day that just began is a day
}

// getRaw answers with the text of a shared program's file: the main one, or
// the one that the parameter file names.
func (h *Handler) getRaw(w http.ResponseWriter, r *http.Request) error {
	s, err := h.snippet(r)
	if err != nil {
		return err
	}
	f, err := fileNamed(s.Files, r.URL.Query().Get("file"))
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("Content-Disposition", disposition(r, f.Name))
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	header.Set("Cache-Control", "no-cache")
	_, err = w.Write(f.Content)
	return err
}

func fileNamed(files []sandbox.File, name string) (sandbox.File, error) {
	for i, f := range files {
		if f.Name == name || name == "" && i == 0 {
			return f, nil
		}
	}
	return sandbox.File{}, sandbox.Errorf(sandbox.KindNotFound, "the shared program has no file %q", name)
}

// disposition shows the file, or saves it with the parameter download.
func disposition(r *http.Request, name string) string {
	kind := "inline"
	if r.URL.Query().Has("download") {
		kind = "attachment"
	}
	base := name[strings.LastIndexByte(name, '/')+1:]
	return kind + "; filename*=UTF-8''" + url.PathEscape(base)
}

// sharePanel returns what the author sees after sharing.
func (h *Handler) sharePanel(s sandbox.Snippet, mine bool) components.SharePanel {
	p := components.SharePanel{
		ID:     s.ID,
		URL:    h.sharedURL(s.ID),
		RawURL: h.sharedURL(s.ID) + "/raw",
		Embed:  h.frameHTML(s, h.embedURL(s.ID), "100%", "400"),
		Script: h.elementHTML(s),
		QR:     qrcode.Of(h.sharedURL(s.ID)),
		Mine:   mine,
	}
	if e := expiry(s, h.now()); e != "" {
		p.Expires = "in " + e
	}
	return p
}
