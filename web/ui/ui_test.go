package ui_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/static"
	"sandpiper/web"
	"sandpiper/web/run"
	"sandpiper/web/run/runtest"
	"sandpiper/web/ui"
)

// origin is the public URL of the servers of these tests.
const origin = "http://sandpiper.test"

// author is an author's secret.
const author = "0123456789abcdef0123456789abcdef"

// options changes what newServer sets up.
type options struct {
	closed    bool
	burst     int
	languages []sandbox.Language
	now       func() time.Time
	assets    *static.Assets
}

// server is a whole server without a network.
type server struct {
	http.Handler
	snippets *sandboxtest.SnippetStore
}

func newServer(t testing.TB, o options) *server {
	t.Helper()
	if o.languages == nil {
		o.languages = testLanguages()
	}
	if o.assets == nil {
		o.assets = testAssets(t)
	}
	desk := runtest.NewDesk(t, sandboxtest.NewRunner(o.languages...), runtest.Options{Closed: o.closed, Burst: o.burst})
	snippets := &sandboxtest.SnippetStore{}
	pages := ui.New(ui.Config{
		Desk:      desk,
		Snippets:  snippets,
		Assets:    o.assets,
		PublicURL: &url.URL{Scheme: "http", Host: "sandpiper.test"},
		Salt:      []byte("salt of the tests"),
		Now:       o.now,
		Sessions:  func() []sandbox.Language { return testLanguages()[:1] },
		Log:       slog.New(slog.DiscardHandler),
	})
	handler := web.New(web.Config{
		Guard: desk.Guard,
		API:   []web.Routes{run.New(run.Config{Desk: desk})},
		Pages: []web.Routes{pages},
		Log:   slog.New(slog.DiscardHandler),
	})
	return &server{Handler: handler, snippets: snippets}
}

// testLanguages returns languages whose programs are scripts of the fake engine.
func testLanguages() []sandbox.Language {
	return []sandbox.Language{
		{
			ID: "script", Name: "Script", Version: "1.2.3", Aliases: []string{"scr"}, Extension: ".txt", Main: "main.txt",
			Editor: "text", Summary: "Runs scripts.", Hello: "print Hello!\n",
			Examples: []sandbox.Example{
				{ID: "welcome", Title: "Welcome", Files: []sandbox.File{{Name: "main.txt", Content: []byte("print <welcome>\n")}}},
				{ID: "two-files", Title: "Two files", Files: []sandbox.File{
					{Name: "main.txt", Content: []byte("cat data.txt\n")}, {Name: "data.txt", Content: []byte("\nsome data\n")},
				}, Stdin: "typed\n", Args: []string{"one", "two words"}},
			},
		},
		{ID: "slow", Name: "Slow", Version: "0.9", Extension: ".slow", Main: "main.slow", Hello: "print slow\n", State: sandbox.LanguagePreparing, Stage: "compiling"},
		{ID: "broken", Name: "Broken", Version: "2.0", Extension: ".no", Main: "main.no", Hello: "x", State: sandbox.LanguageFailed, Stage: "no module"},
	}
}

// testAssets returns a front end that has every entry with little in it.
func testAssets(t testing.TB) *static.Assets {
	t.Helper()
	const manifest = `{"entries":{"app.css":{"path":"app-1.css"},"playground.js":{"path":"playground-1.js"},"page.js":{"path":"page-1.js"},
		"embed.js":{"path":"embed-1.js"},"frame.js":{"path":"frame-1.js"},"standalone/embed.js":{"path":"standalone/embed-1.js"}},
		"files":{"app-1.css":{"size":1},"playground-1.js":{"size":1},"page-1.js":{"size":1},"embed-1.js":{"size":1},"frame-1.js":{"size":1},"standalone/embed-1.js":{"size":1}}}`
	files := fstest.MapFS{"manifest.json": {Data: []byte(manifest)}}
	for _, name := range []string{"app-1.css", "playground-1.js", "page-1.js", "embed-1.js", "frame-1.js", "standalone/embed-1.js"} {
		files[name] = &fstest.MapFile{Data: []byte(";")}
	}
	a, err := static.New(files)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// do sends a request with pairs of headers.
func (s *server) do(t testing.TB, method, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, origin+path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	res := w.Result()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

func (s *server) get(t testing.TB, path string, headers ...string) (*http.Response, string) {
	t.Helper()
	return s.do(t, "GET", path, "", append([]string{"Accept", "text/html"}, headers...)...)
}

// post sends a form of pairs.
func (s *server) post(t testing.TB, path string, fields []string, headers ...string) (*http.Response, string) {
	t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	headers = append([]string{"Accept", "text/html", "Content-Type", "application/x-www-form-urlencoded"}, headers...)
	return s.do(t, "POST", path, form.Encode(), headers...)
}

// wants checks a status and that a body has texts; a text after "!" must not be
// there.
func wants(t testing.TB, res *http.Response, body string, status int, texts ...string) {
	t.Helper()
	if res.StatusCode != status {
		t.Errorf("status %d, want %d", res.StatusCode, status)
	}
	for _, text := range texts {
		absent, no := strings.CutPrefix(text, "!")
		switch {
		case no && strings.Contains(body, absent):
			t.Errorf("the answer has %q", absent)
		case !no && !strings.Contains(body, text):
			t.Errorf("the answer lacks %q", text)
		}
	}
	if t.Failed() && len(texts) > 0 {
		t.Logf("the answer: %.6000s", body)
	}
}

func TestPagesShowWhatTheirAddressSays(t *testing.T) {
	s := newServer(t, options{})
	tests := []struct {
		name, path string
		status     int
		texts      []string
	}{
		{"welcome", "/", 200, []string{"<title>Sandpiper: run code in the browser</title>", "\nprint &lt;welcome&gt;\n</textarea>", "!noindex", `"origin":"welcome"`, ">Script 1.2</option>", ">Slow</option>"}},
		{"language", "/?language=slow", 200, []string{`<option value="slow" selected>`, "print slow", "Preparing Slow: compiling", `hx-get="/languages/slow/status"`}},
		{"alias", "/?language=SCR", 200, []string{`<option value="script" selected>`}},
		{"unknown language", "/?language=cobol", 422, []string{"This server has no language &#34;cobol&#34;."}},
		{"example", "/?example=script/two-files", 200, []string{"<title>Two files · Sandpiper</title>", "cat data.txt", "\n\nsome data\n</textarea>", "\ntyped\n</textarea>", `value="one &#34;two words&#34;"`, `"origin":"example"`, "noindex"}},
		{"unknown example", "/?example=script/none", 404, []string{"There is no example"}},
		{"examples", "/examples", 200, []string{`href="/?example=script/two-files"`, "<h1>Examples</h1>", "!noindex"}},
		{"docs", "/docs", 200, []string{"curl -sS http://sandpiper.test/v1/run", `{&#34;language&#34;:&#34;script&#34;,&#34;code&#34;:&#34;print Hello!&#34;}`, "<code>script</code>", "<code>hide-code</code>", "&lt;sandpiper-snippet language", "!SANDPIPER_API_KEY", "http://sandpiper.test/v1/sessions/$ID/execute", "--gateway-url=http://sandpiper.test/jupyter"}},
		{"sign in", "/signin?next=/docs", 200, []string{`action="/signin"`, `name="next" value="/docs"`, "/api/signin-links"}},
		{"runs of nobody", "/runs", 401, []string{"Sign in to see the list", `href="/signin?next=%2Fruns"`}},
		{"unknown run", "/runs/abc", 404, []string{"Nothing here"}},
		{"nothing", "/no/such", 404, []string{"<h1>Nothing here</h1>", "There is nothing at /no/such."}},
		{"markup in a path", "/%3Cb%3E", 404, []string{"There is nothing at /&lt;b&gt;."}},
		{"favicon", "/favicon.svg", 200, []string{"<svg"}},
		{"robots", "/robots.txt", 200, []string{"Disallow: /s/"}},
		{"embed script", "/embed.js", 200, []string{";"}},
		{"asset", "/static/app-1.css", 200, []string{";"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, body := s.get(t, tt.path)
			wants(t, res, body, tt.status, tt.texts...)
		})
	}
}

var (
	scriptTag = regexp.MustCompile(`<script[^>]*>`)
	nonceAttr = regexp.MustCompile(`nonce="([^"]+)"`)
	inline    = regexp.MustCompile(`<[^>]*\s(style|on[a-z]+)=`)
)

func TestPagesKeepAStrictPolicy(t *testing.T) {
	s := newServer(t, options{})
	seen := map[string]bool{}
	for _, path := range []string{"/", "/?example=script/two-files", "/examples", "/docs", "/signin", "/runs", "/nothing"} {
		t.Run(path, func(t *testing.T) {
			res, body := s.get(t, path)
			policy := res.Header.Get("Content-Security-Policy")
			_, nonce, _ := strings.Cut(policy, "script-src 'self' 'nonce-")
			nonce, _, _ = strings.Cut(nonce, "'")
			if len(nonce) < 22 || seen[nonce] {
				t.Errorf("nonce %q is short or was used before", nonce)
			}
			seen[nonce] = true
			for _, want := range []string{"default-src 'none'", "style-src 'self' 'nonce-" + nonce + "'", "connect-src 'self'", "frame-src 'self'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
				if !strings.Contains(policy, want) {
					t.Errorf("the policy lacks %s: %s", want, policy)
				}
			}
			for _, tag := range scriptTag.FindAllString(body, -1) {
				if m := nonceAttr.FindStringSubmatch(tag); m == nil || m[1] != nonce {
					t.Errorf("%s has not the nonce %s", tag, nonce)
				}
			}
			if m := inline.FindString(body); m != "" {
				t.Errorf("the policy forbids %s", m)
			}
			for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin", "X-Frame-Options": "DENY"} {
				if got := res.Header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if cookies := res.Cookies(); len(cookies) > 0 {
				t.Errorf("a visitor who only looks gets cookies: %v", cookies)
			}
		})
	}
}

func TestSlashesAtTheEnd(t *testing.T) {
	s := newServer(t, options{})
	for path, want := range map[string]string{
		"/docs/":                   "/docs",
		"/sandboxes/some/?since=1": "/sandboxes/some?since=1",
		"/%5Cevil.example/":        "/%5Cevil.example",
		"/%2Fevil.example/":        "/evil.example",
	} {
		res, _ := s.get(t, path)
		if res.StatusCode != http.StatusMovedPermanently || res.Header.Get("Location") != want {
			t.Errorf("%s: %d %q, want %q", path, res.StatusCode, res.Header.Get("Location"), want)
		}
	}
}

func TestWithoutFrontEndPagesSayWhatToDo(t *testing.T) {
	assets, err := static.New(fstest.MapFS{})
	if err != nil {
		t.Fatal(err)
	}
	res, body := newServer(t, options{assets: assets}).get(t, "/")
	wants(t, res, body, 200, "<code>make setup</code>", `name="content"`, "!stylesheet")
}

func TestLanguageStatus(t *testing.T) {
	s := newServer(t, options{})
	tests := []struct {
		id     string
		status int
		texts  []string
	}{
		{"script", 200, []string{`<span class="status" id="language-status"></span>`, "!hx-get"}},
		{"slow", 200, []string{"Preparing Slow: compiling", `hx-trigger="every 1s"`}},
		{"broken", 200, []string{"Broken could not be prepared: no module", "!hx-get"}},
		{"none", 404, []string{"This server has no language"}},
	}
	for _, tt := range tests {
		t.Run(tt.id, func(t *testing.T) {
			res, body := s.get(t, "/languages/"+tt.id+"/status", "HX-Request", "true")
			wants(t, res, body, tt.status, append(tt.texts, "!<html")...)
		})
	}
}

func TestExamplesForTheDialogAreAFragment(t *testing.T) {
	res, body := newServer(t, options{}).get(t, "/examples", "HX-Request", "true")
	wants(t, res, body, 200, "Two files", "!<html")
}

func TestErrorsHaveTheShapeThatWasAskedFor(t *testing.T) {
	s := newServer(t, options{})
	tests := []struct {
		name    string
		headers []string
		texts   []string
	}{
		{"page", []string{"Accept", "text/html,application/json"}, []string{"<html", "Nothing here"}},
		{"json", []string{"Accept", "application/json"}, []string{`{"error":{"kind":"not_found"`, "!<html"}},
		{"fragment", []string{"HX-Request", "true"}, []string{`<p class="note error" role="alert">`, "!<html"}},
		{"nothing said", nil, []string{"<html"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, body := s.do(t, "GET", "/s/AAAAAAAAAAA", "", tt.headers...)
			wants(t, res, body, 404, tt.texts...)
		})
	}
}

// framePolicy returns the policy of the frame when it is asked for at a host.
func framePolicy(t testing.TB, s *server, host string) string {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/frame", nil)
	r.Host = host
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Header().Get("Content-Security-Policy")
}
