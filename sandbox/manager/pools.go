package manager

import (
	"cmp"
	"context"
	"slices"
	"time"

	"sandpiper/sandbox"
)

// maxPool bounds the members of a pool; quotas and the host bound them further.
const maxPool = 100

// How long a pool that cannot be filled waits before the next try.
const (
	minPoolWait = 2 * time.Second
	maxPoolWait = 2 * time.Minute
)

// refillDelay is how long a pool that was taken from waits before it is filled: to
// start a container keeps the cores busy, which the member's first command wants
// too.
const refillDelay = 100 * time.Millisecond

// A wait puts off the filling of a pool after a failure.
type wait struct {
	until time.Time
	next  time.Duration
}

// WarmPools returns an organization's pools.
func (m *Manager) WarmPools(ctx context.Context, org string) ([]PoolStatus, error) {
	pools, err := m.store.WarmPools(ctx, org)
	if err != nil {
		return nil, err
	}
	all := []PoolStatus{}
	for _, p := range pools {
		all = append(all, m.poolStatus(ctx, p))
	}
	return all, nil
}

func (m *Manager) poolStatus(ctx context.Context, p sandbox.WarmPool) PoolStatus {
	status := PoolStatus{WarmPool: p}
	if s, err := m.store.FindSnapshot(ctx, p.Organization, p.Snapshot); err == nil {
		status.Resources = s.Resources
	}
	for _, member := range m.members(p.ID) {
		if member.State == sandbox.StateStarted {
			status.Ready++
		}
	}
	return status
}

// members returns the unclaimed members of a pool that are not to be destroyed,
// the oldest first.
func (m *Manager) members(pool string) []sandbox.Sandbox {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []sandbox.Sandbox
	for _, e := range m.live {
		if e.s.WarmPool == pool && e.s.Desired != sandbox.DesiredDestroyed {
			all = append(all, e.s.Clone())
		}
	}
	slices.SortFunc(all, func(a, b sandbox.Sandbox) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// CreateWarmPool keeps size sandboxes of a snapshot started for whoever comes
// next. A second pool for the same snapshot and target is a conflict.
func (m *Manager) CreateWarmPool(ctx context.Context, org, snapshot, target string, size int) (PoolStatus, error) {
	if err := validatePool(size, 1); err != nil {
		return PoolStatus{}, err
	}
	if err := sandbox.ValidateTarget(target); err != nil {
		return PoolStatus{}, err
	}
	s, err := m.resolve(ctx, CreateRequest{Organization: org, Snapshot: snapshot})
	if err != nil {
		return PoolStatus{}, err
	}
	now := time.Now()
	p := sandbox.WarmPool{
		ID: sandbox.NewUUID(), Organization: org, Snapshot: s.Name, Target: m.region(target), Size: size, CreatedAt: now, UpdatedAt: now,
	}
	if err := m.store.AddWarmPool(ctx, p); err != nil {
		return PoolStatus{}, err
	}
	m.wakePools()
	return m.poolStatus(ctx, p), nil
}

func validatePool(size, least int) error {
	if size < least || size > maxPool {
		return sandbox.FieldErrorf("pool", "a pool may have %d to %d members", least, maxPool)
	}
	return nil
}

// region returns the region that a target stands for: all stand for the one.
func (m *Manager) region(string) string { return m.cfg.Region.ID }

// ownPool returns a pool of an organization.
func (m *Manager) ownPool(ctx context.Context, org, id string) (sandbox.WarmPool, error) {
	p, err := m.store.WarmPool(ctx, id)
	if err == nil && p.Organization != org {
		err = sandbox.Errorf(sandbox.KindNotFound, "there is no such warm pool")
	}
	return p, err
}

// ResizeWarmPool changes how many members a pool has; 0 drains it.
func (m *Manager) ResizeWarmPool(ctx context.Context, org, id string, size int) (PoolStatus, error) {
	if err := validatePool(size, 0); err != nil {
		return PoolStatus{}, err
	}
	if _, err := m.ownPool(ctx, org, id); err != nil {
		return PoolStatus{}, err
	}
	_, p, err := m.store.UpdateWarmPool(ctx, id, func(p *sandbox.WarmPool) error {
		p.Size, p.ErrorReason, p.UpdatedAt = size, "", time.Now()
		return nil
	})
	if err != nil {
		return PoolStatus{}, err
	}
	m.setWait(id, wait{})
	m.wakePools()
	return m.poolStatus(ctx, p), nil
}

// DeleteWarmPool deletes a pool and its unclaimed members.
func (m *Manager) DeleteWarmPool(ctx context.Context, org, id string) error {
	if _, err := m.ownPool(ctx, org, id); err != nil {
		return err
	}
	if err := m.store.DeleteWarmPool(ctx, id); err != nil {
		return err
	}
	m.drop(ctx, m.members(id))
	return nil
}

// dropPoolsOf deletes the pools of a snapshot.
func (m *Manager) dropPoolsOf(ctx context.Context, org, snapshot string) error {
	pools, err := m.store.WarmPools(ctx, org)
	if err != nil {
		return err
	}
	for _, p := range pools {
		if p.Snapshot != snapshot {
			continue
		}
		if err := m.DeleteWarmPool(ctx, org, p.ID); err != nil {
			return err
		}
	}
	return nil
}

// drop destroys members that nobody will claim.
func (m *Manager) drop(ctx context.Context, members []sandbox.Sandbox) {
	for _, s := range members {
		if _, err := m.destroy(ctx, s); err != nil && ctx.Err() == nil && sandbox.KindOf(err) != sandbox.KindNotFound {
			m.log.WarnContext(ctx, "destroy a member of a warm pool", "sandbox", s.ID, "err", err)
		}
	}
}

// wakePools lets the pools be filled now.
func (m *Manager) wakePools() {
	select {
	case m.refill <- struct{}{}:
	default:
	}
}

// keepPools fills the pools, off the path of requests.
func (m *Manager) keepPools() {
	tick := time.NewTicker(m.cfg.Tick)
	defer tick.Stop()
	for {
		pools, err := m.store.WarmPools(m.root, "")
		if err != nil && m.root.Err() == nil {
			m.log.Warn("read the warm pools", "err", err)
		}
		if err == nil {
			m.fillPools(m.root, pools)
		}
		select {
		case <-m.root.Done():
			return
		case <-tick.C:
		case <-m.refill:
			select {
			case <-m.root.Done():
			case <-time.After(refillDelay):
			}
		}
	}
}

// fillPools brings each pool to its size, and destroys members whose pool is
// gone.
func (m *Manager) fillPools(ctx context.Context, pools []sandbox.WarmPool) {
	known := map[string]bool{"": true}
	for _, p := range pools {
		known[p.ID] = true
		m.fillPool(ctx, p)
	}
	for _, w := range m.wanted() {
		if !known[w.WarmPool] && w.Desired != sandbox.DesiredDestroyed {
			m.drop(ctx, []sandbox.Sandbox{w.Sandbox})
		}
	}
}

// fillPool brings a pool to its size. Members that failed or stopped are
// replaced.
func (m *Manager) fillPool(ctx context.Context, p sandbox.WarmPool) {
	good, bad, ready := m.sortMembers(p.ID)
	m.drop(ctx, bad)
	if len(good) > p.Size {
		m.drop(ctx, good[p.Size:])
	}
	w := m.waitOf(p.ID)
	switch {
	case len(bad) > 0 && bad[0].State == sandbox.StateError:
		m.poolFailed(ctx, p, w, bad[0].ErrorReason)
	case ready >= p.Size:
		m.setWait(p.ID, wait{})
		m.notePool(ctx, p, "")
	case time.Now().After(w.until):
		m.addMembers(ctx, p, w, p.Size-len(good))
	}
}

// sortMembers tells the members of a pool that are or will be ready from those
// that never will: they failed, or a claim of them was cut off.
func (m *Manager) sortMembers(pool string) (good, bad []sandbox.Sandbox, ready int) {
	for _, s := range m.members(pool) {
		switch {
		case m.claiming(s.ID):
		case !fresh(s):
			bad = append(bad, s)
		case s.State == sandbox.StateStarted:
			ready++
			good = append(good, s)
		case s.State.Transient() && s.Desired == sandbox.DesiredStarted:
			good = append(good, s)
		default:
			bad = append(bad, s)
		}
	}
	return good, bad, ready
}

func (m *Manager) claiming(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.live[id]
	return e != nil && e.claiming
}

// addMembers begins to create members of a pool.
func (m *Manager) addMembers(ctx context.Context, p sandbox.WarmPool, w wait, n int) {
	for range n {
		if err := m.addMember(ctx, p); err != nil {
			if ctx.Err() == nil {
				m.poolFailed(ctx, p, w, reasonOf("fill", err))
			}
			return
		}
	}
}

// addMember begins to create one member of a pool.
func (m *Manager) addMember(ctx context.Context, p sandbox.WarmPool) error {
	s, err := m.newRecord(ctx, CreateRequest{Organization: p.Organization, Snapshot: p.Snapshot, Target: p.Target})
	if err != nil {
		return err
	}
	s.WarmPool = p.ID
	return m.add(ctx, s)
}

// poolFailed notes why a pool cannot be filled, and waits longer each time.
func (m *Manager) poolFailed(ctx context.Context, p sandbox.WarmPool, w wait, reason string) {
	w.next = min(max(2*w.next, minPoolWait), maxPoolWait)
	w.until = time.Now().Add(w.next)
	m.setWait(p.ID, w)
	m.notePool(ctx, p, reason)
}

// notePool writes down why a pool is not full.
func (m *Manager) notePool(ctx context.Context, p sandbox.WarmPool, reason string) {
	if p.ErrorReason == reason {
		return
	}
	_, _, err := m.store.UpdateWarmPool(ctx, p.ID, func(p *sandbox.WarmPool) error {
		p.ErrorReason, p.UpdatedAt = reason, time.Now()
		return nil
	})
	if err != nil && ctx.Err() == nil && sandbox.KindOf(err) != sandbox.KindNotFound {
		m.log.WarnContext(ctx, "write down the state of a warm pool", "pool", p.ID, "err", err)
	}
}

func (m *Manager) waitOf(pool string) wait {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.waits[pool]
}

func (m *Manager) setWait(pool string, w wait) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waits[pool] = w
}
