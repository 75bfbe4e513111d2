package proxy

import (
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/auth"
	"sandpiper/web/reply"
)

// Paths of ours: authorizePath on the app, the others on the hosts of previews.
const (
	authorizePath = "/preview/authorize"
	enterPath     = "/.sandpiper/enter"
	acceptPath    = "/.sandpiper/accept"
)

// acceptedCookie remembers that a browser's user was warned of a preview.
const acceptedCookie = "daytona-preview-page-accepted"

// acceptedLife is for how long.
const acceptedLife = 24 * time.Hour

// codeLife is how long a browser may take from the app to the preview.
const codeLife = time.Minute

// maxCodes bounds the codes that wait to be used; the oldest give way.
const maxCodes = 1024

// codes let browsers in to previews that have signed in to the app. Each is good
// once, for one port of one sandbox. They live in memory only.
type codes struct {
	mu   sync.Mutex
	open map[[sha256.Size]byte]code
}

type code struct {
	sandbox string
	port    int
	session string // of the browser; see auth.Guard.SessionOf
	end     time.Time
}

// mint returns a new code for a port of a sandbox, which is for a session.
func (c *codes) mint(id string, port int, session string, now time.Time) string {
	secret := rand.Text()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = map[[sha256.Size]byte]code{}
	}
	c.tidy(now)
	c.open[sha256.Sum256([]byte(secret))] = code{id, port, session, now.Add(codeLife)}
	return secret
}

// tidy forgets codes that have expired and, when there are too many, the one
// that would expire next. c.mu must be held.
func (c *codes) tidy(now time.Time) {
	var oldest [sha256.Size]byte
	for sum, one := range c.open {
		if !now.Before(one.end) {
			delete(c.open, sum)
		} else if first, ok := c.open[oldest]; !ok || one.end.Before(first.end) {
			oldest = sum
		}
	}
	if len(c.open) >= maxCodes {
		delete(c.open, oldest)
	}
}

// redeem uses a code up, and returns the session that it was for, or false when
// it was not good.
func (c *codes) redeem(secret, id string, port int, now time.Time) (session string, ok bool) {
	sum := sha256.Sum256([]byte(secret))
	c.mu.Lock()
	defer c.mu.Unlock()
	one, ok := c.open[sum]
	delete(c.open, sum)
	return one.session, ok && one.sandbox == id && one.port == port && now.Before(one.end)
}

// Pages is the page of the app that previews need: where a browser that has
// signed in gets to a private preview. It implements web.Routes.
type Pages struct{ *Proxy }

// Register adds the route.
func (p Pages) Register(mux *http.ServeMux) {
	mux.Handle("GET "+authorizePath, reply.Handler(p.authorizeBrowser).With(p.showError))
}

// authorizeBrowser leads a browser that has signed in back to a preview of one
// of its sandboxes, and nowhere else, with what lets it in there.
func (p *Proxy) authorizeBrowser(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	a, base, path, ok := p.site.Return(r.URL.Query().Get("to"))
	if !ok {
		return sandbox.Errorf(sandbox.KindInvalid, "this link leads to no preview of a sandbox here")
	}
	if auth.From(r.Context()).Kind != auth.KindSession {
		redirect(w, "/signin?"+url.Values{"next": {r.URL.RequestURI()}}.Encode())
		return nil
	}
	s, err := p.found(r.Context(), a.Name)
	if err != nil {
		return err
	}
	session := p.guard.SessionOf(r)
	if p.site.IsPaths(base) {
		redirect(w, base+p.passPath(s, a.Port, session)+path)
		return nil
	}
	code := p.codes.mint(s.ID, a.Port, session, time.Now())
	redirect(w, base+enterPath+"?"+url.Values{"code": {code}, "next": {path}}.Encode())
	return nil
}

// redirect sends a browser on. Location is left as it is, unlike by
// http.Redirect, which reads paths in it.
func redirect(w http.ResponseWriter, location string) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Location", location)
	w.WriteHeader(http.StatusSeeOther)
}

// ask sends a browser to the app to find out whether its user may see a preview.
func (p *Proxy) ask(w http.ResponseWriter, r *http.Request) {
	target := p.self(r) + r.URL.RequestURI()
	redirect(w, p.site.App()+authorizePath+"?"+url.Values{"to": {target}}.Encode())
}

// enter lets a browser in that comes from the app.
func (p *Proxy) enter(w http.ResponseWriter, r *http.Request, v *visit) error {
	q := r.URL.Query()
	session, ok := p.codes.redeem(q.Get("code"), v.Name, v.Port, time.Now())
	if v.Signed() || !ok {
		return sandbox.Errorf(sandbox.KindUnauthorized, "this way in was used before, or took longer than a minute; open the preview again")
	}
	s, err := p.manager.ByID(r.Context(), v.Name)
	if err != nil {
		return err
	}
	p.setPass(w, s, v.Port, session)
	redirect(w, p.self(r)+ownPath(q.Get("next")))
	return nil
}

// accept notes that a browser's user was warned: of this host or, where previews
// share one, of this path.
func (p *Proxy) accept(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := p.guard.SameOrigin(r); err != nil {
		return err
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return &sandbox.Error{Kind: sandbox.KindInvalid, Message: "the form could not be read", Err: err}
	}
	accepted := p.cookie(acceptedCookie, "true", acceptedLife)
	if v.prefix != "" {
		accepted.Path, accepted.Secure = v.prefix+"/", false // it is no secret, and paths may be on plain HTTP
	}
	http.SetCookie(w, accepted)
	redirect(w, p.self(r)+ownPath(r.PostForm.Get("next")))
	return nil
}

// maxForm bounds the body of the form, which holds an address.
const maxForm = 64 << 10

// ownPath returns next when it is a path, else "/". What comes before it is the
// whole origin, so a second slash leads nowhere else.
func ownPath(next string) string {
	if u, err := url.ParseRequestURI(next); err != nil || u.IsAbs() || !strings.HasPrefix(next, "/") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}

// withPass exchanges the token in the query for a cookie, or for a path that
// lets in, and takes it out of the address.
func (p *Proxy) withPass(w http.ResponseWriter, r *http.Request, v *visit) {
	rest := v.path
	if query := withoutKey(r.URL.RawQuery); query != "" {
		rest += "?" + query
	}
	if v.prefix != "" {
		redirect(w, p.self(r)+p.passPath(v.sandbox, v.Port, "")+rest)
		return
	}
	p.setPass(w, v.sandbox, v.Port, "")
	redirect(w, p.self(r)+rest)
}
