package rewrite

// limits are the sizes of a table or a memory.
type limits struct {
	flag     byte // bit 0: there is a maximum; bit 1: shared
	min, max uint32
}

// limits reads limits. Only a memory can be shared.
func (m *module) limits(maxFlag byte) limits {
	l := limits{flag: m.byte()}
	if l.flag > maxFlag || l.flag == 2 { // shared memory has a maximum
		m.fail(m.pos-1, "limits of kind %#x are not supported", l.flag)
	}
	l.min = m.u32()
	if l.flag&1 != 0 {
		l.max = m.u32()
	}
	return l
}

// lower returns l with a maximum of at most n.
func (l limits) lower(n uint32) limits {
	if l.flag&1 == 0 || l.max > n {
		l.flag, l.max = l.flag|1, n
	}
	return l
}

func (l limits) append(b []byte) []byte {
	b = appendU32(append(b, l.flag), l.min)
	if l.flag&1 != 0 {
		b = appendU32(b, l.max)
	}
	return b
}

// tableType is the type of a table and the expression that fills it.
type tableType struct {
	offset int
	head   []byte // everything before the limits
	limits limits
	init   []byte // rewritten; empty when there is none
}

func (m *module) tableType() tableType {
	t := tableType{offset: m.pos}
	hasInit := m.more() && m.b[m.pos] == 0x40
	if hasInit {
		m.byte()
		m.zero()
	}
	m.valueType()
	t.head = m.b[t.offset:m.pos]
	t.limits = m.limits(1)
	if hasInit {
		t.init = m.constExpr(nil)
	}
	return t
}

func (t tableType) append(b []byte) []byte {
	b = append(b, t.head...)
	return append(t.limits.append(b), t.init...)
}

// memoryType is the type of a memory.
type memoryType struct {
	offset int
	limits limits
}

func (m *module) memoryType() memoryType {
	return memoryType{m.pos, m.limits(3)}
}

// bound applies the limits of the options to tables and memories.
func (m *module) bound() {
	var tables []*tableType
	var memories []*memoryType
	for i := range m.imports {
		switch m.imports[i].kind {
		case kindTable:
			tables = append(tables, &m.imports[i].table)
		case kindMemory:
			memories = append(memories, &m.imports[i].memory)
		}
	}
	for i := range m.tables {
		tables = append(tables, &m.tables[i])
	}
	for i := range m.memories {
		memories = append(memories, &m.memories[i])
	}
	if m.opts.MaxTable > 0 {
		m.boundTables(tables)
	}
	if m.opts.MaxMemoryPages > 0 {
		m.boundMemories(memories)
	}
	if m.opts.ImagePages > 0 {
		m.startWithImage(memories)
	}
}

func (m *module) boundTables(tables []*tableType) {
	total := uint64(0)
	for _, t := range tables {
		if total += uint64(t.limits.min); total > uint64(m.opts.MaxTable) {
			m.fail(t.offset, "tables begin with %d entries, at most %d are allowed", total, m.opts.MaxTable)
			return
		}
	}
	for _, t := range tables {
		room := (m.opts.MaxTable - uint32(total)) / uint32(len(tables))
		t.limits = t.limits.lower(t.limits.min + room)
	}
}

func (m *module) boundMemories(memories []*memoryType) {
	for _, mem := range memories {
		if mem.limits.min > m.opts.MaxMemoryPages {
			m.fail(mem.offset, "memory begins with %d pages, at most %d are allowed", mem.limits.min, m.opts.MaxMemoryPages)
			return
		}
		mem.limits = mem.limits.lower(m.opts.MaxMemoryPages)
	}
}

// startWithImage has the memory begin with the size of the image.
func (m *module) startWithImage(memories []*memoryType) {
	if len(memories) != 1 {
		m.fail(m.end, "an image needs one memory, the module has %d", len(memories))
		return
	}
	mem := memories[0]
	if mem.limits.min > m.opts.ImagePages {
		m.fail(mem.offset, "the memory begins with %d pages, the image has %d", mem.limits.min, m.opts.ImagePages)
	}
	if mem.limits.flag&1 != 0 && mem.limits.max < m.opts.ImagePages {
		m.fail(mem.offset, "the memory has at most %d pages, the image has %d", mem.limits.max, m.opts.ImagePages)
	}
	mem.limits.min = m.opts.ImagePages
}
