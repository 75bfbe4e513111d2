package proxy

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/auth"
	"sandpiper/web/preview"
)

// passLife is how long a browser that was let in stays so. It ends with the
// sandbox's run, and with the session that let it in, too.
const passLife = 12 * time.Hour

// errNoVisit is the same for a sandbox that is not there and for one that does
// not let this visitor in, so that nobody can ask which there are.
var errNoVisit = sandbox.Errorf(sandbox.KindUnauthorized, "this preview is private, or there is none: sign in, or show its token in the header %s", previewHeader)

// admit finds out which sandbox a visit is to, and how its visitor gets in.
func (p *Proxy) admit(r *http.Request, v *visit) error {
	key := p.keyOf(r)
	v.ourKey, v.caller = key != nil, r.Context()
	if v.Signed() {
		s, err := p.links.Open(r.Context(), v.Name, v.Port)
		v.way, v.sandbox = byLink, s
		return err
	}
	s, err := p.manager.ByID(r.Context(), v.Name)
	switch {
	case err == nil:
	case sandbox.KindOf(err) == sandbox.KindNotFound:
		return errNoVisit
	default:
		return err
	}
	if v.way = p.wayIn(r, v, s); v.way == byNothing {
		if err := p.checkKey(key, s); err != nil {
			return err
		}
		v.way, v.caller = byKey, key
	}
	v.sandbox = s // whoever is not let in learns nothing of it
	return nil
}

// checkKey returns why the caller of keyOf is not let in to s.
func (p *Proxy) checkKey(key context.Context, s sandbox.Sandbox) error {
	if key == nil || s.Organization != p.org {
		return errNoVisit
	}
	return auth.CheckPermission(key, auth.WriteSandboxes)
}

// wayIn returns the way into s that needs no key. That s is public says nothing
// of what is shown on the reserved ports, and the toolbox takes no cookie: it is
// not for pages.
func (p *Proxy) wayIn(r *http.Request, v *visit, s sandbox.Sandbox) way {
	want := []byte(p.manager.PreviewToken(s))
	same := func(token string) bool { return subtle.ConstantTimeCompare([]byte(token), want) == 1 }
	switch {
	case same(r.Header.Get(previewHeader)):
		return byToken
	case strings.Contains(r.URL.RawQuery, previewQuery) && same(r.URL.Query().Get(previewQuery)):
		return byQuery
	case v.Port != sandbox.ToolboxPort && p.hasPass(r, v, s):
		return byPass
	case s.Public && !reserved(v.Port):
		return byPublic
	}
	return byNothing
}

// keyOf returns the context of the caller whose key of ours a request shows, nil
// where it shows none. The server inside must not see such a key; what the header
// has otherwise is between the visitor and that server.
func (p *Proxy) keyOf(r *http.Request) context.Context {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil
	}
	ctx, err := p.guard.WithBearer(r.Context(), strings.TrimSpace(secret))
	if err != nil {
		return nil // a secret of somebody else's
	}
	return ctx
}

// The cookies of previews. With the prefix, which takes TLS, browsers refuse
// what a neighbour planted.
func (p *Proxy) passName() string {
	if p.site.Secure() {
		return "__Host-sandpiper-preview"
	}
	return "sandpiper-preview"
}

// hasPass reports whether a browser was let in to a port of s before, and its
// session, where that let it in, has not ended since. A cookie speaks for the
// sandbox's own pages; a path speaks for itself.
func (p *Proxy) hasPass(r *http.Request, v *visit, s sandbox.Sandbox) bool {
	pass := v.Pass
	if v.prefix == "" {
		cookie, err := r.Cookie(p.passName())
		if err != nil || !p.ownPage(r, s) {
			return false
		}
		pass = cookie.Value
	}
	session, ok := p.readPass(s, v.Port, pass)
	if !ok || session == "" {
		return ok
	}
	v.session = session
	caller, err := p.guard.WithSession(r.Context(), session)
	if err != nil && sandbox.KindOf(err) != sandbox.KindUnauthorized {
		p.log.WarnContext(r.Context(), "look whether a browser is still signed in", "error", err)
	}
	v.caller = caller
	return err == nil
}

// readPass returns the session that a pass to a port of s is for, "" where it
// needs none, or false when the pass is not good, or no longer.
func (p *Proxy) readPass(s sandbox.Sandbox, port int, pass string) (session string, ok bool) {
	end, rest, _ := strings.Cut(pass, ".")
	session, _, _ = strings.Cut(rest, ".")
	at, err := strconv.ParseInt(end, 10, 64)
	if err != nil || time.Now().Unix() >= at || !hmac.Equal([]byte(pass), []byte(p.pass(s, port, session, at))) {
		return "", false
	}
	return session, true
}

// newPass is a pass of passLife from now.
func (p *Proxy) newPass(s sandbox.Sandbox, port int, session string) string {
	return p.pass(s, port, session, time.Now().Add(passLife).Unix())
}

// pass is what lets a browser in to a port of s until a second, while s runs, and
// while a session lives; "" is for one that needs none. It stands in a cookie or,
// where previews share a host, in the path.
func (p *Proxy) pass(s sandbox.Sandbox, port int, session string, end int64) string {
	mac := hmac.New(sha256.New, []byte(p.manager.PreviewToken(s)))
	fmt.Fprintf(mac, "pass:%s:%d:%s:%d", s.ID, port, session, end)
	return strconv.FormatInt(end, 10) + "." + session + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// setPass lets a browser in to a port of s, as pass says.
func (p *Proxy) setPass(w http.ResponseWriter, s sandbox.Sandbox, port int, session string) {
	http.SetCookie(w, p.cookie(p.passName(), p.newPass(s, port, session), passLife))
}

// passPath is the beginning of the paths that let in to a port of s, as newPass
// says.
func (p *Proxy) passPath(s sandbox.Sandbox, port int, session string) string {
	return preview.Address{Port: port, Name: s.ID, Pass: p.newPass(s, port, session)}.Prefix()
}

// cookie is one of ours on a preview's host: for this host only, out of reach of
// its pages, and not for requests that pages of other sites make.
func (p *Proxy) cookie(name, value string, life time.Duration) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(life.Seconds()),
		HttpOnly: true, Secure: p.site.Secure(), SameSite: http.SameSiteLaxMode,
	}
}

// found returns a sandbox of the organization for a caller who has proved to be
// of it.
func (p *Proxy) found(ctx context.Context, id string) (sandbox.Sandbox, error) {
	s, err := p.manager.Sandbox(ctx, p.org, id)
	if err == nil && s.ID != id {
		return sandbox.Sandbox{}, sandbox.Errorf(sandbox.KindNotFound, "there is no sandbox %s", id)
	}
	return s, err
}
