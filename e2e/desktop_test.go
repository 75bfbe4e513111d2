package e2e

import (
	"os"
	"os/exec"
	"testing"

	"sandpiper/e2e/testserver"
)

// TestDesktop shows the desktop of a real container in a real browser. In CI
// there must be containers.
func TestDesktop(t *testing.T) {
	t.Parallel()
	if out, err := exec.Command("docker", "info").CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no Docker engine answers: %v\n%s", err, out)
		}
		t.Skip("desktops are in containers, and no Docker engine answers here")
	}
	server := startWithDocker(t, dataDir(t))
	runNode(t, append(os.Environ(), "CHROMIUM="+chromium(t), "SANDPIPER_KEY="+testserver.Key,
		"SANDPIPER_OPEN_URL="+server.URL, "SANDPIPER_CLOSED_URL="+server.URL, "SANDPIPER_SIGNIN_URL="+signInURL(t, server)),
		"browser/desktop/desktop.test.mjs")
}
