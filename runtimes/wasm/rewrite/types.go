package rewrite

import "fmt"

// valueType reads a value type.
func (m *module) valueType() {
	start := m.pos
	switch t := m.byte(); t {
	case 0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70, 0x6f, 0x69: // i32 … v128, funcref, externref, exnref
	case 0x63, 0x64: // (ref null t), (ref t)
		m.heapType()
	default:
		m.fail(start, "unknown value type %#x", t)
	}
}

// heapType reads what a reference refers to: a type index, or a negative number
// for an abstract type. It returns what it read.
func (m *module) heapType() int64 {
	start := m.pos
	t := m.signed(33)
	if t >= int64(m.types) {
		m.fail(start, "no type %d", t)
	}
	return t
}

// typeIndex reads the index of a type. The type of the tick function comes after
// the last of the module's own.
func (m *module) typeIndex() {
	start := m.pos
	if t := m.u32(); int64(t) >= int64(m.types) {
		m.fail(start, "no type %d", t)
	}
}

// blockType reads the type of a block: nothing, a value type or a type index.
func (m *module) blockType() {
	const refNull, ref = 0x63 - 0x80, 0x64 - 0x80
	if t := m.heapType(); t == refNull || t == ref {
		m.heapType()
	}
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
			out = appendU32(append(out, op), m.function())
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
