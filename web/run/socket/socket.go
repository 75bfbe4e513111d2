// Package socket is a WebSocket to a client that nobody trusts: every message
// has a size and a time limit, and a page of another site gets no more than
// what it can prove without a cookie.
package socket

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"

	"sandpiper/sandbox"
	"sandpiper/web/auth"
	"sandpiper/web/reply"
)

// writeTime is how long a client may take to accept one message, or to answer
// a ping.
const writeTime = 15 * time.Second

// maxReason is what a close frame has room for, in bytes.
const maxReason = 123

// ErrBinary is what Read returns for a message that is not text.
var ErrBinary = sandbox.Errorf(sandbox.KindInvalid, "messages must be text")

// Socket is an open connection. Its methods are safe for concurrent use, but
// only one goroutine may read. Errors of the connection wrap
// sandbox.ErrClientGone.
type Socket struct {
	conn *websocket.Conn
}

// Accept opens the connection that r asks for, with messages of at most
// maxMessage bytes and one of the subprotocols when the client knows one, and
// returns with it the context for its work: r's, in
// which a browser session counts only when a page of this server opened the
// connection. The caller must close the Socket. When Accept fails, it has
// answered.
func Accept(w http.ResponseWriter, r *http.Request, guard *auth.Guard, maxMessage int64, subprotocols ...string) (*Socket, context.Context, error) {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		err := sandbox.Errorf(sandbox.KindInvalid, "connect here with a WebSocket")
		w.Header().Set("Upgrade", "websocket")
		reply.WriteErrorStatus(w, r, http.StatusUpgradeRequired, err)
		return nil, nil, err
	}
	ctx := r.Context()
	if auth.From(ctx).Kind == auth.KindSession && !guard.OwnPage(r) {
		ctx = auth.WithCaller(ctx, guard.Address(r))
	}
	// Other origins may connect, as what the line above made of them.
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, Subprotocols: subprotocols})
	if err != nil {
		return nil, nil, &sandbox.Error{Kind: sandbox.KindInvalid, Message: "the WebSocket handshake is not valid", Err: err}
	}
	conn.SetReadLimit(maxMessage)
	return &Socket{conn}, ctx, nil
}

// CloseRefused is added to an HTTP status for the code that a connection closes
// with when its client is not, or no longer, let in.
const CloseRefused = 4000

// LastAsLong closes the connection when the credential in ctx ends: an API key
// that is revoked or expires, a browser that is signed out. stop, which must be
// called, reports whether that was so. The context that is read with must not end
// by it: that would cut the connection without a word.
func (s *Socket) LastAsLong(ctx context.Context) (stop func() (over bool)) {
	lasting, release := auth.Lasting(context.WithoutCancel(ctx))
	unwatch := context.AfterFunc(lasting, func() {
		e := reply.Public(context.Cause(lasting))
		s.Close(CloseRefused+reply.Status(e.Kind), e.Message)
	})
	return func() bool {
		over := !unwatch()
		release()
		return over
	}
}

// Subprotocol returns the subprotocol that was agreed on, or "".
func (s *Socket) Subprotocol() string { return s.conn.Subprotocol() }

// Read returns the next message; ErrBinary when it is not text.
func (s *Socket) Read(ctx context.Context) ([]byte, error) {
	data, isBinary, err := s.ReadFrame(ctx)
	if err == nil && isBinary {
		return nil, ErrBinary
	}
	return data, err
}

// ReadFrame returns the next message, and whether it is binary rather than text.
func (s *Socket) ReadFrame(ctx context.Context) (data []byte, isBinary bool, err error) {
	kind, data, err := s.conn.Read(ctx)
	if err != nil {
		return nil, false, fmt.Errorf("read message: %w: %w", sandbox.ErrClientGone, err)
	}
	return data, kind == websocket.MessageBinary, nil
}

// Write sends v as JSON.
func (s *Socket) Write(ctx context.Context, v any) error {
	message, err := reply.Marshal(v)
	if err != nil {
		return err
	}
	return s.WriteFrame(ctx, message, false)
}

// WriteFrame sends a message, binary or text.
func (s *Socket) WriteFrame(ctx context.Context, data []byte, isBinary bool) error {
	kind := websocket.MessageText
	if isBinary {
		kind = websocket.MessageBinary
	}
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	if err := s.conn.Write(ctx, kind, data); err != nil {
		return fmt.Errorf("write message: %w: %w", sandbox.ErrClientGone, err)
	}
	return nil
}

// Ping asks whether the client is there. Somebody must be reading.
func (s *Socket) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	if err := s.conn.Ping(ctx); err != nil {
		return fmt.Errorf("ping: %w: %w", sandbox.ErrClientGone, err)
	}
	return nil
}

// Close says why the connection ends and ends it. The reason is cut to what
// fits.
func (s *Socket) Close(code int, reason string) {
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "")
	}
	_ = s.conn.Close(websocket.StatusCode(code), reason) // it is over either way
}

// CloseAfter closes the connection for a reason after a time, unless stop is
// called before; stop returns false when it was too late.
func (s *Socket) CloseAfter(d time.Duration, code int, reason string) (stop func() bool) {
	return time.AfterFunc(d, func() { s.Close(code, reason) }).Stop
}

// CloseNow ends the connection without a word, if it is still open.
func (s *Socket) CloseNow() { _ = s.conn.CloseNow() }

// Converse runs receive and send at once, and ends the connection when send
// has returned. When receive returns first, send's context is cancelled. Both
// have ended when Converse returns; its error is receive's where that was the
// first to end, else send's.
func (s *Socket) Converse(ctx context.Context, receive, send func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	received := make(chan error, 1)
	go func() {
		defer cancel()
		received <- receive(ctx)
	}()
	sendErr := send(ctx)
	first := ctx.Err() == nil
	cancel()
	s.CloseNow()
	if receiveErr := <-received; !first {
		return receiveErr
	}
	return sendErr
}
