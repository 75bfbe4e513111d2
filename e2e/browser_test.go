package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"sandpiper/e2e/testserver"
)

// readyTimeout is how long the languages may take to compile their modules at
// the first start, on a small and busy machine.
const readyTimeout = 5 * time.Minute

// TestBrowser runs each file of browser tests against two servers: one on which
// everybody may run programs, and one that wants a sign-in.
func TestBrowser(t *testing.T) {
	files, err := filepath.Glob("browser/*.test.mjs")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no browser tests: %v", err)
	}
	env := append(os.Environ(), "CHROMIUM="+chromium(t), "SANDPIPER_KEY="+testserver.Key)
	if _, err := os.Stat("node_modules/playwright-core"); err != nil {
		t.Fatal("the packages of the browser tests are not installed: run npm ci --prefix e2e, or make test")
	}
	const proxies = "--trusted-proxies=127.0.0.1/32" // each visitor says its own address, see browser/lib.mjs
	open := startServer(t, dataDir(t), "--open-playground", proxies)
	waitForLanguages(t, open)
	closed := startServer(t, dataDir(t), proxies)
	waitForLanguages(t, closed)
	env = append(env,
		"SANDPIPER_OPEN_URL="+open.URL, "SANDPIPER_CLOSED_URL="+closed.URL, "SANDPIPER_SIGNIN_URL="+signInURL(t, closed))
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".test.mjs"), func(t *testing.T) {
			t.Parallel() // each has a browser of its own, and waits for it most of the time
			runNode(t, env, file)
		})
	}
}

// waitForLanguages waits until every language is ready. One that is not fails
// the test: it would only fail later and less clearly.
func waitForLanguages(t *testing.T, s *testserver.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), readyTimeout)
	defer cancel()
	for {
		states, err := languages(ctx, s)
		if err != nil {
			t.Fatalf("ask for the languages: %v", err)
		}
		var waiting, failed []string
		for id, state := range states {
			switch state {
			case "ready":
			case "preparing":
				waiting = append(waiting, id)
			default:
				failed = append(failed, id+" is "+state)
			}
		}
		switch {
		case len(failed) > 0 || len(states) == 0:
			t.Fatalf("not every language can be run: %s (run make setup and build again)", strings.Join(failed, ", "))
		case len(waiting) == 0:
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("still preparing after %v: %s", readyTimeout, strings.Join(waiting, ", "))
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// languages returns the state of each language.
func languages(ctx context.Context, s *testserver.Server) (map[string]string, error) {
	req, err := s.Request(ctx, http.MethodGet, "/v1/languages", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var answer struct {
		Languages []struct{ ID, State, Stage string }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d: %w", resp.StatusCode, err)
	}
	states := map[string]string{}
	for _, l := range answer.Languages {
		states[l.ID] = l.State
		if l.State == "failed" {
			states[l.ID] += ": " + l.Stage
		}
	}
	return states, nil
}

var signInLine = regexp.MustCompile(`http://\S+/signin\?token=\S+`)

// signInURL finds the link that the server prints when it starts, some lines
// after its address.
func signInURL(t *testing.T, s *testserver.Server) string {
	t.Helper()
	var link string
	waitToFind(t, "a sign-in link in what the server prints", func() (any, bool) {
		link = signInLine.FindString(s.Output())
		return s.Output(), link != ""
	})
	return link
}

// chromium finds the browser. The one without windows is the same engine for half
// the time of the processor.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium-headless-shell", "chromium", "chromium-browser", "google-chrome-stable", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("the browser tests need Chromium: install it (on Debian: apt-get install chromium-headless-shell), or run make test")
	return ""
}

// nodeTimeout bounds one file of tests in node. A file takes a minute or two; one
// that hangs must not keep what is to be cleared away after it.
const nodeTimeout = 15 * time.Minute

// runNode runs one file with node's own test runner and passes on what it says.
func runNode(t *testing.T, env []string, file string) {
	ctx, cancel := context.WithTimeoutCause(t.Context(), nodeTimeout, fmt.Errorf("it was killed after %v", nodeTimeout))
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "--test", "--test-reporter=spec", "--test-reporter-destination=stdout", file)
	cmd.Env = env
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it ends its children, which end their browsers
	cmd.WaitDelay = 10 * time.Second
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Run(); err != nil {
		t.Errorf("%s: %v", file, errors.Join(err, context.Cause(ctx)))
	}
}
