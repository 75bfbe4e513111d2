package sqlite

import (
	"context"
	"encoding/json"

	"sandpiper/sandbox"
)

// PutKernelSession implements sandbox.KernelSessionStore.
func (db *DB) PutKernelSession(ctx context.Context, s sandbox.KernelSession) error {
	env, err := json.Marshal(s.Env)
	if err != nil {
		return wrap("store a session", err)
	}
	_, err = db.write.ExecContext(ctx, `
		INSERT OR REPLACE INTO kernel_sessions (id, owner, name, language, env, fork_of, created_at, last_used_at,
			execution_count, saved_count, state_bytes, failure)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		s.ID, s.Owner, s.Name, s.Language, string(env), s.ForkOf, millis(s.CreatedAt), millis(s.LastUsedAt),
		s.ExecutionCount, s.SavedCount, s.StateBytes, s.Failure)
	return wrap("store a session", err)
}

// KernelSessions implements sandbox.KernelSessionStore.
func (db *DB) KernelSessions(ctx context.Context) ([]sandbox.KernelSession, error) {
	rows, err := db.read.QueryContext(ctx, `
		SELECT id, owner, name, language, env, fork_of, created_at, last_used_at, execution_count, saved_count, state_bytes, failure
		FROM kernel_sessions ORDER BY created_at, id`)
	if err != nil {
		return nil, wrap("list sessions", err)
	}
	defer rows.Close()
	var all []sandbox.KernelSession
	for rows.Next() {
		var s sandbox.KernelSession
		var env string
		var created, used int64
		err := rows.Scan(&s.ID, &s.Owner, &s.Name, &s.Language, &env, &s.ForkOf, &created, &used,
			&s.ExecutionCount, &s.SavedCount, &s.StateBytes, &s.Failure)
		if err != nil {
			return nil, wrap("list sessions", err)
		}
		if err := json.Unmarshal([]byte(env), &s.Env); err != nil {
			return nil, wrap("list sessions", err)
		}
		s.CreatedAt, s.LastUsedAt = fromMillis(created), fromMillis(used)
		all = append(all, s)
	}
	return all, wrap("list sessions", rows.Err())
}

// DeleteKernelSession implements sandbox.KernelSessionStore.
func (db *DB) DeleteKernelSession(ctx context.Context, id string) error {
	_, err := db.write.ExecContext(ctx, "DELETE FROM kernel_sessions WHERE id = ?", id)
	return wrap("delete a session", err)
}
