package process

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/coder/websocket"

	"sandpiper/sandbox/session"
	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

// exitProtocol is the subprotocol of clients that want to be told of the exit in
// a message besides the close frame.
const exitProtocol = "X-Daytona-Pty-Exit-Control"

func (h *Handler) connectPTY(w http.ResponseWriter, r *http.Request) error {
	return h.converse(w, r, func() (*session.PTY, error) {
		p, err := h.sessions.PTY(r.PathValue("sessionId"))
		return p, problem(err)
	})
}

func (h *Handler) createAndConnectPTY(w http.ResponseWriter, r *http.Request) error {
	return h.converse(w, r, func() (*session.PTY, error) {
		q, err := ptyFromQuery(r)
		if err != nil {
			return nil, err
		}
		return h.newPTY(q)
	})
}

// converse connects a client to a terminal: what the terminal still shows comes
// first. Errors go over the connection, since clients wait for a first message
// there.
func (h *Handler) converse(w http.ResponseWriter, r *http.Request, find func() (*session.PTY, error)) error {
	if !isUpgrade(r) {
		w.Header().Set("Upgrade", "websocket")
		return answer.BadRequest("connect here with a WebSocket")
	}
	s, err := h.accept(w, r, resumeProtocol, exitProtocol)
	if err != nil {
		return nil // it is answered
	}
	defer s.release()
	p, err := find()
	if err == nil {
		err = problem(p.Start())
	}
	if err == nil && s.conn.Subprotocol() == resumeProtocol {
		h.converseResumable(s, r, p)
		return nil
	}
	var offset int64
	if err == nil {
		offset, err = logOffset(r, p.Log())
	}
	if err != nil {
		s.refuse(err)
		return nil
	}
	if err := s.writeJSON(toolboxtype.PtyControl{Type: "control", Status: "connected"}); err != nil {
		return nil // the client is gone
	}
	h.open.Go(func() { s.type_(p) })
	go s.keepAlive()
	s.show(p, offset)
	return nil
}

// refuse tells a client why it cannot have its terminal.
func (s *socket) refuse(err error) {
	message := answer.Public(err).Message
	_ = s.writeJSON(toolboxtype.PtyControl{Type: "control", Status: "error", Error: message}) // the close frame tells as well
	s.close(websocket.StatusPolicyViolation, exitText(toolboxtype.PtyExit{Error: message}))
}

// type_ passes on what the client types, until it goes away.
func (s *socket) type_(p *session.PTY) {
	defer s.cancel()
	for {
		_, data, err := s.conn.Read(s.ctx)
		if err != nil {
			return
		}
		if err := p.Write(s.ctx, data); errors.Is(err, session.ErrEnded) {
			// The client hears of the end by the other way.
			<-s.ctx.Done()
			return
		} else if err != nil {
			return
		}
	}
}

// show passes on what the terminal shows, and at last how its shell ended.
func (s *socket) show(p *session.PTY, offset int64) {
	reader := p.Log().Reader(offset)
	defer reader.Close()
	for {
		chunk, _, err := reader.Next(s.ctx)
		if errors.Is(err, io.EOF) {
			s.bye(p)
			return
		}
		if err == nil && len(chunk.Data) > 0 {
			err = s.write(websocket.MessageBinary, chunk.Data)
		}
		switch {
		case err == nil:
		case s.h.ctx.Err() != nil:
			s.close(websocket.StatusGoingAway, "the sandbox is stopping")
			return
		case errors.Is(err, context.Canceled):
			return
		default:
			s.close(websocket.StatusInternalError, "the terminal's output could not be sent")
			return
		}
	}
}

// bye tells how the shell ended.
func (s *socket) bye(p *session.PTY) {
	select {
	case <-p.Done():
	case <-s.ctx.Done():
		return
	}
	code, reason := p.Exit()
	if told := s.conn.Subprotocol(); told == exitProtocol || told == resumeProtocol {
		_ = s.writeJSON(toolboxtype.PtyControl{Type: "control", Status: "exited", ExitCode: &code, ExitReason: reason})
	}
	s.close(websocket.StatusNormalClosure, exitText(toolboxtype.PtyExit{ExitCode: &code, ExitReason: reason}))
}

// exitText is the JSON of a close frame's reason, which must fit there whole.
func exitText(e toolboxtype.PtyExit) string {
	for {
		data, err := json.Marshal(e)
		if err != nil {
			return ""
		}
		if len(data) <= maxReason {
			return string(data)
		}
		over := len(data) - maxReason
		e.ExitReason = cut(e.ExitReason, max(0, len(e.ExitReason)-over))
		e.Error = cut(e.Error, max(0, len(e.Error)-over))
	}
}
