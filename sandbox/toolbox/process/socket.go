package process

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"

	"sandpiper/sandbox/session"
)

const (
	// writeTime is how long a client may take to accept a message.
	writeTime = 15 * time.Second

	// pingInterval keeps idle connections alive on their way to the client.
	pingInterval = 30 * time.Second

	// maxMessage is the largest message that a client may send.
	maxMessage = 10 << 20

	// maxReason is what a close frame has room for, in bytes.
	maxReason = 123
)

// isUpgrade reports whether a request asks for a WebSocket.
func isUpgrade(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// protocols returns the subprotocols that a client offers.
func protocols(r *http.Request) (offered []string) {
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for p := range strings.SplitSeq(line, ",") {
			offered = append(offered, strings.TrimSpace(p))
		}
	}
	return offered
}

// socket is a WebSocket to a client. It ends with the handler that opened it.
type socket struct {
	conn   *websocket.Conn
	ctx    context.Context
	cancel context.CancelFunc
	h      *Handler
}

// accept opens a WebSocket. Browsers insist that one of the subprotocols that
// they offer is chosen: the first that is preferred, or else the first. Whoever gets here
// has shown the token, so the page's origin does not matter. When it fails, it
// has answered.
func (h *Handler) accept(w http.ResponseWriter, r *http.Request, preferred ...string) (*socket, error) {
	options := &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled}
	if offered := protocols(r); len(offered) > 0 {
		options.Subprotocols = append(preferred, offered[0])
	}
	conn, err := websocket.Accept(w, r, options)
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(maxMessage)
	s := &socket{conn: conn, h: h}
	s.ctx, s.cancel = context.WithCancel(h.ctx)
	h.open.Add(1)
	return s, nil
}

// release lets go of the connection, if it is still open.
func (s *socket) release() {
	s.cancel()
	_ = s.conn.CloseNow()
	s.h.open.Done()
}

// write sends one message.
func (s *socket) write(kind websocket.MessageType, data []byte) error {
	ctx, cancel := context.WithTimeout(s.ctx, writeTime)
	defer cancel()
	return s.conn.Write(ctx, kind, data)
}

// writeJSON sends one message of text.
func (s *socket) writeJSON(v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.write(websocket.MessageText, data)
}

// close says why the connection ends and ends it.
func (s *socket) close(code websocket.StatusCode, reason string) {
	_ = s.conn.Close(code, cut(reason, maxReason)) // it is over either way
}

// keepAlive pings the client until the connection ends. Somebody must be reading.
func (s *socket) keepAlive() {
	ticker := time.NewTicker(pingInterval)
	defer ticker.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-ticker.C:
		}
		ctx, cancel := context.WithTimeout(s.ctx, writeTime)
		err := s.conn.Ping(ctx)
		cancel()
		if err != nil {
			s.cancel()
			return
		}
	}
}

// logProtocol is the subprotocol of clients that go on where they were when their
// connection was cut off; see the package's documentation.
const logProtocol = "sandpiper-log.1"

// followSocket sends a log to its end, and then closes with the code that
// clients take for a good end.
func (h *Handler) followSocket(w http.ResponseWriter, r *http.Request, log *session.Log, offset int64) error {
	s, err := h.accept(w, r, logProtocol)
	if err != nil {
		return nil // it is answered
	}
	defer s.release()
	gone := s.conn.CloseRead(s.ctx)
	go s.keepAlive()
	pass := func(c session.Chunk, dropped int64) error {
		return s.write(websocket.MessageBinary, withNote(c, dropped))
	}
	if s.conn.Subprotocol() == logProtocol {
		pass = s.counted()
	}
	err = eachChunk(gone, log, offset, pass)
	switch {
	case err == nil:
		s.close(websocket.StatusNormalClosure, "")
	case h.ctx.Err() != nil:
		s.close(websocket.StatusGoingAway, "the sandbox is stopping")
	case !errors.Is(err, context.Canceled):
		s.close(websocket.StatusInternalError, "the log could not be sent")
	}
	return nil
}

// counted returns what sends chunks to a client that counts bytes: it is told the
// offset of the first one, and of the next one after some were lost.
func (s *socket) counted() func(c session.Chunk, dropped int64) error {
	next := int64(-1)
	return func(c session.Chunk, _ int64) error {
		if len(c.Data) == 0 {
			return nil
		}
		if c.Offset != next {
			if err := s.writeJSON(map[string]int64{"offset": c.Offset}); err != nil {
				return err
			}
		}
		next = c.Offset + int64(len(c.Data))
		return s.write(websocket.MessageBinary, prefixed(c))
	}
}

// cut shortens a text to n bytes.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "")
}
