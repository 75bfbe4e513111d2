package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"

	"sandpiper/sandbox"
)

var errNoSnapshot = sandbox.Errorf(sandbox.KindNotFound, "there is no such snapshot")

// AddSnapshot implements sandbox.SnapshotStore.
func (db *DB) AddSnapshot(ctx context.Context, s sandbox.Snapshot) error {
	err := db.transact(ctx, func(tx *sql.Tx) error { return writeSnapshot(ctx, tx, s, false) })
	return wrap("store a snapshot", err)
}

// FindSnapshot implements sandbox.SnapshotStore.
func (db *DB) FindSnapshot(ctx context.Context, organization, idOrName string) (sandbox.Snapshot, error) {
	s, err := readDocument[sandbox.Snapshot](ctx, db.read, errNoSnapshot, `
		SELECT document FROM snapshots WHERE organization IN (?1, '') AND (
			id = ?2 OR id IN (SELECT snapshot FROM snapshot_names WHERE organization IN (?1, '') AND name = ?2))
		ORDER BY id = ?2 DESC, organization = '' LIMIT 1`, organization, idOrName)
	return s, wrap("find a snapshot", err)
}

// UpdateSnapshot implements sandbox.SnapshotStore.
func (db *DB) UpdateSnapshot(ctx context.Context, id string, change func(*sandbox.Snapshot) error) (before, after sandbox.Snapshot, err error) {
	err = db.transact(ctx, func(tx *sql.Tx) error {
		before, err = readDocument[sandbox.Snapshot](ctx, tx, errNoSnapshot, "SELECT document FROM snapshots WHERE id = ?", id)
		if err != nil {
			return err
		}
		after = before
		after.Aliases, after.Entrypoint = slices.Clone(before.Aliases), slices.Clone(before.Entrypoint)
		if err := change(&after); err != nil {
			return err
		}
		return writeSnapshot(ctx, tx, after, true)
	})
	if err != nil {
		return sandbox.Snapshot{}, sandbox.Snapshot{}, wrap("change a snapshot", err)
	}
	return before, after, nil
}

// writeSnapshot adds a snapshot, or replaces the one with its ID, with its names.
func writeSnapshot(ctx context.Context, tx *sql.Tx, s sandbox.Snapshot, replace bool) error {
	document, err := json.Marshal(s)
	if err != nil {
		return err
	}
	query := `INSERT INTO snapshots (organization, name, name_key, state, source, created_at, used_at, document, id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
	if replace {
		query = `UPDATE snapshots SET (organization, name, name_key, state, source, created_at, used_at, document) = (?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?`
	}
	_, err = tx.ExecContext(ctx, query, s.Organization, s.Name, strings.ToLower(s.Name), s.State, s.Source,
		millis(s.CreatedAt), optionalMillis(s.LastUsedAt), string(document), s.ID)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM snapshot_names WHERE snapshot = ?", s.ID); err != nil {
		return err
	}
	for _, name := range append([]string{s.Name}, s.Aliases...) {
		_, err := tx.ExecContext(ctx, "INSERT INTO snapshot_names (organization, name, snapshot) VALUES (?, ?, ?)", s.Organization, name, s.ID)
		if faultOf(err) == faultNotUnique {
			return errNameTaken(name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

var snapshotColumns = map[sandbox.SnapshotSort]string{
	sandbox.SnapshotsByUse: "coalesce(used_at, 0)", sandbox.SnapshotsByCreated: "created_at",
	sandbox.SnapshotsByName: "name", sandbox.SnapshotsByState: "state",
}

// Snapshots implements sandbox.SnapshotStore.
func (db *DB) Snapshots(ctx context.Context, f sandbox.SnapshotFilter) (sandbox.SnapshotPage, error) {
	var page sandbox.SnapshotPage
	if err := f.Validate(); err != nil {
		return page, err
	}
	where := &condition{}
	if f.Organization != "" {
		where.and("organization IN (?, '')", f.Organization)
	}
	if f.Name != "" {
		where.and("instr(name_key, ?) > 0", strings.ToLower(f.Name))
	}
	if f.Source != "" {
		where.and("source = ?", f.Source)
	}
	err := db.read.QueryRowContext(ctx, "SELECT count(*) FROM snapshots WHERE "+where.String(), where.args...).Scan(&page.Total)
	if err != nil {
		return page, wrap("count snapshots", err)
	}
	direction := " DESC"
	if f.Ascending {
		direction = " ASC"
	}
	query := "SELECT document FROM snapshots WHERE " + where.String() + " ORDER BY " + snapshotColumns[f.Sort] + direction + ", id" + direction + " LIMIT ? OFFSET ?"
	page.Items, err = readDocuments[sandbox.Snapshot](ctx, db.read, query, append(slices.Clone(where.args), f.Limit, (f.Page-1)*f.Limit)...)
	return page, wrap("list snapshots", err)
}

// DeleteSnapshot implements sandbox.SnapshotStore.
func (db *DB) DeleteSnapshot(ctx context.Context, id string) error {
	n, err := db.changed(ctx, "DELETE FROM snapshots WHERE id = ?", id)
	if err == nil && n == 0 {
		return errNoSnapshot
	}
	return wrap("delete a snapshot", err)
}
