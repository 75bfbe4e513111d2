package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"time"

	"sandpiper/e2e/rawclient"
	"sandpiper/e2e/testserver"
)

// previewPort is where the server inside listens, previewClients how many ask it
// at once, previewPage how large its page is.
const (
	previewPort    = 3000
	previewClients = 16
	previewPage    = 1 << 10
)

// measurePreviews prints what the way through a preview costs. A container's
// server is also asked directly, at the container's own address; what serves in a
// WebAssembly sandbox has no address, so a Go server stands beside it.
func measurePreviews(ctx context.Context, srv *testserver.Server, n int, load time.Duration) error {
	c := rawclient.New(srv.URL, testserver.Key)
	fmt.Printf("previews of a page of %d bytes, ms; requests per second of %d clients\n", previewPage, previewClients)
	direct := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, previewPage))
	})}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() { _ = direct.Serve(listener) }()
	defer direct.Close()
	if err := measurePage(ctx, "a Go server, direct", "http://"+listener.Addr().String()+"/", "", "", n, load); err != nil {
		return err
	}
	if err := measurePreview(ctx, c, wasmSnapshot, "serve site --port 3000", false, n, load); err != nil {
		return err
	}
	if err := exec.CommandContext(ctx, "docker", "info").Run(); err != nil {
		fmt.Printf("  container: not measured, docker info says %v\n\n", err)
		return nil
	}
	if err := measurePreview(ctx, c, containerSnapshot, nodeServer, true, n, load); err != nil {
		return err
	}
	fmt.Println()
	return nil
}

// nodeServer serves the page from a container, on every address of it.
const nodeServer = `node -e 'const p = require("fs").readFileSync("site/index.html"); require("http").createServer((q, s) => s.end(p)).listen(3000)'`

// measurePreview prints the figures of a preview of a new sandbox and, where that is
// asked for, of the very same server without it.
func measurePreview(ctx context.Context, c *rawclient.Client, snapshot, command string, direct bool, n int, load time.Duration) error {
	s, err := c.Create(ctx, snapshot)
	if err != nil {
		return err
	}
	defer deleteAll(c, s)
	setUp := fmt.Sprintf("mkdir -p site; head -c %d /dev/zero > site/index.html", previewPage)
	if err := run(ctx, c, s.ID, setUp); err != nil {
		return err
	}
	if err := background(ctx, c, s.ID, command); err != nil {
		return err
	}
	var link struct{ URL, Token string }
	if err := c.Call(ctx, "GET", fmt.Sprintf("/api/sandbox/%s/ports/%d/preview-url", s.ID, previewPort), nil, &link); err != nil {
		return err
	}
	u, err := url.Parse(link.URL)
	if err != nil {
		return err
	}
	if err := awaitPage(ctx, c.URL+"/", u.Host, link.Token); err != nil {
		return err
	}
	if err := measurePage(ctx, snapshot+", preview", c.URL+"/", u.Host, link.Token, n, load); err != nil || !direct {
		return err
	}
	return measureDirect(ctx, c, s, n, load) // last: a server that is warm by then flatters no preview
}

// measureDirect prints the figures of the server in a container, asked at the
// container's address.
func measureDirect(ctx context.Context, c *rawclient.Client, s rawclient.Sandbox, n int, load time.Duration) error {
	r, err := c.Exec(ctx, s.ID, "hostname -i")
	if err != nil {
		return fmt.Errorf("ask %s for its address: %w", s.ID, err)
	}
	addr, err := netip.ParseAddr(strings.TrimSpace(r.Result))
	if err != nil {
		return fmt.Errorf("the address of %s: %w", s.ID, err)
	}
	address := fmt.Sprintf("http://%s/", netip.AddrPortFrom(addr, previewPort))
	if err := page(ctx, &http.Client{Timeout: 5 * time.Second}, address, "", ""); err != nil {
		fmt.Printf("  %s, direct: not measured, this machine does not reach the container: %v\n", s.Snapshot, err)
		return nil
	}
	return measurePage(ctx, s.Snapshot+", direct", address, "", "", n, load)
}

// background starts a command in a session of a sandbox.
func background(ctx context.Context, c *rawclient.Client, id, command string) error {
	if err := c.Call(ctx, "POST", "/toolbox/"+id+"/process/session", map[string]any{"sessionId": "web"}, nil); err != nil {
		return err
	}
	return c.Call(ctx, "POST", "/toolbox/"+id+"/process/session/web/exec", map[string]any{"command": command, "runAsync": true}, &json.RawMessage{})
}

// page asks for a page; it is an error unless it comes whole.
func page(ctx context.Context, client *http.Client, address, host, token string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	if host != "" {
		req.Host = host
		req.Header.Set("X-Daytona-Preview-Token", token)
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	size, err := io.Copy(io.Discard, res.Body)
	if err == nil && (res.StatusCode != http.StatusOK || size != previewPage) {
		err = fmt.Errorf("the page is %s with %d bytes", res.Status, size)
	}
	return err
}

// awaitPage waits until the server inside is there.
func awaitPage(ctx context.Context, address, host, token string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		err := page(ctx, http.DefaultClient, address, host, token)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the server inside does not answer: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// measurePage prints how long a page takes one client, and how many of it go
// out each second to several.
func measurePage(ctx context.Context, what, address, host, token string, n int, load time.Duration) error {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: previewClients}}
	defer client.CloseIdleConnections()
	var took []time.Duration
	for range 10 * n {
		started := time.Now()
		if err := page(ctx, client, address, host, token); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		took = append(took, time.Since(started))
	}
	var wg sync.WaitGroup
	counts, errs := make([]int, previewClients), make([]error, previewClients)
	end := time.Now().Add(load)
	for i := range previewClients {
		wg.Go(func() {
			for time.Now().Before(end) && errs[i] == nil {
				errs[i] = page(ctx, client, address, host, token)
				counts[i]++
			}
		})
	}
	wg.Wait()
	total := 0
	for i, err := range errs {
		if err != nil {
			return fmt.Errorf("%s, with several clients: %w", what, err)
		}
		total += counts[i]
	}
	fmt.Printf("  %-26s p50 %.2f p99 %.2f, %d requests/s\n", what, millis(percentile(took, 50)), millis(percentile(took, 99)), int(float64(total)/load.Seconds()))
	return nil
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
