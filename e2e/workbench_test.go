package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sandpiper/e2e/testserver"
)

// TestWorkbench works in sandboxes by way of their pages in a real browser: in
// WebAssembly ones, and in containers where there is Docker.
func TestWorkbench(t *testing.T) {
	files, err := filepath.Glob("browser/workbench/*.test.mjs")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no tests: %v", err)
	}
	in := func(snapshot string, s *testserver.Server) {
		env := append(os.Environ(), "CHROMIUM="+chromium(t), "SANDPIPER_KEY="+testserver.Key, "SANDPIPER_SNAPSHOT="+snapshot,
			"SANDPIPER_OPEN_URL="+s.URL, "SANDPIPER_CLOSED_URL="+s.URL, "SANDPIPER_PREVIEWS_URL="+previewsOf(t, s))
		for _, file := range files {
			env := append(slices.Clip(env), "SANDPIPER_SIGNIN_URL="+freshSignIn(t, s)) // each is good once
			t.Run(snapshot+"/"+strings.TrimSuffix(filepath.Base(file), ".test.mjs"), func(t *testing.T) {
				t.Parallel()
				runNode(t, env, file)
			})
		}
	}
	in("wasm", startServer(t, dataDir(t), "--docker=off"))
	if out, err := exec.Command("docker", "info").CombinedOutput(); err == nil {
		in("sandpiper-small", startWithDocker(t, dataDir(t)))
	} else if os.Getenv("CI") != "" {
		t.Fatalf("no Docker engine answers: %v\n%s", err, out)
	}
}

// previewsOf is where a server says that its previews have a listener of their own.
func previewsOf(t *testing.T, s *testserver.Server) string {
	t.Helper()
	line := regexp.MustCompile(`(http://\S+)  \(previews alone`)
	var m []string
	waitToFind(t, "the address of previews in what the server prints", func() (any, bool) {
		m = line.FindStringSubmatch(s.Output()) // it is printed behind the address
		return s.Output(), m != nil
	})
	return m[1]
}

// freshSignIn makes a link that signs a browser in, once.
func freshSignIn(t *testing.T, s *testserver.Server) string {
	t.Helper()
	req, err := s.Request(t.Context(), http.MethodPost, "/api/signin-links", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var link struct{ URL string }
	if err := json.NewDecoder(resp.Body).Decode(&link); err != nil || link.URL == "" {
		t.Fatalf("status %d, no link: %v", resp.StatusCode, err)
	}
	return link.URL
}
