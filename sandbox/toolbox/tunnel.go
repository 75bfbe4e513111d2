package toolbox

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"sandpiper/sandbox/toolbox/answer"
)

// dialTime is how long a server in the sandbox may take to accept a connection.
const dialTime = 10 * time.Second

// tunnel connects the caller to a port of the sandbox: after an upgrade to
// "tcp", what either side sends reaches the other as it is.
func (t *Toolbox) tunnel(w http.ResponseWriter, r *http.Request) error {
	port, err := parsePort(r.FormValue("port"))
	if err != nil {
		return err
	}
	if !strings.EqualFold(r.Header.Get("Upgrade"), "tcp") {
		return answer.BadRequest("ask for an upgrade to tcp here")
	}
	ctx, cancel := context.WithTimeout(r.Context(), dialTime)
	defer cancel()
	server, err := t.guest.DialPort(ctx, port)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return answer.Errorf(http.StatusNotImplemented, "INTERNAL_SERVER_ERROR", "this sandbox has no sockets")
	case errors.Is(err, syscall.ECONNREFUSED):
		return answer.Errorf(http.StatusNotFound, "NOT_FOUND", "nothing listens on port %d", port)
	case err != nil:
		return &answer.Error{Status: http.StatusGatewayTimeout, Code: "REQUEST_TIMEOUT", Message: "the server on that port does not accept connections", Err: err}
	}
	defer server.Close()
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	defer conn.Close()
	if !t.tunnels.add(conn) {
		return nil // the toolbox is closing
	}
	defer t.tunnels.done(conn)
	_ = conn.SetDeadline(time.Time{})
	if _, err := io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"); err != nil {
		return nil // the caller is gone
	}
	// What was read ahead comes first; after that the reader below is as good
	// as the connection, and faster.
	ahead := io.LimitReader(buffered.Reader, int64(buffered.Reader.Buffered()))
	join(conn, io.MultiReader(ahead, conn), server)
	return nil
}

// join copies in both directions. The end of what one side sends is passed on,
// and the other direction stays open; an error ends both.
func join(caller net.Conn, fromCaller io.Reader, server net.Conn) {
	var both sync.WaitGroup
	both.Go(func() { pipe(server, fromCaller, caller) })
	both.Go(func() { pipe(caller, server, server) })
	both.Wait()
}

// pipe copies to the end, and passes the end on. When it cannot, it closes both
// connections.
func pipe(to net.Conn, from io.Reader, source net.Conn) {
	_, err := io.Copy(to, from)
	half, ok := to.(interface{ CloseWrite() error })
	if err == nil && ok && half.CloseWrite() == nil {
		return
	}
	_ = to.Close()
	_ = source.Close()
}

// tunnels are the open ones, so that they can be closed.
type tunnels struct {
	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]struct{}
	open   sync.WaitGroup
}

// add counts a tunnel, unless it is too late.
func (t *tunnels) add(c net.Conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	if t.conns == nil {
		t.conns = map[net.Conn]struct{}{}
	}
	t.conns[c] = struct{}{}
	t.open.Add(1)
	return true
}

func (t *tunnels) done(c net.Conn) {
	t.mu.Lock()
	delete(t.conns, c)
	t.mu.Unlock()
	t.open.Done()
}

// close closes all tunnels and waits for their end.
func (t *tunnels) close() {
	t.mu.Lock()
	t.closed = true
	for c := range t.conns {
		_ = c.Close()
	}
	t.mu.Unlock()
	t.open.Wait()
}
