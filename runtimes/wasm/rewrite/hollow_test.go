package rewrite_test

import (
	"testing"

	"github.com/tetratelabs/wazero"

	"sandpiper/runtimes/wasm/rewrite"
)

// TestHollow makes modules hollow: all is there but what the functions do.
func TestHollow(t *testing.T) {
	wasm := wasmModule(
		section(1, funcType("", i32), funcType("", "")), section(3, []byte{0}, []byte{1}), section(5, []byte{0, 1}),
		section(7, exported("seven", 0, 0), exported("memory", 2, 0)), rawSection(8, []byte{1}),
		section(10, body(nil, 0x41, 7, 0x0b), body(nil, 0x0b)), section(11, append([]byte{0, 0x41, 8, 0x0b}, str("text")...)))
	wasm, _ = mustRewrite(t, wasm, rewrite.Options{Fuel: &rewrite.Fuel{}})
	out, err := rewrite.Hollow(wasm)
	if err != nil {
		t.Fatal(err)
	}
	m, err := wazero.NewRuntime(t.Context()).CompileModule(t.Context(), out)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.ExportedFunctions()) != 1 || len(m.ExportedMemories()) != 1 {
		t.Errorf("functions %v, memories %v", m.ExportedFunctions(), m.ExportedMemories())
	}
	if again, err := rewrite.Hollow(out); err != nil || string(again) != string(out) {
		t.Errorf("hollowed once more: %v", err)
	}
}

// FuzzHollow holds that what is compiled is compiled hollow as well.
func FuzzHollow(f *testing.F) {
	for _, wasm := range seeds() {
		f.Add(wasm)
	}
	f.Fuzz(func(t *testing.T, wasm []byte) {
		rewritten, _, err := rewrite.Rewrite(wasm, rewrite.Options{MaxTable: 10, MaxMemoryPages: 10})
		if err != nil {
			return
		}
		hollow, err := rewrite.Hollow(rewritten)
		if err != nil {
			t.Fatal(err)
		}
		rt := wazero.NewRuntimeWithConfig(t.Context(), wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(allFeatures))
		defer rt.Close(t.Context())
		if _, err := rt.CompileModule(t.Context(), rewritten); err != nil {
			return
		}
		if _, err := rt.CompileModule(t.Context(), hollow); err != nil {
			t.Errorf("valid whole, not valid hollow: %v", err)
		}
	})
}
