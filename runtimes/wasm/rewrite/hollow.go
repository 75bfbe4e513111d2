package rewrite

import "slices"

// trap is a function's body, behind its size, that does nothing but end the program.
var trap = []byte{3, 0, 0x00, opEnd}

// Hollow returns a copy of a module that Rewrite made in which every function ends the
// program: all there is to know of the module but its code. Any error is an *Error.
func Hollow(rewritten []byte) ([]byte, error) {
	m := &module{reader: reader{b: rewritten, end: len(rewritten)}}
	m.split()
	var code []byte
	if m.open(secCode) {
		n := m.count(2)
		code = slices.Concat(appendU32(nil, uint32(n)), slices.Repeat(trap, n))
	}
	if m.err != nil {
		return nil, m.err
	}
	out := []byte(magic)
	for _, id := range order {
		s := m.spans[id]
		content := m.b[s.from:s.to]
		if id == secCode {
			content = code
		}
		if len(content) > 0 {
			out = appendBlock(append(out, id), content)
		}
	}
	return out, nil
}
