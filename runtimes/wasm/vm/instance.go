package vm

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero/api"

	"sandpiper/sandbox"
)

// Instance is a guest that outlives its runs: what one leaves in its memory the
// next one finds. It goes on from an image and shares with it what it did not
// write. Its methods are safe for concurrent use.
type Instance struct {
	module *Module
	cfg    RunConfig
	epoch  time.Time           // when its monotonic clock was 0
	run    atomic.Pointer[Run] // the one that is going on

	closing atomic.Bool

	mu     sync.Mutex // held by whoever uses what follows
	guest  api.Module // nil once closed
	system system
	meter  *memoryMeter
	memory *slotMemory
}

// ErrBusy is for an Instance that is in use, ErrClosed for one that was closed.
var (
	ErrBusy   = errors.New("the instance is in use")
	ErrClosed = errors.New("the instance is closed")
)

// Open makes an instance of a module that was loaded with an image. cfg gives what
// belongs to the instance: Limits.MemoryBytes, Share, Args, Env and Mounts. The
// rest is each run's.
func (m *Module) Open(ctx context.Context, cfg RunConfig) (*Instance, error) {
	if m.image == nil {
		return nil, errors.New(m.name + " was not loaded with an image")
	}
	i := &Instance{module: m, cfg: cfg, epoch: time.Now()}
	if err := i.start(ctx); err != nil {
		return nil, err
	}
	return i, nil
}

// start makes the guest, as it is in the image.
func (i *Instance) start(ctx context.Context) error {
	i.meter = newMeter(i.module.host, i.cfg)
	alloc := i.module.slots.allocator(i.meter)
	guest, err := i.module.instantiateIn(ctx, i.cfg, &i.system, alloc)
	if err != nil {
		return err
	}
	i.guest, i.memory = guest, alloc.memory
	return nil
}

// Run has body drive the instance and says how that ended, as Module.Run does.
// When it did not end by returning nil (a limit, ctx, a trap, an exit) the
// instance gets back the state that it had before, and kept is false. The error
// is ErrBusy or ErrClosed, or says why a state could not be brought back, which
// leaves the instance closed.
func (i *Instance) Run(ctx context.Context, cfg RunConfig, body Body) (res Result, kept bool, err error) {
	if !i.mu.TryLock() {
		return res, false, ErrBusy
	}
	defer i.mu.Unlock()
	if i.guest == nil {
		return res, false, ErrClosed
	}
	before := i.state()
	defer before.release()
	cfg.Limits.MemoryBytes, cfg.Share = i.cfg.Limits.MemoryBytes, i.cfg.Share
	r := newRun(i.module, cfg)
	r.epoch = i.epoch
	i.meter.refused, i.meter.failed, i.meter.peak = false, false, i.meter.size
	r.memory, r.guest, r.wake = i.meter, i.guest, make(chan struct{}, 1)
	res, kept = r.carryOut(ctx, func(ctx context.Context) error {
		i.system.ctx, i.system.run = ctx, r
		i.run.Store(r)
		defer i.run.Store(nil)
		if i.closing.Load() {
			r.stop(sandbox.ErrKilled)
		}
		r.enter(ctx)
		return body(ctx, i.guest)
	})
	if !kept {
		err = i.goBack(before)
	}
	return res, kept, err
}

// goBack replaces the guest by one that has a state.
func (i *Instance) goBack(s *state) error {
	ctx := context.Background() // an instance is made at once
	i.guest.Close(ctx)
	i.guest = nil
	if err := i.start(ctx); err != nil {
		return err
	}
	return i.apply(s)
}

// Interrupt has f called in the middle of what the run does, within a few
// milliseconds, and ends what the run waits for. f may call the guest. It reports
// whether there was a run.
func (i *Instance) Interrupt(f func(ctx context.Context, guest api.Module)) bool {
	r := i.run.Load()
	if r == nil {
		return false
	}
	r.interrupt(f)
	return true
}

// Fork makes an instance with the same state; cfg is what Open says. The two go
// their own ways from there.
func (i *Instance) Fork(ctx context.Context, cfg RunConfig) (*Instance, error) {
	if !i.mu.TryLock() {
		return nil, ErrBusy
	}
	defer i.mu.Unlock()
	if i.guest == nil {
		return nil, ErrClosed
	}
	s := i.state()
	defer s.release()
	return i.module.openWith(ctx, cfg, s)
}

// openWith makes an instance that has a state.
func (m *Module) openWith(ctx context.Context, cfg RunConfig, s *state) (*Instance, error) {
	i, err := m.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := i.apply(s); err != nil {
		return nil, errors.Join(err, i.Close())
	}
	i.epoch = time.Now().Add(-s.clock)
	return i, nil
}

// Memory returns how many bytes of memory the instance has for itself, or 0 while
// a run is going on.
func (i *Instance) Memory() int64 {
	if !i.mu.TryLock() {
		return 0
	}
	defer i.mu.Unlock()
	if i.guest == nil {
		return 0
	}
	return int64(len(i.memory.space.written(i.memory.size))) * pageSize
}

// Trim gives back memory that the instance has for itself and that is as it is in
// the image: an interpreter writes to much that it then leaves as it was. It does
// nothing while a run is going on.
func (i *Instance) Trim() {
	if !i.mu.TryLock() {
		return
	}
	defer i.mu.Unlock()
	if i.guest != nil {
		i.memory.space.trim(i.memory.size)
	}
}

// Close gives the instance's memory back. A run that is going on is stopped
// first, and ends as one that was killed.
func (i *Instance) Close() error {
	i.closing.Store(true)
	if r := i.run.Load(); r != nil {
		r.stop(sandbox.ErrKilled)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.guest == nil {
		return nil
	}
	err := i.guest.Close(context.Background())
	i.guest = nil
	return err
}
