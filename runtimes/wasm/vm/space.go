package vm

import (
	"bytes"
	"iter"
)

// original returns what page n of a space is in its image.
func (s *space) original(n uint32) []byte {
	at := int(n) * pageSize
	if at >= len(s.image.bytes) {
		return zeroPage[:]
	}
	return s.image.bytes[at : at+pageSize]
}

func (s *space) page(n uint32) []byte { return s.pages(n, 1) }

func (s *space) pages(first uint32, count int) []byte {
	return s.b[int(first)*pageSize:][:count*pageSize]
}

// changed yields the pages below size that differ from the image, in order.
func (s *space) changed(size uint64) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for _, n := range s.written(size) {
			if !bytes.Equal(s.page(n), s.original(n)) && !yield(n) {
				return
			}
		}
	}
}

// trim gives back the pages below size that are as they are in the image.
func (s *space) trim(size uint64) {
	var same []uint32
	for _, n := range s.written(size) {
		if bytes.Equal(s.page(n), s.original(n)) {
			same = append(same, n)
		}
	}
	for first, count := range stretches(same) {
		s.forget(first, count)
	}
}

// stretches yields the first page and the length of each stretch of pages that
// follow one another.
func stretches(pages []uint32) iter.Seq2[uint32, int] {
	return func(yield func(uint32, int) bool) {
		for len(pages) > 0 {
			n := 1
			for n < len(pages) && pages[n] == pages[0]+uint32(n) {
				n++
			}
			if !yield(pages[0], n) {
				return
			}
			pages = pages[n:]
		}
	}
}

// Bounds on what a space keeps for the next instance: pages that it has for
// itself are quick to write to and take memory.
const (
	keepPages = 4096                 // in the image: 16 MiB
	keepAbove = (2 << 20) / pageSize // above it
)

// reset makes the space what it was when it was new, up to size, which is as far
// as the last instance came. It reports whether the space is fit for another one.
func (s *space) reset(size uint64) bool {
	image := uint32(len(s.image.bytes) / pageSize)
	below, above := 0, 0
	for _, n := range s.written(size) {
		page := s.page(n)
		if n >= image {
			above++
			clear(page)
			continue
		}
		below++
		if original := s.original(n); !bytes.Equal(page, original) {
			copy(page, original)
		}
	}
	if above > keepAbove {
		s.zero(s.b[len(s.image.bytes):size])
	}
	return below <= keepPages
}

// allPages is what written returns where the system does not say more.
func allPages(size uint64) []uint32 {
	pages := make([]uint32, size/pageSize)
	for i := range pages {
		pages[i] = uint32(i)
	}
	return pages
}
