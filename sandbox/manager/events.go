package manager

import "sandpiper/sandbox"

// eventBuffer is how many events a subscriber may be behind.
const eventBuffer = 256

type subscriber struct {
	organization string
	events       chan Event
}

// Subscribe returns the events of an organization from now on. A subscriber
// that falls behind is dropped: its channel is closed, as it is when the manager
// closes. stop ends the subscription, and may be called again.
func (m *Manager) Subscribe(org string) (events <-chan Event, stop func()) {
	s := &subscriber{org, make(chan Event, eventBuffer)}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		close(s.events)
		return s.events, func() {}
	}
	m.subs[s] = true
	return s.events, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.dropLocked(s)
	}
}

// dropLocked ends a subscription. Preconditions: m.mu must be held.
func (m *Manager) dropLocked(s *subscriber) {
	if m.subs[s] {
		delete(m.subs, s)
		close(s.events)
	}
}

// publish sends an event to those whom it concerns. Preconditions: m.mu must be
// held.
func (m *Manager) publish(org string, e Event) {
	for s := range m.subs {
		if org != "" && s.organization != org {
			continue
		}
		select {
		case s.events <- e:
		default:
			m.dropLocked(s)
		}
	}
}

// publishChange tells of a change of a sandbox. Nobody hears of a member of a
// warm pool until it is claimed. Preconditions: m.mu must be held.
func (m *Manager) publishChange(before, after sandbox.Sandbox) {
	if after.WarmPool != "" {
		return
	}
	e := Event{Kind: EventCreated, Sandbox: after.Clone(), OldState: string(before.State), NewState: string(after.State)}
	if before.ID == "" || before.WarmPool != "" {
		m.publish(after.Organization, e)
		return
	}
	if before.State != after.State {
		e.Kind = EventState
		m.publish(after.Organization, e)
	}
	if before.Desired != after.Desired {
		e.Kind, e.OldState, e.NewState = EventDesired, string(before.Desired), string(after.Desired)
		m.publish(after.Organization, e)
	}
}

// publishSnapshot tells of a change of a snapshot: those of everybody to
// everybody.
func (m *Manager) publishSnapshot(kind string, before, after sandbox.Snapshot) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.publish(after.Organization, Event{Kind: kind, Snapshot: after, OldState: string(before.State), NewState: string(after.State)})
}
