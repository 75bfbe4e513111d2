package docker_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"sandpiper/runtimes/docker"
	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
)

// TestSweep lets a process end in the middle of everything: the next one goes on
// with what runs, and removes what belongs to nothing.
func TestSweep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cfg := w.config(t)
	e := openEngine(t, cfg)
	runs := start(t, e, shellImage, func(s *sandbox.Spec) { s.Network.Allow = []string{internetAddr} })
	stopped := start(t, e, shellImage, nil)
	lost := start(t, e, shellImage, nil)
	check(t, e.Stop(t.Context(), stopped.spec.ID, 0))
	w.docker(t, "rm", "-f", strings.TrimSpace(w.docker(t, "ps", "-q", "--filter", "label=sandpiper.sandbox="+lost.spec.ID)))
	stray := sandboxtest.NewUUID() // a creation that got as far as its box
	check(t, os.MkdirAll(filepath.Join(cfg.DataDir, "boxes", stray, "run"), 0o700))
	check(t, os.WriteFile(filepath.Join(cfg.DataDir, "records", stray+".json"), []byte("{cut o"), 0o600))
	check(t, os.WriteFile(filepath.Join(cfg.DataDir, "records", stopped.spec.ID+".json"), []byte("{cut o"), 0o600))

	w.unplug(t) // as if it had ended right after the start

	next := openEngine(t, cfg)
	all, err := next.List(t.Context())
	if err == nil && len(all) != 2 {
		t.Errorf("the next process finds %+v", all)
	}
	for dir, want := range map[string][]string{"boxes": {runs.spec.ID}, "records": {runs.spec.ID + ".json"}} {
		entries, err := os.ReadDir(filepath.Join(cfg.DataDir, dir))
		check(t, err)
		for _, entry := range entries {
			if entry.Name() != want[0] && !strings.HasPrefix(entry.Name(), stopped.spec.ID) {
				t.Errorf("%s still has %s", dir, entry.Name())
			}
		}
	}
	runs.engine = next
	if !runs.reaches(internetAddr, 80) || runs.escapes(otherAddr, 80) {
		t.Error("the policy of what runs was not taken over")
	}
	if rules := w.rules(t); strings.Count(rules, ". 198.51.100.10") != 1 || strings.Contains(rules, lost.spec.ID) {
		t.Errorf("the rules are %s", rules)
	}
	check(t, next.Start(t.Context(), stopped.spec))
	stopped.engine = next
	if !stopped.reaches(internetAddr, 80) {
		t.Error("a sandbox whose record was lost has no network")
	}
}

// unplug removes all plugs of sandboxes.
func (w *world) unplug(t testing.TB) {
	t.Helper()
	h, err := netlink.NewHandleAt(w.host)
	check(t, err)
	defer h.Close()
	links, err := h.LinkList()
	check(t, err)
	for _, l := range links {
		if strings.HasPrefix(l.Attrs().Name, "sp") && l.Type() == "veth" {
			check(t, h.LinkDel(l))
		}
	}
}

// docker runs the command line against the world's Docker engine.
func (w *world) docker(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.Command("docker", append([]string{"-H", w.socket()}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %v: %v: %s", args, err, out)
	}
	return string(out)
}

// rules returns the nftables rules of the world's host.
func (w *world) rules(t testing.TB) string {
	t.Helper()
	var out []byte
	check(t, within(w.host, func() (err error) { out, err = exec.Command("nft", "list", "ruleset").Output(); return err }))
	return string(out)
}

// TestDockerRestarts ends Docker under a running sandbox and starts it again.
func TestDockerRestarts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := openEngine(t, w.config(t))
	s := start(t, e, shellImage, nil)
	s.execute("echo mine >/tmp/kept")
	w.stopDocker()
	_, err := e.Fingerprint(t.Context())
	if sandbox.KindOf(err) != sandbox.KindUnavailable || !strings.Contains(err.Error(), "docker daemon is not running") {
		t.Errorf("without Docker: %v", err)
	}
	if _, err := e.Status(t.Context(), s.spec.ID); sandbox.KindOf(err) != sandbox.KindUnavailable {
		t.Errorf("the sandbox's state without Docker: %v", err)
	}
	w.startDocker(t)
	awaitState(t, e, s.spec.ID, sandbox.StateStopped)
	check(t, e.Start(t.Context(), s.spec))
	if got, _ := s.execute("cat /tmp/kept"); got != "mine\n" {
		t.Errorf("the file is %q", got)
	}
	if !s.reaches(internetAddr, 80) || s.escapes(metadataAddr, 80) {
		t.Error("the network is not as it was")
	}
}

// TestDockerComesLate opens an engine before there is a Docker engine.
func TestDockerComesLate(t *testing.T) {
	t.Parallel()
	needDocker(t)
	socket := filepath.Join(t.TempDir(), "none.sock")
	e, err := docker.New(docker.Config{Host: "unix://" + socket, DataDir: t.TempDir(), Agent: agentFile})
	check(t, err)
	defer e.Close()
	began := time.Now()
	for range 3 {
		_, err = e.Fingerprint(t.Context())
		if sandbox.KindOf(err) != sandbox.KindUnavailable {
			t.Fatalf("without Docker: %v", err)
		}
	}
	if took := time.Since(began); took > patience/2 {
		t.Errorf("it took %v to say that there is no Docker", took)
	}
	check(t, os.Symlink("/var/run/docker.sock", socket))
	awaitDocker(t, e)
	check(t, e.Purge(t.Context()))
}

// awaitDocker waits until an engine works.
func awaitDocker(t *testing.T, e *docker.Engine) {
	t.Helper()
	eventually(t, "the engine to notice that Docker is there", func() (any, bool) {
		_, err := e.Fingerprint(t.Context())
		return err, err == nil
	})
}

// TestAgentMissing holds that a server without the agent starts, and says what
// it lacks.
func TestAgentMissing(t *testing.T) {
	e, err := docker.New(docker.Config{DataDir: t.TempDir(), Agent: filepath.Join(t.TempDir(), "toolboxd")})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	_, err = e.Fingerprint(t.Context())
	if sandbox.KindOf(err) != sandbox.KindUnavailable || !strings.Contains(err.Error(), "toolboxd beside the server") {
		t.Errorf("got %v", err)
	}
}
