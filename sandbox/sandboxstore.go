package sandbox

import (
	"context"
	"time"
)

// Store keeps what the manager must remember.
type Store interface {
	SandboxStore
	SnapshotStore
	WarmPoolStore
}

// SandboxStore keeps sandboxes. Missing ones are a *Error of KindNotFound.
type SandboxStore interface {
	// AddSandbox stores a new sandbox. A name that a sandbox of the same
	// organization has, one that is to be destroyed aside, is a *Error of
	// KindConflict with the field "name"; so is an ID that is there.
	AddSandbox(ctx context.Context, s Sandbox) error

	// Sandbox returns the sandbox with an ID, also one that is destroyed.
	Sandbox(ctx context.Context, id string) (Sandbox, error)

	// UpdateSandbox lets change change a sandbox, alone and at once: nobody else
	// writes between what change reads and what is stored. An error of change
	// leaves everything as it was and is returned as it is. change must not
	// call the store, may not change the ID, and may be called again. A name
	// that is taken is a *Error of KindConflict.
	UpdateSandbox(ctx context.Context, id string, change func(*Sandbox) error) (before, after Sandbox, err error)

	// Sandboxes returns a page of those that a filter admits. A filter that is
	// not valid is a *Error that names the field.
	Sandboxes(ctx context.Context, f SandboxFilter) (SandboxPage, error)

	// LiveSandboxes returns every sandbox that is not destroyed, oldest first.
	LiveSandboxes(ctx context.Context) ([]Sandbox, error)

	// StateChanges returns what ChangeOf says of each change that was stored of a
	// sandbox, the newest first, as many as MaxStateChanges. They go with its
	// record.
	StateChanges(ctx context.Context, id string) ([]StateChange, error)

	// PruneSandboxes forgets those that were destroyed before a time.
	PruneSandboxes(ctx context.Context, before time.Time) (int, error)
}

// SnapshotStore keeps snapshots. Missing ones are a *Error of KindNotFound.
type SnapshotStore interface {
	// AddSnapshot stores a new snapshot. A name or an alias that another of the
	// same organization has is a *Error of KindConflict with the field "name".
	AddSnapshot(ctx context.Context, s Snapshot) error

	// FindSnapshot returns the snapshot that an ID, a name or an alias stands
	// for: one of the organization's own or, where there is none, a general one.
	FindSnapshot(ctx context.Context, organization, idOrName string) (Snapshot, error)

	// UpdateSnapshot is to snapshots what UpdateSandbox is to sandboxes.
	UpdateSnapshot(ctx context.Context, id string, change func(*Snapshot) error) (before, after Snapshot, err error)

	// Snapshots returns a page of those that a filter admits.
	Snapshots(ctx context.Context, f SnapshotFilter) (SnapshotPage, error)

	DeleteSnapshot(ctx context.Context, id string) error
}

// WarmPoolStore keeps warm pools. Missing ones are a *Error of KindNotFound.
type WarmPoolStore interface {
	// AddWarmPool stores a new pool. A second one of an organization for the
	// same snapshot and target is a *Error of KindConflict.
	AddWarmPool(ctx context.Context, p WarmPool) error

	WarmPool(ctx context.Context, id string) (WarmPool, error)

	// UpdateWarmPool is to pools what UpdateSandbox is to sandboxes.
	UpdateWarmPool(ctx context.Context, id string, change func(*WarmPool) error) (before, after WarmPool, err error)

	// WarmPools returns an organization's pools, oldest first; those of all
	// organizations for "".
	WarmPools(ctx context.Context, organization string) ([]WarmPool, error)

	DeleteWarmPool(ctx context.Context, id string) error
}
