package ui

import (
	"net/http"
	"strings"

	"sandpiper/internal/lazyregexp"
)

// embedHeaders sets what an embed has: whoever frames or opens it, it is a
// document of its own opaque origin, without cookies or storage.
func embedHeaders(h http.Header, host, nonce string) {
	h.Set("Content-Security-Policy", strings.Join([]string{
		"sandbox allow-scripts allow-popups allow-popups-to-escape-sandbox allow-forms allow-downloads",
		"default-src 'none'",
		"script-src " + host + "/static/ 'nonce-" + nonce + "'",
		"style-src " + host + "/static/ 'nonce-" + nonce + "'",
		"connect-src " + host,
		"img-src data: blob:",
		"frame-src " + host + "/frame",
		"form-action 'none'",
		"base-uri 'none'",
	}, "; "))
	framedHeaders(h)
	h.Set("Cache-Control", "no-cache")
}

// frameHeaders sets what the frame for a program's own HTML has: an opaque
// origin and no network, so that the HTML can neither read nor report anything.
func frameHeaders(h http.Header, host string) {
	h.Set("Content-Security-Policy", strings.Join([]string{
		"sandbox allow-scripts allow-popups allow-downloads",
		"default-src 'none'",
		"script-src " + host + "/static/ 'unsafe-inline'",
		"style-src 'unsafe-inline'",
		"img-src data: blob:",
		"media-src data: blob:",
		"font-src data:",
		"form-action 'none'",
		"base-uri 'none'",
	}, "; "))
	framedHeaders(h)
	h.Set("Cache-Control", "no-cache")
}

// framedHeaders lets pages of any site frame the answer, also those that
// isolate themselves from other origins. The policies that go with it have no
// frame-ancestors at all: its * does not match a sandboxed page, such as an
// embed that shows the frame.
func framedHeaders(h http.Header) {
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Cross-Origin-Embedder-Policy", "require-corp")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Type", "text/html; charset=utf-8")
}

var plainHost = lazyregexp.New(`^[A-Za-z0-9.\-]+(:[0-9]+)?$|^\[[0-9a-fA-F:.]+\](:[0-9]+)?$`)

// host returns the server as a source of a Content-Security-Policy. A document
// with an opaque origin has no 'self'. The scheme is left to the document.
func (h *Handler) host(r *http.Request) string {
	if plainHost().MatchString(r.Host) {
		return r.Host
	}
	_, host, _ := strings.Cut(h.public, "://")
	return host
}
