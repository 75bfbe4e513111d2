package rewrite_test

import "slices"

// A small assembler: enough to write the modules of these tests by hand.

// wasmModule joins sections to a module.
func wasmModule(sections ...[]byte) []byte {
	return append([]byte("\x00asm\x01\x00\x00\x00"), slices.Concat(sections...)...)
}

// section is a section that holds a vector of items.
func section(id byte, items ...[]byte) []byte {
	return rawSection(id, append(uleb(len(items)), slices.Concat(items...)...))
}

func rawSection(id byte, content []byte) []byte {
	return slices.Concat([]byte{id}, uleb(len(content)), content)
}

func customSection(name string, content ...byte) []byte {
	return rawSection(0, append(str(name), content...))
}

func uleb(n int) (b []byte) {
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

func str(s string) []byte { return append(uleb(len(s)), s...) }

// body is a function body: the locals' declarations, then code.
func body(locals []byte, code ...byte) []byte {
	if locals == nil {
		locals = []byte{0}
	}
	return append(uleb(len(locals)+len(code)), append(locals, code...)...)
}

func funcType(params, results string) []byte {
	return slices.Concat([]byte{0x60}, str(params), str(results))
}

func imported(module, name string, desc ...byte) []byte {
	return slices.Concat(str(module), str(name), desc)
}

func exported(name string, kind, index byte) []byte {
	return append(str(name), kind, index)
}

const (
	i32 = "\x7f"
	i64 = "\x7e"
)

// sumModule exports sum(n) = n + (n-1) + … + 1, computed in a loop.
func sumModule() []byte {
	return wasmModule(
		section(1, funcType(i32, i32)),
		section(3, []byte{0}),
		section(7, exported("sum", 0, 0)),
		section(10, body([]byte{1, 1, 0x7f},
			0x03, 0x40, // loop
			0x20, 0, 0x20, 1, 0x6a, 0x21, 1, // acc += n
			0x20, 0, 0x41, 1, 0x6b, 0x22, 0, // n--
			0x0d, 0, // br_if
			0x0b, 0x20, 1, 0x0b)),
	)
}
