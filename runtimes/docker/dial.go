package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"

	"sandpiper/sandbox"
	"sandpiper/sandbox/toolbox/upgrade"
	"sandpiper/sandbox/toolboxclient"
)

// Dial implements sandbox.Engine. The toolbox is reached by the agent's socket.
// Every other port is reached through the agent, so that servers bound to
// 127.0.0.1 are found and the host needs no way into the sandbox's network.
func (e *Engine) Dial(ctx context.Context, id string, port int) (net.Conn, error) {
	if err := validateID(id); err != nil {
		return nil, err
	}
	h, err := e.ready(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := e.dialAgent(ctx, h, id)
	if err != nil || port == sandbox.ToolboxPort {
		return conn, err
	}
	through, err := e.dialPort(ctx, h, conn, id, port)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return through, nil
}

// dialAgent connects to a sandbox's agent. Where nothing answers the sandbox is
// looked at, to say why.
func (e *Engine) dialAgent(ctx context.Context, h *host, id string) (net.Conn, error) {
	conn, err := dialSocket(ctx, h.boxes.path(id, "run"))
	if err == nil {
		return conn, nil
	}
	found, look := e.Status(ctx, id)
	switch {
	case look != nil:
		return nil, look
	case found.State != sandbox.StateStarted:
		return nil, sandbox.Errorf(sandbox.KindConflict, "sandbox %s is %s", id, found.State)
	}
	return nil, &sandbox.Error{Kind: sandbox.KindUnavailable, Message: "the sandbox's agent does not answer: stop the sandbox and start it again", Err: err}
}

// dialPort asks the agent at the other end of conn to connect it to a port.
func (e *Engine) dialPort(ctx context.Context, h *host, conn net.Conn, id string, port int) (net.Conn, error) {
	if port < 1 || port > 65535 {
		return nil, sandbox.Errorf(sandbox.KindNotFound, "there is no port %d", port)
	}
	token, err := h.boxes.token(id)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://toolbox/tcp?port="+strconv.Itoa(port), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set(sandbox.TokenHeader, token)
	through, err := upgrade.Ask(ctx, conn, req, upgrade.TCP)
	var refused *upgrade.Refusal
	switch {
	case err == nil:
		return through, nil
	case errors.As(err, &refused) && refused.Status == http.StatusNotFound:
		return nil, sandbox.Errorf(sandbox.KindNotFound, "nothing listens on port %d of the sandbox", port)
	}
	return nil, &sandbox.Error{Kind: sandbox.KindUnavailable, Message: fmt.Sprintf("the sandbox's agent did not connect to port %d", port), Err: err}
}

// greet reports whether the agent in a box answers.
func greet(ctx context.Context, run, token string) error {
	agent := toolboxclient.Client{Token: token, Dial: func(ctx context.Context) (net.Conn, error) { return dialSocket(ctx, run) }}
	return agent.Get(ctx, "/version", nil)
}
