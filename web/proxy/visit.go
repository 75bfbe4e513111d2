package proxy

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"sandpiper/sandbox"
	"sandpiper/web/preview"
)

// visit is a request for a preview.
type visit struct {
	preview.Address
	prefix  string // of its path on the previews' own listener; "" where its host names it
	path    string // as the server inside is to see it, escaped; begins with a slash
	sandbox sandbox.Sandbox
	way     way
	session string          // that let its browser in; "" for none
	caller  context.Context // of the request, with the key or the session that let it in
	ourKey  bool            // the header Authorization has a key of ours
	woken   bool            // this request started the sandbox
}

// way is how a visitor was let in.
type way int

const (
	byNothing way = iota
	byPublic      // the sandbox lets everyone in
	byToken       // the sandbox's preview token in the header
	byQuery       // the same in the query
	byKey         // an API key
	byPass        // a cookie of ours
	byLink        // a signed address
)

// reserved are the ports that a public sandbox shows nobody.
func reserved(port int) bool {
	return port == sandbox.ToolboxPort || port == sandbox.TerminalPort || port == sandbox.RecordingsPort
}

// acceptsHTML reports whether a browser's page would show the answer.
func acceptsHTML(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// navigates reports whether a browser asks for a page of its whole window. Where
// it does not say, which browsers do not on plain HTTP, the types that it takes
// tell.
func navigates(r *http.Request) bool {
	if r.Method != http.MethodGet || r.Header.Get("Upgrade") != "" {
		return false
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
	}
	return acceptsHTML(r)
}

// ownPage reports whether a cookie may speak for a request for a preview of s:
// no page made it, or one of the same sandbox, or it opens a page of its own in
// the window. Neighbours below one domain can be of one site, so SameSite does
// not tell them apart.
func (p *Proxy) ownPage(r *http.Request, s sandbox.Sandbox) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		a, ok := p.previewOf(r, origin)
		return ok && a.of == s.ID
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return true
	}
	return navigates(r)
}

// origin is a preview as an Origin header names it.
type origin struct {
	preview.Address
	of string // the ID of its sandbox
}

// previewOf returns the preview whose page an Origin header names.
func (p *Proxy) previewOf(r *http.Request, header string) (origin, bool) {
	u, err := url.Parse(header)
	if err != nil {
		return origin{}, false
	}
	a, ok := p.site.Parse(u.Host)
	if !ok {
		return origin{}, false
	}
	if !a.Signed() {
		return origin{a, a.Name}, true
	}
	s, err := p.links.Open(r.Context(), a.Name, a.Port)
	return origin{a, s.ID}, err == nil
}

// self is where the browser is, without a path.
func (p *Proxy) self(r *http.Request) string {
	if p.site.Secure() {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// withoutKey returns a raw query without the preview token.
func withoutKey(query string) string {
	if !strings.Contains(query, previewQuery) {
		return query
	}
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err == nil && plain == previewQuery {
			continue
		}
		kept = append(kept, pair)
	}
	return strings.Join(kept, "&")
}
