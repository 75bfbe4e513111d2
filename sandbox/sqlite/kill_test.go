package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"sandpiper/sandbox/sandboxtest"
)

// victimPath names the database to the process that TestKill kills.
const victimPath = "SQLITE_TEST_VICTIM"

func TestMain(m *testing.M) {
	if path := os.Getenv(victimPath); path != "" {
		fmt.Fprintln(os.Stderr, writeForever(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeForever saves runs and prints the number of each once it is saved.
func writeForever(path string) error {
	db, err := Open(context.Background(), path)
	if err != nil {
		return err
	}
	for n := 1; ; n++ {
		if err := db.SaveRuns(context.Background(), sandboxtest.Record("ada", n)); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

// TestKill kills a process in the middle of its writes, several times over, and
// finds everything it had acknowledged.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sandpiper.db")
	for round := range 3 {
		last := killAfter(t, path, 100*(round+1))
		db := openAt(t, path)
		if err := db.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		for n := 1; n <= last; n++ {
			if _, err := db.Run(t.Context(), sandboxtest.Record("ada", n).Result.ID); err != nil {
				t.Errorf("round %d: acknowledged run %d of %d: %v", round, n, last, err)
			}
		}
	}
}

// killAfter starts a victim, kills it after it has acknowledged some writes, and
// returns how many it has acknowledged.
func killAfter(t *testing.T, path string, writes int) int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), victimPath+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if _, err := fmt.Sscan(lines.Text(), &last); err != nil {
			t.Errorf("the victim said %q", lines.Text())
		}
		if last == writes {
			cmd.Process.Kill()
		}
	}
	cmd.Wait()
	if last < writes {
		t.Fatalf("the victim ended by itself after %d writes", last)
	}
	return last
}
