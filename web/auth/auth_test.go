package auth_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/web/auth"
	"sandpiper/web/reply"
)

const key = "the-key"

// newGuard returns a guard and its store, which knows key as k1.
func newGuard(t *testing.T, change func(*auth.Config)) (*auth.Guard, *sandboxtest.CredentialStore) {
	t.Helper()
	store := &sandboxtest.CredentialStore{}
	sum := sha256.Sum256([]byte(key))
	if err := store.PutAPIKey(t.Context(), sandbox.APIKey{ID: "k1", Hash: sum[:], CreatedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	cfg := auth.Config{Store: store, PublicURL: &url.URL{Scheme: "http", Host: "sandpiper.test"}, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg)
	}
	g, err := auth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g, store
}

// site serves the guard's pages and two guarded paths.
func site(g *auth.Guard) http.Handler {
	mux := http.NewServeMux()
	page := func(w http.ResponseWriter, _ *http.Request, next string, problem *sandbox.Error) error {
		if problem != nil {
			w.WriteHeader(reply.Status(problem.Kind))
			_, _ = io.WriteString(w, problem.Message)
			return nil
		}
		_, _ = io.WriteString(w, "form for "+next)
		return nil
	}
	g.RegisterPages(mux, page, reply.WriteError)
	g.RegisterAPI(mux)
	who := func(w http.ResponseWriter, r *http.Request) error {
		_, err := io.WriteString(w, auth.From(r.Context()).ID)
		return err
	}
	mux.Handle("/runner", g.Runner(who))
	mux.Handle("/signedin", g.SignedIn(who))
	return g.Identify(mux)
}

// request makes a request from 192.0.2.1 with pairs of headers.
func request(t *testing.T, method, target, body string, headers ...string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	r.Host = "sandpiper.test"
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func serve(h http.Handler, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func bodyOf(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// signIn signs a browser in by a one-time link and returns its cookie.
func signIn(t *testing.T, g *auth.Guard, h http.Handler) *http.Cookie {
	t.Helper()
	link, _ := g.SignInURL()
	res := serve(h, request(t, "GET", link, ""))
	if res.StatusCode != http.StatusSeeOther || len(res.Cookies()) != 1 {
		t.Fatalf("sign in: %s, cookies %v", res.Status, res.Cookies())
	}
	return res.Cookies()[0]
}

func TestWhoIsLetThrough(t *testing.T) {
	g, _ := newGuard(t, nil)
	open, _ := newGuard(t, func(c *auth.Config) { c.Open = true })
	h, openSite := site(g), site(open)
	cookie := signIn(t, g, h).String()
	openCookie := signIn(t, open, openSite).String()
	tests := []struct {
		name     string
		headers  []string
		runner   int // status on a closed server
		open     int // and on an open one
		signedIn int
		id       string // a prefix of the caller's
	}{
		{"nobody", nil, 401, 200, 401, "address:192.0.2.1"},
		{"a key", []string{"Authorization", "Bearer " + key}, 200, 200, 200, "key:k1"},
		{"a key, scheme in small letters", []string{"Authorization", "bearer  " + key}, 200, 200, 200, "key:k1"},
		{"a wrong key", []string{"Authorization", "Bearer x" + key}, 401, 401, 401, ""},
		{"no scheme", []string{"Authorization", key}, 401, 401, 401, ""},
		{"another scheme", []string{"Authorization", "Basic eDp5"}, 401, 401, 401, ""},
		{"a session", []string{"Cookie", "its"}, 200, 200, 200, "session:"},
		{"a session that is none", []string{"Cookie", "sandpiper=nope"}, 401, 200, 401, "address:"},
		{"a cookie by another name", []string{"Cookie", "__Host-sandpiper=nope"}, 401, 200, 401, "address:"},
		{"a wrong key beside a session", []string{"Cookie", "its", "Authorization", "Bearer nope"}, 401, 401, 401, ""},
		{"a session from our page", []string{"Cookie", "its", "Sec-Fetch-Site", "same-origin"}, 200, 200, 200, "session:"},
		{"a session from another site", []string{"Cookie", "its", "Sec-Fetch-Site", "cross-site"}, 403, 403, 403, ""},
		{"a session from a sibling site", []string{"Cookie", "its", "Sec-Fetch-Site", "same-site"}, 403, 403, 403, ""},
		{"a session, old browser, another origin", []string{"Cookie", "its", "Origin", "https://evil.example"}, 403, 403, 403, ""},
		{"a session, old browser, opaque origin", []string{"Cookie", "its", "Origin", "null"}, 403, 403, 403, ""},
		{"a key from another site", []string{"Authorization", "Bearer " + key, "Sec-Fetch-Site", "cross-site"}, 200, 200, 200, "key:k1"},
		{"nobody from another site", []string{"Sec-Fetch-Site", "cross-site"}, 401, 200, 401, "address:"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, c := range []struct {
				site   http.Handler
				path   string
				cookie string
				want   int
			}{{h, "/runner", cookie, tt.runner}, {openSite, "/runner", openCookie, tt.open}, {h, "/signedin", cookie, tt.signedIn}} {
				headers := append([]string{}, tt.headers...)
				for i, v := range headers {
					if v == "its" {
						headers[i] = strings.Split(c.cookie, ";")[0]
					}
				}
				res := serve(c.site, request(t, "POST", c.path, "", headers...))
				if res.StatusCode != c.want {
					t.Errorf("%s: got %d, want %d", c.path, res.StatusCode, c.want)
				}
				if body := bodyOf(t, res); res.StatusCode == 200 && !strings.HasPrefix(body, tt.id) {
					t.Errorf("%s: caller %q", c.path, body)
				}
			}
		})
	}
}

// TestWhatWaitsStandsInTheLineOfItsCaller looks at whose work a request is: that of
// one key, though all keys have one organization.
func TestWhatWaitsStandsInTheLineOfItsCaller(t *testing.T) {
	g, _ := newGuard(t, nil)
	var caller auth.Caller
	var client string
	h := g.Identify(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		caller, client = auth.From(r.Context()), sandbox.ClientOf(r.Context())
	}))
	for _, header := range []string{"Bearer " + key, ""} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", header)
		h.ServeHTTP(httptest.NewRecorder(), r)
		if client == "" || client != caller.ID {
			t.Errorf("the work of %s stands in the line %q", caller.ID, client)
		}
	}
}

func TestSafeRequestsOfOtherSitesMayCarryASession(t *testing.T) {
	g, _ := newGuard(t, nil)
	h := site(g)
	cookie := signIn(t, g, h)
	res := serve(h, request(t, "GET", "/signedin", "", "Cookie", cookie.Name+"="+cookie.Value, "Sec-Fetch-Site", "cross-site"))
	if res.StatusCode != 200 { // a link on another site leads to a signed-in page
		t.Errorf("got %s", res.Status)
	}
}

// countingStore counts how often the use of a key is noted.
type countingStore struct {
	*sandboxtest.CredentialStore
	touched int
	err     error
}

func (s *countingStore) TouchAPIKey(ctx context.Context, id string, at time.Time) error {
	s.touched++
	return s.CredentialStore.TouchAPIKey(ctx, id, at)
}

func (s *countingStore) APIKeyByHash(ctx context.Context, hash []byte) (sandbox.APIKey, error) {
	if s.err != nil {
		return sandbox.APIKey{}, s.err
	}
	return s.CredentialStore.APIKeyByHash(ctx, hash)
}

func TestUseOfAKeyIsNotedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &countingStore{}
		g, _ := newGuard(t, func(c *auth.Config) {
			store.CredentialStore = c.Store.(*sandboxtest.CredentialStore)
			c.Store = store
		})
		for range 10 * 60 {
			if _, err := g.WithBearer(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if store.touched < 10 || store.touched > 11 {
			t.Errorf("noted %d times in 10 minutes", store.touched)
		}
	})
}

func TestAStoreThatFailsIsOurFault(t *testing.T) {
	store := &countingStore{err: errors.New("disk on fire")}
	g, _ := newGuard(t, func(c *auth.Config) { c.Store = store; c.Open = true })
	res := serve(site(g), request(t, "GET", "/runner", "", "Authorization", "Bearer "+key))
	if body := bodyOf(t, res); res.StatusCode != 500 || strings.Contains(body, "fire") {
		t.Errorf("got %s %s", res.Status, body)
	}
}

func TestAddresses(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	tests := []struct {
		name, remote string
		forwarded    []string
		want         string
	}{
		{"a connection", "203.0.113.7:1", nil, "203.0.113.7"},
		{"a stranger's header counts for nothing", "203.0.113.7:1", []string{"198.51.100.1"}, "203.0.113.7"},
		{"behind a proxy", "10.0.0.1:1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"behind two", "10.0.0.1:1", []string{"198.51.100.1, 10.2.2.2"}, "198.51.100.1"},
		{"in two headers", "10.0.0.1:1", []string{"192.0.2.99", "198.51.100.1"}, "198.51.100.1"},
		{"what a client made up before it", "10.0.0.1:1", []string{"1.2.3.4, 198.51.100.1"}, "198.51.100.1"},
		{"nonsense before our proxy", "10.0.0.1:1", []string{"nonsense"}, "10.0.0.1"},
		{"nonsense further out", "10.0.0.1:1", []string{"nonsense, 10.9.9.9"}, "10.9.9.9"},
		{"a proxy without the header", "10.0.0.1:1", nil, "10.0.0.1"},
		{"IPv6 counts as its /64", "[2001:db8:1:2:3:4:5:6]:1", nil, "2001:db8:1:2::/64"},
		{"IPv6 with a zone", "[fe80::1%eth0]:1", nil, "fe80::/64"},
		{"IPv4 in IPv6", "[::ffff:203.0.113.7]:1", nil, "203.0.113.7"},
		{"IPv6 behind an IPv6 proxy", "[::1]:1", []string{"2001:db8::1"}, "2001:db8::/64"},
		{"no address at all", "@", nil, "@"},
	}
	g, _ := newGuard(t, func(c *auth.Config) { c.TrustedProxies = proxies })
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := request(t, "GET", "/", "")
			r.RemoteAddr = tt.remote
			for _, f := range tt.forwarded {
				r.Header.Add("X-Forwarded-For", f)
			}
			if got := g.Address(r); got.ID != "address:"+tt.want || got.Kind != auth.KindAddress || got.SignedIn() {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _ := newGuard(t, func(c *auth.Config) { c.RunsPerMinute, c.Burst = 6, 2 })
		a := auth.Caller{ID: "address:a", Kind: auth.KindAddress}
		for i := range 2 {
			if err := g.Allow(a); err != nil {
				t.Fatalf("run %d of the burst: %v", i, err)
			}
		}
		var busy *sandbox.Error
		if err := g.Allow(a); !errors.As(err, &busy) || busy.Kind != sandbox.KindBusy || busy.RetryAfter != 10*time.Second {
			t.Fatalf("got %+v", busy)
		}
		if err := g.Allow(auth.Caller{ID: "address:b", Kind: auth.KindAddress}); err != nil {
			t.Errorf("another address: %v", err)
		}
		for range 100 {
			if err := g.Allow(auth.Caller{ID: "key:k1", Kind: auth.KindKey}); err != nil {
				t.Fatalf("a key: %v", err)
			}
		}
		time.Sleep(busy.RetryAfter)
		if err := g.Allow(a); err != nil {
			t.Errorf("after the wait: %v", err)
		}
	})
}

func TestPublicURLMustBeOne(t *testing.T) {
	if g, err := auth.New(auth.Config{PublicURL: &url.URL{Host: "no-scheme"}}); err == nil {
		g.Close()
		t.Error("accepted")
	}
}

func FuzzAddress(f *testing.F) {
	f.Add("10.0.0.1:1", "198.51.100.1, 10.2.2.2")
	f.Add("[fe80::1%eth0]:1", ",,")
	f.Add("@", "")
	g, err := auth.New(auth.Config{PublicURL: &url.URL{Scheme: "http", Host: "h"}, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(g.Close)
	f.Fuzz(func(t *testing.T, remote, forwarded string) {
		r := &http.Request{RemoteAddr: remote, Header: http.Header{"X-Forwarded-For": {forwarded}}}
		got := strings.TrimPrefix(g.Address(r).ID, "address:")
		if peer, err := netip.ParseAddrPort(remote); err == nil && !netip.MustParsePrefix("10.0.0.0/8").Contains(peer.Addr().Unmap()) {
			r.Header = http.Header{}
			if without := strings.TrimPrefix(g.Address(r).ID, "address:"); without != got {
				t.Errorf("a stranger chose its address: %q instead of %q", got, without)
			}
		}
	})
}

func TestKeysWithLimits(t *testing.T) {
	g, store := newGuard(t, nil)
	put := func(secret string, permissions []string, expires time.Time) {
		t.Helper()
		sum := sha256.Sum256([]byte(secret))
		k := sandbox.APIKey{ID: secret, Hash: sum[:], Permissions: permissions, CreatedAt: time.Now(), ExpiresAt: expires}
		if err := store.PutAPIKey(t.Context(), k); err != nil {
			t.Fatal(err)
		}
	}
	put("reader", []string{}, time.Time{})
	put("writer", []string{auth.WriteSandboxes}, time.Now().Add(time.Hour))
	put("old", nil, time.Now().Add(-time.Second))
	mux := http.NewServeMux()
	mux.Handle("/", site(g))
	mux.Handle("/writes", g.Identify(g.Permitted(auth.WriteSandboxes, func(w http.ResponseWriter, r *http.Request) error {
		k, ok := auth.Key(r.Context())
		if has := auth.Permissions(r.Context()); !ok || len(has) != len(k.Permissions) {
			t.Errorf("key %+v, permissions %v", k, has)
		}
		return nil
	})))
	for _, tt := range []struct {
		key, method, path, body string
		want                    int
	}{
		{"reader", "POST", "/signedin", "", 200},
		{"reader", "POST", "/runner", "", 403},
		{"reader", "POST", "/writes", "", 403},
		{"reader", "POST", "/api/signin-links", "", 403},
		{"reader", "POST", "/signin", "key=reader", 403},
		{"writer", "POST", "/runner", "", 200},
		{"writer", "POST", "/writes", "", 200},
		{"writer", "POST", "/api/signin-links", "", 403},
		{"old", "POST", "/signedin", "", 401},
		{"old", "POST", "/writes", "", 401},
		{"old", "POST", "/signin", "key=old", 401},
		{key, "POST", "/writes", "", 200},
	} {
		res := serve(mux, request(t, tt.method, tt.path, tt.body, "Authorization", "Bearer "+tt.key))
		if res.StatusCode != tt.want {
			t.Errorf("%s %s with %s: got %d, want %d", tt.method, tt.path, tt.key, res.StatusCode, tt.want)
		}
	}
}
