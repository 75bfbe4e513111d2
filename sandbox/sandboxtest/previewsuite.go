package sandboxtest

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"sandpiper/sandbox"
)

// PreviewStore is a sandbox.PreviewStore in memory. The zero value is ready.
type PreviewStore struct {
	mu    sync.Mutex
	links []sandbox.EndedLink
}

var _ sandbox.PreviewStore = (*PreviewStore)(nil)

// EndLink implements sandbox.PreviewStore.
func (s *PreviewStore) EndLink(_ context.Context, l sandbox.EndedLink) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.ContainsFunc(s.links, func(o sandbox.EndedLink) bool { return bytes.Equal(o.Hash, l.Hash) }) {
		s.links = append(s.links, l)
	}
	return nil
}

// EndedLinks implements sandbox.PreviewStore.
func (s *PreviewStore) EndedLinks(_ context.Context, now time.Time) ([]sandbox.EndedLink, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.links), func(l sandbox.EndedLink) bool { return !l.Until.After(now) }), nil
}

// PruneLinks implements sandbox.PreviewStore.
func (s *PreviewStore) PruneLinks(_ context.Context, now time.Time) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.links)
	s.links = slices.DeleteFunc(s.links, func(l sandbox.EndedLink) bool { return !l.Until.After(now) })
	return before - len(s.links), nil
}

// TestPreviewStore checks that a store, which is empty, keeps the contract of
// sandbox.PreviewStore.
func TestPreviewStore(t *testing.T, s sandbox.PreviewStore) {
	brief := sandbox.EndedLink{Hash: hash(1), Until: epoch.Add(time.Second)}
	long := sandbox.EndedLink{Hash: hash(2), Until: epoch.Add(time.Hour)}
	for _, l := range []sandbox.EndedLink{brief, long, {Hash: hash(2), Until: epoch.Add(time.Minute)}} {
		must(t, s.EndLink(t.Context(), l))
	}
	for _, tt := range []struct {
		name string
		now  time.Time
		want []sandbox.EndedLink
	}{
		{"both", epoch, []sandbox.EndedLink{brief, long}},
		{"the one that is left", epoch.Add(time.Second), []sandbox.EndedLink{long}},
		{"none", epoch.Add(time.Hour), nil},
	} {
		got, err := s.EndedLinks(t.Context(), tt.now)
		must(t, err)
		slices.SortFunc(got, func(a, b sandbox.EndedLink) int { return bytes.Compare(a.Hash, b.Hash) })
		if len(got) != len(tt.want) {
			t.Errorf("%s: got %v", tt.name, got)
			continue
		}
		for i := range got {
			wantSame(t, got[i], tt.want[i])
		}
	}
	n, err := s.PruneLinks(t.Context(), epoch.Add(time.Second))
	must(t, err)
	if left, err := s.EndedLinks(t.Context(), epoch); n != 1 || len(left) != 1 || err != nil {
		t.Errorf("forgot %d, %d are left, %v", n, len(left), err)
	}
}
