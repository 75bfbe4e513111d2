package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/reply"
)

// Defaults of Config.
const (
	DefaultRunsPerMinute = 60 // two people who edit and run, or a class that now and then does
	DefaultBurst         = 30 // a class behind one address that starts at the teacher's word
)

// touchInterval is how exactly the last use of a key is known.
const touchInterval = time.Minute

// Config says how a Guard decides.
type Config struct {
	Store          sandbox.CredentialStore
	PublicURL      *url.URL       // where browsers reach the server; https makes cookies secure
	Open           bool           // anyone may run programs, within the rate below
	RunsPerMinute  int            // of one address on an open server; 0 means DefaultRunsPerMinute
	Burst          int            // runs that an address may start at once; 0 means DefaultBurst
	TrustedProxies []netip.Prefix // connections from these name the client in X-Forwarded-For
	Log            *slog.Logger   // nil means slog.Default()
}

// Guard recognises callers. It is safe for concurrent use.
type Guard struct {
	store   sandbox.CredentialStore
	open    bool
	secure  bool
	public  *url.URL
	proxies []netip.Prefix
	origins *http.CrossOriginProtection
	rate    *limiter
	links   *links
	lasting lasting
	log     *slog.Logger

	stop context.CancelFunc
	done sync.WaitGroup
}

// New returns a Guard, which sweeps expired sessions and idle limits until
// Close. It fails when PublicURL is not an absolute http or https URL.
func New(cfg Config) (*Guard, error) {
	g := &Guard{
		store:   cfg.Store,
		open:    cfg.Open,
		secure:  cfg.PublicURL.Scheme == "https",
		public:  cfg.PublicURL,
		proxies: cfg.TrustedProxies,
		origins: http.NewCrossOriginProtection(),
		rate:    newLimiter(cmp.Or(cfg.RunsPerMinute, DefaultRunsPerMinute), cmp.Or(cfg.Burst, DefaultBurst)),
		links:   newLinks(),
		log:     cmp.Or(cfg.Log, slog.Default()),
	}
	if err := g.origins.AddTrustedOrigin(cfg.PublicURL.Scheme + "://" + cfg.PublicURL.Host); err != nil {
		return nil, fmt.Errorf("public URL %q: %w", cfg.PublicURL, err)
	}
	ctx, stop := context.WithCancel(context.Background())
	g.stop = stop
	g.done.Go(func() { g.sweep(ctx) })
	return g, nil
}

// Close ends the sweeping and waits for it.
func (g *Guard) Close() {
	g.stop()
	g.done.Wait()
}

// Open reports whether anyone may run programs here.
func (g *Guard) Open() bool { return g.open }

// Identify puts the caller into the context of each request, for From, Runner
// and SignedIn. It refuses nothing itself.
func (g *Guard) Identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(with(r.Context(), g.identify(r))))
	})
}

func (g *Guard) identify(r *http.Request) identity {
	id, err := g.credential(r)
	if err != nil {
		return identity{caller: g.Address(r), err: err}
	}
	if !id.caller.SignedIn() {
		id.caller = g.Address(r)
	}
	return id
}

// credential returns who the request's credential names, and nobody when there
// is none or a session that has ended.
func (g *Guard) credential(r *http.Request) (identity, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, secret, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return identity{}, errNoCredential
		}
		return g.bearer(r.Context(), strings.TrimSpace(secret))
	}
	cookie, err := r.Cookie(g.cookieName())
	if err != nil {
		return identity{}, nil
	}
	id, err := g.session(r.Context(), hash(cookie.Value))
	switch {
	case err != nil && sandbox.KindOf(err) == sandbox.KindUnauthorized:
		return identity{}, nil
	case err == nil && g.origins.Check(r) != nil:
		return identity{}, errCrossOrigin
	}
	return id, err
}

// WithBearer returns ctx as a request with this API key has it: for connections
// that say who they are after they are open. It is a *sandbox.Error of
// KindUnauthorized when nobody owns the key or it has expired.
func (g *Guard) WithBearer(ctx context.Context, secret string) (context.Context, error) {
	id, err := g.bearer(ctx, secret)
	if err != nil {
		return ctx, err
	}
	return with(ctx, id), nil
}

func (g *Guard) bearer(ctx context.Context, secret string) (identity, error) {
	key, err := g.keyByHash(ctx, hash(secret))
	if err != nil {
		return identity{}, err
	}
	g.touch(ctx, key)
	return identity{caller: Caller{ID: "key:" + key.ID, Kind: KindKey}, key: &key, hash: key.Hash, guard: g}, nil
}

// keyByHash returns the API key with this hash: a *sandbox.Error of
// KindUnauthorized when it is not known or has expired.
func (g *Guard) keyByHash(ctx context.Context, sum []byte) (sandbox.APIKey, error) {
	key, err := g.store.APIKeyByHash(ctx, sum)
	switch {
	case err != nil && sandbox.KindOf(err) == sandbox.KindUnauthorized:
		return sandbox.APIKey{}, errUnknownKey
	case err != nil:
		return sandbox.APIKey{}, fmt.Errorf("look up API key: %w", err)
	case !key.ExpiresAt.IsZero() && !time.Now().Before(key.ExpiresAt):
		return sandbox.APIKey{}, errExpiredKey
	}
	return key, nil
}

// touch notes that a key was used. That the note may fail does not stop its user.
func (g *Guard) touch(ctx context.Context, key sandbox.APIKey) {
	now := time.Now()
	if now.Sub(key.LastUsedAt) < touchInterval {
		return
	}
	if err := g.store.TouchAPIKey(ctx, key.ID, now); err != nil && !errors.Is(err, context.Canceled) {
		g.log.WarnContext(ctx, "note the use of an API key", "key", key.ID, "error", err)
	}
}

// Runner lets through callers that may run programs: all on an open server,
// those who signed in on a closed one, with a key that may write sandboxes. A credential that does not count is an
// error on both. The rate is not counted here: see Allow.
func (g *Guard) Runner(h reply.Handler) reply.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := g.CheckRunner(r.Context()); err != nil {
			return err
		}
		return h(w, r)
	}
}

// CheckRunner is Runner's decision for the context of an identified request.
func (g *Guard) CheckRunner(ctx context.Context) error {
	if g.open {
		id, _ := ctx.Value(identityKey{}).(identity)
		return id.err
	}
	return CheckPermission(ctx, WriteSandboxes)
}

// Permitted lets through callers that may do what a permission names.
func (g *Guard) Permitted(permission string, h reply.Handler) reply.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := CheckPermission(r.Context(), permission); err != nil {
			return err
		}
		return h(w, r)
	}
}

// SignedIn lets through callers that proved who they are.
func (g *Guard) SignedIn(h reply.Handler) reply.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := CheckSignedIn(r.Context()); err != nil {
			return err
		}
		return h(w, r)
	}
}

// CheckSignedIn is SignedIn's decision for the context of an identified request.
func CheckSignedIn(ctx context.Context) error {
	id, _ := ctx.Value(identityKey{}).(identity)
	switch {
	case id.err != nil:
		return id.err
	case !id.caller.SignedIn():
		return errNoCredential
	}
	return nil
}

// Allow counts one run of c against its rate: a *sandbox.Error of KindBusy
// with RetryAfter when it is used up. Callers that signed in have no rate of
// their own; the scheduler's queue bounds them.
func (g *Guard) Allow(c Caller) error {
	if c.SignedIn() {
		return nil
	}
	return g.rate.allow(c.ID, time.Now())
}

// SameOrigin refuses unsafe requests that a page of another origin made, with
// a *sandbox.Error of KindForbidden: for forms of pages, whatever the caller.
func (g *Guard) SameOrigin(r *http.Request) error {
	if err := g.origins.Check(r); err != nil {
		return &sandbox.Error{Kind: sandbox.KindForbidden, Message: "this request came from a page of another site", Err: err}
	}
	return nil
}

// Address returns the caller that r is without any credential.
func (g *Guard) Address(r *http.Request) Caller {
	return Caller{ID: "address:" + clientAddress(r, g.proxies), Kind: KindAddress}
}

// ClientIP returns the address of the client of r: the connection's, or the one
// that a trusted proxy names.
func (g *Guard) ClientIP(r *http.Request) string { return clientIP(r, g.proxies) }

// OwnPage reports whether no page, or a page of this server, made r. Browsers
// hold no same-origin rule over WebSockets, so the Origin header is all there
// is to tell by. A proxy may have ended TLS, so the scheme does not count.
func (g *Guard) OwnPage(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && (strings.EqualFold(u.Host, r.Host) || strings.EqualFold(u.Host, g.public.Host))
}
