package auth

import (
	"context"
	"sync"
	"time"

	"sandpiper/sandbox"
)

// lookEvery is how long a connection may outlast the credential that opened it.
const lookEvery = 2 * time.Second

// Lasting returns ctx for what goes on after its request was let in, such as a
// WebSocket or a stream: it ends as well when the caller's API key is revoked or
// expires, or its browser's session ends. The cause is then the *sandbox.Error
// that says so. The cancel function must be called.
func Lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	id, _ := ctx.Value(identityKey{}).(identity)
	if id.guard == nil || !id.caller.SignedIn() {
		return ctx, func() { cancel(nil) }
	}
	leave := id.guard.lasting.enter(credential{id.caller.Kind, string(id.hash)}, cancel)
	return ctx, func() {
		cancel(nil)
		leave()
	}
}

// credential names an API key or a session, by the hash of its secret.
type credential struct {
	kind Kind
	hash string
}

// lasting is what goes on by the word of each credential. The zero value is
// ready.
type lasting struct {
	mu   sync.Mutex
	next uint64
	all  map[credential]map[uint64]context.CancelCauseFunc
}

func (l *lasting) enter(c credential, cancel context.CancelCauseFunc) (leave func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[credential]map[uint64]context.CancelCauseFunc{}
	}
	if l.all[c] == nil {
		l.all[c] = map[uint64]context.CancelCauseFunc{}
	}
	id := l.next
	l.next++
	l.all[c][id] = cancel
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.all[c], id)
		if len(l.all[c]) == 0 {
			delete(l.all, c)
		}
	}
}

// credentials are those that something goes on by.
func (l *lasting) credentials() []credential {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]credential, 0, len(l.all))
	for c := range l.all {
		all = append(all, c)
	}
	return all
}

// end ends all that goes on by a credential.
func (l *lasting) end(c credential, cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, cancel := range l.all[c] {
		cancel(cause)
	}
}

// endLasting ends what goes on by credentials that no longer count. That the
// store does not answer ends nothing.
func (g *Guard) endLasting(ctx context.Context) {
	for _, c := range g.lasting.credentials() {
		var err error
		if c.kind == KindKey {
			_, err = g.keyByHash(ctx, []byte(c.hash))
		} else {
			_, err = g.sessionByHash(ctx, []byte(c.hash))
		}
		switch {
		case err == nil || ctx.Err() != nil:
		case sandbox.KindOf(err) == sandbox.KindUnauthorized:
			g.lasting.end(c, err)
		default:
			g.log.WarnContext(ctx, "look whether a connection may go on", "error", err)
		}
	}
}
