package ui

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
	"time"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/web/auth"
	"sandpiper/web/page"
	"sandpiper/web/reply"
)

// authorHeader carries the secret with which an author can delete a link.
const authorHeader = "Sandpiper-Author"

// The length of an author's secret, in characters.
const (
	minAuthor = 32
	maxAuthor = 256
)

// shareRequest asks to keep a program under a short link.
type shareRequest struct {
	Language string     `json:"language"`
	Title    string     `json:"title"`
	Files    []fileData `json:"files"`
	Stdin    string     `json:"stdin"`
	Args     []string   `json:"args"`
	Output   string     `json:"output"`  // what it printed; shown where it cannot run
	Expires  string     `json:"expires"` // see parseExpiry
	Author   string     `json:"author"`  // a secret of the author's; one is made when there is none
}

// shareAnswer says where a shared program is.
type shareAnswer struct {
	ID        string     `json:"id"`
	URL       string     `json:"url"`
	RawURL    string     `json:"raw_url"`
	EmbedURL  string     `json:"embed_url"`
	ExpiresAt *time.Time `json:"expires_at"`       // null for never
	Mine      bool       `json:"mine"`             // the author's secret deletes it
	Author    string     `json:"author,omitempty"` // the secret, when it was made here
}

// postShare keeps a program and answers with its link: as JSON, as a piece of
// HTML for the dialog, or as a page, as the request likes it.
func (h *Handler) postShare(w http.ResponseWriter, r *http.Request) error {
	if err := h.mayShare(r); err != nil {
		return err
	}
	req, err := readShare(w, r)
	if err != nil {
		return err
	}
	s, made, err := h.snippetOf(req)
	if err != nil {
		return err
	}
	if err := h.snippets.PutSnippet(r.Context(), s); err != nil {
		return err
	}
	kept, err := h.snippets.Snippet(r.Context(), s.ID) // the first author stays
	if err != nil {
		return err
	}
	return h.answerShare(w, r, kept, bytes.Equal(kept.AuthorHash, s.AuthorHash), made)
}

// mayShare lets through those who may run programs, at the rate of runs.
func (h *Handler) mayShare(r *http.Request) error {
	if err := h.desk.Guard.CheckRunner(r.Context()); err != nil {
		return err
	}
	return h.desk.Guard.Allow(auth.From(r.Context()))
}

// readShare reads a request from JSON or from the playground's form.
func readShare(w http.ResponseWriter, r *http.Request) (shareRequest, error) {
	if page.IsJSON(r) {
		var req shareRequest
		err := reply.Decode(w, r, maxForm, &req)
		return req, err
	}
	form, err := readForm(w, r)
	if err != nil {
		return shareRequest{}, err
	}
	d, err := draftOf(form)
	if err != nil {
		return shareRequest{}, err
	}
	req := shareRequest{
		Language: d.Language, Title: d.Title, Stdin: d.Stdin, Args: d.Args,
		Output: unixLines(form.Get("output")), Expires: form.Get("expires"), Author: form.Get("author"),
	}
	for _, f := range d.Files {
		req.Files = append(req.Files, fileData{Name: f.Name, Content: string(f.Content)})
	}
	return req, nil
}

// snippetOf returns what is to be kept, and the author's secret when it had to
// be made.
func (h *Handler) snippetOf(req shareRequest) (s sandbox.Snippet, made string, err error) {
	if l, ok := h.desk.Language(req.Language); ok {
		req.Language = l.ID
	} else {
		return s, "", sandbox.FieldErrorf("language", "this server has no language %q", req.Language)
	}
	d := draft{Language: req.Language, Title: strings.TrimSpace(req.Title), Stdin: req.Stdin, Args: req.Args}
	for _, f := range req.Files {
		d.Files = append(d.Files, sandbox.File{Name: f.Name, Content: []byte(f.Content)})
	}
	if s, err = newSnippet(d, req.Output, h.salt); err != nil {
		return s, "", err
	}
	now := h.now().UTC().Truncate(time.Millisecond)
	if s.ExpiresAt, err = parseExpiry(req.Expires, now); err != nil {
		return s, "", err
	}
	secret := req.Author
	switch {
	case secret == "":
		made = rand.Text() + rand.Text()
		secret = made
	case len(secret) < minAuthor || len(secret) > maxAuthor:
		return s, "", sandbox.FieldErrorf("author", "the author's secret must have %d to %d characters", minAuthor, maxAuthor)
	}
	s.CreatedAt, s.AuthorHash = now, authorHash(secret)
	return s, made, nil
}

func authorHash(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

func (h *Handler) answerShare(w http.ResponseWriter, r *http.Request, s sandbox.Snippet, mine bool, made string) error {
	if page.WantsJSON(r) {
		return reply.JSON(w, http.StatusCreated, h.shareAnswer(s, mine, made))
	}
	panel := h.sharePanel(s, mine && made == "")
	if mine && made != "" {
		panel.Delete = "curl -X DELETE -H '" + authorHeader + ": " + made + "' " + h.sharedURL(s.ID)
	}
	if page.IsFragment(r) {
		return page.Fragment(w, r, http.StatusOK, components.SharePanelView(panel))
	}
	return h.frame.Render(w, r, http.StatusOK, components.SharedPage(h.frame.Page(r, "Shared"), panel))
}

func (h *Handler) shareAnswer(s sandbox.Snippet, mine bool, made string) shareAnswer {
	a := shareAnswer{ID: s.ID, URL: h.sharedURL(s.ID), RawURL: h.sharedURL(s.ID) + "/raw", EmbedURL: h.embedURL(s.ID), Mine: mine}
	if mine {
		a.Author = made
	}
	if !s.ExpiresAt.IsZero() {
		a.ExpiresAt = &s.ExpiresAt
	}
	return a
}

func (h *Handler) sharedURL(id string) string { return h.public + "/s/" + id }

// deleteShared forgets a shared program for its author.
func (h *Handler) deleteShared(w http.ResponseWriter, r *http.Request) error {
	s, err := h.snippet(r)
	if err != nil {
		return err
	}
	secret := r.Header.Get(authorHeader)
	if secret == "" || subtle.ConstantTimeCompare(authorHash(secret), s.AuthorHash) != 1 {
		return sandbox.Errorf(sandbox.KindForbidden, "only the author can delete this link: send the author's secret in the header %s", authorHeader)
	}
	if err := h.snippets.DeleteSnippet(r.Context(), s.ID); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// snippet returns the shared program that the path names.
func (h *Handler) snippet(r *http.Request) (sandbox.Snippet, error) {
	return h.snippetByID(r, r.PathValue("id"))
}

func (h *Handler) snippetByID(r *http.Request, id string) (sandbox.Snippet, error) {
	if !snippetID().MatchString(id) {
		return sandbox.Snippet{}, errNoSnippet
	}
	s, err := h.snippets.Snippet(r.Context(), id)
	if err != nil && sandbox.KindOf(err) == sandbox.KindNotFound {
		return sandbox.Snippet{}, errNoSnippet
	}
	return s, err
}

var errNoSnippet = sandbox.Errorf(sandbox.KindNotFound, "there is no shared program under this link; its author may have deleted it, or its time is over")
