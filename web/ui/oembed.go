package ui

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"sandpiper/sandbox"
	"sandpiper/web/reply"
)

// The size of a frame that nobody has an opinion on, in pixels.
const (
	oEmbedWidth  = 720
	oEmbedHeight = 400
	oEmbedLeast  = 120
)

// oEmbed describes an embed, as oembed.com has it.
type oEmbed struct {
	Version      string `json:"version"`
	Type         string `json:"type"`
	ProviderName string `json:"provider_name"`
	ProviderURL  string `json:"provider_url"`
	Title        string `json:"title"`
	HTML         string `json:"html"`
	Width        int    `json:"width"`
	Height       int    `json:"height"`
	CacheAge     int    `json:"cache_age"`
}

// getOEmbed describes the embed of the shared program that the parameter url
// names. The only format is JSON; others are a 501, as the protocol wants.
func (h *Handler) getOEmbed(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	q := r.URL.Query()
	if f := q.Get("format"); f != "" && f != "json" {
		reply.WriteErrorStatus(w, r, http.StatusNotImplemented, sandbox.Errorf(sandbox.KindInvalid, "oEmbed is served as json only"))
		return nil
	}
	answer, err := h.oEmbed(r, q)
	if err != nil {
		reply.WriteError(w, r, reply.Public(err)) // its readers are programs, whatever they accept
		return nil
	}
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(body)
	return err
}

func (h *Handler) oEmbed(r *http.Request, q url.Values) (oEmbed, error) {
	id, ok := h.sharedID(q.Get("url"))
	if !ok {
		return oEmbed{}, sandbox.Errorf(sandbox.KindNotFound, "the parameter url must be a link to a shared program: %s/s/<id>", h.public)
	}
	s, err := h.snippetByID(r, id)
	if err != nil {
		return oEmbed{}, err
	}
	l, err := h.language(s.Language)
	if err != nil {
		return oEmbed{}, err
	}
	width, height := bound(q.Get("maxwidth"), oEmbedWidth), bound(q.Get("maxheight"), oEmbedHeight)
	return oEmbed{
		Version:      "1.0",
		Type:         "rich",
		ProviderName: "Sandpiper",
		ProviderURL:  h.public + "/",
		Title:        titleOf(s, l),
		HTML:         h.frameHTML(s, h.embedURL(id), strconv.Itoa(width), strconv.Itoa(height)),
		Width:        width,
		Height:       height,
		CacheAge:     3600,
	}, nil
}

// sharedID reads the id from a link to a shared program or to its embed on
// this server.
func (h *Handler) sharedID(link string) (string, bool) {
	u, err := url.Parse(link)
	if err != nil || u.User != nil || u.Scheme+"://"+u.Host != h.public {
		return "", false
	}
	for _, prefix := range []string{"/s/", "/embed/"} {
		if id, ok := strings.CutPrefix(strings.TrimSuffix(u.Path, "/"), prefix); ok && snippetID().MatchString(id) {
			return id, true
		}
	}
	return "", false
}

// bound returns size, or less where the consumer has less room.
func bound(limit string, size int) int {
	n, err := strconv.Atoi(limit)
	if err != nil || n <= 0 {
		return size
	}
	return max(oEmbedLeast, min(n, size))
}

func (h *Handler) oEmbedURL(id string) string {
	return h.public + "/oembed?" + url.Values{"url": {h.sharedURL(id)}, "format": {"json"}}.Encode()
}
