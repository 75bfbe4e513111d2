package run_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
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
	"sandpiper/sandbox/scheduler"
	"sandpiper/web"
	"sandpiper/web/apitype"
	"sandpiper/web/auth"
	"sandpiper/web/run"
)

// testKey is an API key that every test server knows; otherKey is another's.
const (
	testKey  = "key-of-the-tests"
	otherKey = "key-of-somebody-else"
)

// server is a whole server over a scripted engine.
type server struct {
	*httptest.Server
	runner    *sandboxtest.Runner
	scheduler *scheduler.Scheduler
	guard     *auth.Guard
}

// options changes what newServer sets up.
type options struct {
	closed    bool // only for callers with a credential
	burst     int
	languages []sandbox.Language
	scheduler scheduler.Config
}

func newServer(t *testing.T, o options) *server {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	runner := sandboxtest.NewRunner(o.languages...)
	o.scheduler.Runners = []sandbox.CodeRunner{runner}
	o.scheduler.Store = &sandboxtest.RunStore{}
	o.scheduler.Log = log
	sched := scheduler.New(o.scheduler)
	t.Cleanup(func() { _ = sched.Close() })
	if o.burst == 0 {
		o.burst = 1000
	}
	guard, err := auth.New(auth.Config{
		Store:     credentials(t),
		PublicURL: &url.URL{Scheme: "http", Host: "sandpiper.test"},
		Open:      !o.closed,
		Burst:     o.burst,
		Log:       log,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(guard.Close)
	api := run.New(run.Config{Desk: run.Desk{Scheduler: sched, Guard: guard}, Version: "test"})
	s := &server{
		Server:    httptest.NewServer(web.New(web.Config{Guard: guard, API: []web.Routes{api}, Version: "test", Log: log})),
		runner:    runner,
		scheduler: sched,
		guard:     guard,
	}
	t.Cleanup(s.Close)
	return s
}

func credentials(t *testing.T) sandbox.CredentialStore {
	t.Helper()
	store := &sandboxtest.CredentialStore{}
	for id, secret := range map[string]string{"k1": testKey, "k2": otherKey} {
		sum := sha256.Sum256([]byte(secret))
		if err := store.PutAPIKey(t.Context(), sandbox.APIKey{ID: id, Hash: sum[:], CreatedAt: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

// request makes a request to s with header pairs.
func (s *server) request(t *testing.T, ctx context.Context, method, path, body string, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// do sends a request and returns the answer with its body.
func (s *server) do(t *testing.T, method, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	res, err := s.Client().Do(s.request(t, t.Context(), method, path, body, headers...))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

// script returns a request body that runs the commands of a scripted program,
// with more fields after it.
func script(program string, fields ...string) string {
	code, _ := json.Marshal(program)
	return `{"language":"script","code":` + string(code) + strings.Join(append([]string{""}, fields...), ",") + `}`
}

func decode[T any](t *testing.T, body string) T {
	t.Helper()
	var v T
	dec := json.NewDecoder(strings.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("decode %q: %v", body, err)
	}
	return v
}

// sseEvent is one Server-Sent Event.
type sseEvent struct{ name, id, data string }

// sseReader reads Server-Sent Events as a browser does.
type sseReader struct{ *bufio.Scanner }

func newSSEReader(r io.Reader) sseReader {
	s := bufio.NewScanner(r)
	s.Buffer(nil, 16<<20)
	return sseReader{s}
}

// next returns the next event, and false at the end of the stream.
func (r sseReader) next(t *testing.T) (e sseEvent, ok bool) {
	t.Helper()
	for r.Scan() {
		name, value, _ := strings.Cut(r.Text(), ": ")
		switch name {
		case "event":
			e.name = value
		case "id":
			e.id = value
		case "data":
			e.data = value
		case "":
			if e.name != "" || e.data != "" {
				return e, true
			}
		default:
			t.Fatalf("line %q is not of an event stream", r.Text())
		}
	}
	return e, false
}

func TestRunAsJSON(t *testing.T) {
	s := newServer(t, options{})
	res, body := s.do(t, "POST", "/v1/run", script("print hello\neprint oops\nexit 3"))
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("got %s %s: %s", res.Status, res.Header.Get("Content-Type"), body)
	}
	got := decode[apitype.Result](t, body)
	if got.Stdout != "hello\n" || got.Stderr != "oops\n" || got.ExitCode != 3 || got.Status != "error" || got.Engine != "wasm" {
		t.Errorf("got %+v", got)
	}
}
