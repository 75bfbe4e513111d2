package jupyter

import (
	"context"
	"net/http"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/auth"
	"sandpiper/web/jupyter/live"
	"sandpiper/web/jupyter/message"
	"sandpiper/web/reply"
	"sandpiper/web/run/socket"
)

const (
	// quiet is after how much silence a client is asked whether it is there.
	quiet = 20 * time.Second

	// barrierTime is how long a client may take to answer before it is believed
	// that nothing more of it is on the way.
	barrierTime = 2 * time.Second

	closeGoingAway = 1001
	closeBroken    = 1008 // a message that breaks the protocol
	closeTryAgain  = 1013
)

var errOtherSite = sandbox.Errorf(sandbox.KindForbidden, "a page of another site may not act for a signed-in browser; connect with ?token= and an API key")

// channels serves the WebSocket of a kernel.
func (h *Handler) channels(w http.ResponseWriter, r *http.Request) error {
	if auth.From(r.Context()).Kind == auth.KindSession && !h.guard.OwnPage(r) {
		return errOtherSite
	}
	s, err := h.session(r)
	if err != nil {
		return err
	}
	if len(r.URL.Query().Get("session_id")) > maxPath {
		return sandbox.FieldErrorf("session_id", "session_id has at most %d bytes", maxPath)
	}
	conn, ctx, err := socket.Accept(w, r, h.guard, message.MaxBytes, message.V1)
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	return h.converse(ctx, conn, s.ID, r.URL.Query().Get("session_id"))
}

// converse connects a WebSocket with the kernel of a session, for as long as the
// caller is let in.
func (h *Handler) converse(ctx context.Context, conn *socket.Socket, session, name string) error {
	l := link{socket: conn, framing: message.Framing(conn.Subprotocol())}
	err := h.kernels.use(owner(ctx), session, func(kernel *live.Kernel) (err error) {
		l.kernel = kernel
		l.client, err = kernel.Join(ctx, name)
		return err
	})
	if err != nil {
		conn.Close(closeTryAgain, reply.Public(err).Message)
		return err
	}
	defer l.kernel.Leave(l.client)
	stop := conn.LastAsLong(ctx)
	defer func() {
		if over := stop(); over {
			l.kernel.Abandon(l.client.Client)
		}
	}()
	return conn.Converse(ctx, l.receive, func(ctx context.Context) error {
		// The end of a context that is read with cuts the connection; this one only
		// ends what is said, so that the last word is why.
		ctx, cancel := h.lifelines.Attach(ctx)
		defer cancel()
		return l.send(ctx)
	})
}

// link is the connection of a client with a kernel.
type link struct {
	socket  *socket.Socket
	framing message.Framing
	kernel  *live.Kernel
	client  live.Connection
}

// receive passes messages on to the kernel until the connection ends. It never
// returns nil.
func (l link) receive(ctx context.Context) error {
	for {
		data, isBinary, err := l.socket.ReadFrame(ctx)
		if err != nil {
			return err
		}
		m, err := l.framing.Decode(data, isBinary)
		if err != nil {
			l.socket.Close(closeBroken, reply.Public(err).Message)
			return err
		}
		l.kernel.Handle(l.client, m)
	}
}

// send passes what the kernel says on to the client.
func (l link) send(ctx context.Context) error {
	for {
		batch, err := l.next(ctx)
		if err != nil {
			l.socket.Close(closeTryAgain, reply.Public(err).Message)
			return err
		}
		if ctx.Err() != nil {
			l.socket.Close(closeGoingAway, "the server is shutting down")
			return ctx.Err()
		}
		if len(batch) == 0 {
			if err := l.socket.Ping(ctx); err != nil {
				return err
			}
		}
		for _, o := range batch {
			if err := l.write(ctx, o); err != nil {
				return err
			}
		}
	}
}

// next waits for what to send, but not for longer than a client may be silent.
func (l link) next(ctx context.Context) ([]live.Outgoing, error) {
	ctx, cancel := context.WithTimeout(ctx, quiet)
	defer cancel()
	return l.client.Next(ctx)
}

func (l link) write(ctx context.Context, o live.Outgoing) error {
	if o.Barrier {
		// Its answer comes behind all that the client has sent before it. A client
		// that does not answer is found out by the pings.
		ctx, cancel := context.WithTimeout(ctx, barrierTime)
		defer cancel()
		_ = l.socket.Ping(ctx)
		l.client.Passed()
		return nil
	}
	data, isBinary, err := l.framing.Encode(o.Message)
	if err != nil {
		return err
	}
	return l.socket.WriteFrame(ctx, data, isBinary)
}
