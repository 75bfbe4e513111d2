package scheduler

import (
	"context"
	"fmt"
	"time"

	"sandpiper/sandbox"
)

// Submit accepts a program and returns its run, which has started or waits. It
// does not wait itself, and the run does not end with ctx: see Run.Leave.
//
// Where the idempotency key is remembered it returns the run that the key
// stands for, live or ended. Keys are remembered as long as finished runs are,
// but not across a restart; the key of a run that was cancelled or failed by
// our fault is forgotten, so that trying again runs the program. The input of
// such a run is Run.Stdin, not the one in req.
//
// # Errors
//
//   - KindUnprocessed or KindTooLarge: the program cannot run here, or the key
//     stands for another program; Field says which part is at fault.
//   - KindBusy: the client's queue or the whole queue is full; see RetryAfter.
//   - KindUnavailable: the language failed to be prepared, or the server shuts
//     down.
func (s *Scheduler) Submit(ctx context.Context, req Request) (*Run, error) {
	if err := req.Program.Validate(); err != nil {
		return nil, err
	}
	if len(req.IdempotencyKey) > maxIdempotencyKey {
		return nil, sandbox.FieldErrorf(IdempotencyKeyField, "the key may have %d bytes at most", maxIdempotencyKey)
	}
	p, err := s.cfg.choose(req.Program)
	if err != nil {
		return nil, err
	}
	r := newRun(s, req, p)
	var sum print
	if req.IdempotencyKey != "" {
		if sum, err = fingerprint(r.program); err != nil {
			return nil, fmt.Errorf("fingerprint of a program: %w", err)
		}
	}
	return s.admitOrFind(ctx, r, sum)
}

// admitOrFind admits r, or returns the run that its key stands for.
func (s *Scheduler) admitOrFind(ctx context.Context, r *Run, sum print) (*Run, error) {
	for {
		run, recorded, err := s.admit(r, sum)
		if recorded == "" {
			return run, err
		}
		rec, err := s.cfg.Store.Run(ctx, recorded)
		if err == nil {
			return replay(rec), nil
		}
		if sandbox.KindOf(err) != sandbox.KindNotFound {
			return nil, fmt.Errorf("read the run of an idempotency key: %w", err)
		}
		s.forget(r.key, recorded) // the history was shorter than the key's life
	}
}

// admit puts r in the queue, starts what can start, and returns r. Where r's key
// is taken it returns the run that the key stands for or, when that is no longer
// in memory, its id.
func (s *Scheduler) admit(r *Run, sum print) (admitted *Run, recorded string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.keys.find(r.key); m != nil {
		return s.earlier(m, sum)
	}
	if err := s.refusal(r); err != nil {
		return nil, "", err
	}
	s.keys.put(r.key, sum, r.id, time.Now())
	s.live[r.id] = r
	identity := r.Identity()
	r.journal.Add(sandbox.Event{Type: sandbox.EventStart, Result: &identity})
	s.queue.push(r)
	if r.ready {
		s.languageReady(r.place)
	} else {
		r.report(preparing(r.place.language))
		notify(s.unready)
	}
	s.dispatch()
	return r, "", nil
}

// earlier returns the run that a key stands for, or its id when it is no longer
// in memory. Preconditions: s.mu must be held.
func (s *Scheduler) earlier(m *remembered, sum print) (r *Run, recorded string, err error) {
	if m.print != sum {
		return nil, "", sandbox.FieldErrorf(IdempotencyKeyField, "the key was used for another program; a new program needs a new key")
	}
	if r = s.inMemory(m.id); r == nil {
		return nil, m.id, nil
	}
	r.followers++
	return r, "", nil
}

func (s *Scheduler) forget(k idemKey, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys.forget(k, id)
}

// refusal returns why r cannot be admitted, or nil. Preconditions: s.mu must be
// held.
func (s *Scheduler) refusal(r *Run) error {
	switch {
	case s.draining:
		return &sandbox.Error{Kind: sandbox.KindUnavailable, RetryAfter: restartTime,
			Message: "the server is restarting; try again in a moment"}
	case s.queue.waiting(r.client) >= s.cfg.QueuePerClient:
		return &sandbox.Error{Kind: sandbox.KindBusy, RetryAfter: s.waitFor(s.queue.waiting(r.client)),
			Message: fmt.Sprintf("you have %d programs waiting, which is as many as one client may have", s.queue.waiting(r.client))}
	case s.queue.n >= s.cfg.QueueTotal, s.queue.bytes+r.bytes > maxQueuedBytes, s.history.unsavedBytes > maxUnsavedBytes:
		return &sandbox.Error{Kind: sandbox.KindBusy, RetryAfter: s.waitFor(s.queue.n),
			Message: "the server is busy and its queue is full"}
	}
	return nil
}

// restartTime is when to come back to a server that shuts down.
const restartTime = 5 * time.Second

// waitFor estimates when there is room again with n runs waiting, in whole
// seconds. Preconditions: s.mu must be held.
func (s *Scheduler) waitFor(n int) time.Duration {
	d := s.typical * time.Duration(n) / time.Duration(s.cfg.MaxRunning)
	return min(max(d.Round(time.Second), time.Second), time.Minute)
}

// newRun makes a run of a request that has found its place.
func newRun(s *Scheduler, req Request, p place) *Run {
	r := &Run{
		id:        sandbox.NewID(),
		client:    req.Client,
		stdin:     req.Program.Stdin,
		place:     p,
		program:   req.Program,
		done:      make(chan struct{}),
		sched:     s,
		ready:     p.language.State == sandbox.LanguageReady,
		followers: 1,
		submitted: time.Now(),
	}
	if req.IdempotencyKey != "" {
		r.key = idemKey{req.Client, req.IdempotencyKey}
	}
	if r.stdin == nil {
		r.stdin = sandbox.StaticStdin(nil)
		r.program.Stdin = r.stdin
	}
	r.program.Language = p.language.ID
	r.bytes = weight(r.program)
	return r
}

// weight returns how many bytes of a client's a program takes while it waits.
func weight(p sandbox.Program) int64 {
	n := p.Stdin.Buffered()
	for _, f := range p.Files {
		n += len(f.Name) + len(f.Content)
	}
	for _, a := range p.Args {
		n += len(a)
	}
	for k, v := range p.Env {
		n += len(k) + len(v)
	}
	return int64(n)
}
