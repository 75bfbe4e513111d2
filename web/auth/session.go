package auth

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"sandpiper/sandbox"
)

// sessionLife is how long a browser stays signed in.
const sessionLife = 30 * 24 * time.Hour

// sweepInterval is how often ended sessions and idle rates are forgotten.
const sweepInterval = 10 * time.Minute

// cookieName returns the session cookie's name. With the prefix, browsers
// refuse one that another host or an insecure page planted.
func (g *Guard) cookieName() string {
	if g.secure {
		return "__Host-sandpiper"
	}
	return "sandpiper"
}

// session returns who signed in with a cookie whose value has this hash: a
// *sandbox.Error of KindUnauthorized when the session has ended.
func (g *Guard) session(ctx context.Context, sum []byte) (identity, error) {
	s, err := g.sessionByHash(ctx, sum)
	if err != nil {
		return identity{}, err
	}
	return identity{caller: Caller{ID: "session:" + hex.EncodeToString(s.Hash[:8]), Kind: KindSession}, hash: s.Hash, guard: g}, nil
}

func (g *Guard) sessionByHash(ctx context.Context, sum []byte) (sandbox.Session, error) {
	s, err := g.store.SessionByHash(ctx, sum, time.Now())
	switch {
	case err != nil && sandbox.KindOf(err) == sandbox.KindUnauthorized:
		return sandbox.Session{}, errSignedOut
	case err != nil:
		return sandbox.Session{}, fmt.Errorf("look up session: %w", err)
	}
	return s, nil
}

// SessionOf names the session of a request's browser, for what is to end
// with it; "" where the browser has none. The name lets nobody in.
func (g *Guard) SessionOf(r *http.Request) string {
	cookie, err := r.Cookie(g.cookieName())
	if err != nil || From(r.Context()).Kind != KindSession {
		return ""
	}
	return hex.EncodeToString(hash(cookie.Value))
}

// WithSession returns ctx as a request of the browser has it whose session
// SessionOf named. It is a *sandbox.Error of KindUnauthorized when the session
// has ended.
func (g *Guard) WithSession(ctx context.Context, name string) (context.Context, error) {
	sum, err := hex.DecodeString(name)
	if err != nil {
		return ctx, errSignedOut
	}
	id, err := g.session(ctx, sum)
	if err != nil {
		return ctx, err
	}
	return with(ctx, id), nil
}

// startSession signs the browser in.
func (g *Guard) startSession(ctx context.Context, w http.ResponseWriter) error {
	value, now := newSecret(), time.Now()
	s := sandbox.Session{Hash: hash(value), CreatedAt: now, ExpiresAt: now.Add(sessionLife)}
	if err := g.store.PutSession(ctx, s); err != nil {
		return fmt.Errorf("start session: %w", err)
	}
	http.SetCookie(w, g.cookie(value, int(sessionLife.Seconds())))
	return nil
}

// endSession signs the browser out; one that is not signed in stays so.
func (g *Guard) endSession(w http.ResponseWriter, r *http.Request) error {
	http.SetCookie(w, g.cookie("", -1))
	cookie, err := r.Cookie(g.cookieName())
	if err != nil {
		return nil
	}
	if err := g.store.DeleteSession(r.Context(), hash(cookie.Value)); err != nil && sandbox.KindOf(err) != sandbox.KindUnauthorized {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

func (g *Guard) cookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name:     g.cookieName(),
		Value:    value,
		Path:     "/",
		MaxAge:   maxAge,
		Secure:   g.secure,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	}
}

// sweep forgets what has ended, and ends what goes on by it, until ctx is done.
func (g *Guard) sweep(ctx context.Context) {
	tick, look := time.NewTicker(sweepInterval), time.NewTicker(lookEvery)
	defer tick.Stop()
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
			g.endLasting(ctx)
		case now := <-tick.C:
			g.rate.forget(now)
			if _, err := g.store.PruneSessions(ctx, now); err != nil && ctx.Err() == nil {
				g.log.WarnContext(ctx, "forget ended sessions", "error", err)
			}
		}
	}
}
