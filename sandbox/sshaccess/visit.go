package sshaccess

import (
	"context"
	"crypto/sha256"

	"sandpiper/sandbox"
)

// Visit is one connection that was let in.
type Visit struct {
	Access  sandbox.SSHAccess
	Sandbox sandbox.Sandbox // as it was at the beginning

	// Context ends when the connection must: when the token is revoked or has
	// expired. Its cause is a *sandbox.Error that says which.
	Context context.Context

	cancel context.CancelCauseFunc
	leave  func()
}

// Leave must be called at the end of the connection.
func (v *Visit) Leave() { v.leave() }

// Enter lets the holder of a token in, until ctx ends, the token does or Leave
// is called. A token that opens nothing is KindNotFound.
func (d *Desk) Enter(ctx context.Context, token string) (*Visit, error) {
	hash := sha256.Sum256([]byte(token))
	v := &Visit{}
	revocable, cancel := context.WithCancelCause(ctx)
	v.cancel = cancel
	// The visit is noted before the token is looked up: whoever revokes it
	// after the look-up finds the visit.
	d.note(hash, v)
	var err error
	if v.Access, v.Sandbox, err = d.find(ctx, hash); err != nil {
		d.forget(hash, v)
		cancel(err)
		return nil, err
	}
	expired := sandbox.Errorf(sandbox.KindUnauthorized, "SSH access to sandbox %s has expired; make a new token", v.Sandbox.Name)
	bounded, stop := context.WithDeadlineCause(revocable, v.Access.ExpiresAt, expired)
	v.Context = bounded
	v.leave = func() {
		stop()
		cancel(nil)
		d.forget(hash, v)
	}
	return v, nil
}

func (d *Desk) note(hash [sha256.Size]byte, v *Visit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.visits[hash] == nil {
		d.visits[hash] = map[*Visit]struct{}{}
	}
	d.visits[hash][v] = struct{}{}
}

func (d *Desk) forget(hash [sha256.Size]byte, v *Visit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.visits[hash], v)
	if len(d.visits[hash]) == 0 {
		delete(d.visits, hash)
	}
}

// end ends the visits with a token.
func (d *Desk) end(hash [sha256.Size]byte, cause error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for v := range d.visits[hash] {
		v.cancel(cause)
	}
}
