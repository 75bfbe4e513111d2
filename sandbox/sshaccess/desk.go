package sshaccess

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"strings"
	"sync"
	"time"

	"sandpiper/sandbox"
)

const (
	DefaultTTL = time.Hour
	MaxTTL     = 30 * 24 * time.Hour

	// MaxEach is how many valid tokens a sandbox may have.
	MaxEach = 100

	// prefix tells tokens from other secrets, for people and for scanners.
	prefix = "ssh_"
)

// Sandboxes is what the desk needs of the manager.
type Sandboxes interface {
	Sandbox(ctx context.Context, org, idOrName string) (sandbox.Sandbox, error)
	ByID(ctx context.Context, id string) (sandbox.Sandbox, error)
}

// Desk is where access by SSH is given out and taken back. It is safe for
// concurrent use.
type Desk struct {
	store     sandbox.SSHAccessStore
	sandboxes Sandboxes

	mu     sync.Mutex
	visits map[[sha256.Size]byte]map[*Visit]struct{} // that go on, by the token's hash
}

// New returns a Desk.
func New(store sandbox.SSHAccessStore, sandboxes Sandboxes) *Desk {
	return &Desk{store: store, sandboxes: sandboxes, visits: map[[sha256.Size]byte]map[*Visit]struct{}{}}
}

// Create gives out a token for a sandbox, which need not be started. The token
// is returned here and never again.
//
// # Errors
//
//   - KindNotFound: the organization has no such sandbox.
//   - KindUnprocessed: ttl is not from a second to MaxTTL.
//   - KindConflict: the sandbox is being deleted, or has MaxEach tokens.
func (d *Desk) Create(ctx context.Context, org, idOrName string, ttl time.Duration) (a sandbox.SSHAccess, token string, err error) {
	if ttl < time.Second || ttl > MaxTTL {
		return a, "", sandbox.FieldErrorf("expiresInMinutes", "expiresInMinutes must be more than 0 and at most %d", int(MaxTTL.Minutes()))
	}
	s, err := d.sandboxes.Sandbox(ctx, org, idOrName)
	if err != nil {
		return a, "", err
	}
	if s.Desired == sandbox.DesiredDestroyed {
		return a, "", sandbox.Errorf(sandbox.KindConflict, "sandbox %s is being deleted", s.Name)
	}
	now := time.Now()
	if err := d.makeRoom(ctx, s, now); err != nil {
		return a, "", err
	}
	token = prefix + strings.ToLower(rand.Text())
	hash := sha256.Sum256([]byte(token))
	a = sandbox.SSHAccess{ID: sandbox.NewUUID(), Sandbox: s.ID, Hash: hash[:], CreatedAt: now, ExpiresAt: now.Add(ttl)}
	return a, token, d.store.AddSSHAccess(ctx, a)
}

// makeRoom forgets what has expired, and refuses a sandbox that has tokens
// enough.
func (d *Desk) makeRoom(ctx context.Context, s sandbox.Sandbox, now time.Time) error {
	if _, err := d.store.PruneSSHAccess(ctx, now); err != nil {
		return err
	}
	all, err := d.store.SSHAccesses(ctx, s.ID)
	if err == nil && len(all) >= MaxEach {
		return sandbox.Errorf(sandbox.KindConflict, "sandbox %s has %d tokens for SSH already; revoke some", s.Name, len(all))
	}
	return err
}

// Accesses returns who may reach a sandbox now, the oldest first.
func (d *Desk) Accesses(ctx context.Context, org, idOrName string) ([]sandbox.SSHAccess, error) {
	s, err := d.sandboxes.Sandbox(ctx, org, idOrName)
	if err != nil {
		return nil, err
	}
	all, err := d.store.SSHAccesses(ctx, s.ID)
	now := time.Now()
	return slices.DeleteFunc(all, func(a sandbox.SSHAccess) bool { return !now.Before(a.ExpiresAt) }), err
}

// RevokeByID takes back the token of one access, as Revoke does, for who does
// not know the token. An access that the sandbox does not have is KindNotFound.
func (d *Desk) RevokeByID(ctx context.Context, org, idOrName, id string) error {
	s, err := d.sandboxes.Sandbox(ctx, org, idOrName)
	if err != nil {
		return err
	}
	all, err := d.store.SSHAccesses(ctx, s.ID)
	if err != nil {
		return err
	}
	for _, a := range all {
		if a.ID == id {
			return d.revoke(ctx, s, a)
		}
	}
	return sandbox.Errorf(sandbox.KindNotFound, "sandbox %s has no such SSH access; it may have been revoked", s.Name)
}

func (d *Desk) revoke(ctx context.Context, s sandbox.Sandbox, a sandbox.SSHAccess) error {
	if err := d.store.DeleteSSHAccess(ctx, a.ID); err != nil {
		return err
	}
	d.end([sha256.Size]byte(a.Hash), sandbox.Errorf(sandbox.KindUnauthorized, "SSH access to sandbox %s was revoked", s.Name))
	return nil
}

// Revoke takes back one token of a sandbox, or all of them for "", and ends the
// connections that were made with it. A token that the sandbox does not have is
// KindNotFound: somebody meant to shut a door that may still be open.
func (d *Desk) Revoke(ctx context.Context, org, idOrName, token string) (sandbox.Sandbox, error) {
	s, err := d.sandboxes.Sandbox(ctx, org, idOrName)
	if err != nil {
		return s, err
	}
	all, err := d.store.SSHAccesses(ctx, s.ID)
	if err != nil {
		return s, err
	}
	hash := sha256.Sum256([]byte(token))
	found := token == ""
	for _, a := range all {
		if token != "" && subtle.ConstantTimeCompare(a.Hash, hash[:]) != 1 {
			continue
		}
		if err := d.revoke(ctx, s, a); err != nil {
			return s, err
		}
		found = true
	}
	if !found {
		return s, sandbox.Errorf(sandbox.KindNotFound, "sandbox %s has no such token for SSH, or no longer", s.Name)
	}
	return s, nil
}

// Validate returns the sandbox that a token opens. One that opens none of the
// organization's is KindNotFound.
func (d *Desk) Validate(ctx context.Context, org, token string) (sandbox.Sandbox, error) {
	_, s, err := d.find(ctx, sha256.Sum256([]byte(token)))
	if err == nil && s.Organization != org {
		return sandbox.Sandbox{}, errUnknown
	}
	return s, err
}

// errUnknown is the same for tokens that never were and those that are over.
var errUnknown = sandbox.Errorf(sandbox.KindNotFound, "this token for SSH is not known, or no longer valid: make a new one")

// find returns a valid access and its sandbox.
func (d *Desk) find(ctx context.Context, hash [sha256.Size]byte) (sandbox.SSHAccess, sandbox.Sandbox, error) {
	a, err := d.store.SSHAccessByHash(ctx, hash[:])
	switch {
	case sandbox.KindOf(err) == sandbox.KindNotFound, err == nil && !a.ExpiresAt.After(time.Now()):
		return a, sandbox.Sandbox{}, errUnknown
	case err != nil:
		return a, sandbox.Sandbox{}, err
	}
	s, err := d.sandboxes.ByID(ctx, a.Sandbox)
	if sandbox.KindOf(err) == sandbox.KindNotFound || err == nil && (s.State == sandbox.StateDestroyed || s.Desired == sandbox.DesiredDestroyed) {
		return a, sandbox.Sandbox{}, errUnknown
	}
	return a, s, err
}
