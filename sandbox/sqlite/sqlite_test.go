package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
)

func openTest(t *testing.T) *DB {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "sandpiper.db"))
}

// openAt opens a database with little patience, and closes it after the test.
func openAt(t *testing.T, path string) *DB {
	t.Helper()
	db, err := open(t.Context(), path, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestStores(t *testing.T) {
	t.Run("runs", func(t *testing.T) {
		sandboxtest.TestRunStore(t, func(t *testing.T) sandbox.RunStore { return openTest(t) })
	})
	t.Run("kernel sessions", func(t *testing.T) {
		sandboxtest.TestKernelSessionStore(t, func(t *testing.T) sandbox.KernelSessionStore { return openTest(t) })
	})
	t.Run("snippets", func(t *testing.T) {
		sandboxtest.TestSnippetStore(t, func(t *testing.T) sandbox.SnippetStore { return openTest(t) })
	})
	t.Run("sandboxes", func(t *testing.T) {
		sandboxtest.TestStore(t, func(t *testing.T) sandbox.Store { return openTest(t) })
	})
	t.Run("SSH access", func(t *testing.T) {
		sandboxtest.TestSSHAccessStore(t, func(t *testing.T) sandboxtest.SandboxesAndSSHAccess { return openTest(t) })
	})
	t.Run("credentials", func(t *testing.T) {
		sandboxtest.TestCredentialStore(t, func(t *testing.T) sandbox.CredentialStore { return openTest(t) })
	})
	t.Run("links to desktops", func(t *testing.T) {
		db := openTest(t)
		for _, id := range []string{"a", "b"} {
			if err := db.AddSandbox(t.Context(), sandboxtest.Sandbox(id)); err != nil {
				t.Fatal(err)
			}
		}
		sandboxtest.TestDesktopLinkStore(t, db)
	})
	t.Run("ended links", func(t *testing.T) { sandboxtest.TestPreviewStore(t, openTest(t)) })
}

func TestOpenAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "odd name?#%20é.db")
	db, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	want := sandboxtest.Record("ada", 1)
	if err := db.SaveRuns(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = openAt(t, path)
	if _, err := db.Run(t.Context(), want.Result.ID); err != nil {
		t.Error(err)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestSettingsOfEveryConnection(t *testing.T) {
	db := openTest(t)
	pools := map[string]*sql.DB{"the writer": db.write, "one reader": db.read, "another reader": db.read}
	for name, pool := range pools {
		conn, err := pool.Conn(t.Context()) // held, so that the second reader is another one
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		queryOnly := "1"
		if pool == db.write {
			queryOnly = "0"
		}
		for _, tt := range []struct{ pragma, want string }{
			{"journal_mode", "wal"}, {"foreign_keys", "1"}, {"synchronous", "1"}, {"busy_timeout", "50"}, {"query_only", queryOnly},
		} {
			var got string
			if err := conn.QueryRowContext(t.Context(), "PRAGMA "+tt.pragma).Scan(&got); err != nil || got != tt.want {
				t.Errorf("%s of %s is %s, %v; want %s", tt.pragma, name, got, err, tt.want)
			}
		}
	}
}

func TestReadersCannotWrite(t *testing.T) {
	if _, err := openTest(t).read.Exec("DELETE FROM runs"); err == nil {
		t.Error("one can")
	}
}

func TestFilesAreThePrivateOnesOfTheirOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sandpiper.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	db := openAt(t, path)
	if err := db.SaveRuns(t.Context(), sandboxtest.Record("ada", 1)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o", filepath.Base(name), mode)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	tests := []struct {
		name string
		make func(t *testing.T, path string)
		want string
	}{
		{"a newer schema", func(t *testing.T, path string) {
			db := openAt(t, path)
			execute(t, db, "PRAGMA user_version = 99")
		}, "version 99"},
		{"another program's database", func(t *testing.T, path string) {
			db := openAt(t, path)
			execute(t, db, "PRAGMA application_id = 5")
		}, "another program"},
		{"tables without a mark", func(t *testing.T, path string) {
			db := openAt(t, path)
			execute(t, db, "PRAGMA application_id = 0; PRAGMA user_version = 0")
		}, "another program"},
		{"no database at all", func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(strings.Repeat("this is a letter ", 1000)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "damaged"},
		{"a folder", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "directory"},
		{"no folder", func(t *testing.T, path string) {
			if err := os.Remove(filepath.Dir(path)); err != nil {
				t.Fatal(err)
			}
		}, "no such file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "folder", "sandpiper.db")
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			tt.make(t, path)
			db, err := Open(t.Context(), path)
			if err == nil {
				db.Close()
				t.Fatal("it was opened")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want something about %q", err, tt.want)
			}
		})
	}
}

func execute(t *testing.T, db *DB, query string) {
	t.Helper()
	if _, err := db.write.Exec(query); err != nil {
		t.Fatal(err)
	}
}

func TestMigrations(t *testing.T) {
	steps := fstest.MapFS{
		"0001_a.sql": {Data: []byte("CREATE TABLE extra (x INTEGER) STRICT; INSERT INTO extra VALUES (1);")},
		"0002_b.sql": {Data: []byte("INSERT INTO extra VALUES (2);")},
		"0003_c.sql": {Data: []byte("INSERT INTO extra VALUES (3); INSERT INTO nowhere VALUES (1);")},
	}
	pool, err := connect(t.Context(), dsn(filepath.Join(t.TempDir(), "x.db"), time.Second, false), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := migrate(t.Context(), pool, steps); err == nil || !strings.Contains(err.Error(), "0003_c.sql") {
		t.Errorf("a broken step: %v", err)
	}
	var version, rows int
	if err := errors.Join(
		pool.QueryRow("PRAGMA user_version").Scan(&version),
		pool.QueryRow("SELECT count(*) FROM extra").Scan(&rows),
	); err != nil || version != 2 || rows != 2 {
		t.Errorf("after a broken step: version %d, %d rows, %v", version, rows, err)
	}
	steps["0003_c.sql"].Data = []byte("INSERT INTO extra VALUES (3);")
	for range 2 {
		if err := migrate(t.Context(), pool, steps); err != nil {
			t.Errorf("the mended step: %v", err)
		}
	}
	if err := pool.QueryRow("SELECT count(*) FROM extra").Scan(&rows); err != nil || rows != 3 {
		t.Errorf("%d rows, %v", rows, err)
	}
}

func TestMigrationNames(t *testing.T) {
	for _, names := range [][]string{{"0002_a.sql"}, {"0001_a.sql", "0003_b.sql"}, {"0001_a.sql", "0001_b.sql"}, {"start.sql"}} {
		dir := fstest.MapFS{}
		for _, name := range names {
			dir[name] = &fstest.MapFile{}
		}
		if _, err := readMigrations(dir); err == nil {
			t.Errorf("%v are taken", names)
		}
	}
}

// TestFullDisk fills the file to a limit that acts as the end of the disk does.
func TestFullDisk(t *testing.T) {
	db := openTest(t)
	execute(t, db, "PRAGMA max_page_count = 200")
	var saved []string
	var err error
	for n := 0; err == nil; n++ {
		r := sandboxtest.Record("ada", n)
		r.Result.Stdout = strings.Repeat("x", 50_000)
		if err = db.SaveRuns(t.Context(), r); err == nil {
			saved = append(saved, r.Result.ID)
		}
	}
	var e *sandbox.Error
	if !errors.As(err, &e) || e.Kind != sandbox.KindUnavailable || !strings.Contains(e.Message, "full") {
		t.Fatalf("at the end of the disk: %v", err)
	}
	if len(saved) < 5 {
		t.Fatalf("only %d runs fit", len(saved))
	}
	for _, id := range saved {
		if _, err := db.Run(t.Context(), id); err != nil {
			t.Errorf("acknowledged run %s: %v", id, err)
		}
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := db.PruneRuns(t.Context(), sandbox.Retention{Runs: 1}); err != nil {
		t.Errorf("make room: %v", err)
	}
	if err := db.SaveRuns(t.Context(), sandboxtest.Record("ada", 1000)); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

func TestAllRunsOrNone(t *testing.T) {
	db := openTest(t)
	good, bad := sandboxtest.Record("ada", 1), sandboxtest.Record("ada", 2)
	bad.Result.Outputs = []sandbox.Display{{Data: map[string]any{"text/plain": func() {}}}}
	if err := db.SaveRuns(t.Context(), good, bad); err == nil {
		t.Fatal("what is no JSON was saved")
	}
	if _, err := db.Run(t.Context(), good.Result.ID); sandbox.KindOf(err) != sandbox.KindNotFound {
		t.Errorf("the other run: %v", err)
	}
}

func TestLockedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sandpiper.db")
	db, other := openAt(t, path), openAt(t, path)
	first, second := sandboxtest.Record("ada", 1), sandboxtest.Record("ada", 2)
	if err := db.SaveRuns(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	tx, err := other.write.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.SaveRuns(t.Context(), second)
	var e *sandbox.Error
	if !errors.As(err, &e) || e.Kind != sandbox.KindUnavailable || e.RetryAfter <= 0 {
		t.Errorf("while another holds the file: %v", err)
	}
	if _, err := db.Run(t.Context(), first.Result.ID); err != nil {
		t.Errorf("reading while another holds the file: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := db.SaveRuns(t.Context(), second); err != nil {
		t.Errorf("once the file is free: %v", err)
	}
}

func TestTooLarge(t *testing.T) {
	db := openTest(t)
	s := sandboxtest.Snippet("abc")
	s.Stdin = strings.Repeat("x", 1<<20+1)
	if err := db.PutSnippet(t.Context(), s); sandbox.KindOf(err) != sandbox.KindTooLarge {
		t.Errorf("got %v", err)
	}
}

func TestCancelledContext(t *testing.T) {
	db := openTest(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.SaveRuns(ctx, sandboxtest.Record("ada", 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := db.Run(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkSaveRuns(b *testing.B) {
	db, err := Open(b.Context(), filepath.Join(b.TempDir(), "sandpiper.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	n := 0
	for b.Loop() {
		n++
		if err := db.SaveRuns(b.Context(), sandboxtest.Record("ada", n)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPruneOfAFullHistory(b *testing.B) {
	db, err := Open(b.Context(), filepath.Join(b.TempDir(), "sandpiper.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	for n := range 10_000 {
		if err := db.SaveRuns(b.Context(), sandboxtest.Record(fmt.Sprint("client", n%50), n)); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if n, err := db.PruneRuns(b.Context(), sandbox.Retention{Runs: 10_000, Bytes: 1 << 40}); n != 0 || err != nil {
			b.Fatal(n, err)
		}
	}
}
