package proxy_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

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
	err     error // of Dial

	mu      sync.Mutex
	touched int
	box     sandbox.Sandbox
}

func (f *fake) Sandbox(_ context.Context, o, name string) (sandbox.Sandbox, error) {
	if o != org || name != id && name != "named" {
		return sandbox.Sandbox{}, sandbox.Errorf(sandbox.KindNotFound, "there is no sandbox %s", name)
	}
	return f.box, nil
}

func (f *fake) ByID(_ context.Context, name string) (sandbox.Sandbox, error) {
	return f.Sandbox(context.Background(), org, name)
}

func (f *fake) Dial(ctx context.Context, _ string, port int) (net.Conn, error) {
	if f.err != nil {
		return nil, f.err
	}
	if port != sandbox.ToolboxPort {
		return nil, sandbox.Errorf(sandbox.KindNotFound, "no")
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", f.toolbox.Listener.Addr().String())
}

func (f *fake) Touch(context.Context, string, string, sandbox.ActivitySource) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.touched++
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
func (f *fake) SigningKey(sandbox.Sandbox) string { return "signing" }

// writeError tells what matters of an error in one line.
func writeError(w http.ResponseWriter, _ *http.Request, e *sandbox.Error) {
	w.WriteHeader(reply.Status(e.Kind))
	fmt.Fprintf(w, "proxy: %s", e.Message)
}

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
	srv.Config.ReadTimeout = 300 * time.Millisecond // which streams must outlive
	srv.Config.WriteTimeout = 300 * time.Millisecond
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

// echo tells what the toolbox got.
func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"method": r.Method, "uri": r.RequestURI, "host": r.Host, "headers": r.Header})
}

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
		if got := strings.TrimSuffix(res.Header.Get("Content-Disposition"), ";"); got != strings.TrimSuffix(tt.want, ";") || len(res.Header["Content-Disposition"]) > 1 {
			t.Errorf("%s as %s: %q", tt.media, tt.as, got)
		}
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

// pattern is a body of so many bytes that takes no memory.
type pattern struct{ left int64 }

func (p *pattern) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	n := int(min(int64(len(b)), p.left))
	for i := range b[:n] {
		b[i] = byte(i)
	}
	p.left -= int64(n)
	return n, nil
}

func TestLargeBodiesTakeNoMemory(t *testing.T) {
	const size = 256 << 20
	srv, _ := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "GET" {
			_, _ = io.Copy(w, &pattern{size})
			return
		}
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n)
	})
	peak := make(chan uint64)
	stop := make(chan struct{})
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	go func() {
		var highest uint64
		for {
			select {
			case <-stop:
				peak <- highest
				return
			case <-time.After(5 * time.Millisecond):
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				highest = max(highest, m.HeapAlloc)
			}
		}
	}()
	address := srv.URL + "/toolbox/" + id + "/files/"
	r, err := http.NewRequestWithContext(t.Context(), "POST", address+"upload-v2?path=a", &pattern{size})
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.ContentLength = size
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(res.Body); string(b) != strconv.Itoa(size) {
		t.Errorf("uploaded %s", b)
	}
	res.Body.Close()
	r, err = http.NewRequestWithContext(t.Context(), "GET", address+"download?path=a", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	if res, err = http.DefaultClient.Do(r); err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, res.Body); n != size || err != nil {
		t.Errorf("downloaded %d: %v", n, err)
	}
	res.Body.Close()
	close(stop)
	if grown := int64(<-peak) - int64(before.HeapAlloc); grown > 32<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}

func TestStreamsOutliveTheServersLimits(t *testing.T) {
	srv, _ := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" { // a slow upload
			b, err := io.ReadAll(r.Body)
			fmt.Fprint(w, string(b), err)
			return
		}
		for i := range 5 {
			fmt.Fprint(w, i)
			_ = http.NewResponseController(w).Flush()
			time.Sleep(150 * time.Millisecond)
		}
	})
	r, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL+"/toolbox/"+id+"/logs", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	began := time.Now()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	first, _ := bufio.NewReader(res.Body).ReadByte()
	if waited := time.Since(began); first != '0' || waited > 140*time.Millisecond {
		t.Errorf("the first byte %q came after %v", first, waited)
	}
	if rest, err := io.ReadAll(res.Body); string(rest) != "1234" || err != nil {
		t.Errorf("the rest %q, %v", rest, err)
	}
	body, feed := io.Pipe()
	go func() {
		for i := range 5 {
			fmt.Fprint(feed, i)
			time.Sleep(150 * time.Millisecond)
		}
		feed.Close()
	}()
	if _, got := do(t, "POST", srv.URL+"/toolbox/"+id+"/files/upload-v2", body, "Authorization", "Bearer "+key); got != "01234<nil>" {
		t.Errorf("a slow upload arrived as %q", got)
	}
}

func TestAnnouncedBodiesAndCancellation(t *testing.T) {
	gone := make(chan struct{})
	srv, _ := start(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/wait":
			<-r.Context().Done()
			close(gone)
		case r.URL.Path == "/refuse":
			w.WriteHeader(413)
		default:
			b, _ := io.ReadAll(r.Body)
			fmt.Fprint(w, string(b))
		}
	})
	client := http.Client{Transport: &http.Transport{ExpectContinueTimeout: 10 * time.Second}}
	t.Cleanup(client.CloseIdleConnections)
	send := func(path string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), "POST", srv.URL+"/toolbox/"+id+path, strings.NewReader("announced"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Expect", "100-continue")
		r.Header.Set("Authorization", "Bearer "+key)
		began := time.Now()
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		if time.Since(began) > 3*time.Second {
			t.Errorf("%s: nobody wanted the body", path)
		}
		return res.StatusCode, string(b)
	}
	if status, body := send("/take"); status != 200 || body != "announced" {
		t.Errorf("got %d %q", status, body)
	}
	if status, _ := send("/refuse"); status != 413 {
		t.Errorf("got %d", status)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", srv.URL+"/toolbox/"+id+"/wait", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	if res, err := http.DefaultClient.Do(r); err == nil {
		res.Body.Close()
		t.Error("an answer to what was given up")
	}
	select {
	case <-gone:
	case <-time.After(5 * time.Second):
		t.Error("the toolbox was not told that the client has gone")
	}
}

func TestWebSockets(t *testing.T) {
	srv, f := start(t, func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"X-Daytona-SDK-Version~1.0"}})
		if err != nil {
			return
		}
		defer ws.CloseNow()
		for {
			kind, message, err := ws.Read(r.Context())
			if err != nil {
				return
			}
			if string(message) == "bye" {
				_ = ws.Close(4008, `{"exitCode":3}`)
				return
			}
			_ = ws.Write(r.Context(), kind, bytes.ToUpper(message))
		}
	})
	address := "ws" + strings.TrimPrefix(srv.URL, "http") + "/toolbox/" + id + "/process/pty/1/connect"
	ws, res, err := websocket.Dial(t.Context(), address+"?DAYTONA_SANDBOX_AUTH_KEY=preview-1", &websocket.DialOptions{
		Subprotocols: []string{"X-Daytona-SDK-Version~1.0"}, HTTPHeader: http.Header{"Origin": {"http://elsewhere.test"}},
	})
	if err != nil {
		t.Fatalf("%v %v", err, res)
	}
	defer ws.CloseNow()
	if ws.Subprotocol() != "X-Daytona-SDK-Version~1.0" {
		t.Errorf("subprotocol %q", ws.Subprotocol())
	}
	for range 3 {
		time.Sleep(150 * time.Millisecond) // past the server's limits
		if err := ws.Write(t.Context(), websocket.MessageText, []byte("hello")); err != nil {
			t.Fatal(err)
		}
		if _, got, err := ws.Read(t.Context()); string(got) != "HELLO" || err != nil {
			t.Fatalf("got %q, %v", got, err)
		}
	}
	_ = ws.Write(t.Context(), websocket.MessageText, []byte("bye"))
	if _, _, err := ws.Read(t.Context()); websocket.CloseStatus(err) != 4008 || !strings.Contains(err.Error(), "exitCode") {
		t.Errorf("close: %v", err)
	}
	f.err = sandbox.Errorf(sandbox.KindConflict, "stopped")
	f.box.Incarnation = 2 // nothing is left in the pool
	_, res, err = websocket.Dial(t.Context(), address, &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer " + key}}})
	if err == nil || res == nil || res.StatusCode != 409 {
		t.Errorf("a stopped sandbox: %v %v", res, err)
	}
}
