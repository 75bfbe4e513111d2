// Package live is the part of a kernel that Jupyter's clients see: it queues
// their requests over an interpreter, answers them, and tells all clients of the
// kernel what the cells say.
//
// Requests that need the interpreter (execute, complete, inspect, is_complete)
// are served one after another, in the order in which they came. The others are
// answered at once, also while a cell runs; the kernel says afterwards that it is
// still busy. A cell goes on when its client leaves, as long as what let it in is valid.
//
// A client that reads more slowly than a program prints does not hold it up: past
// a bound its output is left out, and it is told so. A client that comes back
// under the same session gets what was said since its connection was found broken,
// within the same bound.
package live

import (
	"context"
	"time"

	"sandpiper/sandbox"
)

// Limits of a kernel.
const (
	maxQueue     = 512              // requests that wait
	maxClients   = 32               // connected, or about to come back
	clientBytes  = 4 << 20          // of output that may wait for a client
	overrunBytes = 2 * clientBytes  // of everything that may wait for one, before it is cut off
	clientItems  = 10_000           // messages of output that may wait for a client
	comeBack     = 10 * time.Minute // how long what a client missed is kept
	askTime      = 30 * time.Second // for what is asked of an interpreter besides cells
)

// Interpreter is the session that executes a kernel's cells. Its methods are
// safe for concurrent use.
type Interpreter interface {
	// Info returns what is known of the session now.
	Info(ctx context.Context) (Info, error)

	// Execute runs a cell. Its errors are those of sandbox.Kernel, and one of
	// KindUnauthorized where what lets the caller in has ended before the cell.
	Execute(ctx context.Context, c Cell, out sandbox.Sink) (Answer, error)

	// Interrupt interrupts the cell that runs, if one does.
	Interrupt(ctx context.Context) error

	// Restart gives the session a fresh state, and ends the cell that runs.
	Restart(ctx context.Context) error

	// Delete ends the session for good.
	Delete(ctx context.Context) error
}

// Info is what a kernel needs to know of its session.
type Info struct {
	Language       sandbox.Language
	ExecutionCount int // of the last cell that was counted
}

// Cell is a cell for an Interpreter.
type Cell struct {
	sandbox.Cell
	Caller    context.Context // of the client that asks for it; it does not end the cell
	Uncounted bool            // it is no part of the session's history
}

// Answer is how a cell ended.
type Answer struct {
	sandbox.CellOutcome
	Notice string // what the user must know of the session; empty mostly
}
