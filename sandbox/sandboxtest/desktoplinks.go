package sandboxtest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"sandpiper/sandbox"
)

// DesktopLinkStore is a sandbox.DesktopLinkStore in memory, for the sandboxes
// that Has knows.
type DesktopLinkStore struct {
	Has func(sandboxID string) bool // nil means all

	mu    sync.Mutex
	links []sandbox.DesktopLink
}

var _ sandbox.DesktopLinkStore = (*DesktopLinkStore)(nil)

// AddDesktopLink implements sandbox.DesktopLinkStore.
func (s *DesktopLinkStore) AddDesktopLink(_ context.Context, l sandbox.DesktopLink) error {
	if s.Has != nil && !s.Has(l.Sandbox) {
		return sandbox.Errorf(sandbox.KindNotFound, "there is no sandbox %q", l.Sandbox)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links = append(s.links, l)
	slices.SortStableFunc(s.links, func(a, b sandbox.DesktopLink) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return nil
}

// DesktopLink implements sandbox.DesktopLinkStore.
func (s *DesktopLinkStore) DesktopLink(_ context.Context, id string) (sandbox.DesktopLink, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.links {
		if l.ID == id {
			return l, nil
		}
	}
	return sandbox.DesktopLink{}, sandbox.Errorf(sandbox.KindNotFound, "there is no such link to a desktop")
}

// DesktopLinks implements sandbox.DesktopLinkStore.
func (s *DesktopLinkStore) DesktopLinks(_ context.Context, sandboxID string) ([]sandbox.DesktopLink, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.links), func(l sandbox.DesktopLink) bool { return l.Sandbox != sandboxID }), nil
}

// DeleteDesktopLink implements sandbox.DesktopLinkStore.
func (s *DesktopLinkStore) DeleteDesktopLink(_ context.Context, id string) error {
	s.remove(func(l sandbox.DesktopLink) bool { return l.ID == id })
	return nil
}

// PruneDesktopLinks implements sandbox.DesktopLinkStore.
func (s *DesktopLinkStore) PruneDesktopLinks(_ context.Context, now time.Time) (int, error) {
	return s.remove(func(l sandbox.DesktopLink) bool { return !l.ExpiresAt.After(now) }), nil
}

func (s *DesktopLinkStore) remove(gone func(sandbox.DesktopLink) bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.links)
	s.links = slices.DeleteFunc(s.links, gone)
	return before - len(s.links)
}

// TestDesktopLinkStore checks that an empty store, in which there are the
// sandboxes a and b, keeps the contract of sandbox.DesktopLinkStore.
func TestDesktopLinkStore(t *testing.T, s sandbox.DesktopLinkStore) {
	link := func(id, box string, minutes time.Duration, text bool) sandbox.DesktopLink {
		created := epoch.Add(minutes * time.Minute)
		return sandbox.DesktopLink{ID: id, Sandbox: box, Text: text, CreatedAt: created, ExpiresAt: created.Add(time.Hour)}
	}
	_, err := s.DesktopLink(t.Context(), "one")
	wantKind(t, err, sandbox.KindNotFound)
	wantKind(t, s.AddDesktopLink(t.Context(), link("lost", "nobody", 1, false)), sandbox.KindNotFound)

	one, two, three := link("one", "a", 1, true), link("two", "b", 2, false), link("three", "a", 3, false)
	for _, l := range []sandbox.DesktopLink{three, one, two} {
		must(t, s.AddDesktopLink(t.Context(), l))
	}
	got, err := s.DesktopLink(t.Context(), "one")
	must(t, err)
	wantSame(t, got, one)
	all, err := s.DesktopLinks(t.Context(), "a")
	must(t, err)
	wantSame(t, all, []sandbox.DesktopLink{one, three})

	n, err := s.PruneDesktopLinks(t.Context(), two.ExpiresAt)
	must(t, err)
	wantSame(t, n, 2)
	must(t, s.DeleteDesktopLink(t.Context(), "three"))
	must(t, s.DeleteDesktopLink(t.Context(), "three"))
	for _, id := range []string{"one", "two", "three"} {
		_, err = s.DesktopLink(t.Context(), id)
		wantKind(t, err, sandbox.KindNotFound)
	}
}
