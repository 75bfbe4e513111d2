package vm

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/tetratelabs/wazero/api"

	"sandpiper/runtimes/wasm/rewrite"
)

// imageGuest is a guest of a module with an image, with what is its own besides.
type imageGuest struct {
	guest     api.Module
	system    system
	meter     *memoryMeter
	memory    *slotMemory
	mounts    []*lateMount
	functions keptFunctions
}

// newGuest makes a guest in the state of the image, whose memory is accounted for by
// meter.
func (m *Module) newGuest(ctx context.Context, mounts []Mount, meter *memoryMeter) (*imageGuest, error) {
	f := &imageGuest{meter: meter}
	var cfg RunConfig
	cfg.Mounts, f.mounts = lateMounts(mounts)
	alloc := m.slots.allocator(f.meter)
	var err error
	if f.guest, err = m.instantiateIn(ctx, cfg, &f.system, alloc); err != nil {
		return nil, err
	}
	f.memory = alloc.memory
	return f, nil
}

// untouched reports whether the guest's file descriptors are those that it began
// with.
func (f *imageGuest) untouched() bool {
	return !slices.ContainsFunc(f.mounts, func(m *lateMount) bool { return !m.untouched() })
}

// part takes the guest away from whoever had it, who keeps the meter returned.
func (f *imageGuest) part() *memoryMeter {
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
// another use. Of what a guest can change there are its memory and its globals,
// which come back here; its tables, which a module with images does not change; and
// its file descriptors, which are untouched.
func (f *imageGuest) again(m *Module) bool {
	m.slots.learn(f.memory.space)
	if !f.memory.space.reset(f.memory.size) {
		return false
	}
	setGlobals(f.guest, m.image.globals)
	f.guest.ExportedGlobal(rewrite.FuelExport).(api.MutableGlobal).Set(tickFuel)
	return true
}

func (f *imageGuest) close() error { return f.guest.Close(context.Background()) }

// readyGuests are guests of a module with an image that wait to be used, in the
// state of the image. They belong to nobody: their memory is in no limit, and their
// mounts have nothing behind them. What wazero does to make a guest takes as long as
// a short program, so one is used again when it can be, and another is made behind
// the answer when it cannot.
type readyGuests struct {
	module *Module
	most   int

	making sync.WaitGroup

	mu     sync.Mutex
	paths  []string // of the mounts that they have; nil until the first use
	free   []*imageGuest
	closed bool
}

// readyPerCPU is how many guests wait for each CPU that guests have.
const readyPerCPU = 2

// get returns a guest with mounts, in the limits of meter. From then on its own
// meter is that one.
func (g *readyGuests) get(ctx context.Context, mounts []Mount, meter *memoryMeter) (*imageGuest, error) {
	f := g.take(mounts)
	if f == nil {
		return g.module.newGuest(ctx, mounts, meter)
	}
	if !meter.grow(f.meter.size) {
		g.keep(f)
		return nil, fmt.Errorf("%s needs %d bytes of memory, which is more than its limit", g.module.name, f.meter.size)
	}
	*f.meter = *meter
	for i, m := range mounts {
		f.mounts[i].FS = m.FS
	}
	return f, nil
}

// take returns a guest with mounts of the same paths, or nil.
func (g *readyGuests) take(mounts []Mount) *imageGuest {
	paths := mountPaths(mounts)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.paths == nil {
		g.paths = paths
	}
	n := len(g.free)
	if n == 0 || !slices.Equal(g.paths, paths) {
		return nil
	}
	f := g.free[n-1]
	g.free = g.free[:n-1]
	return f
}

// giveBack takes back what get has returned, and returns the meter that the user
// keeps. whole says that the guest is untouched and was not stopped in the middle of
// something. It does not wait for what there is to do.
func (g *readyGuests) giveBack(f *imageGuest, whole bool) *memoryMeter {
	if !whole || f.memory.size != uint64(g.module.image.Size()) {
		_ = f.close() // it has no exit to report
		g.replace()
		return f.meter
	}
	own := f.part()
	g.making.Go(func() {
		if !f.again(g.module) || !g.keep(f) {
			_ = f.close()
		}
	})
	return own
}

// replace makes a guest for uses to come and does not wait for it.
func (g *readyGuests) replace() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.paths == nil || len(g.free) >= g.most {
		return
	}
	mounts := make([]Mount, len(g.paths))
	for i, path := range g.paths {
		mounts[i] = Mount{Path: path, FS: nothing}
	}
	g.making.Go(func() {
		meter := &memoryMeter{limit: uint64(g.module.host.cfg.MaxMemoryBytes)}
		f, err := g.module.newGuest(context.Background(), mounts, meter)
		// What goes wrong here goes wrong in the next use too, which can tell somebody.
		if err == nil && !g.keep(f) {
			_ = f.close()
		}
	})
}

// keep has a guest wait, and reports false when there are enough.
func (g *readyGuests) keep(f *imageGuest) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || len(g.free) >= g.most {
		return false
	}
	g.free = append(g.free, f)
	return true
}

// close gives the guests back. None may be in use.
func (g *readyGuests) close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.making.Wait()
	for _, f := range g.free {
		_ = f.close()
	}
	g.free = nil
}

func mountPaths(mounts []Mount) []string {
	paths := make([]string, len(mounts))
	for i, m := range mounts {
		paths[i] = m.Path
	}
	return paths
}
