package docker_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/client"

	"sandpiper/runtimes/docker"
)

const (
	shellImage  = "sandpiper/test-shell:1"  // busybox, no bash
	staticImage = "sandpiper/test-static:1" // one static program with its own entrypoint and user
)

var (
	agentFile string // toolboxd, built for these tests
	noDocker  string // why there is no Docker engine; "" when there is
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sandpiper-docker-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if noDocker = prepare(dir); noDocker != "" && os.Getenv("CI") == "true" {
		fmt.Fprintln(os.Stderr, "under CI the tests need Docker: "+noDocker)
		return 1
	}
	return m.Run()
}

// prepare builds the agent and looks for the engine with the images of these
// tests. It says what is missing.
func prepare(dir string) string {
	agentFile = filepath.Join(dir, "toolboxd")
	build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", agentFile, "../../sandbox/toolbox/toolboxd")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Sprintf("the agent does not build: %v\n%s", err, out)
	}
	api, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		return err.Error()
	}
	defer api.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := api.Ping(ctx); err != nil {
		return err.Error()
	}
	if out, err := exec.Command("setup/images", "tests").CombinedOutput(); err != nil {
		return fmt.Sprintf("the images of the tests are not there: %v\n%s", err, out)
	}
	return ""
}

// needDocker skips a test where there is no Docker engine.
func needDocker(t testing.TB) {
	t.Helper()
	if noDocker != "" {
		t.Skip("no Docker engine: " + strings.TrimSpace(noDocker))
	}
}

// newEngine opens an engine with a data folder of its own, and removes all that
// is left of it at the end.
func newEngine(t testing.TB, change ...func(*docker.Config)) *docker.Engine {
	t.Helper()
	needDocker(t)
	cfg := docker.Config{DataDir: filepath.Join(t.TempDir(), "docker"), Agent: agentFile}
	for _, c := range change {
		c(&cfg)
	}
	return openEngine(t, cfg)
}

// openEngine opens an engine; at the end of the test its sandboxes and its
// network are removed.
func openEngine(t testing.TB, cfg docker.Config) *docker.Engine {
	t.Helper()
	e, err := docker.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if err := e.Purge(ctx); err != nil {
			t.Errorf("clear up: %v", err)
		}
		if err := e.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return e
}
