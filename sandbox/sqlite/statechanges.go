package sqlite

import (
	"context"

	"sandpiper/sandbox"
)

// writeChange writes down what became of a sandbox that was before, and forgets
// the oldest of more than sandbox.MaxStateChanges.
func writeChange(ctx context.Context, e executor, before, after sandbox.Sandbox) error {
	c, ok := sandbox.ChangeOf(before, after)
	if !ok {
		return nil
	}
	_, err := e.ExecContext(ctx, "INSERT INTO state_changes (sandbox, at, before, after, reason) VALUES (?, ?, ?, ?, ?)",
		after.ID, millis(c.At), c.From, c.To, c.Reason)
	if err != nil {
		return err
	}
	_, err = e.ExecContext(ctx, `DELETE FROM state_changes WHERE sandbox = ?1 AND id <=
		(SELECT id FROM state_changes WHERE sandbox = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)`, after.ID, sandbox.MaxStateChanges)
	return err
}

// StateChanges implements sandbox.SandboxStore.
func (db *DB) StateChanges(ctx context.Context, id string) ([]sandbox.StateChange, error) {
	rows, err := db.read.QueryContext(ctx, "SELECT at, before, after, reason FROM state_changes WHERE sandbox = ? ORDER BY id DESC", id)
	if err != nil {
		return nil, wrap("read what became of a sandbox", err)
	}
	defer rows.Close()
	var all []sandbox.StateChange
	for rows.Next() {
		var c sandbox.StateChange
		var at int64
		if err := rows.Scan(&at, &c.From, &c.To, &c.Reason); err != nil {
			return nil, wrap("read what became of a sandbox", err)
		}
		c.At = fromMillis(at)
		all = append(all, c)
	}
	return all, wrap("read what became of a sandbox", rows.Err())
}
