package shell

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"sandpiper/runtimes/wasm/shell/wire"
)

// signalled is the cause of a context that a signal ended.
type signalled int

func (s signalled) Error() string { return fmt.Sprintf("signal %d", int(s)) }

// signalOf returns the signal that ended ctx.
func signalOf(ctx context.Context) (int, bool) {
	var s signalled
	if ctx.Err() != nil && errors.As(context.Cause(ctx), &s) {
		return int(s), true
	}
	return 0, false
}

// interruption is a context that can be ended again and again: what runs in the
// foreground.
type interruption struct {
	mu     sync.Mutex
	ctx    context.Context
	cancel context.CancelCauseFunc
}

func newSwitch() *interruption {
	i := &interruption{}
	i.ctx, i.cancel = context.WithCancelCause(context.Background())
	return i
}

func (i *interruption) now() context.Context {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.ctx
}

// fire ends what runs now, and nothing that starts later.
func (i *interruption) fire(cause error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.cancel(cause)
	i.ctx, i.cancel = context.WithCancelCause(context.Background())
}

// early is a signal that came before the run that it is for.
type early struct{ pid, signal int }

// ignored are signals that do nothing unless they are trapped.
var ignoredSignals = []int{0, 17, 18, 28}

// signal is for the job pid, or for the shell pid and everything in it. It came when
// so many lines had been typed. One for a process that is not there any more, such as
// the shell before this one, does nothing.
func (c *child) signal(pid, signal int, typed int64) {
	c.mu.Lock()
	if c.pid == 0 {
		c.early = append(c.early, early{pid, signal})
		c.mu.Unlock()
		return
	}
	if c.pid != pid {
		j := c.jobs[pid]
		c.mu.Unlock()
		if j != nil && !slices.Contains(ignoredSignals, signal) {
			j.stop(c, signal)
		}
		return
	}
	run := c.main
	if run == nil && c.session == nil {
		c.early = append(c.early, early{pid, signal})
		c.mu.Unlock()
		return
	}
	jobs := make([]*job, 0, len(c.jobs))
	for _, j := range c.jobs {
		jobs = append(jobs, j)
	}
	var person *shell
	if run != nil {
		person = run.shell.atTerminal()
	}
	c.mu.Unlock()
	if run != nil && run.shell.trapped(signal) {
		c.signals.fire(signalled(signal))
		return
	}
	if slices.Contains(ignoredSignals, signal) {
		return
	}
	if run != nil && person != nil {
		if signal == 2 {
			person.interrupt(typed)
		}
		if signal != 1 && signal != 9 {
			return
		}
	}
	for _, j := range jobs {
		j.stop(c, signal)
	}
	if run != nil {
		run.cancel(signalled(signal))
	}
}

// job is a background job.
type job struct {
	pid    int
	owner  string // the job that started it, or ""
	ctx    context.Context
	cancel context.CancelCauseFunc
	done   chan struct{}
	text   string

	once sync.Once
	code int
}

// startJob asks the server for a PID.
func (c *child) startJob(text, owner string) (*job, error) {
	a, err := c.peer.Call(context.Background(), &wire.Message{Op: wire.OpJob, Text: text})
	if err != nil {
		return nil, err
	}
	j := &job{pid: a.PID, owner: owner, text: text, done: make(chan struct{})}
	j.ctx, j.cancel = context.WithCancelCause(context.Background())
	c.mu.Lock()
	defer c.mu.Unlock()
	c.jobs[j.pid] = j
	return j, nil
}

func (c *child) job(pid int) *job {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.jobs[pid]
}

// stop ends a job by a signal.
func (j *job) stop(c *child, signal int) {
	j.cancel(signalled(signal))
	j.end(c, 128+signal)
}

// end records how a job ended, the first time.
func (j *job) end(c *child, code int) {
	j.once.Do(func() {
		j.code = code
		close(j.done)
		_ = c.peer.Tell(&wire.Message{Op: wire.OpJobEnd, PID: j.pid, Code: code}) // without a server there is no use
	})
}

// awaitJobs waits for the jobs of an owner that have not ended; owner 0 is all.
func (c *child) awaitJobs(ctx context.Context, owner int) {
	c.mu.Lock()
	var waiting []*job
	for _, j := range c.jobs {
		if owner == 0 || j.owner == fmt.Sprint(owner) {
			waiting = append(waiting, j)
		}
	}
	c.mu.Unlock()
	for _, j := range waiting {
		select {
		case <-j.done:
		case <-ctx.Done():
			return
		}
	}
}
