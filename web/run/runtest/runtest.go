// Package runtest starts whole servers over a scripted engine, for the tests of
// the run API and its adapters.
package runtest

import (
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
	"sandpiper/web/auth"
	"sandpiper/web/run"
)

// The API keys that every server knows, with the ids k1 and k2.
const (
	Key      = "key-of-the-tests"
	OtherKey = "key-of-somebody-else"
)

// patience is how long a test waits for what takes milliseconds on an idle
// machine.
const patience = 30 * time.Second

// Options changes what New sets up.
type Options struct {
	Routes    func(desk run.Desk) web.Routes // what is tested; nil means the native API
	Closed    bool                           // only for callers with a credential
	Burst     int                            // runs that an address may start at once; 0 means 1000
	Languages []sandbox.Language             // of the engine; none means sandboxtest.Languages
	Scheduler scheduler.Config               // its queue and history
}

// Server is a server that ends with its test.
type Server struct {
	*httptest.Server
	Runner    *sandboxtest.Runner
	Scheduler *scheduler.Scheduler
	Guard     *auth.Guard

	credentials sandbox.CredentialStore
}

// New starts a server.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{Runner: sandboxtest.NewRunner(o.Languages...), credentials: Credentials(t)}
	desk := newDesk(t, s.Runner, s.credentials, o)
	s.Scheduler, s.Guard = desk.Scheduler, desk.Guard
	routes := web.Routes(run.New(run.Config{Desk: desk, Version: "test"}))
	if o.Routes != nil {
		routes = o.Routes(desk)
	}
	s.Server = httptest.NewUnstartedServer(nil)
	handler := web.New(web.Config{Guard: s.Guard, API: []web.Routes{routes}, Version: "test", Log: slog.New(slog.DiscardHandler)})
	s.Config = web.NewServer(handler, slog.New(slog.DiscardHandler)).Server
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// NewDesk returns a desk in front of an engine.
func NewDesk(t testing.TB, runner sandbox.CodeRunner, o Options) run.Desk {
	t.Helper()
	return newDesk(t, runner, Credentials(t), o)
}

func newDesk(t testing.TB, runner sandbox.CodeRunner, credentials sandbox.CredentialStore, o Options) run.Desk {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	o.Scheduler.Runners = []sandbox.CodeRunner{runner}
	o.Scheduler.Store = &sandboxtest.RunStore{}
	o.Scheduler.Log = log
	sched := scheduler.New(o.Scheduler)
	t.Cleanup(func() {
		if err := sched.Close(); err != nil {
			t.Error(err)
		}
	})
	if o.Burst == 0 {
		o.Burst = 1000
	}
	guard, err := auth.New(auth.Config{
		Store:     credentials,
		PublicURL: &url.URL{Scheme: "http", Host: "sandpiper.test"},
		Open:      !o.Closed,
		Burst:     o.Burst,
		Log:       log,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(guard.Close)
	return run.Desk{Scheduler: sched, Guard: guard}
}

// Credentials returns a store that knows Key and OtherKey.
func Credentials(t testing.TB) *sandboxtest.CredentialStore {
	t.Helper()
	store := &sandboxtest.CredentialStore{}
	for id, secret := range map[string]string{"k1": Key, "k2": OtherKey} {
		sum := sha256.Sum256([]byte(secret))
		if err := store.PutAPIKey(context.Background(), sandbox.APIKey{ID: id, Hash: sum[:], CreatedAt: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

// Open sends a request with pairs of headers and returns the answer, whose
// body the caller closes. A body is sent as JSON unless the headers say
// otherwise.
func (s *Server) Open(t testing.TB, ctx context.Context, method, path, body string, headers ...string) *http.Response {
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
	res, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// Do is Open that reads the whole body.
func (s *Server) Do(t testing.TB, method, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	res := s.Open(t, t.Context(), method, path, body, headers...)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

// WaitRunning waits until n programs run.
func (s *Server) WaitRunning(t testing.TB, n int) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		now, _ := s.Runner.Running()
		if now == n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d programs run, want %d", now, n)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// Decode decodes JSON that has no field which T does not have.
func Decode[T any](t testing.TB, body string) T {
	t.Helper()
	var v T
	dec := json.NewDecoder(strings.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("decode %q: %v", body, err)
	}
	return v
}

// Quote returns s as a JSON string.
func Quote(s string) string {
	b, _ := json.Marshal(s) // a string always encodes
	return string(b)
}

// SignIn signs a browser in and returns its Cookie header.
func (s *Server) SignIn(t testing.TB) string {
	t.Helper()
	value := "cookie-of-the-tests"
	sum := sha256.Sum256([]byte(value))
	now := time.Now()
	if err := s.credentials.PutSession(t.Context(), sandbox.Session{Hash: sum[:], CreatedAt: now, ExpiresAt: now.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	return "sandpiper=" + value
}

// Revoke revokes the API key with an id.
func (s *Server) Revoke(t testing.TB, id string) {
	t.Helper()
	if err := s.credentials.DeleteAPIKey(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}
