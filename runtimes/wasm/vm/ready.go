package vm

import (
	"context"
	"slices"
	"sync"

	"github.com/tetratelabs/wazero/api"

	"sandpiper/runtimes/wasm/rewrite"
)

// readyGuests are guests of a module with an image that wait for their runs. What
// wazero does to make one takes as long as a short program, so it is done behind
// the answer to the run before, and not at all for a guest that has ended in a way
// that it can begin again: see readyGuest.again.
type readyGuests struct {
	module *Module
	most   int

	making sync.WaitGroup

	mu     sync.Mutex
	paths  []string // of the mounts that they have; nil until the first run
	free   []*readyGuest
	closed bool
}

// readyPerCPU is how many guests wait for each CPU that guests have.
const readyPerCPU = 2

// readyGuest waits in the state of the image. It belongs to nobody: its memory is
// in no limit, and its mounts have nothing behind them.
type readyGuest struct {
	guest  api.Module
	system system
	meter  *memoryMeter
	memory *slotMemory
	mounts []*lateMount
}

// take returns a guest for r, which is in r's limits from now on, or nil when there
// is none that fits it.
func (g *readyGuests) take(ctx context.Context, r *Run) *readyGuest {
	g.mu.Lock()
	if g.paths == nil {
		g.paths = mountPaths(r.cfg.Mounts)
	}
	n := len(g.free)
	if n == 0 || !slices.Equal(g.paths, mountPaths(r.cfg.Mounts)) {
		g.mu.Unlock()
		return nil
	}
	f := g.free[n-1]
	g.free = g.free[:n-1]
	g.mu.Unlock()

	own := newMeter(g.module.host, r.cfg)
	if !own.grow(f.meter.size) {
		f.close()
		return nil // making one will say why
	}
	*f.meter = *own
	r.memory = f.meter
	f.system.ctx, f.system.run = ctx, r
	for i, m := range r.cfg.Mounts {
		f.mounts[i].FS = m.FS
	}
	return f
}

// giveBack takes back what take has given to r. ended says that the program came to
// its end by itself. It does not wait for what there is to do.
func (g *readyGuests) giveBack(f *readyGuest, r *Run, ended bool) {
	if !ended || r.rearranged || !f.untouched(g.module.image) {
		f.close()
		g.replace()
		return
	}
	r.memory = f.part()
	g.making.Go(func() {
		if !f.again(g.module) || !g.keep(f) {
			f.close()
		}
	})
}

// untouched reports whether the guest has no files open and no more memory than it
// had.
func (f *readyGuest) untouched(image *Image) bool {
	for _, m := range f.mounts {
		if !m.untouched() {
			return false
		}
	}
	return f.memory.size == uint64(image.Size())
}

// part takes the guest away from its run, and returns the meter that the run keeps.
func (f *readyGuest) part() *memoryMeter {
	own := *f.meter
	own.shrink(f.memory.size)
	*f.meter = memoryMeter{limit: f.memory.slots.size, size: f.memory.size}
	f.system = system{}
	for _, m := range f.mounts {
		m.part()
	}
	return &own
}

// again brings the guest back to the image, and reports whether it is fit for
// another run. Of what a guest can change there are its memory and its globals,
// which come back here; its tables, which a module with images does not change; and
// its file descriptors, which giveBack has seen to.
func (f *readyGuest) again(m *Module) bool {
	m.slots.learn(f.memory.space)
	if !f.memory.space.reset(f.memory.size) {
		return false
	}
	setGlobals(f.guest, m.image.globals)
	f.guest.ExportedGlobal(rewrite.FuelExport).(api.MutableGlobal).Set(tickFuel)
	return true
}

// replace makes guests for the runs to come and does not wait for them. It is
// called when a run has ended.
func (g *readyGuests) replace() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.paths == nil || len(g.free) >= g.most {
		return
	}
	paths := g.paths
	g.making.Go(func() {
		if f := g.make(paths); f != nil && !g.keep(f) {
			f.close()
		}
	})
}

func (g *readyGuests) make(paths []string) *readyGuest {
	f := &readyGuest{meter: &memoryMeter{limit: uint64(g.module.host.cfg.MaxMemoryBytes)}}
	var cfg RunConfig
	for _, path := range paths {
		m := &lateMount{FS: nothing}
		f.mounts = append(f.mounts, m)
		cfg.Mounts = append(cfg.Mounts, Mount{Path: path, FS: m})
	}
	alloc := g.module.slots.allocator(f.meter)
	var err error
	// What goes wrong here goes wrong in the next run too, which can tell somebody.
	if f.guest, err = g.module.instantiateIn(context.Background(), cfg, &f.system, alloc); err != nil {
		return nil
	}
	f.memory = alloc.memory
	return f
}

func (g *readyGuests) keep(f *readyGuest) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || len(g.free) >= g.most {
		return false
	}
	g.free = append(g.free, f)
	return true
}

// close gives the guests back. No run may be going on.
func (g *readyGuests) close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.making.Wait()
	for _, f := range g.free {
		f.close()
	}
	g.free = nil
}

func (f *readyGuest) close() { f.guest.Close(context.Background()) }

func mountPaths(mounts []Mount) []string {
	paths := make([]string, len(mounts))
	for i, m := range mounts {
		paths[i] = m.Path
	}
	return paths
}
