package auth

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/apitype"
	"sandpiper/web/reply"
)

// maxForm bounds the body of the sign-in form.
const maxForm = 8 << 10

// SignInPage renders the page with the sign-in form: a form with
// method="post" action="/signin" and the fields "key" (an API key) and "next"
// (the path to go to afterwards, which may be empty). problem says why the
// last try did not work, or is nil; the page's status is then reply.Status of
// its kind.
type SignInPage func(w http.ResponseWriter, r *http.Request, next string, problem *sandbox.Error) error

// SignInURL mints a one-time link that signs a browser in. It works once,
// within 15 minutes and until the server restarts.
func (g *Guard) SignInURL() (link string, expires time.Time) {
	token, expires := g.links.mint(time.Now())
	u := g.public.JoinPath("/signin")
	u.RawQuery = url.Values{"token": {token}}.Encode()
	return u.String(), expires
}

// RegisterPages adds the routes for browsers: GET and POST /signin, POST /signout.
// Errors other than a wrong key or a used link go to onError.
func (g *Guard) RegisterPages(mux *http.ServeMux, page SignInPage, onError reply.ErrorWriter) {
	handle := func(pattern string, h reply.Handler) { mux.Handle(pattern, h.With(onError)) }
	handle("GET /signin", func(w http.ResponseWriter, r *http.Request) error { return g.getSignIn(w, r, page) })
	handle("POST /signin", func(w http.ResponseWriter, r *http.Request) error { return g.postSignIn(w, r, page) })
	handle("POST /signout", g.signOut)
}

// RegisterAPI adds POST /api/signin-links, with which the owner of an API key
// makes a one-time link.
func (g *Guard) RegisterAPI(mux *http.ServeMux) {
	mux.Handle("POST /api/signin-links", g.SignedIn(g.postSignInLink))
}

// getSignIn shows the form, or signs in with the token of a one-time link. The
// redirect takes the token out of the address bar, and the policy keeps it out
// of Referer headers.
func (g *Guard) getSignIn(w http.ResponseWriter, r *http.Request, page SignInPage) error {
	noTrace(w)
	query := r.URL.Query()
	next := localPath(query.Get("next"))
	token := query.Get("token")
	switch {
	case token == "":
		return page(w, r, next, nil)
	case r.Method == http.MethodHead:
		return nil // a preview must not use the link up
	case !g.links.redeem(token, time.Now()):
		return page(w, r, next, sandbox.Errorf(sandbox.KindUnauthorized, "this sign-in link was used before or is older than 15 minutes"))
	}
	return g.enter(w, r, next)
}

func (g *Guard) postSignIn(w http.ResponseWriter, r *http.Request, page SignInPage) error {
	noTrace(w)
	if err := g.SameOrigin(r); err != nil {
		return err
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return &sandbox.Error{Kind: sandbox.KindInvalid, Message: "the form could not be read", Err: err}
	}
	next := localPath(r.PostForm.Get("next"))
	id, err := g.bearer(r.Context(), strings.TrimSpace(r.PostForm.Get("key")))
	if err == nil {
		err = checkUnlimited(id)
	}
	switch kind := sandbox.KindOf(err); {
	case err == nil:
		return g.enter(w, r, next)
	case kind == sandbox.KindUnauthorized || kind == sandbox.KindForbidden:
		return page(w, r, next, reply.Public(err))
	}
	return err
}

func (g *Guard) enter(w http.ResponseWriter, r *http.Request, next string) error {
	if err := g.startSession(r.Context(), w); err != nil {
		return err
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}

func (g *Guard) signOut(w http.ResponseWriter, r *http.Request) error {
	if err := g.SameOrigin(r); err != nil {
		return err
	}
	if err := g.endSession(w, r); err != nil {
		return err
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

func (g *Guard) postSignInLink(w http.ResponseWriter, r *http.Request) error {
	if id, _ := r.Context().Value(identityKey{}).(identity); checkUnlimited(id) != nil {
		return checkUnlimited(id)
	}
	link, expires := g.SignInURL()
	w.Header().Set("Cache-Control", "no-store")
	return reply.JSON(w, http.StatusCreated, apitype.SignInLink{URL: link, ExpiresAt: expires.UTC().Truncate(time.Second)})
}

// noTrace keeps an answer about secrets out of caches and Referer headers.
func noTrace(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
}

// localPath returns next when it is a path on this server, else "/".
func localPath(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") ||
		strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\x00\r\n\t") {
		return "/"
	}
	return next
}
