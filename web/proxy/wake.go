package proxy

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"sandpiper/sandbox"
)

// StartOnVisit is the label of sandboxes that a visit of their preview starts,
// with the value "true".
const StartOnVisit = "sandpiper.start-on-visit"

// How long a visit waits for its sandbox: a program for the whole start, a
// browser until it is worth a page that says so; and for a server that the start
// also starts.
const (
	wakeWait    = 60 * time.Second
	browserWait = 1500 * time.Millisecond
	serverWait  = 15 * time.Second
	serverPause = 50 * time.Millisecond
)

// wake starts a sandbox that a visit may start, and waits for one that is about
// to have started. It is done with the visit when a browser was told to come back.
func (p *Proxy) wake(w http.ResponseWriter, r *http.Request, v *visit) (done bool, err error) {
	if !startable(v.sandbox) {
		return false, p.reachable(r.Context(), v.sandbox, v.Port)
	}
	wait := wakeWait
	if navigates(r) {
		wait = browserWait
	}
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	for startable(v.sandbox) {
		s, err := p.manager.Start(sandbox.WithCause(ctx, "by a visit of a preview"), v.sandbox.Organization, v.sandbox.ID)
		late := ctx.Err() != nil // asked once: the time may be over between two cases
		switch {
		case r.Context().Err() != nil:
			return false, errors.Join(sandbox.ErrClientGone, err)
		case late && navigates(r):
			p.comeBack(w, r, v)
			return true, nil
		case late:
			return false, &sandbox.Error{Kind: sandbox.KindUnavailable, Message: "the sandbox is starting, which takes long; try again", RetryAfter: 5 * time.Second}
		case err != nil && sandbox.KindOf(err) != sandbox.KindConflict:
			return false, err
		case err != nil: // another visit may have been first
			if s, err = p.manager.ByID(r.Context(), v.sandbox.ID); err != nil {
				return false, err
			}
		}
		v.sandbox, v.woken = s, true
		if startable(s) {
			pause(ctx)
		}
	}
	if p.renew(w, r, v) {
		return true, nil
	}
	return false, p.reachable(r.Context(), v.sandbox, v.Port)
}

// startable reports whether a visit is to see s started.
func startable(s sandbox.Sandbox) bool {
	switch s.State {
	case sandbox.StateCreating, sandbox.StatePulling, sandbox.StateStarting, sandbox.StateRestoring, sandbox.StateResuming:
		return true
	case sandbox.StateStopped, sandbox.StateArchived, sandbox.StatePaused:
		return s.Labels[StartOnVisit] == "true"
	}
	return false
}

// comeBack shows a browser a page that loads itself again.
func (p *Proxy) comeBack(w http.ResponseWriter, r *http.Request, v *visit) {
	if s, err := p.manager.ByID(r.Context(), v.sandbox.ID); err == nil {
		v.sandbox = s
	}
	if !p.renew(w, r, v) {
		p.show(w, r, starting(v))
	}
}

// renew keeps a browser in whose pass ended with the sandbox's last run. One that
// has its pass in the path is sent to a new path, which is the answer to r then.
func (p *Proxy) renew(w http.ResponseWriter, r *http.Request, v *visit) (moved bool) {
	if v.way != byPass {
		return false
	}
	if v.prefix == "" {
		p.setPass(w, v.sandbox, v.Port, v.session)
		return false
	}
	if _, good := p.readPass(v.sandbox, v.Port, v.Pass); good || !navigates(r) {
		return false
	}
	redirect(w, p.self(r)+p.passPath(v.sandbox, v.Port, v.session)+v.path+asQuery(r.URL.RawQuery))
	return true
}

// errSilent is that nothing listens on a port.
var errSilent = sandbox.Errorf(sandbox.KindUnavailable, "nothing listens on the port")

// dialVisit connects to a port for a visit. A sandbox that was started for it is
// given time to start its server.
func (p *Proxy) dialVisit(ctx context.Context, _, _ string) (net.Conn, error) {
	c := callOf(ctx)
	deadline := time.Now()
	if c.visit != nil && c.visit.woken {
		deadline = deadline.Add(serverWait)
	}
	for {
		conn, err := p.manager.Dial(ctx, c.sandbox.ID, c.port)
		if err == nil || sandbox.KindOf(err) != sandbox.KindNotFound {
			return conn, err
		}
		if !time.Now().Before(deadline) {
			return nil, errors.Join(errSilent, err)
		}
		if pause(ctx); ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// pause waits a moment, or for the end of ctx.
func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(serverPause):
	}
}
