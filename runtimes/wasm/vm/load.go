package vm

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"sandpiper/runtimes/wasm/rewrite"
)

// Bounds that every module gets.
const (
	// tickFuel is how many loop headers a guest passes between two ticks: about
	// a millisecond of an interpreter's time.
	tickFuel = 50_000

	// maxTable bounds a module's tables, which are outside its memory limit.
	// The largest runtime that we ship has 18,000 entries.
	maxTable = 100_000
)

// Bounds on untrusted modules. The compilation of a function cannot be
// interrupted, and its time grows faster than the function.
const (
	maxUntrustedBody   = 256 << 10  // bytes; the largest function of CRuby has 199 KB
	maxUntrustedCode   = 64 << 20   // bytes
	maxUntrustedFunc   = 200_000    // functions
	maxUntrustedEffort = 20_000_000 // see rewrite.Info; CRuby's is 17 million
)

// keepUnused is how long Prune leaves alone what nobody asks for.
const keepUnused = 30 * 24 * time.Hour

// LoadOptions says what a module is.
type LoadOptions struct {
	// Untrusted is for modules that are not ours. They get fuel checks at
	// function entries too, since nothing else bounds their recursion, and are
	// refused when they look as if compiling them would take too long.
	Untrusted bool

	// Imports adds the host modules that the guest may import besides WASI
	// preview 1: each function adds host functions to the module of that name.
	// Host functions find their run with Current and must check every argument:
	// it comes from the guest. The upper half of an i32 argument is undefined,
	// so it is read with api.DecodeU32 or a conversion to uint32.
	Imports map[string]func(wazero.HostModuleBuilder)

	// Images is for modules of which Run.Capture takes images.
	Images bool

	// Functions exports functions that the module keeps to itself, by their
	// indexes in it.
	Functions map[string]uint32

	// Folder, when set, keeps the forms of this module instead of Config.CacheDir,
	// for a caller that prunes it. It holds machine code that will be executed.
	Folder string

	imagePages uint32 // see LoadImage
}

// loading is a module that has been asked for.
type loading struct {
	mu     sync.Mutex // held while it is loaded
	module *Module    // nil until then
}

// Load rewrites and compiles a module, or takes both from the cache folder. name
// is for messages. Loading the same module with the same options again returns
// the same Module, with the imports of the first call. It may take many seconds
// of CPU time; ctx interrupts the compilation between two functions. An error is
// the caller's alone: it may be that of ctx, or of a disk that is full now, so the
// next call tries again.
func (h *Host) Load(ctx context.Context, name string, source Source, opts LoadOptions) (*Module, error) {
	ropts := opts.rewriting()
	key := cacheKey(source, ropts)
	h.mu.Lock()
	l := h.modules[key]
	if l == nil {
		l = &loading{}
		h.modules[key] = l
	}
	h.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.module == nil {
		m, err := h.load(ctx, name, source, opts, ropts, key)
		if err != nil {
			return nil, fmt.Errorf("load %s: %w", name, err)
		}
		l.module = m
	}
	return l.module, nil
}

func (h *Host) load(ctx context.Context, name string, source Source, opts LoadOptions, ropts rewrite.Options, key string) (*Module, error) {
	dir, err := h.openFolder(cmp.Or(opts.Folder, h.cfg.CacheDir), key)
	if err != nil {
		return nil, err
	}
	if m, err := h.loadHollow(ctx, name, dir, key, opts); m != nil || err != nil {
		return m, err
	}
	rewritten, err := rewriteCached(filepath.Join(dir, moduleFile), source, opts.Untrusted, ropts)
	if err != nil {
		return nil, err
	}
	m, err := h.open(ctx, name, dir, key, opts)
	if err != nil {
		return nil, err
	}
	// With one worker the compilation could not be cancelled.
	workers := experimental.WithCompilationWorkers(ctx, max(2, h.cfg.CPUs))
	if err := m.finish(workers, rewritten, opts); err != nil {
		return nil, errors.Join(err, m.close(ctx))
	}
	if !opts.Untrusted { // which are small, and many
		if err := hollowOut(workers, dir, rewritten); err != nil && ctx.Err() == nil {
			h.cfg.Log.Warn("a module stays whole in the cache", "module", name, "error", err)
		}
	}
	return m, nil
}

// openFolder makes a cache's folder for key, or marks it as used.
func (h *Host) openFolder(cache, key string) (string, error) {
	dir := filepath.Join(cache, key)
	if err := makePrivate(dir); err != nil {
		return "", fmt.Errorf("create its cache folder: %w", err)
	}
	if now := time.Now(); os.Chtimes(dir, now, now) != nil { // Prune goes by it
		h.cfg.Log.Warn("cannot mark a cache entry as used", "folder", dir)
	}
	return dir, nil
}

// Unload releases a module that no run uses now or later.
func (h *Host) Unload(ctx context.Context, m *Module) error {
	h.mu.Lock()
	delete(h.modules, m.key)
	h.mu.Unlock()
	return m.close(ctx)
}

// rewriteCached returns the rewritten module from the file, or writes it there.
func rewriteCached(file string, source Source, untrusted bool, opts rewrite.Options) ([]byte, error) {
	if b, err := os.ReadFile(file); err == nil {
		return b, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the rewritten module: %w", err)
	}
	wasm, err := source.binary()
	if err != nil {
		return nil, err
	}
	out, info, err := rewrite.Rewrite(wasm, opts)
	if err != nil {
		return nil, err
	}
	if untrusted {
		if err := checkSize(info); err != nil {
			return nil, err
		}
	}
	if err := writeWhole(file, out); err != nil {
		return nil, fmt.Errorf("keep the rewritten module: %w", err)
	}
	return out, nil
}

// writeWhole writes a file so that other readers and writers of it see all of
// it or nothing.
func writeWhole(file string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), "new-")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// checkSize refuses modules that would keep the compiler busy for too long.
func checkSize(info rewrite.Info) error {
	switch {
	case info.LargestBody > maxUntrustedBody:
		return fmt.Errorf("a function has %d bytes of code, at most %d are possible", info.LargestBody, maxUntrustedBody)
	case info.CodeBytes > maxUntrustedCode:
		return fmt.Errorf("the module has %d bytes of code, at most %d are possible", info.CodeBytes, maxUntrustedCode)
	case info.Effort > maxUntrustedEffort:
		return errors.New("compiling the module would take too long: it has functions with too many loops, or too many blocks and locals")
	case info.Functions > maxUntrustedFunc:
		return fmt.Errorf("the module has %d functions, at most %d are possible", info.Functions, maxUntrustedFunc)
	}
	return nil
}

func (o LoadOptions) rewriting() rewrite.Options {
	return rewrite.Options{
		Fuel:          &rewrite.Fuel{Initial: tickFuel, Entries: o.Untrusted},
		MaxTable:      maxTable,
		ExportGlobals: o.Images || o.imagePages > 0,
		Functions:     o.Functions,
		ImagePages:    o.imagePages,
	}
}

// cacheKey names the folder of a module's rewritten and compiled forms.
func cacheKey(source Source, opts rewrite.Options) string {
	h := sha256.New()
	fmt.Fprintf(h, "wazero %s; rewrite %s; %s; %s", wazeroVersion(), rewrite.Version, opts.Key(), source.Hash)
	return hex.EncodeToString(h.Sum(nil))
}

// wazeroVersion is the version of wazero in this binary: compiled modules are
// of use to no other.
func wazeroVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if d.Path == "github.com/tetratelabs/wazero" {
				return d.Version
			}
		}
	}
	return "unknown"
}

// Prune removes from the cache folder what no Load has asked for in the last 30
// days: the remains of older versions. The time lets several programs, such as
// tests, share a folder.
func (h *Host) Prune() error {
	entries, err := os.ReadDir(h.cfg.CacheDir)
	if err != nil {
		return fmt.Errorf("prune the module cache: %w", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var errs []error
	for _, e := range entries {
		if _, err := hex.DecodeString(e.Name()); err != nil || len(e.Name()) != 2*sha256.Size || h.modules[e.Name()] != nil {
			continue
		}
		info, err := e.Info()
		if err != nil || time.Since(info.ModTime()) < keepUnused {
			continue
		}
		errs = append(errs, os.RemoveAll(filepath.Join(h.cfg.CacheDir, e.Name())))
	}
	return errors.Join(errs...)
}

// Version names the form of compiled modules: those of another version are of no
// use, whatever they are modules of.
func Version() string {
	bounds := LoadOptions{Untrusted: true}.rewriting()
	return "wazero " + wazeroVersion() + "; rewrite " + rewrite.Version + "; " + bounds.Key()
}
