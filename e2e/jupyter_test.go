package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sandpiper/e2e/testserver"
)

// TestJupyter drives the server as a remote kernel with the library that
// JupyterLab is made with.
func TestJupyter(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("jupyter/*.test.mjs")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no tests with Jupyter's library: %v", err)
	}
	if _, err := os.Stat("node_modules/@jupyterlab/services"); err != nil {
		t.Fatal("the packages of these tests are not installed: run npm ci --prefix e2e, or make test")
	}
	server := startServer(t, dataDir(t))
	waitForLanguages(t, server)
	env := append(os.Environ(), "SANDPIPER_JUPYTER_URL="+server.URL+"/jupyter/", "SANDPIPER_KEY="+testserver.Key)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".test.mjs"), func(t *testing.T) { runNode(t, env, file) })
	}
}
