package jail_test

import (
	"os"
	"testing"

	"github.com/tetratelabs/wazero/experimental/sys"
	"golang.org/x/sys/unix"

	"sandpiper/runtimes/wasm/jail"
)

// TestHostDiskFull has no quota in the way of the host's own disk, which is full.
func TestHostDiskFull(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root mounts")
	}
	dir := t.TempDir()
	if err := unix.Mount("sandpiper-test", dir, "tmpfs", 0, "size=1m,nr_inodes=8"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	home := jail.NewHome(root, jail.Limits{Bytes: 1 << 30, Files: 1000, OpenFiles: 10}, jail.Usage{})
	defer home.Close()
	f, errno := home.OpenFile("big", sys.O_RDWR|sys.O_CREAT, 0o644)
	if errno != 0 {
		t.Fatal(errno)
	}
	defer f.Close()

	if _, errno := f.Write(make([]byte, 2<<20)); errno != sys.EIO || home.Refused() != jail.LimitHost {
		t.Errorf("a write: %v", errno)
	}
	info, err := root.Stat("big")
	if err != nil || home.Used().Bytes != info.Size() {
		t.Errorf("%d bytes are charged for %d, %v", home.Used().Bytes, info.Size(), err)
	}
	if got := home.Exceeded(); got == nil || got.Error() != "the server's disk is full" {
		t.Errorf("people hear %v", got)
	}
	for range 8 { // no inode is left either
		errno = home.Mkdir("d", 0o755)
		if errno != 0 {
			break
		}
		if errno = home.Rename("d", "d"+string(rune('a'+home.Used().Files))); errno != 0 {
			t.Fatal(errno)
		}
	}
	if errno != sys.EIO || home.Refused() != jail.LimitHost {
		t.Errorf("a folder: %v", errno)
	}
	if errno := home.Unlink("big"); errno != 0 {
		t.Errorf("remove: %v", errno)
	}
}
