package proxy

import (
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"

	"sandpiper/sandbox"
)

// kept are the headers of a request that a sandbox gets to see. They tell
// nothing of the caller but what it sends.
var kept = []string{
	"Accept", "Accept-Encoding", "Accept-Language", "Content-Disposition", "Content-Encoding", "Content-Length", "Content-Type",
	"Expect", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Last-Event-Id", "Range",
	"Te", "Traceparent", "Tracestate",
	"Connection", "Upgrade", "Sec-Websocket-Extensions", "Sec-Websocket-Key", "Sec-Websocket-Protocol", "Sec-Websocket-Version",
}

// passed are the headers of an answer that reach the caller.
var passed = []string{
	"Accept-Ranges", "Allow", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length", "Content-Range",
	"Content-Type", "Date", "Etag", "Last-Modified", "Retry-After",
	"X-Log-Offset", "X-Log-Next-Offset", "X-Log-Dropped", "X-Truncated", // of the toolbox itself
	"Connection", "Upgrade", "Sec-Websocket-Accept", "Sec-Websocket-Extensions", "Sec-Websocket-Protocol", "Sec-Websocket-Version",
}

// own begins the names of headers that both APIs use for themselves.
var own = []string{"X-Daytona-", "X-Sandpiper-"}

// private are headers with these beginnings that stay out nevertheless.
var private = []string{previewHeader, organizationHeader, sandbox.TokenHeader}

// filter deletes every header that is neither in the list nor the APIs' own.
func filter(h http.Header, list []string) {
	for name := range h {
		ours := slices.ContainsFunc(own, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
		secret := slices.ContainsFunc(private, func(p string) bool { return strings.EqualFold(p, name) })
		if secret || !ours && !slices.Contains(list, name) {
			h.Del(name)
		}
	}
}

// rewrite turns a request to us into one to the toolbox.
func rewrite(r *httputil.ProxyRequest) {
	c := callOf(r.In.Context())
	filter(r.Out.Header, kept)
	if upgrade := r.In.Header.Get("Upgrade"); upgrade != "" {
		r.Out.Header.Set("Connection", "Upgrade")
		r.Out.Header.Set("Upgrade", upgrade)
	}
	r.Out.Header.Set(sandbox.TokenHeader, c.token)
	r.Out.Header.Set("User-Agent", "") // else Go's own is added
	setTarget(r.Out, host(c.sandbox, c.port), c.path, withoutKey(r.In.URL.RawQuery))
	r.Out.Host = "sandbox"
}

// disarm takes out of an answer what would act in our name: cookies, redirects,
// prompts, policies. What remains is data: it is saved rather than shown and,
// where it is shown, it runs nothing.
func (p *Proxy) disarm(res *http.Response) error {
	c := callOf(res.Request.Context())
	filter(res.Header, passed)
	res.Trailer = nil
	h := res.Header
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "private, no-store")
	if d := attachment(h.Get("Content-Disposition"), h.Get("Content-Type")); res.StatusCode != http.StatusSwitchingProtocols {
		h.Del("Content-Disposition")
		if d != "" {
			h.Set("Content-Disposition", d)
		}
	}
	watch(res, c.touch)
	return nil
}

// attachment is the disposition of an answer: JSON may be shown, everything
// else is for saving.
func attachment(disposition, media string) string {
	kind, rest, _ := strings.Cut(disposition, ";")
	switch {
	case disposition == "" && strings.HasPrefix(media, "application/json"):
		return ""
	case disposition == "" || strings.EqualFold(strings.TrimSpace(kind), "attachment"):
		return strings.TrimSpace("attachment;" + rest)
	case rest == "":
		return "attachment"
	}
	return "attachment;" + rest
}
