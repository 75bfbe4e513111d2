package scheduler

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"time"

	"sandpiper/sandbox"
)

// execute runs r in the place it was given and gives the place back.
func (s *Scheduler) execute(ctx context.Context, r *Run, p sandbox.Program) {
	began := time.Now()
	outcome := ourFault() // for a runner that ends this goroutine
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.conclude(r, outcome)
		s.release(r, time.Since(began))
		s.dispatch()
	}()
	outcome = s.run(ctx, r, p)
}

// run lets the engine run p and says how it ended, a panic included.
func (s *Scheduler) run(ctx context.Context, r *Run, p sandbox.Program) (o sandbox.Outcome) {
	defer func() {
		if v := recover(); v != nil {
			s.log.Error("engine panicked", "run", r.id, "engine", r.place.engine, "language", p.Language,
				"panic", v, "stack", string(debug.Stack()))
			o = ourFault()
		}
	}()
	o, err := r.place.runner.Run(ctx, p, sink{r})
	if err != nil {
		return s.notRun(ctx, r, err)
	}
	if o.Status == "" {
		s.log.Error("engine gave no status", "run", r.id, "engine", r.place.engine, "language", p.Language)
		return ourFault()
	}
	return o
}

// notRun says how a run ended that the engine could not start.
func (s *Scheduler) notRun(ctx context.Context, r *Run, err error) sandbox.Outcome {
	if ctx.Err() != nil {
		return sandbox.CancelledOutcome(context.Cause(ctx))
	}
	var e *sandbox.Error
	if !errors.As(err, &e) || e.Kind == sandbox.KindInternal {
		s.log.Error("run a program", "run", r.id, "engine", r.place.engine, "language", r.place.language.ID, "err", err)
		return ourFault()
	}
	s.log.Debug("program not started", "run", r.id, slog.String("kind", string(e.Kind)), "err", err)
	o := internal("%s", e.Message)
	if e.Kind != sandbox.KindUnavailable && e.Kind != sandbox.KindBusy {
		o.Status = sandbox.StatusError // the program is at fault
	}
	return o
}
