package api

import (
	"context"

	"sandpiper/sandbox"
	"sandpiper/sandbox/manager"
)

// Manager is what the API needs of the manager.
type Manager interface {
	sandboxes
	changes
	snapshots
	pools

	Usage(ctx context.Context, org string) (manager.Usage, error)
	Runners(ctx context.Context) ([]sandbox.Runner, error)
	Regions() []sandbox.Region
	Subscribe(org string) (events <-chan manager.Event, stop func())
}

// sandboxes are the calls that look at sandboxes and move them through their
// states.
type sandboxes interface {
	Create(ctx context.Context, r manager.CreateRequest) (sandbox.Sandbox, error)
	Sandbox(ctx context.Context, org, idOrName string) (sandbox.Sandbox, error)
	List(ctx context.Context, f sandbox.SandboxFilter) (sandbox.SandboxPage, error)
	Start(ctx context.Context, org, idOrName string) (sandbox.Sandbox, error)
	Stop(ctx context.Context, org, idOrName string, force bool) (sandbox.Sandbox, error)
	Pause(ctx context.Context, org, idOrName string) (sandbox.Sandbox, error)
	Archive(ctx context.Context, org, idOrName string) (sandbox.Sandbox, error)
	Recover(ctx context.Context, org, idOrName string, skipStart bool) (sandbox.Sandbox, error)
	Destroy(ctx context.Context, org, idOrName string) (sandbox.Sandbox, error)
	Resize(ctx context.Context, org, idOrName string, r sandbox.Resources) (sandbox.Sandbox, error)
	Fork(ctx context.Context, org, idOrName, name string) (sandbox.Sandbox, error)
	Snapshot(ctx context.Context, org, idOrName, name string, includeMemory bool) (sandbox.Sandbox, error)
	Forks(ctx context.Context, org, idOrName string, includeDestroyed bool) ([]sandbox.Sandbox, error)
	Parent(ctx context.Context, org, idOrName string) (sandbox.Sandbox, error)
	Ancestors(ctx context.Context, org, idOrName string) ([]sandbox.Sandbox, error)
}

// changes are the calls that change a setting of a sandbox, or show a secret
// of it.
type changes interface {
	SetLabels(ctx context.Context, org, idOrName string, labels map[string]string) (sandbox.Sandbox, error)
	SetPublic(ctx context.Context, org, idOrName string, public bool) (sandbox.Sandbox, error)
	SetNetwork(ctx context.Context, org, idOrName string, u manager.NetworkUpdate) (sandbox.Sandbox, error)
	SetIntervals(ctx context.Context, org, idOrName string, u manager.IntervalUpdate) (sandbox.Sandbox, error)
	Touch(ctx context.Context, org, idOrName string, source sandbox.ActivitySource) error
	PreviewToken(s sandbox.Sandbox) string
	SigningKey(s sandbox.Sandbox) string
	RotateSigningKey(ctx context.Context, org, idOrName string) (sandbox.Sandbox, error)
}

type snapshots interface {
	CreateSnapshot(ctx context.Context, r manager.SnapshotRequest) (sandbox.Snapshot, error)
	Snapshots(ctx context.Context, f sandbox.SnapshotFilter) (sandbox.SnapshotPage, error)
	SnapshotByNameOrID(ctx context.Context, org, idOrName string) (sandbox.Snapshot, error)
	RemoveSnapshot(ctx context.Context, org, idOrName string) (sandbox.Snapshot, error)
	ActivateSnapshot(ctx context.Context, org, idOrName string) (sandbox.Snapshot, error)
	DeactivateSnapshot(ctx context.Context, org, idOrName string) (sandbox.Snapshot, error)
	DefaultSnapshot() string
}

type pools interface {
	WarmPools(ctx context.Context, org string) ([]manager.PoolStatus, error)
	CreateWarmPool(ctx context.Context, org, snapshot, target string, size int) (manager.PoolStatus, error)
	ResizeWarmPool(ctx context.Context, org, id string, size int) (manager.PoolStatus, error)
	DeleteWarmPool(ctx context.Context, org, id string) error
}

// Keys is what the API needs of the store of credentials.
type Keys interface {
	PutAPIKey(ctx context.Context, k sandbox.APIKey) error
	APIKeys(ctx context.Context) ([]sandbox.APIKey, error)
	DeleteAPIKey(ctx context.Context, id string) error
}

var _ Manager = (*manager.Manager)(nil)
