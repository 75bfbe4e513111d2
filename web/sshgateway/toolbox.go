package sshgateway

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/toolbox/attach"
	"sandpiper/sandbox/toolbox/upgrade"
)

const (
	dialTime  = 20 * time.Second // to reach the toolbox and have its word
	startTime = 30 * time.Second // for a sandbox that is starting
)

// message is what people are told of an error.
func message(err error) string {
	var e *sandbox.Error
	var refused *upgrade.Refusal
	switch {
	case errors.As(err, &e) && e.Kind != sandbox.KindInternal:
		return e.Message
	case errors.As(err, &refused) && refused.Status == http.StatusNotFound && refused.Message == "":
		return "the sandbox's agent is older than this server: stop the sandbox and start it again"
	case errors.As(err, &refused):
		return refused.Message
	case errors.Is(err, context.DeadlineExceeded):
		return "the sandbox did not answer in time"
	}
	return "the sandbox could not be reached"
}

// dialToolbox connects to the sandbox's toolbox. It waits for a sandbox that is
// about to be started.
func (c *conn) dialToolbox(ctx context.Context) (net.Conn, error) {
	m, id := c.gateway.manager, c.visit.Sandbox.ID
	s, err := m.ByID(ctx, id)
	if err != nil {
		return nil, err
	}
	if s.State.Transient() && s.Desired == sandbox.DesiredStarted {
		wait, cancel := context.WithTimeout(ctx, startTime)
		defer cancel()
		if s, err = m.WaitState(wait, id, sandbox.StateStarted); err != nil {
			return nil, err
		}
	}
	if err := unreachable(s); err != nil {
		return nil, err
	}
	return m.Dial(ctx, id, sandbox.ToolboxPort)
}

// unreachable says why a sandbox cannot be reached and what to do; nil when it
// can be.
func unreachable(s sandbox.Sandbox) error {
	switch s.State {
	case sandbox.StateStarted, sandbox.StateResizing, sandbox.StateForking, sandbox.StateSnapping:
		return nil
	case sandbox.StateStopped, sandbox.StateArchived, sandbox.StatePaused:
		return sandbox.Errorf(sandbox.KindConflict, "sandbox %s is %s: start it first, with POST /api/sandbox/%s/start, an SDK or the dashboard", s.Name, s.State, s.ID)
	case sandbox.StateError, sandbox.StateBuildFail:
		return sandbox.Errorf(sandbox.KindConflict, "sandbox %s has failed: %s", s.Name, s.ErrorReason)
	}
	return sandbox.Errorf(sandbox.KindConflict, "sandbox %s is %s: try again in a moment", s.Name, s.State)
}

// ask has the toolbox upgrade a connection.
func (c *conn) ask(ctx context.Context, method, path, protocol string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime+dialTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://toolbox"+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set(sandbox.TokenHeader, c.token())
	nc, err := c.dialToolbox(ctx)
	if err != nil {
		return nil, err
	}
	return upgrade.Ask(ctx, nc, req, protocol)
}

// start starts a process, which is hung up when ctx ends.
func (c *conn) start(ctx context.Context, command attach.Command) (*attach.Process, error) {
	nc, err := c.dialToolbox(ctx)
	if err != nil {
		return nil, err
	}
	_ = nc.SetDeadline(time.Now().Add(dialTime))
	p, err := attach.Start(ctx, nc, c.token(), command)
	_ = nc.SetDeadline(time.Time{}) // one that is closed has none
	return p, err
}

func (c *conn) token() string { return c.gateway.manager.ToolboxToken(c.visit.Sandbox) }
