package manager

import (
	"context"
	"errors"
	"time"

	"sandpiper/sandbox"
)

// Touch notes that a sandbox is in use, which puts off its auto-stop. It is
// cheap: the store hears of it now and then.
func (m *Manager) Touch(_ context.Context, org, idOrName string, source sandbox.ActivitySource) error {
	s, err := m.find(org, idOrName)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.live[s.ID]
	if e == nil {
		return errNotFound
	}
	if e.touched == nil {
		e.touched = sandbox.Activity{}
	}
	e.touched[source] = time.Now()
	return nil
}

// mergeActivity moves activity that is not yet in the store into a record that
// is about to be written. Where the write fails it is lost, which costs nobody
// more than a few seconds of an interval.
func (m *Manager) mergeActivity(s *sandbox.Sandbox) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.live[s.ID]
	if e == nil || len(e.touched) == 0 {
		return
	}
	if s.Activity == nil {
		s.Activity = sandbox.Activity{}
	}
	for source, at := range e.touched {
		if at.After(s.Activity[source]) {
			s.Activity[source] = at
		}
	}
	e.touched, e.written = nil, time.Now()
}

// flushActivity writes down activity, of each sandbox at most once in
// Config.ActivityWrite unless all is to be written.
func (m *Manager) flushActivity(ctx context.Context, all bool) error {
	m.mu.Lock()
	var due []string
	for id, e := range m.live {
		if len(e.touched) > 0 && (all || time.Since(e.written) >= m.cfg.ActivityWrite) {
			due = append(due, id)
		}
	}
	m.mu.Unlock()
	var errs []error
	for _, id := range due {
		if _, err := m.update(ctx, id, nil); err != nil && sandbox.KindOf(err) != sandbox.KindNotFound {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
