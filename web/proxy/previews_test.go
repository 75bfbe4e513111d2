package proxy_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/web"
	"sandpiper/web/auth"
	"sandpiper/web/preview"
	"sandpiper/web/proxy"
)

// session is the value of the cookie of a browser that has signed in.
const session = "the-session"

// site is a server with previews of one sandbox, whose port 3000 is a test
// server.
type site struct {
	t     *testing.T
	fake  *fake
	app   *httptest.Server // the main listener, as app.test
	paths *httptest.Server // the previews' own
	links *preview.Links
	port  string // of app
	store *sandboxtest.CredentialStore
}

type terminal struct{}

func (terminal) ServePort(w http.ResponseWriter, _ *http.Request, s sandbox.Sandbox) {
	fmt.Fprint(w, "terminal of ", s.Name)
}

// ownApp stands for the pages of the app.
type ownApp struct{}

func (ownApp) Register(mux *http.ServeMux) {
	mux.HandleFunc("/{rest...}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "the app") })
}

func newSite(t *testing.T, inside http.HandlerFunc) *site {
	t.Helper()
	s := &site{t: t}
	server := httptest.NewServer(inside)
	t.Cleanup(server.Close)
	toolbox := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/port" {
			fmt.Fprint(w, `{"ports":[2280,3000,5173]}`)
			return
		}
		echo(w, r)
	}))
	t.Cleanup(toolbox.Close)
	s.fake = &fake{
		toolbox: toolbox, servers: map[int]string{3000: server.Listener.Addr().String()},
		box: sandbox.Sandbox{ID: id, Organization: org, Name: "named", State: sandbox.StateStarted, Incarnation: 1},
	}
	s.serve()
	return s
}

func (s *site) serve() {
	t := s.t
	s.app, s.paths = httptest.NewUnstartedServer(nil), httptest.NewUnstartedServer(nil)
	_, s.port, _ = net.SplitHostPort(s.app.Listener.Addr().String())
	public := &url.URL{Scheme: "http", Host: "app.test:" + s.port}
	store := &sandboxtest.CredentialStore{}
	s.store = store
	sum := sha256.Sum256([]byte(key))
	if err := store.PutAPIKey(t.Context(), sandbox.APIKey{ID: key, Name: key, Hash: sum[:], CreatedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	cookie := sha256.Sum256([]byte(session))
	if err := store.PutSession(t.Context(), sandbox.Session{Hash: cookie[:], CreatedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	guard, err := auth.New(auth.Config{Store: store, PublicURL: public})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(guard.Close)
	where, err := preview.NewSite(preview.Config{Domain: "previews.test", Public: public, Paths: &url.URL{Scheme: "http", Host: s.paths.Listener.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	if s.links, err = preview.NewLinks(t.Context(), s.fake, &sandboxtest.PreviewStore{}); err != nil {
		t.Fatal(err)
	}
	p := proxy.New(proxy.Config{Manager: s.fake, Guard: guard, Organization: org, Errors: writeError, Site: where, Links: s.links, Warn: true,
		Ports: map[int]proxy.PortHandler{sandbox.TerminalPort: terminal{}}})
	cfg := web.Config{Guard: guard, API: []web.Routes{p}, Pages: []web.Routes{proxy.Pages{Proxy: p}, ownApp{}}, Previews: p}
	s.app.Config = web.NewServer(web.New(cfg), quiet).Server
	s.paths.Config = web.NewServer(web.NewPreviews(cfg), quiet).Server
	for _, srv := range []*httptest.Server{s.app, s.paths} {
		srv.Config.ReadTimeout = serverLimit
		srv.Start()
		t.Cleanup(srv.Close)
	}
	t.Cleanup(p.Close)
}

// host is a name below the domain of previews on the main listener.
func (s *site) host(label string) string { return label + ".previews.test:" + s.port }

// get asks the main listener as a host.
func (s *site) get(host, path string, headers ...string) (*http.Response, string) {
	s.t.Helper()
	return s.send("GET", host, path, nil, headers...)
}

func (s *site) send(method, host, path string, body io.Reader, headers ...string) (*http.Response, string) {
	s.t.Helper()
	return do(s.t, method, s.app.URL+path, body, append(headers, "Host", host)...)
}

// sign signs an address of port 3000.
func (s *site) sign(life time.Duration) string {
	s.t.Helper()
	token, err := s.links.Sign(s.fake.box, 3000, life)
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

// browser are the headers of a browser that opens a page.
var browser = []string{"Accept", "text/html,*/*", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Sec-Fetch-Site", "none"}

func with(headers []string, more ...string) []string {
	return append(append([]string(nil), headers...), more...)
}

// seen is what the echoing server got.
func seen(t *testing.T, body string) (got struct {
	Method, URI, Host string
	Headers           http.Header
}) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return got
}

func TestWhoSeesAPreview(t *testing.T) {
	s := newSite(t, echo)
	good, forPort := s.sign(time.Minute), s.sign(time.Minute)
	expired := s.sign(-time.Second)
	ended := s.sign(time.Minute)
	if err := s.links.End(t.Context(), s.fake.box, 3000, ended); err != nil && ended != good {
		t.Fatal(err)
	}
	if ended == good { // signed in the same second
		good = s.sign(2 * time.Minute)
		forPort = good
	}
	const other = "22222222-2222-2222-2222-222222222222"
	for _, tt := range []struct {
		name, label, path string
		header            string
		public            bool
		want              int
	}{
		{"nobody", "3000-" + id, "/", "", false, 401},
		{"nobody, of a sandbox that is not there", "3000-" + other, "/", "", false, 401},
		{"the token", "3000-" + id, "/", "X-Daytona-Preview-Token: preview-1", false, 200},
		{"the token in the query", "3000-" + id, "/?DAYTONA_SANDBOX_AUTH_KEY=preview-1", "", false, 200},
		{"the token of an earlier run", "3000-" + id, "/", "X-Daytona-Preview-Token: preview-0", false, 401},
		{"an empty token", "3000-" + id, "/?DAYTONA_SANDBOX_AUTH_KEY=", "", false, 401},
		{"the token for another sandbox", "3000-" + other, "/", "X-Daytona-Preview-Token: preview-1", false, 401},
		{"a signed address as a token", "3000-" + id, "/", "X-Daytona-Preview-Token: " + good, false, 401},
		{"the token as a signed address", "3000-preview-1", "/", "", false, 401},
		{"a key", "3000-" + id, "/", "Authorization: Bearer " + key, false, 200},
		{"a wrong key", "3000-" + id, "/", "Authorization: Bearer wrong", false, 401},
		{"a session of the app", "3000-" + id, "/", "Cookie: sandpiper=" + session, false, 401},
		{"a forged cookie", "3000-" + id, "/", "Cookie: sandpiper-preview=99999999999.AAAA", false, 401},
		{"a signed address", "3000-" + good, "/", "", false, 200},
		{"in capitals", "3000-" + strings.ToUpper(good), "/", "", false, 200},
		{"for another port", "3001-" + forPort, "/", "", false, 401},
		{"expired", "3000-" + expired, "/", "", false, 401},
		{"ended", "3000-" + ended, "/", "", false, 401},
		{"cut", "3000-" + good[:55], "/", "", false, 401},
		{"everyone", "3000-" + id, "/", "", true, 200},
		{"everyone with a wrong token", "3000-" + id, "/", "X-Daytona-Preview-Token: wrong", true, 200},
		{"everyone at the terminal", "22222-" + id, "/", "", true, 401},
		{"everyone at the toolbox", "2280-" + id, "/files", "", true, 401},
		{"everyone at the recordings", "33333-" + id, "/", "", true, 401},
		{"the token at the terminal", "22222-" + id, "/", "X-Daytona-Preview-Token: preview-1", false, 200},
		{"the token at the toolbox", "2280-" + id, "/files", "X-Daytona-Preview-Token: preview-1", false, 200},
		{"the token at a page that this server has not", "33333-" + id, "/", "X-Daytona-Preview-Token: preview-1", false, 501},
	} {
		s.fake.box.Public = tt.public
		name, value, _ := strings.Cut(tt.header, ": ")
		headers := []string{name, value}
		if name == "" {
			headers = nil
		}
		res, body := s.get(s.host(tt.label), tt.path, headers...)
		if res.StatusCode != tt.want || strings.Contains(body, "the app") {
			t.Errorf("%s: %s %s", tt.name, res.Status, body)
		}
	}
	s.fake.box.Public = false
	_, private := s.get(s.host("3000-"+id), "/")
	if _, none := s.get(s.host("3000-"+other), "/"); none != private {
		t.Errorf("strangers learn what there is: %s and %s", private, none)
	}
}

func TestHostsAreToldApart(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "inside") })
	s.fake.box.Public = true
	for _, tt := range []struct{ name, host, path, want string }{
		{"a preview", s.host("3000-" + id), "/", "inside"},
		{"in capitals with a dot", strings.ToUpper("3000-"+id) + ".Previews.TEST.:" + s.port, "/", "inside"},
		{"the API's path on a preview", s.host("3000-" + id), "/api/health", "inside"},
		{"the toolbox's path on a preview", s.host("3000-" + id), "/toolbox/" + id + "/files", "inside"},
		{"the sign-in's path on a preview", s.host("3000-" + id), "/signin", "inside"},
		{"a path preview's path on a preview", s.host("3000-" + id), "/p/" + id + "/3000/", "inside"},
		{"the app", "app.test:" + s.port, "/", "the app"},
		{"a path preview on the app", "app.test:" + s.port, "/p/" + id + "/3000/", "the app"},
		{"no preview below the domain", s.host("evil"), "/", "There is no preview here"},
		{"two labels", s.host("x.3000-" + id), "/", "There is no preview here"},
		{"a port that is none", s.host("99999-" + id), "/", "There is no preview here"},
		{"an encoded dot", "3000-" + id + "%2epreviews.test", "/", "the app"},
		{"a neighbour of the domain", "3000-" + id + ".notpreviews.test", "/", "the app"},
	} {
		if _, body := s.get(tt.host, tt.path); !strings.Contains(body, tt.want) {
			t.Errorf("%s: %s", tt.name, body)
		}
	}
	for _, tt := range []struct{ name, host, path, want string }{
		{"by a path", s.paths.Listener.Addr().String(), "/p/" + id + "/3000/", "inside"},
		{"by a host", "3000-" + id + ".previews.test", "/", "inside"},
		{"the app", "app.test", "/", "There is no preview here"},
		{"the API", s.paths.Listener.Addr().String(), "/api/health", "There is no preview here"},
		{"sign-in", "app.test", "/signin", "There is no preview here"},
	} {
		if _, body := do(t, "GET", s.paths.URL+tt.path, nil, "Host", tt.host); !strings.Contains(body, tt.want) {
			t.Errorf("the previews' own listener, %s: %s", tt.name, body)
		}
	}
}

// raw sends a request as it is written and returns the answer.
func raw(t *testing.T, address, text string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(conn)
	return string(b)
}

func TestRequestsThatAreTricks(t *testing.T) {
	s := newSite(t, echo)
	s.fake.box.Public = true
	host := s.host("3000-" + id)
	for _, tt := range []struct{ name, request, want string }{
		{"an absolute URI names the host", "GET http://" + host + "/x HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n", `"uri":"/x"`},
		{"an absolute URI of the app", "GET http://app.test/x HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n", "the app"},
		{"two hosts", "GET / HTTP/1.1\r\nHost: " + host + "\r\nHost: app.test\r\nConnection: close\r\n\r\n", "400 Bad Request"},
		{"no host", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "400 Bad Request"},
		{"two lengths", "POST / HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 1\r\nContent-Length: 2\r\nConnection: close\r\n\r\nxx", "400 Bad Request"},
		{"a folded header", "GET / HTTP/1.1\r\nHost: " + host + "\r\nX-A: b\r\n c\r\nTransfer-Encoding : chunked\r\nConnection: close\r\n\r\n", "400 Bad Request"},
		{"an encoding that is none", "POST / HTTP/1.1\r\nHost: " + host + "\r\nTransfer-Encoding: xchunked\r\nConnection: close\r\n\r\n0\r\n\r\n", "501 "},
		{"CONNECT to elsewhere", "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n", "404 "},
		{"CONNECT to a preview", "CONNECT " + host + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n", "no proxies"},
		{"no path", "OPTIONS * HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n", "HTTP/1.1 "},
		{"headers without end", "GET / HTTP/1.1\r\nHost: " + host + "\r\nX-A: " + strings.Repeat("a", 80<<10) + "\r\nConnection: close\r\n\r\n", "431 "},
	} {
		got := raw(t, s.app.Listener.Addr().String(), tt.request)
		if !strings.Contains(got, tt.want) {
			t.Errorf("%s: %s", tt.name, got)
		}
	}
	// A length beside an encoding: what reaches the server inside has the body of
	// the one that counts, and what comes after it is a request of its own.
	got := raw(t, s.app.Listener.Addr().String(), "POST /one HTTP/1.1\r\nHost: "+host+"\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /two HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n")
	if strings.Count(got, "HTTP/1.1 200 OK") != 2 || strings.Contains(got, `"Content-Length":["4"]`) {
		t.Errorf("a smuggled request: %s", got)
	}
}

func TestWhatAServerInsideGetsToSee(t *testing.T) {
	s := newSite(t, echo)
	host := s.host("3000-" + id)
	res, body := s.send("POST", host, "/a%2Fb/../c?x=;&DAYTONA_SANDBOX_AUTH_KEY=no&y=%20", strings.NewReader("x"),
		"X-Daytona-Preview-Token", "preview-1", "Authorization", "Basic YTpi", "X-Daytona-Skip-Preview-Warning", "true", "X-Daytona-Organization-ID", org,
		"X-Sandpiper-Toolbox-Token", "forged", "Cookie", "a=b; sandpiper=secret; __Host-sandpiper=secret; Sandpiper-Preview=secret; daytona-preview-page-accepted=true; c=\"d e\"",
		"Connection", "X-Secret", "X-Secret", "hop", "X-Forwarded-Host", "mine.test", "X-Forwarded-Proto", "https", "X-Forwarded-For", "1.2.3.4", "Forwarded", "for=1", "Upgrade", "h2c", "User-Agent", "test")
	got := seen(t, body)
	want := http.Header{
		"Authorization": {"Basic YTpi"}, "Cookie": {`a=b; c="d e"`}, "Content-Length": {"1"}, "Accept-Encoding": {"gzip"}, "User-Agent": {"test"},
		"X-Forwarded-Host": {"mine.test"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-For": {"1.2.3.4, 127.0.0.1"},
	}
	if res.StatusCode != 200 || got.URI != "/a%2Fb/../c?x=;&y=%20" || got.Host != "localhost:3000" || fmt.Sprint(got.Headers) != fmt.Sprint(want) {
		t.Errorf("got %+v\nwant %v", got, want)
	}
	_, body = s.get(host, "/", "Authorization", "Bearer "+key, "Host", host)
	if got := seen(t, body); got.Headers.Get("Authorization") != "" || got.Headers.Get("X-Forwarded-Host") != host {
		t.Errorf("with a key: %+v", got)
	}
	s.fake.box.Public = true
	for _, tt := range []struct{ name, origin, wantOrigin, wantHost string }{
		{"none", "", "", host},
		{"its own", "http://" + host, "http://localhost:3000", "localhost:3000"},
		{"another port of the sandbox", "http://" + s.host("8000-"+id), "http://localhost:8000", host},
		{"another site", "https://evil.test", "https://evil.test", host},
		{"another sandbox", "http://" + s.host("3000-22222222-2222-2222-2222-222222222222"), "http://" + s.host("3000-22222222-2222-2222-2222-222222222222"), host},
	} {
		headers := []string{"X-Forwarded-Host", "forged.test", "Authorization", "Bearer of the app's own", "Cookie", "a=b"}
		if tt.origin != "" {
			headers = append(headers, "Origin", tt.origin)
		}
		_, body := s.get(host, "/", headers...)
		got := seen(t, body)
		if got.Headers.Get("Origin") != tt.wantOrigin || got.Headers.Get("X-Forwarded-Host") != tt.wantHost || got.Headers.Get("Authorization") != "Bearer of the app's own" {
			t.Errorf("origin %s: %v", tt.name, got.Headers)
		}
		if neighbour := tt.name == "another sandbox"; (got.Headers.Get("Cookie") == "") != neighbour {
			t.Errorf("origin %s: cookies %q", tt.name, got.Headers.Get("Cookie"))
		}
	}
}

func TestWhatAServerInsideMayAnswer(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		for _, line := range []string{"plain=1; Path=/x; HttpOnly", "wide=2; Domain=previews.test; SameSite=None; Secure", "all=3; domain=.test",
			"sandpiper=evil", "__Host-sandpiper=evil; Path=/; Secure", "sandpiper-preview=evil", "DAYTONA-preview-page-accepted=true", "=sandpiper=evil", "nameless", " sandpiper =evil"} {
			h.Add("Set-Cookie", line)
		}
		h.Set("Location", r.URL.Query().Get("to"))
		h.Set("Alt-Svc", `h2="evil.test:443"`)
		h.Set("Content-Security-Policy", "default-src 'self'")
		h.Set("Www-Authenticate", `Basic realm="mine"`)
		h.Set("Access-Control-Allow-Origin", "http://localhost:3000")
		w.WriteHeader(302)
	})
	s.fake.box.Public = true
	host := s.host("3000-" + id)
	res, _ := s.get(host, "/")
	want := []string{"plain=1; Path=/x; HttpOnly", "wide=2; SameSite=None; Secure", "all=3"}
	if got := res.Header["Set-Cookie"]; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("cookies %q", got)
	}
	if h := res.Header; h.Get("Alt-Svc") != "" || h.Get("Content-Security-Policy") != "default-src 'self'" || h.Get("Www-Authenticate") == "" {
		t.Errorf("headers %v", h)
	}
	for to, want := range map[string]string{
		"/next?a=b":                     "/next?a=b",
		"next":                          "next",
		"http://localhost:3000/a?b#c":   "http://" + host + "/a?b#c",
		"http://127.0.0.1:3000":         "http://" + host + "/",
		"//localhost:3000/a":            "http://" + host + "/a",
		"http://localhost:3000//evil/":  "http://" + host + "//evil/",
		"http://localhost:8000/a":       "http://" + s.host("8000-"+id) + "/a",
		"http://localhost/":             "http://" + s.host("80-"+id) + "/",
		"https://elsewhere.test/":       "https://elsewhere.test/",
		"http://localhost.evil:3000/a":  "http://localhost.evil:3000/a",
		"http://localhost:99999/":       "http://localhost:99999/",
		"javascript:alert(1)":           "javascript:alert(1)",
		"http://user@localhost:3000/ab": "http://" + host + "/ab",
	} {
		if res, _ := s.get(host, "/?to="+url.QueryEscape(to)); res.Header.Get("Location") != want {
			t.Errorf("to %s: %s, want %s", to, res.Header.Get("Location"), want)
		}
	}
	res, _ = do(t, "GET", s.paths.URL+"/p/"+id+"/3000/?to=/next", nil)
	if h := res.Header; h.Get("Location") != "/p/"+id+"/3000/next" || h["Set-Cookie"][0] != "plain=1; Path=/p/"+id+"/3000/x; HttpOnly" ||
		len(h["Content-Security-Policy"]) != 2 || !strings.HasPrefix(h["Content-Security-Policy"][1], "sandbox ") || strings.Contains(h["Content-Security-Policy"][1], "allow-same-origin") {
		t.Errorf("below a path: %v", h)
	}
}

func TestABrowserIsLedInAndWarned(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "inside ", r.Header.Get("Cookie")) })
	host := s.host("3000-" + id)
	res, _ := s.get(host, "/a?b=c", browser...)
	ask, err := url.Parse(res.Header.Get("Location"))
	if err != nil || res.StatusCode != 303 || ask.Host != "app.test:"+s.port || ask.Path != "/preview/authorize" {
		t.Fatalf("%s %v", res.Status, res.Header)
	}
	res, _ = s.get(ask.Host, ask.RequestURI(), browser...)
	if !strings.HasPrefix(res.Header.Get("Location"), "/signin?next=%2Fpreview%2Fauthorize") {
		t.Errorf("not signed in: %s %v", res.Status, res.Header)
	}
	res, body := s.get(ask.Host, ask.RequestURI(), with(browser, "Cookie", "sandpiper="+session)...)
	enter, err := url.Parse(res.Header.Get("Location"))
	if err != nil || enter.Host != host || enter.Query().Get("next") != "/a?b=c" {
		t.Fatalf("%s %v %s", res.Status, res.Header, body)
	}
	for name, other := range map[string]string{"another port": s.host("3001-" + id), "a signed host": s.host("3000-" + s.sign(time.Minute))} {
		if res, _ := s.get(other, enter.RequestURI(), browser...); res.StatusCode != 401 || len(res.Cookies()) > 0 {
			t.Errorf("the code lets in at %s: %s", name, res.Status)
		}
	}
	res, _ = s.get(ask.Host, ask.RequestURI(), with(browser, "Cookie", "sandpiper="+session)...)
	enter, _ = url.Parse(res.Header.Get("Location"))
	res, _ = s.get(host, enter.RequestURI(), browser...)
	cookies := res.Cookies()
	if res.Header.Get("Location") != "http://"+host+"/a?b=c" || len(cookies) != 1 || cookies[0].Domain != "" || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteLaxMode || cookies[0].Path != "/" {
		t.Fatalf("%s %v", res.Status, res.Header)
	}
	if again, _ := s.get(host, enter.RequestURI(), browser...); again.StatusCode != 401 {
		t.Errorf("the code is good twice: %s", again.Status)
	}
	pass := cookies[0].Name + "=" + cookies[0].Value
	res, body = s.get(host, "/a?b=c", with(browser, "Cookie", pass)...)
	if !strings.Contains(body, "comes from a sandbox") || !strings.Contains(body, `value="/a?b=c"`) || strings.Contains(body, "inside") {
		t.Errorf("no warning: %s %s", res.Status, body)
	}
	res, _ = s.send("POST", host, "/.sandpiper/accept", strings.NewReader("next=%2Fa%3Fb%3Dc"), "Content-Type", "application/x-www-form-urlencoded", "Origin", "http://"+host)
	accepted := res.Cookies()
	if len(accepted) != 1 || accepted[0].Name != "daytona-preview-page-accepted" || accepted[0].MaxAge != 86400 || res.Header.Get("Location") != "http://"+host+"/a?b=c" {
		t.Errorf("%s %v", res.Status, res.Header)
	}
	if _, body = s.get(host, "/a", with(browser, "Cookie", pass+"; own=1; daytona-preview-page-accepted=true")...); body != "inside own=1" {
		t.Errorf("after the warning: %s", body)
	}
	s.fake.box.State, s.fake.err = sandbox.StateStopped, sandbox.Errorf(sandbox.KindConflict, "not started")
	if _, body = s.get(host, "/a", with(browser, "Cookie", pass+"; daytona-preview-page-accepted=true")...); !strings.Contains(body, `href="http://app.test:`+s.port+"/sandboxes/"+id+`"`) {
		t.Errorf("a stopped sandbox cannot be found from its preview: %s", body)
	}
	s.fake.box.State, s.fake.err = sandbox.StateStarted, nil
	s.passesAreNarrow(host, pass)
	s.codesGoNowhereElse()
	s.passesEndWithTheSession(host, pass)
}

// passesEndWithTheSession holds that signing out of the app signs out of
// previews, and that no cookie says of itself that it needs no session.
func (s *site) passesEndWithTheSession(host, pass string) {
	s.t.Helper()
	name, value, _ := strings.Cut(pass, "=")
	end, rest, _ := strings.Cut(value, ".")
	_, mac, _ := strings.Cut(rest, ".")
	if res, _ := s.get(host, "/", "Cookie", name+"="+end+".."+mac); res.StatusCode != 401 {
		s.t.Errorf("a cookie without its session: %s", res.Status)
	}
	if res, _ := s.get(host, "/", "Cookie", pass); res.StatusCode != 200 {
		s.t.Errorf("while the session lives: %s", res.Status)
	}
	sum := sha256.Sum256([]byte(session))
	if err := s.store.DeleteSession(s.t.Context(), sum[:]); err != nil {
		s.t.Fatal(err)
	}
	if res, _ := s.get(host, "/", "Cookie", pass); res.StatusCode != 401 {
		s.t.Errorf("the cookie outlives the session: %s", res.Status)
	}
}

// socketEndsWith holds that a WebSocket of a preview, which credential lets in,
// ends when that does.
func (s *site) socketEndsWith(credential http.Header, end func()) {
	s.t.Helper()
	ws, _, err := websocket.Dial(s.t.Context(), "ws"+strings.TrimPrefix(s.app.URL, "http")+"/", &websocket.DialOptions{Host: s.host("3000-" + id), HTTPHeader: credential})
	if err != nil {
		s.t.Fatal(err)
	}
	defer ws.CloseNow()
	end()
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	if _, _, err := ws.Read(ctx); err == nil || ctx.Err() != nil {
		s.t.Errorf("the connection outlives what let it in: %v", err)
	}
}

func TestWebSocketsOfPreviewsEndWithTheirCredential(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
		if err != nil {
			return
		}
		defer ws.CloseNow()
		_, _, _ = ws.Read(r.Context())
	})
	browser := []string{"Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}
	to := "http://" + s.host("3000-"+id) + "/"
	res, _ := s.get("app.test:"+s.port, "/preview/authorize?to="+url.QueryEscape(to), with(browser, "Cookie", "sandpiper="+session)...)
	way, err := res.Location()
	if err != nil {
		t.Fatal(err)
	}
	res, _ = s.get(way.Host, way.RequestURI(), browser...)
	if len(res.Cookies()) != 1 {
		t.Fatalf("got %s", res.Status)
	}
	pass := res.Cookies()[0]
	s.socketEndsWith(http.Header{"Cookie": {pass.Name + "=" + pass.Value}}, func() {
		sum := sha256.Sum256([]byte(session))
		if err := s.store.DeleteSession(t.Context(), sum[:]); err != nil {
			t.Fatal(err)
		}
	})
	s.socketEndsWith(http.Header{"Authorization": {"Bearer " + key}}, func() {
		if err := s.store.DeleteAPIKey(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	})
}

// passesAreNarrow holds that the cookie of a visitor is for one port, one run
// and the sandbox's own pages.
func (s *site) passesAreNarrow(host, pass string) {
	s.t.Helper()
	for _, tt := range []struct {
		name, host string
		headers    []string
		want       int
	}{
		{"a page of its own", host, []string{"Origin", "http://" + host, "Sec-Fetch-Site", "same-origin"}, 200},
		{"another port of the sandbox", host, []string{"Origin", "http://" + s.host("8000-"+id), "Sec-Fetch-Site", "same-site"}, 200},
		{"a neighbour", host, []string{"Origin", "http://" + s.host("3000-22222222-2222-2222-2222-222222222222"), "Sec-Fetch-Site", "same-site"}, 401},
		{"a neighbour's image", host, []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}, 401},
		{"an opaque origin", host, []string{"Origin", "null"}, 401},
		{"the app", host, []string{"Origin", "http://app.test:" + s.port}, 401},
		{"another port", s.host("3001-" + id), nil, 401},
		{"the terminal", s.host("22222-" + id), nil, 401},
		{"the toolbox", s.host("2280-" + id), nil, 401},
	} {
		if res, body := s.get(tt.host, "/", with(tt.headers, "Cookie", pass)...); res.StatusCode != tt.want {
			s.t.Errorf("the cookie with %s: %s %s", tt.name, res.Status, body)
		}
	}
	s.fake.box.Incarnation++
	if res, _ := s.get(host, "/", "Cookie", pass); res.StatusCode != 401 {
		s.t.Errorf("the cookie outlives the run: %s", res.Status)
	}
	s.fake.box.Incarnation--
}

// codesGoNowhereElse holds that the app sends nobody but to previews of the
// user's own sandboxes.
func (s *site) codesGoNowhereElse() {
	s.t.Helper()
	for to, want := range map[string]int{
		"http://evil.test/": 400, "//evil.test": 400, "http://app.test/": 400, "": 400, "javascript:alert(1)": 400,
		"http://" + s.host("3000-22222222-2222-2222-2222-222222222222") + "/": 404,
		"http://" + s.host("3000-named") + "/":                                404,
		"http://" + s.host("3000-"+id) + "@evil.test/":                        400,
	} {
		res, body := s.get("app.test:"+s.port, "/preview/authorize?to="+url.QueryEscape(to), with(browser, "Cookie", "sandpiper="+session)...)
		if res.StatusCode != want || res.Header.Get("Location") != "" {
			s.t.Errorf("to %q: %s %v %s", to, res.Status, res.Header, body)
		}
	}
	res, _ := s.send("POST", s.host("3000-"+id), "/.sandpiper/accept", strings.NewReader("next=/"), "Content-Type", "application/x-www-form-urlencoded", "Origin", "http://evil.test")
	if res.StatusCode != 403 || len(res.Cookies()) > 0 {
		s.t.Errorf("another site accepts the warning: %s", res.Status)
	}
	for _, next := range []string{"//evil.test/", "http://evil.test/", `/\evil.test`, "evil", ""} {
		res, _ := s.send("POST", s.host("3000-"+id), "/.sandpiper/accept", strings.NewReader("next="+url.QueryEscape(next)), "Content-Type", "application/x-www-form-urlencoded")
		if l := res.Header.Get("Location"); !strings.HasPrefix(l, "http://"+s.host("3000-"+id)+"/") {
			s.t.Errorf("accepted, and on to %q: %s", next, l)
		}
	}
}

func TestTheTokenLeavesTheAddress(t *testing.T) {
	s := newSite(t, echo)
	host := s.host("3000-" + id)
	res, _ := s.get(host, "//evil.test/x?a=1&DAYTONA_SANDBOX_AUTH_KEY=preview-1&b=2", browser...)
	if res.StatusCode != 303 || res.Header.Get("Location") != "http://"+host+"//evil.test/x?a=1&b=2" || len(res.Cookies()) != 1 {
		t.Errorf("%s %v", res.Status, res.Header)
	}
	if res, _ := s.get(host, "/", "Cookie", res.Cookies()[0].Name+"="+res.Cookies()[0].Value); res.StatusCode != 200 {
		t.Errorf("the cookie does not let in: %s", res.Status)
	}
	res, _ = do(t, "GET", s.paths.URL+"/p/"+id+"/3000/x?DAYTONA_SANDBOX_AUTH_KEY=preview-1", nil, browser...)
	location := res.Header.Get("Location")
	if !strings.HasSuffix(location, "/3000/x") || strings.Contains(location, "preview-1") || len(res.Cookies()) != 0 {
		t.Fatalf("by a path: %s %v", res.Status, res.Header)
	}
	if res, body := do(t, "GET", location, nil); res.StatusCode != 200 || seen(t, body).URI != "/x" || seen(t, body).Headers.Get("X-Forwarded-Prefix") == "" {
		t.Errorf("the path does not let in: %s %s", res.Status, body)
	}
	if _, body := do(t, "GET", strings.TrimSuffix(location, "x")+"../../"+id+"/8000/", nil, "Host", "127.0.0.1"); strings.Contains(body, "8000") && strings.Contains(body, `"host":"localhost:8000"`) {
		t.Errorf("a path leads out of its preview: %s", body)
	}
}

func TestPagesOfOtherOrigins(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "http://mine.test")
		fmt.Fprint(w, "inside")
	})
	host := s.host("3000-" + id)
	preflight := []string{"Origin", "http://evil.test", "Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "x-daytona-preview-token"}
	res, _ := s.send("OPTIONS", host, "/", nil, preflight...)
	if h := res.Header; res.StatusCode != 204 || h.Get("Access-Control-Allow-Origin") != "http://evil.test" || h.Get("Access-Control-Allow-Credentials") != "true" || h.Get("Access-Control-Allow-Headers") != "x-daytona-preview-token" {
		t.Errorf("%s %v", res.Status, res.Header)
	}
	for _, port := range []string{"22222-", "33333-"} {
		if res, _ := s.send("OPTIONS", s.host(port+id), "/", nil, preflight...); res.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("our own page %s lets other origins in: %v", port, res.Header)
		}
	}
	s.fake.box.Public = true
	res, _ = s.get(host, "/", "Origin", "http://evil.test")
	if h := res.Header; h.Get("Access-Control-Allow-Origin") != "http://evil.test" || h.Get("Access-Control-Allow-Credentials") != "true" || !strings.Contains(h.Get("Vary"), "Origin") {
		t.Errorf("%v", h)
	}
	res, _ = s.get(host, "/", "Origin", "http://"+s.host("3000-22222222-2222-2222-2222-222222222222"))
	if res.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("a neighbour reads with the visitor's cookies: %v", res.Header)
	}
	res, _ = s.get(host, "/", "Origin", "http://evil.test", "X-Daytona-Disable-CORS", "true")
	if res.Header.Get("Access-Control-Allow-Origin") != "http://mine.test" {
		t.Errorf("the app's own answer: %v", res.Header)
	}
}

func TestWhyThereIsNoAnswer(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, _ := http.NewResponseController(w).Hijack()
		conn.Close()
	})
	for _, tt := range []struct {
		name, label string
		state       sandbox.State
		public      bool
		status      int
		say         []string
		hide        string
	}{
		{"nothing listens", "4000-", sandbox.StateStarted, false, 502, []string{"Nothing listens on port 4000", "Port 5173 listens", "5173-" + id}, "Port 2280"},
		{"nothing listens, for strangers", "4000-", sandbox.StateStarted, true, 502, []string{"Nothing listens on port 4000"}, "5173"},
		{"no HTTP", "3000-", sandbox.StateStarted, false, 502, []string{"Port 3000 gave no answer"}, "EOF"},
		{"stopped", "3000-", sandbox.StateStopped, false, 503, []string{"The sandbox is stopped", "sandpiper.start-on-visit"}, "/sandboxes/"},
		{"archived", "3000-", sandbox.StateArchived, false, 503, []string{"The sandbox is archived"}, ""},
		{"failed", "3000-", sandbox.StateError, false, 503, []string{"The sandbox has failed", "the reason"}, ""},
		{"failed, for strangers", "3000-", sandbox.StateError, true, 503, []string{"The sandbox has failed"}, "the reason"},
		{"stopping", "3000-", sandbox.StateStopping, false, 503, []string{"is stopping", `http-equiv="refresh"`}, ""},
	} {
		s.fake.box.State, s.fake.box.Public, s.fake.box.ErrorReason, s.fake.err = tt.state, tt.public, "the reason", nil
		if tt.state != sandbox.StateStarted {
			s.fake.err = sandbox.Errorf(sandbox.KindConflict, "not started")
		}
		token := "preview-1"
		if tt.public {
			token = ""
		}
		headers := []string{"X-Daytona-Preview-Token", token, "Accept", "text/html", "X-Daytona-Skip-Preview-Warning", "true"}
		res, body := s.get(s.host(tt.label+id), "/", headers...)
		if res.StatusCode != tt.status || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") || !strings.Contains(res.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %s %v", tt.name, res.Status, res.Header)
		}
		for _, say := range tt.say {
			if !strings.Contains(body, say) {
				t.Errorf("%s: %q is not said in %s", tt.name, say, body)
			}
		}
		if tt.hide != "" && strings.Contains(body, tt.hide) {
			t.Errorf("%s: %q is said", tt.name, tt.hide)
		}
		res, body = s.get(s.host(tt.label+id), "/", "X-Daytona-Preview-Token", token)
		var said struct {
			StatusCode int
			Message    string
		}
		if err := json.Unmarshal([]byte(body), &said); err != nil || said.StatusCode != tt.status || res.StatusCode != tt.status || !strings.Contains(said.Message, tt.say[0]) {
			t.Errorf("%s, to a program: %s %s", tt.name, res.Status, body)
		}
	}
}

func TestThereIsNoSandbox(t *testing.T) {
	s := newSite(t, func(http.ResponseWriter, *http.Request) {})
	gone := url.QueryEscape("http://" + s.host("3000-22222222-2222-2222-2222-222222222222") + "/")
	res, body := s.get("app.test:"+s.port, "/preview/authorize?to="+gone, with(browser, "Cookie", "sandpiper="+session)...)
	if res.StatusCode != 404 || !strings.Contains(body, "There is no such sandbox") || !strings.Contains(body, "may have been deleted") || strings.Contains(body, "there is no such") {
		t.Errorf("%s: %s", res.Status, body)
	}
}

func TestAVisitStartsASandbox(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "inside") })
	server := s.fake.servers[3000]
	begin := func(labels map[string]string, start func(*sandbox.Sandbox) error) {
		s.fake.mu.Lock()
		defer s.fake.mu.Unlock()
		s.fake.box.State, s.fake.box.Labels, s.fake.box.Public = sandbox.StateStopped, labels, true
		s.fake.start = start
	}
	on := map[string]string{proxy.StartOnVisit: "true"}
	begin(nil, func(*sandbox.Sandbox) error { t.Error("started without the label"); return nil })
	s.fake.err = sandbox.Errorf(sandbox.KindConflict, "stopped")
	if res, _ := s.get(s.host("3000-"+id), "/"); res.StatusCode != 503 {
		t.Errorf("without the label: %s", res.Status)
	}
	s.fake.err = nil
	begin(on, func(b *sandbox.Sandbox) error {
		b.State, b.StartedAt = sandbox.StateStarted, time.Now()
		b.Incarnation++
		delete(s.fake.servers, 3000)
		time.AfterFunc(200*time.Millisecond, func() {
			s.fake.mu.Lock()
			defer s.fake.mu.Unlock()
			s.fake.servers[3000] = server
		})
		return nil
	})
	if res, body := s.get(s.host("3000-"+id), "/"); body != "inside" {
		t.Errorf("a program does not wait for the server: %s %s", res.Status, body)
	}
	tries := 0
	begin(on, func(b *sandbox.Sandbox) error { // another visit was first
		if tries++; tries < 3 {
			return sandbox.Errorf(sandbox.KindConflict, "is starting")
		}
		b.State = sandbox.StateStarted
		return nil
	})
	if res, body := s.get(s.host("3000-"+id), "/"); body != "inside" {
		t.Errorf("two visits at once: %s %s", res.Status, body)
	}
	begin(on, func(b *sandbox.Sandbox) error { b.State = sandbox.StateStarting; return nil })
	res, body := s.get(s.host("3000-"+id), "/", with(browser, "X-Daytona-Skip-Preview-Warning", "true")...)
	if res.StatusCode != 503 || !strings.Contains(body, "The sandbox is starting") || !strings.Contains(body, `http-equiv="refresh"`) {
		t.Errorf("a browser: %s %s", res.Status, body)
	}
	begin(on, func(*sandbox.Sandbox) error {
		return &sandbox.Error{Kind: sandbox.KindBusy, Message: "no room", RetryAfter: time.Second}
	})
	if res, body := s.get(s.host("3000-"+id), "/"); res.StatusCode != 429 || !strings.Contains(body, "no room") {
		t.Errorf("no room: %s %s", res.Status, body)
	}
}

func TestStreamsOfPreviews(t *testing.T) {
	release := make(chan struct{})
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/events":
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, "data: 1\n\n")
			_ = http.NewResponseController(w).Flush()
			<-release
			fmt.Fprint(w, "data: 2\n\n")
		case "/trailers":
			w.Header().Set("Trailer", "X-Sum")
			fmt.Fprint(w, "body")
			w.Header().Set("X-Sum", "7")
			w.Header().Set(http.TrailerPrefix+"X-More", "8")
		case "/hints":
			w.Header().Set("Link", "</a.css>")
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Del("Link")
			fmt.Fprint(w, "body")
		default:
			b, err := io.ReadAll(r.Body)
			fmt.Fprint(w, string(b), err)
		}
	})
	s.fake.box.Public = true
	host := s.host("3000-" + id)
	for name, client := range map[string]*http.Client{"HTTP/1.1": {}, "HTTP/2": h2c()} {
		r, _ := http.NewRequestWithContext(t.Context(), "GET", s.app.URL+"/trailers", nil)
		r.Host = host
		res, err := client.Do(r)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		body, _ := io.ReadAll(res.Body)
		if res.Proto[:6] != name[:6] || string(body) != "body" || res.Trailer.Get("X-Sum") != "7" || res.Trailer.Get("X-More") != "8" {
			t.Errorf("%s: %s %s %v", name, res.Proto, body, res.Trailer)
		}
	}
	r, _ := http.NewRequestWithContext(t.Context(), "GET", s.app.URL+"/events", nil)
	r.Host = host
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewReader(res.Body)
	if first, err := lines.ReadString('\n'); first != "data: 1\n" || err != nil { // before the second is written
		t.Errorf("%q %v", first, err)
	}
	close(release)
	if rest, _ := io.ReadAll(lines); !strings.Contains(string(rest), "data: 2") {
		t.Errorf("the rest: %q", rest)
	}
	if res, body := s.get(host, "/hints"); body != "body" || res.Header.Get("X-Request-Id") == "" || res.Header.Get("Link") != "" {
		t.Errorf("hints: %v %s", res.Header, body)
	}
	body, feed := io.Pipe()
	go func() {
		for i := range 5 {
			fmt.Fprint(feed, i)
			time.Sleep(step) // past the server's limit for requests
		}
		feed.Close()
	}()
	if _, got := s.send("POST", host, "/", body); got != "01234<nil>" {
		t.Errorf("a slow upload arrived as %q", got)
	}
	if got := s.fake.source; got != sandbox.ActivityPreview {
		t.Errorf("activity of %q", got)
	}
	before := s.fake.touches()
	s.get(host, "/", "X-Daytona-Skip-Last-Activity-Update", "true")
	if s.fake.touches() != before {
		t.Error("a visit that should not count as activity did")
	}
}

func h2c() *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return &http.Client{Transport: &http.Transport{Protocols: protocols}}
}

func TestWebSocketsOfPreviews(t *testing.T) {
	s := newSite(t, func(w http.ResponseWriter, r *http.Request) {
		// As servers for development do: only pages of where they are.
		ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"vite-hmr"}})
		if err != nil {
			return
		}
		defer ws.CloseNow()
		for {
			kind, message, err := ws.Read(r.Context())
			if err != nil {
				return
			}
			_ = ws.Write(r.Context(), kind, []byte(strings.ToUpper(string(message))))
		}
	})
	host := s.host("3000-" + id)
	dial := func(host string, headers http.Header) (*websocket.Conn, error) {
		headers.Set("X-Daytona-Preview-Token", "preview-1")
		address := "ws" + strings.TrimPrefix(s.app.URL, "http") + "/"
		ws, _, err := websocket.Dial(t.Context(), address, &websocket.DialOptions{Host: host, HTTPHeader: headers, Subprotocols: []string{"vite-hmr"}})
		return ws, err
	}
	ws, err := dial(host, http.Header{"Origin": {"http://" + host}})
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	for range 3 {
		if err := ws.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
			t.Fatal(err)
		}
		if _, got, err := ws.Read(t.Context()); string(got) != "HELLO" || err != nil {
			t.Fatalf("got %q, %v", got, err)
		}
		time.Sleep(serverLimit / 2) // past the server's limits
	}
	if ws, err := dial(host, http.Header{"Origin": {"http://evil.test"}}); err == nil {
		ws.CloseNow()
		t.Error("the server inside did not see that another site asks")
	}
}

func TestTheToolboxOfAPage(t *testing.T) {
	s := newSite(t, echo)
	host := s.host("22222-" + id)
	path := "/.sandpiper/toolbox/process/pty?a=b"
	_, body := s.get(host, path, "X-Daytona-Preview-Token", "preview-1", "Origin", "http://"+host)
	if got := seen(t, body); got.URI != "/process/pty?a=b" || got.Headers.Get("X-Sandpiper-Toolbox-Token") != token {
		t.Errorf("got %+v", got)
	}
	for name, headers := range map[string][]string{
		"another origin": {"Origin", "http://evil.test"}, "a neighbour": {"Origin", "http://" + s.host("3000-"+id)}, "another site's image": {"Sec-Fetch-Site", "cross-site"},
	} {
		if res, _ := s.get(host, path, with(headers, "X-Daytona-Preview-Token", "preview-1")...); res.StatusCode != 403 {
			t.Errorf("%s: %s", name, res.Status)
		}
	}
	if res, body := s.get(s.host("3000-"+id), path, "X-Daytona-Preview-Token", "preview-1"); strings.Contains(body, token) {
		t.Errorf("a user's port leads to the toolbox: %s %s", res.Status, body)
	}
}

func TestAProxyOfSomebodysOwn(t *testing.T) {
	s := newSite(t, echo)
	target, _ := url.Parse(s.app.URL)
	custom := httptest.NewServer(&httputilProxy{target: target, host: s.host("3000-" + id)})
	defer custom.Close()
	res, body := do(t, "GET", custom.URL+"/page", nil, with(browser, "Origin", custom.URL)...)
	name := strings.TrimPrefix(custom.URL, "http://")
	if got := seen(t, body); res.StatusCode != 200 || got.URI != "/page" || got.Headers.Get("Origin") != "http://localhost:3000" {
		t.Errorf("behind %s: %s %+v", name, res.Status, got)
	}
}

// httputilProxy is the recipe of the documentation: a proxy that adds the token,
// does without the warning, and says which host it is.
type httputilProxy struct {
	target *url.URL
	host   string
}

func (p *httputilProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out := r.Clone(context.WithoutCancel(r.Context()))
	out.URL.Scheme, out.URL.Host, out.Host, out.RequestURI = "http", p.target.Host, p.host, ""
	out.Header.Set("X-Daytona-Preview-Token", "preview-1")
	out.Header.Set("X-Daytona-Skip-Preview-Warning", "true")
	out.Header.Set("X-Forwarded-Host", r.Host)
	res, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer res.Body.Close()
	w.WriteHeader(res.StatusCode)
	_, _ = io.Copy(w, res.Body)
}
