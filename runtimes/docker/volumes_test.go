package docker_test

import (
	"os"
	"path/filepath"
	"testing"

	"sandpiper/runtimes/docker"
	"sandpiper/sandbox"
)

// TestVolumes shares a volume between sandboxes, and a part of it that one of
// them replaces by a link out of it.
func TestVolumes(t *testing.T) {
	volumes, outside := t.TempDir(), t.TempDir()
	check(t, os.MkdirAll(filepath.Join(volumes, "vol", "part"), 0o777))
	check(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o644))
	e := newEngine(t, func(c *docker.Config) { c.Volumes = volumes })
	whole := start(t, e, shellImage, func(s *sandbox.Spec) { s.Volumes = []sandbox.VolumeMount{{Volume: "vol", Path: "/data"}} })
	part := start(t, e, shellImage, func(s *sandbox.Spec) {
		s.Volumes = []sandbox.VolumeMount{{Volume: "vol", Path: "/mnt/part", Subpath: "part"}}
	})
	whole.execute("echo shared >/data/part/file; echo private >/data/other")
	if got, _ := part.execute("cat /mnt/part/file; ls /mnt/part/.. /mnt/part | grep -c other"); got != "shared\n0\n" {
		t.Errorf("the part holds %q", got)
	}

	check(t, e.Stop(t.Context(), part.spec.ID, 0))
	whole.execute("rm -r /data/part && ln -s " + outside + " /data/part")
	if err := e.Start(t.Context(), part.spec); err == nil {
		got, _ := part.execute("cat /mnt/part/secret")
		t.Errorf("a link out of the volume was followed: %q", got)
	}
	whole.execute("rm /data/part && mkdir /data/part && echo new >/data/part/file")
	check(t, e.Start(t.Context(), part.spec))
	if got, _ := part.execute("cat /mnt/part/file"); got != "new\n" {
		t.Errorf("the part holds %q", got)
	}

	check(t, e.Destroy(t.Context(), whole.spec.ID))
	check(t, e.Destroy(t.Context(), part.spec.ID))
	if text, err := os.ReadFile(filepath.Join(volumes, "vol", "other")); err != nil || string(text) != "private\n" {
		t.Errorf("the volume did not outlive its sandboxes: %q, %v", text, err)
	}
}
