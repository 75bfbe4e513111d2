package lsp

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
)

// maxQueued is how many messages may wait for a server that does not read.
const maxQueued = 64

// message is any message of JSON-RPC 2.0.
type message struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *rpcError       `json:"error,omitempty"`
}

// rpcError is an error that a language server answers with.
type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// Error implements error.
func (e *rpcError) Error() string { return fmt.Sprintf("%s (%d)", e.Message, e.Code) }

// methodNotFound is the code of what a server or client does not know.
const methodNotFound = -32601

// conn is a conversation with a language server.
type conn struct {
	out  chan []byte
	done chan struct{} // closed when the conversation has ended

	mu      sync.Mutex
	next    int64
	waiting map[string]chan message
	err     error // why it ended
}

// newConn starts a conversation, which goes on until r ends, ctx ends or close
// is called. The goroutines end by then, provided that reads of r and writes to
// w do too; wg counts them.
func newConn(ctx context.Context, r io.Reader, w io.Writer, wg *sync.WaitGroup) *conn {
	c := &conn{out: make(chan []byte, maxQueued), done: make(chan struct{}), waiting: map[string]chan message{}}
	wg.Go(func() { c.close(c.read(r)) })
	wg.Go(func() { c.close(c.write(ctx, w)) })
	return c
}

// close ends the conversation. Only the first reason counts.
func (c *conn) close(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.done:
	default:
		c.err = err
		close(c.done)
	}
}

func (c *conn) write(ctx context.Context, w io.Writer) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.done:
			return nil
		case body := <-c.out:
			if _, err := w.Write(frame(body)); err != nil {
				return fmt.Errorf("write to the language server: %w", err)
			}
		}
	}
}

func (c *conn) read(r io.Reader) error {
	for in := bufio.NewReaderSize(r, 64<<10); ; {
		body, err := readFrame(in)
		if err != nil {
			return err
		}
		var m message
		if err := json.Unmarshal(body, &m); err != nil {
			return fmt.Errorf("a message of the language server is not JSON: %w", err)
		}
		switch {
		case m.Method == "":
			c.deliver(m)
		case m.ID != nil:
			c.refuse(m)
		} // all else is news, for which nobody here has asked
	}
}

// deliver hands an answer to whoever waits for it.
func (c *conn) deliver(m message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if waiter, ok := c.waiting[string(m.ID)]; ok {
		waiter <- m // has room for it
		delete(c.waiting, string(m.ID))
	}
}

// refuse answers a request of the server. Servers ask for settings and for leave
// to show progress; there are none, and they may.
func (c *conn) refuse(m message) {
	answer := message{Version: "2.0", ID: m.ID}
	switch m.Method {
	case "workspace/configuration":
		answer.Result = nulls(m.Params)
	case "client/registerCapability", "client/unregisterCapability", "window/workDoneProgress/create", "window/showMessageRequest":
		answer.Result = json.RawMessage("null")
	default:
		answer.Error = &rpcError{methodNotFound, "this client cannot do that"}
	}
	if body, err := json.Marshal(answer); err == nil {
		select {
		case c.out <- body:
		default: // it asks without reading; it may do without an answer
		}
	}
}

// nulls is the answer to a request for settings: null for each.
func nulls(params json.RawMessage) json.RawMessage {
	var p struct {
		Items []json.RawMessage `json:"items"`
	}
	_ = json.Unmarshal(params, &p) // then there are none
	body, err := json.Marshal(make([]any, len(p.Items)))
	if err != nil {
		return json.RawMessage("[]")
	}
	return body
}

// send queues a message.
func (c *conn) send(ctx context.Context, m message, params any) error {
	if params != nil {
		encoded, err := json.Marshal(params)
		if err != nil {
			return err
		}
		m.Params = encoded
	}
	m.Version = "2.0"
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	select {
	case c.out <- body:
		return nil
	case <-c.done:
		return c.ended()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// notify tells the server something.
func (c *conn) notify(ctx context.Context, method string, params any) error {
	return c.send(ctx, message{Method: method}, params)
}

// call asks the server and decodes its answer into result. Its error is an
// *rpcError when the server answers with one, and errEnded when it has ended.
func (c *conn) call(ctx context.Context, method string, params, result any) error {
	id, answer := c.expect()
	defer c.forget(id)
	if err := c.send(ctx, message{ID: json.RawMessage(id), Method: method}, params); err != nil {
		return err
	}
	select {
	case m := <-answer:
		if m.Error != nil {
			return m.Error
		}
		if result == nil || len(m.Result) == 0 {
			return nil
		}
		return json.Unmarshal(m.Result, result)
	case <-c.done:
		return c.ended()
	case <-ctx.Done():
		c.cancel(id)
		return ctx.Err()
	}
}

func (c *conn) expect() (id string, answer chan message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	id, answer = fmt.Sprint(c.next), make(chan message, 1)
	c.waiting[id] = answer
	return id, answer
}

func (c *conn) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, id)
}

// cancel tells the server that nobody waits for an answer any more.
func (c *conn) cancel(id string) {
	body := fmt.Appendf(nil, `{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":%s}}`, id)
	select {
	case c.out <- body:
	default:
	}
}

// ended returns why the conversation has ended.
func (c *conn) ended() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &endedError{c.err}
}

// endedError is the error of a language server that runs no more.
type endedError struct{ reason error }

// Error implements error.
func (e *endedError) Error() string {
	if e.reason == nil || e.reason == io.EOF {
		return "the language server has ended"
	}
	return "the language server has ended: " + e.reason.Error()
}
