package sandbox

import (
	"context"
	"time"
)

// SSHAccess lets whoever knows its token into one sandbox by SSH. The token
// itself is never stored.
type SSHAccess struct {
	ID        string // a UUID
	Sandbox   string // Sandbox.ID
	Hash      []byte // SHA-256 of the token
	CreatedAt time.Time
	ExpiresAt time.Time
}

// SSHAccessStore keeps who may reach sandboxes by SSH. It goes with a sandbox's
// record.
type SSHAccessStore interface {
	// AddSSHAccess stores a new access. A sandbox that the store does not have
	// is a *Error of KindNotFound.
	AddSSHAccess(ctx context.Context, a SSHAccess) error

	// SSHAccessByHash returns an access, also one that has expired. A missing
	// one is a *Error of KindNotFound.
	SSHAccessByHash(ctx context.Context, hash []byte) (SSHAccess, error)

	// SSHAccesses returns those of a sandbox, the oldest first.
	SSHAccesses(ctx context.Context, sandboxID string) ([]SSHAccess, error)

	// DeleteSSHAccess deletes an access; a missing one is no error.
	DeleteSSHAccess(ctx context.Context, id string) error

	// PruneSSHAccess deletes those that have expired by now.
	PruneSSHAccess(ctx context.Context, now time.Time) (int, error)
}
