package live

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/jupyter/message"
)

// outgoing is a message that waits for a client.
type outgoing struct {
	message.Message
	stream    string // "stdout" or "stderr" for output, which can be joined with more
	text      string // of a stream
	droppable bool
	barrier   bool // no message: see Client.bar
}

// Outgoing is what to send to a client next: a message, or a question whether all
// that the client sent until now has come.
type Outgoing struct {
	Message message.Message
	Barrier bool // ask the client for a sign of life, then call Client.Passed
}

// Client is one client of a kernel. It outlives its connections: see Kernel.Join.
type Client struct {
	session string
	kernel  *Kernel

	mu       sync.Mutex
	queue    []outgoing
	bytes    int
	dropping string        // the id of the request whose output is being left out
	wake     chan struct{} // has room for one
	barriers int           // on the way: see bar
	overrun  bool
	term     int         // counts connections
	gone     *time.Timer // forgets a client that does not come back; nil while connected
}

var (
	errOverrun  = sandbox.Errorf(sandbox.KindBusy, "this client reads too slowly; connect again")
	errReplaced = sandbox.Errorf(sandbox.KindConflict, "the session has connected again elsewhere")
)

// Connection is a client as one of its connections has it.
type Connection struct {
	*Client
	term   int
	caller context.Context // who has it
}

// Next waits for what to send next and returns it in order. It returns nothing
// when ctx ends first, and an error when the connection is to be closed.
func (c Connection) Next(ctx context.Context) ([]Outgoing, error) {
	for {
		batch, err := c.take()
		if err != nil || len(batch) > 0 {
			return batch, err
		}
		select {
		case <-c.wake:
		case <-ctx.Done():
			return nil, nil
		}
	}
}

// take empties the queue.
func (c Connection) take() ([]Outgoing, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.term != c.Client.term:
		c.nudge() // it was not for this connection
		return nil, errReplaced
	case c.overrun:
		return nil, errOverrun
	}
	queue := c.queue
	c.queue, c.bytes, c.dropping = nil, 0, ""
	return joined(queue)
}

// joined makes one message of the pieces of a stream that follow each other.
func joined(queue []outgoing) ([]Outgoing, error) {
	out := make([]Outgoing, 0, len(queue))
	for i := 0; i < len(queue); {
		first, end := queue[i], i+1
		for end < len(queue) && first.stream != "" && queue[end].stream == first.stream && string(queue[end].Parent) == string(first.Parent) {
			end++
		}
		if end > i+1 {
			var text strings.Builder
			for _, piece := range queue[i:end] {
				text.WriteString(piece.text)
			}
			content, err := json.Marshal(streamContent{first.stream, text.String()})
			if err != nil {
				return nil, err
			}
			first.Content = content
		}
		out = append(out, Outgoing{Message: first.Message, Barrier: first.barrier})
		i = end
	}
	return out, nil
}

// put queues a message for the client. It never blocks.
func (c *Client) put(o outgoing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.overrun {
		return
	}
	if o.droppable && (c.bytes > clientBytes || len(c.queue) > clientItems) {
		parent := string(o.Parent)
		if c.dropping == parent {
			return
		}
		c.dropping = parent
		notice, err := c.kernel.stream(o.Parent, "stderr", "\n[Output is left out here: it came faster than this client reads.]\n")
		if err != nil {
			return
		}
		o = notice
	}
	c.queue = append(c.queue, o)
	c.bytes += o.Size() + len(o.text)
	if c.bytes > overrunBytes || len(c.queue) > 2*clientItems {
		c.overrun, c.queue, c.bytes = true, nil, 0
	}
	c.nudge()
}

// bar queues a barrier: until it has passed, what the client sends was sent
// before it saw what is queued behind.
func (c *Client) bar() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone != nil || c.overrun { // what it had sent has come, or never will
		return
	}
	c.barriers++
	c.queue = append(c.queue, outgoing{barrier: true})
	c.nudge()
}

// Passed notes that the client has answered a barrier, or will not.
func (c Connection) Passed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.term == c.Client.term && c.barriers > 0 {
		c.barriers--
	}
}

// barred reports whether a barrier is on the way.
func (c *Client) barred() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.barriers > 0
}

// connect begins a connection, which replaces the one before. It reports false for
// a client that has been given up.
func (c *Client) connect(caller context.Context) (Connection, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.overrun {
		return Connection{}, false
	}
	if c.gone != nil && !c.gone.Stop() {
		return Connection{}, false // it is being forgotten
	}
	c.gone = nil
	c.term++
	c.unbar()
	c.nudge()
	return Connection{c, c.term, caller}, true
}

// disconnect ends a connection. It reports whether the client has no other, and
// calls forget when it has not come back in time.
func (c Connection) disconnect(forget func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.term != c.Client.term {
		return false
	}
	c.unbar()
	c.gone = time.AfterFunc(comeBack, forget)
	return true
}

// unbar takes away the barriers of a connection that has ended. Preconditions:
// c.mu must be held.
func (c *Client) unbar() {
	c.barriers = 0
	kept := c.queue[:0]
	for _, o := range c.queue {
		if !o.barrier {
			kept = append(kept, o)
		}
	}
	c.queue = kept
}

// connected reports whether the client has a connection.
func (c *Client) connected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gone == nil
}

// nudge wakes the connection. Preconditions: c.mu must be held.
func (c *Client) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}
