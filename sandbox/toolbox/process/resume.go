package process

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"

	"sandpiper/sandbox/session"
	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

// resumeProtocol is the subprotocol of clients that go on where they were when
// their connection was cut off; see the package's documentation.
const resumeProtocol = "sandpiper-pty.1"

const (
	// window is how much output may be on its way to a client that has not said
	// that it has got it, give or take a message. It is less than a terminal's
	// log keeps, so that all of it can be sent again.
	window = 256 << 10

	// lingerTime is for how long a client that was cut off keeps its place: what
	// it has not got stays, and a terminal that writes much waits for it.
	lingerTime = 15 * time.Second

	// maxClientID is the longest name that a client may give itself, in bytes.
	maxClientID = 64
)

// resumption is where a connection begins.
type resumption struct {
	client string // a name of the client's own choice; "" for one that never comes back
	from   int64  // offset of the first byte that it gets
	lost   int64  // bytes before, which it wanted and which are gone
	fresh  bool   // it knows nothing of this terminal yet
}

// resume reads from a query where a connection to a terminal begins: where the
// client was in this very terminal, or else with the oldest byte there is.
func resume(q url.Values, epoch string, start, end int64) (resumption, error) {
	r := resumption{client: q.Get("client"), from: start, fresh: true}
	if len(r.client) > maxClientID {
		return r, answer.BadRequest("client may have %d bytes at most", maxClientID)
	}
	text := q.Get("offset")
	if text == "" {
		return r, nil
	}
	offset, err := strconv.ParseInt(text, 10, 64)
	if err != nil || offset < 0 {
		return r, answer.BadRequest("offset must be a number from 0, not %.40q", text)
	}
	if q.Get("epoch") != epoch || offset > end {
		return r, nil // it speaks of another terminal, which had the same id
	}
	r.fresh, r.from, r.lost = false, max(start, offset), max(0, start-offset)
	return r, nil
}

// resumable is a connection of a client that knows how to come back.
type resumable struct {
	*socket
	pty    *session.PTY
	reader *session.Reader

	mu    sync.Mutex
	sent  int64         // offset after the last byte that was sent
	acked int64         // offset after the last byte that the client has got
	room  chan struct{} // has something when acked has changed
}

// converseResumable serves a client from its greeting to its end.
func (h *Handler) converseResumable(s *socket, r *http.Request, p *session.PTY) {
	start, end := p.Log().Bounds()
	at, err := resume(r.URL.Query(), p.Epoch(), start, end)
	if err != nil {
		s.refuse(err)
		return
	}
	c := &resumable{socket: s, pty: p, reader: p.Log().Reader(at.from), sent: at.from, acked: at.from, room: make(chan struct{}, 1)}
	c.reader.Keep(at.from)
	if at.client == "" {
		defer c.reader.Close()
		c.serve(at)
		return
	}
	here := place{p, at.client}
	h.places.take(here, c.reader) // only now: the bytes that it wants were kept until here
	if cut := c.serve(at); cut && h.ctx.Err() == nil {
		time.AfterFunc(lingerTime, func() { h.places.leave(here, c.reader) })
		return
	}
	h.places.leave(here, c.reader)
}

// serve greets the client and serves it, and reports whether it was cut off
// rather than ended.
func (c *resumable) serve(at resumption) (cut bool) {
	if c.greet(at) != nil {
		return true
	}
	left := make(chan bool, 1)
	c.h.open.Go(func() { left <- c.listen() })
	go c.keepAlive()
	err := c.show()
	switch {
	case errors.Is(err, io.EOF):
		c.bye(c.pty)
	case c.h.ctx.Err() != nil:
		c.close(websocket.StatusGoingAway, "the sandbox is stopping")
	default:
		c.cancel()
		return !<-left
	}
	return false
}

func (c *resumable) greet(at resumption) error {
	size := c.pty.WinSize()
	_, end := c.pty.Log().Bounds()
	return c.writeJSON(toolboxtype.PtyControl{
		Type: "control", Status: "connected", Epoch: c.pty.Epoch(), Offset: &at.from, End: &end, Lost: at.lost, Fresh: at.fresh,
		Modes: c.modes(at), Cols: int(size.Cols), Rows: int(size.Rows),
	})
}

// modes returns what puts a screen in the state in which it is before the first
// byte, where the client has not seen how it got there.
func (c *resumable) modes(at resumption) string {
	if !at.fresh && at.lost == 0 {
		return ""
	}
	return c.pty.Modes()
}

// show sends what the terminal shows until its end, which is io.EOF.
func (c *resumable) show() error {
	for {
		if err := c.wait(); err != nil {
			return err
		}
		chunk, lost, err := c.reader.Next(c.ctx)
		if err == nil && lost > 0 {
			err = c.writeJSON(toolboxtype.PtyControl{Type: "control", Status: "lost", Offset: &chunk.Offset, Lost: lost, Modes: c.pty.Modes()})
		}
		if err != nil {
			return err
		}
		c.mu.Lock()
		c.sent = chunk.Offset + int64(len(chunk.Data))
		c.mu.Unlock()
		if len(chunk.Data) == 0 {
			continue
		}
		if err := c.write(websocket.MessageBinary, chunk.Data); err != nil {
			return err
		}
	}
}

// wait waits while too much is on its way.
func (c *resumable) wait() error {
	for {
		c.mu.Lock()
		under := c.sent - c.acked
		c.mu.Unlock()
		if under < window {
			return nil
		}
		select {
		case <-c.room:
		case <-c.ctx.Done():
			return c.ctx.Err()
		}
	}
}

// listen takes what the client sends until it goes away, and reports whether it
// said goodbye: a page that is closed does, a broken line does not.
func (c *resumable) listen() (goodbye bool) {
	defer c.cancel()
	for {
		kind, data, err := c.conn.Read(c.ctx)
		if err != nil {
			code := websocket.CloseStatus(err)
			return code == websocket.StatusNormalClosure || code == websocket.StatusGoingAway
		}
		if kind == websocket.MessageBinary {
			err = c.typed(data)
		} else {
			err = c.told(data)
		}
		if err != nil {
			c.close(websocket.StatusPolicyViolation, answer.Public(err).Message)
			return true
		}
	}
}

// typed passes on input. What a program that does not read has no room for is
// dropped, as a terminal does, and the client is told: waiting for room would
// hold up what it says about the output.
func (c *resumable) typed(data []byte) error {
	err := c.pty.Type(data)
	switch {
	case errors.Is(err, session.ErrFull):
		return c.writeJSON(toolboxtype.PtyControl{Type: "control", Status: "input-dropped", Lost: int64(len(data))})
	case errors.Is(err, session.ErrEnded):
		return nil // the client hears of the end by the other way
	}
	return err
}

// message is what a client says in a text.
type message struct {
	Type       string
	Offset     int64
	Cols, Rows int
}

// parseMessage reads and checks a text of a client that was sent the bytes up to
// an offset, and has said that it has those up to another.
func parseMessage(data []byte, acked, sent int64) (m message, err error) {
	if err := json.Unmarshal(data, &m); err != nil {
		return m, answer.BadRequest("a text must be a JSON object with a type")
	}
	switch m.Type {
	case "ack":
		if m.Offset < acked || m.Offset > sent {
			return m, answer.BadRequest("an ack must be from %d to %d, not %d", acked, sent, m.Offset)
		}
	case "resize":
		if m.Cols < 1 || m.Rows < 1 || m.Cols > maxSize || m.Rows > maxSize {
			return m, answer.BadRequest("cols and rows must be from 1 to %d", maxSize)
		}
	case "ping":
	default:
		return m, answer.BadRequest("the type must be ack, resize or ping, not %.40q", m.Type)
	}
	return m, nil
}

// told does what the client says.
func (c *resumable) told(data []byte) error {
	c.mu.Lock()
	m, err := parseMessage(data, c.acked, c.sent)
	if err == nil && m.Type == "ack" {
		c.acked = m.Offset
	}
	c.mu.Unlock()
	switch {
	case err != nil:
		return err
	case m.Type == "ack":
		c.reader.Keep(m.Offset)
		select {
		case c.room <- struct{}{}:
		default: // it is told already
		}
	case m.Type == "ping":
		return c.writeJSON(toolboxtype.PtyControl{Type: "control", Status: "pong"})
	case m.Type == "resize":
		size, err := ptySize(&m.Cols, &m.Rows)
		if err != nil {
			return err
		}
		_ = c.pty.Resize(size) // of a shell that has ended it does not matter
	}
	return nil
}

// places are where named clients are in their terminals, also those that were cut
// off and may come back. Its zero value is ready.
type places struct {
	mu   sync.Mutex
	kept map[place]*session.Reader
}

type place struct {
	pty    *session.PTY
	client string
}

// take gives a client its place. The one that it had before, be the connection
// known to be cut or not, holds nothing up any more.
func (k *places) take(at place, r *session.Reader) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if before := k.kept[at]; before != nil {
		before.Close()
	}
	if k.kept == nil {
		k.kept = map[place]*session.Reader{}
	}
	k.kept[at] = r
}

// leave gives a place up, unless the client has taken another one meanwhile.
func (k *places) leave(at place, r *session.Reader) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r.Close()
	if k.kept[at] == r {
		delete(k.kept, at)
	}
}
