package vm

import "github.com/tetratelabs/wazero/experimental"

// memoryMeter gives a run its linear memory and keeps it within the limit. It
// implements wazero's MemoryAllocator: this is the one place that decides what
// the memory of an instance is and how it starts.
type memoryMeter struct {
	limit   uint64 // bytes
	size    uint64 // now
	peak    uint64
	refused bool // the guest asked for more than the limit
	failed  bool // it asked for so much at its very start, so it cannot run
	share   *Share
}

func newMeter(h *Host, cfg RunConfig) *memoryMeter {
	return &memoryMeter{limit: uint64(min(cfg.Limits.MemoryBytes, h.cfg.MaxMemoryBytes)), share: cfg.Share}
}

// Allocate implements experimental.MemoryAllocator.
func (m *memoryMeter) Allocate(_, most uint64) experimental.LinearMemory {
	return &guestMemory{meter: m, block: reserve(min(most, m.limit))}
}

// grow accounts for n more bytes and reports whether the limit allows them.
func (m *memoryMeter) grow(n uint64) bool {
	if m.size+n > m.limit || !m.share.take(n) {
		m.refused = true
		m.failed = m.size == 0
		return false
	}
	m.size += n
	m.peak = max(m.peak, m.size)
	return true
}

// shrink gives n bytes back.
func (m *memoryMeter) shrink(n uint64) {
	m.size -= n
	m.share.give(n)
}

// guestMemory is one linear memory. Its address never changes.
type guestMemory struct {
	meter *memoryMeter
	block block
	size  uint64
}

// Reallocate implements experimental.LinearMemory. It returns nil when the limit
// does not allow size bytes, which the guest sees as a failed memory.grow.
func (m *guestMemory) Reallocate(size uint64) []byte {
	if size < m.size || !m.meter.grow(size-m.size) {
		return nil
	}
	b := m.block.commit(m.size, size)
	if b == nil {
		m.meter.shrink(size - m.size)
		m.meter.refused = true
		return nil
	}
	m.size = size
	return b
}

// Free implements experimental.LinearMemory. wazero calls it when the instance
// is closed.
func (m *guestMemory) Free() {
	m.meter.shrink(m.size)
	m.size = 0
	m.block.release()
}
