package rewrite

// mergeGap is how many zeros are written rather than beginning another segment.
const mergeGap = 256

// data returns the data section. Modules can have tens of thousands of segments,
// since linkers leave out runs of zeros, and an engine evaluates an expression and
// keeps a record for each whenever it makes an instance. The code section, which
// may name segments, has been encoded.
func (m *module) data() []byte {
	image := m.opts.ImagePages > 0
	switch {
	case image && m.namesData:
		return m.emptyData()
	case image:
		m.emptyData() // checks it
		return nil
	case !m.namesData && len(m.memories) == 1:
		start := m.pos
		if merged, ok := m.mergedData(); ok {
			return merged
		}
		m.pos = start
	}
	return m.take(m.end - m.pos)
}

// mergedData joins segments that lie close to one another. It reports false when
// that might change what is in the memory, which is zero at first: where they are
// not known to follow one another.
func (m *module) mergedData() ([]byte, bool) {
	type segment struct {
		at      uint64
		content []byte
	}
	var merged []segment
	for n := m.count(2); n > 0; n-- {
		at, ok := m.activeAt()
		if !ok {
			return nil, false
		}
		content := m.take(m.count(1))
		if len(merged) == 0 {
			merged = append(merged, segment{at, content[:len(content):len(content)]})
			continue
		}
		last := &merged[len(merged)-1]
		end := last.at + uint64(len(last.content))
		switch {
		case at < end:
			return nil, false
		case at-end > mergeGap:
			merged = append(merged, segment{at, content[:len(content):len(content)]})
		default:
			last.content = append(append(last.content, make([]byte, at-end)...), content...)
		}
	}
	out := appendU32(nil, uint32(len(merged)))
	for _, s := range merged {
		out = append(appendS32(append(out, 0, opI32Const), int32(uint32(s.at))), opEnd)
		out = appendBlock(out, s.content)
	}
	return out, true
}

// activeAt reads what a data segment begins with, and returns where it goes; false
// when it is not an active one at a constant.
func (m *module) activeAt() (at uint64, ok bool) {
	if m.u32() != 0 || m.byte() != opI32Const {
		return 0, false
	}
	at = uint64(uint32(m.signed(32)))
	return at, m.byte() == opEnd && m.err == nil
}

// emptyData leaves of each data segment that it is there, as one that has been
// dropped: code may name it. What a passive one holds cannot be told from the
// memory, so it is refused, unless it is empty: tools leave such segments behind.
func (m *module) emptyData() []byte {
	n := m.count(2)
	out := appendU32(nil, uint32(n))
	for range n {
		start := m.pos
		if kind, size := m.dataSegment(); kind == segPassive && size > 0 {
			m.fail(start, "a passive data segment cannot be part of an image")
		}
		out = append(out, segPassive, 0)
	}
	return out
}
