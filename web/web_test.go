package web_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/web"
	"sandpiper/web/apitype"
	"sandpiper/web/auth"
	"sandpiper/web/reply"
)

// routes are handlers by pattern.
type routes map[string]http.Handler

func (rs routes) Register(mux *http.ServeMux) {
	for pattern, h := range rs {
		mux.Handle(pattern, h)
	}
}

// newHandler returns a server's handler and what it logs.
func newHandler(t *testing.T, api, pages routes, ready func() error) (http.Handler, *bytes.Buffer) {
	t.Helper()
	guard, err := auth.New(auth.Config{Store: &sandboxtest.CredentialStore{}, PublicURL: &url.URL{Scheme: "http", Host: "example.com"}, Open: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(guard.Close)
	var log bytes.Buffer
	cfg := web.Config{Guard: guard, API: []web.Routes{api}, Ready: ready, Version: "1.2.3",
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	if pages != nil {
		cfg.Pages = []web.Routes{pages}
	}
	return web.New(cfg), &log
}

func get(t *testing.T, h http.Handler, method, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func errorOf(t *testing.T, w *httptest.ResponseRecorder) apitype.Error {
	t.Helper()
	var body apitype.ErrorBody
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("body %q: %v", w.Body, err)
	}
	return body.Error
}

func hello(w http.ResponseWriter, _ *http.Request) error {
	_, err := io.WriteString(w, "hello")
	return err
}

func TestHealth(t *testing.T) {
	var notReady error
	h, _ := newHandler(t, nil, nil, func() error { return notReady })
	w := get(t, h, "GET", "/api/health")
	if w.Code != 200 || w.Body.String() != `{"status":"ok","version":"1.2.3"}`+"\n" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	notReady = &sandbox.Error{Kind: sandbox.KindUnavailable, Message: "shutting down", RetryAfter: 5 * time.Second}
	if w := get(t, h, "GET", "/api/health"); w.Code != 503 || w.Header().Get("Retry-After") != "5" || errorOf(t, w).Message != "shutting down" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestPathsThatAreNotThere(t *testing.T) {
	h, _ := newHandler(t, routes{"GET /v1/thing": reply.Handler(hello), "POST /v1/thing": reply.Handler(hello)}, nil, nil)
	tests := []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/v1/nothing", 404, ""},
		{"GET", "/api/nothing", 404, ""},
		{"GET", "/nothing", 404, ""},
		{"DELETE", "/v1/thing", 405, "GET, HEAD, POST"},
	}
	for _, tt := range tests {
		w := get(t, h, tt.method, tt.path)
		e := errorOf(t, w)
		if w.Code != tt.status || w.Header().Get("Allow") != tt.allow || e.RequestID == "" || !strings.Contains(e.Message, tt.path) {
			t.Errorf("%s %s: got %d, Allow %q, %+v", tt.method, tt.path, w.Code, w.Header().Get("Allow"), e)
		}
	}
}

func TestAPIAndPagesAreApart(t *testing.T) {
	page := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) })
	}
	h, _ := newHandler(t, routes{"GET /v1/x": page("api")}, routes{"/": page("page")}, nil)
	for path, want := range map[string]string{"/v1/x": "api", "/": "page", "/v1": "page", "/v2/x": "page", "/apis/": "page"} {
		if got := get(t, h, "GET", path).Body.String(); got != want {
			t.Errorf("%s: got %q", path, got)
		}
	}
	if w := get(t, h, "GET", "/v1/other"); w.Code != 404 {
		t.Errorf("an API path that is not there got a page: %d", w.Code)
	}
	if w := get(t, h, "GET", "/"); w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Error("pages of other origins may read our pages")
	}
}

func TestPagesOfOtherSites(t *testing.T) {
	h, _ := newHandler(t, routes{"/v1/x": reply.Handler(hello)}, routes{"/": reply.Handler(hello)}, nil)
	tests := []struct {
		name, method, path, site, origin string
		status                           int
	}{
		{"our own form", "POST", "/share", "same-origin", "", 200},
		{"a typed address", "GET", "/", "none", "", 200},
		{"a link", "GET", "/", "cross-site", "", 200},
		{"a form elsewhere", "POST", "/share", "cross-site", "", 403},
		{"a sibling", "DELETE", "/s/x", "same-site", "", 403},
		{"an old browser elsewhere", "POST", "/", "", "https://evil.example", 403},
		{"an old browser, opaque", "POST", "/", "", "null", 403},
		{"no browser", "POST", "/", "", "", 200},
		{"an embed", "POST", "/embed/x/run", "cross-site", "null", 200},
		{"the API", "POST", "/v1/x", "cross-site", "null", 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if w := get(t, h, tt.method, tt.path, "Sec-Fetch-Site", tt.site, "Origin", tt.origin); w.Code != tt.status {
				t.Errorf("got %d", w.Code)
			}
		})
	}
}

func TestEveryAnswerHasSafeHeaders(t *testing.T) {
	own := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "own")
	})
	h, _ := newHandler(t, routes{"GET /v1/x": reply.Handler(hello)}, routes{"/": reply.Handler(hello), "/own": own}, nil)
	for _, path := range []string{"/", "/v1/x", "/v1/nothing"} {
		header := get(t, h, "GET", path).Header()
		if header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Referrer-Policy") != "no-referrer" ||
			!strings.Contains(header.Get("Content-Security-Policy"), "default-src 'none'") || len(header.Get("X-Request-Id")) != 26 {
			t.Errorf("%s: %v", path, header)
		}
	}
	if got := get(t, h, "GET", "/own").Header().Get("Content-Security-Policy"); got != "own" {
		t.Errorf("a handler's own policy became %q", got)
	}
}

func TestCrossOriginUseOfTheAPI(t *testing.T) {
	fail := func(http.ResponseWriter, *http.Request) error { return sandbox.Errorf(sandbox.KindBusy, "later") }
	h, _ := newHandler(t, routes{"POST /v1/x": reply.Handler(hello), "POST /v1/busy": reply.Handler(fail)}, nil, nil)
	for _, origin := range []string{"https://notebook.example", "null"} {
		w := get(t, h, "OPTIONS", "/v1/x", "Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type,idempotency-key")
		header := w.Header()
		if w.Code != 204 || header.Get("Access-Control-Allow-Origin") != "*" || header.Get("Access-Control-Max-Age") == "" {
			t.Errorf("preflight from %s: %d %v", origin, w.Code, header)
		}
		for _, want := range []string{"Authorization", "Content-Type", "Accept", "Idempotency-Key"} {
			if !strings.Contains(header.Get("Access-Control-Allow-Headers"), want) {
				t.Errorf("preflight from %s does not allow %s", origin, want)
			}
		}
		if header.Get("Access-Control-Allow-Credentials") != "" {
			t.Error("cookies of other origins are let in")
		}
		for _, path := range []string{"/v1/x", "/v1/busy", "/v1/nothing"} {
			header := get(t, h, "POST", path, "Origin", origin).Header()
			if header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(header.Get("Access-Control-Expose-Headers"), "Retry-After") {
				t.Errorf("%s from %s: %v", path, origin, header)
			}
		}
	}
}

func TestPanics(t *testing.T) {
	before := func(http.ResponseWriter, *http.Request) { panic("secret") }
	during := func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		panic("secret")
	}
	h, log := newHandler(t, routes{"/v1/before": http.HandlerFunc(before), "/v1/during": http.HandlerFunc(during)}, nil, nil)
	w := get(t, h, "GET", "/v1/before")
	if e := errorOf(t, w); w.Code != 500 || e.Kind != "internal" || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "secret") || !strings.Contains(log.String(), w.Header().Get("X-Request-Id")) {
		t.Errorf("log %q", log)
	}
	server := httptest.NewServer(h)
	defer server.Close()
	res, err := server.Client().Get(server.URL + "/v1/during")
	if err == nil {
		defer res.Body.Close()
		_, err = io.ReadAll(res.Body)
	}
	if err == nil {
		t.Error("an answer that was cut looks whole")
	}
}

func TestAccessLog(t *testing.T) {
	fail := func(http.ResponseWriter, *http.Request) error { return errors.New("disk on fire") }
	deny := func(http.ResponseWriter, *http.Request) error { return sandbox.Errorf(sandbox.KindForbidden, "no") }
	gone := func(http.ResponseWriter, *http.Request) error { return sandbox.ErrClientGone }
	h, log := newHandler(t, routes{
		"/v1/ok": reply.Handler(hello), "/v1/fail": reply.Handler(fail), "/v1/deny": reply.Handler(deny), "/v1/gone": reply.Handler(gone),
	}, nil, nil)
	tests := []struct{ path, level, part string }{
		{"/v1/ok?token=hunter2", "DEBUG", "path=/v1/ok status=200 bytes=5"},
		{"/v1/fail", "ERROR", `error="disk on fire"`},
		{"/v1/deny", "DEBUG", "status=403"},
		{"/v1/gone", "DEBUG", "the client went away"},
	}
	for _, tt := range tests {
		log.Reset()
		get(t, h, "GET", tt.path, "Authorization", "Bearer hunter2")
		line := log.String()
		if !strings.Contains(line, "level="+tt.level) || !strings.Contains(line, tt.part) || strings.Count(line, "\n") != 1 {
			t.Errorf("%s: logged %q", tt.path, line)
		}
		if strings.Contains(line, "hunter2") {
			t.Errorf("%s: a secret is in the log: %q", tt.path, line)
		}
	}
}

func TestServerHasLimits(t *testing.T) {
	s := web.NewServer(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if s.ReadHeaderTimeout <= 0 || s.ReadTimeout <= 0 || s.WriteTimeout <= 0 || s.IdleTimeout <= 0 || s.MaxHeaderBytes <= 0 {
		t.Errorf("%+v", s)
	}
}

// TestAnswersMayOutlastTheWriteTimeout streams for longer than the server's
// write timeout, as long as each piece is taken in time.
func TestAnswersMayOutlastTheWriteTimeout(t *testing.T) {
	stream := func(w http.ResponseWriter, _ *http.Request) error {
		for range 4 {
			time.Sleep(50 * time.Millisecond)
			_, _ = io.WriteString(w, "x")
			w.(http.Flusher).Flush()
		}
		return nil
	}
	h, _ := newHandler(t, routes{"/v1/stream": reply.Handler(stream)}, nil, nil)
	server := httptest.NewUnstartedServer(nil)
	server.Config = web.NewServer(h, slog.New(slog.DiscardHandler)).Server
	server.Config.WriteTimeout = 150 * time.Millisecond
	server.Start()
	defer server.Close()
	for range 2 { // also on a connection that is used again
		res, err := server.Client().Get(server.URL + "/v1/stream")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || string(body) != "xxxx" {
			t.Errorf("got %q, %v", body, err)
		}
	}
}
