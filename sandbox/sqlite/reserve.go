package sqlite

import (
	"context"
	"database/sql"
)

// reserveBytes is how much room the database keeps for itself, in its file and in
// the log beside it. It is as much as SQLite writes to the log before it begins
// at its start again.
const reserveBytes = 4 << 20

// reserve takes the room that later changes need, so that a full disk keeps nobody
// from stopping and deleting what fills it. The pages of a dropped table stay in
// the file as free ones, and the log stays as long as it has become.
//
// The two changes are not one: SQLite does not write pages that a transaction has
// taken and given back.
func reserve(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS reserve (room BLOB) STRICT"); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO reserve VALUES (zeroblob(?))", reserveBytes); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "DROP TABLE reserve")
	return err
}
