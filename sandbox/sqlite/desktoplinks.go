package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"sandpiper/sandbox"
)

var _ sandbox.DesktopLinkStore = (*DB)(nil)

var errNoDesktopLink = sandbox.Errorf(sandbox.KindNotFound, "there is no such link to a desktop")

const desktopLinkColumns = "id, sandbox, text, created_at, expires_at"

// AddDesktopLink implements sandbox.DesktopLinkStore.
func (db *DB) AddDesktopLink(ctx context.Context, l sandbox.DesktopLink) error {
	n, err := db.changed(ctx, "INSERT INTO desktop_links ("+desktopLinkColumns+") SELECT ?, id, ?, ?, ? FROM sandboxes WHERE id = ?",
		l.ID, l.Text, millis(l.CreatedAt), millis(l.ExpiresAt), l.Sandbox)
	if err == nil && n == 0 {
		return errNoSandbox
	}
	return wrap("store a link to a desktop", err)
}

// DesktopLink implements sandbox.DesktopLinkStore.
func (db *DB) DesktopLink(ctx context.Context, id string) (sandbox.DesktopLink, error) {
	l, err := scanDesktopLink(db.read.QueryRowContext(ctx, "SELECT "+desktopLinkColumns+" FROM desktop_links WHERE id = ?", id))
	if errors.Is(err, sql.ErrNoRows) {
		return sandbox.DesktopLink{}, errNoDesktopLink
	}
	return l, wrap("read a link to a desktop", err)
}

// DesktopLinks implements sandbox.DesktopLinkStore.
func (db *DB) DesktopLinks(ctx context.Context, sandboxID string) ([]sandbox.DesktopLink, error) {
	const what = "list links to a desktop"
	rows, err := db.read.QueryContext(ctx, "SELECT "+desktopLinkColumns+" FROM desktop_links WHERE sandbox = ? ORDER BY created_at, id", sandboxID)
	if err != nil {
		return nil, wrap(what, err)
	}
	defer rows.Close()
	var all []sandbox.DesktopLink
	for rows.Next() {
		l, err := scanDesktopLink(rows)
		if err != nil {
			return nil, wrap(what, err)
		}
		all = append(all, l)
	}
	return all, wrap(what, rows.Err())
}

func scanDesktopLink(row interface{ Scan(...any) error }) (l sandbox.DesktopLink, err error) {
	var created, expires int64
	err = row.Scan(&l.ID, &l.Sandbox, &l.Text, &created, &expires)
	l.CreatedAt, l.ExpiresAt = fromMillis(created), fromMillis(expires)
	return l, err
}

// DeleteDesktopLink implements sandbox.DesktopLinkStore.
func (db *DB) DeleteDesktopLink(ctx context.Context, id string) error {
	_, err := db.write.ExecContext(ctx, "DELETE FROM desktop_links WHERE id = ?", id)
	return wrap("delete a link to a desktop", err)
}

// PruneDesktopLinks implements sandbox.DesktopLinkStore.
func (db *DB) PruneDesktopLinks(ctx context.Context, now time.Time) (int, error) {
	n, err := db.changed(ctx, "DELETE FROM desktop_links WHERE expires_at <= ?", millis(now))
	return n, wrap("prune links to desktops", err)
}
