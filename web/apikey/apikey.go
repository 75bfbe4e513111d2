// Package apikey makes, finds and revokes API keys, by the same rules for the
// control API and for the page of keys: which permissions there are, that nobody
// gives away what he does not have, and that a secret is seen once.
package apikey

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/auth"
)

// The permissions that are named in more than one place.
const (
	WriteSandboxes  = auth.WriteSandboxes
	DeleteSandboxes = "delete:sandboxes"
	WriteSnapshots  = "write:snapshots"
	DeleteSnapshots = "delete:snapshots"
	Manage          = "manage:api_keys"
)

const (
	// prefix is what keys begin with, as clients and scanners for leaked secrets
	// know them.
	prefix  = "dtn_"
	maxKeys = 1000
	maxName = 100
	shown   = 3 // characters at either end of a masked key
)

// Permissions are all that a key may have, as on the wire.
var Permissions = []string{
	"write:registries", "delete:registries", WriteSnapshots, DeleteSnapshots,
	WriteSandboxes, DeleteSandboxes, "read:volumes", "write:volumes", "delete:volumes",
	"write:regions", "delete:regions", "read:runners", "write:runners", "delete:runners",
	"read:audit_logs", Manage, "manage:secrets", "read:limits", "read:billing", "manage:billing", "manage:sso",
}

// Store is the part of sandbox.CredentialStore that keys need.
type Store interface {
	PutAPIKey(ctx context.Context, k sandbox.APIKey) error
	APIKeys(ctx context.Context) ([]sandbox.APIKey, error)
	DeleteAPIKey(ctx context.Context, id string) error
}

// Request asks for a new key.
type Request struct {
	Name        string
	Permissions []string
	Expires     time.Time // zero for never
}

// Make makes a key for the caller of ctx, and returns its secret, which nobody
// can see again. Its errors are *sandbox.Error that name the field.
func Make(ctx context.Context, store Store, r Request) (key sandbox.APIKey, secret string, err error) {
	if err := r.check(ctx); err != nil {
		return key, "", err
	}
	all, err := store.APIKeys(ctx)
	if err != nil {
		return key, "", err
	}
	if len(all) >= maxKeys {
		return key, "", sandbox.Errorf(sandbox.KindForbidden, "there are %d keys already; delete some first", maxKeys)
	}
	secret = prefix + strings.ToLower(rand.Text()+rand.Text())
	hash := sha256.Sum256([]byte(secret))
	key = sandbox.APIKey{
		ID: sandbox.NewID(), Name: r.Name, Hash: hash[:], Hint: mask(secret),
		Permissions: r.Permissions, CreatedAt: time.Now(), ExpiresAt: r.Expires,
	}
	err = store.PutAPIKey(ctx, key)
	if err != nil && sandbox.KindOf(err) == sandbox.KindConflict {
		err = &sandbox.Error{Kind: sandbox.KindConflict, Field: "name", Message: "there is a key with this name already", Err: err}
	}
	return key, secret, err
}

// check reports what is wrong with a request. No key gets more permissions than
// its maker has.
func (r Request) check(ctx context.Context) error {
	if len(r.Name) > maxName || strings.ContainsFunc(r.Name, func(c rune) bool { return c < ' ' || c == '/' || c == 0x7f }) {
		return sandbox.FieldErrorf("name", "the name of a key may have %d characters at most, and no slash", maxName)
	}
	mine := auth.Permissions(ctx)
	for _, p := range r.Permissions {
		switch {
		case !slices.Contains(Permissions, p):
			return sandbox.FieldErrorf("permissions", "there is no permission %.60q; there are %s", p, strings.Join(Permissions, ", "))
		case mine != nil && !slices.Contains(mine, p):
			return &sandbox.Error{Kind: sandbox.KindForbidden, Field: "permissions", Message: "a key cannot have the permission " + p + ", which the key that makes it does not have"}
		}
	}
	if !r.Expires.IsZero() && !r.Expires.After(time.Now()) {
		return sandbox.FieldErrorf("expiresAt", "expiresAt must be a time to come, like 2030-01-31T12:00:00Z")
	}
	return nil
}

// Find returns the key with a name.
func Find(ctx context.Context, store Store, name string) (sandbox.APIKey, error) {
	all, err := store.APIKeys(ctx)
	if err != nil {
		return sandbox.APIKey{}, err
	}
	if i := slices.IndexFunc(all, func(k sandbox.APIKey) bool { return k.Name == name }); i >= 0 {
		return all[i], nil
	}
	return sandbox.APIKey{}, sandbox.Errorf(sandbox.KindNotFound, "there is no API key with the name %.100q", name)
}

// Revoke takes the key with a name away, from now on. The key of the data folder
// comes back with the next start, so it is not taken away here.
func Revoke(ctx context.Context, store Store, name string) error {
	k, err := Find(ctx, store, name)
	switch {
	case err != nil:
		return err
	case Operators(k):
		return sandbox.Errorf(sandbox.KindForbidden, "the key of the server's operator is changed where the server is started, not here")
	}
	return store.DeleteAPIKey(ctx, k.ID)
}

// Operators reports whether a key is the operator's own, which may do
// everything.
func Operators(k sandbox.APIKey) bool { return k.Permissions == nil }

// Masked returns what may be shown of a key.
func Masked(k sandbox.APIKey) string {
	if k.Hint == "" {
		return strings.Repeat("*", 8)
	}
	return k.Hint
}

// mask leaves out the middle of a key.
func mask(secret string) string {
	start := len(prefix) + shown
	return secret[:start] + strings.Repeat("*", 8) + secret[len(secret)-shown:]
}
