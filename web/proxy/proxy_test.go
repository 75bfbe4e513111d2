package proxy_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"sandpiper/sandbox"
)

func TestWhatAToolboxGetsToSee(t *testing.T) {
	srv, f := start(t, echo)
	for _, tt := range []struct{ path, uri string }{
		{"/toolbox/" + id + "/files?path=/a%20b&x=;", "/files?path=/a%20b&x=;"},
		{"/toolbox/named/work-dir", "/work-dir"},
		{"/toolbox/" + id + "/process/session/a%2Fb%20c", "/process/session/a%2Fb%20c"},
		{"/toolbox/" + id + "/", "/"},
		{"/toolbox/" + id + "/pty?DAYTONA_SANDBOX_AUTH_KEY=secret&a=1", "/pty?a=1"},
		{"/api/toolbox/" + id + "/toolbox/files", "/files"},
		{"/api/toolbox/" + id + "/toolbox/project-dir", "/user-home-dir"},
		{"/api/toolbox/" + id + "/toolbox/lsp/workspace-symbols?query=a", "/lsp/workspacesymbols?query=a"},
	} {
		res, body := do(t, "POST", srv.URL+tt.path, strings.NewReader("x"), "Authorization", "Bearer "+key, "Cookie", "a=b",
			"X-Daytona-Preview-Token", "p", "X-Daytona-SDK-Version", "1.2", "Origin", "http://evil.test", "X-Forwarded-For", "1.2.3.4",
			"X-Sandpiper-Toolbox-Token", "forged", "Proxy-Authorization", "x", "Content-Type", "text/x", "X-Daytona-Organization-ID", org)
		var got struct {
			Method, URI, Host string
			Headers           http.Header
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatalf("%s: %s %s", tt.path, res.Status, body)
		}
		if got.URI != tt.uri || got.Method != "POST" || got.Host != "sandbox" {
			t.Errorf("%s: %+v", tt.path, got)
		}
		want := http.Header{"X-Sandpiper-Toolbox-Token": {token}, "X-Daytona-Sdk-Version": {"1.2"}, "Content-Type": {"text/x"}, "Content-Length": {"1"}, "Accept-Encoding": {"gzip"}}
		if fmt.Sprint(got.Headers) != fmt.Sprint(want) {
			t.Errorf("%s: headers %v", tt.path, got.Headers)
		}
	}
	if f.touches() == 0 {
		t.Error("no activity was noted")
	}
	before := f.touches()
	do(t, "GET", srv.URL+"/toolbox/"+id+"/version", nil, "Authorization", "Bearer "+key, "X-Daytona-Skip-Last-Activity-Update", "true")
	if f.touches() != before {
		t.Error("a call that should not count as activity did")
	}
}

func TestWhoMayUseAToolbox(t *testing.T) {
	srv, _ := start(t, echo)
	box := "/toolbox/" + id
	later, before := strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10), strconv.FormatInt(time.Now().Add(-time.Hour).Unix(), 10)
	link := func(method, path, expires string) string {
		mac := hmac.New(sha256.New, []byte("signing"))
		mac.Write([]byte("v1:files:" + method + ":" + path + ":" + expires))
		return "path=" + url.QueryEscape(path) + "&expires=" + expires + "&signature=v1_" + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	for _, tt := range []struct {
		name, method, path string
		header             string // a name and a value
		want               int
	}{
		{"a key", "GET", box + "/files", "Authorization: Bearer " + key, 200},
		{"nobody", "GET", box + "/files", "", 401},
		{"a wrong key", "GET", box + "/files", "Authorization: Bearer no", 401},
		{"a key that may only read", "GET", box + "/files", "Authorization: Bearer reader", 403},
		{"another sandbox", "GET", "/toolbox/other/files", "Authorization: Bearer " + key, 404},
		{"a preview token", "GET", box + "/files", "X-Daytona-Preview-Token: preview-1", 200},
		{"a preview token in the query", "GET", box + "/files?DAYTONA_SANDBOX_AUTH_KEY=preview-1", "", 200},
		{"a preview token of an earlier start", "GET", box + "/files", "X-Daytona-Preview-Token: preview-0", 401},
		{"a preview token of another sandbox", "GET", "/toolbox/other/files", "X-Daytona-Preview-Token: preview-1", 401},
		{"a signed download", "GET", box + "/files/download?" + link("GET", "/a b", later), "", 200},
		{"one for ever", "GET", box + "/files/download?" + link("GET", "a", "0"), "", 200},
		{"a signed upload", "POST", box + "/files/upload-v2?" + link("POST", "a", later), "", 200},
		{"by the old way", "GET", "/api" + box + "/toolbox/files/download?" + link("GET", "a", later), "", 200},
		{"an old signature", "GET", box + "/files/download?" + link("GET", "a", before), "", 401},
		{"no time", "GET", box + "/files/download?" + link("GET", "a", "soon"), "", 401},
		{"of another method", "POST", box + "/files/upload-v2?" + link("GET", "a", later), "", 401},
		{"of another path", "GET", box + "/files/download?" + strings.Replace(link("GET", "a", later), "path=a", "path=b", 1), "", 401},
		{"with a second path", "GET", box + "/files/download?path=b&" + link("GET", "a", later), "", 400},
		{"for another operation", "GET", box + "/files?" + link("GET", "a", later), "", 400},
		{"for a deletion", "DELETE", box + "/files?" + link("DELETE", "a", later), "", 400},
		{"for a trick", "GET", box + "/files/download/?" + link("GET", "a", later), "", 400},
		{"for another sandbox", "GET", "/toolbox/other/files/download?" + link("GET", "a", later), "", 401},
		{"a signature does not outrank a key", "GET", box + "/files?signature=x", "Authorization: Bearer " + key, 400},
	} {
		name, value, _ := strings.Cut(tt.header, ": ")
		headers := []string{name, value}
		if name == "" {
			headers = nil
		}
		res, body := do(t, tt.method, srv.URL+tt.path, nil, headers...)
		if res.StatusCode != tt.want {
			t.Errorf("%s: %s %s", tt.name, res.Status, body)
		}
		if tt.want == 200 && (strings.Contains(body, "signature=") || strings.Contains(body, "AUTH_KEY")) {
			t.Errorf("%s: the toolbox sees %s", tt.name, body)
		}
	}
	res, _ := do(t, "GET", srv.URL+box+"/files", nil, "Authorization", "Bearer "+key, "X-Daytona-Organization-ID", "org-2")
	if res.StatusCode != 403 {
		t.Errorf("another organization: %s", res.Status)
	}
}

func TestASandboxCannotActInOurName(t *testing.T) {
	srv, _ := start(t, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		for _, name := range []string{"Set-Cookie", "Clear-Site-Data", "Strict-Transport-Security", "Access-Control-Allow-Credentials", "Location",
			"Refresh", "Link", "Www-Authenticate", "Service-Worker-Allowed", "X-Frame-Options", "Content-Security-Policy-Report-Only", "Alt-Svc", "X-Request-Id", "Server"} {
			h.Set(name, "evil")
		}
		h.Set("Access-Control-Allow-Origin", "http://evil.test")
		h.Set("Content-Security-Policy", "default-src *")
		h.Set("Cache-Control", "public, max-age=1000")
		h.Set("Content-Type", r.URL.Query().Get("type"))
		h.Set("X-Sandpiper-Offset", "7")
		for _, name := range []string{"X-Log-Offset", "X-Log-Next-Offset", "X-Log-Dropped", "X-Truncated"} {
			h.Set(name, "true")
		}
		if d := r.URL.Query().Get("as"); d != "" {
			h.Set("Content-Disposition", d)
		}
		w.WriteHeader(http.StatusEarlyHints)
		h.Set("Etag", `"1"`)
		w.WriteHeader(302)
		_, _ = io.WriteString(w, "<script>alert(1)</script>")
	})
	for _, tt := range []struct{ media, as, want string }{
		{"text/html", "", "attachment;"},
		{"text/html", "inline", "attachment"},
		{"image/svg+xml", `inline; filename="a.svg"`, `attachment; filename="a.svg"`},
		{"application/octet-stream", `attachment; filename=b`, `attachment; filename=b`},
		{"application/json; charset=utf-8", "", ""},
	} {
		res, _ := do(t, "GET", srv.URL+"/toolbox/"+id+"/x?type="+url.QueryEscape(tt.media)+"&as="+url.QueryEscape(tt.as), nil, "Authorization", "Bearer "+key)
		for _, name := range []string{"Set-Cookie", "Clear-Site-Data", "Strict-Transport-Security", "Access-Control-Allow-Credentials", "Location",
			"Refresh", "Link", "Www-Authenticate", "Service-Worker-Allowed", "X-Frame-Options", "Content-Security-Policy-Report-Only", "Alt-Svc", "Server"} {
			if got := res.Header.Get(name); got != "" {
				t.Errorf("%s: %s", name, got)
			}
		}
		if h := res.Header; h.Get("Access-Control-Allow-Origin") != "*" || !strings.HasPrefix(h.Get("Content-Security-Policy"), "sandbox;") || h.Get("X-Content-Type-Options") != "nosniff" ||
			h.Get("Cache-Control") != "private, no-store" || h.Get("X-Sandpiper-Offset") != "7" || h.Get("Etag") == "" || h.Get("X-Request-Id") == "evil" || h.Get("X-Request-Id") == "" {
			t.Errorf("%s: headers %v", tt.media, h)
		}
		for _, name := range []string{"X-Log-Offset", "X-Log-Next-Offset", "X-Log-Dropped", "X-Truncated"} {
			if res.Header.Get(name) != "true" || !strings.Contains(res.Header.Get("Access-Control-Expose-Headers"), name) {
				t.Errorf("%s does not reach every client: %v", name, res.Header)
			}
		}
		if got := strings.TrimSuffix(res.Header.Get("Content-Disposition"), ";"); got != strings.TrimSuffix(tt.want, ";") || len(res.Header["Content-Disposition"]) > 1 {
			t.Errorf("%s as %s: %q", tt.media, tt.as, got)
		}
	}
}

func TestAConnectionThatWasKeptIsNotUsedForAStoppedSandbox(t *testing.T) {
	srv, f := start(t, echo)
	address := srv.URL + "/toolbox/" + id + "/version"
	if res, body := do(t, "GET", address, nil, "Authorization", "Bearer "+key); res.StatusCode != 200 {
		t.Fatalf("%s %s", res.Status, body)
	}
	f.box.State, f.err = sandbox.StatePaused, sandbox.Errorf(sandbox.KindConflict, "sandbox named is paused")
	if res, body := do(t, "GET", address, nil, "Authorization", "Bearer "+key); res.StatusCode != 409 || !strings.Contains(body, "is paused") {
		t.Errorf("%s %s", res.Status, body)
	}
	f.box.State, f.err = sandbox.StateResizing, nil // which goes on while it is up
	if res, body := do(t, "GET", address, nil, "Authorization", "Bearer "+key); res.StatusCode != 200 {
		t.Errorf("%s %s", res.Status, body)
	}
}

func TestErrorsOnTheWay(t *testing.T) {
	srv, f := start(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, _ := http.NewResponseController(w).Hijack()
		conn.Close()
	})
	for _, tt := range []struct {
		err  error
		want int
		say  string
	}{
		{sandbox.Errorf(sandbox.KindConflict, "sandbox named is stopped; start it first"), 409, "is stopped"},
		{sandbox.Errorf(sandbox.KindNotFound, "nothing listens on 2280"), 503, "does not answer"},
		{io.ErrUnexpectedEOF, 503, "broke the connection"},
		{nil, 503, "broke the connection"},
	} {
		f.err = tt.err
		res, body := do(t, "POST", srv.URL+"/toolbox/"+id+"/process/execute", nil, "Authorization", "Bearer "+key)
		if res.StatusCode != tt.want || !strings.HasPrefix(body, "proxy: ") || !strings.Contains(body, tt.say) {
			t.Errorf("%v: %s %s", tt.err, res.Status, body)
		}
	}
}
