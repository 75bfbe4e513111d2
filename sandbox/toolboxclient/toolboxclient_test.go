package toolboxclient

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sandpiper/sandbox"
)

// serve returns a client of a toolbox that h is.
func serve(t *testing.T, h http.HandlerFunc) Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return Client{Token: "secret", Dial: func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", s.Listener.Addr().String())
	}}
}

func TestClient(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(sandbox.TokenHeader) != "secret" {
			t.Error("the token is missing")
		}
		switch r.Method + " " + r.URL.Path {
		case "GET /value":
			_, _ = w.Write([]byte(`{"n":7}`))
		case "POST /double":
			var in struct{ N int }
			if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Header.Get("Content-Type") != "application/json" {
				t.Error(err)
			}
			_ = json.NewEncoder(w).Encode(map[string]int{"n": 2 * in.N})
		case "GET /endless":
			_, _ = w.Write([]byte(`"` + strings.Repeat("x", 2*maxAnswer) + `"`))
		case "GET /elsewhere":
			http.Redirect(w, r, "/value", http.StatusFound)
		default:
			http.Error(w, "no such thing", http.StatusNotFound)
		}
	})
	var out struct{ N int }
	if err := c.Get(t.Context(), "/value", &out); err != nil || out.N != 7 {
		t.Errorf("get: %d, %v", out.N, err)
	}
	if err := c.Post(t.Context(), "/double", map[string]int{"n": 4}, &out); err != nil || out.N != 8 {
		t.Errorf("post: %d, %v", out.N, err)
	}
	if err := c.Post(t.Context(), "/double", map[string]int{"n": 4}, nil); err != nil {
		t.Errorf("post without an answer: %v", err)
	}
	for path, want := range map[string]string{"/none": "404", "/endless": "read the toolbox's answer", "/elsewhere": "302"} {
		var text string
		if err := c.Get(t.Context(), path, &text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestClientEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if err := c.Get(ctx, "/", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
