// Package wasmtest assembles small WebAssembly modules for tests: guests that do
// one thing, good or bad, without a compiler.
package wasmtest

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// Module is a module to assemble. Function indexes count Imports first.
type Module struct {
	Imports []Import
	Memory  [2]uint32 // initial and maximum pages; exported as "memory" unless the maximum is 0
	Table   [2]uint32 // initial and maximum entries of a table of functions; none when the maximum is 0
	Globals []int32   // values of mutable globals
	Funcs   []Func
	Start   bool   // Funcs[0] is the module's start function
	Data    string // at address 0
}

// Import is an imported function.
type Import struct {
	Module, Name string
	Type         string // such as "iI:i": an i32 and an i64 parameter, an i32 result
}

// Func is a function of the module.
type Func struct {
	Export string // "" for none
	Type   string
	Locals string // such as "iiI"
	Code   []byte // without the final end; see the functions of this package
}

// From returns an import from a module.
func From(module, name, typ string) Import { return Import{Module: module, Name: name, Type: typ} }

// WASI returns an import from WASI preview 1.
func WASI(name, typ string) Import { return From("wasi_snapshot_preview1", name, typ) }

// Command returns a WASI command whose _start is code. It has one page of
// memory that holds data, and imports the functions given.
func Command(data string, code []byte, imports ...Import) []byte {
	m := Module{Imports: imports, Memory: [2]uint32{1, 1 << 16}, Data: data}
	m.Funcs = []Func{{Export: "_start", Locals: "iiii", Code: code}}
	return m.Bytes()
}

// Bytes assembles the module.
func (m Module) Bytes() []byte {
	b := []byte("\x00asm\x01\x00\x00\x00")
	var types, imports, funcs, exports, bodies [][]byte
	for i, f := range m.Imports {
		types = append(types, funcType(f.Type))
		imports = append(imports, slices.Concat(text(f.Module), text(f.Name), []byte{0}, Uleb(uint32(i))))
	}
	for i, f := range m.Funcs {
		index := Uleb(uint32(len(m.Imports) + i))
		types = append(types, funcType(f.Type))
		funcs = append(funcs, index)
		if f.Export != "" {
			exports = append(exports, slices.Concat(text(f.Export), []byte{0}, index))
		}
		body := slices.Concat(locals(f.Locals), f.Code, []byte{0x0b})
		bodies = append(bodies, slices.Concat(Uleb(uint32(len(body))), body))
	}
	b = section(b, 1, types)
	b = section(b, 2, imports)
	b = section(b, 3, funcs)
	if m.Table[1] > 0 {
		b = section(b, 4, [][]byte{slices.Concat([]byte{0x70, 1}, Uleb(m.Table[0]), Uleb(m.Table[1]))})
	}
	if m.Memory[1] > 0 {
		b = section(b, 5, [][]byte{slices.Concat([]byte{1}, Uleb(m.Memory[0]), Uleb(m.Memory[1]))})
		exports = append(exports, slices.Concat(text("memory"), []byte{2, 0}))
	}
	var globals [][]byte
	for _, v := range m.Globals {
		globals = append(globals, slices.Concat([]byte{0x7f, 1}, I32(v), []byte{0x0b}))
	}
	b = section(b, 6, globals)
	b = section(b, 7, exports)
	if m.Start {
		b = append(b, 8, 1, byte(len(m.Imports)))
	}
	b = section(b, 10, bodies)
	if m.Data != "" {
		b = section(b, 11, [][]byte{slices.Concat([]byte{0, 0x41, 0, 0x0b}, text(m.Data))})
	}
	return b
}

func section(b []byte, id byte, items [][]byte) []byte {
	if len(items) == 0 {
		return b
	}
	content := slices.Concat(Uleb(uint32(len(items))), slices.Concat(items...))
	return slices.Concat(b, []byte{id}, Uleb(uint32(len(content))), content)
}

func text(s string) []byte { return append(Uleb(uint32(len(s))), s...) }

func funcType(s string) []byte {
	var params, results []byte
	into := &params
	for _, c := range s {
		if c == ':' {
			into = &results
			continue
		}
		*into = append(*into, valueType(c))
	}
	return slices.Concat([]byte{0x60}, text(string(params)), text(string(results)))
}

func locals(s string) []byte {
	b := Uleb(uint32(len(s)))
	for _, c := range s {
		b = append(b, 1, valueType(c))
	}
	return b
}

func valueType(c rune) byte {
	if c == 'I' {
		return 0x7e
	}
	return 0x7f
}

// Uleb encodes an unsigned number.
func Uleb(n uint32) []byte { return binary.AppendUvarint(nil, uint64(n)) }

// Code joins instructions.
func Code(parts ...[]byte) []byte { return slices.Concat(parts...) }

// I32 pushes a constant.
func I32(n int32) []byte { return append([]byte{0x41}, sleb(int64(n))...) }

// I64 pushes a constant.
func I64(n int64) []byte { return append([]byte{0x42}, sleb(n)...) }

func sleb(n int64) (b []byte) {
	for size := 64 - bits.LeadingZeros64(uint64(n^(n>>63))) + 1; size > 7; size -= 7 {
		b = append(b, byte(n)|0x80)
		n >>= 7
	}
	return append(b, byte(n)&0x7f)
}

// Call calls the function with an index, imports first.
func Call(index uint32) []byte { return append([]byte{0x10}, Uleb(index)...) }

// Get pushes a local, Set pops one.
func Get(local byte) []byte { return []byte{0x20, local} }

// Set pops a value into a local.
func Set(local byte) []byte { return []byte{0x21, local} }

// Op is an instruction without immediates, by its opcode.
func Op(codes ...byte) []byte { return codes }

// Drop discards the value on top of the stack.
func Drop() []byte { return Op(0x1a) }

// Forever repeats code without end.
func Forever(code ...[]byte) []byte {
	return Code(Op(0x03, 0x40), Code(code...), Op(0x0c, 0, 0x0b))
}

// Load pushes the i32 at the address on the stack, Store pops a value and an
// address.
func Load() []byte { return Op(0x28, 2, 0) }

// Store writes the i32 on top of the stack at the address below it.
func Store() []byte { return Op(0x36, 2, 0) }
