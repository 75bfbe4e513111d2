package rewrite

import (
	"math"
	"unicode/utf8"
)

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

	segPassive = 1 // kind of a data segment
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
	namesData       bool // the code has instructions with data segments
	allLocals       int  // read so far
	imports         []importType
	tables          []tableType
	memories        []memoryType
	exported        []uint32 // the globals that Options.ExportGlobals exports
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
	start := m.pos
	switch name := m.take(m.count(1)); {
	case !utf8.Valid(name):
		m.fail(start, "the custom section's name is not UTF-8")
	case string(name) == "name":
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
	m.declareTypes()
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
			m.typeIndex()
		}
		m.close()
	}
	m.declareLimits()
	m.declareRest()
}

func (m *module) declareTypes() {
	if m.open(secType) {
		m.types = math.MaxInt // until they are counted: types of a group may refer to later ones
		m.types = m.countTypes()
		m.close()
	}
}

// declareLimits reads the tables and memories.
func (m *module) declareLimits() {
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
		m.fail(m.spans[secFunction].from, "no code for %d functions", m.functions)
	}
}

// countTypes reads the type section and returns how many types it has.
func (m *module) countTypes() (types int) {
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
			types++
		}
	}
	return types
}

func (m *module) valueTypes() {
	for n := m.count(1); n > 0; n-- {
		m.valueType()
	}
}

// tagType reads the type of an exception tag.
func (m *module) tagType() {
	m.zero()
	m.typeIndex()
}

// dataSegment reads a data segment and returns its kind and how much it holds.
func (m *module) dataSegment() (kind uint32, size int) {
	start := m.pos
	switch kind = m.u32(); kind {
	case 0: // active
		m.constExpr(nil)
	case segPassive:
	case 2: // active, with a memory
		if m.u32() != 0 {
			m.fail(start, "multiple memories are not supported")
		}
		m.constExpr(nil)
	default:
		m.fail(start, "data segment of kind %d", kind)
	}
	size = m.count(1)
	m.take(size)
	return kind, size
}

// tickFunc is the index of the imported tick function: the last of the imports,
// so that all functions after it move up by one.
func (m *module) tickFunc() uint32 { return uint32(m.importedFuncs) }

// function reads the index of a function and returns its index in the output.
// The compiler does not check all of them before it uses them.
func (m *module) function() uint32 {
	start := m.pos
	i := m.u32()
	if int64(i) >= int64(m.importedFuncs)+int64(m.functions) {
		m.fail(start, "no function %d", i)
	}
	return m.shifted(i)
}

// shifted returns the index in the output of function i of the input.
func (m *module) shifted(i uint32) uint32 {
	if m.opts.Fuel != nil && i >= m.tickFunc() {
		return i + 1
	}
	return i
}

// globals is the number of globals of the input.
func (m *module) globals() uint32 { return uint32(m.importedGlobals + m.definedGlobals) }

// fuelGlobal is the index of the fuel counter: the first global after the
// module's own.
func (m *module) fuelGlobal() uint32 { return m.globals() }

// sizeGlobal is the index of the global that holds the size of a bulk operation
// while it is charged.
func (m *module) sizeGlobal() uint32 { return m.globals() + 1 }
