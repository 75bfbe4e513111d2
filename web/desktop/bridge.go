package desktop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/coder/websocket"

	"sandpiper/sandbox"
	"sandpiper/web/desktop/rfb"
)

const (
	handshakeTime = 10 * time.Second // for either side
	writeTime     = 30 * time.Second // for either side to take what was written
	pingEvery     = 20 * time.Second // to a browser that may be gone
	lookEvery     = time.Second      // whether the sandbox and the link still are
	touchEvery    = 20 * time.Second // how exactly activity is known
	copySize      = 32 << 10
	screenName    = "Desktop" // what those who watch are told
)

// errNoDesktop is for a sandbox in which nothing shows a screen.
var errNoDesktop = sandbox.Errorf(sandbox.KindNotFound, "the desktop of this sandbox is not running")

// bridge leads messages between a browser and a sandbox's screen until one of
// them ends, the sandbox stops, or the link is over. Without a link the browser
// controls the screen. The error says why it ended.
func (h *Handler) bridge(ctx context.Context, c *websocket.Conn, s sandbox.Sandbox, l *sandbox.DesktopLink, token string) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	p := &person{end: end}
	if l != nil {
		p.link = l.ID
	}
	leave, err := h.rooms.enter(s.ID, p)
	if err != nil {
		return err
	}
	defer leave()
	screen, err := h.dial(ctx, s)
	if err != nil {
		return err
	}
	defer screen.Close()
	c.SetReadLimit(maxFrame)
	b := &bridge{h: h, s: s, link: l, token: token, person: p, socket: c, screen: &patientConn{screen}}
	b.browser = &browserConn{ctx: context.WithoutCancel(ctx), conn: c} // else nobody could tell it why it ends
	return b.run(ctx, end)
}

// dial connects to the screen's VNC server.
func (h *Handler) dial(ctx context.Context, s sandbox.Sandbox) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	conn, err := h.manager.Dial(ctx, s.ID, sandbox.DesktopPort)
	if err != nil && sandbox.KindOf(err) == sandbox.KindNotFound {
		return nil, errNoDesktop
	}
	return conn, err
}

// bridge is one connection between a browser and a screen.
type bridge struct {
	h       *Handler
	s       sandbox.Sandbox
	link    *sandbox.DesktopLink // nil for a member
	token   string
	person  *person
	socket  *websocket.Conn
	browser *browserConn
	screen  *patientConn
}

// run shakes hands and then copies both ways. Whatever ends first ends the rest.
func (b *bridge) run(ctx context.Context, end context.CancelCauseFunc) error {
	stop := context.AfterFunc(ctx, func() { _ = b.screen.Close() }) // wakes whoever waits for it
	defer stop()
	if err := b.shakeHands(); err != nil {
		return b.cause(ctx, err)
	}
	done := make(chan error, 3)
	go func() { done <- b.watch(ctx) }()
	go func() { done <- gone(rfb.CopyClient(b.screen, b.browser, b.policy(ctx))) }()
	go func() { done <- b.ended(b.copyScreen()) }()
	err := <-done
	err = b.cause(ctx, err)
	end(err)
	closeWith(b.socket, err)
	<-done
	<-done
	return err
}

// cause is why the connection ends: what ended ctx where that came first.
func (b *bridge) cause(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return errShutDown
}

func (b *bridge) shakeHands() error {
	if err := b.screen.SetDeadline(time.Now().Add(handshakeTime)); err != nil {
		return err
	}
	screen, err := rfb.Join(b.screen)
	switch {
	case errors.Is(err, rfb.ErrNoScreen):
		return &sandbox.Error{Kind: sandbox.KindUnsupported, Message: "what answers in place of the desktop cannot be shown here", Err: err}
	case err != nil:
		return &sandbox.Error{Kind: sandbox.KindUnavailable, Message: "the desktop did not answer in time; it may still be starting", RetryAfter: time.Second, Err: err}
	}
	if b.link != nil {
		screen.Name, screen.Format = screenName, rfb.Plain
		if err := rfb.SetPixelFormat(b.screen, rfb.Plain); err != nil {
			return b.ended(err)
		}
	}
	if err := b.screen.SetDeadline(time.Time{}); err != nil {
		return b.ended(err)
	}
	timer := time.AfterFunc(handshakeTime, func() { _ = b.socket.CloseNow() })
	defer timer.Stop()
	if err := rfb.Greet(b.browser, screen); err != nil {
		return gone(err)
	}
	return nil
}

// policy is what of the browser's messages reaches the screen.
func (b *bridge) policy(ctx context.Context) rfb.ClientPolicy {
	var touched time.Time
	return rfb.ClientPolicy{View: b.link != nil, Input: func() {
		now := b.h.now()
		b.person.act(now, time.Second)
		if now.Sub(touched) < touchEvery {
			return
		}
		touched = now
		if err := b.h.manager.Touch(ctx, b.s.Organization, b.s.ID, sandbox.ActivityTerminal); err != nil && ctx.Err() == nil {
			b.h.log.DebugContext(ctx, "note activity", "sandbox", b.s.ID, "error", err)
		}
	}}
}

// copyScreen leads what the screen says to the browser. For those who watch it
// looks at each message.
func (b *bridge) copyScreen() error {
	if b.link != nil {
		return rfb.CopyServer(b.browser, b.screen, b.link.Text)
	}
	_, err := io.CopyBuffer(b.browser, struct{ io.Reader }{b.screen}, make([]byte, copySize))
	return err
}

// watch returns when the sandbox, the link or the browser no longer is.
func (b *bridge) watch(ctx context.Context) error {
	look, ping := time.NewTicker(lookEvery), time.NewTicker(pingEvery)
	defer look.Stop()
	defer ping.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-look.C:
			if err := b.look(ctx); err != nil {
				return err
			}
		case <-ping.C:
			if err := b.ping(ctx); err != nil {
				return gone(err)
			}
		}
	}
}

func (b *bridge) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingEvery)
	defer cancel()
	return b.socket.Ping(ctx)
}

// look reports why the connection must end.
func (b *bridge) look(ctx context.Context) error {
	s, err := b.h.manager.ByID(ctx, b.s.ID)
	if err != nil {
		return err
	}
	switch {
	case s.State != sandbox.StateStarted && !working[s.State]:
		return sandbox.Errorf(sandbox.KindConflict, "the sandbox is %s", s.State)
	case b.link != nil && !b.h.signed(s, *b.link, b.token):
		return errLinkGone
	}
	return nil
}

// working are the states in which a sandbox goes on to run.
var working = map[sandbox.State]bool{sandbox.StateResizing: true, sandbox.StateForking: true, sandbox.StateSnapping: true}

// ended says why the screen said no more.
func (b *bridge) ended(err error) error {
	if errors.Is(err, sandbox.ErrClientGone) {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTime)
	defer cancel()
	if reason := b.look(ctx); reason != nil {
		return reason
	}
	return &sandbox.Error{Kind: sandbox.KindNotFound, Message: "the desktop was stopped, or ended by itself", Err: err}
}

// gone marks an error as the browser's end.
func gone(err error) error {
	if err == nil {
		return sandbox.ErrClientGone
	}
	return fmt.Errorf("%w: %w", sandbox.ErrClientGone, err)
}

// patientConn gives its peer a time for each piece that is written.
type patientConn struct{ net.Conn }

// Write implements io.Writer.
func (c *patientConn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// browserConn is a WebSocket as a stream of bytes. A browser that does not take
// what is written in time is gone.
type browserConn struct {
	ctx     context.Context
	conn    *websocket.Conn
	message io.Reader // what is left of the one at hand
}

// Read implements io.Reader.
func (c *browserConn) Read(p []byte) (int, error) {
	for {
		if c.message == nil {
			kind, r, err := c.conn.Reader(c.ctx)
			if err != nil {
				return 0, ended(err)
			}
			if kind != websocket.MessageBinary {
				return 0, errors.New("a message is not binary")
			}
			c.message = r
		}
		n, err := c.message.Read(p)
		if errors.Is(err, io.EOF) {
			c.message, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// ended makes a proper close the end of the stream.
func ended(err error) error {
	switch websocket.CloseStatus(err) {
	case websocket.StatusNormalClosure, websocket.StatusGoingAway, websocket.StatusNoStatusRcvd:
		return io.EOF
	}
	return err
}

// Write implements io.Writer.
func (c *browserConn) Write(p []byte) (int, error) {
	ctx, cancel := context.WithTimeout(c.ctx, writeTime)
	defer cancel()
	if err := c.conn.Write(ctx, websocket.MessageBinary, p); err != nil {
		return 0, gone(err)
	}
	return len(p), nil
}
