package sandboxtest

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"sandpiper/sandbox"
)

// RunStore is a sandbox.RunStore in memory. The zero value is ready.
type RunStore struct {
	mu   sync.Mutex
	runs []sandbox.RunRecord
	err  error
}

var _ sandbox.RunStore = (*RunStore)(nil)

// SetErr makes every later call fail with err until it is nil again.
func (s *RunStore) SetErr(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// SaveRuns implements sandbox.RunStore.
func (s *RunStore) SaveRuns(_ context.Context, runs ...sandbox.RunRecord) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	for _, r := range runs {
		s.runs = slices.DeleteFunc(s.runs, func(o sandbox.RunRecord) bool { return o.Result.ID == r.Result.ID })
		s.runs = slices.Insert(s.runs, 0, r)
	}
	slices.SortStableFunc(s.runs, func(a, b sandbox.RunRecord) int { return b.FinishedAt.Compare(a.FinishedAt) })
	return nil
}

// Run implements sandbox.RunStore.
func (s *RunStore) Run(_ context.Context, id string) (sandbox.RunRecord, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.runs {
		if r.Result.ID == id {
			return r, s.err
		}
	}
	return sandbox.RunRecord{}, cmp.Or[error](s.err, sandbox.Errorf(sandbox.KindNotFound, "there is no such run"))
}

// Runs implements sandbox.RunStore.
func (s *RunStore) Runs(_ context.Context, f sandbox.RunFilter) ([]sandbox.RunRecord, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := 0
	if f.Before != "" {
		from = 1 + slices.IndexFunc(s.runs, func(r sandbox.RunRecord) bool { return r.Result.ID == f.Before && r.Client == f.Client })
		if from == 0 {
			return nil, sandbox.Errorf(sandbox.KindNotFound, "there is no such run")
		}
	}
	var found []sandbox.RunRecord
	for _, r := range s.runs[from:] {
		if f.Matches(r) && len(found) < f.Limit {
			found = append(found, r.WithoutOutput())
		}
	}
	return found, s.err
}

// PruneRuns implements sandbox.RunStore.
func (s *RunStore) PruneRuns(_ context.Context, keep sandbox.Retention) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	n, size := 0, int64(0)
	for _, r := range s.runs {
		size += r.Size()
		if r.FinishedAt.Before(keep.Since) || keep.Runs > 0 && n >= keep.Runs || keep.Bytes > 0 && size > keep.Bytes {
			break
		}
		n++
	}
	forgotten := len(s.runs) - n
	s.runs = s.runs[:n:n]
	return forgotten, nil
}

// SnippetStore is a sandbox.SnippetStore in memory. The zero value is ready.
type SnippetStore struct {
	mu       sync.Mutex
	snippets map[string]sandbox.Snippet
}

var _ sandbox.SnippetStore = (*SnippetStore)(nil)

// PutSnippet implements sandbox.SnippetStore.
func (s *SnippetStore) PutSnippet(_ context.Context, n sandbox.Snippet) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.snippets == nil {
		s.snippets = make(map[string]sandbox.Snippet)
	}
	if old, ok := s.snippets[n.ID]; ok && !expired(old.ExpiresAt, time.Now()) {
		if !sameProgram(old, n) {
			return sandbox.Errorf(sandbox.KindConflict, "another program has that link")
		}
		old.ExpiresAt = later(old.ExpiresAt, n.ExpiresAt)
		n = old
	}
	s.snippets[n.ID] = n
	return nil
}

func sameProgram(a, b sandbox.Snippet) bool {
	sameFile := func(a, b sandbox.File) bool { return a.Name == b.Name && bytes.Equal(a.Content, b.Content) }
	return a.Language == b.Language && a.Stdin == b.Stdin && slices.Equal(a.Args, b.Args) && slices.EqualFunc(a.Files, b.Files, sameFile)
}

// later returns the later of two expiries, where zero is never.
func later(a, b time.Time) time.Time {
	if a.IsZero() || b.IsZero() {
		return time.Time{}
	}
	if a.After(b) {
		return a
	}
	return b
}

// Snippet implements sandbox.SnippetStore.
func (s *SnippetStore) Snippet(_ context.Context, id string) (sandbox.Snippet, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, ok := s.snippets[id]
	if !ok || expired(n.ExpiresAt, time.Now()) {
		return sandbox.Snippet{}, sandbox.Errorf(sandbox.KindNotFound, "there is no such snippet, or it has expired")
	}
	return n, nil
}

func expired(at, now time.Time) bool { return !at.IsZero() && !at.After(now) }

// DeleteSnippet implements sandbox.SnippetStore.
func (s *SnippetStore) DeleteSnippet(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.snippets[id]; !ok {
		return sandbox.Errorf(sandbox.KindNotFound, "there is no such snippet")
	}
	delete(s.snippets, id)
	return nil
}

// PruneSnippets implements sandbox.SnippetStore.
func (s *SnippetStore) PruneSnippets(_ context.Context, now time.Time) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for id, snippet := range s.snippets {
		if expired(snippet.ExpiresAt, now) {
			delete(s.snippets, id)
			n++
		}
	}
	return n, nil
}

// CredentialStore is a sandbox.CredentialStore in memory. The zero value is ready.
type CredentialStore struct {
	mu       sync.Mutex
	keys     []sandbox.APIKey
	sessions []sandbox.Session
}

var _ sandbox.CredentialStore = (*CredentialStore)(nil)

// PutAPIKey implements sandbox.CredentialStore.
func (s *CredentialStore) PutAPIKey(_ context.Context, k sandbox.APIKey) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.keys, func(o sandbox.APIKey) bool {
		return o.ID != k.ID && (bytes.Equal(o.Hash, k.Hash) || o.Name != "" && o.Name == k.Name)
	}) {
		return sandbox.Errorf(sandbox.KindConflict, "that is there already")
	}
	s.keys = slices.DeleteFunc(s.keys, func(o sandbox.APIKey) bool { return o.ID == k.ID })
	s.keys = append(s.keys, k)
	return nil
}

// APIKeyByHash implements sandbox.CredentialStore.
func (s *CredentialStore) APIKeyByHash(_ context.Context, hash []byte) (sandbox.APIKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.keys {
		if bytes.Equal(k.Hash, hash) {
			return k, nil
		}
	}
	return sandbox.APIKey{}, sandbox.Errorf(sandbox.KindUnauthorized, "the API key is not known")
}

// APIKeys implements sandbox.CredentialStore.
func (s *CredentialStore) APIKeys(context.Context) ([]sandbox.APIKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := slices.Clone(s.keys)
	slices.SortStableFunc(keys, func(a, b sandbox.APIKey) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return keys, nil
}

// DeleteAPIKey implements sandbox.CredentialStore.
func (s *CredentialStore) DeleteAPIKey(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = slices.DeleteFunc(s.keys, func(k sandbox.APIKey) bool { return k.ID == id })
	return nil
}

// TouchAPIKey implements sandbox.CredentialStore.
func (s *CredentialStore) TouchAPIKey(_ context.Context, id string, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.keys {
		if s.keys[i].ID == id {
			if at = at.Truncate(time.Minute); at.After(s.keys[i].LastUsedAt) {
				s.keys[i].LastUsedAt = at
			}
			return nil
		}
	}
	return sandbox.Errorf(sandbox.KindUnauthorized, "the API key is not known")
}

// PutSession implements sandbox.CredentialStore.
func (s *CredentialStore) PutSession(_ context.Context, n sandbox.Session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions = slices.DeleteFunc(s.sessions, func(o sandbox.Session) bool { return bytes.Equal(o.Hash, n.Hash) })
	s.sessions = append(s.sessions, n)
	return nil
}

// SessionByHash implements sandbox.CredentialStore.
func (s *CredentialStore) SessionByHash(_ context.Context, hash []byte, now time.Time) (sandbox.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.sessions {
		if bytes.Equal(n.Hash, hash) && n.ExpiresAt.After(now) {
			return n, nil
		}
	}
	return sandbox.Session{}, sandbox.Errorf(sandbox.KindUnauthorized, "the session has ended; sign in again")
}

// DeleteSession implements sandbox.CredentialStore.
func (s *CredentialStore) DeleteSession(_ context.Context, hash []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions = slices.DeleteFunc(s.sessions, func(n sandbox.Session) bool { return bytes.Equal(n.Hash, hash) })
	return nil
}

// PruneSessions implements sandbox.CredentialStore.
func (s *CredentialStore) PruneSessions(_ context.Context, now time.Time) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.sessions)
	s.sessions = slices.DeleteFunc(s.sessions, func(n sandbox.Session) bool { return !n.ExpiresAt.After(now) })
	return before - len(s.sessions), nil
}
