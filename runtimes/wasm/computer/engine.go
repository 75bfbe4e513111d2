package computer

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"time"

	"sandpiper/runtimes/wasm/jail"
	"sandpiper/runtimes/wasm/program"
	"sandpiper/sandbox"
	"sandpiper/sandbox/guest"
)

// Ref is what sandboxes with nothing in them start from.
const Ref = "wasm"

// Isolation is what a WebAssembly sandbox is kept apart by, for people.
const Isolation = "WebAssembly"

// Toolbox answers a sandbox's toolbox port.
type Toolbox interface {
	http.Handler
	Close()
}

// Config configures an Engine. Zero fields mean the default.
type Config struct {
	Dir       string         // holds the sandboxes, snapshots and archives. Required
	Languages program.Engine // runs programs. Required

	// NewToolbox makes what answers the toolbox port of the sandbox that spec
	// describes, and asks its callers for spec.Token. Required.
	NewToolbox func(g guest.Guest, spec sandbox.Spec) Toolbox

	// Git carries out the command git and returns its exit code. nil for none.
	Git func(ctx context.Context, c GitCall) int

	Version      string // of the server
	Spares       int    // shells and folders that are kept ready, more while many are taken; default 2, below 0 for none
	MaxShells    int    // that live at a time, in all sandboxes; default 256
	MaxProcesses int    // of one sandbox at a time; default 64
	MaxEach      sandbox.Resources

	Log *slog.Logger
}

// Engine holds the WebAssembly sandboxes of a folder. It implements
// sandbox.Engine and its powers but Networker: there is no network.
type Engine struct {
	cfg    Config
	disk   *disk
	spares *spares
	stocks sync.WaitGroup // what keeps blanks
	cancel context.CancelFunc

	mu    sync.Mutex
	boxes map[string]*box // those that calls are about, and those that are started
}

var (
	_ sandbox.Engine      = (*Engine)(nil)
	_ sandbox.Pauser      = (*Engine)(nil)
	_ sandbox.Resizer     = (*Engine)(nil)
	_ sandbox.Archiver    = (*Engine)(nil)
	_ sandbox.Forker      = (*Engine)(nil)
	_ sandbox.Snapshotter = (*Engine)(nil)
)

// box is a sandbox. Its lock is held by whoever changes its life.
type box struct {
	mu      sync.Mutex
	machine *machine // nil while it is not started
	users   int      // calls that hold or wait for mu; guarded by Engine.mu
}

// New opens the folder and removes what was left half made or half removed. The
// caller must Close the engine. One engine may use a folder at a time.
func New(cfg Config) (*Engine, error) {
	if cfg.Languages == nil || cfg.NewToolbox == nil {
		return nil, errors.New("computer: languages and a toolbox are required")
	}
	cfg = cfg.withDefaults()
	d, err := openDisk(cfg.Dir, max(0, cfg.Spares), cfg.Log)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	e := &Engine{cfg: cfg, disk: d, cancel: cancel, spares: newSpares(ctx, max(0, cfg.Spares), cfg.MaxShells, cfg.Log), boxes: map[string]*box{}}
	e.stocks.Go(func() { d.blanks.keep(ctx) })
	return e, nil
}

func (c Config) withDefaults() Config {
	if c.Spares == 0 {
		c.Spares = 2
	}
	if c.MaxShells == 0 {
		c.MaxShells = 256
	}
	if c.MaxProcesses == 0 {
		c.MaxProcesses = 64
	}
	if c.Git == nil {
		c.Git = noGit
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Version == "" {
		c.Version = "development"
	}
	host := hostResources(c.Dir)
	if c.MaxEach == (sandbox.Resources{}) {
		c.MaxEach = sandbox.Resources{CPU: host.CPU, MemoryGiB: min(4, host.MemoryGiB), DiskGiB: min(10, max(1, host.DiskGiB))}
	}
	return c
}

// Close stops all sandboxes at once and waits for everything that belongs to
// them. Their files stay.
func (e *Engine) Close() error {
	e.mu.Lock()
	all := slices.Collect(maps.Values(e.boxes))
	e.mu.Unlock()
	var errs []error
	for _, b := range all {
		b.mu.Lock()
		if b.machine != nil {
			errs = append(errs, b.machine.close(0))
			b.machine = nil
		}
		b.mu.Unlock()
	}
	e.cancel()
	e.spares.close()
	e.stocks.Wait()
	return errors.Join(errs...)
}

// Name implements sandbox.Engine.
func (e *Engine) Name() sandbox.EngineName { return sandbox.EngineWasm }

// Fingerprint implements sandbox.Engine.
func (e *Engine) Fingerprint(context.Context) (sandbox.Fingerprint, error) {
	host := hostResources(e.cfg.Dir)
	free := freeResources(e.cfg.Dir, host)
	return sandbox.Fingerprint{
		Version: e.cfg.Version, Isolation: Isolation, Runtimes: []string{"wasm"}, Capacity: host, Available: free, MaxEach: e.cfg.MaxEach, DiskQuota: "enforced",
		Can: sandbox.Powers{Pause: true, Resize: true, Archive: true, Fork: true, Snapshot: true, PauseKeepsMemory: true},
	}, nil
}

// with calls f with the sandbox's box locked.
func (e *Engine) with(id string, f func(b *box) error) error {
	e.mu.Lock()
	b := e.boxes[id]
	if b == nil {
		b = &box{}
		e.boxes[id] = b
	}
	b.users++
	e.mu.Unlock()
	b.mu.Lock()
	err := f(b)
	e.mu.Lock()
	if b.users--; b.users == 0 && b.machine == nil {
		delete(e.boxes, id)
	}
	e.mu.Unlock()
	b.mu.Unlock()
	return err
}

// withDisk is with for a sandbox that must be there.
func (e *Engine) withDisk(ctx context.Context, id string, f func(b *box) error) error {
	return e.with(id, func(b *box) error {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if !e.disk.has(id) {
			if b.machine != nil { // its folder was taken away
				_ = b.machine.close(0)
				b.machine = nil
			}
			return notFound(id)
		}
		return f(b)
	})
}

func notFound(id string) error {
	return sandbox.Errorf(sandbox.KindNotFound, "there is no WebAssembly sandbox %s", id)
}

// Create implements sandbox.Engine.
func (e *Engine) Create(ctx context.Context, spec sandbox.Spec) error {
	if err := checkID(spec.ID); err != nil {
		return err
	}
	if err := e.checkResources(spec.Resources); err != nil {
		return err
	}
	return e.with(spec.ID, func(b *box) error {
		var used *jail.Usage
		if !e.disk.has(spec.ID) {
			var err error
			if used, err = e.disk.create(ctx, spec); err != nil {
				return err
			}
		}
		return e.start(b, spec, used)
	})
}

func (e *Engine) checkResources(r sandbox.Resources) error {
	most := e.cfg.MaxEach
	switch {
	case r.CPU > most.CPU:
		return sandbox.FieldErrorf("cpu", "a WebAssembly sandbox may have %d CPUs here", most.CPU)
	case r.MemoryGiB > most.MemoryGiB:
		return sandbox.FieldErrorf("memory", "a WebAssembly sandbox may have %d GiB of memory here", most.MemoryGiB)
	case r.DiskGiB > most.DiskGiB:
		return sandbox.FieldErrorf("disk", "a WebAssembly sandbox may have %d GiB of disk here", most.DiskGiB)
	case r.GPU > 0:
		return sandbox.FieldErrorf("gpu", "a WebAssembly sandbox has no GPU")
	}
	return nil
}

// start starts a sandbox that is on disk. used is what its files take, nil where
// nobody knows. Preconditions: b.mu must be held.
func (e *Engine) start(b *box, spec sandbox.Spec, used *jail.Usage) error {
	if b.machine != nil {
		b.machine.resume()
		return nil
	}
	root, measured, err := e.disk.open(spec.ID, used)
	if err != nil {
		return err
	}
	b.machine = newMachine(&e.cfg, e.spares, spec, root, measured)
	return nil
}

// Start implements sandbox.Engine.
func (e *Engine) Start(ctx context.Context, spec sandbox.Spec) error {
	return e.withDisk(ctx, spec.ID, func(b *box) error { return e.start(b, spec, nil) })
}

// Stop implements sandbox.Engine.
func (e *Engine) Stop(ctx context.Context, id string, grace time.Duration) error {
	return e.withDisk(ctx, id, func(b *box) error { return b.halt(grace) })
}

// halt ends what runs. Preconditions: b.mu must be held.
func (b *box) halt(grace time.Duration) error {
	if b.machine == nil {
		return nil
	}
	m := b.machine
	b.machine = nil
	return m.close(grace)
}

// Destroy implements sandbox.Engine.
func (e *Engine) Destroy(_ context.Context, id string) error {
	return e.with(id, func(b *box) error { return errors.Join(b.halt(0), e.disk.remove(id)) })
}

// Status implements sandbox.Engine.
func (e *Engine) Status(ctx context.Context, id string) (found sandbox.Found, err error) {
	err = e.withDisk(ctx, id, func(b *box) (err error) {
		found, err = e.look(b, id)
		return err
	})
	return found, err
}

// look describes a sandbox. Preconditions: b.mu must be held.
func (e *Engine) look(b *box, id string) (sandbox.Found, error) {
	// One that runs ends only when it is stopped, or with the server's process.
	f := sandbox.Found{ID: id, State: sandbox.StateStopped, Isolation: Isolation, Interrupted: true}
	meta, err := e.disk.meta(id)
	if err != nil {
		f.State, f.Reason = sandbox.StateError, "the sandbox's folder cannot be read"
		return f, nil
	}
	f.CreatedAt = meta.CreatedAt
	f.DiskBytes = meta.DiskBytes
	if b.machine != nil {
		f.State, f.Interrupted = sandbox.StateStarted, false
		if b.machine.isPaused() {
			f.State = sandbox.StatePaused
		}
		f.DiskBytes, _ = b.machine.disk()
	}
	return f, nil
}

// List implements sandbox.Engine.
func (e *Engine) List(ctx context.Context) ([]sandbox.Found, error) {
	ids, err := e.disk.list()
	if err != nil {
		return nil, err
	}
	var all []sandbox.Found
	for _, id := range ids {
		f, err := e.Status(ctx, id)
		switch {
		case err == nil:
			all = append(all, f)
		case sandbox.KindOf(err) != sandbox.KindNotFound: // removed meanwhile
			return nil, err
		}
	}
	return all, nil
}

// Dial implements sandbox.Engine.
func (e *Engine) Dial(ctx context.Context, id string, port int) (net.Conn, error) {
	m, err := e.running(id)
	switch {
	case err != nil:
		return nil, err
	case m.isPaused():
		return nil, sandbox.Errorf(sandbox.KindConflict, "the sandbox is paused")
	case port == sandbox.ToolboxPort:
		return m.listener.dial(ctx)
	}
	return m.DialPort(ctx, port)
}

// running returns a started sandbox.
func (e *Engine) running(id string) (*machine, error) {
	var m *machine
	err := e.withDisk(context.Background(), id, func(b *box) error {
		if m = b.machine; m == nil {
			return errStopped
		}
		return nil
	})
	return m, err
}

// HasRef implements sandbox.Engine.
func (e *Engine) HasRef(_ context.Context, ref string) (sandbox.RefInfo, error) {
	size, err := e.disk.refSize(ref)
	if err != nil {
		return sandbox.RefInfo{}, err
	}
	return sandbox.RefInfo{SizeBytes: size, User: userName, WorkDir: homeDir}, nil
}

// Pause implements sandbox.Pauser.
func (e *Engine) Pause(ctx context.Context, id string) error {
	return e.started(ctx, id, (*machine).pause)
}

// Resume implements sandbox.Pauser.
func (e *Engine) Resume(ctx context.Context, id string) error {
	return e.started(ctx, id, (*machine).resume)
}

func (e *Engine) started(ctx context.Context, id string, f func(*machine)) error {
	return e.withDisk(ctx, id, func(b *box) error {
		if b.machine == nil {
			return errStopped
		}
		f(b.machine)
		return nil
	})
}

// Resize implements sandbox.Resizer.
func (e *Engine) Resize(ctx context.Context, id string, r sandbox.Resources) error {
	if err := e.checkResources(r); err != nil {
		return err
	}
	return e.withDisk(ctx, id, func(b *box) error {
		if b.machine != nil {
			b.machine.resize(r)
		}
		return nil
	})
}

// Archive implements sandbox.Archiver.
func (e *Engine) Archive(ctx context.Context, id string) (archive string, err error) {
	err = e.withDisk(ctx, id, func(b *box) error {
		if b.machine != nil {
			return sandbox.Errorf(sandbox.KindConflict, "the sandbox must be stopped to be archived")
		}
		if archive, err = e.disk.archive(ctx, id); err != nil {
			return err
		}
		return e.disk.remove(id)
	})
	return archive, err
}

// Restore implements sandbox.Archiver.
func (e *Engine) Restore(ctx context.Context, spec sandbox.Spec, archive string) error {
	if err := checkID(spec.ID); err != nil {
		return err
	}
	return e.with(spec.ID, func(*box) error {
		if e.disk.has(spec.ID) {
			return nil
		}
		return e.disk.restore(ctx, spec, archive)
	})
}

// DeleteArchive implements sandbox.Archiver.
func (e *Engine) DeleteArchive(_ context.Context, archive string) error {
	return e.disk.removeArchive(archive)
}

// Fork implements sandbox.Forker. The source is paused while it is copied.
func (e *Engine) Fork(ctx context.Context, source string, fork sandbox.Spec) error {
	if err := checkID(fork.ID); err != nil {
		return err
	}
	if err := e.checkResources(fork.Resources); err != nil {
		return err
	}
	return e.with(fork.ID, func(b *box) error {
		if !e.disk.has(fork.ID) {
			err := e.withDisk(ctx, source, func(from *box) error {
				defer from.still()()
				return e.disk.fork(ctx, source, fork)
			})
			if err != nil {
				return err
			}
		}
		return e.start(b, fork, nil)
	})
}

// still pauses what runs, and returns what lets it go on.
func (b *box) still() func() {
	if b.machine == nil || b.machine.isPaused() {
		return func() {}
	}
	b.machine.pause()
	return b.machine.resume
}

// Snapshot implements sandbox.Snapshotter.
func (e *Engine) Snapshot(ctx context.Context, id, name string) (ref string, info sandbox.RefInfo, err error) {
	err = e.withDisk(ctx, id, func(b *box) error {
		defer b.still()()
		ref, err = e.disk.snapshot(ctx, id, name)
		return err
	})
	if err != nil {
		return "", info, err
	}
	info, err = e.HasRef(ctx, ref)
	return ref, info, err
}

// DeleteRef implements sandbox.Snapshotter.
func (e *Engine) DeleteRef(_ context.Context, ref string) error { return e.disk.removeRef(ref) }

// checkID refuses IDs that could not be a folder's name.
func checkID(id string) error {
	valid := id != "" && len(id) <= 64
	for _, r := range id {
		valid = valid && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-')
	}
	if !valid || id == snapshotFolder || id == archiveFolder {
		return sandbox.FieldErrorf("id", "%q cannot be the ID of a sandbox", id)
	}
	return nil
}

// hostResources is what the host has.
func hostResources(dir string) sandbox.Resources {
	total, _ := hostMemory()
	size, _ := hostDisk(dir)
	const gib = 1 << 30
	return sandbox.Resources{CPU: runtime.NumCPU(), MemoryGiB: max(1, int(total/gib)), DiskGiB: max(1, int(size/gib))}
}

// freeResources is what of it is free now.
func freeResources(dir string, host sandbox.Resources) sandbox.Resources {
	_, memory := hostMemory()
	_, free := hostDisk(dir)
	const gib = 1 << 30
	return sandbox.Resources{CPU: host.CPU, MemoryGiB: int(memory / gib), DiskGiB: int(free / gib)}
}
