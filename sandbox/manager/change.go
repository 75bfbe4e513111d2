package manager

import (
	"context"
	"maps"
	"slices"
	"time"

	"sandpiper/sandbox"
)

// SetLabels replaces the labels of a sandbox.
func (m *Manager) SetLabels(ctx context.Context, org, idOrName string, labels map[string]string) (sandbox.Sandbox, error) {
	if err := sandbox.ValidateLabels(labels); err != nil {
		return sandbox.Sandbox{}, err
	}
	return m.change(ctx, org, idOrName, func(s *sandbox.Sandbox) error {
		s.Labels = maps.Clone(labels)
		return nil
	})
}

// Rename gives a sandbox another name, which no other of its organization may
// have. Its addresses stay: they have its ID. Those that it is linked with reach it
// by the new name at once.
func (m *Manager) Rename(ctx context.Context, org, idOrName, name string) (sandbox.Sandbox, error) {
	if err := sandbox.ValidateName(name); err != nil {
		return sandbox.Sandbox{}, err
	}
	s, err := m.change(ctx, org, idOrName, func(s *sandbox.Sandbox) error {
		s.Name = name
		return nil
	})
	if err == nil {
		m.reconnect(ctx, s)
	}
	return s, err
}

// SetPublic says whether a sandbox's previews need no credential.
func (m *Manager) SetPublic(ctx context.Context, org, idOrName string, public bool) (sandbox.Sandbox, error) {
	return m.change(ctx, org, idOrName, func(s *sandbox.Sandbox) error {
		s.Public = public
		return nil
	})
}

// SetIntervals changes intervals. A sandbox stops by itself or pauses by itself:
// turning one on turns the other off. A TTL counts from now.
func (m *Manager) SetIntervals(ctx context.Context, org, idOrName string, u IntervalUpdate) (sandbox.Sandbox, error) {
	if u.AutoPause != nil && *u.AutoPause > 0 {
		_, err := m.able(org, idOrName, "pause sandboxes", func(p sandbox.Powers) bool { return p.Pause })
		if err != nil {
			return sandbox.Sandbox{}, fieldError("autoPauseInterval", err)
		}
	}
	s, err := m.change(ctx, org, idOrName, func(s *sandbox.Sandbox) error {
		u.apply(&s.Intervals)
		if err := s.Intervals.Validate(); err != nil {
			return err
		}
		if s.Linked != "" && !s.Intervals.Ephemeral() {
			return sandbox.FieldErrorf("autoDeleteInterval", "a linked sandbox must be ephemeral: the interval must be 0")
		}
		if u.TTL != nil {
			s.DestroyAt = time.Time{}
			if *u.TTL > 0 {
				s.DestroyAt = time.Now().Add(*u.TTL)
			}
		}
		return nil
	})
	if err == nil {
		m.kick(s.ID) // one that is stopped may have become ephemeral
	}
	return s, err
}

func (u IntervalUpdate) apply(i *sandbox.Intervals) {
	if u.AutoStop != nil && *u.AutoStop > 0 && u.AutoPause == nil {
		i.AutoPause = 0
	}
	if u.AutoPause != nil && *u.AutoPause > 0 && u.AutoStop == nil {
		i.AutoStop = 0
	}
	for _, f := range []struct{ field, to *time.Duration }{
		{&i.AutoStop, u.AutoStop}, {&i.AutoPause, u.AutoPause}, {&i.AutoArchive, u.AutoArchive}, {&i.AutoDelete, u.AutoDelete}, {&i.TTL, u.TTL},
	} {
		if f.to != nil {
			*f.field = *f.to
		}
	}
}

// SetNetwork changes what a sandbox may reach, without a restart. At least one
// field must be there. BlockAll clears both lists, and BlockAll false alone
// clears them too.
func (m *Manager) SetNetwork(ctx context.Context, org, idOrName string, u NetworkUpdate) (sandbox.Sandbox, error) {
	if u.BlockAll == nil && u.Allow == nil && u.Domains == nil {
		return sandbox.Sandbox{}, sandbox.FieldErrorf("networkBlockAll", "say what to change: networkBlockAll, networkAllowList or domainAllowList")
	}
	s, err := m.find(org, idOrName)
	if err != nil {
		return s, err
	}
	check := s
	check.Network = u.applied(s.Network)
	if err := check.Network.Validate(); err != nil {
		return s, err
	}
	if err := m.checkPowers(check); err != nil {
		return s, err
	}
	err = m.inTurn(ctx, s.ID, func(job context.Context) error { return m.setNetwork(job, s.ID, u) })
	if err != nil {
		return s, err
	}
	return m.byID(s.ID)
}

func (u NetworkUpdate) applied(n sandbox.Network) sandbox.Network {
	if u.BlockAll != nil && *u.BlockAll {
		return sandbox.Network{BlockAll: true}
	}
	if u.BlockAll != nil {
		n = sandbox.Network{}
	}
	if u.Allow != nil {
		n.Allow, n.BlockAll = slices.Clone(*u.Allow), false
	}
	if u.Domains != nil {
		n.Domains, n.BlockAll = slices.Clone(*u.Domains), false
	}
	return n
}

// setNetwork is called by the sandbox's worker. The engine comes first: a
// record must not promise walls that are not there.
func (m *Manager) setNetwork(ctx context.Context, id string, u NetworkUpdate) error {
	s, err := m.byID(id)
	if err != nil {
		return err
	}
	network := u.applied(s.Network)
	engine, ok := m.placer.Engine(s.Runner)
	if n, can := engine.(sandbox.Networker); ok && can && m.can(s).Network && in(sandbox.StateStarted, sandbox.StatePaused)(s) {
		if err := n.SetNetwork(ctx, id, network); err != nil {
			return err
		}
	}
	_, err = m.update(m.root, id, func(s *sandbox.Sandbox) error {
		s.Network = network
		return nil
	})
	return err
}

// Resize changes what a sandbox may use; zero fields stay as they are. A started
// one may get more cores and memory; a stopped one may have any of them, and
// more disk.
func (m *Manager) Resize(ctx context.Context, org, idOrName string, r sandbox.Resources) (sandbox.Sandbox, error) {
	s, err := m.settled(ctx, org, idOrName)
	if err != nil {
		return s, err
	}
	want := r.Or(s.Resources)
	if err := want.Validate(m.cfg.Organization.MaxEach); err != nil {
		return s, err
	}
	if err := mayResize(s, want); err != nil {
		return s, err
	}
	power := m.can(s).Resize
	if s.State == sandbox.StateStarted && !power {
		return s, cannot(s.Engine, "resize a sandbox that is started; stop it first")
	}
	bigger := s
	bigger.Resources = want
	ticket, err := m.reserve(ctx, withHeld(bigger), s.Resources.Held(s.State))
	if err != nil {
		return s, err
	}
	defer m.release(ticket, s.ID)
	err = m.inTurn(ctx, s.ID, func(job context.Context) error { return m.resize(job, s.ID, want, power) })
	if err != nil {
		return s, err
	}
	return m.byID(s.ID)
}

// withHeld returns s with only what it holds in its state.
func withHeld(s sandbox.Sandbox) sandbox.Sandbox {
	s.Resources = s.Resources.Held(s.State)
	return s
}

func mayResize(s sandbox.Sandbox, to sandbox.Resources) error {
	from := s.Resources
	switch {
	case s.State != sandbox.StateStarted && s.State != sandbox.StateStopped:
		return conflict(s, "resized")
	case to.DiskGiB < from.DiskGiB:
		return sandbox.FieldErrorf("disk", "a disk can only grow: it has %d GiB", from.DiskGiB)
	case s.State == sandbox.StateStopped:
		return nil
	case to.DiskGiB != from.DiskGiB:
		return sandbox.FieldErrorf("disk", "stop the sandbox before its disk is resized")
	case to.CPU < from.CPU:
		return sandbox.FieldErrorf("cpu", "a started sandbox can only get more cores: stop it first")
	case to.MemoryGiB < from.MemoryGiB:
		return sandbox.FieldErrorf("memory", "a started sandbox can only get more memory: stop it first")
	}
	return nil
}

// resize is called by the sandbox's worker.
func (m *Manager) resize(ctx context.Context, id string, to sandbox.Resources, inEngine bool) error {
	return m.excursion(ctx, id, sandbox.StateResizing, func(call context.Context, s sandbox.Sandbox) error {
		if err := mayResizeTo(s, to); err != nil {
			return err
		}
		engine, _ := m.placer.Engine(s.Runner)
		if resizer, ok := engine.(sandbox.Resizer); ok && inEngine {
			if err := resizer.Resize(call, id, to); err != nil {
				return err
			}
		}
		_, err := m.update(m.root, id, func(s *sandbox.Sandbox) error {
			s.Resources = to
			return nil
		})
		return err
	})
}

// mayResizeTo checks again what may have changed while the worker was at
// something else.
func mayResizeTo(s sandbox.Sandbox, to sandbox.Resources) error {
	if to.DiskGiB < s.Resources.DiskGiB {
		return sandbox.FieldErrorf("disk", "a disk can only grow: it has %d GiB", s.Resources.DiskGiB)
	}
	return nil
}
