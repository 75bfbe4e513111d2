package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"sandpiper/sandbox"
)

// leftBehind is what a run made besides text.
type leftBehind struct {
	Outputs     []sandbox.Display    `json:"outputs,omitempty"`
	Diagnostics []sandbox.Diagnostic `json:"diagnostics,omitempty"`
	Files       []sandbox.File       `json:"files,omitempty"`
}

// SaveRuns implements sandbox.RunStore.
func (db *DB) SaveRuns(ctx context.Context, runs ...sandbox.RunRecord) error {
	err := db.transact(ctx, func(tx *sql.Tx) error {
		for _, r := range runs {
			if err := saveRun(ctx, tx, r); err != nil {
				return err
			}
		}
		return nil
	})
	return wrap("save runs", err)
}

func saveRun(ctx context.Context, tx *sql.Tx, r sandbox.RunRecord) error {
	res := r.Result
	truncated, err := json.Marshal(res.Truncated)
	if err != nil {
		return err
	}
	left, err := json.Marshal(leftBehind{res.Outputs, res.Diagnostics, res.Files})
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT OR REPLACE INTO runs (id, client, finished_at, size, language, version, engine, reason, status,
			exit_code, signal, message, wall, cpu, memory_bytes, truncated, stdout, stderr, left_behind)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		res.ID, r.Client, millis(r.FinishedAt), r.Size(), res.Language, res.Version, string(res.Engine), res.Reason, string(res.Status),
		res.ExitCode, res.Signal, res.Message, int64(res.Usage.Wall), int64(res.Usage.CPU), res.Usage.MemoryBytes,
		string(truncated), res.Stdout, res.Stderr, string(left))
	return err
}

var errNoRun = sandbox.Errorf(sandbox.KindNotFound, "there is no such run, or it is kept no longer")

// Run implements sandbox.RunStore.
func (db *DB) Run(ctx context.Context, id string) (sandbox.RunRecord, error) {
	row := db.read.QueryRowContext(ctx, "SELECT "+runHead+", stdout, stderr, left_behind FROM runs WHERE id = ?", id)
	var r sandbox.RunRecord
	var left string
	err := scanRun(row, &r, &r.Result.Stdout, &r.Result.Stderr, &left)
	if errors.Is(err, sql.ErrNoRows) {
		return sandbox.RunRecord{}, errNoRun
	}
	if err != nil {
		return sandbox.RunRecord{}, wrap("read a run", err)
	}
	var l leftBehind
	if err := json.Unmarshal([]byte(left), &l); err != nil {
		return sandbox.RunRecord{}, wrap("read a run", err)
	}
	r.Result.Outputs, r.Result.Diagnostics, r.Result.Files = l.Outputs, l.Diagnostics, l.Files
	return r, nil
}

// Runs implements sandbox.RunStore. A client's runs are read in the order of the
// index runs_by_client, from the place of Before on, so a page far back costs what
// the first one does.
func (db *DB) Runs(ctx context.Context, f sandbox.RunFilter) ([]sandbox.RunRecord, error) {
	query, args := "SELECT "+runHead+" FROM runs WHERE client = ?", []any{f.Client}
	and := func(condition string, values ...any) {
		query += " AND " + condition
		args = append(args, values...)
	}
	if f.Before != "" {
		var finished, row int64
		err := db.read.QueryRowContext(ctx, "SELECT finished_at, rowid FROM runs WHERE id = ? AND client = ?", f.Before, f.Client).Scan(&finished, &row)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, errNoRun
		}
		if err != nil {
			return nil, wrap("list runs", err)
		}
		and("(finished_at, rowid) < (?, ?)", finished, row)
	}
	if f.Language != "" {
		and("language = ?", f.Language)
	}
	if f.Status != "" {
		and("status = ?", string(f.Status))
	}
	rows, err := db.read.QueryContext(ctx, query+" ORDER BY finished_at DESC, rowid DESC LIMIT ?", append(args, max(f.Limit, 0))...)
	if err != nil {
		return nil, wrap("list runs", err)
	}
	defer rows.Close()
	var all []sandbox.RunRecord
	for rows.Next() {
		var r sandbox.RunRecord
		if err := scanRun(rows, &r); err != nil {
			return nil, wrap("list runs", err)
		}
		all = append(all, r)
	}
	return all, wrap("list runs", rows.Err())
}

// PruneRuns implements sandbox.RunStore.
func (db *DB) PruneRuns(ctx context.Context, keep sandbox.Retention) (int, error) {
	n, err := db.changed(ctx, `
		DELETE FROM runs WHERE rowid IN (
			SELECT rowid FROM (
				SELECT rowid, finished_at,
					row_number() OVER newest_first AS place,
					sum(size) OVER newest_first AS total
				FROM runs
				WINDOW newest_first AS (ORDER BY finished_at DESC, rowid DESC ROWS UNBOUNDED PRECEDING)
			)
			WHERE finished_at < ?1 OR (?2 > 0 AND place > ?2) OR (?3 > 0 AND total > ?3)
		)`, millis(keep.Since), keep.Runs, keep.Bytes)
	return n, wrap("prune the history of runs", err)
}

// runHead are the columns that scanRun reads.
const runHead = `id, client, finished_at, language, version, engine, reason, status,
	exit_code, signal, message, wall, cpu, memory_bytes, truncated`

// scanRun reads the columns of runHead and those that follow.
func scanRun(row interface{ Scan(...any) error }, r *sandbox.RunRecord, more ...any) error {
	res := &r.Result
	var finished int64
	var truncated string
	err := row.Scan(append([]any{&res.ID, &r.Client, &finished, &res.Language, &res.Version, &res.Engine, &res.Reason, &res.Status,
		&res.ExitCode, &res.Signal, &res.Message, &res.Usage.Wall, &res.Usage.CPU, &res.Usage.MemoryBytes, &truncated}, more...)...)
	if err != nil {
		return err
	}
	r.FinishedAt = fromMillis(finished)
	return json.Unmarshal([]byte(truncated), &res.Truncated)
}
