package auth

import (
	"context"

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
	err    error // why the credential that was offered does not count
}

type identityKey struct{}

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

var (
	errNoCredential = sandbox.Errorf(sandbox.KindUnauthorized, "sign in, or send an API key in the header Authorization: Bearer <key>")
	errUnknownKey   = sandbox.Errorf(sandbox.KindUnauthorized, "this API key is not known here; it may have been revoked")
	errCrossOrigin  = sandbox.Errorf(sandbox.KindForbidden, "a page of another site may not act for a signed-in browser; use an API key")
)
