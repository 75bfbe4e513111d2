package vm

import (
	"context"
	"slices"
	"sync"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental/sys"
)

// readyGuests are guests of a module with an image that were made ahead of their
// runs. What wazero does to make one takes as long as a short program; it is done
// behind the answer to the run before.
type readyGuests struct {
	module *Module
	most   int

	making sync.WaitGroup

	mu     sync.Mutex
	paths  []string // of the mounts that they have; nil until the first run
	free   []*readyGuest
	closed bool
}

// readyPerCPU is how many guests are made ahead for each CPU that guests have.
const readyPerCPU = 2

// readyGuest waits in the state of the image. It belongs to nobody yet: its
// memory is in no limit, and its mounts have nothing behind them.
type readyGuest struct {
	guest  api.Module
	system system
	meter  *memoryMeter
	mounts []*lateMount
}

// lateMount is a mount whose file system is known when the run begins.
type lateMount struct{ sys.FS }

// take returns a guest for r, which is in r's limits from now on, or nil when there
// is none that fits it.
func (g *readyGuests) take(ctx context.Context, r *Run) api.Module {
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
	return f.guest
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
		m := &lateMount{sys.UnimplementedFS{}}
		f.mounts = append(f.mounts, m)
		cfg.Mounts = append(cfg.Mounts, Mount{Path: path, FS: m})
	}
	var err error
	// What goes wrong here goes wrong in the next run too, which can tell somebody.
	if f.guest, err = g.module.instantiate(context.Background(), cfg, &f.system, f.meter); err != nil {
		return nil
	}
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
