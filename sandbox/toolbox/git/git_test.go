package git_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sandpiper/sandbox/gitrepo"
	"sandpiper/sandbox/guest/osguest"
	"sandpiper/sandbox/toolbox/git"
	"sandpiper/sandbox/toolbox/spectest"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

// toolbox is a server of repositories in a temporary folder.
type toolbox struct {
	*testing.T
	url, dir string
}

func newToolbox(t *testing.T) *toolbox {
	t.Helper()
	dir := t.TempDir()
	g, err := osguest.New(osguest.Config{Home: dir, WorkDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	mux := http.NewServeMux()
	git.New(g, gitrepo.Public(gitrepo.PublicConfig{AllowLoopback: true})).Register(mux)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return &toolbox{t, server.URL, dir}
}

type response struct {
	status int
	body   []byte
}

func (tb *toolbox) do(method, path string, body io.Reader) response {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), method, tb.url+path, body)
	if err != nil {
		tb.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return response{resp.StatusCode, data}
}

// send sends v as JSON, and wants a status and, of errors, a code.
func (tb *toolbox) send(method, path string, v any, status int, code string) response {
	tb.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	r := tb.do(method, path, bytes.NewReader(data))
	tb.wantStatus(r, status, code)
	return r
}

func (tb *toolbox) wantStatus(r response, status int, code string) {
	tb.Helper()
	if r.status != status {
		tb.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	if code == "" {
		return
	}
	spectest.Check(tb, "ErrorResponse", r.body)
	var e struct{ Code string }
	if err := json.Unmarshal(r.body, &e); err != nil || e.Code != code {
		tb.Errorf("code %q, want %q: %s", e.Code, code, r.body)
	}
}

// get reads an answer of a type of the specification.
func get[T any](tb *toolbox, path, definition string, query ...string) (v T) {
	tb.Helper()
	q := url.Values{}
	for i := 0; i < len(query); i += 2 {
		q.Set(query[i], query[i+1])
	}
	r := tb.do("GET", path+"?"+q.Encode(), nil)
	tb.wantStatus(r, 200, "")
	spectest.Check(tb, definition, r.body)
	if err := json.Unmarshal(r.body, &v); err != nil {
		tb.Fatal(err)
	}
	return v
}

func (tb *toolbox) put(name, content string) {
	tb.Helper()
	if err := os.WriteFile(filepath.Join(tb.dir, name), []byte(content), 0o644); err != nil {
		tb.Fatal(err)
	}
}

// real runs the real git.
func (tb *toolbox) real(dir string, args ...string) string {
	tb.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = filepath.Join(tb.dir, dir)
	cmd.Env = []string{"HOME=" + tb.dir, "PATH=" + os.Getenv("PATH"), "GIT_CONFIG_NOSYSTEM=1"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		tb.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

type body = map[string]any

// repo makes the repository r with one commit, and its bare remote hub.git.
func (tb *toolbox) repo() {
	tb.Helper()
	tb.send("POST", "/git/init", body{"path": "hub.git", "bare": true}, 201, "")
	tb.send("POST", "/git/init", body{"path": "r", "initial_branch": "main"}, 201, "")
	tb.put("r/a.txt", "one\n")
	tb.commit("first")
	tb.send("POST", "/git/remotes", body{"path": "r", "name": "origin", "url": "../hub.git"}, 201, "")
	tb.send("POST", "/git/push", body{"path": "r", "set_upstream": true}, 200, "")
}

func (tb *toolbox) commit(message string) string {
	tb.Helper()
	tb.send("POST", "/git/add", body{"path": "r", "files": []string{"."}}, 200, "")
	r := tb.send("POST", "/git/commit", body{"path": "r", "message": message, "author": "Ann", "email": "ann@example.com"}, 200, "")
	spectest.Check(tb, "GitCommitResponse", r.body)
	var c toolboxtype.GitCommitResponse
	if err := json.Unmarshal(r.body, &c); err != nil || len(c.Hash) != 40 {
		tb.Errorf("%s: %v", r.body, err)
	}
	return c.Hash
}

func TestWork(t *testing.T) {
	tb := newToolbox(t)
	tb.repo()
	tb.send("POST", "/git/clone", body{"url": "hub.git", "path": "copy"}, 200, "")
	tb.send("POST", "/git/clone", body{"url": "hub.git", "path": "copy"}, 409, "CONFLICT")

	tb.put("r/a.txt", "two\n")
	tb.put("r/b.txt", "new\n")
	s := get[toolboxtype.GitStatus](tb, "/git/status", "GitStatus", "path", "r")
	want := []toolboxtype.FileStatus{{Name: "a.txt", Staging: "Unmodified", Worktree: "Modified"}, {Name: "b.txt", Staging: "Untracked", Worktree: "Untracked"}}
	if s.CurrentBranch != "main" || s.Upstream != "origin/main" || !s.BranchPublished || len(s.FileStatus) != 2 || s.FileStatus[0] != want[0] || s.FileStatus[1] != want[1] {
		t.Errorf("status %+v", s)
	}
	hash := tb.commit("second")
	if s = get[toolboxtype.GitStatus](tb, "/git/status", "GitStatus", "path", "r"); s.Ahead != 1 || len(s.FileStatus) != 0 {
		t.Errorf("status %+v", s)
	}
	history := get[[]toolboxtype.GitCommitInfo](tb, "/git/history", "[]GitCommitInfo", "path", "r")
	if len(history) != 2 || history[0].Hash != hash || history[0].Author != "Ann" || history[1].Message != "first\n" {
		t.Errorf("history %+v", history)
	}
	tb.send("POST", "/git/push", body{"path": "r"}, 200, "")
	tb.send("POST", "/git/pull", body{"path": "copy"}, 200, "")
	if got := tb.real("copy", "log", "--format=%s"); got != "second\nfirst" {
		t.Errorf("the real git sees %q", got)
	}
	tb.send("POST", "/git/commit", body{"path": "r", "message": "none", "author": "a", "email": "b"}, 409, "CONFLICT")
	tb.send("POST", "/git/commit", body{"path": "r", "message": "empty", "author": "a", "email": "b", "allow_empty": true}, 200, "")
	tb.put("copy/c", "")
	tb.send("POST", "/git/add", body{"path": "copy", "files": []string{"c"}}, 200, "")
	tb.send("POST", "/git/commit", body{"path": "copy", "message": "c", "author": "a", "email": "b"}, 200, "")
	tb.send("POST", "/git/push", body{"path": "r"}, 200, "")
	tb.send("POST", "/git/push", body{"path": "copy"}, 409, "GIT_PUSH_REJECTED")
	tb.send("POST", "/git/pull", body{"path": "copy"}, 409, "GIT_MERGE_CONFLICT")
	tb.real("r", "fsck", "--strict")
}

func TestBranches(t *testing.T) {
	tb := newToolbox(t)
	tb.repo()
	tb.send("POST", "/git/branches", body{"path": "r", "name": "feature"}, 201, "")
	tb.send("POST", "/git/branches", body{"path": "r", "name": "feature"}, 409, "GIT_BRANCH_EXISTS")
	tb.send("POST", "/git/branches", body{"path": "r"}, 400, "BAD_REQUEST")
	tb.send("POST", "/git/checkout", body{"path": "r", "branch": "feature"}, 200, "")
	tb.put("r/a.txt", "feature\n")
	hash := tb.commit("feature")
	b := get[toolboxtype.ListBranchResponse](tb, "/git/branches", "ListBranchResponse", "path", "r")
	if strings.Join(b.Branches, " ") != "feature main" || b.Current != "feature" {
		t.Errorf("%+v", b)
	}
	tb.put("r/a.txt", "dirty\n")
	tb.send("POST", "/git/checkout", body{"path": "r", "branch": "main"}, 409, "GIT_DIRTY_WORKTREE")
	tb.send("POST", "/git/restore", body{"path": "r", "files": []string{"a.txt"}}, 200, "")
	tb.send("POST", "/git/checkout", body{"path": "r", "branch": "main"}, 200, "")
	tb.send("DELETE", "/git/branches", body{"path": "r", "name": "feature"}, 204, "")
	tb.send("DELETE", "/git/branches", body{"path": "r", "name": "feature"}, 404, "GIT_BRANCH_NOT_FOUND")
	tb.send("DELETE", "/git/branches", body{"path": "r", "name": "main"}, 400, "BAD_REQUEST")
	tb.send("POST", "/git/checkout", body{"path": "r", "branch": hash}, 200, "")
	if s := get[toolboxtype.GitStatus](tb, "/git/status", "GitStatus", "path", "r"); !s.Detached || s.CurrentBranch != "HEAD" {
		t.Errorf("%+v", s)
	}
	if b := get[toolboxtype.ListBranchResponse](tb, "/git/branches", "ListBranchResponse", "path", "r"); b.Current != "" {
		t.Errorf("%+v", b)
	}
}

func TestResetAndRestore(t *testing.T) {
	tb := newToolbox(t)
	tb.repo()
	tb.put("r/a.txt", "two\n")
	tb.commit("second")
	tb.put("r/a.txt", "three\n")
	tb.send("POST", "/git/add", body{"path": "r", "files": []string{"a.txt"}}, 200, "")
	tb.send("POST", "/git/reset", body{"path": "r", "files": []string{"a.txt"}}, 200, "")
	if got := tb.real("r", "status", "--porcelain"); got != "M a.txt" {
		t.Errorf("after reset of a file: %q", got)
	}
	tb.send("POST", "/git/reset", body{"path": "r", "files": []string{"a.txt"}, "mode": "hard"}, 400, "BAD_REQUEST")
	tb.send("POST", "/git/reset", body{"path": "r", "mode": "odd"}, 400, "BAD_REQUEST")
	tb.send("POST", "/git/reset", body{"path": "r", "target": "nowhere"}, 404, "GIT_BRANCH_NOT_FOUND")
	tb.send("POST", "/git/restore", body{"path": "r", "files": []string{"a.txt"}, "staged": true, "worktree": true, "source": "HEAD~1"}, 200, "")
	if got := tb.real("r", "status", "--porcelain"); got != "M  a.txt" {
		t.Errorf("after restore: %q", got)
	}
	tb.send("POST", "/git/reset", body{"path": "r", "mode": "hard", "target": "HEAD~1"}, 200, "")
	if got := tb.real("r", "log", "--format=%s") + tb.real("r", "status", "--porcelain"); got != "first" {
		t.Errorf("after reset: %q", got)
	}
	tb.send("POST", "/git/restore", body{"path": "r", "files": []string{}}, 400, "BAD_REQUEST")
}

func TestRemotes(t *testing.T) {
	tb := newToolbox(t)
	tb.repo()
	tb.send("POST", "/git/remotes", body{"path": "r", "name": "origin", "url": "x"}, 409, "CONFLICT")
	tb.send("POST", "/git/remotes", body{"path": "r", "name": "hub", "url": "../hub.git", "fetch": true}, 201, "")
	tb.send("POST", "/git/remotes", body{"path": "r", "name": "hub", "url": "../hub2.git", "overwrite": true}, 201, "")
	tb.send("POST", "/git/remotes", body{"path": "r", "name": "hub"}, 400, "BAD_REQUEST")
	got := get[toolboxtype.ListRemotesResponse](tb, "/git/remotes", "ListRemotesResponse", "path", "r")
	if len(got.Remotes) != 2 || got.Remotes[0] != (toolboxtype.GitRemote{Name: "hub", URL: "../hub2.git"}) {
		t.Errorf("%+v", got)
	}
	if got := tb.real("r", "rev-parse", "--abbrev-ref", "hub/main"); got != "hub/main" {
		t.Errorf("fetched %q", got)
	}
}

func TestConfig(t *testing.T) {
	tb := newToolbox(t)
	tb.repo()
	config := func(query ...string) *string {
		return get[toolboxtype.GitConfigResponse](tb, "/git/config", "GitConfigResponse", query...).Value
	}
	if v := config("key", "user.name"); v != nil {
		t.Errorf("before: %q", *v)
	}
	tb.send("POST", "/git/config/user", body{"name": "Ann \"A\" Author", "email": "ann@example.com"}, 200, "")
	tb.send("POST", "/git/config/user", body{"name": "Local", "email": "l@example.com", "scope": "local", "path": "r"}, 200, "")
	tb.send("POST", "/git/config", body{"key": "alias.x", "value": ""}, 200, "")
	if v := config("key", "user.name"); v == nil || *v != `Ann "A" Author` {
		t.Errorf("global: %v", v)
	}
	if v := config("key", "user.name", "scope", "local", "path", "r"); v == nil || *v != "Local" {
		t.Errorf("local: %v", v)
	}
	if v := config("key", "alias.x"); v == nil || *v != "" {
		t.Errorf("empty: %v", v)
	}
	if got := tb.real(".", "config", "--global", "user.name"); got != `Ann "A" Author` {
		t.Errorf("the real git reads %q", got)
	}
	tb.send("POST", "/git/config", body{"key": "nodot", "value": "x"}, 400, "BAD_REQUEST")
	tb.send("POST", "/git/config", body{"key": "a.b", "value": "x", "scope": "odd"}, 400, "BAD_REQUEST")
	tb.send("POST", "/git/config", body{"key": "a.b", "value": "x", "scope": "local"}, 400, "BAD_REQUEST")
	tb.send("POST", "/git/config", body{"key": "a.b", "value": 1}, 400, "INVALID_REQUEST_BODY")
	tb.send("POST", "/git/config/user", body{"name": "x"}, 400, "BAD_REQUEST")
	tb.wantStatus(tb.do("GET", "/git/config", nil), 400, "BAD_REQUEST")
}

func TestCredentials(t *testing.T) {
	tb := newToolbox(t)
	tb.send("POST", "/git/credentials", body{"username": "u", "password": "p"}, 200, "")
	tb.send("POST", "/git/credentials", body{"username": "u"}, 400, "BAD_REQUEST")
	tb.send("POST", "/git/credentials", body{"username": "u", "password": "p", "host": "a/b"}, 400, "BAD_REQUEST")
	if got, err := os.ReadFile(filepath.Join(tb.dir, ".git-credentials")); err != nil || string(got) != "https://u:p@github.com\n" {
		t.Errorf("%q %v", got, err)
	}
}

func TestErrors(t *testing.T) {
	tb := newToolbox(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/private") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.NotFound(w, r)
	}))
	defer server.Close()
	tb.send("POST", "/git/clone", body{"url": server.URL + "/private.git", "path": "c"}, 401, "GIT_AUTH_FAILED")
	tb.send("POST", "/git/clone", body{"url": server.URL + "/none.git", "path": "c"}, 404, "GIT_REPO_NOT_FOUND")
	tb.send("POST", "/git/clone", body{"url": "http://127.0.0.1:1/none.git", "path": "c"}, 502, "GIT_TRANSPORT_FAILED")
	tb.send("POST", "/git/clone", body{"url": "http://169.254.169.254/x", "path": "c"}, 403, "FORBIDDEN")
	tb.send("POST", "/git/clone", body{"url": "ssh://git@example.com/x", "path": "c"}, 403, "FORBIDDEN")
	tb.send("POST", "/git/clone", body{"path": "c"}, 400, "BAD_REQUEST")
	tb.send("POST", "/git/clone", body{"url": "x"}, 400, "BAD_REQUEST")
	for method, paths := range map[string][]string{
		"GET":  {"/git/status", "/git/history", "/git/branches", "/git/remotes"},
		"POST": {"/git/checkout", "/git/add", "/git/commit", "/git/push", "/git/pull", "/git/branches", "/git/reset", "/git/restore", "/git/remotes"},
	} {
		for _, p := range paths {
			full := body{"path": "nowhere", "branch": "b", "name": "n", "url": "u", "message": "m", "author": "a", "email": "e", "files": []string{"f"}}
			if method == "GET" {
				tb.wantStatus(tb.do(method, p+"?path=nowhere", nil), 404, "GIT_REPO_NOT_FOUND")
				tb.wantStatus(tb.do(method, p, nil), 400, "BAD_REQUEST")
				continue
			}
			tb.send(method, p, full, 404, "GIT_REPO_NOT_FOUND")
			delete(full, "path")
			tb.send(method, p, full, 400, "BAD_REQUEST")
		}
	}
	tb.wantStatus(tb.do("POST", "/git/add", strings.NewReader("{")), 400, "INVALID_REQUEST_BODY")
}
