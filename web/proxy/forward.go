package proxy

import (
	"cmp"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"

	"sandpiper/sandbox"
	"sandpiper/web/preview"
)

// disableCORS is the header of a client that wants an app's own answer to pages
// of other origins, rather than ours.
const disableCORS = "X-Daytona-Disable-Cors"

// rewriteVisit turns a request for a preview into one to the server inside. What
// is ours stays here: keys, tokens, cookies.
//
// The server takes itself for localhost: servers for development refuse to
// answer under names that they were not told. The name that the visitor used is
// in X-Forwarded-Host. A request that a page of the preview makes says in Origin
// where the page is from, which servers compare with where they are, by either of
// these headers: so all of them say localhost then.
func (p *Proxy) rewriteVisit(r *httputil.ProxyRequest) {
	c := callOf(r.In.Context())
	v, h := c.visit, r.Out.Header
	for name := range h {
		if strings.HasPrefix(name, own[0]) || strings.HasPrefix(name, own[1]) {
			delete(h, name)
		}
	}
	if v.ourKey {
		h.Del("Authorization")
	}
	if !strings.EqualFold(h.Get("Upgrade"), "websocket") {
		h.Del("Upgrade") // no way around us, as by h2c
		h.Del("Connection")
	}
	if h.Get("User-Agent") == "" {
		h.Set("User-Agent", "") // else Go's own is added
	}
	keepCookies(h, p.fromNeighbour(r.In, v))
	setTarget(r.Out, host(c.sandbox, v.Port), v.path, withoutKey(r.In.URL.RawQuery))
	r.Out.Host = v.Local()
	p.setForwarded(r, v)
}

// setTarget points a request to an escaped path of a server inside.
func setTarget(r *http.Request, host, path, query string) {
	r.URL.Scheme, r.URL.Host, r.URL.RawQuery = "http", host, query
	r.URL.Path, r.URL.RawPath = path, ""
	if plain, err := url.PathUnescape(path); err == nil {
		r.URL.Path, r.URL.RawPath = plain, path
	}
}

// setForwarded says where the visitor is, and where it thinks the server is.
// What others say of that counts for a proxy that has proved to be one of the
// sandbox's owner.
func (p *Proxy) setForwarded(r *httputil.ProxyRequest, v *visit) {
	in, out := r.In.Header, r.Out.Header
	scheme, host, from := "http", r.In.Host, p.guard.ClientIP(r.In)
	if p.site.Secure() {
		scheme = "https"
	}
	if v.way == byToken || v.way == byKey {
		host = cmp.Or(in.Get("X-Forwarded-Host"), host)
		scheme = cmp.Or(in.Get("X-Forwarded-Proto"), scheme)
		if before := in.Get("X-Forwarded-For"); before != "" {
			from = before + ", " + from
		}
	}
	if o := in.Get("Origin"); o != "" {
		_, name, _ := strings.Cut(o, "://")
		if strings.EqualFold(name, host) {
			scheme, host = "http", v.Local()
			out.Set("Origin", scheme+"://"+host)
		} else if page, ok := p.previewOf(r.In, o); ok && page.of == v.sandbox.ID {
			out.Set("Origin", "http://"+page.Local())
		}
	}
	out.Set("X-Forwarded-For", from)
	out.Set("X-Forwarded-Host", host)
	out.Set("X-Forwarded-Proto", scheme)
	if v.prefix != "" {
		out.Set("X-Forwarded-Prefix", v.prefix)
	}
}

// fromNeighbour reports whether a page of another sandbox made r. Browsers may
// count it as one of the same site, and send the preview's cookies.
func (p *Proxy) fromNeighbour(r *http.Request, v *visit) bool {
	o := r.Header.Get("Origin")
	if o == "" {
		return false
	}
	u, err := url.Parse(o)
	if err != nil || !p.site.Owns(u.Host) {
		return false
	}
	page, ok := p.previewOf(r, o)
	return !ok || page.of != v.sandbox.ID
}

// keepCookies leaves the cookies that are not ours, as they are written; none of
// all when they are not the page's to send.
func keepCookies(h http.Header, none bool) {
	lines := h["Cookie"]
	h.Del("Cookie")
	if none {
		return
	}
	var kept []string
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			name, _, _ := strings.Cut(pair, "=")
			if pair = strings.TrimSpace(pair); pair != "" && !isOurs(name) {
				kept = append(kept, pair)
			}
		}
	}
	if len(kept) > 0 {
		h.Set("Cookie", strings.Join(kept, "; "))
	}
}

// isOurs reports whether a cookie's name is one of ours, on the app or on
// previews, whatever prefix it has.
func isOurs(name string) bool {
	name = strings.ToLower(strings.TrimSpace(name))
	name = strings.TrimPrefix(strings.TrimPrefix(name, "__host-"), "__secure-")
	return name == "sandpiper" || strings.HasPrefix(name, "sandpiper-") || name == acceptedCookie
}

// dress makes an answer of a server inside one of a preview's host: what would
// act beyond it goes.
func (p *Proxy) dress(res *http.Response) error {
	c := callOf(res.Request.Context())
	v, h := c.visit, res.Header
	h.Del("Alt-Svc") // which would lead browsers past us
	setCookies(h, v.prefix)
	if location := h.Get("Location"); location != "" {
		h.Set("Location", p.location(c, location))
	}
	p.allowOrigin(h, c.from, v)
	switch {
	case v.prefix != "":
		h.Add("Content-Security-Policy", pathPolicy)
		h.Set("Referrer-Policy", "no-referrer")
	case v.Signed() && h.Get("Referrer-Policy") == "":
		h.Set("Referrer-Policy", "same-origin") // the host's name lets in
	}
	watch(res, c.touch)
	return nil
}

// pathPolicy gives each page below a path an origin of its own: all paths share
// a host, and pages of one sandbox must not reach into those of another.
const pathPolicy = "sandbox allow-downloads allow-forms allow-modals allow-orientation-lock allow-pointer-lock allow-popups allow-popups-to-escape-sandbox allow-presentation allow-scripts"

// setCookies leaves the cookies that an app may set: for its own host and path.
func setCookies(h http.Header, prefix string) {
	lines := h["Set-Cookie"]
	h.Del("Set-Cookie")
	for _, line := range lines {
		if line, ok := setCookie(line, prefix); ok {
			h.Add("Set-Cookie", line)
		}
	}
}

// setCookie narrows one cookie to the preview's host and, where previews share
// one, to its path. It is not ok for a name of ours, and for none: browsers send
// a cookie without a name as its value alone, which may look like another.
func setCookie(line, prefix string) (string, bool) {
	pair, rest, _ := strings.Cut(line, ";")
	name, _, named := strings.Cut(pair, "=")
	if !named || strings.TrimSpace(name) == "" || isOurs(name) {
		return "", false
	}
	kept := []string{strings.TrimSpace(pair)}
	if prefix != "" {
		kept = append(kept, "Path="+prefix+cookiePath(rest))
	}
	for attribute := range strings.SplitSeq(rest, ";") {
		key, _, _ := strings.Cut(attribute, "=")
		key = strings.ToLower(strings.TrimSpace(key))
		if key == "" || key == "domain" || key == "path" && prefix != "" {
			continue
		}
		kept = append(kept, strings.TrimSpace(attribute))
	}
	return strings.Join(kept, "; "), true
}

// cookiePath is the path among a cookie's attributes; "/" where there is none.
func cookiePath(attributes string) string {
	path := "/"
	for attribute := range strings.SplitSeq(attributes, ";") {
		key, value, _ := strings.Cut(attribute, "=")
		if value = strings.TrimSpace(value); strings.EqualFold(strings.TrimSpace(key), "path") && strings.HasPrefix(value, "/") {
			path = value
		}
	}
	return path
}

// location leads a redirect of the app's back to where its visitor sees it.
func (p *Proxy) location(c call, location string) string {
	v := c.visit
	u, err := url.Parse(location)
	if err != nil {
		return location
	}
	switch {
	case u.Host == "" && u.Scheme == "":
		if v.prefix != "" && strings.HasPrefix(location, "/") {
			return v.prefix + location
		}
		return location
	case !isLocal(u.Hostname()):
		return location
	}
	rest := cmp.Or(u.EscapedPath(), "/") + asQuery(u.RawQuery)
	if u.Fragment != "" {
		rest += "#" + u.EscapedFragment()
	}
	port, err := strconv.Atoi(cmp.Or(u.Port(), "80"))
	switch {
	case err != nil:
		return location
	case port == v.Port:
		return p.self(c.from) + v.prefix + rest
	case v.Signed() || port < 1 || port > 65535:
		return location // which nobody is let in to by this address
	}
	other := preview.Address{Port: port, Name: v.Name}
	if v.prefix != "" {
		return other.Prefix() + rest
	}
	return p.site.URL(other) + rest
}

// isLocal reports whether a server inside means itself by a name.
func isLocal(name string) bool {
	return name == "localhost" || name == "127.0.0.1" || name == "0.0.0.0" || name == "::1"
}

// isPreflight reports whether a browser asks what pages of another origin may do.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" &&
		r.Header.Get("Access-Control-Request-Method") != "" && r.Header.Get(disableCORS) != "true"
}

// answerPreflight lets pages of all origins ask, as previews are wont to, but for
// our own pages. It tells nothing of what there is.
func (p *Proxy) answerPreflight(w http.ResponseWriter, r *http.Request, v *visit) {
	h := w.Header()
	if v.Port == sandbox.ToolboxPort {
		h.Set("Access-Control-Allow-Origin", "*")
	} else {
		p.allowOrigin(h, r, v)
	}
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
	if names := r.Header.Get("Access-Control-Request-Headers"); names != "" && len(names) <= 2<<10 {
		h.Set("Access-Control-Allow-Headers", names)
	}
	h.Set("Access-Control-Max-Age", "7200")
	h.Add("Vary", "Origin, Access-Control-Request-Headers")
	w.WriteHeader(http.StatusNoContent)
}

// allowOrigin lets pages of all origins read an answer, with their cookies:
// browsers send those to other sites only where the app said so. Pages of other
// sandboxes may be of the same site, so they get it without.
func (p *Proxy) allowOrigin(h http.Header, r *http.Request, v *visit) {
	origin := r.Header.Get("Origin")
	if origin == "" || reserved(v.Port) || r.Header.Get(disableCORS) == "true" {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Del("Access-Control-Allow-Credentials")
	if !p.fromNeighbour(r, v) {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	h.Add("Vary", "Origin")
}
