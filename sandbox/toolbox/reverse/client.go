package reverse

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"

	"sandpiper/sandbox"
	"sandpiper/sandbox/toolbox/upgrade"
)

// maxLine bounds a line of the toolbox, in bytes.
const maxLine = 1024

// Dialer connects to a sandbox's toolbox.
type Dialer func(ctx context.Context) (net.Conn, error)

// Listener hears of connections in a sandbox.
type Listener struct {
	Port int // that it listens on

	dial  Dialer
	token string
	conn  net.Conn
	lines *bufio.Reader
}

// Listen listens on a port in a sandbox; 0 picks one. A toolbox that refuses is
// an *upgrade.Refusal. The caller must Close the Listener.
func Listen(ctx context.Context, dial Dialer, token string, port int) (*Listener, error) {
	conn, err := ask(ctx, dial, token, http.MethodPost, "/listen?port="+strconv.Itoa(port), Protocol)
	if err != nil {
		return nil, err
	}
	l := &Listener{dial: dial, token: token, conn: conn, lines: bufio.NewReaderSize(conn, maxLine)}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	first, err := l.read()
	stop()
	if err != nil {
		return nil, fmt.Errorf("listen in the sandbox: %w", err)
	}
	l.Port = first.Port
	return l, nil
}

// Incoming is a connection that waits to be taken.
type Incoming struct {
	From string // the address in the sandbox that connects

	id string
	l  *Listener
}

// Next waits for the next connection. After Close, or when the sandbox has
// stopped, it is an error.
func (l *Listener) Next() (Incoming, error) {
	got, err := l.read()
	return Incoming{From: got.From, id: got.ID, l: l}, err
}

func (l *Listener) read() (got line, err error) {
	data, err := l.lines.ReadSlice('\n')
	if err == nil {
		err = json.Unmarshal(data, &got)
	}
	if err != nil {
		_ = l.conn.Close()
	}
	return got, err
}

// Close ends the listening.
func (l *Listener) Close() error { return l.conn.Close() }

// Take returns the connection.
func (i Incoming) Take(ctx context.Context) (net.Conn, error) {
	return ask(ctx, i.l.dial, i.l.token, http.MethodGet, "/accept?id="+url.QueryEscape(i.id), upgrade.TCP)
}

func ask(ctx context.Context, dial Dialer, token, method, path, protocol string) (net.Conn, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://toolbox"+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set(sandbox.TokenHeader, token)
	conn, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	return upgrade.Ask(ctx, conn, req, protocol)
}

var _ io.Closer = (*Listener)(nil)
