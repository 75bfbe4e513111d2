package main

import (
	"context"
	"errors"
	"log/slog"

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
func openSessions(ctx context.Context, engine sandbox.KernelEngine, dir *datadir.Dir, db *sqlite.DB, guard *auth.Guard, log *slog.Logger) (*sessions, error) {
	keeper, err := kernels.New(ctx, kernels.Config{Engine: engine, Store: db, Dir: dir.Sessions(), Log: log})
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
