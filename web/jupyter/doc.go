// Package jupyter lets clients of Jupyter use sessions as remote kernels: the
// part of the Jupyter Server's REST API that is about kernels, and the WebSocket
// with its message protocol, below /jupyter/. A kernel is a session, whoever
// started it; its id is the session's with dashes, as some clients want ids.
//
// The token is an API key, as "Authorization: token KEY", as a Bearer token or as
// ?token=KEY. It is needed on a server that is open to everyone, too: clients look
// for their kernels in lists, and those of an address are not one person's.
//
// Notebooks stay with the client: there are no contents here. For clients that
// insist on a file before they start a kernel, POST api/contents answers a name
// for an untitled notebook, and renaming and deleting it succeed; nothing is
// stored. Comms (widgets), debugging and subshells are not supported: a comm that is
// opened is closed, and user_expressions answer that they are not.
package jupyter

import (
	"context"

	"sandpiper/sandbox"
	"sandpiper/sandbox/kernels"
)

// Keeper keeps the sessions that are kernels here: a *kernels.Keeper.
type Keeper interface {
	Languages() []sandbox.Language

	Create(ctx context.Context, o kernels.Owner, n kernels.NewSession) (kernels.Session, error)
	List(o kernels.Owner) []kernels.Session
	Get(o kernels.Owner, id string) (kernels.Session, error)
	Rename(ctx context.Context, o kernels.Owner, id, name string) (kernels.Session, error)
	Restart(ctx context.Context, o kernels.Owner, id string) (kernels.Session, error)
	Delete(ctx context.Context, o kernels.Owner, id string) error

	Execute(ctx context.Context, o kernels.Owner, id string, c kernels.Cell) (kernels.Answer, error)
	Last(o kernels.Owner, id string) (*kernels.Execution, error)
	Interrupt(o kernels.Owner, id string) error
}
