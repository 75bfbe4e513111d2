package manager

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"sandpiper/sandbox"
)

// connect lets the sandboxes that s is linked with, and s, reach each other as they
// are now: it follows every start, end and new name of one of them.
func (m *Manager) connect(ctx context.Context, s sandbox.Sandbox) error {
	engine, ok := m.placer.Engine(s.Runner)
	linker, can := engine.(sandbox.Linker)
	if !ok || !can || !m.can(s).Link {
		return nil
	}
	if s.Linked == "" && len(m.family(s)) < 2 {
		return nil // most have no family, and must not wait for those that have
	}
	m.linking.Lock() // the engine gets names in the order of their changes
	defer m.linking.Unlock()
	return linker.Link(ctx, m.family(s))
}

// reconnect is connect after something that is done all the same.
func (m *Manager) reconnect(ctx context.Context, s sandbox.Sandbox) {
	if err := m.connect(ctx, s); err != nil && m.root.Err() == nil {
		m.log.WarnContext(ctx, "tell linked sandboxes what became of one of them", "sandbox", s.ID, "err", err)
	}
}

// family returns a sandbox with all that are linked with it and stay, in a fixed
// order.
func (m *Manager) family(s sandbox.Sandbox) (all []sandbox.Peer) {
	parent := cmp.Or(s.Linked, s.ID)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.live {
		if (e.s.ID == parent || e.s.Linked == parent) && e.s.Desired != sandbox.DesiredDestroyed {
			all = append(all, sandbox.Peer{ID: e.s.ID, Name: e.s.Name})
		}
	}
	slices.SortFunc(all, func(a, b sandbox.Peer) int { return strings.Compare(a.ID, b.ID) })
	return all
}
