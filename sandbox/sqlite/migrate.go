package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

//go:embed migrations/*.sql
var embedded embed.FS

// applicationID marks a file as Sandpiper's: "SPip" in ASCII.
const applicationID = 0x53506970

// migrations returns the folder of migrations.
func migrations() fs.FS {
	sub, err := fs.Sub(embedded, "migrations")
	if err != nil {
		panic(err) // the name is a constant
	}
	return sub
}

// A migration is one step of the schema.
type migration struct {
	name string
	sql  string
}

// readMigrations returns the migrations of a folder. Their names begin with
// their numbers, which start at 1 and leave none out.
func readMigrations(dir fs.FS) ([]migration, error) {
	names, err := fs.Glob(dir, "*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var all []migration
	for i, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		if n, err := strconv.Atoi(number); err != nil || n != i+1 {
			return nil, fmt.Errorf("migration %s should have number %d", name, i+1)
		}
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, err
		}
		all = append(all, migration{name, string(text)})
	}
	return all, nil
}

// migrate brings the schema up to date.
func migrate(ctx context.Context, db *sql.DB, dir fs.FS) error {
	all, err := readMigrations(dir)
	if err != nil {
		return err
	}
	for {
		done, err := migrateOnce(ctx, db, all)
		if done || err != nil {
			return err
		}
	}
}

// migrateOnce applies the next migration, or finds that there is none. It looks
// again each time, for another process may be at it too.
func migrateOnce(ctx context.Context, db *sql.DB, all []migration) (done bool, err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return false, safe(err)
	}
	defer tx.Rollback()
	version, err := schemaVersion(ctx, tx)
	if err != nil {
		return false, err
	}
	switch {
	case version == len(all):
		return true, nil
	case version > len(all):
		return false, fmt.Errorf("its schema has version %d, this Sandpiper knows versions up to %d: use the newer Sandpiper that wrote it", version, len(all))
	}
	m := all[version]
	if _, err := tx.ExecContext(ctx, m.sql); err != nil {
		return false, fmt.Errorf("migration %s: %w", m.name, safe(err))
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d; PRAGMA application_id = %d", version+1, applicationID)); err != nil {
		return false, fmt.Errorf("migration %s: %w", m.name, safe(err))
	}
	return false, safe(tx.Commit())
}

// schemaVersion returns the version of the schema, 0 for an empty file. It
// refuses a database of another program.
func schemaVersion(ctx context.Context, tx *sql.Tx) (int, error) {
	var version, application, tables int
	err := errors.Join(
		tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version),
		tx.QueryRowContext(ctx, "PRAGMA application_id").Scan(&application),
		tx.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables),
	)
	if err != nil {
		return 0, fmt.Errorf("read the schema's version: %w", safe(err))
	}
	if application != applicationID && (application != 0 || tables > 0) {
		return 0, errors.New("it is a database of another program")
	}
	return version, nil
}
