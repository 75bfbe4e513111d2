package vm

import (
	"sync"

	"github.com/tetratelabs/wazero/experimental"
)

// slots keeps spaces for the instances that go on from one image. A space that an
// instance has left is made as new and waits for the next one: its pages are
// there already, which is most of what a fresh one would cost.
type slots struct {
	image *Image
	size  uint64 // of a space
	most  int    // kept

	resetting sync.WaitGroup

	mu     sync.Mutex
	free   []*space
	hot    []uint32 // pages that the first instance wrote
	closed bool
}

// slotsPerCPU is how many spaces are kept for each CPU that guests have.
const slotsPerCPU = 4

func newSlots(h *Host, image *Image) *slots {
	return &slots{image: image, size: uint64(h.cfg.MaxMemoryBytes), most: slotsPerCPU * h.cfg.CPUs}
}

// close gives everything back, the image too. No instance may be left.
func (s *slots) close() {
	s.resetting.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, f := range s.free {
		f.unmap()
	}
	s.free = nil
	_ = s.image.memory.close() // nothing depends on it any more
}

// take returns a space that is as new, or nil when the system has no room.
func (s *slots) take() *space {
	s.mu.Lock()
	if n := len(s.free); n > 0 {
		f := s.free[n-1]
		s.free = s.free[:n-1]
		s.mu.Unlock()
		return f
	}
	hot := s.hot
	s.mu.Unlock()
	f := newSpace(s.image.memory, s.size)
	if f != nil {
		f.populate(hot)
	}
	return f
}

// give takes back a space of which an instance has used the first size bytes. It
// does not wait for the space to be reset.
func (s *slots) give(f *space, size uint64) {
	s.resetting.Go(func() {
		s.learn(f)
		if !f.reset(size) || !s.keep(f) {
			f.unmap()
		}
	})
}

// learn notes which pages of the image the first instance has written.
func (s *slots) learn(f *space) {
	s.mu.Lock()
	known := s.hot != nil
	s.mu.Unlock()
	if known {
		return
	}
	hot := f.written(uint64(s.image.Size()))
	if len(hot) > keepPages {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hot = hot
}

func (s *slots) keep(f *space) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.free) >= s.most {
		return false
	}
	s.free = append(s.free, f)
	return true
}

// allocator gives an instance its memory from the slots.
func (s *slots) allocator(meter *memoryMeter) *slotAllocator {
	return &slotAllocator{slots: s, meter: meter}
}

// slotAllocator implements wazero's MemoryAllocator for one instance.
type slotAllocator struct {
	slots  *slots
	meter  *memoryMeter
	memory *slotMemory // once there is one
}

// Allocate implements experimental.MemoryAllocator.
func (a *slotAllocator) Allocate(_, _ uint64) experimental.LinearMemory {
	a.memory = &slotMemory{slotAllocator: a}
	return a.memory
}

// slotMemory is one linear memory. Its address never changes.
type slotMemory struct {
	*slotAllocator
	space *space
	size  uint64
}

// Reallocate implements experimental.LinearMemory; see guestMemory.
func (m *slotMemory) Reallocate(size uint64) []byte {
	if size < m.size || size > m.slots.size || !m.meter.grow(size-m.size) {
		return nil
	}
	if m.space == nil {
		m.space = m.slots.take()
	}
	if m.space == nil {
		m.meter.shrink(size - m.size)
		m.meter.refused = true
		return nil
	}
	m.size = size
	return m.space.b[:size:size]
}

// Free implements experimental.LinearMemory.
func (m *slotMemory) Free() {
	m.meter.shrink(m.size)
	if m.space != nil {
		m.slots.give(m.space, m.size)
	}
	m.space, m.size = nil, 0
}
