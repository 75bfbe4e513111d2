//go:build unix

package vm

import (
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// imageFile is an image's memory: a file without a name, or one of the cache,
// which spaces map, and a view of it.
type imageFile struct {
	file  *os.File
	bytes []byte // read-only
}

// newImageFile copies mem into a file that goes away with the process.
func newImageFile(mem []byte) (*imageFile, error) {
	f, err := anonymousFile()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := writeSparse(f, mem); err != nil {
		return nil, err
	}
	return openImageFile(f, int64(len(mem)))
}

// openImageFile takes the first size bytes of a file, which the caller closes.
func openImageFile(f *os.File, size int64) (*imageFile, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	own := os.NewFile(uintptr(fd), "image")
	b, err := unix.Mmap(fd, 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, errors.Join(err, own.Close())
	}
	return &imageFile{own, b}, nil
}

func (f *imageFile) close() error {
	err := errors.Join(unix.Munmap(f.bytes), f.file.Close())
	f.bytes = nil
	return err
}

// space is address space for the memory of one instance after another. It begins
// as a private copy of an image, of which only the pages that were written take
// memory; what is above the image is zero.
type space struct {
	image *imageFile
	b     []byte
}

// newSpace makes a space of up to size bytes, or returns nil when the system has
// no room.
func newSpace(image *imageFile, size uint64) *space {
	if size < uint64(len(image.bytes)) {
		return nil
	}
	p, err := unix.MmapPtr(-1, 0, nil, uintptr(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|mapNoReserve)
	if err != nil {
		return nil
	}
	s := &space{image, unsafe.Slice((*byte)(p), size)}
	_, err = unix.MmapPtr(int(image.file.Fd()), 0, p, uintptr(len(image.bytes)), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_FIXED)
	if err != nil {
		s.unmap()
		return nil
	}
	return s
}

func (s *space) unmap() {
	_ = unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(s.b)), uintptr(len(s.b)))
	s.b = nil
}

// zero makes b, which begins at a page of the system, zero without keeping memory
// for it.
func (s *space) zero(b []byte) {
	if unix.Madvise(b, unix.MADV_DONTNEED) != nil {
		clear(b)
	}
}
