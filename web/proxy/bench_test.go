package proxy_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/web"
	"sandpiper/web/auth"
	"sandpiper/web/proxy"
	"sandpiper/web/reply"
)

const (
	org   = "org-1"
	id    = "11111111-1111-1111-1111-111111111111"
	token = "the-sandbox's-own"
	key   = "the-key"
)

// fake is a manager with one sandbox, whose toolbox is a test server.
type fake struct {
	toolbox *httptest.Server
	servers map[int]string // addresses of what listens on other ports
	err     error          // of Dial
	start   func(s *sandbox.Sandbox) error

	mu      sync.Mutex
	touched int
	source  sandbox.ActivitySource
	box     sandbox.Sandbox
}

func (f *fake) Sandbox(_ context.Context, o, name string) (sandbox.Sandbox, error) {
	if o != org || name != id && name != "named" {
		return sandbox.Sandbox{}, sandbox.Errorf(sandbox.KindNotFound, "there is no such sandbox")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.box, nil
}

func (f *fake) ByID(_ context.Context, name string) (sandbox.Sandbox, error) {
	return f.Sandbox(context.Background(), org, name)
}

func (f *fake) Dial(ctx context.Context, _ string, port int) (net.Conn, error) {
	if f.err != nil {
		return nil, f.err
	}
	address := f.toolbox.Listener.Addr().String()
	if port != sandbox.ToolboxPort {
		f.mu.Lock()
		address = f.servers[port]
		f.mu.Unlock()
	}
	if address == "" {
		return nil, sandbox.Errorf(sandbox.KindNotFound, "no")
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", address)
}

// Start implements proxy.Manager.
func (f *fake) Start(context.Context, string, string) (sandbox.Sandbox, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.start(&f.box)
	return f.box, err
}

func (f *fake) Touch(_ context.Context, _, _ string, source sandbox.ActivitySource) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.touched++
	f.source = source
	return nil
}

func (f *fake) touches() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.touched
}

func (f *fake) ToolboxToken(sandbox.Sandbox) string { return token }
func (f *fake) PreviewToken(s sandbox.Sandbox) string {
	return "preview-" + strconv.FormatInt(s.Incarnation, 10)
}
func (f *fake) PreviewKey(sandbox.Sandbox) string { return "preview-key" }
func (f *fake) SigningKey(sandbox.Sandbox) string { return "signing" }

// writeError tells what matters of an error in one line.
func writeError(w http.ResponseWriter, _ *http.Request, e *sandbox.Error) {
	w.WriteHeader(reply.Status(e.Kind))
	fmt.Fprintf(w, "proxy: %s", e.Message)
}

// serverLimit is the servers' limit of time for a request, which streams outlive:
// what is slow here takes steps of a third of it, and more than three.
const (
	serverLimit = 300 * time.Millisecond
	step        = serverLimit / 3
)

// start serves a proxy before a toolbox.
func start(t *testing.T, toolbox http.HandlerFunc) (*httptest.Server, *fake) {
	t.Helper()
	f := &fake{toolbox: httptest.NewServer(toolbox), box: sandbox.Sandbox{ID: id, Organization: org, Name: "named", State: sandbox.StateStarted, Incarnation: 1}}
	t.Cleanup(f.toolbox.Close)
	store := &sandboxtest.CredentialStore{}
	for secret, permissions := range map[string][]string{key: nil, "reader": {}} {
		sum := sha256.Sum256([]byte(secret))
		if err := store.PutAPIKey(t.Context(), sandbox.APIKey{ID: secret, Name: secret, Hash: sum[:], Permissions: permissions, CreatedAt: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	guard, err := auth.New(auth.Config{Store: store, PublicURL: &url.URL{Scheme: "http", Host: "sandpiper.test"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(guard.Close)
	p := proxy.New(proxy.Config{Manager: f, Guard: guard, Organization: org, Errors: writeError})
	srv := httptest.NewUnstartedServer(web.New(web.Config{Guard: guard, API: []web.Routes{p}}))
	srv.Config.ReadHeaderTimeout = time.Minute // a busy client has more time to begin
	srv.Config.ReadTimeout = serverLimit
	srv.Config.WriteTimeout = serverLimit
	srv.Start()
	t.Cleanup(srv.Close)
	t.Cleanup(p.Close)
	return srv, f
}

func do(t *testing.T, method, target string, body io.Reader, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, target, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
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

var quiet = slog.New(slog.DiscardHandler)

// echo tells what the toolbox got.
func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"method": r.Method, "uri": r.RequestURI, "host": r.Host, "headers": r.Header})
}
