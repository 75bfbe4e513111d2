package rewrite

// Subsections of the custom section "name".
const (
	namesModule    = 0
	namesFunctions = 1
)

// appendNames appends the name section with the names of the module and its
// functions. Names are an aid for people: a section that is not well formed is
// left out, not an error.
func (m *module) appendNames(out []byte) []byte {
	if m.names.from == 0 || m.err != nil {
		return out
	}
	n := &module{
		reader:        reader{b: m.b, pos: m.names.from, end: m.names.to},
		opts:          m.opts,
		importedFuncs: m.importedFuncs,
		functions:     m.functions,
	}
	content := appendBlock(nil, []byte("name"))
	for n.more() {
		id := n.byte()
		outer := n.enter()
		switch sub := n.b[n.pos:n.end]; id {
		case namesModule:
			n.name()
			content = appendBlock(append(content, id), sub)
		case namesFunctions:
			content = appendBlock(append(content, id), n.functionNames())
		default:
			n.pos = n.end
		}
		n.leave(outer)
	}
	if n.err != nil || len(content) == len("\x04name") {
		return out
	}
	return appendBlock(append(out, secCustom), content)
}

// functionNames reads the names of functions and returns them with their
// indexes shifted.
func (m *module) functionNames() []byte {
	n := m.count(2)
	out := appendU32(nil, uint32(n))
	for range n {
		out = appendU32(out, m.function())
		out = append(out, m.name()...)
	}
	return out
}
