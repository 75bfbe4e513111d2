//go:build !unix

package vm

// block is guest memory on the Go heap, for systems without mmap.
type block struct{ b []byte }

func reserve(size uint64) block { return block{make([]byte, 0, size)} }

// commit returns the first size bytes; those from old on are zero.
func (b *block) commit(_, size uint64) []byte {
	if size > uint64(cap(b.b)) {
		return nil
	}
	return b.b[:size]
}

// release gives the block back. Nothing may use it afterwards.
func (b *block) release() { b.b = nil }

func discard([]byte) {}
