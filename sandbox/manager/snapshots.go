package manager

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sandpiper/sandbox"
)

// Names of the built-in snapshots.
const (
	SnapshotWasm   = "wasm"
	SnapshotSmall  = "sandpiper-small"
	SnapshotMedium = "sandpiper-medium"
	SnapshotLarge  = "sandpiper-large"

	// SnapshotHardened is the medium one on gVisor, where Docker has that.
	SnapshotHardened = "sandpiper-hardened"
)

// hardenedRuntime isolates sandboxes by a kernel of their own.
const hardenedRuntime = "runsc"

// builtinUser is who processes run as in the built-in snapshots.
const builtinUser = "daytona"

// builtins returns the snapshots that everybody has. Their IDs follow from their
// names, so that they are the same after every start.
func (m *Manager) builtins() []sandbox.Snapshot {
	medium := sandbox.Resources{CPU: 2, MemoryGiB: 4, DiskGiB: 8}
	container := func(name, alias, image string, r sandbox.Resources) sandbox.Snapshot {
		return sandbox.Snapshot{Name: name, Aliases: []string{alias}, Engine: sandbox.EngineContainer, Ref: image, Image: image, User: builtinUser, Resources: r}
	}
	all := []sandbox.Snapshot{
		{Name: SnapshotWasm, Engine: sandbox.EngineWasm, Ref: SnapshotWasm, User: builtinUser, Resources: defaultResources},
		container(SnapshotSmall, "daytona-small", m.cfg.Image, sandbox.Resources{CPU: 1, MemoryGiB: 1, DiskGiB: 3}),
		container(SnapshotMedium, "daytona-medium", m.cfg.Image, medium),
		container(SnapshotLarge, "daytona-large", m.cfg.Image, sandbox.Resources{CPU: 4, MemoryGiB: 8, DiskGiB: 10}),
		container(sandbox.DesktopSnapshot, "daytona-desktop", m.cfg.DesktopImage, medium),
		container(SnapshotHardened, "daytona-hardened", m.cfg.Image, medium),
	}
	all[len(all)-1].Runtime = hardenedRuntime
	for i := range all {
		sum := sha256.Sum256([]byte("snapshot " + all[i].Name))
		sum[6], sum[8] = sum[6]&0x0f|0x50, sum[8]&0x3f|0x80
		all[i].ID = fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
	}
	return all
}

// ensureBuiltins stores the built-in snapshots as this server has them.
func (m *Manager) ensureBuiltins(ctx context.Context) error {
	for _, b := range m.builtins() {
		b.CreatedAt = time.Now()
		b.UpdatedAt = b.CreatedAt
		b.State, b.ErrorReason, b.SizeBytes = m.builtinState(ctx, b)
		m.noteBuiltin(b.Name, b.State)
		err := m.store.AddSnapshot(ctx, b)
		if sandbox.KindOf(err) == sandbox.KindConflict && err != nil {
			_, _, err = m.store.UpdateSnapshot(ctx, b.ID, func(s *sandbox.Snapshot) error {
				b.CreatedAt, b.UpdatedAt, b.LastUsedAt = s.CreatedAt, s.UpdatedAt, s.LastUsedAt
				*s = b
				return nil
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// builtinState asks the engine whether it has a built-in snapshot.
func (m *Manager) builtinState(ctx context.Context, b sandbox.Snapshot) (state sandbox.SnapshotState, reason string, size int64) {
	print, err := m.placer.Print(b.Engine)
	if err != nil {
		return sandbox.SnapshotError, reasonOf(opCreate, err), 0
	}
	if b.Runtime != "" && !slices.Contains(print.Runtimes, b.Runtime) {
		return sandbox.SnapshotError, "the container engine has no working runtime " + b.Runtime + "; make gvisor builds and registers it, and a new start of the server finds it", 0
	}
	info, err := m.hasRef(ctx, b.Engine, b.Ref)
	switch {
	case err == nil:
		return sandbox.SnapshotActive, "", info.SizeBytes
	case sandbox.KindOf(err) == sandbox.KindNotFound:
		return sandbox.SnapshotError, fmt.Sprintf("the image %s is not there; make it with: make docker", b.Ref), 0
	default:
		return sandbox.SnapshotError, reasonOf("find the image of", err), 0
	}
}

// checkBuiltins keeps the states of the built-in snapshots true.
func (m *Manager) checkBuiltins(ctx context.Context) {
	for _, b := range m.builtins() {
		state, reason, size := m.builtinState(ctx, b)
		m.noteBuiltin(b.Name, state)
		err := m.updateSnapshot(ctx, b.ID, func(s *sandbox.Snapshot) error {
			if s.State == state && s.ErrorReason == reason {
				return errNothing
			}
			s.State, s.ErrorReason, s.SizeBytes = state, reason, size
			return nil
		})
		if err != nil && ctx.Err() == nil {
			m.log.WarnContext(ctx, "check a built-in snapshot", "snapshot", b.Name, "err", err)
		}
	}
}

// DefaultSnapshot returns the name of the snapshot that sandboxes start from
// when nobody names one: a container where that works and its image is there.
func (m *Manager) DefaultSnapshot() string {
	_, err := m.placer.Print(sandbox.EngineContainer)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil && m.container {
		return SnapshotSmall
	}
	return SnapshotWasm
}

// noteBuiltin remembers whether the default container snapshot can be used.
func (m *Manager) noteBuiltin(name string, state sandbox.SnapshotState) {
	if name != SnapshotSmall {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.container = state == sandbox.SnapshotActive
}

// addSnapshot stores a new snapshot and tells of it.
func (m *Manager) addSnapshot(ctx context.Context, s sandbox.Snapshot) (sandbox.Snapshot, error) {
	own, err := m.ownSnapshots(ctx, s.Organization)
	if err != nil {
		return s, err
	}
	if own >= m.cfg.MaxSnapshots {
		return s, sandbox.Errorf(sandbox.KindForbidden, "the organization has %d snapshots, which is as many as it may have; delete one first", own)
	}
	for _, b := range m.builtins() {
		if s.Name == b.Name || len(b.Aliases) > 0 && s.Name == b.Aliases[0] {
			return s, &sandbox.Error{Kind: sandbox.KindConflict, Field: "name", Message: "the name " + s.Name + " is that of a built-in snapshot"}
		}
	}
	if err := m.store.AddSnapshot(ctx, s); err != nil {
		return s, err
	}
	m.publishSnapshot(EventSnapshotCreated, sandbox.Snapshot{}, s)
	return s, nil
}

// updateSnapshot changes a snapshot and tells of a new state.
func (m *Manager) updateSnapshot(ctx context.Context, id string, change func(*sandbox.Snapshot) error) error {
	before, after, err := m.store.UpdateSnapshot(ctx, id, func(s *sandbox.Snapshot) error {
		if err := change(s); err != nil {
			return err
		}
		s.UpdatedAt = time.Now()
		return nil
	})
	if errors.Is(err, errNothing) {
		return nil
	}
	if err == nil && before.State != after.State {
		m.publishSnapshot(EventSnapshotState, before, after)
	}
	return err
}

// used notes that a sandbox starts from a snapshot.
func (m *Manager) used(ctx context.Context, s sandbox.Snapshot) {
	if time.Since(s.LastUsedAt) < time.Minute {
		return
	}
	_, _, err := m.store.UpdateSnapshot(ctx, s.ID, func(s *sandbox.Snapshot) error {
		s.LastUsedAt = time.Now()
		return nil
	})
	if err != nil && ctx.Err() == nil {
		m.log.WarnContext(ctx, "note the use of a snapshot", "snapshot", s.Name, "err", err)
	}
}

// CreateSnapshot makes a snapshot of an image that the container engine has.
func (m *Manager) CreateSnapshot(ctx context.Context, r SnapshotRequest) (sandbox.Snapshot, error) {
	if err := sandbox.ValidateName(r.Name); err != nil {
		return sandbox.Snapshot{}, err
	}
	if r.Image == "" && r.Dockerfile == "" {
		return sandbox.Snapshot{}, sandbox.FieldErrorf("imageName", "say which image the snapshot is of")
	}
	resources := r.Resources.Or(defaultResources)
	if err := resources.Validate(m.cfg.Organization.MaxEach); err != nil {
		return sandbox.Snapshot{}, err
	}
	s, err := m.resolve(ctx, CreateRequest{Image: r.Image, Dockerfile: r.Dockerfile})
	if err != nil {
		return s, err
	}
	info, err := m.hasImage(ctx, s.Ref)
	if err != nil {
		return s, err
	}
	print, err := m.placer.Print(s.Engine)
	if err != nil {
		return s, err
	}
	if r.Runtime != "" && !slices.Contains(print.Runtimes, r.Runtime) {
		return s, sandbox.FieldErrorf("runtime", "the container engine has no working runtime %s; it has %s", quote(r.Runtime), strings.Join(print.Runtimes, ", "))
	}
	s.ID, s.Name, s.Organization, s.Runtime, s.Resources = sandbox.NewUUID(), r.Name, r.Organization, r.Runtime, resources
	s.User, s.SizeBytes = info.User, info.SizeBytes
	if len(r.Entrypoint) > 0 {
		s.Entrypoint = r.Entrypoint
	}
	s.CreatedAt = time.Now()
	s.UpdatedAt = s.CreatedAt
	return m.addSnapshot(ctx, s)
}

// Snapshots returns a page of an organization's snapshots and the general ones.
func (m *Manager) Snapshots(ctx context.Context, f sandbox.SnapshotFilter) (sandbox.SnapshotPage, error) {
	return m.store.Snapshots(ctx, f)
}

// SnapshotByNameOrID returns a snapshot by its ID, its name or an alias.
func (m *Manager) SnapshotByNameOrID(ctx context.Context, org, idOrName string) (sandbox.Snapshot, error) {
	return m.store.FindSnapshot(ctx, org, idOrName)
}

// ownSnapshot returns a snapshot that the organization may change.
func (m *Manager) ownSnapshot(ctx context.Context, org, idOrName string) (sandbox.Snapshot, error) {
	s, err := m.store.FindSnapshot(ctx, org, idOrName)
	if err == nil && s.Organization == "" {
		err = sandbox.Errorf(sandbox.KindForbidden, "the snapshot %s belongs to the server; it cannot be changed", s.Name)
	}
	return s, err
}

// RemoveSnapshot deletes a snapshot, with its warm pools. One that was made from
// a sandbox is a conflict while sandboxes that started from it are there.
func (m *Manager) RemoveSnapshot(ctx context.Context, org, idOrName string) (sandbox.Snapshot, error) {
	s, err := m.ownSnapshot(ctx, org, idOrName)
	if err != nil {
		return s, err
	}
	if err := m.unused(s); err != nil {
		return s, err
	}
	if err := m.dropPoolsOf(ctx, org, s.Name); err != nil {
		return s, err
	}
	if err := m.unused(s); err != nil { // a member may have been claimed just before
		return s, err
	}
	if s.Source != "" && s.Ref != "" {
		if err := m.deleteRef(ctx, s); err != nil {
			return s, err
		}
	}
	if err := m.store.DeleteSnapshot(ctx, s.ID); err != nil {
		return s, err
	}
	removed := s
	removed.State = sandbox.SnapshotRemoving
	m.publishSnapshot(EventSnapshotRemoved, s, removed)
	return removed, nil
}

// unused says of a snapshot that sandboxes need that it cannot go.
func (m *Manager) unused(s sandbox.Snapshot) error {
	if s.Source == "" || s.Ref == "" {
		return nil // an image stays anyway
	}
	if n := m.users(s); n > 0 {
		return sandbox.Errorf(sandbox.KindConflict, "%d sandboxes started from the snapshot %s and need it; delete them first", n, s.Name)
	}
	return nil
}

// users returns how many sandboxes started from a snapshot, the unclaimed members
// of warm pools aside, which go with it.
func (m *Manager) users(s sandbox.Snapshot) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, e := range m.live {
		if e.s.Ref == s.Ref && e.s.Engine == s.Engine && e.s.WarmPool == "" && e.s.Desired != sandbox.DesiredDestroyed {
			n++
		}
	}
	return n
}

// deleteRef removes what a snapshot holds in its engine.
func (m *Manager) deleteRef(ctx context.Context, s sandbox.Snapshot) error {
	for _, e := range m.cfg.Engines {
		if snapper, ok := e.(sandbox.Snapshotter); ok && e.Name() == s.Engine {
			if err := ignoreGone(snapper.DeleteRef(ctx, s.Ref)); err != nil {
				return err
			}
		}
	}
	return nil
}

// ActivateSnapshot lets sandboxes start from a snapshot again.
func (m *Manager) ActivateSnapshot(ctx context.Context, org, idOrName string) (sandbox.Snapshot, error) {
	s, err := m.ownSnapshot(ctx, org, idOrName)
	switch {
	case err != nil:
		return s, err
	case s.State == sandbox.SnapshotActive:
		return s, nil
	case s.State != sandbox.SnapshotInactive && s.State != sandbox.SnapshotError || s.Ref == "":
		return s, sandbox.Errorf(sandbox.KindConflict, "the snapshot %s is %s; it cannot be activated", s.Name, s.State)
	}
	if _, err := m.hasRef(ctx, s.Engine, s.Ref); err != nil {
		return s, err
	}
	return m.setSnapshotState(ctx, s, sandbox.SnapshotActive)
}

// DeactivateSnapshot keeps sandboxes from starting from a snapshot.
func (m *Manager) DeactivateSnapshot(ctx context.Context, org, idOrName string) (sandbox.Snapshot, error) {
	s, err := m.ownSnapshot(ctx, org, idOrName)
	switch {
	case err != nil:
		return s, err
	case s.State == sandbox.SnapshotInactive:
		return s, nil
	case s.State != sandbox.SnapshotActive:
		return s, sandbox.Errorf(sandbox.KindConflict, "the snapshot %s is %s; only an active one can be deactivated", s.Name, s.State)
	}
	return m.setSnapshotState(ctx, s, sandbox.SnapshotInactive)
}

func (m *Manager) setSnapshotState(ctx context.Context, s sandbox.Snapshot, to sandbox.SnapshotState) (sandbox.Snapshot, error) {
	err := m.updateSnapshot(ctx, s.ID, func(now *sandbox.Snapshot) error {
		if now.State != s.State {
			return sandbox.Errorf(sandbox.KindConflict, "the snapshot %s is %s now", s.Name, now.State)
		}
		now.State, now.ErrorReason = to, ""
		return nil
	})
	if err != nil {
		return s, err
	}
	return m.store.FindSnapshot(ctx, s.Organization, s.ID)
}
