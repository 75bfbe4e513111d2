package wire

import (
	"context"
	"errors"
	"os"
	"sync"

	"sandpiper/runtimes/wasm/frame"
)

// ErrGone is for a request whose other side is not there any more.
var ErrGone = errors.New("the other side of the shell has gone")

// Handler carries out a request. It runs on the goroutine that reads, so one that
// takes long answers from a goroutine of its own. answer is to be called once;
// for a request that wants no answer it does nothing. The Files are the handler's
// to close.
type Handler func(m *Message, answer func(*Message))

// Peer is one side of a connection.
type Peer struct {
	conn   *frame.Conn
	handle Handler
	done   chan struct{} // closed when the connection has ended

	mu      sync.Mutex
	next    uint64
	waiting map[uint64]chan *Message
	gone    bool
}

// NewPeer takes over f, a connected unix stream socket. Serve must be called.
func NewPeer(f *os.File, handle Handler) (*Peer, error) {
	c, err := frame.NewConn(f, limits)
	if err != nil {
		return nil, err
	}
	return &Peer{conn: c, handle: handle, done: make(chan struct{}), waiting: map[uint64]chan *Message{}}, nil
}

// Serve reads messages until the connection ends.
func (p *Peer) Serve() {
	defer p.end()
	for {
		m, err := receive(p.conn)
		if err != nil {
			return
		}
		if m.Answer {
			p.deliver(m)
			continue
		}
		p.handle(m, func(answer *Message) {
			if m.ID == 0 {
				return
			}
			answer.ID, answer.Answer = m.ID, true
			if err := send(p.conn, answer); errors.Is(err, ErrTooLarge) {
				failure := Fail(err)
				failure.ID, failure.Answer = m.ID, true
				_ = send(p.conn, failure) // the other side has gone if this fails
			}
		})
	}
}

// Close ends the connection: Serve returns.
func (p *Peer) Close() { _ = p.conn.Shut() }

// Done is closed when the connection has ended.
func (p *Peer) Done() <-chan struct{} { return p.done }

func (p *Peer) end() {
	p.conn.Release()
	p.mu.Lock()
	p.gone = true
	p.mu.Unlock()
	close(p.done)
}

// deliver hands an answer to whoever waits for it.
func (p *Peer) deliver(m *Message) {
	p.mu.Lock()
	c := p.waiting[m.ID]
	delete(p.waiting, m.ID)
	p.mu.Unlock()
	if c == nil {
		closeAll(m.Files)
		return
	}
	c <- m // never blocks: room for one, and one at most
}

// Tell sends a request that wants no answer.
func (p *Peer) Tell(m *Message) error { return send(p.conn, m) }

// Call sends a request and waits for its answer, whose Error it returns too. When
// ctx is done first, the other side is told to cancel the request, and its answer
// is waited for all the same.
func (p *Peer) Call(ctx context.Context, m *Message) (*Message, error) {
	return p.CallWith(ctx, m, func() {})
}

// CallWith is Call with a function that is called once the request has been sent,
// or could not be.
func (p *Peer) CallWith(ctx context.Context, m *Message, sent func()) (*Message, error) {
	id, answer, err := p.expect()
	if err != nil {
		sent()
		return nil, err
	}
	m.ID = id
	err = send(p.conn, m)
	sent()
	if err != nil {
		p.forget(id)
		return nil, err
	}
	cancelled := ctx.Done()
	for {
		select {
		case a := <-answer:
			return a, a.Error()
		case <-p.done:
			select { // it may have come just before
			case a := <-answer:
				return a, a.Error()
			default:
				return nil, ErrGone
			}
		case <-cancelled:
			cancelled = nil
			_ = p.Tell(&Message{Op: OpCancel, Target: id}) // without the other side there is p.done
		}
	}
}

func (p *Peer) expect() (uint64, chan *Message, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return 0, nil, ErrGone
	}
	p.next++
	c := make(chan *Message, 1)
	p.waiting[p.next] = c
	return p.next, c, nil
}

func (p *Peer) forget(id uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, id)
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}
