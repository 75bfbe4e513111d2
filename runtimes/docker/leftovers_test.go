package docker_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sandpiper/runtimes/docker"
	"sandpiper/sandbox/sandboxtest"
)

// TestLeftovers leaves behind what a process leaves that is killed while it
// probes or forks, and holds that the next one removes it, and nothing of a
// user's that looks like it.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cfg := w.config(t)
	first := openEngine(t, cfg)
	s := start(t, first, shellImage, nil)
	snapshot, _, err := first.Snapshot(t.Context(), s.spec.ID, "kept")
	check(t, err)
	number, err := os.ReadFile(filepath.Join(cfg.DataDir, "instance"))
	check(t, err)
	instance := string(number)
	labels := func(instance, kind string) string {
		return "LABEL sandpiper.instance=" + instance + " sandpiper.kind=" + kind
	}
	empty := func(instance string, name ...string) string {
		args := append([]string{"-H", w.socket(), "import", "--change", labels(instance, "probe"), "-"}, name...)
		cmd := exec.Command("docker", args...)
		cmd.Stdin = bytes.NewReader(make([]byte, 1024)) // the end of an archive
		id, err := cmd.Output()
		check(t, err)
		return strings.TrimSpace(string(id))
	}
	container := "sandpiper-" + instance + "-" + s.spec.ID
	commit := func(args ...string) string {
		return w.id(t, append([]string{"commit", "--change", labels(instance, "fork")}, args...)...)
	}
	gone := []string{
		empty(instance, "sandpiper/probe-"+instance+":1"),
		empty(instance),
		commit("--message", "files of a Sandpiper sandbox", container, "sandpiper/fork-"+instance+":1"),
		commit("--message", "files of a Sandpiper sandbox", container),
	}
	kept := []string{
		snapshot,
		empty("0123abcd"),           // another server's, who may be at it just now
		commit(container, "mine:1"), // a user's
		commit(container),
	}
	probe := sandboxtest.NewUUID()
	held := w.id(t, "create", "--name", "sandpiper-"+instance+"-"+probe, "--label", "sandpiper.sandbox="+probe,
		"--label", "sandpiper.instance="+instance, "--label", "sandpiper.kind=probe", gone[0], "x")
	user := w.id(t, "create", "--name", "mine", "--label", "sandpiper.kind=probe", shellImage)

	_, err = openEngine(t, cfg).Fingerprint(t.Context())
	check(t, err)
	for _, i := range gone {
		if w.has("image", i) {
			t.Errorf("the image %s is still there", w.docker(t, "image", "inspect", "-f", "{{.RepoTags}} {{.Config.Labels}}", i))
		}
	}
	for _, i := range kept {
		if !w.has("image", i) {
			t.Errorf("the image %s is gone", i)
		}
	}
	if w.has("container", held) || !w.has("container", user) {
		t.Error("a probe was left, or a user's container was not")
	}
}

// TestDeadNetworks deletes the data folder of a server that did not take its
// network away.
func TestDeadNetworks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cfg := w.config(t)
	dead, err := docker.New(cfg)
	check(t, err)
	t.Cleanup(func() { _ = dead.Close() }) // it misses its folder
	_, err = dead.Fingerprint(t.Context())
	check(t, err)
	network := w.id(t, "network", "ls", "--quiet", "--filter", "label=sandpiper.home")
	hostname, err := os.Hostname()
	check(t, err)
	other := w.id(t, "network", "create", "--label", "sandpiper.instance=0123abcd", "--label", "sandpiper.home=elsewhere:"+filepath.Join(cfg.DataDir, "not there"), "sandpiper-0123abcd")
	users := w.id(t, "network", "create", "--label", "sandpiper.home="+hostname+":"+filepath.Join(cfg.DataDir, "not there"), "mine")
	open := func() {
		next := cfg
		next.DataDir = t.TempDir()
		_, err := openEngine(t, next).Fingerprint(t.Context())
		check(t, err)
	}
	open()
	if !w.has("network", network) {
		t.Error("the network of a data folder that is there is gone")
	}
	check(t, os.RemoveAll(cfg.DataDir))
	open()
	if w.has("network", network) {
		t.Error("the network of a deleted data folder is still there")
	}
	if !w.has("network", other) || !w.has("network", users) {
		t.Error("a network of another host, or a user's, is gone")
	}
}

// TestCloseLeavesNoImages looks at what an engine leaves that was used and
// closed.
func TestCloseLeavesNoImages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.docker(t, "images", "--all", "--quiet")
	e, err := docker.New(w.config(t))
	check(t, err)
	s := start(t, e, shellImage, nil)
	fork := newSpec("")
	check(t, e.Fork(t.Context(), s.spec.ID, fork))
	check(t, e.Destroy(t.Context(), s.spec.ID))
	check(t, e.Destroy(t.Context(), fork.ID))
	check(t, e.Close())
	if after := w.docker(t, "images", "--all", "--quiet"); after != before {
		t.Errorf("there were images\n%s\nand are\n%s", before, after)
	}
}

// id runs a command of docker that prints an ID.
func (w *world) id(t testing.TB, args ...string) string {
	t.Helper()
	return strings.TrimSpace(w.docker(t, args...))
}

// has reports whether the world's Docker engine has an image or container.
func (w *world) has(kind, id string) bool {
	return exec.Command("docker", "-H", w.socket(), kind, "inspect", id).Run() == nil
}
