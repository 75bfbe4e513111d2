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

// session returns the caller that a cookie's value names, and the zero Caller
// when the session has ended.
func (g *Guard) session(ctx context.Context, value string) (Caller, error) {
	s, err := g.store.SessionByHash(ctx, hash(value), time.Now())
	if err != nil && sandbox.KindOf(err) == sandbox.KindUnauthorized {
		return Caller{}, nil
	}
	if err != nil {
		return Caller{}, fmt.Errorf("look up session: %w", err)
	}
	return Caller{ID: "session:" + hex.EncodeToString(s.Hash[:8]), Kind: KindSession}, nil
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

// SessionLives reports whether the session that SessionOf named has not ended.
func (g *Guard) SessionLives(ctx context.Context, name string) (bool, error) {
	sum, err := hex.DecodeString(name)
	if err != nil {
		return false, nil
	}
	_, err = g.store.SessionByHash(ctx, sum, time.Now())
	if err != nil && sandbox.KindOf(err) == sandbox.KindUnauthorized {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look up session: %w", err)
	}
	return true, nil
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

// sweep forgets what has ended, until ctx is done.
func (g *Guard) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			g.rate.forget(now)
			if _, err := g.store.PruneSessions(ctx, now); err != nil && ctx.Err() == nil {
				g.log.WarnContext(ctx, "forget ended sessions", "error", err)
			}
		}
	}
}
