package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"

	"sandpiper/sandbox"
)

// busyTimeout is how long a statement waits for another process, such as a
// backup, to let go of the file.
const busyTimeout = 5 * time.Second

// DB is an open database. It implements every store of package sandbox and is
// safe for concurrent use.
type DB struct {
	path  string
	write *sql.DB // one connection
	read  *sql.DB // as many as the cores can use, unable to write
}

var (
	_ sandbox.RunStore        = (*DB)(nil)
	_ sandbox.SnippetStore    = (*DB)(nil)
	_ sandbox.CredentialStore = (*DB)(nil)
	_ sandbox.Store           = (*DB)(nil)

	_ sandbox.KernelSessionStore = (*DB)(nil)
)

// Open opens the database at path, makes it where there is none, and brings its
// schema up to date. Only the owner of the process can read the file. It fails
// for a file that is not Sandpiper's and for one that a newer Sandpiper wrote.
func Open(ctx context.Context, path string) (*DB, error) {
	return open(ctx, path, busyTimeout)
}

func open(ctx context.Context, path string, busy time.Duration) (*DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if err := protect(path); err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	db := &DB{path: path}
	if db.write, err = connect(ctx, dsn(path, busy, false), 1); err != nil {
		return nil, fmt.Errorf("open the database %s: %w", path, safe(err))
	}
	if err := migrate(ctx, db.write, migrations()); err != nil {
		return nil, errors.Join(fmt.Errorf("open the database %s: %w", path, err), db.write.Close())
	}
	if err := reserve(ctx, db.write); err != nil && faultOf(err) != faultFull { // then it has what it has
		return nil, errors.Join(fmt.Errorf("open the database %s: %w", path, safe(err)), db.write.Close())
	}
	if db.read, err = connect(ctx, dsn(path, busy, true), max(2, runtime.GOMAXPROCS(0))); err != nil {
		return nil, errors.Join(fmt.Errorf("open the database %s: %w", path, safe(err)), db.write.Close())
	}
	return db, nil
}

// protect makes sure that the file is there and that nobody else can read it.
// SQLite gives the files beside it the same mode.
func protect(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Close())
}

// dsn says how a connection is opened. The settings belong here because each
// connection of a pool needs them.
func dsn(path string, busy time.Duration, readOnly bool) string {
	q := url.Values{
		"_busy_timeout":    {strconv.FormatInt(busy.Milliseconds(), 10)},
		"_foreign_keys":    {"on"},
		"_synchronous":     {"normal"},
		"_stmt_cache_size": {"100"}, // parsing takes several times as long as most queries
	}
	if readOnly {
		q.Set("mode", "ro")
		q.Set("_query_only", "on")
	} else {
		q.Set("_journal_mode", "wal")
		q.Set("_txlock", "immediate")
	}
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: q.Encode()}).String()
}

// connect opens a pool and tries it.
func connect(ctx context.Context, dsn string, conns int) (*sql.DB, error) {
	pool, err := sql.Open("sqlite3", dsn)
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	if err := pool.PingContext(ctx); err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return pool, nil
}

// Close waits for what is under way and closes the file.
func (db *DB) Close() error {
	if err := errors.Join(db.read.Close(), db.write.Close()); err != nil {
		return fmt.Errorf("close the database: %w", err)
	}
	return nil
}

// Check reads the whole file and reports the first damage it finds.
func (db *DB) Check(ctx context.Context) error {
	var found string
	if err := db.read.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&found); err != nil {
		return fmt.Errorf("check the database %s: %w", db.path, safe(err))
	}
	if found != "ok" {
		return fmt.Errorf("the database %s is damaged: %s", db.path, found)
	}
	return nil
}

// transact runs f in a transaction of the writer, which is committed when f
// returns nil.
func (db *DB) transact(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// changed runs a statement and returns how many rows it changed.
func (db *DB) changed(ctx context.Context, query string, args ...any) (int, error) {
	res, err := db.write.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// millis is how a time is stored.
func millis(t time.Time) int64 { return t.UnixMilli() }

// optionalMillis stores the zero time as NULL.
func optionalMillis(t time.Time) sql.NullInt64 {
	return sql.NullInt64{Int64: t.UnixMilli(), Valid: !t.IsZero()}
}

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func fromOptionalMillis(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return fromMillis(ms.Int64)
}
