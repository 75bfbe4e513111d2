package manager

import (
	"context"

	"sandpiper/sandbox"
)

// Usage returns what an organization has and uses: of cores and memory what is
// started holds, of disk what is not archived holds.
func (m *Manager) Usage(ctx context.Context, org string) (Usage, error) {
	snapshots, err := m.ownSnapshots(ctx, org)
	if err != nil {
		return Usage{}, err
	}
	u := Usage{
		Organization: m.cfg.Organization, Snapshots: snapshots, MaxSnapshots: m.cfg.MaxSnapshots,
		ByEngine: m.placer.Used(org), StartedByEngine: make(map[sandbox.EngineName]int),
	}
	for _, r := range m.placer.Runners() {
		u.Limit = u.Limit.Plus(r.Limit)
	}
	u.Limit = u.Organization.Quota.Or(u.Limit)
	for _, r := range u.ByEngine {
		u.Used = u.Used.Plus(r)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.live {
		if e.s.Organization != org {
			continue
		}
		u.Sandboxes++
		if e.s.State == sandbox.StateStarted {
			u.Started++
			u.StartedByEngine[e.s.Engine]++
		}
	}
	return u, nil
}

// ownSnapshots returns how many snapshots an organization has, the general ones
// aside.
func (m *Manager) ownSnapshots(ctx context.Context, org string) (int, error) {
	page, err := m.store.Snapshots(ctx, sandbox.SnapshotFilter{Organization: org, Limit: 1})
	return max(0, page.Total-len(m.builtins())), err
}

// Runners returns the runners as they were at the last look.
func (m *Manager) Runners(context.Context) ([]sandbox.Runner, error) { return m.placer.Runners(), nil }

// Regions returns the regions that there are.
func (m *Manager) Regions() []sandbox.Region { return []sandbox.Region{m.cfg.Region} }
