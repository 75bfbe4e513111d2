package web

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"sandpiper/web/reply"
)

func TestGate(t *testing.T) {
	for path, held := range map[string]bool{
		"/": false, "/v1/run": false, "/runs": false, "/docs": false, "/static/app.css": false, "/api/health": false, "/api/signin-links": false,
		"/api/sandbox": true, "/api/config": true, "/toolbox/x/files": true, "/sandboxes": true, "/sandboxes/x/terminal": true, "/keys": true, "/playground": true,
	} {
		t.Run(path, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { testGate(t, path, held) }) })
	}
}

func testGate(t *testing.T, path string, held bool) {
	open := make(chan struct{})
	handler := Gate{Open: open, Errors: reply.WriteError}.before(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
	}))
	ask := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return w
	}
	want := http.StatusTeapot
	if held {
		want = http.StatusServiceUnavailable
	}
	if w := ask(); w.Code != want || held && w.Header().Get("Retry-After") == "" {
		t.Errorf("before it opens: %d %v", w.Code, w.Header())
	}
	answered := make(chan int)
	go func() { answered <- ask().Code }()
	synctest.Wait()
	close(open)
	if code := <-answered; code != http.StatusTeapot {
		t.Errorf("when it opens: %d", code)
	}
	if w := ask(); w.Code != http.StatusTeapot {
		t.Errorf("after it opened: %d", w.Code)
	}
}
