package rewrite

// Section ids, as in the binary format.
const (
	secCustom    = 0
	secType      = 1
	secImport    = 2
	secFunction  = 3
	secTable     = 4
	secMemory    = 5
	secGlobal    = 6
	secExport    = 7
	secStart     = 8
	secElement   = 9
	secCode      = 10
	secData      = 11
	secDataCount = 12
	secTag       = 13

	sections = 14
)

// order is the order of the sections in a module.
var order = [...]byte{
	secType, secImport, secFunction, secTable, secMemory, secTag, secGlobal,
	secExport, secStart, secElement, secDataCount, secCode, secData,
}

// Kinds of imports and exports.
const (
	kindFunc   = 0
	kindTable  = 1
	kindMemory = 2
	kindGlobal = 3
	kindTag    = 4

	typeI32  = 0x7f
	typeFunc = 0x60
	typeRec  = 0x4e // a group of types that may refer to each other

	mutable = 1
)

// magic begins every module of version 1.
const magic = "\x00asm\x01\x00\x00\x00"

// span is a section's content: a part of the input. The zero span is a section
// that is not there, since the header comes first.
type span struct{ from, to int }

// module is a module while it is rewritten.
type module struct {
	reader
	opts  Options
	info  Info
	spans [sections]span
	names span // the custom section "name"

	types           int // in the type section
	importedFuncs   int
	importedGlobals int
	functions       int // defined
	definedGlobals  int
	dataSegments    int
	imports         []importType
	tables          []tableType
	memories        []memoryType
	exported        []int // the globals that Options.ExportGlobals exports
}

// split finds the sections and checks their order.
func (m *module) split() {
	if string(m.take(min(len(magic), m.end))) != magic {
		m.fail(0, "not a WebAssembly module of version 1")
	}
	next := 0
	for m.more() {
		start := m.pos
		id := m.byte()
		outer := m.enter()
		content := span{m.pos, m.end}
		if id == secCustom {
			m.custom()
		} else if next = position(id, next); next == 0 {
			m.fail(start, "section %d is unknown, twice there or in the wrong place", id)
		} else {
			m.spans[id] = content
		}
		m.pos = m.end
		m.leave(outer)
	}
}

// position returns one more than the place of a section in order, looking from
// place next on, and 0 when it is not there.
func position(id byte, next int) int {
	for i := next; i < len(order); i++ {
		if order[i] == id {
			return i + 1
		}
	}
	return 0
}

// custom notes where the name section is.
func (m *module) custom() {
	n := m.count(1)
	if string(m.take(n)) == "name" {
		m.names = span{m.pos, m.end}
	}
}

// open narrows the reader to a section and reports whether it is there.
func (m *module) open(id byte) bool {
	s := m.spans[id]
	m.pos, m.end = s.from, s.to
	return m.err == nil && s.from > 0
}

// close checks that a section was read to its end.
func (m *module) close() {
	if m.pos != m.end {
		m.fail(m.pos, "%d bytes too many in the section", m.end-m.pos)
	}
}

// declare reads what the module declares: it counts everything that has an
// index and keeps the types whose limits may change.
func (m *module) declare() {
	if m.open(secType) {
		m.countTypes()
		m.close()
	}
	if m.open(secGlobal) { // only the number: initialisers are read when imports are known
		m.definedGlobals = m.count(3)
	}
	if m.open(secImport) {
		m.readImports()
		m.close()
	}
	if m.open(secFunction) {
		m.functions = m.count(1)
		for range m.functions {
			m.u32()
		}
		m.close()
	}
	if m.open(secTable) {
		for n := m.count(3); n > 0 && m.err == nil; n-- {
			m.tables = append(m.tables, m.tableType())
		}
		m.close()
	}
	if m.open(secMemory) {
		for n := m.count(2); n > 0 && m.err == nil; n-- {
			m.memories = append(m.memories, m.memoryType())
		}
		m.close()
	}
	m.declareRest()
}

// declareRest checks the sections that are kept as they are.
func (m *module) declareRest() {
	if m.open(secTag) {
		for n := m.count(2); n > 0; n-- {
			m.tagType()
		}
		m.close()
	}
	if m.open(secData) {
		m.dataSegments = m.count(2)
		for range m.dataSegments {
			m.dataSegment()
		}
		m.close()
	}
	if m.open(secDataCount) {
		start := m.pos
		if n := m.u32(); int64(n) != int64(m.dataSegments) {
			m.fail(start, "%d data segments announced, %d there", n, m.dataSegments)
		}
		m.close()
	}
	if m.functions > 0 && m.spans[secCode].from == 0 {
		m.fail(m.pos, "no code for %d functions", m.functions)
	}
}

// countTypes reads the type section.
func (m *module) countTypes() {
	for n := m.count(2); n > 0 && m.err == nil; n-- {
		group := 1
		form := m.byte()
		if form == typeRec {
			group = m.count(3)
			form = typeFunc
			if group > 0 {
				form = m.byte()
			}
		}
		for i := range group {
			if i > 0 {
				form = m.byte()
			}
			if form != typeFunc {
				m.fail(m.pos-1, "type of form %#x is not supported", form)
			}
			m.valueTypes() // parameters
			m.valueTypes() // results
			m.types++
		}
	}
}

func (m *module) valueTypes() {
	for n := m.count(1); n > 0; n-- {
		m.valueType()
	}
}

// tagType reads the type of an exception tag.
func (m *module) tagType() {
	m.zero()
	m.u32()
}

// dataSegment reads a data segment.
func (m *module) dataSegment() {
	start := m.pos
	switch kind := m.u32(); kind {
	case 0: // active
		m.constExpr(nil)
	case 1: // passive
	case 2: // active, with a memory
		m.zero()
		m.constExpr(nil)
	default:
		m.fail(start, "data segment of kind %d", kind)
	}
	m.take(m.count(1))
}

// importType is one import.
type importType struct {
	name   []byte // module and name
	kind   byte
	table  tableType
	memory memoryType
	other  []byte // the type of a function, global or tag
}

// readImports reads the import section.
func (m *module) readImports() {
	for n := m.count(4); n > 0 && m.err == nil; n-- {
		start := m.pos
		from := m.count(1)
		if string(m.take(from)) == TickModule {
			m.fail(start, "imports from the module %q are reserved", TickModule)
		}
		m.name()
		i := importType{name: m.b[start:m.pos], kind: m.byte()}
		at := m.pos
		switch i.kind {
		case kindFunc:
			m.u32()
			m.importedFuncs++
		case kindTable:
			if i.table = m.tableType(); i.table.init != nil {
				m.fail(at, "an imported table has no initialiser")
			}
		case kindMemory:
			i.memory = m.memoryType()
		case kindGlobal:
			m.valueType()
			m.byte()
			m.importedGlobals++
		case kindTag:
			m.tagType()
		default:
			m.fail(at-1, "import of kind %d", i.kind)
		}
		i.other = m.b[at:m.pos]
		m.imports = append(m.imports, i)
	}
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

// tickFunc is the index of the imported tick function: the last of the imports,
// so that all functions after it move up by one.
func (m *module) tickFunc() uint32 { return uint32(m.importedFuncs) }

// shift returns a function's index in the output.
func (m *module) shift(i uint32) uint32 {
	if m.opts.Fuel != nil && i >= m.tickFunc() {
		return i + 1
	}
	return i
}

// globals is the number of globals of the input.
func (m *module) globals() uint32 { return uint32(m.importedGlobals + m.definedGlobals) }

// fuelGlobal is the index of the fuel counter: the last global.
func (m *module) fuelGlobal() uint32 { return m.globals() }
