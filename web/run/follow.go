package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"sandpiper/sandbox"
)

// keepAlive is how often an idle stream says that it is alive: less than the
// idle time of common proxies.
const keepAlive = 15 * time.Second

var errIdle = errors.New("nothing happened for a while")

// Source is what happens, one event after another: a run, or a cell of a session.
// Its methods are those of scheduler.Run.
type Source interface {
	ID() string
	Events(ctx context.Context, after int) (events []sandbox.Event, next int, err error)
}

// Follow calls batch with a run's events after a position as they come, each
// time with the position behind them, and idle whenever nothing has come for 15
// seconds. It returns nil once the exit event was passed on, else what ended
// it: an error of batch or idle, or ctx's cause.
func Follow(ctx context.Context, run Source, after int, batch func(events []sandbox.Event, next int) error, idle func() error) error {
	for {
		events, next, err := eventsOrIdle(ctx, run, after)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errIdle):
			err = idle()
		case err == nil:
			err = batch(events, next)
		}
		if err != nil {
			return fmt.Errorf("follow run %s: %w", run.ID(), err)
		}
		after = next
	}
}

// eventsOrIdle is run.Events, which gives up with errIdle after keepAlive.
func eventsOrIdle(ctx context.Context, run Source, after int) ([]sandbox.Event, int, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, keepAlive, errIdle)
	defer cancel()
	return run.Events(ctx, after)
}
