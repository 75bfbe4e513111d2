package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"

	"sandpiper/sandbox"
	"sandpiper/sandbox/scheduler"
	"sandpiper/web/apitype"
	"sandpiper/web/auth"
	"sandpiper/web/reply"
)

const (
	firstMessageTime = 15 * time.Second // for the request after the connection is open
	writeTime        = 15 * time.Second // for a client to take one message, or to answer a ping

	// statusRequest plus an HTTP status is the code that a refusal closes with.
	statusRequest websocket.StatusCode = 4000
)

// connect serves the WebSocket; see the package comment for the protocol.
func (h *Handler) connect(w http.ResponseWriter, r *http.Request) error {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		w.Header().Set("Upgrade", "websocket")
		reply.WriteErrorStatus(w, r, http.StatusUpgradeRequired, sandbox.Errorf(sandbox.KindInvalid, "connect here with a WebSocket"))
		return nil
	}
	// The origin is judged by socketContext: strangers may connect, but only as
	// what they can prove without a cookie.
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return &sandbox.Error{Kind: sandbox.KindInvalid, Message: "the WebSocket handshake is not valid", Err: err} // it is answered
	}
	defer conn.CloseNow()
	conn.SetReadLimit(maxRequest)
	ctx, cancel := context.WithCancel(h.socketContext(r))
	defer cancel()
	s := &socket{conn: conn, request: r.WithContext(ctx)}
	run, err := h.begin(ctx, s)
	if err != nil {
		s.refuse(ctx, err)
		return err
	}
	defer run.Leave()
	return s.serve(ctx, cancel, run)
}

// socketContext returns the context of a connection: the request's, where a
// browser session counts only for pages of this server. The same-origin rule
// does not hold for WebSockets, so the Origin header is all there is.
func (h *Handler) socketContext(r *http.Request) context.Context {
	ctx := r.Context()
	if auth.From(ctx).Kind == auth.KindSession && !sameHost(r) {
		return auth.WithCaller(ctx, h.guard.Address(r))
	}
	return ctx
}

// sameHost reports whether no page, or a page of this host, opened the connection.
func sameHost(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// begin reads the request and submits its program.
func (h *Handler) begin(ctx context.Context, s *socket) (*scheduler.Run, error) {
	var req apitype.ConnectRequest
	if err := s.readFirst(ctx, &req); err != nil {
		return nil, err
	}
	if req.Type != "run" {
		return nil, sandbox.FieldErrorf("type", "the first message must have the type run")
	}
	if secret := req.Authorization; secret != "" {
		caller, err := h.guard.Bearer(ctx, strings.TrimPrefix(secret, "Bearer "))
		if err != nil {
			return nil, err
		}
		ctx = auth.WithCaller(ctx, caller)
	}
	req.StdinLive = true
	program, err := h.program(req.RunRequest)
	if err != nil {
		return nil, err
	}
	return h.desk.Submit(ctx, program, "")
}

// socket is one connection.
type socket struct {
	conn    *websocket.Conn
	request *http.Request
}

var (
	errNoRequest = sandbox.Errorf(sandbox.KindInvalid, "no request came in time")
	errBinary    = sandbox.Errorf(sandbox.KindInvalid, "messages must be text")
)

func (s *socket) readFirst(ctx context.Context, v any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, firstMessageTime, errNoRequest)
	defer cancel()
	err := s.read(ctx, v)
	if errors.Is(context.Cause(ctx), errNoRequest) {
		return errNoRequest
	}
	return err
}

// read decodes the next message into v.
func (s *socket) read(ctx context.Context, v any) error {
	kind, data, err := s.conn.Read(ctx)
	if err != nil {
		return fmt.Errorf("read message: %w: %w", sandbox.ErrClientGone, err)
	}
	if kind != websocket.MessageText {
		return errBinary
	}
	return reply.Unmarshal(data, v)
}

// write sends one message.
func (s *socket) write(ctx context.Context, message []byte) error {
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	if err := s.conn.Write(ctx, websocket.MessageText, message); err != nil {
		return fmt.Errorf("write message: %w: %w", sandbox.ErrClientGone, err)
	}
	return nil
}

// writeError tells the client what was wrong with a message.
func (s *socket) writeError(ctx context.Context, e *sandbox.Error) error {
	message, err := reply.Marshal(struct {
		Type  string        `json:"type"`
		Error apitype.Error `json:"error"`
	}{"error", reply.WireError(s.request, e)})
	if err != nil {
		return err
	}
	return s.write(ctx, message)
}

// refuse ends a connection whose request or message cannot be taken.
func (s *socket) refuse(ctx context.Context, err error) {
	switch {
	case errors.Is(err, errNoRequest):
		_ = s.conn.Close(statusRequest+http.StatusRequestTimeout, errNoRequest.Message)
	case errors.Is(err, errBinary):
		_ = s.conn.Close(websocket.StatusUnsupportedData, errBinary.Message)
	case errors.Is(err, sandbox.ErrClientGone):
	default:
		e := reply.Public(err)
		_ = s.writeError(ctx, e) // where it fails, so does what follows
		_ = s.conn.Close(statusRequest+websocket.StatusCode(reply.Status(e.Kind)), closeReason(e.Message))
	}
}

// closeReason cuts a message to what a close frame holds.
func closeReason(message string) string {
	const room = 123
	if len(message) <= room {
		return message
	}
	return strings.ToValidUTF8(message[:room], "")
}

// serve passes events to the client and its messages to the run, until the run
// has ended or the connection has.
func (s *socket) serve(ctx context.Context, cancel context.CancelFunc, run *scheduler.Run) error {
	received := make(chan error, 1)
	go func() {
		defer cancel() // the client is gone or refused: nobody reads the events
		received <- s.receive(ctx, run)
	}()
	err := s.sendEvents(ctx, run)
	if err == nil {
		_ = s.conn.Close(websocket.StatusNormalClosure, "finished")
	}
	s.conn.CloseNow() // ends receive
	if receiveErr := <-received; err != nil && receiveErr != nil {
		return receiveErr
	}
	return err
}

// receive obeys messages until the connection ends or breaks the protocol. It
// never returns nil.
func (s *socket) receive(ctx context.Context, run *scheduler.Run) error {
	for {
		var m apitype.ClientMessage
		if err := s.read(ctx, &m); err != nil {
			s.refuse(ctx, err)
			return err
		}
		if err := obey(run, m); err != nil {
			if err := s.writeError(ctx, reply.Public(err)); err != nil {
				return err
			}
		}
	}
}

// obey does what a message asks for.
func obey(run *scheduler.Run, m apitype.ClientMessage) error {
	switch m.Type {
	case "stdin":
		_, err := run.Stdin().Write([]byte(m.Data))
		return err
	case "end":
		return run.Stdin().Close()
	case "signal":
		cause, err := parseSignal(m.Signal)
		if err == nil {
			run.Cancel(cause)
		}
		return err
	default:
		return sandbox.FieldErrorf("type", "type %.40q is not known: it is stdin, end or signal", m.Type)
	}
}

// sendEvents writes the run's events to the end. While there are none it asks
// whether the client is there.
func (s *socket) sendEvents(ctx context.Context, run *scheduler.Run) error {
	for after := 0; ; {
		events, next, err := nextEvents(ctx, run, after)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errIdle):
			if err := s.ping(ctx); err != nil {
				return err
			}
		case err != nil:
			return fmt.Errorf("follow run %s: %w", run.ID(), err)
		}
		for _, e := range events {
			message, err := typedObject(string(e.Type), WireEvent(e))
			if err != nil {
				return err
			}
			if err := s.write(ctx, message); err != nil {
				return err
			}
		}
		after = next
	}
}

func (s *socket) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	if err := s.conn.Ping(ctx); err != nil {
		return fmt.Errorf("ping: %w: %w", sandbox.ErrClientGone, err)
	}
	return nil
}
