package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// The smallest module, and a custom section as compilers add them.
const (
	emptyModule   = "\x00asm\x01\x00\x00\x00"
	customSection = "\x00\x05\x04name"
)

func TestRecipeMakesOnceAndAgainWhenInputsChange(t *testing.T) {
	builds, inputs := 0, "one"
	r := recipe{
		name:   "thing",
		inputs: func(context.Context) (string, error) { return inputs, nil },
		build:  func(context.Context) ([]byte, error) { builds++; return []byte(emptyModule + customSection), nil },
	}
	folder := t.TempDir()
	steps := []struct {
		name   string
		before func()
		builds int
	}{
		{"first", func() {}, 1},
		{"nothing changed", func() {}, 1},
		{"inputs changed", func() { inputs = "two" }, 2},
		{"module deleted", func() { os.Remove(filepath.Join(folder, "thing.wasm.zst")) }, 3},
		{"key deleted", func() { os.Remove(filepath.Join(folder, "thing.key")) }, 4},
	}
	for _, s := range steps {
		s.before()
		if _, err := r.make(t.Context(), folder); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		if builds != s.builds {
			t.Errorf("%s: %d builds, want %d", s.name, builds, s.builds)
		}
	}
	if got := unpack(t, filepath.Join(folder, "thing.wasm.zst")); string(got) != emptyModule {
		t.Errorf("module holds %q, want it without its custom section", got)
	}
}

func unpack(t *testing.T, path string) []byte {
	t.Helper()
	packed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	b, err := d.DecodeAll(packed, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRecipeRefusesWhatIsNoModule(t *testing.T) {
	r := recipe{
		name:   "thing",
		inputs: func(context.Context) (string, error) { return "", nil },
		build:  func(context.Context) ([]byte, error) { return []byte("<html>not found</html>"), nil },
	}
	folder := t.TempDir()
	if _, err := r.make(t.Context(), folder); err == nil {
		t.Error("no error")
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestPublishedChecksTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.wasm")
	content := []byte("the examined file")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	good := published("x", path, digest(content))
	if got, err := good.build(t.Context()); err != nil || !bytes.Equal(got, content) {
		t.Errorf("the pinned file: %q, %v", got, err)
	}
	if _, err := published("x", path, digest([]byte("another"))).build(t.Context()); err == nil || !strings.Contains(err.Error(), "pinned") {
		t.Errorf("another file: error %v", err)
	}
	if _, err := published("x", path+".gone", "").inputs(t.Context()); err == nil || !strings.Contains(err.Error(), "make setup") {
		t.Errorf("a missing file: error %v", err)
	}
}
