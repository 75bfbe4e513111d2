package rewrite_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"

	"sandpiper/runtimes/catalog"
	"sandpiper/runtimes/wasm/rewrite"
)

// code is a module with one function of type 0, which takes and returns nothing.
func code(instructions ...byte) []byte {
	return wasmModule(section(1, funcType("", "")), section(3, []byte{0}), section(10, body(nil, instructions...)))
}

func TestRefused(t *testing.T) {
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0x0f} // 4,294,967,295
	void := section(1, funcType("", ""))
	for _, tc := range []struct {
		name   string
		wasm   []byte
		offset int
		reason string
	}{
		{"empty", nil, 0, "not a WebAssembly module"},
		{"a component", []byte("\x00asm\x0d\x00\x01\x00"), 0, "not a WebAssembly module"},
		{"unknown section", wasmModule(rawSection(14, nil)), 8, "section 14 is unknown"},
		{"sections twice", wasmModule(void, void), 14, "in the wrong place"},
		{"sections out of order", wasmModule(section(3), void), 11, "in the wrong place"},
		{"section longer than the module", wasmModule([]byte{1, 9, 0}), 9, "9 items do not fit"},
		{"section longer than its content", wasmModule(rawSection(1, []byte{0, 0})), 11, "1 bytes too many"},
		{"number too long", wasmModule([]byte{1, 0x80, 0x80, 0x80, 0x80, 0x10}), 9, "does not fit in 32 bits"},
		{"count of types", wasmModule(rawSection(1, huge)), 10, "items do not fit"},
		{"count of parameters", wasmModule(section(1, append([]byte{0x60}, huge...))), 12, "items do not fit"},
		{"form of a type", wasmModule(section(1, []byte{0x5f, 0, 0})), 11, "type of form 0x5f"},
		{"value type", wasmModule(section(1, []byte{0x60, 1, 0x42, 0})), 13, "unknown value type 0x42"},
		{"count of imports", wasmModule(rawSection(2, huge)), 10, "items do not fit"},
		{"kind of import", wasmModule(section(2, imported("a", "b", 7, 0))), 15, "import of kind 7"},
		{"our import", wasmModule(void, section(2, imported("wz", "x", 0, 0))), 17, `imports from the module "wz" are reserved`},
		{"imported table with initialiser", wasmModule(section(2, imported("a", "b", 1, 0x40, 0, 0x70, 0, 1, 0xd0, 0x70, 0x0b))), 16, "no initialiser"},
		{"our export", wasmModule(section(7, exported("__wz_fuel", 3, 0))), 11, "reserved"},
		{"export of the counter", wasmModule(section(7, exported("x", 3, 0))), 14, "no global 0"},
		{"type of the tick function", wasmModule(void, section(3, []byte{1})), 17, "no type 1"},
		{"a type from nowhere", wasmModule(section(3, []byte{0})), 11, "no type 0"},
		{"functions without code", wasmModule(void, section(3, []byte{0})), 16, "no code for 1 functions"},
		{"code without functions", wasmModule(section(10, body(nil, 0x0b))), 10, "1 function bodies for 0 functions"},
		{"data count", wasmModule(rawSection(12, []byte{1})), 10, "1 data segments announced, 0 there"},
		{"data longer than the section", wasmModule(section(11, append([]byte{1}, huge...))), 12, "items do not fit"},
		{"data of another memory", wasmModule(section(11, []byte{2, 1, 0x41, 0, 0x0b, 0})), 11, "multiple memories"},
		{"kind of data", wasmModule(section(11, []byte{3, 0})), 11, "data segment of kind 3"},
		{"kind of elements", wasmModule(section(9, []byte{8, 0, 0})), 11, "element segment of kind 8"},
		{"element that is no function", wasmModule(section(9, []byte{1, 0, 1, 0})), 14, "no function 0"},
		{"call of no function", code(0x10, 1, 0x0b), 24, "no function 1"},
		{"start at no function", wasmModule(void, rawSection(8, []byte{0})), 16, "no function 0"},
		{"count of elements", wasmModule(section(9, append([]byte{1, 0}, huge...))), 13, "items do not fit"},
		{"instruction that is not constant", wasmModule(section(6, []byte{0x7f, 0, 0x10, 0, 0x0b})), 13, "instruction 0x10 is not constant"},
		{"initialiser reads the counter", wasmModule(section(6, []byte{0x7f, 0, 0x23, 1, 0x0b})), 14, "no global 1"},
		{"initialiser without end", wasmModule(section(6, []byte{0x7f, 0, 0x41, 0})), 15, "unexpected end"},
		{"locals", wasmModule(void, section(3, []byte{0}), section(10, body(append(append([]byte{1}, huge...), 0x7f), 0x0b))), 22, "4294967295 locals in one function"},
		{"code reads the counter", code(0x23, 0, 0x1a, 0x0b), 24, "no global 0"},
		{"code sets the counter", code(0x41, 0, 0x24, 0, 0x0b), 26, "no global 0"},
		{"call through the tick function's type", code(0x41, 0, 0x11, 1, 0, 0x0b), 26, "no type 1"},
		{"block of the tick function's type", code(0x02, 1, 0x0b, 0x0b), 24, "no type 1"},
		{"body without end", code(0x01), 24, "does not end with end"},
		{"body ends in an instruction", code(0x41), 24, "unexpected end"},
		{"constant of 33 bits", code(0x41, 0x80, 0x80, 0x80, 0x80, 0x08, 0x1a, 0x0b), 24, "does not fit in 32 bits"},
		{"branch table", code(append(append([]byte{0x41, 0, 0x0e}, huge...), 0x0b)...), 26, "items do not fit"},
		{"catch clause", code(0x1f, 0x40, 1, 9, 0, 0x0b, 0x0b), 26, "unknown catch clause 0x9"},
		{"select of two types", code(0x1c, 2, 0x7f, 0x7f, 0x0b), 24, "select has not one type"},
		{"another memory", code(0x41, 0, 0x28, 0x42, 1, 0, 0x1a, 0x0b), 26, "multiple memories are not supported"},
		{"size of another memory", code(0x3f, 1, 0x1a, 0x0b), 24, "multiple memories are not supported"},
		{"legacy exceptions", code(0x06, 0x40, 0x0b, 0x0b), 23, "legacy exception"},
		{"garbage collection", code(0xfb, 0x00, 0x0b), 23, "garbage-collection"},
		{"unknown instruction", code(0xff, 0x0b), 23, "unknown instruction ff"},
		{"unknown bulk instruction", code(0xfc, 0x12, 0x0b), 23, "unknown instruction fc 12"},
		{"relaxed SIMD", code(0xfd, 0x80, 0x02, 0x0b), 23, "relaxed SIMD"},
		{"vector instruction in an odd encoding", code(0xfd, 0x8c, 0x00, 0x0b), 23, "vector instruction fd 8c 00"},
		{"free vector instruction", code(0xfd, 0x9a, 0x01, 0x0b), 23, "vector instruction fd 9a 01"},
		{"unknown atomic instruction", code(0xfe, 0x4f, 0x0b), 23, "unknown instruction fe 4f"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out, info, err := rewrite.Rewrite(tc.wasm, everything)
			var e *rewrite.Error
			if !errors.As(err, &e) || out != nil || info.Functions != 0 {
				t.Fatalf("%d bytes, %+v, %v; want an *Error alone", len(out), info, err)
			}
			wantError(t, err, tc.reason)
			if e.Offset != tc.offset {
				t.Errorf("%v, want offset %#x", err, tc.offset)
			}
		})
	}
}

// TestLocalsTogether has functions of few bytes with many locals.
func TestLocalsTogether(t *testing.T) {
	module := func(n int) []byte {
		many := body([]byte{1, 0xd0, 0x86, 0x03, 0x7f}, 0x0b) // 50,000 of type i32
		return wasmModule(section(1, funcType("", "")),
			section(3, slices.Repeat([][]byte{{0}}, n)...), section(10, slices.Repeat([][]byte{many}, n)...))
	}
	if _, info := mustRewrite(t, module(80), everything); info.MostLocals != 50_000 {
		t.Errorf("info = %+v", info)
	}
	_, _, err := rewrite.Rewrite(module(81), everything)
	wantError(t, err, "more than 4000000 locals")
}

// everything are the options that change the most.
var everything = rewrite.Options{
	Fuel:     &rewrite.Fuel{Initial: 7, Entries: true},
	MaxTable: 1 << 20, MaxMemoryPages: 1 << 16, KeepNames: true, ExportGlobals: true,
}

func TestEveryPrefixIsHandled(t *testing.T) {
	for name, wasm := range seeds() {
		for n := range wasm {
			if out, _, err := rewrite.Rewrite(wasm[:n], everything); err == nil && len(out) == 0 {
				t.Errorf("%s cut to %d bytes: neither output nor error", name, n)
			}
		}
	}
}

// seeds are modules for the fuzzer to start from.
func seeds() map[string][]byte {
	return map[string][]byte{
		"sum":     sumModule(),
		"forever": foreverModule(),
		"indexes": indexModule(),
		"vectors": code(0xfd, 0x0c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0xfd, 0x80, 0x01, 0x1a, 0x0b),
		"control": code(0x02, 0x40, 0x03, 0x40, 0x41, 0, 0x0e, 1, 0, 1, 0x0b, 0x0b, 0x0b),
		"catch":   code(0x02, 0x40, 0x1f, 0x40, 1, 2, 0, 0x0b, 0x0b, 0x0b),
		"select":  code(0x41, 1, 0x41, 2, 0x41, 0, 0x1c, 1, 0x7f, 0x1a, 0x0b),
		"memory": wasmModule(section(1, []byte{0x4e, 1, 0x60, 0, 0}), section(3, []byte{0}), section(5, []byte{3, 1, 2}),
			rawSection(12, []byte{1}), section(10, body(nil,
				0x41, 0, 0xfe, 0x10, 2, 0, 0x1a, 0xfe, 0x03, 0, // atomics
				0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 0x08, 0, 0, 0xfc, 0x09, 0, 0x0b)),
			section(11, []byte{1, 2, 'h', 'i'}), customSection("name", rawSection(0, str("m"))...)),
		"tag": wasmModule(section(1, funcType("", "")), section(2, imported("a", "t", 4, 0, 0)), section(13, []byte{0, 0})),
	}
}

func FuzzRewrite(f *testing.F) {
	for _, wasm := range seeds() {
		f.Add(wasm, true, true, uint32(10))
	}
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(allFeatures))
	f.Cleanup(func() { rt.Close(ctx) })
	compiles := func(wasm []byte) error {
		m, err := rt.CompileModule(ctx, wasm)
		if err == nil {
			err = m.Close(ctx)
		}
		return err
	}
	f.Fuzz(func(t *testing.T, wasm []byte, entries, names bool, bound uint32) {
		opts := rewrite.Options{
			Fuel:     &rewrite.Fuel{Initial: int32(bound), Entries: entries},
			MaxTable: bound, MaxMemoryPages: bound, KeepNames: names, ExportGlobals: true,
		}
		// What is refused may hold counts that would exhaust the compiler's
		// memory, so that is only asked about what is not.
		out, _, err := rewrite.Rewrite(wasm, opts)
		if err != nil {
			return
		}
		if compiles(wasm) != nil {
			return
		}
		if err := compiles(out); err != nil {
			t.Errorf("valid before, not valid after: %v", err)
		}
	})
}

// realModule reads a module of the catalogue.
func realModule(tb testing.TB, name string) []byte {
	tb.Helper()
	r, err := catalog.OpenModule(name)
	if err != nil {
		tb.Fatalf("%v (run make setup)", err)
	}
	defer r.Close()
	wasm, err := io.ReadAll(r)
	if err != nil {
		tb.Fatal(err)
	}
	return wasm
}

func TestRealModules(t *testing.T) {
	for _, tc := range []struct {
		name               string
		functions, largest int // at least
	}{
		{"python", 10_000, 50_000}, {"quickjs", 1_000, 10_000}, {"ruby", 10_000, 50_000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			wasm := realModule(t, tc.name)
			start := time.Now()
			out, info := mustRewrite(t, wasm, everything)
			t.Logf("%d bytes to %d in %v: %+v", len(wasm), len(out), time.Since(start), info)
			if info.Functions < tc.functions || info.LargestBody < tc.largest || info.Loops == 0 {
				t.Errorf("info = %+v", info)
			}
			if len(out) > len(wasm)*5/4 {
				t.Errorf("%d bytes became %d", len(wasm), len(out))
			}
		})
	}
}

func BenchmarkRewrite(b *testing.B) {
	for _, name := range []string{"python", "quickjs", "ruby"} {
		b.Run(name, func(b *testing.B) {
			wasm := realModule(b, name)
			b.SetBytes(int64(len(wasm)))
			b.ReportAllocs()
			for b.Loop() {
				mustRewrite(b, wasm, rewrite.Options{Fuel: &rewrite.Fuel{Initial: 50_000}, MaxTable: 1 << 20})
			}
		})
	}
}
