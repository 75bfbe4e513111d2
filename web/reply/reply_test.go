package reply_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/apitype"
	"sandpiper/web/reply"
)

func TestErrorsBecomeAnswers(t *testing.T) {
	tests := []struct {
		name       string
		err        error
		status     int
		want       apitype.Error
		retryAfter string
		challenge  bool
	}{
		{name: "invalid", err: sandbox.Errorf(sandbox.KindInvalid, "no"), status: 400, want: apitype.Error{Kind: "invalid", Message: "no"}},
		{name: "unauthorized", err: sandbox.Errorf(sandbox.KindUnauthorized, "who"), status: 401, want: apitype.Error{Kind: "unauthorized", Message: "who"}, challenge: true},
		{name: "forbidden", err: sandbox.Errorf(sandbox.KindForbidden, "no"), status: 403, want: apitype.Error{Kind: "forbidden", Message: "no"}},
		{name: "not found", err: sandbox.Errorf(sandbox.KindNotFound, "no"), status: 404, want: apitype.Error{Kind: "not_found", Message: "no"}},
		{name: "conflict", err: sandbox.Errorf(sandbox.KindConflict, "no"), status: 409, want: apitype.Error{Kind: "conflict", Message: "no"}},
		{name: "too large", err: sandbox.Errorf(sandbox.KindTooLarge, "no"), status: 413, want: apitype.Error{Kind: "too_large", Message: "no"}},
		{name: "media type", err: sandbox.Errorf(sandbox.KindMediaType, "no"), status: 415, want: apitype.Error{Kind: "media_type", Message: "no"}},
		{name: "unprocessable with a field", err: sandbox.FieldErrorf("args", "no"), status: 422, want: apitype.Error{Kind: "unprocessable", Message: "no", Field: "args"}},
		{name: "busy, time rounded up", err: &sandbox.Error{Kind: sandbox.KindBusy, Message: "no", RetryAfter: 1200 * time.Millisecond}, status: 429, want: apitype.Error{Kind: "busy", Message: "no"}, retryAfter: "2"},
		{name: "unavailable, time unknown", err: sandbox.Errorf(sandbox.KindUnavailable, "no"), status: 503, want: apitype.Error{Kind: "unavailable", Message: "no"}, retryAfter: "1"},
		{name: "wrapped", err: fmt.Errorf("deep: %w", sandbox.Errorf(sandbox.KindConflict, "no")), status: 409, want: apitype.Error{Kind: "conflict", Message: "no"}},
		{name: "unknown errors tell nothing", err: errors.New("open /etc/secret"), status: 500, want: apitype.Error{Kind: "internal", Message: "something went wrong on the server; its log has the details under this request id"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := reply.Handler(func(http.ResponseWriter, *http.Request) error { return tt.err })
			r := httptest.NewRequestWithContext(reply.WithRequestID(t.Context(), "r1"), "GET", "/", nil)
			w := httptest.NewRecorder()
			h.ServeHTTP(reply.NewRecorder(w), r)
			var body apitype.ErrorBody
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatalf("body %q: %v", w.Body, err)
			}
			tt.want.RequestID = "r1"
			if w.Code != tt.status || body.Error != tt.want {
				t.Errorf("got %d %+v", w.Code, body.Error)
			}
			if got := w.Header().Get("Retry-After"); got != tt.retryAfter {
				t.Errorf("Retry-After %q, want %q", got, tt.retryAfter)
			}
			if got := w.Header().Get("WWW-Authenticate") != ""; got != tt.challenge {
				t.Errorf("WWW-Authenticate present: %v", got)
			}
			if got := w.Header().Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control %q", got)
			}
		})
	}
}

func TestErrorAfterTheAnswerBeganIsOnlyNoted(t *testing.T) {
	h := reply.Handler(func(w http.ResponseWriter, _ *http.Request) error {
		_, _ = io.WriteString(w, "partial")
		return errors.New("broke")
	})
	w := httptest.NewRecorder()
	rec := reply.NewRecorder(w)
	h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
	if w.Code != 200 || w.Body.String() != "partial" {
		t.Errorf("got %d %q", w.Code, w.Body)
	}
	if rec.Err() == nil || rec.Bytes() != 7 || rec.Status() != 200 {
		t.Errorf("recorded %v, %d bytes, status %d", rec.Err(), rec.Bytes(), rec.Status())
	}
}

func TestWithWritesErrorsItsOwnWay(t *testing.T) {
	h := reply.Handler(func(http.ResponseWriter, *http.Request) error { return sandbox.Errorf(sandbox.KindBusy, "later") })
	w := httptest.NewRecorder()
	h.With(func(w http.ResponseWriter, _ *http.Request, e *sandbox.Error) {
		http.Error(w, e.Message, reply.Status(e.Kind))
	}).ServeHTTP(reply.NewRecorder(w), httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
	if w.Code != 429 || w.Body.String() != "later\n" || w.Header().Get("Retry-After") != "1" {
		t.Errorf("got %d %q %v", w.Code, w.Body, w.Header())
	}
}

func TestDecodeRefusesBodies(t *testing.T) {
	tests := []struct {
		name   string
		body   string
		header map[string]string
		kind   sandbox.Kind
	}{
		{"no type", `{}`, nil, sandbox.KindMediaType},
		{"a form", `a=b`, map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, sandbox.KindMediaType},
		{"text that looks like JSON", `{}`, map[string]string{"Content-Type": "text/plain"}, sandbox.KindMediaType},
		{"another charset", `{}`, map[string]string{"Content-Type": "application/json; charset=latin1"}, sandbox.KindMediaType},
		{"compressed", `{}`, map[string]string{"Content-Type": "application/json", "Content-Encoding": "gzip"}, sandbox.KindMediaType},
		{"too large", `{"text":"` + strings.Repeat("x", 100) + `"}`, map[string]string{"Content-Type": "application/json"}, sandbox.KindTooLarge},
		{"not JSON", `{`, map[string]string{"Content-Type": "application/json"}, sandbox.KindInvalid},
	}
	for _, tt := range tests {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/chunked=%v", tt.name, chunked), func(t *testing.T) {
				r := httptest.NewRequestWithContext(t.Context(), "POST", "/", strings.NewReader(tt.body))
				for k, v := range tt.header {
					r.Header.Set(k, v)
				}
				if chunked {
					r.ContentLength = -1
				}
				err := reply.Decode(httptest.NewRecorder(), r, 64, &shape{})
				if err == nil || sandbox.KindOf(reply.Public(err)) != tt.kind {
					t.Errorf("got %v, want kind %s", err, tt.kind)
				}
			})
		}
	}
}

func TestDecodeAcceptsJSONTypes(t *testing.T) {
	for _, media := range []string{"application/json", "application/json; charset=UTF-8", "application/merge-patch+json"} {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/", strings.NewReader(`{"text":"hi"}`))
		r.Header.Set("Content-Type", media)
		var v shape
		if err := reply.Decode(httptest.NewRecorder(), r, 64, &v); err != nil || v.Text != "hi" {
			t.Errorf("%s: %v, %+v", media, err, v)
		}
	}
}

func TestJSONThatCannotBeEncodedWritesNothing(t *testing.T) {
	w := httptest.NewRecorder()
	rec := reply.NewRecorder(w)
	if err := reply.JSON(rec, 200, func() {}); err == nil || rec.Started() {
		t.Errorf("err %v, started %v", err, rec.Started())
	}
}

// TestRecorderKeepsTheConnectionsPowers checks that streaming and hijacking
// work through a Recorder on a real connection.
func TestRecorderKeepsTheConnectionsPowers(t *testing.T) {
	flushed := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/stream", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "one")
		w.(http.Flusher).Flush()
		<-flushed
		_, _ = io.WriteString(w, "two")
	})
	mux.HandleFunc("/hijack", func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Errorf("hijack: %v", err)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "raw bytes\n")
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mux.ServeHTTP(reply.NewRecorder(w), r)
	}))
	defer server.Close()

	res, err := server.Client().Get(server.URL + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	first := make([]byte, 3)
	if _, err := io.ReadFull(res.Body, first); err != nil || string(first) != "one" {
		t.Fatalf("first piece %q, %v", first, err)
	}
	close(flushed)
	if rest, err := io.ReadAll(res.Body); err != nil || string(rest) != "two" {
		t.Errorf("rest %q, %v", rest, err)
	}

	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /hijack HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(conn); err != nil || string(got) != "raw bytes\n" {
		t.Errorf("hijacked: %q, %v", got, err)
	}
}
