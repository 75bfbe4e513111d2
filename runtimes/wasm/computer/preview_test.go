package computer_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"sandpiper/runtimes/wasm/computer"
	"sandpiper/sandbox"
	"sandpiper/sandbox/guest"
)

// TestPreview serves a folder of a sandbox and looks at it.
func TestPreview(t *testing.T) {
	g := newLab(t, computer.Config{}).box(t)
	sh(t, g, "mkdir -p site/sub; echo '<h1>home</h1>' > site/index.html; echo data > site/sub/x.txt; ln -s /etc/hostname site/link; ln -s ../../../../etc/passwd site/out")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out safeBuffer
	p, err := g.Start(ctx, guest.Cmd{Args: []string{"bash", "-c", "serve site --port 3000 & serve & wait"}, Dir: g.Info().WorkDir, Env: g.Info().Env, Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	ports := awaitPorts(t, g, 2)
	if ports[0] != 3000 || ports[1] != 8000 {
		t.Errorf("ports %v", ports)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return g.DialPort(ctx, 3000) }}}
	for _, tt := range []struct {
		method, path string
		code         int
		body         string
	}{
		{"GET", "/", 200, "<h1>home</h1>"}, {"GET", "/sub/x.txt", 200, "data"}, {"GET", "/sub/", 200, "x.txt"}, {"GET", "/link", 200, "wasm"},
		{"GET", "/none", 404, ""}, {"GET", "/../../../../etc/passwd", 404, ""}, {"GET", "/out", 200, "daytona:x:1000"}, {"POST", "/", 405, "only shows"}, {"DELETE", "/sub/x.txt", 405, ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tt.method, "http://sandbox"+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != tt.code || !strings.Contains(string(b), tt.body) || strings.Contains(string(b), "root:x:0:0:root:/root:/bin/bash\ndaemon") {
			t.Errorf("%s %s: %d %q, %v", tt.method, tt.path, resp.StatusCode, b, err)
		}
	}
	if _, err := g.DialPort(t.Context(), 4000); sandbox.KindOf(err) != sandbox.KindNotFound {
		t.Errorf("a port without a server: %v", err)
	}
	if got := sh(t, g, "serve site --port 3000"); got.code == 0 || !strings.Contains(got.stderr, "in use") {
		t.Errorf("a port that is taken: %+v", got)
	}
	if err := p.Signal(guest.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	awaitPorts(t, g, 0)
	if !strings.Contains(out.String(), "Serving /home/daytona/site on port 3000") {
		t.Errorf("output %q", out.String())
	}
}

func awaitPorts(t *testing.T, g guest.Guest, n int) []int {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		ports, err := g.Ports(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(ports) == n {
			return ports
		}
		if time.Now().After(end) {
			t.Fatalf("ports %v, want %d", ports, n)
		}
	}
}

// TestLeftovers checks what a process that was killed leaves to the next one.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	l := newLab(t, computer.Config{Dir: dir, Spares: -1})
	l.box(t)
	for _, name := range []string{".new-1/root/x", ".gone-2/root", "snapshots/.new-3/root", "archives/.new-4"} {
		if err := os.MkdirAll(dir+"/"+name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(dir+"/0-broken", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again := newLab(t, computer.Config{Dir: dir, Spares: -1})
	found, err := again.List(t.Context())
	if err != nil || len(found) != 2 {
		t.Fatalf("%+v, %v", found, err)
	}
	for _, f := range found {
		want := sandbox.StateStopped
		if f.ID == "0-broken" {
			want = sandbox.StateError
		}
		if f.State != want {
			t.Errorf("%+v, want %s", f, want)
		}
		if err := again.Destroy(t.Context(), f.ID); err != nil {
			t.Error(err)
		}
	}
	for _, sub := range []string{"", "/snapshots", "/archives"} {
		entries, err := os.ReadDir(dir + sub)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Name() != "snapshots" && e.Name() != "archives" {
				t.Errorf("left over: %s/%s", sub, e.Name())
			}
		}
	}
}

// TestPauseHoldsPrograms checks that a pause keeps programs and their memory.
func TestPauseHoldsPrograms(t *testing.T) {
	l := newLab(t, computer.Config{})
	id := sandbox.NewID()
	if err := l.Create(t.Context(), sandbox.Spec{ID: id, Ref: computer.Ref, Token: id}); err != nil {
		t.Fatal(err)
	}
	g := l.guests[id]
	var out safeBuffer
	script := "import time\nn = 0\nwhile True:\n  n += 1\n  print(n)\n  t = time.time()\n  while time.time() - t < 0.02: pass"
	p, err := g.Start(t.Context(), guest.Cmd{Args: []string{"bash", "-c", "python3 -c '" + script + "'"}, Dir: "/", Env: g.Info().Env, Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	grows := func() bool {
		before := len(out.String())
		for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			if len(out.String()) > before+4 {
				return true
			}
		}
		return false
	}
	if !grows() {
		t.Fatal("the program does not run")
	}
	if err := l.Pause(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); ; { // what it wrote before may still be on its way
		before := out.String()
		time.Sleep(300 * time.Millisecond)
		if out.String() == before {
			break
		}
		if time.Now().After(end) {
			t.Fatal("a paused program goes on")
		}
	}
	if err := l.Resume(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if !grows() {
		t.Error("a program that was paused does not go on")
	}
	if err := p.Signal(guest.SIGKILL); err != nil {
		t.Error(err)
	}
}
