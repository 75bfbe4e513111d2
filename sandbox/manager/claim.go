package manager

import (
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/toolboxclient"
)

// claimTimeout bounds what a claimed member must still be told.
const claimTimeout = 5 * time.Second

// claim takes a member of a warm pool for a sandbox that is wanted, and makes it
// that sandbox. It returns false where there is no member that fits, or telling
// it failed.
func (m *Manager) claim(ctx context.Context, want sandbox.Sandbox) (sandbox.Sandbox, bool) {
	for _, member := range m.fitting(want) {
		if !m.take(member.ID) {
			continue // somebody was faster
		}
		s, err := m.claimTaken(ctx, member, want)
		m.letGo(member.ID)
		m.wakePools()
		if err != nil {
			m.log.WarnContext(ctx, "claim a member of a warm pool", "sandbox", member.ID, "err", err)
			m.drop(context.WithoutCancel(ctx), []sandbox.Sandbox{member})
			return sandbox.Sandbox{}, false
		}
		m.log.InfoContext(ctx, "claimed a member of a warm pool", "sandbox", s.ID, "snapshot", s.Snapshot)
		return s, true
	}
	return sandbox.Sandbox{}, false
}

// take keeps a member from every other claim until letGo.
func (m *Manager) take(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.live[id]
	if e == nil || e.claiming || !fresh(e.s) {
		return false
	}
	e.claiming = true
	return true
}

func (m *Manager) letGo(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.live[id]; e != nil {
		e.claiming = false
	}
}

// claimTaken makes a member the sandbox that is wanted. The engine comes first:
// nobody may see a record whose walls are not there yet. What the member is about
// to get is written down before that, so that one on which a crash cuts this off
// is known for used.
func (m *Manager) claimTaken(ctx context.Context, member, want sandbox.Sandbox) (sandbox.Sandbox, error) {
	if !sameNetwork(member.Network, want.Network) || len(want.Env) > 0 {
		s, err := m.update(ctx, member.ID, func(s *sandbox.Sandbox) error {
			s.Network, s.Env = want.Network, want.Env
			return nil
		})
		if err != nil {
			return s, err
		}
		if err := m.equip(ctx, member, s); err != nil {
			return s, err
		}
	}
	return m.claimOne(ctx, member.ID, want)
}

// fresh reports whether a member of a warm pool has nothing of a claim on it.
func fresh(s sandbox.Sandbox) bool {
	return s.WarmPool != "" && len(s.Env) == 0 && sameNetwork(s.Network, sandbox.Network{})
}

// fitting returns the members that can become the sandbox that is wanted: only
// name, labels, intervals, network and environment can be given to one that
// runs.
func (m *Manager) fitting(want sandbox.Sandbox) []sandbox.Sandbox {
	if len(want.Volumes) > 0 || want.Linked != "" || want.User != "" && want.User != want.OwnUser {
		return nil
	}
	if len(want.Entrypoint) > 0 && len(want.Env) > 0 {
		return nil // a member's main process runs without it
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []sandbox.Sandbox
	for _, e := range m.live {
		if fresh(e.s) && fits(e.s, want) {
			all = append(all, e.s.Clone())
		}
	}
	slices.SortFunc(all, func(a, b sandbox.Sandbox) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return all
}

func fits(member, want sandbox.Sandbox) bool {
	return member.State == sandbox.StateStarted && member.Desired == sandbox.DesiredStarted &&
		member.Organization == want.Organization && member.Snapshot == want.Snapshot && member.Ref == want.Ref &&
		member.Engine == want.Engine && member.Resources == want.Resources && member.Runtime == want.Runtime &&
		slices.Equal(member.Entrypoint, want.Entrypoint)
}

// claimOne makes an unclaimed member the sandbox that is wanted, in one write.
func (m *Manager) claimOne(ctx context.Context, id string, want sandbox.Sandbox) (sandbox.Sandbox, error) {
	return m.update(ctx, id, func(s *sandbox.Sandbox) error {
		if s.WarmPool == "" || !fits(*s, want) {
			return sandbox.Errorf(sandbox.KindConflict, "the member was claimed by somebody else")
		}
		now := time.Now()
		s.WarmPool, s.User, s.Env, s.Labels, s.Public, s.Target = "", want.User, want.Env, want.Labels, want.Public, want.Target
		if s.Name = want.Name; want.Name == want.ID {
			s.Name = s.ID
		}
		s.Network, s.Intervals, s.Deprecated = want.Network, want.Intervals, want.Deprecated
		s.CreatedAt, s.LastEvent, s.DestroyAt = now, now, want.DestroyAt
		s.Activity = sandbox.Activity{sandbox.ActivityState: now}
		return nil
	})
}

// equip gives a member the network and the environment that it has by its record
// now.
func (m *Manager) equip(ctx context.Context, member, s sandbox.Sandbox) error {
	ctx, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	engine, ok := m.placer.Engine(s.Runner)
	if !ok {
		return fmt.Errorf("no runner %s", s.Runner)
	}
	if !sameNetwork(member.Network, s.Network) {
		if n, can := engine.(sandbox.Networker); can && m.can(s).Network {
			if err := n.SetNetwork(ctx, s.ID, s.Network); err != nil {
				return fmt.Errorf("set the network: %w", err)
			}
		}
	}
	if len(s.Env) == 0 {
		return nil
	}
	return m.sendEnv(ctx, engine, s)
}

func sameNetwork(a, b sandbox.Network) bool {
	return a.BlockAll == b.BlockAll && slices.Equal(a.Allow, b.Allow) && slices.Equal(a.Domains, b.Domains)
}

// sendEnv hands a sandbox's environment to its toolbox.
func (m *Manager) sendEnv(ctx context.Context, engine sandbox.Engine, s sandbox.Sandbox) error {
	toolbox := toolboxclient.Client{Token: m.ToolboxToken(s), Dial: func(ctx context.Context) (net.Conn, error) {
		return engine.Dial(ctx, s.ID, sandbox.ToolboxPort)
	}}
	if err := toolbox.Post(ctx, "/env", map[string]any{"set": s.Env}, nil); err != nil {
		return fmt.Errorf("send the environment: %w", err)
	}
	return nil
}
