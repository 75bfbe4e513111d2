// Package reverse leads connections that programs in a sandbox make out of it,
// to whoever listens outside: the remote forwarding of SSH.
//
// POST /listen?port=N upgrades to Protocol. The toolbox then writes lines of
// JSON: first the port that it listens on, then one for each connection with an
// id. GET /accept?id=ID upgrades to "tcp" and is that connection. The listening
// ends with its connection; connections that were taken do not.
package reverse

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
	"time"

	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/upgrade"
)

// Protocol is the name of the upgrade to listen.
const Protocol = "sandpiper-listen"

const (
	maxListeners = 32
	maxWaiting   = 64               // connections that nobody has taken yet
	waitTime     = 30 * time.Second // that one may wait for that
)

// Handler answers POST /listen and GET /accept over a guest. Callers must have
// been checked.
type Handler struct {
	guest guest.Guest
	conns upgrade.Group

	mu        sync.Mutex
	listeners int
	waiting   map[string]net.Conn
}

// New returns a handler, which the caller must Close.
func New(g guest.Guest) *Handler { return &Handler{guest: g, waiting: map[string]net.Conn{}} }

// Register adds the handler's routes.
func (h *Handler) Register(mux *http.ServeMux) {
	mux.Handle("POST /listen", answer.Handler(h.listen))
	mux.Handle("GET /accept", answer.Handler(h.accept))
}

// Close ends the listening and all connections, and waits for their end.
func (h *Handler) Close() {
	h.conns.Close()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.waiting {
		_ = c.Close()
	}
	clear(h.waiting)
}

// line is what the toolbox writes to who listens.
type line struct {
	Port int    `json:"port,omitempty"`
	ID   string `json:"id,omitempty"`
	From string `json:"from,omitempty"` // the address that connects
}

func (h *Handler) listen(w http.ResponseWriter, r *http.Request) error {
	port, err := strconv.Atoi(r.FormValue("port"))
	if err != nil || port < 0 || port > 65535 {
		return answer.BadRequest("port must be a number from 0 to 65535, not %.20q", r.FormValue("port"))
	}
	if err := upgrade.Check(r, Protocol); err != nil {
		return err
	}
	l, err := h.open(r, port)
	if err != nil {
		return err
	}
	defer h.shut(l)
	conn, err := upgrade.Accept(w, Protocol)
	if err != nil || !h.conns.Add(conn) {
		return nil // the caller is gone, or the toolbox is closing
	}
	defer h.conns.Done(conn)
	go func() {
		_, _ = io.Copy(io.Discard, conn) // it says nothing; it ends
		_ = l.Close()
	}()
	h.announce(l, conn)
	return nil
}

// open begins to listen.
func (h *Handler) open(r *http.Request, port int) (net.Listener, error) {
	listener, ok := h.guest.(guest.PortListener)
	if !ok {
		return nil, answer.Errorf(http.StatusNotImplemented, "INTERNAL_SERVER_ERROR", "this sandbox has no sockets, so nothing can listen in it")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.listeners >= maxListeners {
		return nil, answer.Errorf(http.StatusConflict, "CONFLICT", "%d ports are forwarded out of this sandbox already", maxListeners)
	}
	l, err := listener.ListenPort(r.Context(), port)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, answer.Errorf(http.StatusConflict, "CONFLICT", "something listens on port %d already", port)
	case errors.Is(err, syscall.EACCES):
		return nil, answer.Errorf(http.StatusForbidden, "FORBIDDEN", "ports below 1024 are root's alone")
	case err != nil:
		return nil, err
	}
	h.listeners++
	return l, nil
}

func (h *Handler) shut(l net.Listener) {
	_ = l.Close()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.listeners--
}

// announce tells conn of what connects to l, until either ends.
func (h *Handler) announce(l net.Listener, conn net.Conn) {
	lines := json.NewEncoder(conn)
	port := 0
	if addr, ok := l.Addr().(*net.TCPAddr); ok {
		port = addr.Port
	}
	if lines.Encode(line{Port: port}) != nil {
		return
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		id, ok := h.park(c)
		if !ok {
			_ = c.Close()
			continue
		}
		_ = conn.SetWriteDeadline(time.Now().Add(waitTime))
		if lines.Encode(line{ID: id, From: c.RemoteAddr().String()}) != nil {
			return
		}
	}
}

// park keeps a connection until it is taken, or for waitTime.
func (h *Handler) park(c net.Conn) (id string, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.waiting) >= maxWaiting {
		return "", false
	}
	id = rand.Text()
	h.waiting[id] = c
	time.AfterFunc(waitTime, func() {
		if c := h.take(id); c != nil {
			_ = c.Close()
		}
	})
	return id, true
}

// take returns a connection that waits; nil where it does no longer.
func (h *Handler) take(id string) net.Conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.waiting[id]
	delete(h.waiting, id)
	return c
}

func (h *Handler) accept(w http.ResponseWriter, r *http.Request) error {
	if err := upgrade.Check(r, upgrade.TCP); err != nil {
		return err
	}
	inside := h.take(r.FormValue("id"))
	if inside == nil {
		return answer.Errorf(http.StatusNotFound, "NOT_FOUND", "that connection does not wait any more")
	}
	defer inside.Close()
	conn, err := upgrade.Accept(w, upgrade.TCP)
	if err != nil || !h.conns.Add(conn) {
		return nil // the caller is gone, or the toolbox is closing
	}
	defer h.conns.Done(conn)
	upgrade.Join(conn, inside)
	return nil
}
