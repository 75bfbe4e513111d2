package sandboxtest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"sandpiper/sandbox"
)

// Store is a sandbox.Store in memory. The zero value is ready.
type Store struct {
	mu        sync.Mutex
	sandboxes map[string]sandbox.Sandbox
	snapshots map[string]sandbox.Snapshot
	pools     map[string]sandbox.WarmPool
	changes   map[string][]sandbox.StateChange // by sandbox, the newest first
	accesses  []sandbox.SSHAccess
	writes    map[string]int // of each sandbox
	err       error
}

var _ sandbox.Store = (*Store)(nil)

// SetErr makes every later write of sandboxes fail with err until it is nil
// again.
func (s *Store) SetErr(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// Writes returns how often a sandbox was written.
func (s *Store) Writes(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes[id]
}

// AddSandbox implements sandbox.SandboxStore.
func (s *Store) AddSandbox(_ context.Context, n sandbox.Sandbox) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.sandboxes[n.ID]; ok {
		return nameTaken(n.Name)
	}
	err := s.putSandbox(n)
	if err == nil {
		s.noteChange(sandbox.Sandbox{}, n)
	}
	return err
}

// noteChange notes what became of a sandbox. Preconditions: s.mu must be held.
func (s *Store) noteChange(before, after sandbox.Sandbox) {
	c, ok := sandbox.ChangeOf(before, after)
	if !ok {
		return
	}
	if s.changes == nil {
		s.changes = map[string][]sandbox.StateChange{}
	}
	all := slices.Insert(s.changes[after.ID], 0, c)
	s.changes[after.ID] = all[:min(len(all), sandbox.MaxStateChanges)]
}

// StateChanges implements sandbox.SandboxStore.
func (s *Store) StateChanges(_ context.Context, id string) ([]sandbox.StateChange, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.changes[id]), nil
}

// putSandbox stores n unless its name is taken. Preconditions: s.mu must be held.
func (s *Store) putSandbox(n sandbox.Sandbox) error {
	if s.err != nil {
		return s.err
	}
	for _, o := range s.sandboxes {
		if o.ID != n.ID && o.Organization == n.Organization && o.Name == n.Name &&
			o.Desired != sandbox.DesiredDestroyed && n.Desired != sandbox.DesiredDestroyed {
			return nameTaken(n.Name)
		}
	}
	if s.sandboxes == nil {
		s.sandboxes, s.writes = make(map[string]sandbox.Sandbox), make(map[string]int)
	}
	s.sandboxes[n.ID] = n.Clone()
	s.writes[n.ID]++
	return nil
}

func nameTaken(name string) error {
	return &sandbox.Error{Kind: sandbox.KindConflict, Field: "name", Message: "the name " + name + " is taken"}
}

// Sandbox implements sandbox.SandboxStore.
func (s *Store) Sandbox(_ context.Context, id string) (sandbox.Sandbox, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sandbox(id)
}

func (s *Store) sandbox(id string) (sandbox.Sandbox, error) {
	found, ok := s.sandboxes[id]
	if !ok {
		return sandbox.Sandbox{}, sandbox.Errorf(sandbox.KindNotFound, "there is no such sandbox")
	}
	return found.Clone(), nil
}

// UpdateSandbox implements sandbox.SandboxStore.
func (s *Store) UpdateSandbox(_ context.Context, id string, change func(*sandbox.Sandbox) error) (before, after sandbox.Sandbox, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if before, err = s.sandbox(id); err != nil {
		return before, after, err
	}
	after = before.Clone()
	if err = change(&after); err == nil {
		err = s.putSandbox(after)
	}
	if err != nil {
		return sandbox.Sandbox{}, sandbox.Sandbox{}, err
	}
	s.noteChange(before, after)
	return before, after, nil
}

// Sandboxes implements sandbox.SandboxStore.
func (s *Store) Sandboxes(_ context.Context, f sandbox.SandboxFilter) (sandbox.SandboxPage, error) {
	if err := f.Validate(); err != nil {
		return sandbox.SandboxPage{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var page sandbox.SandboxPage
	var all []sandbox.Sandbox
	for _, o := range s.sandboxes {
		if f.Admits(o) {
			all = append(all, o.Clone())
		}
	}
	order := func(a, b sandbox.SortKey) int {
		if f.Ascending {
			return a.Compare(b)
		}
		return b.Compare(a)
	}
	slices.SortFunc(all, func(a, b sandbox.Sandbox) int { return order(f.Sort.Key(a), f.Sort.Key(b)) })
	if f.Page > 0 {
		page.Total = len(all)
		all = all[min(len(all), (f.Page-1)*f.Limit):]
	} else if last, _ := f.After(); last != nil {
		all = slices.DeleteFunc(all, func(o sandbox.Sandbox) bool { return order(f.Sort.Key(o), *last) <= 0 })
	}
	if page.Items = all[:min(len(all), f.Limit)]; len(all) > f.Limit {
		page.NextCursor = f.CursorAfter(all[f.Limit-1])
	}
	return page, nil
}

// LiveSandboxes implements sandbox.SandboxStore.
func (s *Store) LiveSandboxes(context.Context) ([]sandbox.Sandbox, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var live []sandbox.Sandbox
	for _, o := range s.sandboxes {
		if o.State != sandbox.StateDestroyed {
			live = append(live, o.Clone())
		}
	}
	slices.SortFunc(live, func(a, b sandbox.Sandbox) int {
		return sandbox.SortCreated.Key(a).Compare(sandbox.SortCreated.Key(b))
	})
	return live, nil
}

// PruneSandboxes implements sandbox.SandboxStore.
func (s *Store) PruneSandboxes(_ context.Context, before time.Time) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	had := len(s.sandboxes)
	maps.DeleteFunc(s.sandboxes, func(_ string, o sandbox.Sandbox) bool {
		return o.State == sandbox.StateDestroyed && o.LastEvent.Before(before)
	})
	maps.DeleteFunc(s.changes, func(id string, _ []sandbox.StateChange) bool {
		_, ok := s.sandboxes[id]
		return !ok
	})
	s.accesses = slices.DeleteFunc(s.accesses, func(a sandbox.SSHAccess) bool {
		_, ok := s.sandboxes[a.Sandbox]
		return !ok
	})
	return had - len(s.sandboxes), nil
}

// AddSnapshot implements sandbox.SnapshotStore.
func (s *Store) AddSnapshot(_ context.Context, n sandbox.Snapshot) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.snapshots[n.ID]; ok {
		return nameTaken(n.Name)
	}
	return s.putSnapshot(n)
}

// putSnapshot stores n unless one of its names is taken. Preconditions: s.mu
// must be held.
func (s *Store) putSnapshot(n sandbox.Snapshot) error {
	for _, o := range s.snapshots {
		for _, name := range names(n) {
			if o.ID != n.ID && o.Organization == n.Organization && slices.Contains(names(o), name) {
				return nameTaken(name)
			}
		}
	}
	if s.snapshots == nil {
		s.snapshots = make(map[string]sandbox.Snapshot)
	}
	s.snapshots[n.ID] = n
	return nil
}

func names(s sandbox.Snapshot) []string { return append([]string{s.Name}, s.Aliases...) }

// FindSnapshot implements sandbox.SnapshotStore.
func (s *Store) FindSnapshot(_ context.Context, organization, idOrName string) (sandbox.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, ok := s.snapshots[idOrName]; ok && (o.Organization == "" || o.Organization == organization) {
		return o, nil
	}
	for _, owner := range []string{organization, ""} {
		for _, o := range s.snapshots {
			if o.Organization == owner && slices.Contains(names(o), idOrName) {
				return o, nil
			}
		}
	}
	return sandbox.Snapshot{}, sandbox.Errorf(sandbox.KindNotFound, "there is no such snapshot")
}

// UpdateSnapshot implements sandbox.SnapshotStore.
func (s *Store) UpdateSnapshot(_ context.Context, id string, change func(*sandbox.Snapshot) error) (before, after sandbox.Snapshot, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, ok := s.snapshots[id]
	if !ok {
		return before, after, sandbox.Errorf(sandbox.KindNotFound, "there is no such snapshot")
	}
	after = before
	if err = change(&after); err == nil {
		err = s.putSnapshot(after)
	}
	if err != nil {
		return sandbox.Snapshot{}, sandbox.Snapshot{}, err
	}
	return before, after, nil
}

// Snapshots implements sandbox.SnapshotStore.
func (s *Store) Snapshots(_ context.Context, f sandbox.SnapshotFilter) (sandbox.SnapshotPage, error) {
	if err := f.Validate(); err != nil {
		return sandbox.SnapshotPage{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []sandbox.Snapshot
	for _, o := range s.snapshots {
		if f.Admits(o) {
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b sandbox.Snapshot) int {
		if f.Ascending {
			return f.Sort.Key(a).Compare(f.Sort.Key(b))
		}
		return f.Sort.Key(b).Compare(f.Sort.Key(a))
	})
	from := min(len(all), (f.Page-1)*f.Limit)
	return sandbox.SnapshotPage{Items: all[from:min(len(all), from+f.Limit)], Total: len(all)}, nil
}

// DeleteSnapshot implements sandbox.SnapshotStore.
func (s *Store) DeleteSnapshot(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.snapshots[id]; !ok {
		return sandbox.Errorf(sandbox.KindNotFound, "there is no such snapshot")
	}
	delete(s.snapshots, id)
	return nil
}

// AddWarmPool implements sandbox.WarmPoolStore.
func (s *Store) AddWarmPool(_ context.Context, p sandbox.WarmPool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.pools {
		if o.ID == p.ID || o.Organization == p.Organization && o.Snapshot == p.Snapshot && o.Target == p.Target {
			return sandbox.Errorf(sandbox.KindConflict, "there is a warm pool for this snapshot and region already; change its size instead")
		}
	}
	if s.pools == nil {
		s.pools = make(map[string]sandbox.WarmPool)
	}
	s.pools[p.ID] = p
	return nil
}

// WarmPool implements sandbox.WarmPoolStore.
func (s *Store) WarmPool(_ context.Context, id string) (sandbox.WarmPool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pool(id)
}

func (s *Store) pool(id string) (sandbox.WarmPool, error) {
	p, ok := s.pools[id]
	if !ok {
		return p, sandbox.Errorf(sandbox.KindNotFound, "there is no such warm pool")
	}
	return p, nil
}

// UpdateWarmPool implements sandbox.WarmPoolStore.
func (s *Store) UpdateWarmPool(_ context.Context, id string, change func(*sandbox.WarmPool) error) (before, after sandbox.WarmPool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if before, err = s.pool(id); err != nil {
		return before, after, err
	}
	after = before
	if err = change(&after); err != nil {
		return sandbox.WarmPool{}, sandbox.WarmPool{}, err
	}
	s.pools[id] = after
	return before, after, nil
}

// WarmPools implements sandbox.WarmPoolStore.
func (s *Store) WarmPools(_ context.Context, organization string) ([]sandbox.WarmPool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []sandbox.WarmPool
	for _, p := range s.pools {
		if organization == "" || organization == p.Organization {
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b sandbox.WarmPool) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

// DeleteWarmPool implements sandbox.WarmPoolStore.
func (s *Store) DeleteWarmPool(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.pool(id); err != nil {
		return err
	}
	delete(s.pools, id)
	return nil
}
