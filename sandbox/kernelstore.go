package sandbox

import (
	"context"
	"time"
)

// KernelSession is what is kept of a session whose state a kernel has, besides its
// files and its saved state.
type KernelSession struct {
	ID         string // see NewID
	Owner      string // who may use it
	Name       string
	Language   string // a Language.ID
	Env        map[string]string
	ForkOf     string // the ID of the session that it was forked from, or ""
	CreatedAt  time.Time
	LastUsedAt time.Time

	ExecutionCount int    // of the cells that ran
	SavedCount     int    // of them, those whose effect the saved state has; -1 when there is no saved state
	StateBytes     int64  // of the saved state
	Failure        string // why the session cannot go on without a restart, for people; "" mostly
}

// KernelSessionStore keeps sessions.
type KernelSessionStore interface {
	PutKernelSession(ctx context.Context, s KernelSession) error // replaces the one with the same ID
	KernelSessions(ctx context.Context) ([]KernelSession, error) // the oldest first
	DeleteKernelSession(ctx context.Context, id string) error    // a missing one is no error
}
