// Package jupyter lets clients of Jupyter use sessions as remote kernels: the
// part of the Jupyter Server's REST API that is about kernels, and the WebSocket
// with its message protocol, below /jupyter/. A kernel is a session, whoever
// started it; its id is the session's with dashes, as some clients want ids.
//
// The token is an API key, as "Authorization: token KEY", as a Bearer token or as
// ?token=KEY. On a server that is open to everyone it may be left out.
//
// Notebooks stay with the client: there are no contents here. For clients that
// insist on a file before they start a kernel, POST api/contents answers a name
// for an untitled notebook, and renaming and deleting it succeed; nothing is
// stored. Comms (widgets), debugging and subshells are not supported, and
// user_expressions answer that they are not.
package jupyter

import (
	"context"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/jupyter/live"
)

// Keeper keeps the sessions that are kernels here. Its errors are *sandbox.Error,
// KindNotFound for a session that is not the owner's. Its methods are safe for
// concurrent use.
type Keeper interface {
	// Languages returns the languages that have sessions.
	Languages() []sandbox.Language

	Create(ctx context.Context, owner string, n NewSession) (Session, error)
	List(ctx context.Context, owner string) ([]Session, error)
	Get(ctx context.Context, owner, id string) (Session, error)
	Rename(ctx context.Context, owner, id, name string) error
	Delete(ctx context.Context, owner, id string) error

	// Execute runs a cell to its end, and brings the session back for that when
	// it was paused.
	Execute(ctx context.Context, owner, id string, c live.Cell, out sandbox.Sink) (live.Answer, error)
	Interrupt(ctx context.Context, owner, id string) error

	// Restart gives the session a fresh state, and ends the cell that runs.
	Restart(ctx context.Context, owner, id string) error
}

// NewSession is what a session is made from.
type NewSession struct {
	Language string
	Name     string
	Env      map[string]string
}

// Session is a session as its keeper has it.
type Session struct {
	ID             string
	Name           string
	Language       string // a Language.ID
	Failed         bool   // it cannot execute anything any more
	Busy           bool
	ExecutionCount int
	LastUsedAt     time.Time
}
