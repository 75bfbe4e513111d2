package sandboxtest

import (
	"bytes"
	"testing"
	"time"

	"sandpiper/sandbox"
)

// TestCredentialStore checks that what newStore makes, empty each time, keeps
// the contract of sandbox.CredentialStore.
func TestCredentialStore(t *testing.T, newStore func(t *testing.T) sandbox.CredentialStore) {
	for _, tt := range []struct {
		name string
		run  func(t *testing.T, s sandbox.CredentialStore)
	}{
		{"a key comes back whole", keyComesBack},
		{"a key is replaced", keyIsReplaced},
		{"a key is used", keyIsUsed},
		{"keys are listed and deleted", keysAreListed},
		{"a session comes back whole", sessionComesBack},
		{"a session ends", sessionEnds},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, newStore(t)) })
	}
}

func hash(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

func keyComesBack(t *testing.T, s sandbox.CredentialStore) {
	_, err := s.APIKeyByHash(t.Context(), hash(1))
	wantKind(t, err, sandbox.KindUnauthorized)
	for _, want := range []sandbox.APIKey{
		{ID: "one", Name: "One", Hash: hash(1), CreatedAt: epoch},
		{ID: "two", Name: "Two", Hash: hash(2), CreatedAt: epoch, LastUsedAt: epoch.Add(time.Hour)},
		{ID: "three", Name: "Three", Hash: hash(3), Hint: "k********3", Permissions: []string{"write:sandboxes"}, CreatedAt: epoch, ExpiresAt: epoch.Add(time.Minute)},
		{ID: "four", Name: "Four", Hash: hash(4), Permissions: []string{}, CreatedAt: epoch},
	} {
		must(t, s.PutAPIKey(t.Context(), want))
		got, err := s.APIKeyByHash(t.Context(), want.Hash)
		must(t, err)
		wantSame(t, got, want)
	}
	_, err = s.APIKeyByHash(t.Context(), hash(1)[:31])
	wantKind(t, err, sandbox.KindUnauthorized)
}

func keyIsReplaced(t *testing.T, s sandbox.CredentialStore) {
	must(t, s.PutAPIKey(t.Context(), sandbox.APIKey{ID: "one", Hash: hash(1), CreatedAt: epoch}))
	must(t, s.PutAPIKey(t.Context(), sandbox.APIKey{ID: "one", Name: "new", Hash: hash(2), CreatedAt: epoch}))
	_, err := s.APIKeyByHash(t.Context(), hash(1))
	wantKind(t, err, sandbox.KindUnauthorized)
	got, err := s.APIKeyByHash(t.Context(), hash(2))
	must(t, err)
	if got.Name != "new" {
		t.Errorf("got %+v", got)
	}
	wantKind(t, s.PutAPIKey(t.Context(), sandbox.APIKey{ID: "two", Hash: hash(2), CreatedAt: epoch}), sandbox.KindConflict)
}

func keysAreListed(t *testing.T, s sandbox.CredentialStore) {
	b := sandbox.APIKey{ID: "b", Name: "B", Hash: hash(2), Permissions: []string{}, CreatedAt: epoch}
	a := sandbox.APIKey{ID: "a", Name: "A", Hash: hash(1), CreatedAt: epoch.Add(time.Second)}
	must(t, s.PutAPIKey(t.Context(), a))
	must(t, s.PutAPIKey(t.Context(), b))
	wantKind(t, s.PutAPIKey(t.Context(), sandbox.APIKey{ID: "c", Name: "B", Hash: hash(3), CreatedAt: epoch}), sandbox.KindConflict)
	got, err := s.APIKeys(t.Context())
	must(t, err)
	wantSame(t, got, []sandbox.APIKey{b, a})
	must(t, s.DeleteAPIKey(t.Context(), "b"))
	must(t, s.DeleteAPIKey(t.Context(), "b"))
	_, err = s.APIKeyByHash(t.Context(), hash(2))
	wantKind(t, err, sandbox.KindUnauthorized)
	got, err = s.APIKeys(t.Context())
	must(t, err)
	wantSame(t, got, []sandbox.APIKey{a})
}

func keyIsUsed(t *testing.T, s sandbox.CredentialStore) {
	must(t, s.PutAPIKey(t.Context(), sandbox.APIKey{ID: "one", Hash: hash(1), CreatedAt: epoch}))
	for _, at := range []time.Duration{90 * time.Second, 30 * time.Second} {
		must(t, s.TouchAPIKey(t.Context(), "one", epoch.Add(at)))
		got, err := s.APIKeyByHash(t.Context(), hash(1))
		must(t, err)
		wantSame(t, got.LastUsedAt, epoch.Add(time.Minute))
	}
	wantKind(t, s.TouchAPIKey(t.Context(), "two", epoch), sandbox.KindUnauthorized)
}

func sessionComesBack(t *testing.T, s sandbox.CredentialStore) {
	want := sandbox.Session{Hash: hash(1), CreatedAt: epoch, ExpiresAt: epoch.Add(time.Hour)}
	must(t, s.PutSession(t.Context(), want))
	got, err := s.SessionByHash(t.Context(), hash(1), epoch.Add(59*time.Minute))
	must(t, err)
	wantSame(t, got, want)
	_, err = s.SessionByHash(t.Context(), hash(2), epoch)
	wantKind(t, err, sandbox.KindUnauthorized)
	_, err = s.SessionByHash(t.Context(), hash(1), epoch.Add(time.Hour))
	wantKind(t, err, sandbox.KindUnauthorized)
}

func sessionEnds(t *testing.T, s sandbox.CredentialStore) {
	put := func(b byte, life time.Duration) {
		t.Helper()
		must(t, s.PutSession(t.Context(), sandbox.Session{Hash: hash(b), CreatedAt: epoch, ExpiresAt: epoch.Add(life)}))
	}
	put(1, time.Hour)
	put(2, time.Second)
	put(3, time.Hour)
	must(t, s.DeleteSession(t.Context(), hash(1)))
	must(t, s.DeleteSession(t.Context(), hash(9)))
	_, err := s.SessionByHash(t.Context(), hash(1), epoch)
	wantKind(t, err, sandbox.KindUnauthorized)
	n, err := s.PruneSessions(t.Context(), epoch.Add(time.Second))
	must(t, err)
	if n != 1 {
		t.Errorf("forgot %d sessions, want 1", n)
	}
	_, err = s.SessionByHash(t.Context(), hash(3), epoch)
	must(t, err)
}
