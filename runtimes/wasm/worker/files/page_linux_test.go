package files

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestPageIsTheServers tries what a worker may that a guest has taken over.
func TestPageIsTheServers(t *testing.T) {
	p, err := NewPage()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	fd := int(p.File().Fd())
	if _, err := unix.Mmap(fd, 0, pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err == nil {
		t.Error("it can be mapped to be written")
	}
	if _, err := unix.Pwrite(fd, []byte("x"), 0); err == nil {
		t.Error("it can be written")
	}
	for _, size := range []int64{0, 1 << 20} {
		if err := unix.Ftruncate(fd, size); err == nil {
			t.Errorf("its size can be %d", size)
		}
	}
	mem, err := mapPage(p.File())
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Mprotect(mem, unix.PROT_READ|unix.PROT_WRITE); err == nil {
		t.Error("it can be made writable")
	}
	if err := unmap(mem); err != nil {
		t.Error(err)
	}
}
