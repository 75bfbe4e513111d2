package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sandpiper/e2e/testserver"
)

// TestSDK drives the server with the official clients: the newest and two old
// ones, once for each kind of sandbox that this machine can have.
func TestSDK(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("sdk/*.test.mjs")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no tests with the SDK: %v", err)
	}
	if _, err := os.Stat("node_modules/@daytona/sdk"); err != nil {
		t.Fatal("the packages of these tests are not installed: run npm ci --prefix e2e, or make test")
	}
	server := startWithDocker(t, dataDir(t))
	waitForLanguages(t, server)
	all := snapshots(t)
	if len(all) > 1 && hasDesktops(t) {
		all = append(all, desktopSnapshot)
	}
	for _, snapshot := range all {
		env := append(os.Environ(), "DAYTONA_API_URL="+server.URL+"/api", "DAYTONA_API_KEY="+testserver.Key, "SANDPIPER_SNAPSHOT="+snapshot)
		t.Run(snapshot, func(t *testing.T) {
			t.Parallel() // tests of one snapshot share its warm pool
			for _, file := range files {
				if snapshot == desktopSnapshot && filepath.Base(file) != "computeruse.test.mjs" {
					continue // it is as the other container in all else
				}
				t.Run(strings.TrimSuffix(filepath.Base(file), ".test.mjs"), func(t *testing.T) { runNode(t, env, file) })
			}
		})
	}
}

// snapshots names one snapshot of each engine that can be used here. In CI that
// is both.
func snapshots(t *testing.T) []string {
	t.Helper()
	all := []string{"wasm"}
	if out, err := exec.Command("docker", "info").CombinedOutput(); err == nil {
		all = append(all, "sandpiper-small")
	} else if os.Getenv("CI") != "" {
		t.Fatalf("no Docker engine answers: %v\n%s", err, out)
	}
	return all
}
