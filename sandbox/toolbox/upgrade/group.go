package upgrade

import (
	"net"
	"net/http"
	"sync"

	"sandpiper/sandbox/toolbox/answer"
)

// Stopping is the answer of a toolbox that takes no connections any more.
func Stopping() error {
	return answer.Errorf(http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE", "the sandbox is stopping")
}

// Group is the connections that a toolbox serves, so that it can end them. The
// zero value is ready.
type Group struct {
	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]struct{}
	open   sync.WaitGroup
}

// Add counts a connection, which the caller must take out with Done. It closes
// the connection and reports false once the group is closed.
func (g *Group) Add(c net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		_ = c.Close()
		return false
	}
	if g.conns == nil {
		g.conns = map[net.Conn]struct{}{}
	}
	g.conns[c] = struct{}{}
	g.open.Add(1)
	return true
}

// Done closes a connection and takes it out.
func (g *Group) Done(c net.Conn) {
	_ = c.Close()
	g.mu.Lock()
	delete(g.conns, c)
	g.mu.Unlock()
	g.open.Done()
}

// Close closes all connections and waits until they are taken out.
func (g *Group) Close() {
	g.mu.Lock()
	g.closed = true
	for c := range g.conns {
		_ = c.Close()
	}
	g.mu.Unlock()
	g.open.Wait()
}
