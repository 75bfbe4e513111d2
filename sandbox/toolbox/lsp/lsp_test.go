package lsp_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sandpiper/sandbox/guest/osguest"
	"sandpiper/sandbox/toolbox/lsp"
	"sandpiper/sandbox/toolbox/spectest"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

// toolbox is a server of language servers in a temporary folder.
type toolbox struct {
	*testing.T
	h        *lsp.Handler
	url, dir string
}

// newToolbox serves a guest whose PATH is bin before the usual folders.
func newToolbox(t *testing.T, path string) *toolbox {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	g, err := osguest.New(osguest.Config{Home: dir, WorkDir: dir, Env: []string{"PATH=" + path}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	h := lsp.New(g)
	t.Cleanup(h.Close)
	mux := http.NewServeMux()
	h.Register(mux)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return &toolbox{t, h, server.URL, dir}
}

// fakePath returns a folder with a fake of each language server, by its mode.
func fakePath(t *testing.T, modes map[string]string) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	for name, mode := range modes {
		script := fmt.Sprintf("#!/bin/sh\nFAKE_LANGUAGE_SERVER=%s exec %q\n", mode, exe)
		if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return bin + ":/bin:/usr/bin"
}

func (tb *toolbox) put(name, content string) {
	tb.Helper()
	p := filepath.Join(tb.dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
		tb.Fatal(err)
	}
}

type body = map[string]any

func (tb *toolbox) do(method, path string, v any, query ...string) (int, []byte) {
	tb.Helper()
	var in io.Reader
	if v != nil {
		data, err := json.Marshal(v)
		if err != nil {
			tb.Fatal(err)
		}
		in = bytes.NewReader(data)
	}
	q := url.Values{}
	for i := 0; i < len(query); i += 2 {
		q.Set(query[i], query[i+1])
	}
	req, err := http.NewRequestWithContext(tb.Context(), method, tb.url+path+"?"+q.Encode(), in)
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
	return resp.StatusCode, data
}

// want wants a status and, of errors, a code. It returns the message.
func (tb *toolbox) want(status int, code string) func(int, []byte) string {
	return func(got int, data []byte) string {
		tb.Helper()
		if got != status {
			tb.Fatalf("status %d, want %d: %s", got, status, data)
		}
		if code == "" {
			return ""
		}
		spectest.Check(tb, "ErrorResponse", data)
		var e struct{ Code, Message string }
		if err := json.Unmarshal(data, &e); err != nil || e.Code != code {
			tb.Errorf("code %q, want %q: %s", e.Code, code, data)
		}
		return e.Message
	}
}

func (tb *toolbox) start(lang, project string) {
	tb.Helper()
	tb.want(200, "")(tb.do("POST", "/lsp/start", body{"languageId": lang, "pathToProject": project}))
}

func (tb *toolbox) complete(lang, uri string, line, character int) (int, []byte) {
	tb.Helper()
	return tb.do("POST", "/lsp/completions", body{"languageId": lang, "pathToProject": "p", "uri": uri, "position": body{"line": line, "character": character}})
}

func (tb *toolbox) labels(lang, uri string, line, character int) []string {
	tb.Helper()
	status, data := tb.complete(lang, uri, line, character)
	tb.want(200, "")(status, data)
	spectest.Check(tb, "CompletionList", data)
	var list toolboxtype.CompletionList
	if err := json.Unmarshal(data, &list); err != nil {
		tb.Fatal(err)
	}
	var labels []string
	for _, item := range list.Items {
		labels = append(labels, item.Label)
	}
	return labels
}

func (tb *toolbox) symbols(path string, query ...string) string {
	tb.Helper()
	status, data := tb.do("GET", path, nil, query...)
	tb.want(200, "")(status, data)
	spectest.Check(tb, "[]LspSymbol", data)
	var symbols []toolboxtype.LspSymbol
	if err := json.Unmarshal(data, &symbols); err != nil {
		tb.Fatal(err)
	}
	var all []string
	for _, s := range symbols {
		all = append(all, fmt.Sprintf("%s@%s:%d", s.Name, filepath.Base(s.Location.URI), s.Location.Range.Start.Line))
	}
	return strings.Join(all, " ")
}

func TestDocuments(t *testing.T) {
	tb := newToolbox(t, fakePath(t, map[string]string{"pylsp": "bare"}))
	tb.put("p/a.py", "def one")
	tb.put("p/b c%.py", "x\ndef two")
	tb.put("p/.venv/hidden.py", "def hidden")
	tb.start("python", "p")
	tb.start("python", "p") // once is enough
	if n := tb.h.Running(); n != 1 {
		t.Errorf("%d servers", n)
	}
	doc := body{"languageId": "python", "pathToProject": "p", "uri": "file://" + tb.dir + "/p/a.py"}
	tb.want(200, "")(tb.do("POST", "/lsp/did-open", doc))
	for _, uri := range []string{"file://" + tb.dir + "/p/a.py", "file://p/a.py", "p/a.py", "file://a.py"} {
		if got := tb.labels("python", uri, 0, 0); len(got) != 1 || got[0] != "def one" {
			t.Errorf("%s: %q", uri, got)
		}
	}
	tb.put("p/a.py", "def one\ndef more")
	if got := tb.labels("python", "p/a.py", 0, 0); len(got) != 1 || got[0] != "def one\ndef more" {
		t.Errorf("after a change: %q", got)
	}
	for _, uri := range []string{"file://" + tb.dir + "/p/b c%.py", "file://" + tb.dir + "/p/b%20c%25.py"} {
		if got := tb.symbols("/lsp/document-symbols", "languageId", "python", "pathToProject", "p", "uri", uri); got != "two@b%20c%25.py:1 two.inner@b%20c%25.py:1" {
			t.Errorf("%s: %s", uri, got)
		}
	}
	if got := tb.symbols("/lsp/workspacesymbols", "languageId", "python", "pathToProject", "p", "query", "O"); got != "one@a.py:0 one.inner@a.py:0 more@a.py:1 more.inner@a.py:1 two@b%20c%25.py:1 two.inner@b%20c%25.py:1" {
		t.Errorf("workspace: %s", got)
	}
	tb.want(200, "")(tb.do("POST", "/lsp/did-close", doc))
	tb.want(200, "")(tb.do("POST", "/lsp/did-close", doc))
	tb.want(200, "")(tb.do("POST", "/lsp/stop", doc))
	tb.want(200, "")(tb.do("POST", "/lsp/stop", doc))
	tb.want(400, "LSP_SERVER_NOT_INITIALIZED")(tb.complete("python", "p/a.py", 0, 0))
}

func TestWorkspaceSearchByTheServer(t *testing.T) {
	tb := newToolbox(t, fakePath(t, map[string]string{"typescript-language-server": "full"}))
	tb.put("p/node_modules/x.ts", "def foreign")
	tb.put("p/src/a.tsx", "def here")
	tb.start("javascript", "p")
	for _, path := range []string{"/lsp/workspacesymbols", "/lsp/workspace-symbols"} {
		if got := tb.symbols(path, "languageId", "typescript", "pathToProject", "p", "query", ""); !strings.HasPrefix(got, "here@") {
			t.Errorf("%s: %s", path, got)
		}
	}
}

func TestBadRequests(t *testing.T) {
	tb := newToolbox(t, fakePath(t, map[string]string{"pylsp": "bare"}))
	tb.put("p/a.py", "")
	tb.put("p/large.py", strings.Repeat("x", 9<<20))
	tb.start("python", "p")
	tests := []struct {
		name   string
		path   string
		body   body
		status int
		code   string
	}{
		{"language", "/lsp/start", body{"languageId": "cobol", "pathToProject": "p"}, 400, "BAD_REQUEST"},
		{"no language", "/lsp/start", body{"pathToProject": "p"}, 400, "BAD_REQUEST"},
		{"no project", "/lsp/start", body{"languageId": "python"}, 400, "BAD_REQUEST"},
		{"missing project", "/lsp/start", body{"languageId": "python", "pathToProject": "nowhere"}, 404, "FILE_NOT_FOUND"},
		{"project is a file", "/lsp/start", body{"languageId": "python", "pathToProject": "p/a.py"}, 400, "BAD_REQUEST"},
		{"type", "/lsp/start", body{"languageId": 1}, 400, "INVALID_REQUEST_BODY"},
		{"not started", "/lsp/did-open", body{"languageId": "python", "pathToProject": "q", "uri": "x"}, 400, "LSP_SERVER_NOT_INITIALIZED"},
		{"missing file", "/lsp/did-open", body{"languageId": "python", "pathToProject": "p", "uri": "file://nowhere.py"}, 404, "FILE_NOT_FOUND"},
		{"folder", "/lsp/did-open", body{"languageId": "python", "pathToProject": "p", "uri": "file://p"}, 400, "BAD_REQUEST"},
		{"large file", "/lsp/did-open", body{"languageId": "python", "pathToProject": "p", "uri": "large.py"}, 400, "BAD_REQUEST"},
		{"no uri", "/lsp/did-close", body{"languageId": "python", "pathToProject": "p"}, 400, "BAD_REQUEST"},
		{"other scheme", "/lsp/did-open", body{"languageId": "python", "pathToProject": "p", "uri": "http://x/y"}, 400, "BAD_REQUEST"},
		{"no position", "/lsp/completions", body{"languageId": "python", "pathToProject": "p", "uri": "a.py"}, 400, "BAD_REQUEST"},
		{"position", "/lsp/completions", body{"languageId": "python", "pathToProject": "p", "uri": "a.py", "position": body{"line": -1, "character": 0}}, 400, "BAD_REQUEST"},
		{"error of the server", "/lsp/completions", body{"languageId": "python", "pathToProject": "p", "uri": "a.py", "position": body{"line": 95, "character": 0}}, 400, "BAD_REQUEST"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tb.want(tt.status, tt.code)(tb.do("POST", tt.path, tt.body)) })
	}
	for _, path := range []string{"/lsp/document-symbols", "/lsp/workspacesymbols"} {
		tb.want(400, "BAD_REQUEST")(tb.do("GET", path, nil))
	}
}

// Whatever a server does, its clients get an answer and can start it again.
func TestServersThatMisbehave(t *testing.T) {
	for line, message := range map[int]string{99: "crashed on line 99", 97: "garbage", 96: "not JSON"} {
		t.Run(message, func(t *testing.T) {
			tb := newToolbox(t, fakePath(t, map[string]string{"pylsp": "bare"}))
			tb.put("p/a.py", "")
			tb.start("python", "p")
			if got := tb.want(400, "LSP_SERVER_NOT_INITIALIZED")(tb.complete("python", "a.py", line, 0)); !strings.Contains(got, message) {
				t.Errorf("the message is %q", got)
			}
			tb.want(400, "LSP_SERVER_NOT_INITIALIZED")(tb.complete("python", "a.py", 0, 0))
			tb.start("python", "p")
			tb.labels("python", "a.py", 0, 0)
		})
	}
	tb := newToolbox(t, fakePath(t, map[string]string{"pylsp": "bare"}))
	tb.put("p/a.py", "")
	tb.start("python", "p")
	tb.h.Limit(time.Minute, 100*time.Millisecond, time.Minute)
	tb.want(408, "REQUEST_TIMEOUT")(tb.complete("python", "a.py", 98, 0))
	tb.h.Limit(time.Minute, time.Minute, time.Minute)
	tb.labels("python", "a.py", 0, 0) // it goes on after that
}

func TestServersThatDoNotStart(t *testing.T) {
	for mode, want := range map[string]struct {
		status        int
		code, message string
	}{
		"broken": {500, "INTERNAL_SERVER_ERROR", "the fake server is broken"},
		"silent": {408, "REQUEST_TIMEOUT", "in time"},
		"chatty": {500, "INTERNAL_SERVER_ERROR", "not the protocol"},
	} {
		t.Run(mode, func(t *testing.T) {
			tb := newToolbox(t, fakePath(t, map[string]string{"pylsp": mode}))
			limit := 20 * time.Second
			if mode == "silent" {
				limit = 300 * time.Millisecond
			}
			tb.h.Limit(limit, time.Second, time.Minute)
			tb.put("p/a.py", "")
			got := tb.want(want.status, want.code)(tb.do("POST", "/lsp/start", body{"languageId": "python", "pathToProject": "p"}))
			if !strings.Contains(got, want.message) {
				t.Errorf("the message is %q", got)
			}
			if n := tb.h.Running(); n != 0 {
				t.Errorf("%d servers are left", n)
			}
		})
	}
	tb := newToolbox(t, "/nowhere")
	for lang, program := range map[string]string{"python": "pylsp", "typescript": "typescript-language-server"} {
		got := tb.want(400, "BAD_REQUEST")(tb.do("POST", "/lsp/start", body{"languageId": lang, "pathToProject": "."}))
		if !strings.Contains(got, program) || !strings.Contains(got, "install") {
			t.Errorf("the message is %q", got)
		}
	}
}

func TestManyServers(t *testing.T) {
	tb := newToolbox(t, fakePath(t, map[string]string{"pylsp": "bare"}))
	var wg sync.WaitGroup
	for i := range 8 {
		tb.put(fmt.Sprintf("p%d/a.py", i), "")
		for range 2 {
			wg.Go(func() { tb.start("python", fmt.Sprintf("p%d", i)) })
		}
	}
	wg.Wait()
	tb.put("p/a.py", "")
	tb.want(409, "CONFLICT")(tb.do("POST", "/lsp/start", body{"languageId": "python", "pathToProject": "p"}))
	tb.want(200, "")(tb.do("POST", "/lsp/stop", body{"languageId": "python", "pathToProject": "p3"}))
	tb.start("python", "p")
	if n := tb.h.Running(); n != 8 {
		t.Errorf("%d servers", n)
	}
	tb.h.Close()
	tb.want(410, "GONE")(tb.do("POST", "/lsp/start", body{"languageId": "python", "pathToProject": "p"}))
}

func TestIdleServersEnd(t *testing.T) {
	tb := newToolbox(t, fakePath(t, map[string]string{"pylsp": "bare"}))
	tb.h.Limit(20*time.Second, time.Second, 50*time.Millisecond)
	tb.put("p/a.py", "")
	tb.start("python", "p")
	for deadline := time.Now().Add(time.Minute); tb.h.Running() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("an idle server does not end")
		}
	}
}

// realOr returns a PATH with a real language server, or with a fake of it where
// there is none.
func realOr(t *testing.T, program, mode string) (path string, real bool) {
	t.Helper()
	exe, err := exec.LookPath(program)
	if err != nil {
		t.Logf("there is no %s here: a fake stands in for it", program)
		return fakePath(t, map[string]string{program: mode}), false
	}
	return filepath.Dir(exe) + ":" + os.Getenv("PATH"), true
}

func TestPython(t *testing.T) {
	path, real := realOr(t, "pylsp", "bare")
	tb := newToolbox(t, path)
	tb.put("p/main.py", "def greet(name):\n    return name\n\nimport os\nos.getc")
	tb.put("p/pkg/other.py", "class Other:\n    def greet_more(self):\n        pass\n")
	tb.start("python", "p")
	uri := "file://" + tb.dir + "/p/main.py"
	tb.want(200, "")(tb.do("POST", "/lsp/did-open", body{"languageId": "python", "pathToProject": "p", "uri": uri}))
	labels := strings.Join(tb.labels("python", uri, 4, 7), " ")
	symbols := tb.symbols("/lsp/document-symbols", "languageId", "python", "pathToProject", "p", "uri", uri)
	all := tb.symbols("/lsp/workspacesymbols", "languageId", "python", "pathToProject", "p", "query", "greet")
	if real && (!strings.Contains(labels, "getcwd") || !strings.Contains(symbols, "greet@main.py:0") || !strings.Contains(all, "greet@main.py:0") || !strings.Contains(all, "greet_more@other.py:1")) {
		t.Errorf("completions %s\nsymbols %s\nworkspace %s", labels, symbols, all)
	}
}

func TestTypeScript(t *testing.T) {
	path, real := realOr(t, "typescript-language-server", "full")
	tb := newToolbox(t, path)
	tb.put("p/main.ts", "export function greet(name: string) { return name.toUpperCase() }\n\"x\".char")
	tb.put("p/other.ts", "import { greet } from './main'\nexport class Greeter { say() { return greet('x') } }\n")
	tb.put("p/tsconfig.json", "{}")
	tb.start("typescript", "p")
	uri := "file://" + tb.dir + "/p/main.ts"
	labels := strings.Join(tb.labels("typescript", uri, 1, 8), " ")
	symbols := tb.symbols("/lsp/document-symbols", "languageId", "typescript", "pathToProject", "p", "uri", uri)
	all := tb.symbols("/lsp/workspacesymbols", "languageId", "typescript", "pathToProject", "p", "query", "gree")
	if real && (!strings.Contains(labels, "charAt") || !strings.Contains(symbols, "greet@main.ts:0") || !strings.Contains(all, "Greeter@other.ts:1")) {
		t.Errorf("completions %s\nsymbols %s\nworkspace %s", labels, symbols, all)
	}
}
