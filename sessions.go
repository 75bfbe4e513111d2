package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"time"

	"sandpiper/components"
	"sandpiper/sandbox"
	"sandpiper/sandbox/datadir"
	"sandpiper/sandbox/kernels"
	"sandpiper/sandbox/sqlite"
	"sandpiper/web"
	"sandpiper/web/auth"
	"sandpiper/web/jupyter"
	native "sandpiper/web/sessions"
)

// sessions are the interpreters that keep their state, and the APIs to use them by.
type sessions struct {
	keeper  *kernels.Keeper
	api     *native.Handler
	jupyter *jupyter.Handler
}

// openSessions takes the sessions of the data folder over.
func openSessions(ctx context.Context, engine sandbox.KernelEngine, dir *datadir.Dir, db *sqlite.DB, guard *auth.Guard, bounds sessionBounds, log *slog.Logger) (*sessions, error) {
	keeper, err := kernels.New(ctx, bounds.apply(kernels.Config{Engine: engine, Store: db, Dir: dir.Sessions(), Log: log}))
	if err != nil {
		return nil, err
	}
	return &sessions{
		keeper:  keeper,
		api:     native.New(native.Config{Keeper: keeper, Guard: guard}),
		jupyter: jupyter.New(jupyter.Config{Keeper: keeper, Guard: guard, Version: version, Log: log}),
	}, nil
}

func (s *sessions) routes() []web.Routes { return []web.Routes{s.api, s.jupyter} }

// operations lists their API for the page about it.
func (s *sessions) operations() []components.DocsOperation {
	var all []components.DocsOperation
	for _, o := range s.api.Operations() {
		all = append(all, components.DocsOperation{Method: o.Method, Path: o.Path, Summary: o.Summary})
	}
	return all
}

// hangUp ends connections that would last, so that the server can shut down.
func (s *sessions) hangUp() {
	s.api.HangUp()
	s.jupyter.HangUp()
}

// close saves what the sessions have in memory. Their engine must still be there.
func (s *sessions) close() error {
	s.jupyter.Close()
	if err := s.keeper.Close(); err != nil {
		return errors.Join(errors.New("some sessions keep an older state"), err)
	}
	return nil
}

// sessionBounds are the flags that say how many sessions there may be, and for how long.
type sessionBounds struct {
	most, guestMost int
	idle            time.Duration
	keep, guestKeep time.Duration
	disk, guestDisk int // MiB
}

func (b *sessionBounds) register(fs *flag.FlagSet) {
	const mib = 1 << 20
	fs.IntVar(&b.most, "sessions", kernels.DefaultPerOwner, "sessions that those who signed in may have in all")
	fs.IntVar(&b.guestMost, "guest-sessions", kernels.DefaultPerGuest, "sessions of one address that nobody signed in from, with --open-playground")
	fs.DurationVar(&b.idle, "session-idle", kernels.DefaultIdlePause, "how long a session is idle before it is paused to disk; its next cell brings it back")
	fs.DurationVar(&b.keep, "session-keep", kernels.DefaultRetention, "how long a session is kept that nobody uses")
	fs.DurationVar(&b.guestKeep, "guest-session-keep", kernels.DefaultGuestRetention, "the same, of an address that nobody signed in from")
	fs.IntVar(&b.disk, "session-disk", kernels.DefaultStoredBytes/mib, "MiB of saved states and files that the sessions of those who signed in may have in all")
	fs.IntVar(&b.guestDisk, "guest-session-disk", kernels.DefaultGuestBytes/mib, "the same, of one address that nobody signed in from")
}

// check refuses what would mean a default, or a session that is paused at once.
func (b sessionBounds) check() error {
	var errs []error
	for name, n := range map[string]int{"sessions": b.most, "guest-sessions": b.guestMost, "session-disk": b.disk, "guest-session-disk": b.guestDisk} {
		if n < 1 {
			errs = append(errs, fmt.Errorf("--%s %d: it must be 1 at least", name, n))
		}
	}
	for name, d := range map[string]time.Duration{"session-idle": b.idle, "session-keep": b.keep, "guest-session-keep": b.guestKeep} {
		if d < leastIdle {
			errs = append(errs, fmt.Errorf("--%s %v: it must be %v at least", name, d, leastIdle))
		}
	}
	return errors.Join(errs...)
}

// leastIdle is more than the moment after which an idle session is saved.
const leastIdle = 2 * kernels.DefaultSettle

func (b sessionBounds) apply(c kernels.Config) kernels.Config {
	c.PerOwner, c.PerGuest = b.most, b.guestMost
	c.IdlePause, c.Retention, c.GuestRetention = b.idle, b.keep, b.guestKeep
	c.StoredBytes, c.GuestBytes = int64(b.disk)<<20, int64(b.guestDisk)<<20
	return c
}
