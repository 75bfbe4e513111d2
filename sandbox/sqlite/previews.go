package sqlite

import (
	"context"
	"time"

	"sandpiper/sandbox"
)

// EndLink implements sandbox.PreviewStore.
func (db *DB) EndLink(ctx context.Context, l sandbox.EndedLink) error {
	_, err := db.write.ExecContext(ctx, "INSERT INTO ended_links (hash, until) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING", l.Hash, millis(l.Until))
	return wrap("end an address of a preview", err)
}

// EndedLinks implements sandbox.PreviewStore.
func (db *DB) EndedLinks(ctx context.Context, now time.Time) ([]sandbox.EndedLink, error) {
	rows, err := db.read.QueryContext(ctx, "SELECT hash, until FROM ended_links WHERE until > ?", millis(now))
	if err != nil {
		return nil, wrap("list ended addresses", err)
	}
	defer rows.Close()
	var all []sandbox.EndedLink
	for rows.Next() {
		var l sandbox.EndedLink
		var until int64
		if err := rows.Scan(&l.Hash, &until); err != nil {
			return nil, wrap("list ended addresses", err)
		}
		l.Until = fromMillis(until)
		all = append(all, l)
	}
	return all, wrap("list ended addresses", rows.Err())
}

// PruneLinks implements sandbox.PreviewStore.
func (db *DB) PruneLinks(ctx context.Context, now time.Time) (int, error) {
	n, err := db.changed(ctx, "DELETE FROM ended_links WHERE until <= ?", millis(now))
	return n, wrap("prune ended addresses", err)
}
