package vm

import (
	"context"
	"io"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental/sys"

	"sandpiper/runtimes/wasm/rewrite"
	"sandpiper/sandbox"
)

// RunConfig is what one run of a module is given and how far it may go.
type RunConfig struct {
	// Limits are those of the run; every field must be set. FileBytes, Files
	// and OpenFiles are for the file systems in Mounts to keep.
	Limits sandbox.Limits

	// Stdin is the standard input; nil means empty and closed.
	Stdin *sandbox.Stdin

	// Output receives what the guest writes, from one goroutine at a time. It
	// must not block or keep p. nil discards it.
	Output func(s sandbox.Stream, p []byte)

	// Flow, when set, is asked after each piece of output, so that a reader that
	// is slow slows the guest down: it returns what waits until more can be
	// taken, or nil when that is so already. An error, for a reader that has
	// gone, ends the run with exit code 141.
	Flow func() (wait func(ctx context.Context), err error)

	// Share, when set, is what the run has together with others.
	Share *Share

	// Probe, when set, answers WASI's clock_res_get: the one call of the system
	// that an interpreter passes on without preparing for it, by which a guest of
	// our own reaches its driver while an image is made. The result is the clock's
	// resolution in nanoseconds.
	Probe func(ctx context.Context, guest api.Module, clock uint32) uint64

	// Soft, when set, is called in the middle of what an Instance's run does when
	// its wall or CPU time is used up, with the outcome that the run would have. The
	// run then has sandbox.InterruptGrace to end by itself.
	Soft func(ctx context.Context, guest api.Module, o sandbox.Outcome)

	// Args and Env are what the guest is told when it starts. A guest that goes on
	// from an image has started already, and its driver tells it what is new.
	Args   []string // Args[0] is the program's name
	Env    []string // "NAME=value"; nothing of the host's environment is added
	Mounts []Mount
}

// Mount puts a file system at a path of the guest.
type Mount struct {
	Path string // absolute guest path such as "/"
	FS   sys.FS
}

// Body drives an instance through one run. It calls the guest's exports with
// ctx, in which Current finds the Run, and returns nil for exit code 0. An error
// of a guest call is to be returned as it is.
type Body func(ctx context.Context, guest api.Module) error

// Start is the Body of a WASI command: it calls the export _start.
func Start(ctx context.Context, guest api.Module) error {
	_, err := guest.ExportedFunction("_start").Call(ctx)
	return err
}

// Result is how a run ended.
type Result struct {
	sandbox.Outcome        // Diagnostics and Files are left to the caller
	StderrTail      []byte // the last of stderr, 64 KiB at most, for finding diagnostics
}

// Run is a run in progress. Its methods are for the Body and for host
// functions, on the goroutine that executes the guest. Methods that end the run
// do so by unwinding: they panic with a value that Module.Run recovers, so
// deferred functions run and nothing after the call does.
type Run struct {
	host      *Host
	module    *Module
	cfg       RunConfig
	guest     api.Module              // once there is one
	functions *functions              // of guest
	stop      context.CancelCauseFunc // ends the run's context
	started   time.Time
	epoch     time.Time // when the monotonic clock was 0
	end       time.Time // when the wall limit is reached
	slice     time.Time // when to ask for the CPU time and to let others have the CPU

	seat    seat
	place   seat          // at the gate of the run's Share
	charged time.Duration // CPU time that the Share knows of
	block   func(wait func(ctx context.Context))
	memory  *memoryMeter
	output  outputMeter
	clock   threadClock
	ticks   int64
	unwound bool // the guest was stopped by us
	warned  bool // cfg.Soft was called for the CPU time
	lowered bool // its thread has less priority

	rearranged bool // the guest changed the file descriptors that it began with

	pending atomic.Pointer[func(ctx context.Context, guest api.Module)] // see interrupt
	wake    chan struct{}                                               // receives when there is something pending; nil when there never is

	delivered time.Time // when the last of pending was called, or zero
}

// fullPriority is how much CPU time a run may use before its thread gets less
// priority than the server's others: more than starting any of the languages
// takes.
const fullPriority = 200 * time.Millisecond

type runKey struct{}

// Current returns the run that a host function was called by, or nil. ctx is
// that of the host function or of the Body.
func Current(ctx context.Context) *Run {
	r, _ := ctx.Value(runKey{}).(*Run)
	return r
}

// Block gives up the CPU and calls wait, whose ctx is done as soon as the run
// has to stop. It unwinds when that is so, and returns otherwise once the run
// has the CPU again. wait must not touch the guest's memory.
func (r *Run) Block(ctx context.Context, wait func(ctx context.Context)) {
	r.leave()
	if r.wake == nil {
		wait(ctx)
	} else {
		r.waitAwake(ctx, wait)
	}
	r.enter(ctx)
}

// waitAwake calls wait, whose ctx also ends when something is pending.
func (r *Run) waitAwake(ctx context.Context, wait func(ctx context.Context)) {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	awake := make(chan struct{})
	go func() {
		defer close(awake)
		select {
		case <-r.wake:
			cancel()
		case <-waiting.Done():
		}
	}()
	wait(waiting)
	cancel()
	<-awake
	r.hurry()
}

// hurry has the guest tick at the next loop header when something is pending.
func (r *Run) hurry() {
	if r.pending.Load() != nil {
		r.guest.ExportedGlobal(rewrite.FuelExport).(api.MutableGlobal).Set(0)
	}
}

// deliver calls what is pending and reports whether there was something. A wait
// that was interrupted delivers before it returns: the guest looks for signals at
// once and may wait again.
func (r *Run) deliver(ctx context.Context) bool {
	f := r.pending.Swap(nil)
	if f == nil {
		return false
	}
	select {
	case <-r.wake:
	default:
	}
	(*f)(ctx, r.guest)
	r.delivered = time.Now()
	return true
}

// justDelivered reports, once, whether something was delivered at a tick a moment
// ago. The guest may have been on its way into a wait then, with no look for
// signals in between.
func (r *Run) justDelivered() bool {
	just := !r.delivered.IsZero() && time.Since(r.delivered) < 100*time.Millisecond
	r.delivered = time.Time{}
	return just
}

// interrupt has f called on the guest's goroutine, in the middle of what the
// guest does, within a few milliseconds. What the run waits for ends at once. It
// may be called from any goroutine. f may call the guest.
func (r *Run) interrupt(f func(ctx context.Context, guest api.Module)) {
	r.pending.Store(&f)
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Work returns how much the guest has done so far: the loop headers that it has
// passed. It is the same in every run of the same program.
func (r *Run) Work() int64 {
	left := int32(r.guest.ExportedGlobal(rewrite.FuelExport).Get())
	return r.ticks*tickFuel + tickFuel - int64(left)
}

// Sleep blocks for d.
func (r *Run) Sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		r.Check(ctx)
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	r.Block(ctx, func(ctx context.Context) {
		select {
		case <-t.C:
		case <-ctx.Done():
		}
	})
}

// Check unwinds when the run has to stop. Host functions that work for more
// than a millisecond call it now and then.
func (r *Run) Check(ctx context.Context) {
	if ctx.Err() == nil && time.Now().After(r.end) {
		r.stop(errWallLimit)
	}
	if ctx.Err() != nil {
		r.unwind()
	}
}

// Stop ends the run by unwinding, with the outcome of a context that was
// cancelled with cause.
func (r *Run) Stop(cause error) {
	r.stop(cause)
	r.unwind()
}

// Exit ends the run with an exit code by unwinding.
func (r *Run) Exit(code int) {
	r.stop(exitError(code))
	r.unwind()
}

// Stdin returns the run's standard input, for host functions that wait for it
// together with something else.
func (r *Run) Stdin() *sandbox.Stdin { return r.cfg.Stdin }

// ReadStdin reads standard input into p, waiting for it. It returns io.EOF at
// its end, sys.EINTR when the run was interrupted first, and unwinds when it has
// to stop first.
func (r *Run) ReadStdin(ctx context.Context, p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for !r.cfg.Stdin.Ready() {
		if r.justDelivered() {
			return 0, sys.EINTR
		}
		r.Block(ctx, func(ctx context.Context) { _ = r.cfg.Stdin.Wait(ctx) })
		r.deliver(ctx)
	}
	n, err := r.cfg.Stdin.Read(ctx, p)
	if err != nil && err != io.EOF {
		r.Check(ctx)
	}
	return n, err
}

// Write sends p to the run's output. It counts against the output limit: what
// fits is sent, and when something is left over the run ends by unwinding.
func (r *Run) Write(s sandbox.Stream, p []byte) {
	for {
		piece := p[:min(len(p), maxPiece)]
		if !r.output.write(s, piece) {
			r.stop(errOutputLimit)
			r.unwind()
		}
		if r.cfg.Flow != nil {
			r.flow()
		}
		if p = p[len(piece):]; len(p) == 0 {
			return
		}
	}
}

// maxPiece is how much is written before the reader is asked for more.
const maxPiece = 64 << 10

// Write sends p to the output, for a driver that has some of its own. As a guest's it
// goes in pieces, and waits for a reader that is slow; it reports whether the reader
// took everything. It does not count against the output limit.
func Write(ctx context.Context, cfg RunConfig, s sandbox.Stream, p []byte) bool {
	for len(p) > 0 && cfg.Output != nil {
		piece := p[:min(len(p), maxPiece)]
		cfg.Output(s, piece)
		p = p[len(piece):]
		if cfg.Flow == nil {
			continue
		}
		wait, err := cfg.Flow()
		if err != nil {
			return false
		}
		if wait != nil {
			wait(ctx)
		}
		if ctx.Err() != nil {
			return false
		}
	}
	return true
}

// flow waits until the reader takes more output.
func (r *Run) flow() {
	wait, err := r.cfg.Flow()
	if err != nil {
		r.Exit(ExitBrokenPipe)
	}
	if wait != nil {
		r.block(wait)
	}
}

// LimitMemory lowers the guest's memory limit to n bytes, or restores that of the
// run when n is 0, and forgets what the guest was refused so far. It is for a
// Body whose guest asks for more than it needs while it starts, and copes with
// a refusal.
func (r *Run) LimitMemory(n int64) {
	own := uint64(min(r.cfg.Limits.MemoryBytes, r.host.cfg.MaxMemoryBytes))
	r.memory.refused = false
	r.memory.limit = own
	if n > 0 {
		r.memory.limit = min(uint64(n), own)
	}
}

// Note sends one line of Sandpiper's own to stderr: "sandpiper: " and msg. It
// does not count against the output limit.
func (r *Run) Note(msg string) { r.output.note(msg) }

// Note does what Run.Note does, for a run that has ended with a complete line.
// cfg.Output must be set.
func Note(cfg RunConfig, msg string) {
	o := outputMeter{sink: cfg.Output}
	o.note(msg)
}

// enter waits for the CPU and unwinds when the run has to stop.
func (r *Run) enter(ctx context.Context) {
	if s := r.cfg.Share; s != nil {
		s.gate.enter(ctx, &r.place)
	}
	r.host.gate.enter(ctx, &r.seat)
	r.clock.resume()
	r.slice = time.Now().Add(sliceLength)
	r.Check(ctx)
}

// leave gives up the CPU.
func (r *Run) leave() {
	r.clock.pause()
	r.host.gate.leave(&r.seat)
	if s := r.cfg.Share; s != nil {
		r.charge()
		s.gate.leave(&r.place)
	}
}

// charge tells the Share what CPU time the run has used since it was told last.
func (r *Run) charge() {
	used := r.clock.elapsed()
	r.cfg.Share.charge(used - r.charged)
	r.charged, r.place.used = used, used
}

// tick is where a busy guest comes by, about every millisecond.
func (r *Run) tick(ctx context.Context) {
	r.Check(ctx)
	r.deliver(ctx)
	now := time.Now()
	if now.Before(r.slice) {
		return
	}
	r.seat.used = r.clock.elapsed()
	r.checkCPU(ctx)
	if !r.lowered && r.seat.used > fullPriority {
		r.lowered = lowerPriority()
	}
	if s := r.cfg.Share; s != nil {
		r.charge()
		if s.gate.wanted(&r.place) {
			r.leave()
			r.enter(ctx)
			return
		}
	}
	r.clock.pause()
	r.host.gate.yield(ctx, &r.seat)
	r.clock.resume()
	r.slice = time.Now().Add(sliceLength)
	r.Check(ctx)
}
