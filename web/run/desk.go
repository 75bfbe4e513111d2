package run

import (
	"context"

	"sandpiper/sandbox"
	"sandpiper/sandbox/scheduler"
	"sandpiper/web/auth"
)

// Desk is where the programs of HTTP callers are taken in, whatever the
// protocol that they came by.
type Desk struct {
	Scheduler *scheduler.Scheduler
	Guard     *auth.Guard
}

// Submit accepts a program from the caller in ctx, within the caller's rate.
// Whoever submits must call Leave on the run when nobody waits for it any
// longer, best by a defer. Errors are those of Guard.CheckRunner, Guard.Allow
// and Scheduler.Submit.
func (d Desk) Submit(ctx context.Context, p sandbox.Program, idempotencyKey string) (*scheduler.Run, error) {
	if err := d.Guard.CheckRunner(ctx); err != nil {
		return nil, err
	}
	caller := auth.From(ctx)
	if err := d.Guard.Allow(caller); err != nil {
		return nil, err
	}
	return d.Scheduler.Submit(ctx, scheduler.Request{Client: caller.ID, Program: p, IdempotencyKey: idempotencyKey})
}

// Language returns the language that name means, ready or not.
func (d Desk) Language(name string) (sandbox.Language, bool) {
	for _, l := range d.Scheduler.Languages() {
		if l.Is(name) {
			return l, true
		}
	}
	return sandbox.Language{}, false
}
