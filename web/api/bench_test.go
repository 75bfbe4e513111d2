package api_test

import (
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

	"sandpiper/e2e/spec"
	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/sandbox/scheduler"
	"sandpiper/web"
	"sandpiper/web/api"
	"sandpiper/web/api/wire"
	"sandpiper/web/auth"
	"sandpiper/web/preview"
	"sandpiper/web/run/openapi"
)

const (
	org      = "11111111-2222-3333-4444-555555555555"
	adminKey = "the-admin's"
	// specification is seen from this package, where it is.
	specification = "../../../shared/spec/api.json"
)

// bench is a server over a manager whose engines hold nothing.
type bench struct {
	t       *testing.T
	url     string
	manager *manager.Manager
	docker  *sandboxtest.Engine
	keys    *sandboxtest.CredentialStore
	spec    *spec.Document // nil where it is not
	routes  *api.Handler
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, docker: sandboxtest.NewEngine(sandbox.EngineContainer), keys: &sandboxtest.CredentialStore{}}
	engines := []sandbox.Engine{b.docker, sandboxtest.NewEngine(sandbox.EngineWasm)}
	organization := sandbox.Organization{ID: org, Name: "personal", Personal: true, Owner: "owner", Region: "local", Created: time.Now(),
		MaxEach: sandbox.Resources{CPU: 8, MemoryGiB: 16, DiskGiB: 50}}
	region := sandbox.Region{ID: "local", Name: "local", Aliases: []string{"us", "eu"}}
	log := slog.New(slog.DiscardHandler)
	m, err := manager.New(t.Context(), manager.Config{
		Engines: engines, Store: &sandboxtest.Store{}, Secret: []byte(strings.Repeat("s", 32)),
		Placer:       scheduler.NewPlacer(scheduler.PlacerConfig{Engines: engines, Region: region, Log: log}),
		Organization: organization, Region: region, Version: "v9", Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	if err := m.Boot(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.manager = m
	b.key("admin", nil)
	guard, err := auth.New(auth.Config{Store: b.keys, PublicURL: &url.URL{Scheme: "http", Host: "sandpiper.test"}, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(guard.Close)
	public := &url.URL{Scheme: "http", Host: "sandpiper.test"}
	site, err := preview.NewSite(preview.Config{Domain: "previews.test", Public: public})
	if err != nil {
		t.Fatal(err)
	}
	links, err := preview.NewLinks(t.Context(), m, &sandboxtest.PreviewStore{})
	if err != nil {
		t.Fatal(err)
	}
	b.routes = api.New(api.Config{Site: site, Links: links, Warn: true, Manager: m, Keys: b.keys, Guard: guard, Organization: organization,
		PublicURL: public, Version: "1.2.3", Log: log,
		Toolbox: api.Toolbox{Operations: []openapi.Operation{{Method: "GET", Path: "/work-dir", ID: "GetWorkDir", Summary: "Tell the folder"}}, Failure: wire.Error{}}})
	srv := httptest.NewServer(web.New(web.Config{Guard: guard, API: []web.Routes{b.routes}, Version: "1.2.3", Log: log}))
	t.Cleanup(srv.Close)
	t.Cleanup(b.routes.Close)
	b.url = srv.URL
	b.spec, _ = spec.Load(specification)
	return b
}

// key stores a key whose secret is "the-" and its name and "'s".
func (b *bench) key(name string, permissions []string) string {
	b.t.Helper()
	secret := "the-" + name + "'s"
	sum := sha256.Sum256([]byte(secret))
	if err := b.keys.PutAPIKey(b.t.Context(), sandbox.APIKey{ID: name, Name: name, Hash: sum[:], Permissions: permissions, CreatedAt: time.Now()}); err != nil {
		b.t.Fatal(err)
	}
	return secret
}

// answer is an answer with its JSON.
type answer struct {
	*http.Response
	text string
	json any
}

// get returns what is at a place in the JSON, in names.
func (a answer) get(names ...string) any {
	v := a.json
	for _, name := range names {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func (a answer) id() string {
	id, _ := a.get("id").(string)
	return id
}

// send makes a request with the admin's key unless headers say otherwise.
func (b *bench) send(method, path, body string, headers ...string) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url+"/api"+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+adminKey)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	a := answer{Response: res, text: strings.TrimSpace(string(data))}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(data, &a.json); err != nil {
			b.t.Errorf("%s %s: %v in %s", method, path, err, data)
		}
	}
	return a
}

// good is send for an operation that must do well, in the shape of its
// specification.
func (b *bench) good(id, method, path, body string, headers ...string) answer {
	b.t.Helper()
	a := b.send(method, path, body, headers...)
	if a.StatusCode >= 300 {
		b.t.Fatalf("%s %s: %s %s", method, path, a.Status, a.text)
	}
	if b.spec == nil {
		return a
	}
	for _, op := range b.spec.Operations {
		if op.ID != id {
			continue
		}
		schema, ok := op.Answers[a.StatusCode]
		if !ok {
			b.t.Errorf("%s: the specification has no status %d", id, a.StatusCode)
		}
		if problems := b.spec.Check(schema, a.json); schema != nil && len(problems) > 0 {
			b.t.Errorf("%s: %s\n%s", id, strings.Join(problems, "\n"), a.text)
		}
		return a
	}
	b.t.Fatalf("the specification has no operation %s", id)
	return a
}

// bad is send for a request that must be refused, in the shape of all errors.
func (b *bench) bad(status int, says, method, path, body string, headers ...string) answer {
	b.t.Helper()
	a := b.send(method, path, body, headers...)
	message, _ := a.get("message").(string)
	if a.StatusCode != status || a.get("statusCode") != float64(status) || a.get("error") != http.StatusText(status) ||
		a.get("path") == nil || a.get("timestamp") == nil || !strings.Contains(message, says) {
		b.t.Errorf("%s %s %s: want %d with %q, got %s %s", method, path, body, status, says, a.Status, a.text)
	}
	return a
}

// create makes a sandbox and returns its ID.
func (b *bench) create(body string) string {
	b.t.Helper()
	a := b.good("createSandbox", "POST", "/sandbox", body)
	if a.get("state") != "started" {
		b.t.Fatalf("the sandbox is not started: %s", a.text)
	}
	return a.id()
}

// until waits until a sandbox is in a state.
func (b *bench) until(id string, state sandbox.State) {
	b.t.Helper()
	if _, err := b.manager.WaitState(b.t.Context(), id, state); err != nil {
		b.t.Fatal(err)
	}
}
