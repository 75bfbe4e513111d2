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
	p, err := choose(s.cfg.Runners, req.Program)
	if err != nil {
		return nil, err
	}
	if req.IdempotencyKey == "" {
		return s.admit(newRun(s, req, p), print{})
	}
	return s.submitOnce(ctx, newRun(s, req, p))
}

// submitOnce returns the run that r's key stands for, or admits r.
func (s *Scheduler) submitOnce(ctx context.Context, r *Run) (*Run, error) {
	sum, err := fingerprint(r.program)
	if err != nil {
		return nil, fmt.Errorf("fingerprint of a program: %w", err)
	}
	for {
		earlier, id, err := s.find(r.key, sum)
		switch {
		case err != nil || earlier != nil:
			return earlier, err
		case id == "":
			admitted, err := s.admit(r, sum)
			if err == errKeyTaken {
				continue // by a twin of this request, since find
			}
			return admitted, err
		}
		rec, err := s.cfg.Store.Run(ctx, id)
		if err == nil {
			return replay(rec), nil
		}
		if sandbox.KindOf(err) != sandbox.KindNotFound {
			return nil, fmt.Errorf("read the run of an idempotency key: %w", err)
		}
		s.forget(r.key, id)
	}
}

// find returns the run that a key stands for, or, when it is no longer in
// memory, its id. It returns neither when the key stands for nothing.
func (s *Scheduler) find(k idemKey, sum print) (r *Run, id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.keys.find(k)
	if m == nil {
		return nil, "", nil
	}
	if m.print != sum {
		return nil, "", sandbox.FieldErrorf(IdempotencyKeyField, "the key was used for another program; a new program needs a new key")
	}
	if r = s.inMemory(m.id); r != nil {
		r.followers++
	}
	return r, m.id, nil
}

func (s *Scheduler) forget(k idemKey, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys.forget(k, id)
}

// errKeyTaken says that the key stands for a run by now.
var errKeyTaken = sandbox.Errorf(sandbox.KindConflict, "the idempotency key is taken")

// admit puts r in the queue and starts what can start.
func (s *Scheduler) admit(r *Run, sum print) (*Run, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.key.key != "" && s.keys.find(r.key) != nil {
		return nil, errKeyTaken
	}
	if err := s.refusal(r); err != nil {
		return nil, err
	}
	s.keys.put(r.key, sum, r.id, time.Now())
	s.live[r.id] = r
	identity := r.Identity()
	r.journal.add(sandbox.Event{Type: sandbox.EventStart, Result: &identity})
	s.queue.push(r)
	if r.ready {
		s.languageReady(r.place)
	} else {
		r.report(preparing(r.place.language))
		notify(s.unready)
	}
	s.dispatch()
	return r, nil
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
	for _, f := range req.Program.Files {
		r.bytes += int64(len(f.Content))
	}
	return r
}
