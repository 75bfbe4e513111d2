package socketio

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"sandpiper/sandbox"
)

// Limits of a connection.
const (
	maxMessage   = 64 << 10         // of a client, in bytes
	helloTimeout = 10 * time.Second // for a client to say who it is
	writeTimeout = 10 * time.Second // for a client to take one message
)

// Times say how often a silent client is asked whether it is still there. Zero
// fields mean what Socket.IO's own server does.
type Times struct {
	PingInterval time.Duration
	PingTimeout  time.Duration
}

// Event is what happened.
type Event struct {
	Name string
	Data any // encoded as JSON
}

// Feed gives a client's events, one after another, until ctx ends. Any error
// ends the connection.
type Feed func(ctx context.Context) (Event, error)

// Admit decides about a client by what it shows, which is an object such as
// {"token":"…"} or nil. A *sandbox.Error is told to the client. The feed may
// begin with the call; ctx ends with the connection.
type Admit func(ctx context.Context, shown json.RawMessage) (Feed, error)

// Serve holds the connection that r asks for until the client goes or ctx ends.
// It has answered when it returns. What is not a WebSocket of Engine.IO 4 is
// refused as Engine.IO refuses it.
func Serve(ctx context.Context, w http.ResponseWriter, r *http.Request, t Times, admit Admit) {
	if code, message := refusal(r); message != "" {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]any{"code": code, "message": message})
		return
	}
	// Pages of any origin may connect: they show a key or get nothing.
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer ws.CloseNow()
	ws.SetReadLimit(maxMessage)
	t.PingInterval, t.PingTimeout = cmp.Or(t.PingInterval, 25*time.Second), cmp.Or(t.PingTimeout, 20*time.Second)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &conn{ws: ws, times: t}
	if feed := c.greet(ctx, admit); feed != nil {
		c.converse(ctx, cancel, feed)
	}
	_ = ws.Close(websocket.StatusNormalClosure, "") // where it is still open
}

// refusal says why r cannot become a connection, in Engine.IO's words.
func refusal(r *http.Request) (code int, message string) {
	q := r.URL.Query()
	switch {
	case q.Get("EIO") != "4":
		return 5, "Unsupported protocol version"
	case q.Get("transport") != "websocket":
		return 0, "Transport unknown: this server speaks websocket only"
	case r.Header.Get("Upgrade") == "":
		return 3, "Bad request: connect with a WebSocket"
	}
	return 0, ""
}

// errGone is a client that left before it was let in.
var errGone = errors.New("the client has left")

// conn is one connection.
type conn struct {
	ws    *websocket.Conn
	times Times
}

// greet says hello and lets the client in; nil for one that may not come in or
// has left.
func (c *conn) greet(ctx context.Context, admit Admit) Feed {
	hello, err := encodeOpen(sandbox.NewID(), c.times)
	if err != nil || c.write(ctx, hello) != nil {
		return nil
	}
	feed, err := c.admit(ctx, admit)
	if err != nil {
		return nil
	}
	return feed
}

// converse sends what the feed gives until it ends or the client goes.
func (c *conn) converse(ctx context.Context, cancel context.CancelFunc, feed Feed) {
	var others sync.WaitGroup
	others.Go(func() {
		defer cancel()
		c.listen(ctx)
	})
	others.Go(func() { c.ping(ctx) })
	c.send(ctx, feed)
	if ctx.Err() == nil { // nobody has left; the client should come back
		_ = c.ws.Close(websocket.StatusTryAgainLater, "come back for more events")
	}
	cancel()
	others.Wait()
}

// admit waits for the client to connect to the namespace and answers it.
func (c *conn) admit(ctx context.Context, admit Admit) (Feed, error) {
	hello, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	for {
		p, err := c.read(hello)
		if err != nil {
			return nil, err
		}
		switch {
		case p.kind == kindClose:
			return nil, errGone
		case p.kind == kindConnect && p.namespace != "":
			return nil, c.refuse(ctx, p.namespace+",", "Invalid namespace")
		case p.kind != kindConnect:
			continue
		}
		feed, err := admit(ctx, p.data)
		if err != nil {
			return nil, c.refuse(ctx, "", publicMessage(err))
		}
		answer, err := encode("40", map[string]string{"sid": sandbox.NewID()})
		if err != nil {
			return nil, err
		}
		return feed, c.write(ctx, answer)
	}
}

// refuse tells the client why it is not let in, and returns an error.
func (c *conn) refuse(ctx context.Context, namespace, message string) error {
	data, err := encode("44"+namespace, map[string]string{"message": message})
	if err == nil {
		err = c.write(ctx, data)
	}
	return errors.Join(errors.New("refused: "+message), err)
}

func publicMessage(err error) string {
	var e *sandbox.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return "something went wrong on the server"
}

// send writes events until the feed or the connection ends.
func (c *conn) send(ctx context.Context, feed Feed) {
	for {
		event, err := feed(ctx)
		if err != nil {
			return
		}
		message, err := encodeEvent(event)
		if err != nil || c.write(ctx, message) != nil {
			return
		}
	}
}

// listen reads until the client goes or is silent for too long.
func (c *conn) listen(ctx context.Context) {
	for {
		waiting, cancel := context.WithTimeout(ctx, c.times.PingInterval+c.times.PingTimeout)
		p, err := c.read(waiting)
		cancel()
		switch {
		case err != nil, p.kind == kindClose, p.kind == kindDisconnect:
			return
		case p.kind == kindPing:
			if c.write(ctx, append([]byte("3"), p.probe...)) != nil {
				return
			}
		}
	}
}

// ping asks the client from time to time whether it is there.
func (c *conn) ping(ctx context.Context) {
	ticker := time.NewTicker(c.times.PingInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if c.write(ctx, []byte("2")) != nil {
				return
			}
		}
	}
}

func (c *conn) read(ctx context.Context) (packet, error) {
	kind, message, err := c.ws.Read(ctx)
	if err != nil || kind != websocket.MessageText {
		return packet{}, err
	}
	return parse(message), nil
}

func (c *conn) write(ctx context.Context, message []byte) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return c.ws.Write(ctx, websocket.MessageText, message)
}
