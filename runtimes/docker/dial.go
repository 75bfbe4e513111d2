package docker

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"

	"sandpiper/sandbox"
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
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "tcp")
	req.Header.Set(sandbox.TokenHeader, token)
	r, resp, err := upgrade(ctx, conn, req)
	if err != nil {
		return nil, &sandbox.Error{Kind: sandbox.KindUnavailable, Message: "the sandbox's agent does not connect to ports", Err: err}
	}
	switch resp.StatusCode {
	case http.StatusSwitchingProtocols:
		return &bufferedConn{Conn: conn, r: r}, nil
	case http.StatusNotFound:
		return nil, sandbox.Errorf(sandbox.KindNotFound, "nothing listens on port %d of the sandbox", port)
	}
	return nil, &sandbox.Error{Kind: sandbox.KindUnavailable, Message: fmt.Sprintf("the sandbox's agent did not connect to port %d", port), Err: fmt.Errorf("it answered %s", resp.Status)}
}

// upgrade sends a request on a connection and reads the head of the answer. The
// connection is cut when ctx ends before that.
func upgrade(ctx context.Context, conn net.Conn, req *http.Request) (*bufio.Reader, *http.Response, error) {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if err := req.Write(conn); err != nil {
		return nil, nil, err
	}
	// An agent that talks without end must not fill the memory.
	head := &io.LimitedReader{R: conn, N: maxHead}
	r := bufio.NewReaderSize(head, 4096)
	resp, err := http.ReadResponse(r, req)
	if err != nil {
		return nil, nil, err
	}
	head.N = 1<<63 - 1
	return r, resp, nil
}

// maxHead bounds the head of an agent's answer.
const maxHead = 64 << 10

// bufferedConn is a connection of which some was read ahead.
type bufferedConn struct {
	net.Conn
	r *bufio.Reader
}

func (c *bufferedConn) Read(p []byte) (int, error) { return c.r.Read(p) }

// CloseWrite ends what is sent and leaves the other direction open.
func (c *bufferedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// greet reports whether the agent in a box answers.
func greet(ctx context.Context, run, token string) error {
	conn, err := dialSocket(ctx, run)
	if err != nil {
		return err
	}
	defer conn.Close()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://toolbox/version", nil)
	if err != nil {
		return err
	}
	req.Header.Set(sandbox.TokenHeader, token)
	_, resp, err := upgrade(ctx, conn, req)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the agent answered %s", resp.Status)
	}
	return nil
}
