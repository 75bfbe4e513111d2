package docker_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
)

const gvisor = "runsc"

// newGVisorWorld makes a world whose Docker engine has gVisor as the machine's
// own has it. It skips the test where there is none.
func newGVisorWorld(t testing.TB) *world {
	t.Helper()
	needDocker(t)
	out, err := exec.Command("docker", "info", "--format", "{{json .Runtimes}}").Output()
	check(t, err)
	var runtimes map[string]json.RawMessage
	check(t, json.Unmarshal(out, &runtimes))
	if runtimes[gvisor] == nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("gVisor is not registered with Docker: run make gvisor")
		}
		t.Skip("gVisor is not registered with Docker: run make gvisor")
	}
	text, err := json.Marshal(map[string]any{"runtimes": map[string]any{gvisor: runtimes[gvisor]}})
	check(t, err)
	file := filepath.Join(t.TempDir(), "daemon.json")
	check(t, os.WriteFile(file, text, 0o600))
	return newWorld(t, "--config-file", file)
}

// TestGVisor holds sandboxes of gVisor to the contract of all engines.
func TestGVisor(t *testing.T) {
	w := newGVisorWorld(t)
	cfg := w.config(t)
	sandboxtest.TestEngine(t, func(t *testing.T) sandbox.Engine { return openEngine(t, cfg) }, sandboxtest.EngineSubject{
		Ref:     shellImage,
		Runtime: gvisor,
		Reopen:  func(t *testing.T, _ sandbox.Engine) sandbox.Engine { return openEngine(t, cfg) },
	})
}
