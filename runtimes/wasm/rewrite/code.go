package rewrite

// Bounds on locals, for each of which the compiler allocates however short their
// declaration is.
const (
	maxLocals    = 50_000    // of a function: the limit that browsers agreed on
	maxAllLocals = 4_000_000 // of a module; CRuby has 71,000
)

// code rewrites the code section.
func (m *module) code() []byte {
	start := m.pos
	n := m.count(2)
	if n != m.functions {
		m.fail(start, "%d function bodies for %d functions", n, m.functions)
		return nil
	}
	out := make([]byte, 0, m.end-m.pos+(m.end-m.pos)/4)
	out = appendU32(out, uint32(n))
	check, charge := m.check(), m.charge()
	var body []byte
	for range n {
		outer := m.enter()
		m.info.CodeBytes += m.end - m.pos
		m.info.LargestBody = max(m.info.LargestBody, m.end-m.pos)
		body = m.body(body[:0], check, charge)
		m.leave(outer)
		if m.err != nil {
			return nil
		}
		out = appendBlock(out, body)
	}
	m.info.Functions = n
	return out
}

// check returns the instructions that take one unit of fuel and call the host
// when that was the last. They leave the stack as it is, so they fit anywhere.
func (m *module) check() []byte {
	if m.opts.Fuel == nil {
		return nil
	}
	var b []byte
	b = appendU32(append(b, opGlobalGet), m.fuelGlobal())
	b = append(b, opI32Const, 1, opI32Sub)
	b = appendU32(append(b, opGlobalSet), m.fuelGlobal())
	b = appendU32(append(b, opGlobalGet), m.fuelGlobal())
	b = append(b, opI32Const, 0, opI32LeS, opIf, voidBlock)
	b = appendU32(append(b, opCall), m.tickFunc())
	return append(b, opEnd)
}

// charge returns the instructions that take fuel for a bulk operation, one unit
// for 256 bytes or entries, and then check. The size is on top of the stack and
// stays there; meanwhile it is in a global of our own.
func (m *module) charge() []byte {
	if m.opts.Fuel == nil {
		return nil
	}
	var b []byte
	b = appendU32(append(b, opGlobalSet), m.sizeGlobal())
	b = appendU32(append(b, opGlobalGet), m.fuelGlobal())
	b = appendU32(append(b, opGlobalGet), m.sizeGlobal())
	b = append(b, opI32Const, 8, opI32ShrU, opI32Sub)
	b = appendU32(append(b, opGlobalSet), m.fuelGlobal())
	b = append(b, m.check()...)
	return appendU32(append(b, opGlobalGet), m.sizeGlobal())
}

// body appends the function body that the reader is narrowed to, with check and
// charge inserted and function indexes shifted.
func (m *module) body(out, check, charge []byte) []byte {
	copied := m.pos // what comes before is in out
	var size shape
	size.locals = m.locals()
	entries := m.opts.Fuel != nil && m.opts.Fuel.Entries
	if entries {
		out = append(append(out, m.b[copied:m.pos]...), check...)
		copied = m.pos
	}
	for m.more() {
		start := m.pos
		op := m.byte()
		imm := plainOps[op]
		if m.changesTables(op) {
			m.info.ChangesTables = true
			if m.opts.ImagePages > 0 {
				m.fail(start, "the module changes its tables, which are not part of an image")
			}
		}
		m.namesData = m.namesData || m.isWithData(op)
		switch {
		case isTailCall(op) && !entries:
			out = append(append(out, m.b[copied:start]...), check...)
			copied = start
		case op == opMisc && m.isBulk():
			out = append(append(out, m.b[copied:start]...), charge...)
			copied = start
		case imm == immBlock || imm == immTry:
			size.blocks++
		case imm == immLoop:
			size.loops++
			m.blockType()
			out = append(append(out, m.b[copied:m.pos]...), check...)
			copied = m.pos
			continue
		}
		if imm != immFunc {
			m.skip(start, op, imm)
			continue
		}
		out = append(out, m.b[copied:m.pos]...)
		out = appendU32(out, m.function())
		copied = m.pos
	}
	if m.pos == m.end && m.b[m.pos-1] != opEnd {
		m.fail(m.pos, "function body does not end with end")
	}
	m.info.add(size)
	return append(out, m.b[copied:m.pos]...)
}

// isTailCall reports whether op can repeat a function without a loop and
// without growing the stack.
func isTailCall(op byte) bool {
	return op == opReturnCall || op == opReturnCallTo || op == opReturnRef
}

// isBulk reports whether the instruction after opMisc, which is not consumed,
// takes time in proportion to the size on top of the stack.
func (m *module) isBulk() bool {
	switch m.peekU32() {
	case 8, 10, 11, 12, 14, 17: // memory.init, .copy, .fill, table.init, .copy, .fill
		return true
	}
	return false
}

// changesTables reports whether the instruction op, whose immediates are not
// consumed, changes a table or drops what tables are filled from.
func (m *module) changesTables(op byte) bool {
	if op != opMisc {
		return op == opTableSet
	}
	switch m.peekU32() {
	case 12, 13, 14, 15, 17: // table.init, elem.drop, table.copy, .grow, .fill
		return true
	}
	return false
}

// isWithData reports whether the instruction op, whose immediates are not consumed,
// names a data segment.
func (m *module) isWithData(op byte) bool {
	if op != opMisc {
		return false
	}
	sub := m.peekU32()
	return sub == 8 || sub == 9 // memory.init, data.drop
}

// peekU32 returns the number that comes next and does not consume it.
func (m *module) peekU32() uint32 {
	at := m.pos
	n := m.u32()
	m.pos = at
	return n
}

// shape is what makes a function hard to compile.
type shape struct{ locals, blocks, loops int }

// add accounts for a function.
func (i *Info) add(s shape) {
	i.Loops += s.loops
	i.MostLocals = max(i.MostLocals, s.locals)
	i.Effort += s.loops*s.loops + 4*(s.blocks+s.loops)*s.locals
}

// locals reads the declarations of a function's locals and returns how many
// there are.
func (m *module) locals() int {
	start := m.pos
	total := uint64(0)
	for n := m.count(2); n > 0; n-- {
		total += uint64(m.u32())
		m.valueType()
	}
	if total > maxLocals {
		m.fail(start, "%d locals in one function, at most %d are possible", total, maxLocals)
		return 0
	}
	if m.allLocals += int(total); m.allLocals > maxAllLocals {
		m.fail(start, "the module has more than %d locals", maxAllLocals)
	}
	return int(total)
}

// skip reads the immediates of the instruction op, whose form is imm and which
// begins at start.
func (m *module) skip(start int, op byte, imm immediate) {
	switch op {
	case opMisc, opVector, opAtomic:
		imm = m.prefixed(op)
	}
	switch imm {
	case immInvalid:
		m.fail(start, "%s", describe(m.b[start:m.pos]))
	case immBlock:
		m.blockType()
	case immTable:
		for n := m.count(1); n >= 0; n-- { // one more for the default
			m.u32()
		}
	case immTry:
		m.tryTable()
	case immSelect:
		m.selectType()
	case immS32:
		m.signed(32)
	case immS64:
		m.signed(64)
	case immLane:
		m.byte()
	case imm4:
		m.take(4)
	case imm8:
		m.take(8)
	case imm16:
		m.take(16)
	default:
		m.skipIndexes(imm)
	}
}

// skipIndexes reads immediates that name things of the module.
func (m *module) skipIndexes(imm immediate) {
	switch imm {
	case immIndex:
		m.u32()
	case immIndexes:
		m.u32()
		m.u32()
	case immType:
		m.typeIndex()
	case immTypeTable:
		m.typeIndex()
		m.u32()
	case immGlobal:
		m.global()
	case immMem:
		m.memArg()
	case immMemLane:
		m.memArg()
		m.byte()
	case immZero:
		m.zero()
	case immZeros:
		m.zero()
		m.zero()
	case immIndexZero:
		m.u32()
		m.zero()
	}
}

// prefixed reads the rest of an opcode of several bytes and returns its form.
func (m *module) prefixed(prefix byte) immediate {
	switch prefix {
	case opMisc:
		if sub := m.u32(); sub < 256 {
			return miscOps[sub]
		}
		return immInvalid
	case opAtomic:
		return atomicOps[m.byte()]
	}
	// The number is LEB128, but the engine reads one byte of it and takes the
	// second byte of larger ones, which is 1, for a nop. Other encodings would be
	// read differently here and there.
	sub := m.byte()
	if sub >= 0x80 && m.byte() != 0x01 {
		return immInvalid
	}
	return vectorOps[sub]
}

// global reads the index of a global. The fuel counter comes after the last of
// the module's own, which must not be able to name it.
func (m *module) global() uint32 {
	start := m.pos
	i := m.u32()
	if i >= m.globals() {
		m.fail(start, "no global %d", i)
	}
	return i
}

// memArg reads alignment and offset of a memory access.
func (m *module) memArg() {
	start := m.pos
	if align := m.u32(); align >= 32 { // bit 6 announces the index of a memory
		m.fail(start, "alignment %d: multiple memories are not supported", align)
	}
	m.u32()
}

// zero reads a reserved byte.
func (m *module) zero() {
	if m.byte() != 0 {
		m.fail(m.pos-1, "reserved byte is not zero: multiple memories are not supported")
	}
}

// selectType reads the type of a select instruction.
func (m *module) selectType() {
	if m.byte() != 1 {
		m.fail(m.pos-1, "select has not one type")
	}
	m.valueType()
}

// tryTable reads the block type and the catch clauses of a try_table.
func (m *module) tryTable() {
	m.blockType()
	for n := m.count(2); n > 0; n-- {
		switch kind := m.byte(); kind {
		case 0, 1: // catch, catch_ref: tag, label
			m.u32()
			m.u32()
		case 2, 3: // catch_all, catch_all_ref: label
			m.u32()
		default:
			m.fail(m.pos-1, "unknown catch clause %#x", kind)
		}
	}
}
