package proxy

import (
	"context"
	"net/http"
	"strings"

	"sandpiper/sandbox"
	"sandpiper/web/preview"
	"sandpiper/web/reply"
)

// Owns reports whether a Host header is below the domain of previews. Such a
// host never sees the app, whatever it names.
func (p *Proxy) Owns(host string) bool { return p.site.Owns(host) }

// Listener serves previews by their hosts and, on other hosts, by their paths. It
// has nothing of the app.
func (p *Proxy) Listener() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, rest, ok := preview.ParsePath(r.URL.EscapedPath())
		switch {
		case p.site.Owns(r.Host):
			p.serveHost(w, r)
		case !ok:
			p.show(w, r, nothingHere)
		case rest == "":
			redirect(w, a.Prefix()+"/"+asQuery(r.URL.RawQuery))
		default:
			p.serveVisit(w, r, &visit{Address: a, prefix: a.Prefix(), path: rest})
		}
	})
}

func asQuery(raw string) string {
	if raw == "" {
		return ""
	}
	return "?" + raw
}

func (p *Proxy) serveHost(w http.ResponseWriter, r *http.Request) {
	a, ok := p.site.Parse(r.Host)
	path := r.URL.EscapedPath()
	if !ok || !strings.HasPrefix(path, "/") && path != "" {
		p.show(w, r, nothingHere)
		return
	}
	if path == "" {
		path = "/"
	}
	p.serveVisit(w, r, &visit{Address: a, path: path})
}

// serveVisit answers a request for a preview. Why there is no answer is said
// here, in words for a browser or for a program, and is then logged.
func (p *Proxy) serveVisit(w http.ResponseWriter, r *http.Request, v *visit) {
	reply.Handler(func(w http.ResponseWriter, r *http.Request) error {
		err := p.receive(w, r, v)
		if err != nil && r.Context().Err() == nil {
			p.explain(w, r, v, err)
		}
		return err
	}).With(p.showError).ServeHTTP(w, r)
}

// receive leads a visit to its end: through what comes before a preview, and
// then to the server inside.
func (p *Proxy) receive(w http.ResponseWriter, r *http.Request, v *visit) error {
	switch {
	case r.Method == http.MethodConnect:
		return sandbox.Errorf(sandbox.KindInvalid, "previews are no proxies: there is no CONNECT")
	case isPreflight(r):
		p.answerPreflight(w, r, v)
		return nil
	case v.prefix == "" && v.path == enterPath && r.Method == http.MethodGet:
		return p.enter(w, r, v)
	case v.path == acceptPath && r.Method == http.MethodPost:
		return p.accept(w, r, v)
	}
	if err := p.admit(r, v); err != nil {
		if p.mayAsk(r, v, err) {
			p.ask(w, r)
			return nil
		}
		return err
	}
	r = r.WithContext(v.caller)
	switch {
	case v.way == byQuery && navigates(r) && v.Port != sandbox.ToolboxPort:
		p.withPass(w, r, v)
		return nil
	case reserved(v.Port):
		return p.servePort(w, r, v)
	case p.mustWarn(r, v):
		p.show(w, r, warning(v, r.URL.RequestURI()))
		return nil
	}
	if done, err := p.wake(w, r, v); err != nil || done {
		return err
	}
	return p.forward(w, r, v)
}

// mayAsk reports whether a browser that is not let in is sent to the app, where
// its user may be signed in. It is, whether or not there is such a preview.
func (p *Proxy) mayAsk(r *http.Request, v *visit, err error) bool {
	return sandbox.KindOf(err) == sandbox.KindUnauthorized && !v.Signed() && v.Port != sandbox.ToolboxPort && navigates(r)
}

// mustWarn reports whether a browser's user is to be warned first. Whoever has a
// signed address was sent it, as whoever has a path that lets in; programs read no
// warnings.
func (p *Proxy) mustWarn(r *http.Request, v *visit) bool {
	if !p.warn || v.Signed() || v.prefix != "" && v.way == byPass || v.way == byToken || v.way == byKey || !navigates(r) || r.Header.Get(skipWarning) == "true" {
		return false
	}
	_, err := r.Cookie(acceptedCookie)
	return err != nil
}

// skipWarning is the header with which a proxy of somebody's own, say, does
// without the warning.
const skipWarning = "X-Daytona-Skip-Preview-Warning"

// servePort serves the reserved ports: the toolbox itself, and pages of ours.
func (p *Proxy) servePort(w http.ResponseWriter, r *http.Request, v *visit) error {
	if v.Port == sandbox.ToolboxPort {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Expose-Headers", "*")
		return p.serve(w, r, v.sandbox, renamed(v.path))
	}
	if v.prefix != "" {
		return sandbox.Errorf(sandbox.KindUnsupported, "this page has a host of its own only: %s", p.site.URL(v.Address))
	}
	if rest, ok := strings.CutPrefix(v.path, ToolboxPath); ok {
		if !ownOrigin(r) {
			return sandbox.Errorf(sandbox.KindForbidden, "a page of another site may not use this sandbox for a signed-in browser")
		}
		return p.serve(w, r, v.sandbox, "/"+rest)
	}
	page := p.ports[v.Port]
	if page == nil {
		return sandbox.Errorf(sandbox.KindUnsupported, "this server has no page for port %d", v.Port)
	}
	page.ServePort(w, r, v.sandbox)
	return nil
}

// ownOrigin reports whether no page, or one of this very host, made r.
func ownOrigin(r *http.Request) bool {
	if o := r.Header.Get("Origin"); o != "" {
		_, host, _ := strings.Cut(o, "://")
		return strings.EqualFold(host, r.Host)
	}
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "" || site == "none" || site == "same-origin"
}

// forward hands a visit to the server inside.
func (p *Proxy) forward(w http.ResponseWriter, r *http.Request, v *visit) error {
	ctx, cancel := p.attach(r)
	defer cancel()
	touch := p.toucher(ctx, r, v.sandbox, sandbox.ActivityPreview)
	touch()
	ctx = context.WithValue(ctx, callKey{}, call{sandbox: v.sandbox, port: v.Port, path: v.path, touch: touch, visit: v, from: r})
	r = r.WithContext(ctx)
	out := &stream{ResponseWriter: w, control: http.NewResponseController(w), header: http.Header{}}
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &upload{ReadCloser: r.Body, control: out.control, left: r.ContentLength}
	}
	p.visits.ServeHTTP(out, r)
	out.trail()
	return out.err
}
