package scheduler

import (
	"context"
	"sync"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/journal"
)

// A Run is one accepted program: waiting, running or ended. It is safe for
// concurrent use, and any number of readers may follow it.
type Run struct {
	id     string
	client string
	stdin  *sandbox.Stdin
	place  place
	bytes  int64 // of the program, while it waits
	key    idemKey

	journal journal.Journal
	done    chan struct{}  // closed when the run has ended
	result  sandbox.Result // set before done is closed

	sched *Scheduler // nil for a run that was read from the history

	mu       sync.Mutex
	progress sandbox.Progress

	// The rest is guarded by sched.mu.
	program   sandbox.Program // zero once the run has ended
	ready     bool            // its language is
	submitted time.Time
	position  int // in the queue, as last told
	followers int
	cancel    context.CancelCauseFunc // while it runs
	cause     error                   // of the first cancellation
}

// ID returns the run's id: 26 characters that nobody can guess.
func (r *Run) ID() string { return r.id }

// Client returns who submitted the run.
func (r *Run) Client() string { return r.client }

// Stdin returns the program's standard input, never nil. Writing to it feeds
// the program if the program was submitted with a live one.
func (r *Run) Stdin() *sandbox.Stdin { return r.stdin }

// Done returns a channel that is closed when the run has ended.
func (r *Run) Done() <-chan struct{} { return r.done }

// Identity returns what is known from the start: id, language, version, engine
// and reason.
func (r *Run) Identity() sandbox.Result { return r.place.identity(r.id) }

// Progress returns where the run stands; after the end, where it stood last.
func (r *Run) Progress() sandbox.Progress {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.progress
}

// Result returns the result and true once the run has ended, and before that
// the identity with the output so far and false.
func (r *Run) Result() (sandbox.Result, bool) {
	select {
	case <-r.done:
		return r.result, true
	default:
		return r.journal.SoFar(r.Identity()), false
	}
}

// Wait waits for the end and returns the result, or ctx's cause when ctx is
// done first; the run goes on then.
func (r *Run) Wait(ctx context.Context) (sandbox.Result, error) {
	select {
	case <-r.done:
		return r.result, nil
	default:
	}
	select {
	case <-r.done:
		return r.result, nil
	case <-ctx.Done():
		return sandbox.Result{}, context.Cause(ctx)
	}
}

// Events returns what happened after a position, and the position to go on
// from; the first position is 0. It waits until there is something, and returns
// io.EOF once the exit event has been read, or ctx's cause when ctx is done
// first. Text that waits together comes as one event of at most 64 KiB, and a
// status that another has replaced is left out. A position counts the bytes of
// text and, one each, the other events before it, those left out included.
func (r *Run) Events(ctx context.Context, after int) (events []sandbox.Event, next int, err error) {
	return r.journal.Read(ctx, after)
}

// Cancel stops the run for a cause, one of the sandbox.Err errors that say so.
// A run that waits ends at once as cancelled; a running one ends as soon as its
// engine has stopped it. Later causes and runs that have ended are ignored.
func (r *Run) Cancel(cause error) {
	if r.sched != nil {
		r.sched.cancel(r, cause)
	}
}

// Leave says that one of those who submitted the run waits for it no longer.
// Each successful Submit counts as one of them; when all have left before the
// end, the run is cancelled with sandbox.ErrClientGone. A submitter that wants
// its run to go on without it does not call Leave.
func (r *Run) Leave() {
	if r.sched != nil {
		r.sched.leave(r)
	}
}

// lineOf and size are what the queue asks of a run that waits.
func (r *Run) lineOf() string { return r.client }
func (r *Run) size() int64    { return r.bytes }

// isReady reports whether the run's language is. Preconditions: sched.mu must
// be held.
func (r *Run) isReady() bool { return r.ready }

// report tells readers where the run stands, unless it said so last.
func (r *Run) report(p sandbox.Progress) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.progress == p {
		return
	}
	r.progress = p
	r.journal.Add(sandbox.Event{Type: sandbox.EventStatus, Status: &p})
}

// end closes the journal with how the run ended and returns the whole result.
// It returns false when the run had ended before.
func (r *Run) end(o sandbox.Outcome) (sandbox.Result, bool) {
	result := r.Identity()
	result.Outcome = o
	return r.journal.End(result, func(result sandbox.Result) {
		r.result = result
		close(r.done)
	})
}

// A sink is what the engine sees of a run.
type sink struct{ r *Run }

// Output implements sandbox.Sink.
func (s sink) Output(stream sandbox.Stream, p []byte) { s.r.journal.Output(stream, p) }

// Display implements sandbox.Sink.
func (s sink) Display(d sandbox.Display) { s.r.journal.Display(d) }
