//go:build unix

package vm

import "golang.org/x/sys/unix"

// block is address space outside the Go heap: it never moves, costs nothing
// until it is touched, and goes back to the system at once.
type block struct{ b []byte }

// reserve returns a block of up to size bytes. An empty block is returned when
// the system has no room; commit fails then.
func reserve(size uint64) block {
	if size == 0 {
		return block{}
	}
	b, err := unix.Mmap(-1, 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|mapNoReserve)
	if err != nil {
		return block{}
	}
	preferHugePages(b)
	return block{b}
}

// commit returns the first size bytes; those from old on are zero.
func (b *block) commit(old, size uint64) []byte {
	if size > uint64(len(b.b)) {
		return nil
	}
	prefault(b.b[old:size], old == 0)
	return b.b[:size:size]
}

// release gives the block back. Nothing may use it afterwards.
func (b *block) release() {
	if b.b != nil {
		_ = unix.Munmap(b.b)
		b.b = nil
	}
}

// discard gives the memory of whole pages back. What is in them afterwards is
// undefined.
func discard(pages []byte) { _ = unix.Madvise(pages, unix.MADV_DONTNEED) }
