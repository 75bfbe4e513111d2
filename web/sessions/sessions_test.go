package sessions_test

import (
	"bufio"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"sandpiper/sandbox/kernels"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/web"
	"sandpiper/web/apitype"
	"sandpiper/web/run"
	"sandpiper/web/run/runtest"
	"sandpiper/web/sessions"
)

// server is a server of sessions over a scripted engine.
type server struct {
	*runtest.Server
	t      testing.TB
	engine *sandboxtest.FakeKernels
	keeper *kernels.Keeper
}

type both []web.Routes

func (b both) Register(mux *http.ServeMux) {
	for _, r := range b {
		r.Register(mux)
	}
}

func newServer(t testing.TB, o runtest.Options) *server {
	t.Helper()
	s := &server{t: t, engine: sandboxtest.NewFakeKernels()}
	var err error
	s.keeper, err = kernels.New(context.Background(), kernels.Config{
		Engine: s.engine, Store: &sandboxtest.KernelSessionStore{}, Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.keeper.Close(); err != nil {
			t.Error(err)
		}
	})
	o.Routes = func(desk run.Desk) web.Routes {
		h := sessions.New(sessions.Config{Keeper: s.keeper, Guard: desk.Guard})
		t.Cleanup(h.HangUp)
		return both{h, run.New(run.Config{Desk: desk, Version: "test", More: h.Operations()})}
	}
	s.Server = runtest.New(t, o)
	return s
}

// ask sends JSON with the key and returns the body of the answer, which must have a
// status.
func (s *server) ask(method, path, body string, status int, headers ...string) string {
	s.t.Helper()
	res, text := s.Do(s.t, method, path, body, append([]string{"Authorization", "Bearer " + runtest.Key, "Content-Type", "application/json"}, headers...)...)
	if res.StatusCode != status {
		s.t.Fatalf("%s %s %s: status %d, want %d: %s", method, path, body, res.StatusCode, status, text)
	}
	return text
}

// loose decodes some fields of an object.
func loose[T any](t testing.TB, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("decode %q: %v", text, err)
	}
	return v
}

func (s *server) create() apitype.Session {
	s.t.Helper()
	return runtest.Decode[apitype.Session](s.t, s.ask("POST", "/v1/sessions", `{"language":"scr"}`, http.StatusCreated))
}

func executeBody(lines ...string) string {
	return `{"code":` + runtest.Quote(strings.Join(lines, "\n")) + `}`
}

func (s *server) execute(id string, lines ...string) apitype.CellResult {
	s.t.Helper()
	return runtest.Decode[apitype.CellResult](s.t, s.ask("POST", "/v1/sessions/"+id+"/execute", executeBody(lines...), http.StatusOK))
}

// waitState waits until a session has a state.
func (s *server) waitState(id, state string) {
	s.t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		got := runtest.Decode[apitype.Session](s.t, s.ask("GET", "/v1/sessions/"+id, "", http.StatusOK))
		if got.State == state {
			return
		}
	}
	s.t.Fatalf("the session did not become %s", state)
}

func TestLifeOfASession(t *testing.T) {
	s := newServer(t, runtest.Options{Closed: true})
	a := s.create()
	if a.Name != "Script" || a.Language != "script" || a.State != "idle" || a.CreatedAt.IsZero() {
		t.Errorf("a new session is %+v", a)
	}
	r := s.execute(a.ID, "set x 1", "value x", "print out", "eprint err", "display text/html <b>")
	if r.Status != "ok" || r.Stdout != "out\n" || r.Stderr != "err\n" || r.ExecutionCount != 1 || len(r.Outputs) != 1 ||
		r.Value == nil || r.Value.Data["text/plain"] != "1" || r.Error != nil || r.ID == "" || r.Language != "script" {
		t.Errorf("the result is %+v", r)
	}
	r = s.execute(a.ID, "raise ValueError bad")
	if r.Status != "error" || r.Error == nil || r.Error.Name != "ValueError" || r.Error.Value != "bad" || len(r.Error.Traceback) != 2 || r.Value != nil {
		t.Errorf("the result is %+v", r)
	}
	moved := runtest.Decode[apitype.MovedSession](t, s.ask("POST", "/v1/sessions/"+a.ID+"/pause", "", 200))
	if moved.State != "paused" || moved.Bytes == 0 || moved.StoredBytes != moved.Bytes || moved.Milliseconds <= 0 {
		t.Errorf("paused it is %+v", moved)
	}
	moved = runtest.Decode[apitype.MovedSession](t, s.ask("POST", "/v1/sessions/"+a.ID+"/resume", "", 200))
	if moved.State != "idle" || moved.Bytes == 0 {
		t.Errorf("resumed it is %+v", moved)
	}
	fork := runtest.Decode[apitype.MovedSession](t, s.ask("POST", "/v1/sessions/"+a.ID+"/fork", `{"name":"Other"}`, 201))
	if fork.ForkOf != a.ID || fork.Name != "Other" {
		t.Errorf("the fork is %+v", fork)
	}
	if r := s.execute(fork.ID, "get x"); r.Stdout != "1\n" || r.ExecutionCount != 3 {
		t.Errorf("the fork's result is %+v", r)
	}
	s.ask("POST", "/v1/sessions/"+a.ID+"/fork", "", 201)
	renamed := runtest.Decode[apitype.Session](t, s.ask("PATCH", "/v1/sessions/"+a.ID, `{"name":"Mine"}`, 200))
	restarted := runtest.Decode[apitype.Session](t, s.ask("POST", "/v1/sessions/"+a.ID+"/restart", "", 200))
	if renamed.Name != "Mine" || restarted.ExecutionCount != 0 {
		t.Errorf("%+v, %+v", renamed, restarted)
	}
	if r := s.execute(a.ID, "get x"); r.Error == nil {
		t.Errorf("after a restart: %+v", r)
	}
	if list := runtest.Decode[apitype.SessionList](t, s.ask("GET", "/v1/sessions", "", 200)); len(list.Sessions) != 3 || list.Sessions[0].ID != a.ID {
		t.Errorf("the list is %+v", list)
	}
	s.ask("DELETE", "/v1/sessions/"+a.ID, "", 204)
	s.ask("GET", "/v1/sessions/"+a.ID, "", 404)
	s.ask("POST", "/v1/sessions/"+a.ID+"/execute", executeBody("print 1"), 404)
}

func TestRefusals(t *testing.T) {
	s := newServer(t, runtest.Options{Closed: true})
	id := s.create().ID
	for _, tt := range []struct {
		name, method, path, body string
		status                   int
	}{
		{"no language", "POST", "", `{}`, 422},
		{"a language without sessions", "POST", "", `{"language":"cobol"}`, 422},
		{"not JSON", "POST", "", `{`, 400},
		{"an unknown field", "POST", "", `{"language":"script","colour":1}`, 422},
		{"a bad file", "POST", "", `{"language":"script","files":[{"name":"/x","content":""}]}`, 422},
		{"bad base64", "POST", "", `{"language":"script","files":[{"name":"x","content":"*","encoding":"base64"}]}`, 422},
		{"a bad encoding", "POST", "", `{"language":"script","files":[{"name":"x","content":"","encoding":"rot13"}]}`, 422},
		{"an empty name", "PATCH", "/" + id, `{"name":""}`, 422},
		{"a short timeout", "POST", "/" + id + "/execute", `{"code":"","limits":{"timeout_ms":0}}`, 422},
		{"a long timeout", "POST", "/" + id + "/execute", `{"code":"","limits":{"timeout_ms":60001}}`, 422},
		{"much code", "POST", "/" + id + "/execute", `{"code":"` + strings.Repeat("x", 1<<20+1) + `"}`, 413},
		{"much input", "POST", "/" + id + "/execute", `{"code":"","stdin":"` + strings.Repeat("x", 1<<20+1) + `"}`, 413},
		{"a bad fork", "POST", "/" + id + "/fork", `{"name":"\u0001"}`, 422},
		{"a missing file", "GET", "/" + id + "/files/x", "", 404},
		{"a file outside", "GET", "/" + id + "/files/%2e%2e%2fx", "", 422},
		{"nothing has run", "GET", "/" + id + "/last", "", 404},
		{"no WebSocket", "GET", "/" + id + "/connect", "", 426},
		{"another method", "PUT", "/" + id, `{}`, 405},
	} {
		t.Run(tt.name, func(t *testing.T) { s.ask(tt.method, "/v1/sessions"+tt.path, tt.body, tt.status) })
	}
	s.ask("POST", "/v1/sessions/"+id+"/execute", executeBody(), 406, "Accept", "text/html")
	s.ask("GET", "/v1/sessions/"+id+"/last", "", 406, "Accept", "text/html")
}

func TestWhoMayUseASession(t *testing.T) {
	closed := newServer(t, runtest.Options{Closed: true})
	id := closed.create().ID
	for _, path := range []string{"", "/" + id, "/" + id + "/files", "/" + id + "/last"} {
		if res, _ := closed.Do(t, "GET", "/v1/sessions"+path, ""); res.StatusCode != 401 {
			t.Errorf("GET %s without a key: status %d", path, res.StatusCode)
		}
	}
	if res, _ := closed.Do(t, "GET", "/v1/sessions/"+id, "", "Cookie", closed.SignIn(t)); res.StatusCode != 200 {
		t.Errorf("a signed-in browser: status %d", res.StatusCode)
	}

	open := newServer(t, runtest.Options{Burst: 3})
	mine := open.create().ID
	if res, _ := open.Do(t, "GET", "/v1/sessions/"+mine, ""); res.StatusCode != 404 {
		t.Errorf("a visitor looks at a session of the key's owner: status %d", res.StatusCode)
	}
	res, body := open.Do(t, "POST", "/v1/sessions", `{"language":"script"}`, "Content-Type", "application/json")
	if res.StatusCode != 201 {
		t.Fatalf("a visitor's session: status %d: %s", res.StatusCode, body)
	}
	theirs := runtest.Decode[apitype.Session](t, body).ID
	open.ask("GET", "/v1/sessions/"+theirs, "", 404)
	if res, _ := open.Do(t, "GET", "/v1/sessions", ""); res.StatusCode != 401 {
		t.Errorf("a visitor's list: status %d", res.StatusCode)
	}
	status := 0
	for range 4 {
		res, _ = open.Do(t, "POST", "/v1/sessions/"+theirs+"/execute", executeBody("print 1"), "Content-Type", "application/json")
		status = res.StatusCode
	}
	if status != 429 {
		t.Errorf("a visitor beyond the rate: status %d", status)
	}
}

func TestStreams(t *testing.T) {
	s := newServer(t, runtest.Options{})
	id := s.create().ID
	lines := strings.Split(strings.TrimSpace(s.ask("POST", "/v1/sessions/"+id+"/execute",
		executeBody("print a", "display text/html <b>", "set x 7", "value x"), 200, "Accept", "application/x-ndjson")), "\n")
	var types []string
	for _, line := range lines {
		types = append(types, loose[struct{ Type string }](t, line).Type)
	}
	if got := strings.Join(types, " "); got != "start stdout display exit" {
		t.Errorf("the events are %s", got)
	}
	last := loose[apitype.CellResult](t, lines[len(lines)-1])
	if last.Value == nil || last.Value.Data["text/plain"] != "7" || last.Stdout != "a\n" || last.ExecutionCount != 1 {
		t.Errorf("the exit event is %+v", last)
	}
	sse := s.ask("GET", "/v1/sessions/"+id+"/last", "", 200, "Accept", "text/event-stream")
	if !strings.Contains(sse, "event: stdout\nid: 3\ndata: {\"text\":\"a\\n\"}\n\n") || !strings.Contains(sse, `"result":{"data":{"text/plain":"7"}`) {
		t.Errorf("the stream is %s", sse)
	}
	rest := s.ask("GET", "/v1/sessions/"+id+"/last", "", 200, "Accept", "text/event-stream", "Last-Event-ID", "3")
	if strings.Contains(rest, "event: stdout") || !strings.Contains(rest, "event: exit") {
		t.Errorf("from the middle the stream is %s", rest)
	}
}

func TestCellGoesOnWithoutItsClient(t *testing.T) {
	s := newServer(t, runtest.Options{})
	id := s.create().ID
	ctx, leave := context.WithCancel(t.Context())
	res := s.Open(t, ctx, "POST", "/v1/sessions/"+id+"/execute", executeBody("print begun", "set x 1", "loop"),
		"Content-Type", "application/json", "Accept", "application/x-ndjson", "Authorization", "Bearer "+runtest.Key)
	scanner := bufio.NewScanner(res.Body)
	for scanner.Scan() && !strings.Contains(scanner.Text(), "begun") {
	}
	leave()
	res.Body.Close()
	s.ask("POST", "/v1/sessions/"+id+"/execute", executeBody("print 2"), 409)
	running := runtest.Decode[apitype.LastCell](t, s.ask("GET", "/v1/sessions/"+id+"/last", "", 200))
	if running.State != "running" || running.Result.Stdout != "begun\n" {
		t.Errorf("the cell that runs is %+v", running)
	}
	s.ask("POST", "/v1/sessions/"+id+"/interrupt", "", 204)
	s.waitState(id, "idle")
	ended := runtest.Decode[apitype.LastCell](t, s.ask("GET", "/v1/sessions/"+id+"/last", "", 200))
	if ended.State != "finished" || ended.Result.Status != "cancelled" || ended.Result.Error == nil {
		t.Errorf("the last cell is %+v", ended)
	}
	if r := s.execute(id, "get x"); r.Stdout != "1\n" {
		t.Errorf("the result is %+v", r)
	}
	s.ask("POST", "/v1/sessions/"+id+"/interrupt", "", 204) // nothing runs
}

func TestFiles(t *testing.T) {
	s := newServer(t, runtest.Options{})
	id := runtest.Decode[apitype.Session](t, s.ask("POST", "/v1/sessions",
		`{"language":"script","files":[{"name":"in.txt","content":"aGk=","encoding":"base64"}]}`, 201)).ID
	files := "/v1/sessions/" + id + "/files"
	if r := s.execute(id, "cat in.txt", "file out.html <script>"); r.Stdout != "hi\n" {
		t.Errorf("the result is %+v", r)
	}
	s.ask("PUT", files+"/a/b%20c.bin", "\x00\xff", 204, "Content-Type", "application/octet-stream")
	list := runtest.Decode[apitype.SessionFileList](t, s.ask("GET", files, "", 200)).Files
	if len(list) != 3 || list[0].Name != "a/b c.bin" || list[0].Size != 2 || list[2].Name != "out.html" {
		t.Errorf("the files are %+v", list)
	}
	res, body := s.Do(t, "GET", files+"/out.html", "", "Authorization", "Bearer "+runtest.Key)
	if body != "<script>" || res.Header.Get("Content-Type") != "application/octet-stream" ||
		!strings.HasPrefix(res.Header.Get("Content-Disposition"), "attachment") || !strings.Contains(res.Header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("got %q with %v", body, res.Header)
	}
	s.ask("DELETE", files+"/out.html", "", 204)
	s.ask("DELETE", files+"/out.html", "", 404)
}

func TestNoLanguages(t *testing.T) {
	s := newServer(t, runtest.Options{})
	s.engine.SetLanguages()
	if body := s.ask("POST", "/v1/sessions", `{"language":"python"}`, 422); !strings.Contains(body, "no language has sessions here") {
		t.Errorf("got %s", body)
	}
}

func TestOpenAPIHasSessions(t *testing.T) {
	s := newServer(t, runtest.Options{})
	var doc struct{ Paths map[string]map[string]any }
	if err := json.Unmarshal([]byte(s.ask("GET", "/v1/openapi.json", "", 200)), &doc); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"POST /v1/sessions", "GET /v1/sessions/{id}/connect", "PUT /v1/sessions/{id}/files/{path}", "POST /v1/run"} {
		method, path, _ := strings.Cut(want, " ")
		if doc.Paths[path][strings.ToLower(method)] == nil {
			t.Errorf("the document has no %s", want)
		}
	}
}
