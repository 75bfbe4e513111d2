package desktop

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"

	"sandpiper/sandbox"
	"sandpiper/web/auth"
	"sandpiper/web/reply"
)

const (
	protocol  = "binary" // of the WebSocket, as noVNC calls it
	maxReason = 123      // what a close frame has room for, in bytes
	refused   = 4000     // plus an HTTP status: how a connection closes that is not wanted
	maxFrame  = 2 << 20  // of one message; a copied text is the largest
	shutDown  = "the server is shutting down; the page connects again by itself"
)

// errShutDown ends connections when the server does.
var errShutDown = &sandbox.Error{Kind: sandbox.KindUnavailable, Message: shutDown}

// getSocket connects a member's browser with a sandbox's screen. No browser
// holds pages to their origin over WebSockets, so only our own pages get in.
func (h *Handler) getSocket(w http.ResponseWriter, r *http.Request) error {
	s, err := h.writable(r)
	if err != nil {
		return err
	}
	return h.connect(w, r, s, func(ctx context.Context, c *websocket.Conn) error {
		ctx, cancel := auth.Lasting(ctx)
		defer cancel()
		return h.bridge(ctx, c, s, nil, "")
	})
}

// getSharedSocket connects a browser that has a link.
func (h *Handler) getSharedSocket(w http.ResponseWriter, r *http.Request) error {
	l, s, err := h.open(r)
	if err != nil {
		return err
	}
	return h.connect(w, r, s, func(ctx context.Context, c *websocket.Conn) error {
		ctx, cancel := context.WithDeadlineCause(ctx, time.Now().Add(l.ExpiresAt.Sub(h.now())), errLinkOver)
		defer cancel()
		return h.bridge(ctx, c, s, &l, r.PathValue("token"))
	})
}

// connect accepts a WebSocket, and closes it with why serve ended.
func (h *Handler) connect(w http.ResponseWriter, r *http.Request, s sandbox.Sandbox, serve func(context.Context, *websocket.Conn) error) error {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") || !slices.Contains(subprotocols(r), protocol) {
		return sandbox.Errorf(sandbox.KindInvalid, "connect here with a WebSocket of the protocol %s", protocol)
	}
	if !h.guard.OwnPage(r) {
		return sandbox.Errorf(sandbox.KindForbidden, "a page of another site may not connect to a desktop")
	}
	// Our own pages are told apart above, behind proxies too.
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{protocol}, InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return &sandbox.Error{Kind: sandbox.KindInvalid, Message: "the WebSocket handshake is not valid", Err: err}
	}
	defer func() { _ = c.CloseNow() }() // it is over either way
	ctx, cancel := h.calls.Attach(r.Context())
	defer cancel()
	err = serve(ctx, c)
	closeWith(c, err)
	h.log.DebugContext(r.Context(), "desktop connection ended", "sandbox", s.ID, "error", err)
	return nil
}

func subprotocols(r *http.Request) []string {
	var out []string
	for _, header := range r.Header.Values("Sec-Websocket-Protocol") {
		for name := range strings.SplitSeq(header, ",") {
			out = append(out, strings.TrimSpace(name))
		}
	}
	return out
}

// closeWith tells the browser why its connection ends: with 1000 where it ended
// by itself, else with 4000 and the status of the error.
func closeWith(c *websocket.Conn, err error) {
	if err == nil || errors.Is(err, sandbox.ErrClientGone) {
		_ = c.Close(websocket.StatusNormalClosure, "")
		return
	}
	e := reply.Public(err)
	reason := e.Message
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason-3], "") + "…"
	}
	_ = c.Close(websocket.StatusCode(refused+reply.Status(e.Kind)), reason)
}
