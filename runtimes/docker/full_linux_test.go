package docker_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"sandpiper/runtimes/docker"
	"sandpiper/sandbox"
)

// TestDiskFull fills the disk of the Docker engine: what needs room fails with the
// cause and leaves nothing behind, what is there goes on, and all works again when
// there is room.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t)
	w := newWorld(t, "--data-root", disk)
	e := openEngine(t, w.config(t))
	s := start(t, e, shellImage, nil)
	images := w.docker(t, "images", "--all", "--quiet")
	ballast := fillDisk(t, disk)

	spec := newSpec(shellImage)
	wantFull(t, "a creation", e.Create(t.Context(), spec))
	if all, err := e.List(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("a creation left %+v, %v", all, err)
	}
	_, _, err := e.Snapshot(t.Context(), s.spec.ID, "full")
	wantFull(t, "a snapshot", err)
	wantFull(t, "a fork", e.Fork(t.Context(), s.spec.ID, spec))
	if got, exit := s.execute("dd if=/dev/zero of=/root/more bs=64k count=16 2>&1"); exit == 0 || !strings.Contains(got, "No space left") {
		t.Errorf("a program that writes: %d, %q", exit, got)
	}
	if got, _ := s.execute("rm -f /root/more; seq 20000 | tail -n 1"); got != "20000\n" {
		t.Errorf("a program that only prints: %q", got)
	}
	check(t, e.Stop(t.Context(), s.spec.ID, 0))
	_, err = e.Archive(t.Context(), s.spec.ID)
	wantFull(t, "an archive", err)
	if found, err := e.Status(t.Context(), s.spec.ID); err != nil || found.State != sandbox.StateStopped {
		t.Errorf("after an archive that failed: %+v, %v", found, err)
	}

	check(t, os.Remove(ballast))
	if after := w.docker(t, "images", "--all", "--quiet"); after != images {
		t.Errorf("there were images\n%s\nand are\n%s", images, after)
	}
	check(t, e.Start(t.Context(), s.spec))
	check(t, e.Create(t.Context(), spec))
	ref, _, err := e.Snapshot(t.Context(), s.spec.ID, "roomy")
	check(t, err)
	check(t, e.DeleteRef(t.Context(), ref))
}

// TestDataFolderFull fills the disk of the server's data folder instead.
func TestDataFolderFull(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t)
	e := newEngine(t, func(c *docker.Config) { c.DataDir = disk })
	goes, stopped := start(t, e, shellImage, nil), start(t, e, shellImage, nil)
	check(t, e.Stop(t.Context(), stopped.spec.ID, 0))
	ballast := fillDisk(t, disk)

	spec := newSpec(shellImage)
	wantFull(t, "a creation", e.Create(t.Context(), spec))
	wantFull(t, "a start", e.Start(t.Context(), stopped.spec))
	if all, err := e.List(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("a creation left %+v, %v", all, err)
	}
	if halves, err := filepath.Glob(filepath.Join(disk, "records", "*.new")); err != nil || len(halves) > 0 {
		t.Errorf("half a record is left: %v, %v", halves, err)
	}
	if got, _ := goes.execute("echo alive"); got != "alive\n" {
		t.Errorf("a sandbox that runs says %q", got)
	}

	check(t, os.Remove(ballast))
	check(t, e.Start(t.Context(), stopped.spec))
	check(t, e.Create(t.Context(), spec))
}

// wantFull checks that an error names a full disk.
func wantFull(t testing.TB, what string, err error) {
	t.Helper()
	if sandbox.KindOf(err) != sandbox.KindBusy || !strings.Contains(err.Error(), "full") {
		t.Errorf("%s on a full disk: %v", what, err)
	}
}

// smallDisk mounts a small file system and returns where it is.
func smallDisk(t testing.TB) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root mounts")
	}
	dir, err := os.MkdirTemp("", "spd-")
	check(t, err)
	t.Cleanup(func() { os.Remove(dir) })
	check(t, unix.Mount("sandpiper-test", dir, "tmpfs", 0, "size=96m,mode=0711"))
	t.Cleanup(func() { check(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return dir
}

// fillDisk takes all room of a file system with one file, and returns it.
func fillDisk(t testing.TB, dir string) string {
	t.Helper()
	name := filepath.Join(dir, "ballast")
	f, err := os.Create(name)
	check(t, err)
	defer f.Close()
	for _, size := range []int{1 << 20, 4096, 1} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
		if !errors.Is(err, unix.ENOSPC) {
			t.Fatal(err)
		}
	}
	return name
}
