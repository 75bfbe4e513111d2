// Package program is the port between sandboxes and whatever runs the programs that
// their shells and toolboxes start: the engine inside this process, or worker
// processes. Neither side knows the other.
//
// A program differs from a run (sandbox.Program) in what it has around it: the files
// of a sandbox, which others use at the same time, a share of the sandbox's CPUs and
// memory, a working folder, perhaps a terminal, and a reader of its output that may
// be slow. It has no limit of time or of output.
package program

import (
	"context"
	"time"

	"github.com/tetratelabs/wazero/experimental/sys"

	"sandpiper/sandbox"
)

// Engine runs programs. Its methods are safe for concurrent use.
type Engine interface {
	// Commands returns the commands that there are, ready or not: IDs of languages,
	// whatever shells call them, and names of commands that are one of several of
	// their language.
	Commands() []string

	// NewGroup returns a group without programs, which its owner closes.
	NewGroup(l Limits) Group
}

// Limits bounds the programs of a group together.
type Limits struct {
	CPUs        int   // programs that execute at the same moment
	MemoryBytes int64 // of all of them, and so of each
}

// Usage is what the programs of a group take.
type Usage struct {
	MemoryBytes int64         // now
	CPU         time.Duration // of all programs so far
}

// Group is the programs of one sandbox. Its methods are safe for concurrent use.
type Group interface {
	// Exec runs a program to its end, once its language is prepared. When ctx is done
	// first the program is stopped within milliseconds, wherever it is. The error is
	// that of a program which could not be started, as a *sandbox.Error where the
	// reason is for users. A program that ended for a reason of Sandpiper's own has an
	// outcome with StatusInternal and a message.
	Exec(ctx context.Context, c Call) (sandbox.Outcome, error)

	// Resize changes the limits. Memory that is in use stays so.
	Resize(l Limits)

	// Pause stops the programs where they are, within milliseconds, until Resume.
	Pause()
	Resume()

	// Usage returns what the programs take, as far as that is known.
	Usage(ctx context.Context) Usage

	// Close gives the group up. Its programs have ended.
	Close()
}

// Call is one program.
type Call struct {
	Command string   // one of Commands
	Dir     string   // the working folder: absolute and clean
	Args    []string // what follows the command's name
	Env     []string // "NAME=value"
	TTY     bool     // standard input is a terminal

	// Stdin is the standard input; nil for none.
	Stdin *sandbox.Stdin

	// Output takes what the program writes, as a sandbox.Sink does: from one goroutine
	// at a time, without blocking, and without keeping p. Required.
	Output func(s sandbox.Stream, p []byte)

	// Flow says whether the reader of the output has had enough for now: it returns
	// what waits until more can be taken, or nil; an error means that the reader has
	// gone, which ends the program with exit code 141. nil for a reader that takes
	// everything.
	Flow func() (wait func(ctx context.Context), err error)

	// Files is the whole file system of the sandbox, with its quotas. Required.
	Files sys.FS
}
