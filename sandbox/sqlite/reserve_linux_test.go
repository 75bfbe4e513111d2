package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
)

// TestDeletingOnAFullDisk fills the disk beside the database, and then stops and
// deletes sandboxes, which is what frees a disk.
func TestDeletingOnAFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root mounts")
	}
	dir := t.TempDir()
	if err := unix.Mount("sandpiper-test", dir, "tmpfs", 0, "size=32m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(dir, "sandpiper.db")
	for _, when := range []string{"a new file", "a file that was opened before"} {
		t.Run(when, func(t *testing.T) {
			db := openAt(t, path)
			var ids []string
			for range 50 {
				s := sandboxtest.Sandbox(sandbox.NewID())
				s.Name = s.ID
				if err := db.AddSandbox(t.Context(), s); err != nil {
					t.Fatal(err)
				}
				ids = append(ids, s.ID)
			}
			ballast := fill(t, dir)
			for range 20 {
				for _, id := range ids {
					_, _, err := db.UpdateSandbox(t.Context(), id, func(s *sandbox.Sandbox) error {
						s.Desired, s.ErrorReason = sandbox.DesiredDestroyed, "the disk is full"
						return nil
					})
					if err != nil {
						t.Fatalf("on a full disk: %v", err)
					}
				}
			}
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// fill takes all room of a file system with one file, and returns it.
func fill(t *testing.T, dir string) string {
	t.Helper()
	name := filepath.Join(dir, "ballast")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
	return name
}
