package docker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"sandpiper/sandbox"
)

// record is what the engine remembers of a sandbox that Docker does not. There
// are no secrets in it.
type record struct {
	Network   sandbox.Network
	Resources sandbox.Resources
	Address   netip.Addr // its own as long as it lives; not valid where it has no network
	Reason    string     // why the engine stopped it; "" when it did not
	Grace     bool       // it was over its disk limit when it started, and may clear up
}

// records keeps a record for each sandbox in a folder.
type records struct{ dir string }

func (r records) file(id string) string { return filepath.Join(r.dir, id+".json") }

// load returns a sandbox's record, the zero one where there is none.
func (r records) load(id string) (rec record, err error) {
	text, err := os.ReadFile(r.file(id))
	if errors.Is(err, fs.ErrNotExist) {
		return record{}, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &rec)
	}
	if err != nil {
		return record{}, fmt.Errorf("read the record of sandbox %s: %w", id, err)
	}
	return rec, nil
}

// save replaces a sandbox's record in one step.
func (r records) save(id string, rec record) error {
	text, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	temp := r.file(id) + ".new"
	err = os.WriteFile(temp, text, 0o600)
	if err == nil {
		err = os.Rename(temp, r.file(id))
	}
	if err != nil {
		os.Remove(temp) // half of one would take room where there is none
		return noRoom(fmt.Errorf("write the record of sandbox %s: %w", id, err))
	}
	return nil
}

// noRoom tells people where an error means that the server's own disk is full.
func noRoom(err error) error {
	if !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	return &sandbox.Error{
		Kind: sandbox.KindBusy, RetryAfter: retryAfter, Err: err,
		Message: "the disk of the server's data folder is full: make room there, and try again",
	}
}

// remove forgets a sandbox.
func (r records) remove(id string) error {
	if err := os.Remove(r.file(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the record of sandbox %s: %w", id, err)
	}
	return nil
}

// all returns every record by the sandbox's ID. One that cannot be read becomes
// an empty one: the sandbox reaches nothing until it starts again.
func (r records) all() (map[string]record, error) {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return nil, fmt.Errorf("list the records: %w", err)
	}
	found := make(map[string]record, len(entries))
	for _, e := range entries {
		id, isRecord := strings.CutSuffix(e.Name(), ".json")
		if !isRecord || validateID(id) != nil {
			continue
		}
		rec, err := r.load(id)
		if err != nil {
			if err := r.save(id, record{}); err != nil {
				return nil, err
			}
		}
		found[id] = rec
	}
	return found, nil
}
