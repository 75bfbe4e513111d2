package live

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/jupyter/message"
)

// Kernel is a kernel that clients are connected to. It is safe for concurrent
// use.
type Kernel struct {
	ctx     context.Context // of cells
	interp  Interpreter
	version string // of the server
	author  message.Author
	log     *slog.Logger

	mu       sync.Mutex
	clients  []*Client
	queue    []*request
	current  *request // that the interpreter serves now; nil while the kernel is idle
	dead     bool
	starts   int // counts restarts
	activity time.Time
	history  history
}

// request is a message that waits for an answer.
type request struct {
	message.Message
	client *Client
	caller context.Context // who sent it

	// Of an execute_request that runs:
	stdin *sandbox.Stdin
	asked bool // an input_request is out
}

// New returns a kernel whose cells run until ctx ends.
func New(ctx context.Context, interp Interpreter, version string, log *slog.Logger) *Kernel {
	return &Kernel{
		ctx: ctx, interp: interp, version: version, log: log, activity: time.Now(),
		author: message.Author{Session: sandbox.NewUUID(), Username: "sandpiper"},
	}
}

// Status is what a kernel says of itself outside of messages.
type Status struct {
	State       string // "idle", "busy" or "dead"
	Activity    time.Time
	Connections int
}

// Status returns the kernel's status.
func (k *Kernel) Status() Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := Status{State: "idle", Activity: k.activity}
	switch {
	case k.dead:
		s.State = "dead"
	case k.current != nil:
		s.State = "busy"
	}
	for _, c := range k.clients {
		if c.connected() {
			s.Connections++
		}
	}
	return s
}

// Unused reports whether nobody would miss the kernel: it has neither clients,
// also none that may come back, nor work.
func (k *Kernel) Unused() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.clients) == 0 && k.current == nil && len(k.queue) == 0
}

// Join connects a client, whom the caller's context names. One that names the session
// of an earlier connection takes its place and gets what that one missed.
func (k *Kernel) Join(caller context.Context, session string) (Connection, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.dead {
		return Connection{}, sandbox.Errorf(sandbox.KindNotFound, "this kernel has been shut down")
	}
	if i := slices.IndexFunc(k.clients, func(c *Client) bool { return session != "" && c.session == session }); i >= 0 {
		if conn, ok := k.clients[i].connect(caller); ok {
			k.askAgain(k.clients[i])
			return conn, nil
		}
		k.clients = slices.Delete(k.clients, i, i+1)
	}
	if len(k.clients) >= maxClients {
		i := slices.IndexFunc(k.clients, func(c *Client) bool { return !c.connected() })
		if i < 0 {
			return Connection{}, sandbox.Errorf(sandbox.KindBusy, "this kernel has %d clients, which is the most it can have; close one", maxClients)
		}
		k.clients = slices.Delete(k.clients, i, i+1)
	}
	c := &Client{session: session, kernel: k, wake: make(chan struct{}, 1)}
	conn, _ := c.connect(caller)
	k.clients = append(k.clients, c)
	return conn, nil
}

// Leave ends a connection. Its client is kept for a time when it has a name to
// come back under.
func (k *Kernel) Leave(c Connection) {
	last := c.disconnect(func() { k.forget(c.Client) })
	if last && c.session == "" {
		k.forget(c.Client)
	}
}

// forget takes a client away. A cell that waits for its input gets the end of it.
func (k *Kernel) forget(c *Client) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.clients = slices.DeleteFunc(k.clients, func(other *Client) bool { return other == c })
	if r := k.current; r != nil && r.client == c && r.stdin != nil {
		_ = r.stdin.Close() // never fails
	}
}

// Handle takes in a message of a client. It does not wait for cells.
func (k *Kernel) Handle(c Connection, m message.Message) {
	r := &request{Message: m, client: c.Client, caller: c.caller}
	switch {
	case m.Head.Type == "input_reply":
		k.input(r)
	case waits[m.Head.Type]:
		k.enqueue(r)
	default:
		k.answerNow(r)
	}
}

// enqueue has a request served in its turn.
func (k *Kernel) enqueue(r *request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.activity = time.Now()
	switch {
	case k.dead:
		k.settle(r, failure("DeadKernel", "this kernel has been shut down"))
	case r.Head.Type == "execute_request" && r.client.barred():
		k.settle(r, aborted)
	case len(k.queue) >= maxQueue:
		k.settle(r, failure("QueueFull", "too many requests wait for this kernel"))
	default:
		k.queue = append(k.queue, r)
		if k.current == nil {
			k.current = k.pop()
			go k.work()
		}
	}
}

// pop takes the next request out of the queue. Preconditions: k.mu must be held.
func (k *Kernel) pop() *request {
	if len(k.queue) == 0 {
		return nil
	}
	r := k.queue[0]
	k.queue = k.queue[1:]
	return r
}

// work serves the current request and those that wait, until there are none.
func (k *Kernel) work() {
	for {
		k.mu.Lock()
		r := k.current
		k.mu.Unlock()
		if r == nil {
			return
		}
		k.status(r.Header, "busy")
		k.serve(r)
		k.mu.Lock()
		k.publish("status", r.Header, statusContent{"idle"})
		k.activity = time.Now()
		k.current = k.pop()
		k.mu.Unlock()
	}
}

// abortQueue answers the cells that wait with "aborted". Preconditions: k.mu
// must be held.
func (k *Kernel) abortQueue() { k.abort(func(*request) bool { return true }) }

// Abandon is for a client that is not let in any longer: its cells that wait are
// aborted. The one that runs is ended by the interpreter.
func (k *Kernel) Abandon(c *Client) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.abort(func(r *request) bool { return r.client == c })
}

// abort answers some of the cells that wait. Preconditions: k.mu must be held.
func (k *Kernel) abort(which func(*request) bool) {
	kept := k.queue[:0]
	for _, r := range k.queue {
		if r.Head.Type == "execute_request" && which(r) {
			k.settle(r, aborted)
		} else {
			kept = append(kept, r)
		}
	}
	k.queue = kept
}

// settle answers a request that the interpreter has no part in. Preconditions:
// k.mu must be held.
func (k *Kernel) settle(r *request, content any) {
	k.publish("status", r.Header, statusContent{"busy"})
	k.reply(r, content)
	k.publish("status", r.Header, statusContent{"idle"})
	k.stillBusy()
}

// stillBusy says again what the kernel does, after an answer in between.
// Preconditions: k.mu must be held.
func (k *Kernel) stillBusy() {
	if k.current != nil {
		k.publish("status", k.current.Header, statusContent{"busy"})
	}
}

// status tells all clients what the kernel does.
func (k *Kernel) status(parent json.RawMessage, state string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.publish("status", parent, statusContent{state})
}

// publish tells all clients something. Preconditions: k.mu must be held, so that
// all get everything in the same order.
func (k *Kernel) publish(kind string, parent json.RawMessage, content any) {
	m, err := k.author.Write(message.IOPub, kind, parent, content)
	if err != nil {
		k.log.Error("write a message for Jupyter's clients", "type", kind, "error", err)
		return
	}
	k.spread(outgoing{Message: m, droppable: kind == "display_data" || kind == "update_display_data"})
}

// spread queues a message for all clients. Preconditions: k.mu must be held.
func (k *Kernel) spread(o outgoing) {
	for _, c := range k.clients {
		c.put(o)
	}
}

// stream returns a message with output.
func (k *Kernel) stream(parent json.RawMessage, name, text string) (outgoing, error) {
	m, err := k.author.Write(message.IOPub, "stream", parent, streamContent{name, text})
	return outgoing{Message: m, stream: name, text: text, droppable: true}, err
}

// print tells all clients what a program printed.
func (k *Kernel) print(r *request, name, text string) {
	if text == "" {
		return
	}
	o, err := k.stream(r.Header, name, text)
	if err != nil {
		k.log.Error("write output for Jupyter's clients", "error", err)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.spread(o)
}

// reply answers a request on the channel by which it came.
func (k *Kernel) reply(r *request, content any) {
	k.tell(r, r.Channel, replyType(r.Head.Type), content)
}

// tell sends a message to the client of a request alone.
func (k *Kernel) tell(r *request, channel message.Channel, kind string, content any) {
	m, err := k.author.Write(channel, kind, r.Header, content)
	if err != nil {
		k.log.Error("write an answer for a Jupyter client", "type", kind, "error", err)
		return
	}
	r.client.put(outgoing{Message: m})
}

// Interrupt interrupts the cell that runs.
func (k *Kernel) Interrupt(ctx context.Context) error { return k.interp.Interrupt(ctx) }

// Restart gives the kernel a fresh state. What waits is aborted.
func (k *Kernel) Restart(ctx context.Context) error {
	k.mu.Lock()
	k.abortQueue()
	k.starts++
	k.mu.Unlock()
	if err := k.interp.Restart(ctx); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.history = history{}
	k.publish("shutdown_reply", nil, shutdownContent{Status: "ok", Restart: true})
	k.publish("status", nil, statusContent{"starting"})
	if k.current == nil {
		k.publish("status", nil, statusContent{"idle"})
	}
	return nil
}

// Delete ends the kernel for good, and its session.
func (k *Kernel) Delete(ctx context.Context) error {
	if err := k.interp.Delete(ctx); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dead = true
	k.abortQueue()
	k.publish("shutdown_reply", nil, shutdownContent{Status: "ok"})
	k.publish("status", nil, statusContent{"dead"})
	return nil
}
