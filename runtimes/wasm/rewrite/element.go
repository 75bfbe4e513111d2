package rewrite

// Bits of the kind of an element segment. Without elemNotActive there is an
// offset; elemExplicit then adds a table index. With elemNotActive it tells a
// declarative segment from a passive one. Only kinds 0 and 4 leave out the type.
const (
	elemNotActive   = 1
	elemExplicit    = 2
	elemExpressions = 4
	elemKinds       = 8
)

// encodeElements writes the element segments with function indexes shifted.
func (m *module) encodeElements() []byte {
	n := m.count(3)
	out := appendU32(make([]byte, 0, m.end-m.pos+(m.end-m.pos)/16), uint32(n))
	for range n {
		out = m.elementSegment(out)
	}
	return out
}

func (m *module) elementSegment(out []byte) []byte {
	start := m.pos
	kind := m.u32()
	if kind >= elemKinds {
		m.fail(start, "element segment of kind %d", kind)
	}
	if kind&elemNotActive == 0 {
		if kind&elemExplicit != 0 {
			m.u32()
		}
		out = append(out, m.b[start:m.pos]...)
		out = m.constExpr(out)
		start = m.pos
	}
	typed := kind&(elemNotActive|elemExplicit) != 0
	if typed && kind&elemExpressions != 0 {
		m.valueType()
	} else if typed {
		m.zero() // functions are the only kind
	}
	n := m.count(1)
	out = append(out, m.b[start:m.pos]...)
	for range n {
		if kind&elemExpressions != 0 {
			out = m.constExpr(out)
		} else {
			out = appendU32(out, m.function())
		}
	}
	return out
}
