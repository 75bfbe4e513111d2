package docker_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sandpiper/runtimes/docker"
	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	needDocker(t)
	cfg := docker.Config{DataDir: filepath.Join(t.TempDir(), "docker"), Agent: agentFile}
	sandboxtest.TestEngine(t, func(t *testing.T) sandbox.Engine { return openEngine(t, cfg) }, sandboxtest.EngineSubject{
		Ref:  shellImage,
		Lose: func(t *testing.T, id string) { loseContainer(t, id) },
		Reopen: func(t *testing.T, e sandbox.Engine) sandbox.Engine {
			return openEngine(t, cfg) // the first one is still there, as a process that hangs
		},
	})
}

// loseContainer removes a sandbox's container as a person might.
func loseContainer(t *testing.T, id string) {
	t.Helper()
	found, err := exec.Command("docker", "ps", "-aq", "--filter", "label=sandpiper.sandbox="+id).Output()
	if err != nil || len(found) == 0 {
		t.Fatalf("find the container: %q, %v", found, err)
	}
	if out, err := exec.Command("docker", "rm", "-f", strings.TrimSpace(string(found))).CombinedOutput(); err != nil {
		t.Fatalf("remove the container: %v: %s", err, out)
	}
}
