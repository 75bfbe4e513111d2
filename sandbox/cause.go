package sandbox

import (
	"cmp"
	"context"
	"time"
)

type causeKey struct{}

// WithCause returns ctx for work that somebody or something asked for, in words
// for people that go on a sentence: "through the API with the key ci".
func WithCause(ctx context.Context, cause string) context.Context {
	return context.WithValue(ctx, causeKey{}, cause)
}

// CauseOf returns who or what asked for the work of ctx; "" where nobody said.
func CauseOf(ctx context.Context) string {
	cause, _ := ctx.Value(causeKey{}).(string)
	return cause
}

type clientKey struct{}

// WithClient returns ctx for work that a client asked for: an API key, a browser
// that signed in, or an address. What must wait stands in the client's line.
func WithClient(ctx context.Context, client string) context.Context {
	return context.WithValue(ctx, clientKey{}, client)
}

// ClientOf returns the client that asked for the work of ctx; "" where nobody did.
func ClientOf(ctx context.Context) string {
	client, _ := ctx.Value(clientKey{}).(string)
	return client
}

// MaxStateChanges is how many changes of one sandbox are kept.
const MaxStateChanges = 50

// StateChange is one change of a sandbox's state.
type StateChange struct {
	At       time.Time
	From, To State  // From is "" for the creation
	Reason   string // why it failed, or who or what asked for it; may be empty
}

// ChangeOf returns the change of state between two versions of a sandbox, and
// false where there is none. A member of a warm pool is made when it is claimed.
func ChangeOf(before, after Sandbox) (StateChange, bool) {
	made := before.ID == "" || before.WarmPool != ""
	if after.WarmPool != "" || before.State == after.State && !made {
		return StateChange{}, false
	}
	c := StateChange{At: after.UpdatedAt, From: before.State, To: after.State, Reason: cmp.Or(after.ErrorReason, after.Cause)}
	if made {
		c.From = ""
	}
	return c, true
}
