package vm_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sandpiper/runtimes/wasm/vm"
	. "sandpiper/runtimes/wasm/wasmtest"
	"sandpiper/sandbox"
)

// TestHollow holds that a module is loaded without its binary and without its code when
// the cache has its machine code, and with both when it has not.
func TestHollow(t *testing.T) {
	cache := t.TempDir()
	wasm := Command("", append(I32(7), Call(0)...), WASI("proc_exit", "i"))
	exits := func(source vm.Source) {
		t.Helper()
		h := newHostWith(t, vm.Config{CacheDir: cache})
		m, err := h.Load(t.Context(), "test", source, vm.LoadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if res := m.Run(t.Context(), vm.RunConfig{Limits: limits}, vm.Start); res.Status != sandbox.StatusError || res.ExitCode != 7 {
			t.Errorf("it ended with %+v", res.Outcome)
		}
	}
	unread := vm.Binary(wasm)
	unread.Read = func() ([]byte, error) { return nil, errors.New("the binary was read") }

	exits(vm.Binary(wasm))
	exits(unread)
	code, _ := filepath.Glob(filepath.Join(cache, "*", "hollow", "wazero-*", "*"))
	if whole, _ := filepath.Glob(filepath.Join(cache, "*", "module.wasm")); len(code) != 1 || len(whole) != 0 {
		t.Fatalf("the cache has machine code in %q, and whole modules in %q", code, whole)
	}

	// As it is after a move to another processor.
	if err := os.Rename(code[0], code[0][:len(code[0])-1]+"x"); err != nil {
		t.Fatal(err)
	}
	h := newHostWith(t, vm.Config{CacheDir: cache})
	if _, err := h.Load(t.Context(), "test", unread, vm.LoadOptions{}); err == nil || !strings.Contains(err.Error(), "the binary was read") {
		t.Errorf("without machine code: %v", err)
	}
	exits(vm.Binary(wasm))
	exits(unread)

	code, _ = filepath.Glob(filepath.Join(cache, "*", "hollow", "wazero-*", "*"))
	for _, file := range code {
		if err := os.WriteFile(file, []byte("damaged"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	exits(vm.Binary(wasm))
	exits(unread)
}

// TestAnotherBinary refuses a binary that is not the one it is said to be.
func TestAnotherBinary(t *testing.T) {
	source := vm.Binary(Command("", nil))
	source.Read = func() ([]byte, error) { return Command("other", nil), nil }
	if _, err := newHost(t).Load(t.Context(), "test", source, vm.LoadOptions{}); err == nil || !strings.Contains(err.Error(), "SHA-256") {
		t.Errorf("it was loaded: %v", err)
	}
}
