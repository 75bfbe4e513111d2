// Package upgrade turns a request to a toolbox into a connection on which both
// sides say what they like: the server's side and the caller's.
package upgrade

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"sandpiper/sandbox/toolbox/answer"
)

// maxHead bounds the head of an answer, in bytes.
const maxHead = 64 << 10

// Check returns an error, to be answered, for a request that does not ask for an
// upgrade to a protocol.
func Check(r *http.Request, protocol string) error {
	if !strings.EqualFold(r.Header.Get("Upgrade"), protocol) {
		return answer.BadRequest("ask for an upgrade to %s here", protocol)
	}
	return nil
}

// Accept takes the connection of a request over, and says so to the caller. No
// deadline is left on it. After an error nothing can be answered any more.
// Precondition: Check found nothing.
func Accept(w http.ResponseWriter, protocol string) (net.Conn, error) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Time{}) // a connection without deadlines has none to clear
	if _, err := io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+protocol+"\r\n\r\n"); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return withAhead(conn, buffered.Reader), nil
}

// Refusal is the error of a toolbox that does not upgrade.
type Refusal struct {
	Status  int    // of HTTP
	Message string // for people
}

// Error implements error.
func (r *Refusal) Error() string { return r.Message }

// Ask sends a request for an upgrade on a connection to a toolbox, which it
// takes over: after an error it is closed. When ctx ends before the toolbox has
// agreed, that is an error too; later ctx means nothing. A toolbox that does not
// agree is a *Refusal.
func Ask(ctx context.Context, conn net.Conn, req *http.Request, protocol string) (net.Conn, error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	upgraded, err := ask(conn, req, protocol)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return upgraded, nil
}

func ask(conn net.Conn, req *http.Request, protocol string) (net.Conn, error) {
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", protocol)
	if err := req.Write(conn); err != nil {
		return nil, fmt.Errorf("ask the toolbox: %w", err)
	}
	// A toolbox that talks without end must not fill the memory.
	head := &io.LimitedReader{R: conn, N: maxHead}
	r := bufio.NewReader(head)
	resp, err := http.ReadResponse(r, req)
	if err != nil {
		return nil, fmt.Errorf("ask the toolbox: %w", err)
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return nil, refusal(resp)
	}
	return withAhead(conn, r), nil
}

func refusal(resp *http.Response) error {
	var body struct{ Message string }
	data, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) || json.Unmarshal(data, &body) != nil || body.Message == "" {
		body.Message = "the sandbox's toolbox answered " + resp.Status
	}
	return &Refusal{Status: resp.StatusCode, Message: body.Message}
}

// aheadConn is a connection of which some was read ahead.
type aheadConn struct {
	net.Conn
	r io.Reader
}

// withAhead returns conn with what r holds of it in front.
func withAhead(conn net.Conn, r *bufio.Reader) net.Conn {
	if r.Buffered() == 0 {
		return conn
	}
	return &aheadConn{Conn: conn, r: io.MultiReader(io.LimitReader(r, int64(r.Buffered())), conn)}
}

// Read implements net.Conn.
func (c *aheadConn) Read(p []byte) (int, error) { return c.r.Read(p) }

// CloseWrite ends what is sent, where the connection can end one direction
// alone. Elsewhere it is an error for which errors.Is(err,
// errors.ErrUnsupported) holds.
func (c *aheadConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
