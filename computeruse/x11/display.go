// Package x11 uses a desktop through its X server: it looks at the screen, moves
// the pointer, presses keys and lists windows. It speaks the protocol itself, so
// it needs no programs in the sandbox.
//
// A Display is one connection. When it has ended, because the server has or did
// not answer in time, every method fails with ErrGone and a new one is needed.
package x11

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"sync"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/randr"
	"github.com/jezek/xgb/xfixes"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"
)

// ErrGone is the error of a Display whose connection has ended.
var ErrGone = errors.New("the connection to the X server has ended")

// answerTime is how long the server may take for one question. It answers within
// milliseconds; one that does not hangs.
const answerTime = 10 * time.Second

// Display is a connection to an X server. It is safe for concurrent use.
type Display struct {
	conn   *xgb.Conn
	socket net.Conn
	root   xproto.Window
	own    xproto.Window // never shown; the window manager answers with it
	pixels pixelFormat
	atoms  map[string]xproto.Atom

	closed chan struct{} // once the connection has ended
	wakers wakers

	inputs chan struct{} // holds a token while somebody uses pointer or keyboard

	// borrowed are the keys without a meaning of their own that have been given
	// one, the one longest ago first. The holder of inputs has it.
	borrowed []byte
}

// prepare makes the library quiet and keeps it from looking for a file with
// secrets: there is none, and what is in its place is the user's.
var prepare = sync.OnceFunc(func() {
	xgb.Logger = log.New(io.Discard, "", 0)
	_ = os.Setenv("XAUTHORITY", os.DevNull) // only of this process, which never starts with its own environment
})

// Open greets the server at the other end of conn, which the Display owns from
// now on.
func Open(ctx context.Context, conn net.Conn) (*Display, error) {
	prepare()
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	x, err := xgb.NewConnNet(conn)
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("connect to the X server: %w", err)
	}
	d := &Display{conn: x, socket: conn, closed: make(chan struct{}), inputs: make(chan struct{}, 1)}
	go d.readEvents()
	if err := d.setUp(); err != nil {
		d.Close()
		return nil, fmt.Errorf("set up the X connection: %w", err)
	}
	return d, nil
}

// setUp learns what does not change while the connection lives.
func (d *Display) setUp() (err error) {
	return d.limited(func() error {
		setup := xproto.Setup(d.conn)
		screen := setup.DefaultScreen(d.conn)
		if screen == nil {
			return errors.New("the server has no screen")
		}
		d.root = screen.Root
		if d.pixels, err = pixelsOf(setup, screen); err != nil {
			return err
		}
		if err := xtest.Init(d.conn); err != nil {
			return err
		}
		if err := xfixes.Init(d.conn); err != nil {
			return err
		}
		if _, err := xfixes.QueryVersion(d.conn, 5, 0).Reply(); err != nil {
			return err
		}
		if err := randr.Init(d.conn); err != nil {
			return err
		}
		if _, err := randr.QueryVersion(d.conn, 1, 5).Reply(); err != nil {
			return err
		}
		if err := d.internAtoms(); err != nil {
			return err
		}
		return d.makeOwnWindow()
	})
}

func (d *Display) internAtoms() error {
	names := []string{
		"_NET_SUPPORTING_WM_CHECK", "_NET_CLIENT_LIST_STACKING", "_NET_CLIENT_LIST", "_NET_ACTIVE_WINDOW", "_NET_WM_NAME", "_NET_WM_PID",
		"_NET_FRAME_EXTENTS", "_NET_WM_WINDOW_TYPE", "_NET_WM_WINDOW_TYPE_DESKTOP", "_NET_WM_WINDOW_TYPE_DOCK", "_NET_WM_PING",
		"_NET_SUPPORTED", "_NET_REQUEST_FRAME_EXTENTS", "WM_PROTOCOLS", "UTF8_STRING",
	}
	d.atoms = map[string]xproto.Atom{}
	for _, name := range names {
		reply, err := xproto.InternAtom(d.conn, false, uint16(len(name)), name).Reply()
		if err != nil {
			return err
		}
		d.atoms[name] = reply.Atom
	}
	mask := []uint32{xproto.EventMaskPropertyChange | xproto.EventMaskSubstructureNotify}
	return xproto.ChangeWindowAttributesChecked(d.conn, d.root, xproto.CwEventMask, mask).Check()
}

// Close ends the connection.
func (d *Display) Close() {
	_ = d.socket.Close()
	<-d.closed
}

// Closed is closed once the connection has ended.
func (d *Display) Closed() <-chan struct{} { return d.closed }

// readEvents takes events until the connection ends, so that none stand in the
// way of answers, and wakes who waits for one.
func (d *Display) readEvents() {
	defer close(d.closed)
	for {
		event, err := d.conn.WaitForEvent()
		if event == nil && err == nil {
			d.wakers.wake(nil)
			return
		}
		if event != nil {
			d.wakers.wake(event)
		}
	}
}

// limited runs requests that the server answers at once. A server that does not
// is given up, and fn, which then fails, may take longer.
func (d *Display) limited(fn func() error) error {
	timer := time.AfterFunc(answerTime, func() { _ = d.socket.Close() })
	err := fn()
	if !timer.Stop() {
		return fmt.Errorf("the X server did not answer within %v: %w", answerTime, ErrGone)
	}
	select {
	case <-d.closed:
		return ErrGone
	default:
	}
	if errors.Is(err, io.EOF) {
		return ErrGone
	}
	return err
}

// wakers passes events on to whoever waits for one.
type wakers struct {
	mu   sync.Mutex
	next int
	all  map[int]chan xgb.Event
}

// listen returns a channel of the events from now on. A listener that does not
// keep up misses some.
func (w *wakers) listen() (events <-chan xgb.Event, stop func()) {
	c := make(chan xgb.Event, 64)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = map[int]chan xgb.Event{}
	}
	id := w.next
	w.next++
	w.all[id] = c
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.all, id)
	}
}

// wake tells listeners of an event; nil is the end of the connection.
func (w *wakers) wake(event xgb.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.all {
		select {
		case c <- event:
		default:
		}
	}
}
