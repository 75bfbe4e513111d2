package sandboxtest

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"sandpiper/sandbox"
)

// KernelSessionStore is a sandbox.KernelSessionStore in memory. The zero value is
// ready.
type KernelSessionStore struct {
	mu   sync.Mutex
	rows map[string]sandbox.KernelSession
	err  error
}

var _ sandbox.KernelSessionStore = (*KernelSessionStore)(nil)

// SetErr makes every later call fail with err until it is nil again.
func (s *KernelSessionStore) SetErr(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// PutKernelSession implements sandbox.KernelSessionStore.
func (s *KernelSessionStore) PutKernelSession(_ context.Context, row sandbox.KernelSession) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	if s.rows == nil {
		s.rows = map[string]sandbox.KernelSession{}
	}
	s.rows[row.ID] = row
	return nil
}

// KernelSessions implements sandbox.KernelSessionStore.
func (s *KernelSessionStore) KernelSessions(context.Context) ([]sandbox.KernelSession, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []sandbox.KernelSession
	for _, row := range s.rows {
		all = append(all, row)
	}
	slices.SortFunc(all, func(a, b sandbox.KernelSession) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return all, s.err
}

// DeleteKernelSession implements sandbox.KernelSessionStore.
func (s *KernelSessionStore) DeleteKernelSession(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		delete(s.rows, id)
	}
	return s.err
}

// TestKernelSessionStore checks that what newStore makes, empty each time, keeps
// the contract of sandbox.KernelSessionStore.
func TestKernelSessionStore(t *testing.T, newStore func(t *testing.T) sandbox.KernelSessionStore) {
	session := func(id string, age time.Duration) sandbox.KernelSession {
		return sandbox.KernelSession{
			ID: id, Owner: "key:1", Name: "Näme", Language: "python", Env: map[string]string{"A": "é"}, ForkOf: "other",
			CreatedAt: epoch.Add(-age), LastUsedAt: epoch.Add(time.Hour), ExecutionCount: 7, SavedCount: -1, StateBytes: 12, Failure: "why",
		}
	}
	t.Run("sessions come back whole, the oldest first", func(t *testing.T) {
		s := newStore(t)
		young, old := session("a", 0), session("b", time.Minute)
		must(t, s.PutKernelSession(t.Context(), young))
		must(t, s.PutKernelSession(t.Context(), old))
		all, err := s.KernelSessions(t.Context())
		must(t, err)
		wantSame(t, all, []sandbox.KernelSession{old, young})
	})
	t.Run("a session is replaced", func(t *testing.T) {
		s := newStore(t)
		must(t, s.PutKernelSession(t.Context(), session("a", 0)))
		again := session("a", 0)
		again.Name, again.SavedCount, again.Env = "other", 3, map[string]string{}
		must(t, s.PutKernelSession(t.Context(), again))
		all, err := s.KernelSessions(t.Context())
		must(t, err)
		wantSame(t, all, []sandbox.KernelSession{again})
	})
	t.Run("a session is deleted, and again", func(t *testing.T) {
		s := newStore(t)
		must(t, s.PutKernelSession(t.Context(), session("a", 0)))
		must(t, s.DeleteKernelSession(t.Context(), "a"))
		must(t, s.DeleteKernelSession(t.Context(), "a"))
		all, err := s.KernelSessions(t.Context())
		must(t, err)
		if len(all) != 0 {
			t.Errorf("left are %v", all)
		}
	})
}
