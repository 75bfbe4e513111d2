package dashboard_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/sandbox/scheduler"
	"sandpiper/sandbox/sshaccess"
	"sandpiper/static"
	"sandpiper/web"
	"sandpiper/web/apikey"
	"sandpiper/web/auth"
	"sandpiper/web/dashboard"
	"sandpiper/web/dashboard/sandboxpage"
	"sandpiper/web/page"
)

const org = "11111111-2222-3333-4444-555555555555"

// patience is how long a test waits for what happens in the background.
const patience = 30 * time.Second

// bench is a server with pages over a manager whose engines hold nothing.
type bench struct {
	t       testing.TB
	url     string
	handler http.Handler
	manager *manager.Manager
	docker  *sandboxtest.Engine
	wasm    *sandboxtest.Engine
	store   *sandboxtest.Store
	keys    *sandboxtest.CredentialStore
	client  *http.Client // signed in
}

func newBench(t testing.TB) *bench {
	t.Helper()
	return newBenchWith(t, func(*bench, *dashboard.Config) {})
}

// newBenchWith is newBench with another configuration of the pages.
func newBenchWith(t testing.TB, change func(*bench, *dashboard.Config)) *bench {
	t.Helper()
	b := &bench{t: t, docker: sandboxtest.NewEngine(sandbox.EngineContainer), wasm: sandboxtest.NewEngine(sandbox.EngineWasm), store: &sandboxtest.Store{}, keys: &sandboxtest.CredentialStore{}}
	engines := []sandbox.Engine{b.docker, b.wasm}
	organization := sandbox.Organization{ID: org, Name: "personal", MaxEach: sandbox.Resources{CPU: 8, MemoryGiB: 16, DiskGiB: 50}}
	region, log := sandbox.Region{ID: "local", Name: "local"}, slog.New(slog.DiscardHandler)
	m, err := manager.New(t.Context(), manager.Config{
		Engines: engines, Store: b.store, Secret: []byte(strings.Repeat("s", 32)), Organization: organization, Region: region, Log: log,
		Placer: scheduler.NewPlacer(scheduler.PlacerConfig{Engines: engines, Region: region, Log: log}),
	})
	b.must(err)
	t.Cleanup(func() { _ = m.Close() })
	b.must(m.Boot(t.Context()))
	b.manager = m
	public := &url.URL{Scheme: "http", Host: "sandpiper.test"}
	guard, err := auth.New(auth.Config{Store: b.keys, PublicURL: public, Log: log})
	b.must(err)
	t.Cleanup(guard.Close)
	assets, err := static.New(fstest.MapFS{"manifest.json": {Data: []byte(`{"entries":{},"files":{}}`)}})
	b.must(err)
	frame := page.New(assets, guard, log)
	pages := sandboxpage.New(sandboxpage.Config{Manager: m, Frame: frame, Organization: org, Log: log})
	cfg := dashboard.Config{
		Manager: m, Keys: b.keys, Frame: frame, Pages: pages, Organization: organization, PublicURL: public, Version: "1.2.3",
		UndoWait: 10 * time.Millisecond, Log: log,
	}
	change(b, &cfg)
	d := dashboard.New(cfg)
	t.Cleanup(d.Close)
	signIn := func(http.ResponseWriter, *http.Request, string, *sandbox.Error) error { return nil }
	routes := routesFunc(func(mux *http.ServeMux) { guard.RegisterPages(mux, signIn, frame.WriteError) })
	b.handler = web.New(web.Config{Guard: guard, Pages: []web.Routes{pages, d, routes}, Log: log})
	srv := httptest.NewServer(b.handler)
	t.Cleanup(srv.Close)
	t.Cleanup(pages.Close)
	b.url = srv.URL
	b.signIn(guard)
	return b
}

type routesFunc func(mux *http.ServeMux)

func (f routesFunc) Register(mux *http.ServeMux) { f(mux) }

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// signIn gets a session as a browser does.
func (b *bench) signIn(guard *auth.Guard) {
	jar, err := cookiejar.New(nil)
	b.must(err)
	b.client = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	link, _ := guard.SignInURL()
	u, err := url.Parse(link)
	b.must(err)
	res, err := b.client.Get(b.url + u.RequestURI())
	b.must(err)
	res.Body.Close()
	if len(jar.Cookies(must(url.Parse(b.url)))) == 0 {
		b.t.Fatalf("the link did not sign in: %s", res.Status)
	}
}

func must[T any](v T, _ error) T { return v }

// get asks for a page.
func (b *bench) get(path string, status int, wants ...string) string {
	b.t.Helper()
	res, err := b.client.Get(b.url + path)
	b.must(err)
	return b.check(res, path, status, wants...)
}

// post sends a form, as a page's script does for fragment.
func (b *bench) post(path, form string, fragment bool, status int, wants ...string) string {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodPost, b.url+path, strings.NewReader(form))
	b.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if fragment {
		r.Header.Set("HX-Request", "true")
	}
	res, err := b.client.Do(r)
	b.must(err)
	return b.check(res, path, status, wants...)
}

// check reads an answer. What begins with ! must not be in it.
func (b *bench) check(res *http.Response, path string, status int, wants ...string) string {
	b.t.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	b.must(err)
	text := string(body) + "\nLocation: " + res.Header.Get("Location")
	if res.StatusCode != status {
		b.t.Fatalf("%s: %s, want %d:\n%.2000s", path, res.Status, status, text)
	}
	for _, want := range wants {
		not, negative := strings.CutPrefix(want, "!")
		if strings.Contains(text, strings.TrimPrefix(not, "!")) == negative {
			b.t.Errorf("%s: %q is wrong in\n%.3000s", path, want, text)
		}
	}
	return text
}

func (b *bench) create(name string) sandbox.Sandbox {
	b.t.Helper()
	s, err := b.manager.Create(b.t.Context(), manager.CreateRequest{Organization: org, Name: name, Snapshot: "wasm"})
	b.must(err)
	return s
}

func (b *bench) until(id string, state sandbox.State) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	_, err := b.manager.WaitState(ctx, id, state)
	b.must(err)
}

func TestStrangersAreLedToTheSignInAndBack(t *testing.T) {
	b := newBench(t)
	s := b.create("box")
	b.client.Jar = nil
	b.get("/sandboxes?state=started", 303, "Location: /signin?next=%2Fsandboxes%3Fstate%3Dstarted")
	b.get("/sandboxes/"+s.ID+"/settings", 303, "Location: /signin")
	b.post("/sandboxes/"+s.ID+"/stop", "", true, 401)
	b.post("/sandboxes/new", "", false, 401)
	if now, err := b.manager.Sandbox(t.Context(), org, s.ID); err != nil || now.State != sandbox.StateStarted {
		t.Errorf("a stranger changed it: %v %v", now.State, err)
	}
}

func TestListFiltersAndSorts(t *testing.T) {
	b := newBench(t)
	b.get("/sandboxes", 200, "A sandbox is a computer for code", "api/sandbox")
	b.create("alpha")
	s := b.create("beta")
	_, err := b.manager.SetLabels(t.Context(), org, s.ID, map[string]string{"team": "<blue>"})
	b.must(err)
	for path, wants := range map[string][]string{
		"/sandboxes":                                 {">alpha<", ">beta<", "team=&lt;blue&gt;", "1 to 2 of 2"},
		"/sandboxes?q=ALP":                           {">alpha<", "!>beta<"},
		"/sandboxes?q=" + s.ID[:8]:                   {">beta<", "!>alpha<"},
		"/sandboxes?label=team%3D%3Cblue%3E":         {">beta<", "!>alpha<"},
		"/sandboxes?state=stopped":                   {"No sandbox is like that"},
		"/sandboxes?engine=container":                {"No sandbox is like that"},
		"/sandboxes?engine=wasm&snapshot=wasm":       {">beta<", ">alpha<"},
		"/sandboxes?sort=name&order=asc&q=a&gone=it": {"Sandbox it is deleted", "order=desc", `name="sort" value="name"`, `name="order" value="asc"`},
	} {
		b.get(path, 200, wants...)
	}
	for _, path := range []string{"/sandboxes?page=0", "/sandboxes?sort=colour", "/sandboxes?state=happy"} {
		b.get(path, 422)
	}
}

func TestCreateByForm(t *testing.T) {
	b := newBench(t)
	b.get("/sandboxes/new", 200, "Start from", "1 to 8", "curl -X POST")
	b.post("/sandboxes/new", "snapshot=wasm&name=made&cpu=1&env=A%3D1%0D%0AB%3Dx%3Dy&labels=l%3Dv&autoStop=5&ephemeral=true&public=true", false, 303, "/activity")
	s, err := b.manager.Sandbox(t.Context(), org, "made")
	b.must(err)
	if s.Env["B"] != "x=y" || s.Labels["l"] != "v" || s.Intervals.AutoStop != 5*time.Minute || !s.Intervals.Ephemeral() || !s.Public {
		t.Errorf("got %+v", s)
	}
	for form, wants := range map[string][]string{
		"snapshot=wasm&name=made":                        {"f-name-error", `value="made"`},
		"snapshot=wasm&cpu=99":                           {"f-cpu-error"},
		"snapshot=wasm&cpu=x":                            {"f-cpu-error", "not a whole number"},
		"snapshot=wasm&env=oops":                         {"f-env-error", "one name=value"},
		"snapshot=wasm&allow=nowhere":                    {"f-allow-error"},
		"snapshot=wasm&autoStop=-1":                      {"f-autoStop-error"},
		"snapshot=wasm&name=" + strings.Repeat("x", 300): {"f-name-error"},
	} {
		body := b.post("/sandboxes/new", form, false, statusOf(form))
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s: no %q", form, want)
			}
		}
	}
	b.post("/sandboxes/new/code", "snapshot=wasm&name=it%27s", true, 200, `id="codes"`, "it&#39;\\&#39;&#39;s", "!<html")
}

func statusOf(form string) int {
	if strings.HasSuffix(form, "name=made") {
		return 409
	}
	return 422
}

func TestVerbs(t *testing.T) {
	b := newBench(t)
	s := b.create("box")
	at := "/sandboxes/" + s.ID + "/"
	b.get("/sandboxes/box", 303, "/activity")
	b.post(at+"stop", "", true, 200, "box is stopped")
	b.until(s.ID, sandbox.StateStopped)
	b.get(at+"activity", 200, "From the pages in a browser")
	b.post(at+"pause", "", true, 409, "not possible now")
	b.post(at+"start", "", false, 303)
	b.until(s.ID, sandbox.StateStarted)
	b.post(at+"labels", "labels=a%3Db", true, 200, "as you wrote them")
	b.post(at+"labels", "labels=a%3Db%0Aa%3Dc", true, 422, "twice", "f-labels-error")
	b.post(at+"intervals", "autoStop=30&autoPause=0&autoArchive=10080&autoDelete=-1&ttl=", true, 200)
	b.post(at+"network", "block=true", true, 200)
	b.post(at+"publish", "", true, 200)
	b.post(at+"rotate", "", true, 200)
	b.post(at+"visit", "visit=true", true, 200)
	b.post(at+"fork", "name=copy", true, 200)
	b.get(at+"activity", 200, "Idle clock", "Fork tree", ">copy<", "Keep alive")
	b.post(at+"rename", "name=copy", true, 409, "f-name-error")
	b.post(at+"rename", "name=a%2Fb", true, 422, "f-name-error")
	b.post(at+"rename", "name=100%25", true, 422, "f-name-error")
	b.post(at+"rename", "name=crate", true, 200, "box is called crate now")
	b.get("/sandboxes/crate", 303, s.ID)
	b.get("/sandboxes/box", 404)
	b.post(at+"delete", "name=crate", true, 409, "copy")
	now, err := b.manager.Sandbox(t.Context(), org, s.ID)
	b.must(err)
	if now.Labels["a"] != "b" || now.Labels["sandpiper.start-on-visit"] != "true" || now.Intervals.AutoStop != 30*time.Minute || !now.Network.BlockAll || !now.Public || now.KeyVersion == s.KeyVersion {
		t.Errorf("got %+v", now)
	}
	b.get(at+"settings", 200, "All connections out of it are blocked", "Stops after 30 minutes")
	b.get(at+"metrics", 200, "Processor")
	b.get("/sandboxes/nobody/settings", 404, "nobody", `href="/sandboxes">Show what there is`)
	b.get(at+"ssh", 409)
}

// shells gives out access by SSH without a gateway.
type shells struct{ *sshaccess.Desk }

func (s shells) Grant(ctx context.Context, org, id string, ttl time.Duration) (token, command string, expires time.Time, err error) {
	a, token, err := s.Create(ctx, org, id, ttl)
	return token, "ssh " + token + "@box.test", a.ExpiresAt, err
}

func TestAccessBySSHIsListedAndRevoked(t *testing.T) {
	b := newBenchWith(t, func(b *bench, c *dashboard.Config) { c.SSH = shells{sshaccess.New(b.store, b.manager)} })
	s := b.create("box")
	at := "/sandboxes/" + s.ID + "/"
	b.get(at+"settings", 200, "Nobody has it", "Give access")
	body := b.post(at+"ssh", "minutes=60", true, 200, "ssh_")
	token := body[strings.Index(body, "ssh_"):][:len("ssh_")+26]
	accesses, err := b.store.SSHAccesses(t.Context(), s.ID)
	b.must(err)
	if len(accesses) != 1 {
		t.Fatalf("got %v", accesses)
	}
	revoke := at + "ssh/" + accesses[0].ID + "/revoke"
	b.get(at+"settings", 200, revoke, "Ends on", "!"+token)
	other := b.create("other")
	b.post("/sandboxes/"+other.ID+"/ssh/"+accesses[0].ID+"/revoke", "", true, 404, "no such SSH access")
	b.post(revoke, "", true, 200, "revoked")
	b.get(at+"settings", 200, "Nobody has it", "!"+revoke)
	b.post(revoke, "", true, 404)
}

func TestAStopThatTakesLongIsNotSaidToBeOver(t *testing.T) {
	b := newBench(t)
	s := b.create("slow")
	b.wasm.SetDelay("stop", 2*manager.DefaultReadyWait)
	b.post("/sandboxes/"+s.ID+"/stop", "", true, 200, "slow is stopping", "!slow is stopped")
}

func TestDeletionCanBeTakenBack(t *testing.T) {
	b := newBenchWith(t, func(_ *bench, c *dashboard.Config) { c.UndoWait = time.Hour })
	s := b.create("box")
	at := "/sandboxes/" + s.ID + "/"
	b.post(at+"delete", "name=other", true, 422, "write it as it is")
	b.post(at+"delete", "name=box", true, 200, "will be deleted")
	b.get("/sandboxes", 200, at+"undo")
	b.post(at+"undo", "", true, 200, "stays")
	b.post(at+"undo", "", true, 409, "too late")
}

func TestDeletion(t *testing.T) {
	b := newBench(t)
	s := b.create("box")
	b.post("/sandboxes/"+s.ID+"/delete", "name=box", false, 303)
	b.until(s.ID, sandbox.StateDestroyed)
	changes, err := b.manager.StateChanges(t.Context(), s.ID)
	b.must(err)
	for _, c := range changes {
		if (c.To == sandbox.StateDestroy || c.To == sandbox.StateDestroyed) && c.Reason != "from the pages in a browser" {
			t.Errorf("from %s to %s: the reason is %q", c.From, c.To, c.Reason)
		}
	}
}

func TestKeysAreShownOnce(t *testing.T) {
	b := newBench(t)
	body := b.post("/keys/new", "name=ci&write:sandboxes=true&days=3", true, 200, "dtn_", "DAYTONA_API_KEY=dtn_")
	secret := body[strings.Index(body, "dtn_"):][:56]
	b.get("/keys", 200, ">ci<", "write:sandboxes", "!"+secret)
	b.post("/keys/new", "name=ci", true, 409, "f-name-error")
	b.post("/keys/new", "name=", true, 422, "f-name-error")
	b.post("/keys/ci/revoke", "", false, 303, "/keys")
	b.get("/keys", 200, "!>ci<")
	b.post("/keys/ci/revoke", "", true, 404)
}

func TestSnapshotsAndTheirPools(t *testing.T) {
	b := newBench(t)
	b.get("/snapshots", 200, ">wasm<", "built in")
	b.post("/snapshots/new", "name=mine&image=debian:13&cpu=1", true, 200, "mine")
	b.post("/snapshots/new", "name=mine&image=debian:13", true, 409, "f-name-error")
	b.post("/snapshots/new", "name=&image=", true, 422, "f-name-error")
	b.post("/snapshots/wasm/pool", "size=2", true, 200)
	b.get("/snapshots", 200, "pool:", "of 2 ready")
	b.post("/snapshots/wasm/pool", "size=0", true, 200)
	b.post("/snapshots/mine/deactivate", "", true, 200)
	b.get("/snapshots", 200, "Inactive")
	b.post("/snapshots/mine/activate", "", true, 200)
	b.post("/snapshots/mine/remove", "", true, 200)
	b.get("/settings", 200, "Runners", "1.2.3", "largest runner")
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	b := newBench(t)
	s := b.create("box")
	r, err := http.NewRequest(http.MethodPost, b.url+"/sandboxes/"+s.ID+"/stop", nil)
	b.must(err)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	res, err := b.client.Do(r)
	b.must(err)
	b.check(res, "stop", 403)
}

// follow opens a stream of events, and returns a function that waits for a text
// in it.
func (b *bench) follow(path string) (wait func(want string)) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	b.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+path, nil)
	b.must(err)
	res, err := b.client.Do(r)
	b.must(err)
	b.t.Cleanup(func() { _ = res.Body.Close() })
	if kind := res.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/event-stream") {
		b.t.Fatalf("%s %s", res.Status, kind)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	return func(want string) {
		b.t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), want) {
				return
			}
		}
		b.t.Fatalf("the stream ended before %q: %v", want, lines.Err())
	}
}

func TestKeysAppearAndGoByThemselves(t *testing.T) {
	b := newBench(t)
	wait := b.follow("/keys/events")
	wait(`hx-target="#keys"`)
	key, _, err := apikey.Make(t.Context(), b.keys, apikey.Request{Name: "elsewhere", Permissions: []string{}})
	b.must(err)
	wait("elsewhere")
	b.must(b.keys.TouchAPIKey(t.Context(), key.ID, time.Now()))
	wait(`hx-target="#key-` + key.ID)
	b.must(apikey.Revoke(t.Context(), b.keys, "elsewhere"))
	wait(`hx-target="#keys"`)
}

// TestStreamSendsWhatDiffers follows a list while somebody else uses the API.
func TestStreamSendsWhatDiffers(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	wait := b.follow("/sandboxes/events")
	wait(`hx-target="#rows"`)
	s := b.create("late")
	wait("row-" + s.ID)
	_, err := b.manager.SetLabels(ctx, org, s.ID, map[string]string{"told": "nobody"})
	b.must(err)
	wait("told=nobody")
	_, err = b.manager.Stop(ctx, org, s.ID, false)
	b.must(err)
	wait("Stopped")
	_, err = b.manager.Destroy(ctx, org, s.ID)
	b.must(err)
	wait("A sandbox is a computer for code")
}

func TestAStreamEndsWithTheSession(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+"/sandboxes/events", nil)
	b.must(err)
	res, err := b.client.Do(r)
	b.must(err)
	defer res.Body.Close()
	b.post("/signout", "", false, 303)
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Errorf("the stream goes on: %v", err)
	}
}

// BenchmarkList serves the page of 1,000 sandboxes.
func BenchmarkList(b *testing.B) {
	bn := newBench(b)
	for i := range 1000 {
		s := sandboxtest.Sandbox(sandbox.NewUUID())
		s.Organization, s.Name, s.WarmPool, s.State, s.Desired = org, fmt.Sprintf("box-%d", i), "", sandbox.StateStopped, sandbox.DesiredStopped
		bn.must(bn.store.AddSandbox(b.Context(), s))
	}
	cookie := bn.client.Jar.Cookies(must(url.Parse(bn.url)))[0]
	var bytes int
	for b.Loop() {
		r := httptest.NewRequest(http.MethodGet, "/sandboxes", nil)
		r.AddCookie(cookie)
		w := httptest.NewRecorder()
		bn.handler.ServeHTTP(w, r)
		if bytes = w.Body.Len(); w.Code != 200 || !strings.Contains(w.Body.String(), "of 1000 sandboxes") {
			b.Fatalf("%d: %.500s", w.Code, w.Body)
		}
	}
	b.ReportMetric(float64(bytes), "page-bytes")
}
