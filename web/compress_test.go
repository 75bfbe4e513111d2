package web_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sandpiper/web/reply"
)

func TestPagesAndListsAreCompressed(t *testing.T) {
	long := strings.Repeat("a row of a list ", 1000)
	answer := func(media string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", media)
			_, _ = io.WriteString(w, long)
		})
	}
	all := routes{
		"/api/list": answer("application/json"), "/api/toolbox/box/list": answer("application/json"), "/toolbox/box/list": answer("application/json"), "/v1/log": answer("text/plain"),
	}
	pages := routes{
		"/page": answer("text/html; charset=utf-8"), "/picture": answer("image/png"), "/events": answer("text/event-stream"),
	}
	handler, _ := newHandler(t, all, pages, nil)
	tests := []struct {
		name, method, path, accept, encoding string
		want                                 string // Content-Encoding
	}{
		{"a page", "GET", "/page", "text/html", "gzip, br", "gzip"},
		{"a page for who cannot read it", "GET", "/page", "text/html", "", ""},
		{"a page for who does not want it", "GET", "/page", "text/html", "gzip;q=0", ""},
		{"the answer to a form", "POST", "/page", "text/html", "gzip", ""},
		{"a list", "GET", "/api/list", "application/json", "gzip", "gzip"},
		{"what a sandbox answers", "GET", "/toolbox/box/list", "application/json", "gzip", ""},
		{"what a sandbox answers by the older path", "GET", "/api/toolbox/box/list", "application/json", "gzip", ""},
		{"a log, which may be a stream", "GET", "/v1/log", "", "gzip", ""},
		{"a picture", "GET", "/picture", "", "gzip", ""},
		{"a stream of events", "GET", "/events", "text/event-stream", "gzip", ""},
		{"a stream of events for who does not say so", "GET", "/events", "", "gzip", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, tt.path, nil)
			r.Header.Set("Accept", tt.accept)
			r.Header.Set("Accept-Encoding", tt.encoding)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if got := w.Header().Get("Content-Encoding"); got != tt.want {
				t.Fatalf("Content-Encoding is %q, want %q", got, tt.want)
			}
			body := io.Reader(w.Body)
			if tt.want != "" {
				if w.Body.Len() > len(long)/10 {
					t.Errorf("it has %d bytes", w.Body.Len())
				}
				if !strings.Contains(strings.Join(w.Header().Values("Vary"), ","), "Accept-Encoding") {
					t.Errorf("Vary is %q", w.Header().Values("Vary"))
				}
				body, _ = gzip.NewReader(body)
			}
			if got, err := io.ReadAll(body); err != nil || string(got) != long {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
}

// The compressor holds the first bytes of an answer back, which must not look as
// if there was none.
func TestAnErrorBehindAnAnswerIsNotWritten(t *testing.T) {
	handler, _ := newHandler(t, nil, routes{"/half": reply.Handler(func(w http.ResponseWriter, _ *http.Request) error {
		_, _ = io.WriteString(w, "half")
		return io.ErrUnexpectedEOF
	})}, nil)
	r := httptest.NewRequest("GET", "/half", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	if w.Code != http.StatusOK || w.Body.String() != "half" {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
}
