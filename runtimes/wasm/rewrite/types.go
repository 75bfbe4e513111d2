package rewrite

import "fmt"

// valueType reads a value type.
func (m *module) valueType() {
	start := m.pos
	switch t := m.byte(); t {
	case 0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70, 0x6f, 0x69: // i32 … v128, funcref, externref, exnref
	case 0x63, 0x64: // (ref null t), (ref t)
		m.signed(33)
	default:
		m.fail(start, "unknown value type %#x", t)
	}
}

// blockType reads the type of a block: nothing, a value type or a type index.
func (m *module) blockType() {
	const refNull, ref = 0x63 - 0x80, 0x64 - 0x80
	if t := m.signed(33); t == refNull || t == ref {
		m.signed(33)
	}
}

// limits are the sizes of a table or a memory.
type limits struct {
	flag     byte // bit 0: there is a maximum; bit 1: shared
	min, max uint32
}

// limits reads limits. Only a memory can be shared.
func (m *module) limits(maxFlag byte) limits {
	l := limits{flag: m.byte()}
	if l.flag > maxFlag {
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

// constExpr appends a constant expression with function indexes shifted.
func (m *module) constExpr(out []byte) []byte {
	for m.err == nil {
		start := m.pos
		op := m.byte()
		switch op {
		case opI32Const:
			m.signed(32)
		case opI64Const:
			m.signed(64)
		case opF32Const:
			m.take(4)
		case opF64Const:
			m.take(8)
		case opGlobalGet:
			m.global()
		case opRefNull:
			m.u32()
		case 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e, opEnd: // add, sub and mul of i32 and i64
		case opVector:
			if m.byte() != 0x0c {
				m.fail(start, "only v128.const is constant among the vector instructions")
			}
			m.take(16)
		case opRefFunc:
			out = appendU32(append(out, op), m.shift(m.u32()))
			continue
		default:
			m.fail(start, "instruction %#x is not constant", op)
		}
		out = append(out, m.b[start:m.pos]...)
		if op == opEnd {
			break
		}
	}
	return out
}

// describe says what is wrong with an opcode that the engine does not have.
func describe(op []byte) string {
	switch op[0] {
	case 0x06, 0x07, 0x09, 0x18, 0x19:
		return fmt.Sprintf("instruction %#x of the legacy exception proposal: translate the module to exnref", op[0])
	case 0xfb:
		return "garbage-collection instructions are not supported"
	case opVector:
		return fmt.Sprintf("vector instruction % x: relaxed SIMD is not supported", op)
	}
	return fmt.Sprintf("unknown instruction % x", op)
}
