package vm

import "sync"

// Copies of pages are kept in chunks, which are cut from slabs: memory that a state
// gives back is what the next one gets. Memory that is new to the process costs a
// fault for each page, several times what copying the page does, and a slab is large
// enough for the system to give it as one huge page.
const (
	chunkPages = 16
	chunkSize  = chunkPages * pageSize // bytes
	slabChunks = 32                    // of 2 MiB, which is a huge page

	// freeChunks is how many free chunks keep their memory.
	freeChunks = 8 * slabChunks
)

// chunkStore is where states get their chunks. It is safe for concurrent use. Its
// address space is never given back; it is that of the most states at once.
type chunkStore struct {
	mu    sync.Mutex
	free  [][]byte // with memory, the last used at the end
	empty [][]byte // without
}

// chunks are those of the process.
var chunks chunkStore

// take returns n chunks with whatever is in them, or false when the system has no
// room.
func (c *chunkStore) take(n int) ([][]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.free)+len(c.empty) < n {
		slab := reserve(slabChunks * chunkSize)
		b := slab.commit(0, slabChunks*chunkSize)
		if b == nil {
			slab.release()
			return nil, false
		}
		for at := 0; at < len(b); at += chunkSize {
			c.free = append(c.free, b[at:at+chunkSize:at+chunkSize])
		}
	}
	taken := make([][]byte, 0, n)
	for _, list := range []*[][]byte{&c.free, &c.empty} {
		rest := max(0, len(*list)-(n-len(taken)))
		taken = append(taken, (*list)[rest:]...)
		*list = (*list)[:rest]
	}
	return taken, true
}

// give takes chunks back.
func (c *chunkStore) give(list [][]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	keep := min(len(list), max(0, freeChunks-len(c.free)))
	c.free = append(c.free, list[:keep]...)
	for _, b := range list[keep:] {
		discard(b)
		c.empty = append(c.empty, b)
	}
}
