package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sandpiper/e2e/rawclient"
	"sandpiper/e2e/testserver"
)

// listed is how many sandboxes the list of the dashboard has.
const listed = 1000

// measurePages prints how soon the dashboard's list of many sandboxes is there,
// and how much of it and of what it loads goes over the line.
func measurePages(ctx context.Context, srv *testserver.Server, n int) error {
	c := rawclient.New(srv.URL, testserver.Key)
	made, err := stoppedSandboxes(ctx, c, listed)
	defer deleteAll(c, made...)
	if err != nil {
		return err
	}
	var took []time.Duration
	for range n {
		started := time.Now()
		if _, _, err := fetch(ctx, srv, "/sandboxes", "br, gzip"); err != nil { // as browsers do
			return err
		}
		took = append(took, time.Since(started))
	}
	page, size, err := fetch(ctx, srv, "/sandboxes", "identity")
	if err != nil {
		return err
	}
	if !strings.Contains(page, fmt.Sprintf("of %d sandboxes", listed)) {
		return fmt.Errorf("the list does not say that it has %d sandboxes", listed)
	}
	fmt.Printf("dashboard with %d sandboxes\n", listed)
	fmt.Printf("  list, ms                                       %s\n", quantiles(took))
	_, packed, err := fetch(ctx, srv, "/sandboxes", "br, gzip")
	if err != nil {
		return err
	}
	assets, err := assetBytes(ctx, srv, page)
	if err != nil {
		return err
	}
	fmt.Printf("  list, its styles and scripts, compressed bytes  %d (%d before it is compressed), %d\n\n", packed, size, assets)
	return nil
}

// stoppedSandboxes makes sandboxes and stops them. Those that were made are
// returned in any case.
func stoppedSandboxes(ctx context.Context, c *rawclient.Client, n int) (made []rawclient.Sandbox, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		wg   sync.WaitGroup
		next atomic.Int64
		mu   sync.Mutex
	)
	for range 8 {
		wg.Go(func() {
			for ctx.Err() == nil && next.Add(1) <= int64(n) {
				var s rawclient.Sandbox
				err := c.Call(ctx, http.MethodPost, "/api/sandbox", map[string]any{"snapshot": wasmSnapshot, "disk": 1}, &s)
				if err == nil {
					mu.Lock()
					made = append(made, s)
					mu.Unlock()
					err = c.Call(ctx, http.MethodPost, "/api/sandbox/"+s.ID+"/stop", nil, nil)
				}
				if err != nil {
					cancel(fmt.Errorf("make %d sandboxes: %w", n, err))
				}
			}
		})
	}
	wg.Wait()
	return made, context.Cause(ctx)
}

// asset finds the files of ours that a page loads.
var asset = regexp.MustCompile(`(?:src|href)="(/static/[^"]+\.(?:js|css))"`)

// assetBytes adds up the files that a page loads, and those that they import, as
// they go over the line.
func assetBytes(ctx context.Context, srv *testserver.Server, page string) (total int, err error) {
	imported := regexp.MustCompile(`from ?"(\./[^"]+\.js)"|import ?"(\./[^"]+\.js)"`)
	seen := map[string]bool{}
	var load func(name string) error
	load = func(name string) error {
		if seen[name] {
			return nil
		}
		seen[name] = true
		_, n, err := fetch(ctx, srv, name, "br, gzip")
		if err != nil {
			return err
		}
		total += n
		text, _, err := fetch(ctx, srv, name, "identity")
		if err != nil {
			return err
		}
		for _, m := range imported.FindAllStringSubmatch(text, -1) {
			if err := load(path.Join(path.Dir(name), m[1]+m[2])); err != nil {
				return err
			}
		}
		return nil
	}
	for _, m := range asset.FindAllStringSubmatch(page, -1) {
		if err := load(m[1]); err != nil {
			return 0, err
		}
	}
	if len(seen) == 0 {
		return 0, fmt.Errorf("the page loads nothing from /static/")
	}
	return total, nil
}

// fetch gets a page and returns it with its length on the line.
func fetch(ctx context.Context, srv *testserver.Server, path, encoding string) (text string, size int, err error) {
	req, err := srv.Request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return "", 0, err
	}
	req.Header.Set("Accept-Encoding", encoding)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", 0, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: status %d", path, resp.StatusCode)
	}
	return string(b), len(b), err
}
