package run

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/scheduler"
	"sandpiper/web/apitype"
	"sandpiper/web/reply"
	"sandpiper/web/run/socket"
)

// firstMessageTime is how long a client may take to say what to run.
const firstMessageTime = 15 * time.Second

// The codes that the WebSocket closes with; see the package comment.
const (
	closeFinished    = 1000
	closeUnsupported = 1003
	closeRefused     = socket.CloseRefused // plus an HTTP status
)

var errNoRequest = sandbox.Errorf(sandbox.KindInvalid, "no request came in time")

// conversation is one WebSocket of the native API.
type conversation struct {
	*socket.Socket
	handler *Handler
	request *http.Request
}

// connect serves the WebSocket; see the package comment for the protocol.
func (h *Handler) connect(w http.ResponseWriter, r *http.Request) error {
	s, ctx, err := socket.Accept(w, r, h.guard, maxRequest)
	if err != nil {
		return err
	}
	defer s.CloseNow()
	c := conversation{s, h, r}
	run, caller, err := c.begin(ctx)
	if err != nil {
		c.refuse(ctx, err)
		return err
	}
	defer run.Leave()
	defer s.LastAsLong(caller)()
	return s.Converse(ctx,
		func(ctx context.Context) error { return c.receive(ctx, run) },
		func(ctx context.Context) error { return c.send(ctx, run) })
}

// begin reads the request and submits its program. caller is ctx with the
// credential of the request.
func (c conversation) begin(ctx context.Context) (run *scheduler.Run, caller context.Context, err error) {
	var req apitype.ConnectRequest
	if err := c.readFirst(ctx, &req); err != nil {
		return nil, nil, err
	}
	if req.Type != "run" {
		return nil, nil, sandbox.FieldErrorf("type", "the first message must have the type run")
	}
	caller = ctx
	if req.Authorization != "" {
		if caller, err = c.handler.guard.WithBearer(ctx, strings.TrimPrefix(req.Authorization, "Bearer ")); err != nil {
			return nil, nil, err
		}
	}
	req.StdinLive = true
	program, err := c.handler.program(req.RunRequest)
	if err != nil {
		return nil, nil, err
	}
	run, err = c.handler.desk.Submit(caller, program, "")
	return run, caller, err
}

func (c conversation) readFirst(ctx context.Context, v any) error {
	stop := c.CloseAfter(firstMessageTime, closeRefused+http.StatusRequestTimeout, errNoRequest.Message)
	err := c.read(ctx, v)
	if !stop() {
		return errNoRequest
	}
	return err
}

func (c conversation) read(ctx context.Context, v any) error {
	message, err := c.Read(ctx)
	if err != nil {
		return err
	}
	return reply.Unmarshal(message, v)
}

// refuse ends a connection whose request or message cannot be taken.
func (c conversation) refuse(ctx context.Context, err error) {
	switch {
	case errors.Is(err, sandbox.ErrClientGone), errors.Is(err, errNoRequest): // it is closed
	case errors.Is(err, socket.ErrBinary):
		c.Close(closeUnsupported, socket.ErrBinary.Message)
	default:
		e := reply.Public(err)
		_ = c.writeError(ctx, e) // where this fails, so does what follows
		c.Close(closeRefused+reply.Status(e.Kind), e.Message)
	}
}

// writeError tells the client what was wrong with a message.
func (c conversation) writeError(ctx context.Context, e *sandbox.Error) error {
	return c.Write(ctx, apitype.ErrorMessage{Type: "error", Error: reply.WireError(c.request, e)})
}

// receive obeys messages until the connection ends or breaks the protocol. It
// never returns nil.
func (c conversation) receive(ctx context.Context, run *scheduler.Run) error {
	for {
		var m apitype.ClientMessage
		if err := c.read(ctx, &m); err != nil {
			c.refuse(ctx, err)
			return err
		}
		if err := obey(run, m); err != nil {
			if err := c.writeError(ctx, reply.Public(err)); err != nil {
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

// send passes the run's events on to the end and then closes the connection.
// While there are none it asks whether the client is there.
func (c conversation) send(ctx context.Context, run *scheduler.Run) error {
	batch := func(events []sandbox.Event, _ int) error {
		for _, e := range events {
			message, err := TypedEvent(e, WireEvent)
			if err != nil {
				return err
			}
			if err := c.Write(ctx, message); err != nil {
				return err
			}
		}
		return nil
	}
	if err := Follow(ctx, run, 0, batch, func() error { return c.Ping(ctx) }); err != nil {
		return err
	}
	c.Close(closeFinished, "finished")
	return nil
}
