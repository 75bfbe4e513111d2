package vm

import (
	"bytes"
	"sync"
	"testing"
)

// TestChunks holds that no chunk has two owners, and that few keep their memory.
func TestChunks(t *testing.T) {
	var c chunkStore
	var users sync.WaitGroup
	for user := range 8 {
		users.Go(func() {
			mark := bytes.Repeat([]byte{byte(user + 1)}, chunkSize)
			for n := range 200 {
				list, ok := c.take(n % 90)
				if !ok || len(list) != n%90 {
					t.Errorf("%d chunks, want %d", len(list), n%90)
					return
				}
				for _, b := range list {
					copy(b, mark)
				}
				for _, b := range list {
					if !bytes.Equal(b, mark) {
						t.Error("a chunk has two owners")
						return
					}
				}
				c.give(list)
			}
		})
	}
	users.Wait()
	if len(c.free) > freeChunks {
		t.Errorf("%d free chunks keep their memory, at most %d may", len(c.free), freeChunks)
	}
	all := map[*byte]bool{}
	for _, b := range append(c.free, c.empty...) {
		all[&b[0]] = true
	}
	if len(all) != len(c.free)+len(c.empty) || len(all)%slabChunks != 0 {
		t.Errorf("%d chunks, of which %d are free and %d empty", len(all), len(c.free), len(c.empty))
	}
}
