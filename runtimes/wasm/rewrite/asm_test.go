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

// foreverModule exports functions without end: a loop, a recursion that neither
// returns nor loops, and a tail call.
func foreverModule() []byte {
	return wasmModule(
		section(1, funcType("", "")),
		section(3, []byte{0}, []byte{0}, []byte{0}),
		section(7, exported("loop", 0, 0), exported("recurse", 0, 1), exported("tail", 0, 2)),
		section(10,
			body(nil, 0x03, 0x40, 0x0c, 0, 0x0b, 0x0b),
			body(nil, 0x10, 1, 0x10, 1, 0x0b),
			body(nil, 0x12, 2, 0x0b)),
	)
}

// indexModule uses function indexes in every place that has them. Functions 1 to
// 9 return their number. Function 0 is imported from "env", function 10 is the
// start function, which sets the table's entry 9 to function 9. call(i) calls the
// table's entry i; entries 0 to 7 hold functions 1 to 8, each from another kind
// of element segment or initialiser.
func indexModule() []byte {
	constant := func(n byte) []byte { return body(nil, 0x41, n, 0x0b) }
	functions := [][]byte{{1}, {1}, {1}, {1}, {1}, {1}, {1}, {1}, {1}, {0}, {2}, {1}}
	bodies := [][]byte{
		constant(1), constant(2), constant(3), constant(4), constant(5),
		constant(6), constant(7), constant(8), constant(9),
		body(nil, slices.Concat( // start
			[]byte{0x41, 2, 0x41, 0, 0x41, 1, 0xfc, 0x0c, 1, 0},   // table.init segment 1
			[]byte{0x41, 5, 0x41, 0, 0x41, 1, 0xfc, 0x0c, 5, 0},   // table.init segment 5
			[]byte{0x41, 3, 0xd2, 4, 0x26, 0},                     // ref.func 4, declared by segment 3
			[]byte{0x41, 7, 0xd2, 8, 0x26, 0},                     // ref.func 8, declared by segment 7
			[]byte{0x41, 9, 0x23, 0, 0x26, 0, 0x10, 0, 0x0b})...), // global 0, then the import
		body(nil, 0x20, 0, 0x11, 1, 0, 0x0b), // call(i)
		body(nil, 0x12, 1, 0x0b),             // tail call of function 1
	}
	return wasmModule(
		section(1, funcType("", ""), funcType("", i32), funcType(i32, i32)),
		section(2, imported("env", "note", 0, 0)),
		section(3, functions...),
		section(4, []byte{0x40, 0, 0x70, 0, 10, 0xd2, 9, 0x0b}), // filled with function 9
		section(6, []byte{0x70, 0, 0xd2, 9, 0x0b}),              // a global that holds function 9
		section(7, exported("call", 0, 11), exported("tail", 0, 12), exported("one", 0, 1)),
		rawSection(8, []byte{10}),
		section(9,
			[]byte{0, 0x41, 0, 0x0b, 1, 1},                      // active, indexes
			[]byte{1, 0, 1, 3},                                  // passive, indexes
			[]byte{2, 0, 0x41, 1, 0x0b, 0, 1, 2},                // active, table, indexes
			[]byte{3, 0, 1, 4},                                  // declarative, indexes
			[]byte{4, 0x41, 4, 0x0b, 1, 0xd2, 5, 0x0b},          // active, expressions
			[]byte{5, 0x70, 1, 0xd2, 6, 0x0b},                   // passive, expressions
			[]byte{6, 0, 0x41, 6, 0x0b, 0x70, 1, 0xd2, 7, 0x0b}, // active, table, expressions
			[]byte{7, 0x70, 1, 0xd2, 8, 0x0b}),                  // declarative, expressions
		section(12),
		section(10, bodies...),
	)
}
