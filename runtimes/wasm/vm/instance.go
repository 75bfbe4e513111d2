package vm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero/api"

	"sandpiper/sandbox"
)

// Instance is a guest that outlives its runs: what one leaves in its memory the
// next one finds. It goes on from an image and shares with it what it did not
// write. One that is parked is its state alone, and becomes a guest again when it
// is used. Its methods are safe for concurrent use.
type Instance struct {
	module *Module
	cfg    RunConfig
	epoch  time.Time           // when its monotonic clock was 0
	run    atomic.Pointer[Run] // the one that is going on

	closing atomic.Bool

	turn   sync.Mutex  // held by whoever uses the instance for long; not waited for
	mu     sync.Mutex  // held by whoever uses what follows, locked after turn
	own    *imageGuest // nil while parked, and once closed
	parked *state      // nil otherwise

	rearranged bool // see Run.rearranged
}

// ErrBusy is for an Instance that is in use, ErrClosed for one that was closed, and
// ErrNoRoom for one that is as it was because the system has no memory for what it
// was to do.
var (
	ErrBusy   = errors.New("the instance is in use")
	ErrClosed = errors.New("the instance is closed")
	ErrNoRoom = errors.New("there is no memory for it")
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

// begin takes the instance, unless somebody else has. It waits for Park, which is
// nobody's use.
func (i *Instance) begin() bool {
	if !i.turn.TryLock() {
		return false
	}
	i.mu.Lock()
	return true
}

func (i *Instance) end() {
	i.mu.Unlock()
	i.turn.Unlock()
}

// start gets a guest, as it is in the image.
func (i *Instance) start(ctx context.Context) (err error) {
	i.rearranged = false
	i.own, err = i.module.ready.get(ctx, i.cfg.Mounts, newMeter(i.module.host, i.cfg))
	return err
}

// wake makes sure that there is a guest, and returns its state, which must be
// released. An instance for which there is no room stays parked.
func (i *Instance) wake(ctx context.Context) (*state, error) {
	if i.parked == nil {
		return i.state()
	}
	if err := i.start(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoRoom, err)
	}
	if err := i.apply(i.parked); err != nil {
		err = errors.Join(err, i.own.close())
		i.own = nil
		return nil, fmt.Errorf("%w: %w", ErrNoRoom, err)
	}
	s := i.parked
	i.parked = nil
	return s, nil
}

// closed reports whether the instance was closed. Preconditions: i.mu must be held.
func (i *Instance) closed() bool { return i.own == nil && i.parked == nil }

// snapshot returns the instance's state, which holds as long as i.mu is held.
// Preconditions: i.mu must be held, and the instance is not closed.
func (i *Instance) snapshot() *state {
	if i.parked != nil {
		i.parked.clock = time.Since(i.epoch)
		return i.parked
	}
	return i.look()
}

// Run has body drive the instance and says how that ended, as Module.Run does.
// When it did not end by returning nil (a limit, ctx, a trap, an exit) the
// instance gets back the state that it had before, and kept is false. The error
// is ErrBusy, ErrClosed or ErrNoRoom, or says why a state could not be brought back,
// which leaves the instance closed.
func (i *Instance) Run(ctx context.Context, cfg RunConfig, body Body) (res Result, kept bool, err error) {
	if !i.begin() {
		return res, false, ErrBusy
	}
	defer i.end()
	i.module.idle.remove(i)
	defer i.rest()
	if i.closed() {
		return res, false, ErrClosed
	}
	before, err := i.wake(ctx)
	if err != nil {
		return res, false, err
	}
	defer before.release()
	cfg.Limits.MemoryBytes, cfg.Share = i.cfg.Limits.MemoryBytes, i.cfg.Share
	r := newRun(i.module, cfg)
	r.epoch = i.epoch
	f := i.own
	f.meter.refused, f.meter.failed, f.meter.peak = false, false, f.meter.size
	r.memory, r.guest, r.functions, r.wake = f.meter, f.guest, f.functions.get(), make(chan struct{}, 1)
	res, kept = r.carryOut(ctx, func(ctx context.Context) error {
		f.system.ctx, f.system.run = ctx, r
		i.run.Store(r)
		defer i.run.Store(nil)
		if i.closing.Load() {
			r.stop(sandbox.ErrKilled)
		}
		r.enter(ctx)
		return body(ctx, f.guest)
	})
	i.rearranged = i.rearranged || r.rearranged
	if !kept {
		err = i.goBack(before)
	}
	return res, kept, err
}

// rest begins a time in which nobody uses the instance. Preconditions: i.mu must be
// held.
func (i *Instance) rest() {
	if i.own != nil {
		i.module.idle.add(i)
	}
}

// goBack replaces the guest by one that has a state.
func (i *Instance) goBack(s *state) error {
	err := i.own.close()
	i.own = nil
	if err == nil {
		err = i.start(context.Background()) // it is there at once
	}
	if err == nil {
		err = i.apply(s)
	}
	return err
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
	if !i.begin() {
		return nil, ErrBusy
	}
	defer i.end()
	if i.closed() {
		return nil, ErrClosed
	}
	return i.module.openWith(ctx, cfg, i.snapshot())
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
	i.mu.Lock()
	defer i.mu.Unlock()
	i.epoch = time.Now().Add(-s.clock)
	i.rest()
	return i, nil
}

// Memory returns how many bytes of memory the instance needs for itself, which is
// what it has while it is parked, or 0 while it is in use or being parked. Pages that
// an earlier user of its guest has left, and that are as in the image, do not count.
func (i *Instance) Memory() int64 {
	if !i.mu.TryLock() {
		return 0
	}
	defer i.mu.Unlock()
	switch {
	case i.parked != nil:
		return int64(len(i.parked.pages)) * pageSize
	case i.own == nil:
		return 0
	}
	m, pages := i.own.memory, int64(0)
	for range m.space.changed(m.size) {
		pages++
	}
	return pages * pageSize
}

// Park gives back the memory that an idle instance does not need. Its next run
// takes about as long as making an instance from then on. One that has files open,
// or its memory in common with others, keeps its guest and gives back pages that
// are as they are in the image. It does nothing while a run is going on.
func (i *Instance) Park() {
	if !i.mu.TryLock() {
		return
	}
	defer i.mu.Unlock()
	i.module.idle.remove(i)
	if i.own == nil {
		return
	}
	if i.cfg.Share == nil && !i.rearranged && i.own.untouched() {
		if s, err := i.state(); err == nil {
			i.parked = s
			i.module.ready.giveBack(i.own, true)
			i.own = nil
			return
		}
	}
	i.own.memory.space.trim(i.own.memory.size)
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
	i.module.idle.remove(i)
	if i.parked != nil {
		i.parked.release()
		i.parked = nil
	}
	if i.own == nil {
		return nil
	}
	err := i.own.close()
	i.own = nil
	return err
}
