package rewrite_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"sandpiper/runtimes/wasm/rewrite"
)

// allFeatures is what the rewriter must be able to decode.
const allFeatures = api.CoreFeaturesV2 | experimental.CoreFeaturesThreads |
	experimental.CoreFeaturesTailCall | experimental.CoreFeaturesExtendedConst |
	experimental.CoreFeaturesExceptionHandling | experimental.CoreFeaturesTypedFunctionReferences

// host is a runtime with a tick function that counts its calls and refills.
type host struct {
	wazero.Runtime
	ticks  int
	refill uint64
	stop   func() error // when set: an error of it ends the guest at a tick
}

func newHost(t testing.TB, config wazero.RuntimeConfig) *host {
	t.Helper()
	ctx := context.Background()
	h := &host{Runtime: wazero.NewRuntimeWithConfig(ctx, config.WithCoreFeatures(allFeatures)), refill: 10}
	t.Cleanup(func() {
		if err := h.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	tick := func(_ context.Context, m api.Module, _ []uint64) {
		h.ticks++
		if h.stop != nil {
			if err := h.stop(); err != nil {
				panic(err)
			}
		}
		m.ExportedGlobal(rewrite.FuelExport).(api.MutableGlobal).Set(h.refill)
	}
	_, err := h.NewHostModuleBuilder(rewrite.TickModule).NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(tick), nil, nil).Export(rewrite.TickName).Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *host) instantiate(t testing.TB, wasm []byte) api.Module {
	t.Helper()
	m, err := h.InstantiateWithConfig(context.Background(), wasm, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		t.Fatalf("instantiate: %v", err)
	}
	return m
}

func mustRewrite(t testing.TB, wasm []byte, opts rewrite.Options) ([]byte, rewrite.Info) {
	t.Helper()
	out, info, err := rewrite.Rewrite(wasm, opts)
	if err != nil {
		t.Fatalf("rewrite: %v", err)
	}
	return out, info
}

func call(t testing.TB, m api.Module, name string, args ...uint64) uint64 {
	t.Helper()
	results, err := m.ExportedFunction(name).Call(context.Background(), args...)
	if err != nil {
		t.Fatalf("%s%v: %v", name, args, err)
	}
	return results[0]
}

func TestFuelCountsLoopIterations(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fuel  rewrite.Fuel
		ticks int // for 100 iterations, with a refill of 10
	}{
		{"loops", rewrite.Fuel{Initial: 10}, 10},
		{"loops and entries", rewrite.Fuel{Initial: 9, Entries: true}, 10},
		{"empty at the start", rewrite.Fuel{Initial: 0}, 10},
		{"below zero at the start", rewrite.Fuel{Initial: -5}, 10},
		{"more than is needed", rewrite.Fuel{Initial: 1000, Entries: true}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHost(t, wazero.NewRuntimeConfig())
			out, info := mustRewrite(t, sumModule(), rewrite.Options{Fuel: &tc.fuel})
			if got := call(t, h.instantiate(t, out), "sum", 100); got != 5050 {
				t.Errorf("sum(100) = %d, want 5050", got)
			}
			if h.ticks != tc.ticks {
				t.Errorf("%d ticks, want %d", h.ticks, tc.ticks)
			}
			if info.Loops != 1 || info.Functions != 1 {
				t.Errorf("info = %+v", info)
			}
		})
	}
}

// TestBulkOperationsCostFuel fills and copies memory and tables without a loop.
func TestBulkOperationsCostFuel(t *testing.T) {
	size := []byte{0x41, 0x80, 0x80, 0x04} // i32.const 65536
	small := []byte{0x41, 0x80, 0x01}      // i32.const 128
	zeros := []byte{0x41, 0, 0x41, 0}
	module := func(code ...byte) []byte {
		return wasmModule(
			section(1, funcType("", i32)),
			section(3, []byte{0}),
			section(4, []byte{0x70, 1, 0x80, 0x80, 4, 0x80, 0x80, 4}),
			section(5, []byte{0, 1}),
			section(7, exported("do", 0, 0)),
			section(10, body(nil, append(code, 0x41, 0, 0x0b)...)))
	}
	for _, tc := range []struct {
		name  string
		wasm  []byte
		ticks int
	}{
		{"fill", module(slices.Concat(zeros, size, []byte{0xfc, 0x0b, 0})...), 1},
		{"fill, encoded at length", module(slices.Concat(zeros, size, []byte{0xfc, 0x8b, 0, 0})...), 1},
		{"copy", module(slices.Concat(zeros, size, []byte{0xfc, 0x0a, 0, 0})...), 1},
		{"copy twice", module(slices.Concat(zeros, size, []byte{0xfc, 0x0a, 0, 0}, zeros, size, []byte{0xfc, 0x0a, 0, 0})...), 2},
		{"table fill", module(slices.Concat([]byte{0x41, 0, 0xd0, 0x70}, size, []byte{0xfc, 0x11, 0})...), 1},
		{"table copy", module(slices.Concat(zeros, size, []byte{0xfc, 0x0e, 0, 0})...), 1},
		{"a little", module(slices.Concat(zeros, small, []byte{0xfc, 0x0b, 0})...), 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHost(t, wazero.NewRuntimeConfig())
			out, _ := mustRewrite(t, tc.wasm, rewrite.Options{Fuel: &rewrite.Fuel{Initial: 200}})
			call(t, h.instantiate(t, out), "do")
			if h.ticks != tc.ticks {
				t.Errorf("%d ticks, want %d", h.ticks, tc.ticks)
			}
		})
	}
}

func TestStopWithoutLoops(t *testing.T) {
	errStop := errors.New("stop")
	for _, tc := range []struct {
		function string
		entries  bool
	}{
		{"loop", false}, {"tail", false}, {"loop", true}, {"tail", true}, {"recurse", true},
	} {
		t.Run(fmt.Sprintf("%s, entries %t", tc.function, tc.entries), func(t *testing.T) {
			h := newHost(t, wazero.NewRuntimeConfig())
			h.stop = func() error {
				if h.ticks < 3 {
					return nil
				}
				return errStop
			}
			out, _ := mustRewrite(t, foreverModule(), rewrite.Options{Fuel: &rewrite.Fuel{Initial: 100, Entries: tc.entries}})
			_, err := h.instantiate(t, out).ExportedFunction(tc.function).Call(t.Context())
			if !errors.Is(err, errStop) || h.ticks != 3 {
				t.Errorf("%v after %d ticks, want to stop at the third", err, h.ticks)
			}
		})
	}
}

func TestFunctionIndexesEverywhere(t *testing.T) {
	for _, tc := range []struct {
		name string
		opts rewrite.Options
	}{
		{"nothing asked", rewrite.Options{}},
		{"fuel", rewrite.Options{Fuel: &rewrite.Fuel{Initial: 1}}},
		{"everything", rewrite.Options{
			Fuel: &rewrite.Fuel{Initial: 1, Entries: true}, MaxTable: 10, MaxMemoryPages: 1, KeepNames: true, ExportGlobals: true,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHost(t, wazero.NewRuntimeConfig())
			noted := 0
			_, err := h.NewHostModuleBuilder("env").NewFunctionBuilder().
				WithFunc(func() { noted++ }).Export("note").Instantiate(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			out, _ := mustRewrite(t, indexModule(), tc.opts)
			m := h.instantiate(t, out)
			for i := range uint64(8) {
				if got := call(t, m, "call", i); got != i+1 {
					t.Errorf("entry %d holds function %d, want %d", i, got, i+1)
				}
			}
			for _, i := range []uint64{8, 9} {
				if got := call(t, m, "call", i); got != 9 {
					t.Errorf("entry %d holds function %d, want 9", i, got)
				}
			}
			if tail, one := call(t, m, "tail"), call(t, m, "one"); tail != 1 || one != 1 || noted != 1 {
				t.Errorf("tail call %d, export %d, %d calls of the import, want 1, 1, 1", tail, one, noted)
			}
		})
	}
}

func TestEmptyModuleGetsSections(t *testing.T) {
	h := newHost(t, wazero.NewRuntimeConfig())
	out, _ := mustRewrite(t, wasmModule(), rewrite.Options{Fuel: &rewrite.Fuel{Initial: 123456}})
	if got := h.instantiate(t, out).ExportedGlobal(rewrite.FuelExport).Get(); got != 123456 {
		t.Errorf("fuel is %d, want 123456", got)
	}
}

func TestTablesAreBounded(t *testing.T) {
	table := func(limits ...byte) []byte { return append([]byte{0x70}, limits...) }
	grow := func(table byte) []byte { return body(nil, 0xd0, 0x70, 0x20, 0, 0xfc, 0x0f, table, 0x0b) }
	for _, tc := range []struct {
		name   string
		tables [][]byte
		max    uint32
		grown  []int32 // what growing each table by 5 and then by 1 gives
		refuse string
	}{
		{"no bound", [][]byte{table(0, 2)}, 0, []int32{2, 7}, ""},
		{"a bound", [][]byte{table(0, 2)}, 7, []int32{2, -1}, ""},
		{"a larger maximum", [][]byte{table(1, 2, 100)}, 7, []int32{2, -1}, ""},
		{"a smaller maximum", [][]byte{table(1, 2, 3)}, 7, []int32{-1, 2}, ""},
		{"two share", [][]byte{table(0, 2), table(0, 3)}, 15, []int32{2, -1, 3, -1}, ""},
		{"minimum at the bound", [][]byte{table(0, 7)}, 7, []int32{-1, -1}, ""},
		{"minimum above the bound", [][]byte{table(0, 8)}, 7, nil, "tables begin with 8 entries, at most 7 are allowed"},
		{"minimums above the bound", [][]byte{table(0, 4), table(0, 4)}, 7, nil, "tables begin with 8 entries"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHost(t, wazero.NewRuntimeConfig())
			wasm := wasmModule(
				section(1, funcType(i32, i32)),
				section(3, []byte{0}, []byte{0}),
				section(4, tc.tables...),
				section(7, exported("grow0", 0, 0), exported("grow1", 0, 1)),
				section(10, grow(0), grow(byte(len(tc.tables)-1))))
			out, _, err := rewrite.Rewrite(wasm, rewrite.Options{MaxTable: tc.max})
			if tc.refuse != "" {
				wantError(t, err, tc.refuse)
				return
			} else if err != nil {
				t.Fatal(err)
			}
			m := h.instantiate(t, out)
			for i, want := range tc.grown {
				by := uint64(5 - 4*(i%2))
				if got := int32(call(t, m, fmt.Sprintf("grow%d", i/2), by)); got != want {
					t.Errorf("growing table %d by %d gives %d, want %d", i/2, by, got, want)
				}
			}
		})
	}
}

func TestImportedTableIsBounded(t *testing.T) {
	h := newHost(t, wazero.NewRuntimeConfig())
	owner := wasmModule(section(4, []byte{0x70, 1, 2, 5}), section(7, exported("t", 1, 0)))
	out, _ := mustRewrite(t, owner, rewrite.Options{MaxTable: 4})
	if _, err := h.InstantiateWithConfig(t.Context(), out, wazero.NewModuleConfig().WithName("owner")); err != nil {
		t.Fatal(err)
	}
	user, _ := mustRewrite(t, wasmModule(section(2, imported("owner", "t", 1, 0x70, 0, 2))), rewrite.Options{MaxTable: 3})
	_, err := h.Instantiate(t.Context(), user)
	wantError(t, err, "maximum size mismatch: 3 < 4") // the import's maximum is 3 now
}

func TestMemoryIsBounded(t *testing.T) {
	for _, tc := range []struct {
		name   string
		limits []byte
		max    uint32
		grown  int32 // what growing by 2 pages gives
		refuse string
	}{
		{"no bound", []byte{0, 1}, 0, 1, ""},
		{"a bound", []byte{0, 1}, 2, -1, ""},
		{"room up to the bound", []byte{0, 1}, 3, 1, ""},
		{"a larger maximum", []byte{1, 1, 9}, 2, -1, ""},
		{"a smaller maximum", []byte{1, 1, 2}, 9, -1, ""},
		{"minimum above the bound", []byte{0, 3}, 2, 0, "memory begins with 3 pages, at most 2 are allowed"},
		{"64 bits", []byte{4, 1}, 2, 0, "limits of kind 0x4 are not supported"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHost(t, wazero.NewRuntimeConfig())
			wasm := wasmModule(
				section(1, funcType("", i32)),
				section(3, []byte{0}),
				section(5, tc.limits),
				section(7, exported("grow", 0, 0)),
				section(10, body(nil, 0x41, 2, 0x40, 0, 0x0b)))
			out, _, err := rewrite.Rewrite(wasm, rewrite.Options{MaxMemoryPages: tc.max})
			if tc.refuse != "" {
				wantError(t, err, tc.refuse)
				return
			} else if err != nil {
				t.Fatal(err)
			}
			if got := int32(call(t, h.instantiate(t, out), "grow")); got != tc.grown {
				t.Errorf("growing gives %d, want %d", got, tc.grown)
			}
		})
	}
}

func TestExportGlobals(t *testing.T) {
	h := newHost(t, wazero.NewRuntimeConfig())
	wasm := wasmModule(section(6,
		[]byte{0x7f, 1, 0x41, 5, 0x0b},
		[]byte{0x7f, 0, 0x41, 6, 0x0b}, // constant
		[]byte{0x7e, 1, 0x42, 7, 0x0b}))
	out, _ := mustRewrite(t, wasm, rewrite.Options{ExportGlobals: true, Fuel: &rewrite.Fuel{Initial: 9}})
	names, err := rewrite.GlobalExports(out)
	if want := []string{"__wz_g0", "__wz_g2"}; err != nil || !slices.Equal(names, want) {
		t.Fatalf("globals %v, %v, want %v", names, err, want)
	}
	m := h.instantiate(t, out)
	for name, want := range map[string]uint64{"__wz_g0": 5, "__wz_g2": 7, rewrite.FuelExport: 9} {
		if got := m.ExportedGlobal(name).Get(); got != want {
			t.Errorf("%s = %d, want %d", name, got, want)
		}
	}
}

// TestFunctions exports a function that a module keeps to itself.
func TestFunctions(t *testing.T) {
	wasm := wasmModule(
		section(1, funcType("", i32)), section(2, imported("env", "three", 0, 0)), section(3, []byte{0}),
		section(10, body(nil, 0x10, 0, 0x41, 4, 0x6a, 0x0b)))
	h := newHost(t, wazero.NewRuntimeConfig())
	_, err := h.NewHostModuleBuilder("env").NewFunctionBuilder().WithFunc(func() uint32 { return 3 }).Export("three").Instantiate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out, _ := mustRewrite(t, wasm, rewrite.Options{Fuel: &rewrite.Fuel{}, Functions: map[string]uint32{"own": 1, "theirs": 0}})
	m := h.instantiate(t, out)
	if got := call(t, m, "own"); got != 7 {
		t.Errorf("own gives %d", got)
	}
	if got := call(t, m, "theirs"); got != 3 {
		t.Errorf("theirs gives %d", got)
	}
	_, _, err = rewrite.Rewrite(wasm, rewrite.Options{Functions: map[string]uint32{"none": 2}})
	wantError(t, err, "no function 2")
}

// TestImagePages makes a module that begins with a memory from somewhere else.
func TestImagePages(t *testing.T) {
	data := func(kind ...byte) []byte { return append(kind, str("text")...) }
	active := data(0, 0x41, 8, 0x0b)
	module := func(memory []byte, data []byte, code ...byte) []byte {
		return wasmModule(
			section(1, funcType("", i32), funcType("", "")), section(3, []byte{0}, []byte{1}), section(4, []byte{0x70, 0, 3}), section(5, memory),
			section(7, exported("size", 0, 0), exported("memory", 2, 0)), rawSection(8, []byte{1}), rawSection(12, []byte{1}),
			section(10, body(nil, 0x3f, 0, 0x0b), body(nil, append(code, 0x00, 0x0b)...)), section(11, data))
	}
	for _, tc := range []struct {
		name   string
		wasm   []byte
		refuse string
	}{
		{"one page before", module([]byte{0, 1}, active), ""},
		{"as many as the module's own", module([]byte{1, 4, 4}, active), ""},
		{"fewer than the module's own", module([]byte{0, 5}, active), "the memory begins with 5 pages"},
		{"more than the module may have", module([]byte{1, 1, 3}, active), "at most 3 pages"},
		{"passive data", module([]byte{0, 1}, data(1)), "passive data segment"},
		{"empty passive data", module([]byte{0, 1}, []byte{1, 0}), ""},
		{"data that the code names", module([]byte{0, 1}, active, 0xfc, 9, 0), ""},
		{"a table that changes", module([]byte{0, 1}, active, 0x41, 0, 0xd0, 0x70, 0x26, 0), "changes its tables"},
		{"a table that grows", module([]byte{0, 1}, active, 0xd0, 0x70, 0x41, 1, 0xfc, 15, 0, 0x1a), "changes its tables"},
		{"no memory", wasmModule(section(1, funcType("", ""))), "one memory"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out, _, err := rewrite.Rewrite(tc.wasm, rewrite.Options{ImagePages: 4})
			if tc.refuse != "" {
				wantError(t, err, tc.refuse)
				return
			} else if err != nil {
				t.Fatal(err)
			}
			// Its start function would trap.
			m := newHost(t, wazero.NewRuntimeConfig()).instantiate(t, out)
			if got := call(t, m, "size"); got != 4 {
				t.Errorf("it begins with %d pages", got)
			}
			if b, _ := m.Memory().Read(8, 4); string(b) != "\x00\x00\x00\x00" {
				t.Errorf("the memory has %q", b)
			}
		})
	}
}

func TestNames(t *testing.T) {
	names := customSection("name", slices.Concat(
		rawSection(0, str("program")),
		section(1, append([]byte{0}, str("broken")...)),
		section(2))...)
	wasm := wasmModule(
		section(1, funcType("", "")), section(3, []byte{0}), section(7, exported("run", 0, 0)),
		section(10, body(nil, 0x00, 0x0b)), names, customSection("producers", 1, 2, 3))
	for _, tc := range []struct {
		name string
		keep bool
		in   []byte
		want string
	}{
		{"kept", true, wasm, "program.broken("},
		{"stripped", false, wasm, ".$1("},
		{"malformed", true, append(wasm[:len(wasm):len(wasm)], customSection("name", 1, 9)...), ".$1("},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHost(t, wazero.NewRuntimeConfig())
			out, _ := mustRewrite(t, tc.in, rewrite.Options{KeepNames: tc.keep, Fuel: &rewrite.Fuel{}})
			if bytes.Contains(out, []byte("producers")) {
				t.Error("another custom section is still there")
			}
			_, err := h.instantiate(t, out).ExportedFunction("run").Call(t.Context())
			wantError(t, err, tc.want)
		})
	}
}

func wantError(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v, want %q in it", err, text)
	}
}

// TestDataIsMerged looks at the memory that a module's data gives.
func TestDataIsMerged(t *testing.T) {
	at := func(offset int, text string) []byte {
		return slices.Concat([]byte{0, 0x41, byte(offset)&0x7f | 0x80, byte(offset >> 7), 0x0b}, str(text))
	}
	module := func(code []byte, segments ...[]byte) []byte {
		n := byte(len(segments))
		return wasmModule(section(1, funcType("", "")), section(3, []byte{0}), section(5, []byte{0, 1}), section(7, exported("memory", 2, 0)),
			rawSection(12, []byte{n}), section(10, body(nil, append(code, 0x0b)...)), section(11, segments...))
	}
	for _, tc := range []struct {
		name     string
		wasm     []byte
		want     string // the memory without its zeros
		segments int
	}{
		{"close together", module(nil, at(8, "a"), at(9, "b"), at(200, "c")), "abc", 1},
		{"far apart", module(nil, at(8, "a"), at(2000, "b"), at(2001, "c")), "abc", 2},
		{"empty ones", module(nil, at(8, ""), at(8, "a"), at(9, ""), at(9, "b")), "ab", 1},
		{"one over another", module(nil, at(8, "abc"), at(9, "x")), "axc", 2},
		{"out of order", module(nil, at(90, "b"), at(8, "a")), "ab", 2},
		{"named by the code", module([]byte{0xfc, 9, 0}, at(8, "a"), at(9, "b")), "ab", 2},
		{"a passive one", module(nil, at(8, "a"), append([]byte{1}, str("p")...)), "a", 2},
		{"none", module(nil), "", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out, _ := mustRewrite(t, tc.wasm, rewrite.Options{})
			b, _ := newHost(t, wazero.NewRuntimeConfig()).instantiate(t, out).Memory().Read(0, 1<<16)
			if got := strings.ReplaceAll(string(b), "\x00", ""); got != tc.want {
				t.Errorf("the memory has %q, want %q", got, tc.want)
			}
			if got := dataSegments(out); got != tc.segments {
				t.Errorf("%d segments, want %d", got, tc.segments)
			}
		})
	}
}

// dataSegments returns how many data segments a small module has.
func dataSegments(wasm []byte) int {
	for at := 8; at < len(wasm); at += 2 + int(wasm[at+1]) {
		if wasm[at] == 11 {
			return int(wasm[at+2])
		}
	}
	return 0
}
