package vm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync"
)

// wasmPage is the unit in which WebAssembly memories grow.
const wasmPage = 64 << 10

// DefaultMaxMemory is the ceiling on any guest's memory when Config does not set one.
const DefaultMaxMemory = 1 << 30

// Config configures a Host.
type Config struct {
	// CacheDir keeps rewritten and compiled modules between starts. It holds
	// machine code that this process executes, so it is made private to the
	// user. One Host may use it at a time. Required.
	CacheDir string

	// CPUs is how many guests may execute at the same moment, and how many
	// threads compile a module. 0 means runtime.NumCPU.
	CPUs int

	// MaxMemoryBytes bounds the memory of every guest, whatever its run allows.
	// 0 means DefaultMaxMemory.
	MaxMemoryBytes int64

	// Log receives faults of the host. nil means slog.Default.
	Log *slog.Logger
}

// Host loads modules and shares the CPUs among their runs. It is safe for
// concurrent use.
type Host struct {
	cfg  Config
	gate *gate

	mu      sync.Mutex
	modules map[string]*loading   // by cache key
	imaged  []*Module             // by LoadImage
	kept    map[string]*keptImage // by key
}

// New prepares the cache folder. Guest code holds on to its Go processor (P)
// until its next tick, so New raises GOMAXPROCS to twice cfg.CPUs where it is
// lower: the server's own goroutines keep processors that no guest can take, and
// the kernel shares the CPUs among the threads.
func New(cfg Config) (*Host, error) {
	if cfg.CPUs <= 0 {
		cfg.CPUs = runtime.NumCPU()
	}
	if cfg.MaxMemoryBytes <= 0 {
		cfg.MaxMemoryBytes = DefaultMaxMemory
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.CacheDir == "" {
		return nil, errors.New("vm: a cache folder is required")
	}
	if err := makePrivate(cfg.CacheDir); err != nil {
		return nil, fmt.Errorf("prepare the module cache: %w", err)
	}
	if want := 2 * cfg.CPUs; runtime.GOMAXPROCS(0) < want {
		runtime.GOMAXPROCS(want)
	}
	return &Host{cfg: cfg, gate: newGate(cfg.CPUs), modules: map[string]*loading{}, kept: map[string]*keptImage{}}, nil
}

func makePrivate(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.Chmod(dir, 0o700)
}

// Close releases all modules. No run and no Load may be going on.
func (h *Host) Close(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.imaged {
		m.ready.close()
		m.slots.close()
	}
	h.imaged, h.kept = nil, nil
	var errs []error
	for key, l := range h.modules {
		if l.module != nil {
			errs = append(errs, l.module.close(ctx))
		}
		delete(h.modules, key)
	}
	return errors.Join(errs...)
}

// CPUs returns how many guests may execute at the same moment.
func (h *Host) CPUs() int { return h.cfg.CPUs }
