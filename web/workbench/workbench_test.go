package workbench

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/static"
	"sandpiper/web/auth"
	"sandpiper/web/page"
)

func newFrame(t *testing.T) (*page.Frame, *static.Assets) {
	t.Helper()
	assets, err := static.New(fstest.MapFS{})
	if err != nil {
		t.Fatal(err)
	}
	guard, err := auth.New(auth.Config{Store: &sandboxtest.CredentialStore{}, PublicURL: &url.URL{Scheme: "http", Host: "127.0.0.1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(guard.Close)
	return page.New(assets, guard, nil), assets
}

func TestPort(t *testing.T) {
	frame, assets := newFrame(t)
	port := NewPort(frame, assets, "/.sandpiper/toolbox/")
	for name, c := range map[string]struct {
		method, path string
		status       int
		has          string
	}{
		"the page":        {"GET", "/", http.StatusOK, `data-toolbox="/.sandpiper/toolbox/"`},
		"its head":        {"HEAD", "/", http.StatusOK, ""},
		"nothing":         {"GET", "/etc/passwd", http.StatusNotFound, ""},
		"no such asset":   {"GET", "/static/nothing.js", http.StatusNotFound, ""},
		"out of assets":   {"GET", "/static/../secret", http.StatusNotFound, ""},
		"nothing to post": {"POST", "/", http.StatusBadRequest, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			port.ServePort(w, httptest.NewRequest(c.method, "http://22222-x.localhost"+c.path, nil), sandbox.Sandbox{ID: "x", Name: "<b>box</b>"})
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.has) {
				t.Errorf("status %d: %.200s", w.Code, w.Body)
			}
			if w.Code == http.StatusOK {
				policy := w.Header().Get("Content-Security-Policy")
				if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(w.Body.String(), "<b>box") {
					t.Errorf("policy %q", policy)
				}
			}
		})
	}
}
