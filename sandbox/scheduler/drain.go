package scheduler

import (
	"context"
	"fmt"
	"time"

	"sandpiper/sandbox"
)

// stopGrace is how long an engine has to stop what was cancelled.
const stopGrace = 10 * time.Second

// Drain ends the scheduler: new runs are refused, those that were accepted go
// on until ctx is done; what is left then is cancelled with sandbox.ErrShutdown.
// It returns when every run has ended and is recorded, with an error only when
// an engine did not stop in time. More calls wait for the same end.
func (s *Scheduler) Drain(ctx context.Context) error {
	s.refuse()
	select {
	case <-s.idle:
	case <-ctx.Done():
		s.cancelAll()
	}
	err := s.awaitStop()
	s.stopped.Do(func() { close(s.stop) })
	s.wg.Wait()
	return err
}

// Close ends the scheduler at once: it is Drain without patience.
func (s *Scheduler) Close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return s.Drain(ctx)
}

// refuse makes Submit refuse new runs.
func (s *Scheduler) refuse() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return
	}
	s.draining = true
	if len(s.live) == 0 {
		close(s.idle)
	}
}

// cancelAll cancels every live run, and lets no other take its place.
func (s *Scheduler) cancelAll() {
	s.mu.Lock()
	s.halted = true
	s.mu.Unlock()
	for _, r := range s.allLive() {
		s.cancel(r, sandbox.ErrShutdown)
	}
}

func (s *Scheduler) allLive() []*Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	runs := make([]*Run, 0, len(s.live))
	for _, r := range s.live {
		runs = append(runs, r)
	}
	return runs
}

// awaitStop waits until nothing is live. Runs whose engine does not stop them in
// time are ended without it, so that they have an exit event and a record.
func (s *Scheduler) awaitStop() error {
	patience := time.NewTimer(stopGrace)
	defer patience.Stop()
	select {
	case <-s.idle:
		return nil
	case <-patience.C:
	}
	left := s.allLive()
	for _, r := range left {
		s.mu.Lock()
		s.conclude(r, sandbox.CancelledOutcome(sandbox.ErrShutdown))
		s.mu.Unlock()
	}
	return fmt.Errorf("drain: %d runs did not stop within %v", len(left), stopGrace)
}
