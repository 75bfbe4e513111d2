package sandboxtest

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"testing"
	"time"

	"sandpiper/sandbox"
)

var _ sandbox.SSHAccessStore = (*Store)(nil)

// AddSSHAccess implements sandbox.SSHAccessStore.
func (s *Store) AddSSHAccess(_ context.Context, a sandbox.SSHAccess) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.sandbox(a.Sandbox); err != nil {
		return err
	}
	s.accesses = append(s.accesses, a)
	return nil
}

// SSHAccessByHash implements sandbox.SSHAccessStore.
func (s *Store) SSHAccessByHash(_ context.Context, hash []byte) (sandbox.SSHAccess, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.accesses {
		if bytes.Equal(a.Hash, hash) {
			return a, nil
		}
	}
	return sandbox.SSHAccess{}, sandbox.Errorf(sandbox.KindNotFound, "there is no such SSH access")
}

// SSHAccesses implements sandbox.SSHAccessStore.
func (s *Store) SSHAccesses(_ context.Context, sandboxID string) ([]sandbox.SSHAccess, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Clone(s.accesses)
	all = slices.DeleteFunc(all, func(a sandbox.SSHAccess) bool { return a.Sandbox != sandboxID })
	slices.SortFunc(all, func(a, b sandbox.SSHAccess) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

// DeleteSSHAccess implements sandbox.SSHAccessStore.
func (s *Store) DeleteSSHAccess(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accesses = slices.DeleteFunc(s.accesses, func(a sandbox.SSHAccess) bool { return a.ID == id })
	return nil
}

// PruneSSHAccess implements sandbox.SSHAccessStore.
func (s *Store) PruneSSHAccess(_ context.Context, now time.Time) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.accesses)
	s.accesses = slices.DeleteFunc(s.accesses, func(a sandbox.SSHAccess) bool { return !a.ExpiresAt.After(now) })
	return before - len(s.accesses), nil
}

// SandboxesAndSSHAccess is what TestSSHAccessStore needs of a store.
type SandboxesAndSSHAccess interface {
	sandbox.SandboxStore
	sandbox.SSHAccessStore
}

// TestSSHAccessStore checks that what newStore makes, empty each time, keeps the
// contract of sandbox.SSHAccessStore.
func TestSSHAccessStore(t *testing.T, newStore func(t *testing.T) SandboxesAndSSHAccess) {
	for _, tt := range []struct {
		name string
		run  func(t *testing.T, s SandboxesAndSSHAccess)
	}{
		{"an access comes back whole", sshAccessComesBack},
		{"accesses are listed and deleted", sshAccessIsListed},
		{"accesses expire", sshAccessExpires},
		{"an access goes with its sandbox", sshAccessGoes},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStore(t)
			must(t, s.AddSandbox(t.Context(), Sandbox("a")))
			must(t, s.AddSandbox(t.Context(), Sandbox("b")))
			tt.run(t, s)
		})
	}
}

// sshAccess is an access whose hash and age are told by n.
func sshAccess(id, sandboxID string, n byte) sandbox.SSHAccess {
	created := epoch.Add(time.Duration(n) * time.Minute)
	return sandbox.SSHAccess{ID: id, Sandbox: sandboxID, Hash: hash(n), CreatedAt: created, ExpiresAt: created.Add(time.Hour)}
}

func sshAccessComesBack(t *testing.T, s SandboxesAndSSHAccess) {
	_, err := s.SSHAccessByHash(t.Context(), hash(1))
	wantKind(t, err, sandbox.KindNotFound)
	want := sshAccess("one", "a", 1)
	must(t, s.AddSSHAccess(t.Context(), want))
	got, err := s.SSHAccessByHash(t.Context(), hash(1))
	must(t, err)
	wantSame(t, got, want)
	wantKind(t, s.AddSSHAccess(t.Context(), sshAccess("two", "nobody", 2)), sandbox.KindNotFound)
}

func sshAccessIsListed(t *testing.T, s SandboxesAndSSHAccess) {
	for _, a := range []sandbox.SSHAccess{sshAccess("three", "a", 3), sshAccess("one", "a", 1), sshAccess("two", "b", 2)} {
		must(t, s.AddSSHAccess(t.Context(), a))
	}
	all, err := s.SSHAccesses(t.Context(), "a")
	must(t, err)
	if len(all) != 2 || all[0].ID != "one" || all[1].ID != "three" {
		t.Errorf("got %+v", all)
	}
	for range 2 {
		must(t, s.DeleteSSHAccess(t.Context(), "one"))
	}
	_, err = s.SSHAccessByHash(t.Context(), hash(1))
	wantKind(t, err, sandbox.KindNotFound)
	_, err = s.SSHAccessByHash(t.Context(), hash(2))
	must(t, err)
}

func sshAccessExpires(t *testing.T, s SandboxesAndSSHAccess) {
	for _, a := range []sandbox.SSHAccess{sshAccess("one", "a", 1), sshAccess("two", "a", 2)} {
		must(t, s.AddSSHAccess(t.Context(), a))
	}
	n, err := s.PruneSSHAccess(t.Context(), epoch.Add(61*time.Minute))
	must(t, err)
	_, gone := s.SSHAccessByHash(t.Context(), hash(1))
	_, there := s.SSHAccessByHash(t.Context(), hash(2))
	if n != 1 || gone == nil || there != nil {
		t.Errorf("pruned %d: %v, %v", n, gone, there)
	}
}

func sshAccessGoes(t *testing.T, s SandboxesAndSSHAccess) {
	must(t, s.AddSSHAccess(t.Context(), sshAccess("one", "a", 1)))
	must(t, s.AddSSHAccess(t.Context(), sshAccess("two", "b", 2)))
	_, _, err := s.UpdateSandbox(t.Context(), "a", func(o *sandbox.Sandbox) error {
		o.State = sandbox.StateDestroyed
		return nil
	})
	must(t, err)
	_, err = s.PruneSandboxes(t.Context(), epoch.Add(24*time.Hour))
	must(t, err)
	_, err = s.SSHAccessByHash(t.Context(), hash(1))
	wantKind(t, err, sandbox.KindNotFound)
	_, err = s.SSHAccessByHash(t.Context(), hash(2))
	must(t, err)
}
