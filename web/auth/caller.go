package auth

import (
	"context"
	"slices"

	"sandpiper/sandbox"
)

// Kind is how a caller was recognised.
type Kind string

// The kinds of callers.
const (
	KindKey     Kind = "key"     // an API key in the Authorization header
	KindSession Kind = "session" // a browser that signed in
	KindAddress Kind = "address" // nobody we know, at a network address
)

// Caller is who a request is from.
type Caller struct {
	ID   string // unique over all kinds and safe to log; the scheduler's Request.Client
	Kind Kind
}

// SignedIn reports whether the caller has proved who it is.
func (c Caller) SignedIn() bool { return c.Kind == KindKey || c.Kind == KindSession }

// identity is what a request's context carries.
type identity struct {
	caller Caller
	key    *sandbox.APIKey // of a caller of KindKey
	hash   []byte          // of the secret of a caller who signed in
	guard  *Guard          // that recognised the caller
	err    error           // why the credential that was offered does not count
}

type identityKey struct{}

// with returns ctx as a request of id has it.
func with(ctx context.Context, id identity) context.Context {
	ctx = sandbox.WithClient(context.WithValue(ctx, identityKey{}, id), id.caller.ID)
	switch {
	case id.key != nil && id.key.Name != "":
		return sandbox.WithCause(ctx, "through the API with the key "+id.key.Name)
	case id.key != nil:
		return sandbox.WithCause(ctx, "through the API")
	case id.caller.Kind == KindSession:
		return sandbox.WithCause(ctx, "from the pages in a browser")
	}
	return ctx
}

// From returns the caller of a request that went through Guard.Identify, and
// the zero Caller elsewhere. A caller with a credential that does not count is
// seen as its address.
func From(ctx context.Context) Caller {
	id, _ := ctx.Value(identityKey{}).(identity)
	return id.caller
}

// WithCaller returns ctx as a request of c has it: for tests, and for
// connections that say who they are after they are open.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, identityKey{}, identity{caller: c})
}

// WriteSandboxes is the permission to make sandboxes and to use them.
const WriteSandboxes = "write:sandboxes"

// Key returns the API key of a request's caller, and false for others.
func Key(ctx context.Context) (sandbox.APIKey, bool) {
	id, _ := ctx.Value(identityKey{}).(identity)
	if id.key == nil {
		return sandbox.APIKey{}, false
	}
	return *id.key, true
}

// Permissions returns what the caller of an identified request may do, and nil
// for everything: what a session and a key without limits may.
func Permissions(ctx context.Context) []string {
	key, _ := Key(ctx)
	return key.Permissions
}

// CheckPermission returns a *sandbox.Error of KindUnauthorized for a caller that
// has not proved who it is, and of KindForbidden for one whose key does not
// have the permission. "" asks for no more than a proof.
func CheckPermission(ctx context.Context, permission string) error {
	if err := CheckSignedIn(ctx); err != nil {
		return err
	}
	if has := Permissions(ctx); permission != "" && has != nil && !slices.Contains(has, permission) {
		return sandbox.Errorf(sandbox.KindForbidden, "this API key does not have the permission %s", permission)
	}
	return nil
}

// checkUnlimited refuses keys that may not do everything: a browser that such a
// key signed in could.
func checkUnlimited(id identity) error {
	if id.key != nil && id.key.Permissions != nil {
		return sandbox.Errorf(sandbox.KindForbidden, "this API key is limited to some permissions; only one without limits can sign a browser in")
	}
	return nil
}

var (
	errNoCredential = sandbox.Errorf(sandbox.KindUnauthorized, "sign in, or send an API key in the header Authorization: Bearer <key>")
	errUnknownKey   = sandbox.Errorf(sandbox.KindUnauthorized, "this API key is not known here; it may have been revoked")
	errExpiredKey   = sandbox.Errorf(sandbox.KindUnauthorized, "this API key has expired")
	errSignedOut    = sandbox.Errorf(sandbox.KindUnauthorized, "this browser was signed out; sign in again")
	errCrossOrigin  = sandbox.Errorf(sandbox.KindForbidden, "a page of another site may not act for a signed-in browser; use an API key")
)
