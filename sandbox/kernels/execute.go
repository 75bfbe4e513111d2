package kernels

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/journal"
)

// Cell is a piece of a program that a session executes.
type Cell struct {
	sandbox.Cell
	Uncounted bool         // it is no part of the session's history
	Sink      sandbox.Sink // also gets what the cell says; nil for none
}

// Answer is how a cell ended.
type Answer struct {
	sandbox.Result // with what the cell said

	Value          *sandbox.Display   // of the last expression, nil when there is none
	Error          *sandbox.CellError // the exception that ended the cell, nil when there is none
	ExecutionCount int                // the cell's number in its session, from 1
	RolledBack     bool               // the session has the state that it had before the cell
	Notice         string             // what the user must know of the session; empty mostly
}

// Execution is a cell that was accepted: it waits, runs or has ended. It is safe for
// concurrent use, and any number of readers may follow it.
type Execution struct {
	client   string // who asked for it
	cell     Cell
	identity sandbox.Result
	journal  journal.Journal
	ctx      context.Context // ends when the cell is to be stopped
	stop     context.CancelCauseFunc
	done     chan struct{} // closed when it has ended
	answer   Answer        // set before
	err      error         // why it could not be started; set before, too

	mu     sync.Mutex
	kernel sandbox.Kernel // that executes the cell now

	interrupted atomic.Bool // since there was a kernel
}

var _ sandbox.Sink = (*Execution)(nil)

// reason is why cells run where they run.
const reason = "Sessions keep their interpreter inside the server, on WebAssembly."

func newExecution(ctx context.Context, client string, c Cell, l sandbox.Language) *Execution {
	if c.Stdin == nil {
		c.Stdin = sandbox.StaticStdin(nil)
	}
	x := &Execution{client: client, cell: c, done: make(chan struct{})}
	x.identity = sandbox.Result{ID: sandbox.NewID(), Language: l.ID, Version: l.Version, Engine: sandbox.EngineWasm, Reason: reason}
	x.ctx, x.stop = context.WithCancelCause(ctx)
	identity := x.identity
	x.journal.Add(sandbox.Event{Type: sandbox.EventStart, Result: &identity})
	return x
}

// ID returns the id of the execution.
func (x *Execution) ID() string { return x.identity.ID }

// Stdin returns the cell's standard input, never nil.
func (x *Execution) Stdin() *sandbox.Stdin { return x.cell.Stdin }

// Events returns what happened after a position, as scheduler.Run.Events does. The
// exit event has the Result of the Answer.
func (x *Execution) Events(ctx context.Context, after int) (events []sandbox.Event, next int, err error) {
	return x.journal.Read(ctx, after)
}

// Done returns a channel that is closed when the cell has ended.
func (x *Execution) Done() <-chan struct{} { return x.done }

// Wait waits for the end. The error is ctx's cause when ctx is done first, and the
// cell goes on then, or why the cell could not be started.
func (x *Execution) Wait(ctx context.Context) (Answer, error) {
	select {
	case <-x.done:
		return x.answer, x.err
	case <-ctx.Done():
		return Answer{}, context.Cause(ctx)
	}
}

// Answer returns how the cell ended and true, or, while it has not, what is known of
// it with the output so far and false.
func (x *Execution) Answer() (Answer, bool) {
	select {
	case <-x.done:
		return x.answer, true
	default:
		return Answer{Result: x.journal.SoFar(x.identity)}, false
	}
}

// Output implements sandbox.Sink.
func (x *Execution) Output(s sandbox.Stream, p []byte) {
	x.journal.Output(s, p)
	if x.cell.Sink != nil {
		x.cell.Sink.Output(s, p)
	}
}

// Display implements sandbox.Sink.
func (x *Execution) Display(d sandbox.Display) {
	x.journal.Display(d)
	if x.cell.Sink != nil {
		x.cell.Sink.Display(d)
	}
}

// Interrupt ends a cell that runs with the language's exception for that, and one
// that still waits at once. It does nothing to one that has ended.
func (x *Execution) Interrupt() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.kernel != nil {
		x.interrupted.Store(true) // the kernel may not have begun with it
		x.kernel.Interrupt()
		return
	}
	x.stop(sandbox.ErrInterrupted)
}

// in notes which kernel executes the cell.
func (x *Execution) in(k sandbox.Kernel) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.kernel = k
}

// report tells readers what the cell waits for.
func (x *Execution) report(state sandbox.ProgressState, message string) {
	x.journal.Add(sandbox.Event{Type: sandbox.EventStatus, Status: &sandbox.Progress{State: state, Message: message}})
}

// end ends the execution.
func (x *Execution) end(a Answer, err error) {
	result := x.identity
	result.Outcome = a.Outcome
	x.journal.End(result, func(r sandbox.Result) {
		a.Result = r
		x.answer, x.err = a, err
		close(x.done)
	})
	x.stop(nil)
}

var errRunning = sandbox.Errorf(sandbox.KindConflict, "a cell is running in this session; wait for its end or interrupt it")

// Start has a session execute a cell, and does not wait for it. A paused session is
// brought back for that.
//
// # Errors
//
//   - KindNotFound: the session is not there, or is not the owner's.
//   - KindConflict: another cell runs, or the session has failed.
//   - KindUnavailable: the server shuts down.
//
// What goes wrong later is the error of Execution.Wait.
func (k *Keeper) Start(o Owner, id string, c Cell) (*Execution, error) {
	s, err := k.find(o, id)
	if err != nil {
		return nil, err
	}
	l, err := k.language(s.language)
	if err != nil {
		return nil, err
	}
	if err := k.join(); err != nil {
		return nil, err
	}
	x := newExecution(k.ctx, o.Client, c, l)
	if err := s.begin(x); err != nil {
		k.work.Done()
		return nil, err
	}
	go func() {
		defer k.work.Done()
		s.run(x)
	}()
	return x, nil
}

// Execute is Start that waits for the end. The cell is stopped when ctx ends, by
// force if it must be.
func (k *Keeper) Execute(ctx context.Context, o Owner, id string, c Cell) (Answer, error) {
	x, err := k.Start(o, id, c)
	if err != nil {
		return Answer{}, err
	}
	defer context.AfterFunc(ctx, func() { x.stop(context.Cause(ctx)) })()
	<-x.done
	return x.answer, x.err
}

// Interrupt makes the cell that runs end with the language's exception for that; the
// session keeps what it did. It does nothing when no cell runs.
func (k *Keeper) Interrupt(o Owner, id string) error {
	s, err := k.find(o, id)
	if err != nil {
		return err
	}
	s.mu.Lock()
	x := s.busy
	s.mu.Unlock()
	if x != nil {
		x.Interrupt()
	}
	return nil
}

// Last returns the cell that runs, or else the last one. It is there until the next
// one, and while the session is not paused for being idle.
func (k *Keeper) Last(o Owner, id string) (*Execution, error) {
	s, err := k.find(o, id)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil {
		return nil, sandbox.Errorf(sandbox.KindNotFound, "no cell has run in this session since it was started or paused")
	}
	return s.last, nil
}

// begin accepts a cell where no other one runs.
func (s *session) begin(x *Execution) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.deleted:
		return errNoSession
	case s.row.Failure != "":
		return sandbox.Errorf(sandbox.KindConflict, "%s", s.row.Failure)
	case s.busy != nil:
		return errRunning
	}
	s.busy, s.last, s.row.LastUsedAt = x, x, time.Now()
	if s.saving != nil {
		s.saving()
	}
	return nil
}

// run executes a cell to its end. The session is free for the next one before
// anybody hears of the end.
func (s *session) run(x *Execution) {
	a, err := s.execute(x)
	s.mu.Lock()
	s.busy, s.row.LastUsedAt = nil, time.Now()
	s.mu.Unlock()
	x.end(a, err)
	s.storeLater()
	s.keeper.trim()
}

// execute waits for a place and the session's turn, and executes the cell.
func (s *session) execute(x *Execution) (Answer, error) {
	waiting := func() { x.report(sandbox.ProgressQueued, "waiting for other cells to end") }
	if err := s.keeper.places.Take(x.ctx, x.client, waiting); err != nil {
		return cancelled(x.ctx), nil
	}
	defer s.keeper.places.Leave()
	if err := s.take(x.ctx); err != nil {
		return unstarted(x.ctx, err)
	}
	defer s.release()
	for try := 1; ; try++ {
		if err := s.revive(x.ctx); err != nil {
			return unstarted(x.ctx, err)
		}
		a, err := s.inKernel(x)
		if errors.Is(err, sandbox.ErrCellNotBegun) && try < maxTries && x.ctx.Err() == nil {
			continue // its process had just ended; nobody need know
		}
		if errors.Is(err, sandbox.ErrKernelGone) {
			a, err = s.died(x), nil
		}
		a.Notice = s.takeNotice()
		return a, err
	}
}

// maxTries is how many kernels a cell is given to that none of them has begun.
const maxTries = 3

func (s *session) takeNotice() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.notice
	s.notice = ""
	return n
}

// cancelled is the answer to a cell that was stopped before it began.
func cancelled(ctx context.Context) Answer {
	var a Answer
	a.Outcome = sandbox.CancelledOutcome(context.Cause(ctx))
	return a
}

// unstarted is what comes of a cell that did not begin because of err.
func unstarted(ctx context.Context, err error) (Answer, error) {
	if ctx.Err() != nil {
		return cancelled(ctx), nil
	}
	return failed(err), err
}

// failed is the answer to a cell that we failed.
func failed(err error) Answer {
	var a Answer
	a.Status, a.ExitCode, a.Message = sandbox.StatusInternal, 1, "Something went wrong inside Sandpiper."
	var e *sandbox.Error
	if errors.As(err, &e) {
		a.Message = e.Message
	}
	return a
}

// inKernel executes the cell in the kernel, which it drops when that has gone:
// ErrKernelGone. A cell that has not run is not counted. Preconditions: the caller has
// the turn.
func (s *session) inKernel(x *Execution) (Answer, error) {
	s.mu.Lock()
	kernel, number := s.kernel, s.row.ExecutionCount
	if !x.cell.Uncounted {
		number++
		s.row.ExecutionCount = number
	}
	s.changed = true
	s.mu.Unlock()

	x.in(kernel)
	cell := x.cell.Cell
	cell.Interrupted = x.interrupted.Load
	o, err := kernel.Execute(x.ctx, cell, x)
	x.in(nil)
	gone, begun := errors.Is(err, sandbox.ErrKernelGone), !errors.Is(err, sandbox.ErrCellNotBegun)
	if gone {
		s.drop()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil && !(gone && begun) && !x.cell.Uncounted {
		s.row.ExecutionCount--
	}
	switch {
	case gone:
		return Answer{}, err
	case err != nil:
		return unstarted(x.ctx, err)
	}
	s.memory = kernel.Memory()
	a := Answer{Value: o.Result, Error: o.Error, ExecutionCount: number, RolledBack: o.RolledBack}
	a.Outcome = o.Outcome
	return a, nil
}

// died is the answer to a cell whose kernel ended while it ran.
func (s *session) died(x *Execution) Answer {
	s.mu.Lock()
	a := Answer{ExecutionCount: s.row.ExecutionCount, RolledBack: true}
	s.mu.Unlock()
	if x.ctx.Err() != nil { // a restart or a deletion ended it
		a.Outcome = sandbox.CancelledOutcome(context.Cause(x.ctx))
		return a
	}
	a.Status, a.ExitCode = sandbox.StatusInternal, 1
	a.Message = "The interpreter ended while the cell ran, for a reason outside of the session. The next cell goes on from the last saved state."
	return a
}
