package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"sandpiper/sandbox"
)

var (
	errNoKey     = sandbox.Errorf(sandbox.KindUnauthorized, "the API key is not known")
	errNoSession = sandbox.Errorf(sandbox.KindUnauthorized, "the session has ended; sign in again")
)

// PutAPIKey implements sandbox.CredentialStore. A key with another ID and the
// same hash is a *sandbox.Error of KindConflict.
func (db *DB) PutAPIKey(ctx context.Context, k sandbox.APIKey) error {
	_, err := db.write.ExecContext(ctx, `
		INSERT INTO api_keys (id, name, hash, created_at, last_used_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, hash = excluded.hash,
			created_at = excluded.created_at, last_used_at = excluded.last_used_at`,
		k.ID, k.Name, k.Hash, millis(k.CreatedAt), optionalMillis(k.LastUsedAt))
	return wrap("store an API key", err)
}

// APIKeyByHash implements sandbox.CredentialStore.
func (db *DB) APIKeyByHash(ctx context.Context, hash []byte) (sandbox.APIKey, error) {
	var k sandbox.APIKey
	var created int64
	var used sql.NullInt64
	err := db.read.QueryRowContext(ctx, "SELECT id, name, hash, created_at, last_used_at FROM api_keys WHERE hash = ?", hash).
		Scan(&k.ID, &k.Name, &k.Hash, &created, &used)
	if errors.Is(err, sql.ErrNoRows) {
		return sandbox.APIKey{}, errNoKey
	}
	k.CreatedAt, k.LastUsedAt = fromMillis(created), fromOptionalMillis(used)
	return k, wrap("read an API key", err)
}

// TouchAPIKey implements sandbox.CredentialStore.
func (db *DB) TouchAPIKey(ctx context.Context, id string, at time.Time) error {
	n, err := db.changed(ctx, "UPDATE api_keys SET last_used_at = max(coalesce(last_used_at, 0), ?) WHERE id = ?",
		millis(at.Truncate(time.Minute)), id)
	if err == nil && n == 0 {
		return errNoKey
	}
	return wrap("note the use of an API key", err)
}

// PutSession implements sandbox.CredentialStore.
func (db *DB) PutSession(ctx context.Context, s sandbox.Session) error {
	_, err := db.write.ExecContext(ctx, "INSERT OR REPLACE INTO sessions (hash, created_at, expires_at) VALUES (?, ?, ?)",
		s.Hash, millis(s.CreatedAt), millis(s.ExpiresAt))
	return wrap("store a session", err)
}

// SessionByHash implements sandbox.CredentialStore.
func (db *DB) SessionByHash(ctx context.Context, hash []byte, now time.Time) (sandbox.Session, error) {
	var s sandbox.Session
	var created, expires int64
	err := db.read.QueryRowContext(ctx, "SELECT hash, created_at, expires_at FROM sessions WHERE hash = ? AND expires_at > ?", hash, millis(now)).
		Scan(&s.Hash, &created, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return sandbox.Session{}, errNoSession
	}
	s.CreatedAt, s.ExpiresAt = fromMillis(created), fromMillis(expires)
	return s, wrap("read a session", err)
}

// DeleteSession implements sandbox.CredentialStore.
func (db *DB) DeleteSession(ctx context.Context, hash []byte) error {
	_, err := db.write.ExecContext(ctx, "DELETE FROM sessions WHERE hash = ?", hash)
	return wrap("delete a session", err)
}

// PruneSessions implements sandbox.CredentialStore.
func (db *DB) PruneSessions(ctx context.Context, now time.Time) (int, error) {
	n, err := db.changed(ctx, "DELETE FROM sessions WHERE expires_at <= ?", millis(now))
	return n, wrap("prune sessions", err)
}
