package vm

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"sandpiper/runtimes/wasm/rewrite"
)

// A module whose machine code is in the cache has no use for the code of its
// functions, but wazero decodes and validates all of it before it looks there, and
// keeps it. So the cache has such a module in a form without code, and its machine code
// under the name that wazero gives to that of this form. It costs a third less to load
// and some megabytes less to keep.

// hollowFolder is where a module's cache folder has the hollow form: the module and, in
// a folder of wazero's, its machine code.
const hollowFolder = "hollow"

// moduleFile is a module's rewritten form, or its hollow one, in their folders.
const moduleFile = "module.wasm"

// loadHollow takes a module from its cache folder, or returns nil when it is not there
// for this machine, or damaged: it is made again then.
func (h *Host) loadHollow(ctx context.Context, name, dir, key string, opts LoadOptions) (*Module, error) {
	dir = filepath.Join(dir, hollowFolder)
	hollow, err := os.ReadFile(filepath.Join(dir, moduleFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("read the hollow module: %w", err)
	}
	m, err := h.open(ctx, name, dir, key, opts)
	if err != nil {
		return nil, err
	}
	// The machine code of another processor has another name. What wazero does not find
	// it makes, and from this form that would be of no use; so its context has ended,
	// which stops a compilation at its first function and nothing else.
	over, cancel := context.WithCancel(experimental.WithCompilationWorkers(ctx, 2))
	cancel()
	err = m.finish(over, hollow, opts)
	if err == nil {
		return m, nil
	}
	if !errors.Is(err, context.Canceled) {
		h.cfg.Log.Warn("a module in the cache cannot be used and is made again", "module", name, "error", err)
	}
	return nil, errors.Join(context.Cause(ctx), m.close(ctx))
}

// hollowOut gives the cache folder of a compiled module the hollow form, in place of
// the whole one.
func hollowOut(ctx context.Context, dir string, rewritten []byte) error {
	whole, err := machineCode(dir)
	if err != nil {
		return err
	}
	hollow, err := rewrite.Hollow(rewritten)
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp(dir, "new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	if err := compileInto(ctx, scratch, hollow); err != nil {
		return err
	}
	name, err := machineCode(scratch)
	if err != nil {
		return err
	}
	target := filepath.Join(dir, hollowFolder, name)
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(dir, whole), target); err != nil {
		return err
	}
	if err := writeWhole(filepath.Join(dir, hollowFolder, moduleFile), hollow); err != nil {
		return err
	}
	return os.Remove(filepath.Join(dir, moduleFile))
}

// compileInto leaves the machine code of a module in a folder.
func compileInto(ctx context.Context, dir string, wasm []byte) error {
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		return err
	}
	runtime := wazero.NewRuntimeWithConfig(ctx, compilerConfig(cache))
	_, err = runtime.CompileModule(ctx, wasm)
	return errors.Join(err, runtime.Close(ctx), cache.Close(ctx))
}

// machineCode returns the one file of machine code that wazero has in a folder,
// relative to it. The names of those that it has not finished have dots.
func machineCode(dir string) (string, error) {
	found, err := fs.Glob(os.DirFS(dir), "wazero-*/*")
	if err != nil {
		return "", err
	}
	found = slices.DeleteFunc(found, func(name string) bool { return strings.Contains(path.Base(name), ".") })
	if len(found) != 1 {
		return "", fmt.Errorf("there are %d files of machine code, not one", len(found))
	}
	return found[0], nil
}
