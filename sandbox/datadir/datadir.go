// Package datadir is the folder in which a server keeps everything: its layout,
// the lock that gives it to one server at a time, and the admin key in it.
//
//	sandpiper.db      state, SQLite
//	admin.key         the first API key, mode 0600
//	share.salt        keeps the ids of shared programs from being guessed
//	sandbox.secret    tokens and keys of sandboxes are derived from it
//	ssh.seed          the SSH host key is derived from it
//	server.url        where the running server is reached from this machine
//	lock              held while a server runs
//	cache/            compiled modules; may be deleted while no server runs
//	runs/             a folder per live run, emptied at start
//	workers/          caches and live runs of worker processes, who can write there
//	sessions/         files and states of sessions
//	languages/<id>/   languages added by the operator
//	sandboxes/        files of WebAssembly sandboxes
//	docker/           sockets and volumes of containers
package datadir

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ErrLocked is returned by Open when another server holds the folder.
var ErrLocked = errors.New("another sandpiper uses this data folder")

// minKeyLength is the shortest API key that an operator may set, in bytes.
const minKeyLength = 16

// sandboxSecret is the file of the secret of sandboxes.
const sandboxSecret = "sandbox.secret"

// secretLength is the size of the salt and of the secret, in bytes.
const secretLength = 32

// Dir is an open data folder.
type Dir struct {
	path string
	lock *os.File
}

// Open creates the folder where it is missing, readable by its owner only, and
// locks it. The lock goes with the process, however it ends.
func Open(path string) (*Dir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find the data folder: %w", err)
	}
	for _, sub := range []string{"", "cache", "runs", "workers", "sessions", "languages", "sandboxes", "docker"} {
		if err := os.MkdirAll(filepath.Join(path, sub), 0o700); err != nil {
			return nil, fmt.Errorf("make the data folder: %w", err)
		}
	}
	f, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the data folder's lock: %w", err)
	}
	if err := lock(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return &Dir{path: path, lock: f}, nil
}

// Await is Open, but waits up to patience for the lock: a process that a server
// began to start when it was killed holds it for a moment more.
func Await(path string, patience time.Duration) (*Dir, error) {
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		d, err := Open(path)
		if !errors.Is(err, ErrLocked) || time.Now().After(end) {
			return d, err
		}
	}
}

// Close gives the folder back.
func (d *Dir) Close() error { return d.lock.Close() }

// Path returns the folder's absolute path.
func (d *Dir) Path() string { return d.path }

// Database returns the path of the SQLite file.
func (d *Dir) Database() string { return filepath.Join(d.path, "sandpiper.db") }

// Cache returns the folder of compiled modules.
func (d *Dir) Cache() string { return filepath.Join(d.path, "cache") }

// Runs returns the folder in which live runs have theirs.
func (d *Dir) Runs() string { return filepath.Join(d.path, "runs") }

// Workers returns the folder in which worker processes have theirs. What is in it
// must not be executed by anything else.
func (d *Dir) Workers() string { return filepath.Join(d.path, "workers") }

// Sessions returns the folder in which sessions have their files and states.
func (d *Dir) Sessions() string { return filepath.Join(d.path, "sessions") }

// Languages returns the folder of languages that the operator added.
func (d *Dir) Languages() string { return filepath.Join(d.path, "languages") }

// Sandboxes returns the folder in which WebAssembly sandboxes have their files.
func (d *Dir) Sandboxes() string { return filepath.Join(d.path, "sandboxes") }

// Docker returns the folder that the container engine keeps its own in.
func (d *Dir) Docker() string { return filepath.Join(d.path, "docker") }

// KeyName is the name of the admin key's file.
const KeyName = "admin.key"

// KeyFile returns the path of the admin key.
func (d *Dir) KeyFile() string { return filepath.Join(d.path, KeyName) }

// AdminKey returns the first API key: the given one when it is not empty, else
// the one in KeyFile, else a new one, which is written there. Made reports the
// last case, the only one in which the key should be shown.
func (d *Dir) AdminKey(given string) (key string, made bool, err error) {
	if given != "" {
		return given, false, checkKey(given)
	}
	b, err := os.ReadFile(d.KeyFile())
	if err == nil {
		key = strings.TrimSpace(string(b))
		return key, false, checkKey(key)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", false, fmt.Errorf("read the admin key: %w", err)
	}
	key = newKey()
	if err := writeSecret(d.KeyFile(), []byte(key+"\n")); err != nil {
		return "", false, fmt.Errorf("keep the admin key: %w", err)
	}
	return key, true, nil
}

// Salt returns the random bytes that ids of shared programs are derived with,
// making them at the first call.
func (d *Dir) Salt() ([]byte, error) { return d.random("share.salt") }

// SandboxSecret returns the random bytes that tokens and keys of sandboxes are
// derived from, making them at the first call.
func (d *Dir) SandboxSecret() ([]byte, error) { return d.random(sandboxSecret) }

// SSHSeed returns the random bytes that the SSH host key is derived from, making
// them at the first call.
func (d *Dir) SSHSeed() ([]byte, error) { return d.random("ssh.seed") }

// CreatedAt returns when the folder was first used for sandboxes. Precondition:
// SandboxSecret was called.
func (d *Dir) CreatedAt() (time.Time, error) {
	info, err := os.Stat(filepath.Join(d.path, sandboxSecret))
	if err != nil {
		return time.Time{}, fmt.Errorf("look at the data folder: %w", err)
	}
	return info.ModTime(), nil
}

// random returns the secretLength random bytes of a file, which it makes where
// it is missing.
func (d *Dir) random(name string) ([]byte, error) {
	path := filepath.Join(d.path, name)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		b = make([]byte, secretLength)
		_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
		return b, writeSecret(path, b)
	}
	if err == nil && len(b) != secretLength {
		err = fmt.Errorf("%s has %d bytes, not %d", path, len(b), secretLength)
	}
	return b, err
}

// Announce keeps the address of the running server for ServerURL.
func (d *Dir) Announce(url string) error {
	return writeSecret(filepath.Join(d.path, "server.url"), []byte(url+"\n"))
}

// ServerURL returns the address that the server of a data folder announced. It
// may be stale: the server that wrote it can be gone.
func ServerURL(path string) (string, error) {
	b, err := os.ReadFile(filepath.Join(path, "server.url"))
	return strings.TrimSpace(string(b)), err
}

func checkKey(key string) error {
	if len(key) < minKeyLength || strings.ContainsAny(key, " \t\r\n") {
		return fmt.Errorf("an API key needs at least %d characters and no spaces", minKeyLength)
	}
	return nil
}

// newKey returns 160 random bits in lower-case letters and digits.
func newKey() string {
	b := make([]byte, 20)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return "sp_" + strings.ToLower(base32.StdEncoding.EncodeToString(b))
}

// writeSecret writes a file for the owner only, through a temporary one, so that
// a full disk or a crash leaves no half file behind.
func writeSecret(path string, content []byte) error {
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, content, 0o600); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return os.Rename(tmp, path)
}
