package manager

import (
	"context"
	"errors"
	"net"

	"sandpiper/sandbox"
)

var errSoon = errors.New("the manager's bodies follow in the next commit")

// Manager is the truth about sandboxes. It is safe for concurrent use.
type Manager struct{}

func New(ctx context.Context, cfg Config) (*Manager, error) { return nil, errSoon }
func (m *Manager) Close() error                             { return errSoon }
func (m *Manager) Create(ctx context.Context, r CreateRequest) (s sandbox.Sandbox, err error) {
	return s, errSoon
}
func (m *Manager) Sandbox(ctx context.Context, org, idOrName string) (s sandbox.Sandbox, err error) {
	return s, errSoon
}
func (m *Manager) ByID(ctx context.Context, id string) (s sandbox.Sandbox, err error) {
	return s, errSoon
}
func (m *Manager) List(ctx context.Context, f sandbox.SandboxFilter) (p sandbox.SandboxPage, err error) {
	return p, errSoon
}
func (m *Manager) Start(ctx context.Context, org, idOrName string) (s sandbox.Sandbox, err error) {
	return s, errSoon
}
func (m *Manager) Stop(ctx context.Context, org, idOrName string, force bool) (s sandbox.Sandbox, err error) {
	return s, errSoon
}
func (m *Manager) Pause(ctx context.Context, org, idOrName string) (s sandbox.Sandbox, err error) {
	return s, errSoon
}
func (m *Manager) Archive(ctx context.Context, org, idOrName string) (s sandbox.Sandbox, err error) {
	return s, errSoon
}
func (m *Manager) Recover(ctx context.Context, org, idOrName string, skipStart bool) (s sandbox.Sandbox, err error) {
	return s, errSoon
}
func (m *Manager) Destroy(ctx context.Context, org, idOrName string) (s sandbox.Sandbox, err error) {
	return s, errSoon
}
func (m *Manager) Resize(ctx context.Context, org, idOrName string, r sandbox.Resources) (s sandbox.Sandbox, err error) {
	return s, errSoon
}
func (m *Manager) Fork(ctx context.Context, org, idOrName, name string) (s sandbox.Sandbox, err error) {
	return s, errSoon
}
func (m *Manager) Snapshot(ctx context.Context, org, idOrName, name string, includeMemory bool) (s sandbox.Sandbox, err error) {
	return s, errSoon
}
func (m *Manager) SetLabels(ctx context.Context, org, idOrName string, labels map[string]string) (s sandbox.Sandbox, err error) {
	return s, errSoon
}
func (m *Manager) SetPublic(ctx context.Context, org, idOrName string, public bool) (s sandbox.Sandbox, err error) {
	return s, errSoon
}
func (m *Manager) SetNetwork(ctx context.Context, org, idOrName string, u NetworkUpdate) (s sandbox.Sandbox, err error) {
	return s, errSoon
}
func (m *Manager) SetIntervals(ctx context.Context, org, idOrName string, u IntervalUpdate) (s sandbox.Sandbox, err error) {
	return s, errSoon
}
func (m *Manager) Touch(ctx context.Context, org, idOrName string, source sandbox.ActivitySource) error {
	return errSoon
}
func (m *Manager) Forks(ctx context.Context, org, idOrName string, includeDestroyed bool) ([]sandbox.Sandbox, error) {
	return nil, errSoon
}
func (m *Manager) Parent(ctx context.Context, org, idOrName string) (s sandbox.Sandbox, err error) {
	return s, errSoon
}
func (m *Manager) Ancestors(ctx context.Context, org, idOrName string) ([]sandbox.Sandbox, error) {
	return nil, errSoon
}
func (m *Manager) Dial(ctx context.Context, id string, port int) (net.Conn, error) {
	return nil, errSoon
}
func (m *Manager) ToolboxToken(s sandbox.Sandbox) string { return "" }
func (m *Manager) PreviewToken(s sandbox.Sandbox) string { return "" }
func (m *Manager) SigningKey(s sandbox.Sandbox) string   { return "" }
func (m *Manager) RotateSigningKey(ctx context.Context, org, idOrName string) (s sandbox.Sandbox, err error) {
	return s, errSoon
}
func (m *Manager) WaitState(ctx context.Context, id string, states ...sandbox.State) (s sandbox.Sandbox, err error) {
	return s, errSoon
}
func (m *Manager) Subscribe(org string) (events <-chan Event, stop func()) { return nil, func() {} }
func (m *Manager) CreateSnapshot(ctx context.Context, r SnapshotRequest) (s sandbox.Snapshot, err error) {
	return s, errSoon
}
func (m *Manager) Snapshots(ctx context.Context, f sandbox.SnapshotFilter) (p sandbox.SnapshotPage, err error) {
	return p, errSoon
}
func (m *Manager) SnapshotByNameOrID(ctx context.Context, org, idOrName string) (s sandbox.Snapshot, err error) {
	return s, errSoon
}
func (m *Manager) RemoveSnapshot(ctx context.Context, org, idOrName string) (s sandbox.Snapshot, err error) {
	return s, errSoon
}
func (m *Manager) ActivateSnapshot(ctx context.Context, org, idOrName string) (s sandbox.Snapshot, err error) {
	return s, errSoon
}
func (m *Manager) DeactivateSnapshot(ctx context.Context, org, idOrName string) (s sandbox.Snapshot, err error) {
	return s, errSoon
}
func (m *Manager) WarmPools(ctx context.Context, org string) ([]PoolStatus, error) {
	return nil, errSoon
}
func (m *Manager) CreateWarmPool(ctx context.Context, org, snapshot, target string, size int) (p PoolStatus, err error) {
	return p, errSoon
}
func (m *Manager) ResizeWarmPool(ctx context.Context, org, id string, size int) (p PoolStatus, err error) {
	return p, errSoon
}
func (m *Manager) DeleteWarmPool(ctx context.Context, org, id string) error { return errSoon }
func (m *Manager) Usage(ctx context.Context, org string) (u Usage, err error) {
	return u, errSoon
}
func (m *Manager) Runners(ctx context.Context) ([]sandbox.Runner, error) { return nil, errSoon }
func (m *Manager) Regions() []sandbox.Region                             { return nil }
func (m *Manager) DefaultSnapshot() string                               { return "" }
