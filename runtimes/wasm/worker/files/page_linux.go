package files

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// seals keep the size as it is, since memory that has gone is a fault to who reads it,
// and keep others than the server, which has mapped it already, from writing.
const seals = unix.F_SEAL_GROW | unix.F_SEAL_SHRINK | unix.F_SEAL_FUTURE_WRITE | unix.F_SEAL_SEAL

func newPage() (*Page, error) {
	fd, err := unix.MemfdCreate("changes", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, errors.Join(errors.ErrUnsupported, err)
	}
	p := &Page{file: os.NewFile(uintptr(fd), "changes")}
	if err := unix.Ftruncate(fd, int64(pageSize)); err != nil {
		return nil, errors.Join(fmt.Errorf("make a page: %w", err), p.file.Close())
	}
	if p.mem, err = unix.Mmap(fd, 0, pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return nil, errors.Join(fmt.Errorf("make a page: %w", err), p.file.Close())
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		return nil, errors.Join(errors.ErrUnsupported, err, p.Close())
	}
	return p, nil
}

// mapPage maps a page to be read.
func mapPage(f *os.File) ([]byte, error) {
	mem, err := unix.Mmap(int(f.Fd()), 0, pageSize, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map a page: %w", err)
	}
	return mem, nil
}

func unmap(mem []byte) error { return unix.Munmap(mem) }
