package desktop

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"sandpiper/sandbox"
	"sandpiper/web/proxy"
)

var _ proxy.PortHandler = (*Handler)(nil)

func TestThePageOfRecordingsStandsAlone(t *testing.T) {
	if toolboxPath != proxy.ToolboxPath {
		t.Errorf("the toolbox is at %s, the page asks at %s", proxy.ToolboxPath, toolboxPath)
	}
	w := newWorld(t)
	serve := func(method, path string) *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		w.ServePort(rec, httptest.NewRequestWithContext(t.Context(), method, path, nil), sandbox.Sandbox{ID: "a", Name: "secret name"})
		return rec
	}
	page := serve(http.MethodGet, "/")
	if page.Code != http.StatusOK || strings.Contains(page.Body.String(), "secret name") {
		t.Errorf("%d %s", page.Code, page.Body)
	}
	policy := page.Header().Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "media-src 'self'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("the policy is %s", policy)
		}
	}
	asked := regexp.MustCompile(`(?:href|src)="(/[^"]+)"`).FindAllStringSubmatch(page.Body.String(), -1)
	if len(asked) != len(files) {
		t.Errorf("the page asks for %v", asked)
	}
	for _, m := range asked {
		if _, ok := files[m[1]]; !ok {
			t.Errorf("the page asks for %s, which is not served", m[1])
		}
	}
	for path, status := range map[string]int{"/other": http.StatusNotFound, "/..%2f": http.StatusNotFound} {
		if got := serve(http.MethodGet, path).Code; got != status {
			t.Errorf("%s answers %d", path, got)
		}
	}
	if got := serve(http.MethodPost, "/"); got.Code != http.StatusMethodNotAllowed || got.Header().Get("Allow") == "" {
		t.Errorf("POST answers %d", got.Code)
	}
}
