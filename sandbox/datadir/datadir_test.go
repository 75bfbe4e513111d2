package datadir_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sandpiper/sandbox/datadir"
)

func open(t *testing.T, path string) *datadir.Dir {
	t.Helper()
	d, err := datadir.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestOpenIsPrivateAndExclusive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "data")
	d := open(t, path)
	for _, p := range []string{d.Path(), d.Cache(), d.Runs(), d.Languages()} {
		fi, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		if fi.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v, want 0700", p, fi.Mode().Perm())
		}
	}
	if _, err := datadir.Open(path); !errors.Is(err, datadir.ErrLocked) {
		t.Errorf("second Open: got %v, want ErrLocked", err)
	}
	d.Close()
	open(t, path)
}

func TestAwait(t *testing.T) {
	path := t.TempDir()
	d := open(t, path)
	if _, err := datadir.Await(path, 50*time.Millisecond); !errors.Is(err, datadir.ErrLocked) {
		t.Errorf("while it is held: got %v, want ErrLocked", err)
	}
	time.AfterFunc(50*time.Millisecond, func() { d.Close() })
	again, err := datadir.Await(path, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

func TestAdminKey(t *testing.T) {
	d := open(t, t.TempDir())
	key, made, err := d.AdminKey("")
	if err != nil || !made || !strings.HasPrefix(key, "sp_") {
		t.Fatalf("first AdminKey = %q, %v, %v; want a new key", key, made, err)
	}
	if again, made, err := d.AdminKey(""); err != nil || made || again != key {
		t.Errorf("second AdminKey = %q, %v, %v; want the same key", again, made, err)
	}
	if fi, err := os.Stat(d.KeyFile()); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v, %v; want mode 0600", fi, err)
	}
	if given, made, err := d.AdminKey("sp_given_by_the_operator"); err != nil || made || given != "sp_given_by_the_operator" {
		t.Errorf("AdminKey with a given key = %q, %v, %v", given, made, err)
	}
}

func TestAdminKeyRefusesWeakOnes(t *testing.T) {
	d := open(t, t.TempDir())
	for _, key := range []string{"short", "with spaces in between it"} {
		if _, _, err := d.AdminKey(key); err == nil {
			t.Errorf("AdminKey(%q) is accepted", key)
		}
	}
	if err := os.WriteFile(d.KeyFile(), []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if key, _, err := d.AdminKey(""); err == nil {
		t.Errorf("an empty key file gives the key %q", key)
	}
}

func TestSaltStays(t *testing.T) {
	d := open(t, t.TempDir())
	first, err := d.Salt()
	if err != nil || len(first) != 32 {
		t.Fatalf("Salt = %x, %v; want 32 bytes", first, err)
	}
	if again, err := d.Salt(); err != nil || string(again) != string(first) {
		t.Errorf("second Salt = %x, %v; want %x", again, err, first)
	}
}

func TestServerURL(t *testing.T) {
	d := open(t, t.TempDir())
	if url, err := datadir.ServerURL(d.Path()); err == nil {
		t.Errorf("ServerURL before Announce = %q, want an error", url)
	}
	if err := d.Announce("http://127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	if url, err := datadir.ServerURL(d.Path()); err != nil || url != "http://127.0.0.1:1" {
		t.Errorf("ServerURL = %q, %v", url, err)
	}
}
