//go:build linux

package toolbox_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/guest/osguest"
	"sandpiper/sandbox/toolbox"
	"sandpiper/sandbox/toolbox/spectest"
)

// server is a running toolbox.
type server struct {
	testing.TB
	*httptest.Server
	token string
	dir   string
}

// newServer serves a guest over this machine; wrap may change it.
func newServer(t testing.TB, token string, wrap func(guest.Guest) guest.Guest) *server {
	t.Helper()
	dir := t.TempDir()
	g, err := osguest.New(osguest.Config{Home: "/usr", WorkDir: dir, Env: []string{"PATH=" + os.Getenv("PATH"), "A=1", "B=secret-2"}})
	if err != nil {
		t.Fatal(err)
	}
	var inside guest.Guest = g
	if wrap != nil {
		inside = wrap(g)
	}
	box := toolbox.New(toolbox.Config{Guest: inside, Token: token, Version: "1.2.3"})
	s := &server{t, httptest.NewServer(box), token, dir}
	t.Cleanup(func() {
		s.CloseClientConnections()
		box.Close()
		s.Close()
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// ask sends a request and decodes the answer, which must have a status and,
// where a definition is named, its shape.
func (s *server) ask(status int, definition, method, path, body string) (v map[string]any) {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	req.Header.Set(sandbox.TokenHeader, s.token)
	res, err := s.Client().Do(req)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status {
		s.Fatalf("%s %s: %d %s, %v", method, path, res.StatusCode, data, err)
	}
	if definition != "" {
		spectest.Check(s, definition, data)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		s.Fatalf("%s %s: %s: %v", method, path, data, err)
	}
	return v
}

func (s *server) run(command string) string {
	s.Helper()
	result, _ := s.ask(http.StatusOK, "ExecuteResponse", "POST", "/process/execute", `{"command":"`+command+`"}`)["result"].(string)
	return result
}

func TestTokens(t *testing.T) {
	s := newServer(t, "right", nil)
	s.ask(http.StatusOK, "", "GET", "/version", "")
	for _, wrong := range []string{"", "wrong", "righ", "rightt", "Right"} {
		s.token = wrong
		if got := s.ask(http.StatusUnauthorized, "ErrorResponse", "GET", "/version", ""); got["code"] != "UNAUTHORIZED" {
			t.Errorf("%q: %v", wrong, got)
		}
	}
	s.token = "right"
	s.ask(http.StatusBadRequest, "ErrorResponse", "POST", "/init", `{}`)
	s.ask(http.StatusOK, "", "POST", "/init", `{"token":"second"}`)
	s.ask(http.StatusOK, "", "POST", "/init", `{"token":"third"}`)
	for token, status := range map[string]int{"right": http.StatusOK, "second": http.StatusUnauthorized, "third": http.StatusOK} {
		s.token = token
		s.ask(status, "", "GET", "/version", "")
	}
}

func TestATrustedCallerNeedsNoToken(t *testing.T) {
	s := newServer(t, "", nil)
	s.ask(http.StatusOK, "", "POST", "/init", `{"token":"some"}`)
	s.ask(http.StatusOK, "", "GET", "/version", "")
}

func TestFacts(t *testing.T) {
	s := newServer(t, "x", nil)
	if got := s.ask(http.StatusOK, "WorkDirResponse", "GET", "/work-dir", ""); got["dir"] != s.dir {
		t.Errorf("got %v", got)
	}
	if got := s.ask(http.StatusOK, "UserHomeDirResponse", "GET", "/user-home-dir", ""); got["dir"] != "/usr" {
		t.Errorf("got %v", got)
	}
	if got := s.ask(http.StatusOK, "", "GET", "/version", ""); got["version"] != "1.2.3" {
		t.Errorf("got %v", got)
	}
	if got := s.ask(http.StatusNotFound, "ErrorResponse", "GET", "/nowhere", ""); got["code"] != "NOT_FOUND" || got["path"] != "/nowhere" {
		t.Errorf("got %v", got)
	}
	s.ask(http.StatusNotFound, "ErrorResponse", "PUT", "/version", "")
	s.ask(http.StatusNotImplemented, "ErrorResponse", "POST", "/computeruse/mouse/click", "{}")
	s.ask(http.StatusOK, "FileInfo", "GET", "/files/info?path=.", "")
	s.ask(http.StatusBadRequest, "ErrorResponse", "GET", "/git/status", "")
	s.ask(http.StatusBadRequest, "ErrorResponse", "POST", "/lsp/start", "{}")
}

func TestEnv(t *testing.T) {
	s := newServer(t, "x", nil)
	if got := s.run("echo $A-$B-$C"); got != "1-secret-2-\n" {
		t.Errorf("got %q", got)
	}
	s.ask(http.StatusOK, "", "POST", "/env", `{"set":{"C":"3","A":"4"},"unset":["A"],"unsetValuePrefix":"secret-"}`)
	if got := s.run("echo $A-$B-$C"); got != "4--3\n" {
		t.Errorf("got %q", got)
	}
	s.ask(http.StatusOK, "", "POST", "/env", `{"set":{"D":"secret-5"},"unset":["A","no"],"unsetValuePrefix":"secret-"}`)
	if got := s.run("echo $A-$C-$D"); got != "-3-secret-5\n" {
		t.Errorf("got %q", got)
	}
	for _, body := range []string{`{"set":{"":"1"}}`, `{"set":{"A=B":"1"}}`, `{"set":{"A":"\u0000"}}`, `{"set":{"A":"` + strings.Repeat("x", 128<<10) + `"}}`, many()} {
		s.ask(http.StatusBadRequest, "ErrorResponse", "POST", "/env", body)
	}
	if got := s.run("echo $C"); got != "3\n" {
		t.Errorf("a refused request changed something: %q", got)
	}
}

// many sets more variables than there may be.
func many() string {
	set := map[string]string{"C": "lost"}
	for i := range 1001 {
		set[fmt.Sprintf("V%d", i)] = "1"
	}
	data, _ := json.Marshal(map[string]any{"set": set})
	return string(data)
}

func TestMetrics(t *testing.T) {
	s := newServer(t, "x", nil)
	first := s.ask(http.StatusOK, "SystemMetrics", "GET", "/system/metrics", "")
	if first["cpuUsedPct"] != 0.0 || first["cpuCount"].(float64) < 1 || first["memTotal"].(float64) <= 0 || first["diskTotal"].(float64) <= 0 {
		t.Errorf("got %v", first)
	}
	s.run("for i in $(seq 30000); do :; done")
	if second := s.ask(http.StatusOK, "SystemMetrics", "GET", "/system/metrics", ""); second["cpuUsedPct"].(float64) <= 0 {
		t.Errorf("got %v", second)
	}
}

// echoServer listens on loopback and sends back what it gets, and "bye" at its end.
func echoServer(t *testing.T) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(conn, conn)
				_, _ = io.WriteString(conn, "bye")
				_ = conn.Close()
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

func TestPorts(t *testing.T) {
	s := newServer(t, "x", nil)
	port := echoServer(t)
	ports, _ := s.ask(http.StatusOK, "PortList", "GET", "/port", "")["ports"].([]any)
	found := false
	for _, p := range ports {
		found = found || p == float64(port)
	}
	if !found {
		t.Errorf("no %d in %v", port, ports)
	}
	for path, want := range map[string]bool{fmt.Sprint(port): true, "1": false} {
		if got := s.ask(http.StatusOK, "IsPortInUseResponse", "GET", "/port/"+path+"/in-use", ""); got["isInUse"] != want {
			t.Errorf("%s: %v", path, got)
		}
	}
	for _, path := range []string{"0", "65536", "x"} {
		s.ask(http.StatusBadRequest, "ErrorResponse", "GET", "/port/"+path+"/in-use", "")
	}
}

// tunnel asks for a connection to a port, and sends more right behind.
func (s *server) tunnel(port any, more string) (net.Conn, *bufio.Reader, *http.Response) {
	s.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprintf(conn, "GET /tcp?port=%v HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n%s: %s\r\n\r\n%s", port, sandbox.TokenHeader, s.token, more)
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = res.Body.Close() })
	return conn, r, res
}

func TestTunnel(t *testing.T) {
	s := newServer(t, "x", nil)
	port := echoServer(t)
	conn, r, res := s.tunnel(port, "early ")
	if res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(res.Status)
	}
	fmt.Fprint(conn, "late ")
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if all, err := io.ReadAll(r); err != nil || string(all) != "early late bye" {
		t.Errorf("got %q, %v", all, err)
	}
	for port, status := range map[string]int{"1": http.StatusNotFound, "0": http.StatusBadRequest, "x": http.StatusBadRequest} {
		if _, _, res := s.tunnel(port, ""); res.StatusCode != status {
			t.Errorf("%s: %s", port, res.Status)
		}
	}
	s.ask(http.StatusBadRequest, "ErrorResponse", "GET", fmt.Sprintf("/tcp?port=%d", port), "")
	s.token = "wrong"
	if _, _, res := s.tunnel(port, ""); res.StatusCode != http.StatusUnauthorized {
		t.Error(res.Status)
	}
}

func TestCloseEndsTunnels(t *testing.T) {
	g, err := osguest.New(osguest.Config{WorkDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	box := toolbox.New(toolbox.Config{Guest: g})
	s := &server{TB: t, Server: httptest.NewServer(box)}
	defer s.Close()
	_, r, _ := s.tunnel(echoServer(t), "x")
	if b, err := r.ReadByte(); b != 'x' || err != nil {
		t.Fatal(err)
	}
	box.Close()
	if _, err := r.ReadByte(); err == nil {
		t.Error("the tunnel is still open")
	}
}

// noSockets is a guest that cannot do what the WebAssembly one cannot.
type noSockets struct{ guest.Guest }

func (noSockets) DialPort(context.Context, int) (net.Conn, error) {
	return nil, fmt.Errorf("dial: %w", errors.ErrUnsupported)
}

func (noSockets) Ports(context.Context) ([]int, error) { return nil, nil }

func (noSockets) OpenShell(context.Context, guest.ShellConfig) (guest.Shell, error) {
	return nil, guest.ErrNoShell
}

func (n noSockets) Info() guest.Info {
	info := n.Guest.Info()
	info.Shell = nil
	return info
}

func TestGuestsThatLackThings(t *testing.T) {
	s := newServer(t, "", func(g guest.Guest) guest.Guest { return noSockets{g} })
	if _, _, res := s.tunnel(80, ""); res.StatusCode != http.StatusNotImplemented {
		t.Error(res.Status)
	}
	if got := s.ask(http.StatusOK, "PortList", "GET", "/port", ""); fmt.Sprint(got["ports"]) != "[]" {
		t.Errorf("got %v", got)
	}
	for path, body := range map[string]string{"/process/execute": `{"command":"true"}`, "/process/session": `{"sessionId":"one"}`} {
		if got := s.ask(http.StatusUnprocessableEntity, "ErrorResponse", "POST", path, body); !strings.Contains(fmt.Sprint(got["message"]), "no shell") {
			t.Errorf("%s: %v", path, got)
		}
	}
	s.ask(http.StatusOK, "FileInfo", "GET", "/files/info?path=.", "")
}
