package rewrite

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// encode writes the module, section after section. A section that is not in the
// input is written where something is added to it.
func (m *module) encode() []byte {
	var contents [sections][]byte
	for _, id := range order {
		contents[id] = m.section(id)
	}
	if !m.namesData {
		contents[secDataCount] = nil // nobody needs it
	}
	out := append(make([]byte, 0, len(m.b)+len(m.b)/8), magic...)
	for _, id := range order {
		if content := contents[id]; len(content) > 0 && m.err == nil {
			out = appendBlock(append(out, id), content)
		}
	}
	if m.opts.KeepNames {
		out = m.appendNames(out)
	}
	return out
}

// section returns the new content of a section, nil to leave it out.
func (m *module) section(id byte) []byte {
	there := m.open(id)
	if !there && m.err != nil {
		return nil
	}
	fuel := m.opts.Fuel != nil
	var out []byte
	switch {
	case id == secType && fuel:
		out = m.addType(there)
	case id == secImport && (there || fuel):
		out = m.encodeImports()
	case id == secTable && there:
		out = m.encodeTables()
	case id == secMemory && there:
		out = m.encodeMemories()
	case id == secGlobal && (there || fuel):
		out = m.encodeGlobals(there)
	case id == secExport && (there || fuel || len(m.exported) > 0 || len(m.opts.Functions) > 0):
		out = m.encodeExports(there)
	case id == secStart && there:
		out = appendU32(nil, m.function())
		if m.opts.ImagePages > 0 {
			out = nil
		}
	case id == secElement && there:
		out = m.encodeElements()
	case id == secCode && there:
		out = m.code()
	case id == secData && there:
		out = m.data()
	default:
		out = m.b[m.pos:m.end]
		m.pos = m.end
	}
	m.close()
	return out
}

// length reads the length of a vector, which is 0 when its section is not there.
func (m *module) length(there bool, size int) int {
	if !there {
		return 0
	}
	return m.count(size)
}

// addType appends the type of the tick function.
func (m *module) addType(there bool) []byte {
	out := appendU32(nil, uint32(m.length(there, 2)+1))
	out = append(out, m.take(m.end-m.pos)...)
	return append(out, typeFunc, 0, 0)
}

func (m *module) encodeImports() []byte {
	m.pos = m.end
	n := len(m.imports)
	if m.opts.Fuel != nil {
		n++
	}
	out := appendU32(nil, uint32(n))
	for _, i := range m.imports {
		out = append(append(out, i.name...), i.kind)
		switch i.kind {
		case kindTable:
			out = i.table.append(out)
		case kindMemory:
			out = i.memory.limits.append(out)
		default:
			out = append(out, i.other...)
		}
	}
	if m.opts.Fuel != nil {
		out = appendBlock(out, []byte(TickModule))
		out = append(appendBlock(out, []byte(TickName)), kindFunc)
		out = appendU32(out, uint32(m.types))
	}
	return out
}

func (m *module) encodeTables() []byte {
	m.pos = m.end
	out := appendU32(nil, uint32(len(m.tables)))
	for _, t := range m.tables {
		out = t.append(out)
	}
	return out
}

func (m *module) encodeMemories() []byte {
	m.pos = m.end
	out := appendU32(nil, uint32(len(m.memories)))
	for _, mem := range m.memories {
		out = mem.limits.append(out)
	}
	return out
}

// encodeGlobals writes the globals, with our own last, and notes the ones to
// export.
func (m *module) encodeGlobals(there bool) []byte {
	n := m.length(there, 3)
	var out []byte
	for i := range n {
		start := m.pos
		m.valueType()
		if m.byte() == mutable && m.opts.ExportGlobals {
			m.exported = append(m.exported, uint32(m.importedGlobals+i))
		}
		out = append(out, m.b[start:m.pos]...)
		out = m.constExpr(out)
	}
	if m.opts.Fuel != nil {
		out = append(out, typeI32, mutable, opI32Const)
		out = append(appendS32(out, m.opts.Fuel.Initial), opEnd)
		out = append(out, typeI32, mutable, opI32Const, 0, opEnd) // sizeGlobal
		n += 2
	}
	return append(appendU32(nil, uint32(n)), out...)
}

// encodeExports writes the exports and adds ours.
func (m *module) encodeExports(there bool) []byte {
	n := m.length(there, 3)
	var out []byte
	for range n {
		start := m.pos
		if name := string(m.take(m.count(1))); strings.HasPrefix(name, reservedPrefix) {
			m.fail(start, "the export name %q is reserved", name)
		}
		kind := m.byte()
		out = append(out, m.b[start:m.pos]...)
		switch kind {
		case kindFunc:
			out = appendU32(out, m.function())
		case kindGlobal:
			out = appendU32(out, m.global())
		default:
			out = appendU32(out, m.u32())
		}
	}
	for _, index := range m.exported {
		out = appendGlobalExport(out, GlobalPrefix+strconv.Itoa(int(index)), index)
	}
	n += len(m.exported)
	for _, name := range slices.Sorted(maps.Keys(m.opts.Functions)) {
		index := m.opts.Functions[name]
		if uint64(index) >= uint64(m.importedFuncs)+uint64(m.functions) {
			m.fail(m.pos, "no function %d to export as %q", index, name)
		}
		out = append(appendBlock(out, []byte(name)), kindFunc)
		out = appendU32(out, m.shifted(index))
		n++
	}
	if m.opts.Fuel != nil {
		out = appendGlobalExport(out, FuelExport, m.fuelGlobal())
		n++
	}
	return append(appendU32(nil, uint32(n)), out...)
}

func appendGlobalExport(b []byte, name string, index uint32) []byte {
	b = append(appendBlock(b, []byte(name)), kindGlobal)
	return appendU32(b, index)
}
