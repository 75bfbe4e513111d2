package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"sandpiper/sandbox"
)

var errNoSSHAccess = sandbox.Errorf(sandbox.KindNotFound, "there is no such SSH access")

const sshAccessColumns = "id, sandbox, hash, created_at, expires_at"

// AddSSHAccess implements sandbox.SSHAccessStore.
func (db *DB) AddSSHAccess(ctx context.Context, a sandbox.SSHAccess) error {
	n, err := db.changed(ctx, "INSERT INTO ssh_access ("+sshAccessColumns+") SELECT ?, id, ?, ?, ? FROM sandboxes WHERE id = ?",
		a.ID, a.Hash, millis(a.CreatedAt), millis(a.ExpiresAt), a.Sandbox)
	if err == nil && n == 0 {
		return errNoSandbox
	}
	return wrap("store SSH access", err)
}

// SSHAccessByHash implements sandbox.SSHAccessStore.
func (db *DB) SSHAccessByHash(ctx context.Context, hash []byte) (sandbox.SSHAccess, error) {
	a, err := scanSSHAccess(db.read.QueryRowContext(ctx, "SELECT "+sshAccessColumns+" FROM ssh_access WHERE hash = ?", hash))
	if errors.Is(err, sql.ErrNoRows) {
		return sandbox.SSHAccess{}, errNoSSHAccess
	}
	return a, wrap("read SSH access", err)
}

// SSHAccesses implements sandbox.SSHAccessStore.
func (db *DB) SSHAccesses(ctx context.Context, sandboxID string) ([]sandbox.SSHAccess, error) {
	rows, err := db.read.QueryContext(ctx, "SELECT "+sshAccessColumns+" FROM ssh_access WHERE sandbox = ? ORDER BY created_at, id", sandboxID)
	if err != nil {
		return nil, wrap("list SSH access", err)
	}
	defer rows.Close()
	var all []sandbox.SSHAccess
	for rows.Next() {
		a, err := scanSSHAccess(rows)
		if err != nil {
			return nil, wrap("list SSH access", err)
		}
		all = append(all, a)
	}
	return all, wrap("list SSH access", rows.Err())
}

func scanSSHAccess(row interface{ Scan(...any) error }) (a sandbox.SSHAccess, err error) {
	var created, expires int64
	err = row.Scan(&a.ID, &a.Sandbox, &a.Hash, &created, &expires)
	a.CreatedAt, a.ExpiresAt = fromMillis(created), fromMillis(expires)
	return a, err
}

// DeleteSSHAccess implements sandbox.SSHAccessStore.
func (db *DB) DeleteSSHAccess(ctx context.Context, id string) error {
	_, err := db.write.ExecContext(ctx, "DELETE FROM ssh_access WHERE id = ?", id)
	return wrap("delete SSH access", err)
}

// PruneSSHAccess implements sandbox.SSHAccessStore.
func (db *DB) PruneSSHAccess(ctx context.Context, now time.Time) (int, error) {
	n, err := db.changed(ctx, "DELETE FROM ssh_access WHERE expires_at <= ?", millis(now))
	return n, wrap("prune SSH access", err)
}
