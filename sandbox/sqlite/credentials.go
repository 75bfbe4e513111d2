package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"sandpiper/sandbox"
)

var (
	errNoKey     = sandbox.Errorf(sandbox.KindUnauthorized, "the API key is not known")
	errNoSession = sandbox.Errorf(sandbox.KindUnauthorized, "the session has ended; sign in again")
)

// PutAPIKey implements sandbox.CredentialStore.
func (db *DB) PutAPIKey(ctx context.Context, k sandbox.APIKey) error {
	permissions, err := encodePermissions(k.Permissions)
	if err != nil {
		return err
	}
	_, err = db.write.ExecContext(ctx, `
		INSERT INTO api_keys (id, name, hash, hint, permissions, created_at, last_used_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, hash = excluded.hash, hint = excluded.hint,
			permissions = excluded.permissions, created_at = excluded.created_at,
			last_used_at = excluded.last_used_at, expires_at = excluded.expires_at`,
		k.ID, k.Name, k.Hash, k.Hint, permissions, millis(k.CreatedAt), optionalMillis(k.LastUsedAt), optionalMillis(k.ExpiresAt))
	return wrap("store an API key", err)
}

const selectKey = "SELECT id, name, hash, hint, permissions, created_at, last_used_at, expires_at FROM api_keys "

// APIKeyByHash implements sandbox.CredentialStore.
func (db *DB) APIKeyByHash(ctx context.Context, hash []byte) (sandbox.APIKey, error) {
	k, err := scanKey(readRow(ctx, db.read, selectKey+"WHERE hash = ?", hash))
	if errors.Is(err, sql.ErrNoRows) {
		return sandbox.APIKey{}, errNoKey
	}
	return k, wrap("read an API key", err)
}

// APIKeys implements sandbox.CredentialStore.
func (db *DB) APIKeys(ctx context.Context) ([]sandbox.APIKey, error) {
	rows, err := db.read.QueryContext(ctx, selectKey+"ORDER BY created_at, id")
	if err != nil {
		return nil, wrap("list API keys", err)
	}
	defer rows.Close()
	var keys []sandbox.APIKey
	for rows.Next() {
		k, err := scanKey(rows)
		if err != nil {
			return nil, wrap("list API keys", err)
		}
		keys = append(keys, k)
	}
	return keys, wrap("list API keys", rows.Err())
}

// DeleteAPIKey implements sandbox.CredentialStore.
func (db *DB) DeleteAPIKey(ctx context.Context, id string) error {
	_, err := db.write.ExecContext(ctx, "DELETE FROM api_keys WHERE id = ?", id)
	return wrap("delete an API key", err)
}

func scanKey(row interface{ Scan(...any) error }) (sandbox.APIKey, error) {
	var k sandbox.APIKey
	var created int64
	var used, expires sql.NullInt64
	var permissions sql.NullString
	if err := row.Scan(&k.ID, &k.Name, &k.Hash, &k.Hint, &permissions, &created, &used, &expires); err != nil {
		return k, err
	}
	k.CreatedAt, k.LastUsedAt, k.ExpiresAt = fromMillis(created), fromOptionalMillis(used), fromOptionalMillis(expires)
	if !permissions.Valid {
		return k, nil
	}
	return k, json.Unmarshal([]byte(permissions.String), &k.Permissions)
}

// encodePermissions tells a list without permissions from no list.
func encodePermissions(permissions []string) (sql.NullString, error) {
	if permissions == nil {
		return sql.NullString{}, nil
	}
	text, err := json.Marshal(permissions)
	return sql.NullString{String: string(text), Valid: true}, err
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
