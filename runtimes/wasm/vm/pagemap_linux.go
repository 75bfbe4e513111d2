package vm

import (
	"encoding/binary"
	"os"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

func anonymousFile() (*os.File, error) {
	fd, err := unix.MemfdCreate("sandpiper-image", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "image"), nil
}

// Bits of an entry of /proc/self/pagemap, see the kernel's pagemap document.
const (
	pagePresent = 1 << 63
	pageSwapped = 1 << 62
	pageOfFile  = 1 << 61 // or of shared memory: a page that was not written yet
)

// pagemap is the kernel's table of this process's pages, or nil where it cannot
// be read.
var pagemap = sync.OnceValue(func() *os.File {
	if os.Getpagesize() != pageSize {
		return nil
	}
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		return nil
	}
	return f
})

// written returns the pages below size that the space has for itself: those that
// were written since it was made, and maybe others. Pages that it does not return
// are as they are in the image.
func (s *space) written(size uint64) []uint32 {
	f := pagemap()
	if f == nil {
		return allPages(size)
	}
	const entry = 8
	first := int64(uintptr(unsafe.Pointer(unsafe.SliceData(s.b)))) / pageSize
	table := make([]byte, size/pageSize*entry)
	if n, err := f.ReadAt(table, first*entry); n < len(table) || err != nil {
		return allPages(size)
	}
	var pages []uint32
	for i := range len(table) / entry {
		e := binary.LittleEndian.Uint64(table[i*entry:])
		if e&pageSwapped != 0 || e&pagePresent != 0 && e&pageOfFile == 0 {
			pages = append(pages, uint32(i))
		}
	}
	return pages
}

// populate gives the space pages of its own at once, which costs a fraction of a
// fault for each of them.
func (s *space) populate(pages []uint32) {
	for first, count := range stretches(pages) {
		if unix.Madvise(s.pages(first, count), unix.MADV_POPULATE_WRITE) != nil {
			return // an optimisation: kernels that cannot do it leave it be
		}
	}
}

// forget drops the space's own copies of pages: they are those of the image again,
// or zero above it.
func (s *space) forget(first uint32, count int) {
	if pagemap() != nil { // it is known which pages these are
		_ = unix.Madvise(s.pages(first, count), unix.MADV_DONTNEED)
	}
}
