package sessions

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/kernels"
	"sandpiper/web/apitype"
	"sandpiper/web/reply"
	"sandpiper/web/run"
	"sandpiper/web/run/socket"
)

const (
	// firstMessageTime is how long a client may take to say something.
	firstMessageTime = 15 * time.Second

	pingPeriod = 15 * time.Second

	maxMessageID = 100 // bytes

	// maxFollowed is how many cells a connection may be told of at once. Only one of
	// them can run; the others have ended, and are still being sent.
	maxFollowed = 8
)

// The codes that the WebSocket closes with; see package run.
const (
	closeUnsupported = 1003
	closeAway        = 1001
	closeRefused     = socket.CloseRefused // plus an HTTP status
)

var errNothingSaid = sandbox.Errorf(sandbox.KindInvalid, "no message came in time")

// conversation is one WebSocket. But for send, its methods are for the goroutine
// that reads.
type conversation struct {
	*socket.Socket
	handler *Handler
	request *http.Request
	session string
	caller  context.Context // who the client is, as far as it has proved that

	followers sync.WaitGroup
	places    chan struct{}      // one for each cell that is followed
	begun     *kernels.Execution // the last cell that this connection began
	stdin     *sandbox.Stdin     // of that cell
	greeted   bool               // it has been told what the session is
	end       context.CancelFunc // of the connection
	unwatch   func() bool        // ends the watch over the caller's credential, and reports whether that has ended
}

// connect serves the WebSocket; see the package comment for the protocol.
func (h *Handler) connect(w http.ResponseWriter, r *http.Request) error {
	s, ctx, err := socket.Accept(w, r, h.guard, maxRequest)
	if err != nil {
		return err
	}
	defer s.CloseNow()
	ctx, detach := h.lifelines.Attach(ctx)
	defer detach()
	c := &conversation{Socket: s, handler: h, request: r, session: r.PathValue("id"), caller: ctx, places: make(chan struct{}, maxFollowed)}
	c.unwatch = s.LastAsLong(ctx)
	err = s.Converse(ctx, c.receive, c.keepAlive)
	if c.unwatch() {
		c.abandon()
	}
	return err
}

// abandon interrupts the cell of a client whose credential has ended. Cells of
// others in the same session go on.
func (c *conversation) abandon() {
	if c.begun != nil {
		c.begun.Interrupt()
	}
}

// keepAlive asks now and then whether the client is there.
func (c *conversation) keepAlive(ctx context.Context) error {
	tick := time.NewTicker(pingPeriod)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := c.Ping(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
			c.Close(closeAway, "the server is restarting")
			return context.Cause(ctx)
		}
	}
}

// receive obeys messages until the connection ends or breaks the protocol. It never
// returns nil.
func (c *conversation) receive(ctx context.Context) error {
	ctx, c.end = context.WithCancel(ctx)
	defer c.followers.Wait()
	defer c.end()
	stop := c.CloseAfter(firstMessageTime, closeRefused+http.StatusRequestTimeout, errNothingSaid.Message)
	defer stop()
	for {
		m, err := c.read(ctx)
		if err != nil {
			c.refuse(ctx, err)
			return err
		}
		stop()
		if err := c.obey(ctx, m); err != nil {
			e := reply.Public(err)
			if !c.greeted { // who may not use the session is not kept waiting
				c.refuse(ctx, err)
				return err
			}
			if err := c.Write(ctx, apitype.SessionRefusal{Type: "error", ID: m.ID, Error: reply.WireError(c.request, e)}); err != nil {
				return err
			}
		}
	}
}

func (c *conversation) read(ctx context.Context) (m apitype.SessionMessage, err error) {
	text, err := c.Read(ctx)
	if err != nil {
		return m, err
	}
	if err := reply.Unmarshal(text, &m); err != nil {
		return m, err
	}
	if len(m.ID) > maxMessageID {
		return m, sandbox.FieldErrorf("id", "an id may have %d bytes at most", maxMessageID)
	}
	return m, nil
}

// refuse ends a connection whose message cannot be taken.
func (c *conversation) refuse(ctx context.Context, err error) {
	switch {
	case errors.Is(err, sandbox.ErrClientGone): // it is closed
	case errors.Is(err, socket.ErrBinary):
		c.Close(closeUnsupported, socket.ErrBinary.Message)
	default:
		e := reply.Public(err)
		_ = c.Write(ctx, apitype.SessionRefusal{Type: "error", Error: reply.WireError(c.request, e)}) // where this fails, so does what follows
		c.Close(closeRefused+reply.Status(e.Kind), e.Message)
	}
}

// obey does what a message asks for.
func (c *conversation) obey(ctx context.Context, m apitype.SessionMessage) error {
	if err := c.identify(m); err != nil {
		return err
	}
	if err := c.greet(ctx); err != nil {
		return err
	}
	switch m.Type {
	case "execute":
		return c.execute(ctx, m)
	case "follow":
		x, err := c.handler.keeper.Last(owner(c.caller), c.session)
		if err != nil {
			return err
		}
		return c.follow(ctx, m.ID, x)
	case "stdin", "end":
		return c.input(m)
	case "interrupt":
		return c.handler.keeper.Interrupt(owner(c.caller), c.session)
	}
	return sandbox.FieldErrorf("type", "type %.40q is not known: it is execute, follow, stdin, end or interrupt", m.Type)
}

// identify takes the credential of a message.
func (c *conversation) identify(m apitype.SessionMessage) error {
	if m.Authorization != "" {
		caller, err := c.handler.guard.WithBearer(c.caller, strings.TrimPrefix(m.Authorization, "Bearer "))
		if err != nil {
			return err
		}
		c.unwatch()
		c.caller, c.unwatch = caller, c.LastAsLong(caller)
	}
	return c.handler.guard.CheckRunner(c.caller)
}

// greet tells a client that may use the session what it is.
func (c *conversation) greet(ctx context.Context) error {
	if c.greeted {
		return nil
	}
	s, err := c.handler.keeper.Get(owner(c.caller), c.session)
	if err != nil {
		return err
	}
	c.greeted = true
	return c.Write(ctx, apitype.SessionState{Type: "session", Session: Wire(s)})
}

// execute has the session execute a cell, which is followed. Its input is what the
// client sends while it runs.
func (c *conversation) execute(ctx context.Context, m apitype.SessionMessage) error {
	in := sandbox.LiveStdin()
	wanted := make(chan struct{}, 1)
	in.OnDemand(func() {
		select {
		case wanted <- struct{}{}:
		default: // it has not been told yet
		}
	})
	ask, err := cell(m.Code, in, m.Limits, c.handler.maxWall)
	if err != nil {
		return err
	}
	x, err := c.handler.start(c.caller, c.session, ask)
	if err != nil {
		return err
	}
	c.begun, c.stdin = x, in
	c.followers.Go(func() { c.tell(ctx, m.ID, x, wanted) })
	return c.follow(ctx, m.ID, x)
}

// tell tells the client each time that its cell waits for input.
func (c *conversation) tell(ctx context.Context, id string, x *kernels.Execution, wanted <-chan struct{}) {
	for {
		select {
		case <-wanted:
			if err := c.Write(ctx, apitype.SessionInput{Type: "input", ID: id}); err != nil {
				return // the connection is over
			}
		case <-x.Done():
			return
		case <-ctx.Done():
			_ = x.Stdin().Close() // nobody will type any more; it never fails
			return
		}
	}
}

// input passes input on to the cell that runs.
func (c *conversation) input(m apitype.SessionMessage) error {
	if c.stdin == nil {
		return sandbox.Errorf(sandbox.KindConflict, "this connection has no cell that could read input")
	}
	if m.Type == "end" {
		return c.stdin.Close()
	}
	_, err := c.stdin.Write([]byte(m.Data))
	return err
}

// follow sends the events of a cell, and then what the session is, in the background.
func (c *conversation) follow(ctx context.Context, id string, x *kernels.Execution) error {
	select {
	case c.places <- struct{}{}:
	default:
		return sandbox.Errorf(sandbox.KindBusy, "this connection has not read the events of %d cells yet", maxFollowed)
	}
	wire := withID(id, wireEvents(x))
	caller := owner(c.caller)
	c.followers.Go(func() {
		defer func() { <-c.places }()
		if err := run.Follow(ctx, x, 0, c.batch(ctx, wire), func() error { return nil }); err != nil {
			return // the connection is over
		}
		if s, err := c.handler.keeper.Get(caller, c.session); err == nil {
			_ = c.Write(ctx, apitype.SessionState{Type: "session", Session: Wire(s)}) // the reader sees that it is over
		}
	})
	return nil
}

// batch returns a function that sends events.
func (c *conversation) batch(ctx context.Context, wire run.Wire) func([]sandbox.Event, int) error {
	return func(events []sandbox.Event, _ int) error {
		for _, e := range events {
			message, err := run.TypedEvent(e, wire)
			if err != nil {
				return err
			}
			if err := c.Write(ctx, message); err != nil {
				return err
			}
		}
		return nil
	}
}

// withID adds the client's id to the data of events, in the place of the cell's own.
func withID(id string, wire run.Wire) run.Wire {
	return func(e sandbox.Event) any {
		data := wire(e)
		if id == "" {
			return data
		}
		switch d := data.(type) {
		case apitype.Start:
			d.ID = id
			return d
		case apitype.CellResult:
			d.ID = id
			return d
		}
		return identified{id, data}
	}
}

// identified is an object with an id as its first field.
type identified struct {
	id   string
	data any
}

// MarshalJSON implements json.Marshaler.
func (i identified) MarshalJSON() ([]byte, error) {
	id, err := json.Marshal(i.id)
	if err != nil {
		return nil, err
	}
	data, err := reply.Marshal(i.data)
	if err != nil {
		return nil, err
	}
	return append(append([]byte(`{"id":`), append(id, ',')...), data[1:]...), nil
}
