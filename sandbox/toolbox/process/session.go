package process

import (
	"errors"
	"net/http"
	"strings"

	"sandpiper/sandbox/session"
	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

func (h *Handler) listSessions(w http.ResponseWriter, r *http.Request) error {
	list := []toolboxtype.Session{}
	for _, s := range h.sessions.Sessions() {
		list = append(list, wireSession(s))
	}
	return answer.JSON(w, http.StatusOK, list)
}

func (h *Handler) createSession(w http.ResponseWriter, r *http.Request) error {
	var q toolboxtype.CreateSessionRequest
	if err := answer.Decode(w, r, &q); err != nil {
		return err
	}
	if q.SessionID == "" {
		return answer.BadRequest("sessionId is missing")
	}
	if _, err := h.sessions.Create(r.Context(), q.SessionID); err != nil {
		return problem(err)
	}
	w.WriteHeader(http.StatusCreated)
	return nil
}

func (h *Handler) session(w http.ResponseWriter, r *http.Request) error {
	s, err := h.sessions.Session(r.PathValue("sessionId"))
	if err != nil {
		return problem(err)
	}
	return answer.JSON(w, http.StatusOK, wireSession(s))
}

func (h *Handler) deleteSession(w http.ResponseWriter, r *http.Request) error {
	if err := h.sessions.Delete(r.PathValue("sessionId")); err != nil {
		return problem(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h *Handler) sessionCommand(w http.ResponseWriter, r *http.Request) error {
	c, err := h.command(r)
	if err != nil {
		return err
	}
	return answer.JSON(w, http.StatusOK, wireCommand(c))
}

// command returns the command that a request's path names.
func (h *Handler) command(r *http.Request) (*session.Command, error) {
	s, err := h.sessions.Session(r.PathValue("sessionId"))
	if err != nil {
		return nil, problem(err)
	}
	c, err := s.Command(r.PathValue("commandId"))
	if err != nil {
		return nil, problem(err)
	}
	return c, nil
}

// sessionExec runs a command in a session. A command that is waited for goes on
// when its client goes away; its output stays in the session.
func (h *Handler) sessionExec(w http.ResponseWriter, r *http.Request) error {
	var q toolboxtype.SessionExecuteRequest
	if err := answer.Decode(w, r, &q); err != nil {
		return err
	}
	switch {
	case strings.TrimSpace(q.Command) == "":
		return answer.BadRequest("command is missing")
	case strings.Contains(q.Command, "\x00"):
		return answer.BadRequest("command holds a NUL")
	}
	s, err := h.sessions.Session(r.PathValue("sessionId"))
	if err != nil {
		return problem(err)
	}
	async := q.RunAsync || q.Async
	c, err := s.Exec(q.Command, session.Options{Input: async, Quiet: q.SuppressInputEcho})
	if err != nil {
		return problem(err)
	}
	if async {
		return answer.JSON(w, http.StatusAccepted, toolboxtype.SessionExecuteResponse{CmdID: c.ID})
	}
	select {
	case <-c.Done():
	case <-r.Context().Done():
		return nil // nobody is left to tell
	}
	if err := c.Err(); errors.Is(err, session.ErrEnded) {
		return problem(err)
	}
	return answer.JSON(w, http.StatusOK, ended(c, wantsPrefixes(r, multiplexedUntil)))
}

// ended tells how a command ended. Older clients find the streams in the output
// by their prefixes.
func ended(c *session.Command, prefixes bool) toolboxtype.SessionExecuteResponse {
	logs := read(c.Log(), 0)
	output := logs.output
	if prefixes {
		output = logs.multiplexed
	}
	code, _ := c.ExitCode()
	return toolboxtype.SessionExecuteResponse{CmdID: c.ID, Output: &output, Stdout: &logs.stdout, Stderr: &logs.stderr, ExitCode: &code}
}

// commandInput gives a running command input. Programs read lines, and clients
// leave the end of the last one out, so it is added.
func (h *Handler) commandInput(w http.ResponseWriter, r *http.Request) error {
	var q struct{ Data *string }
	if err := answer.Decode(w, r, &q); err != nil {
		return err
	}
	if q.Data == nil {
		return answer.BadRequest("data is missing")
	}
	c, err := h.command(r)
	if err != nil {
		return err
	}
	data := *q.Data
	if !strings.HasSuffix(data, "\n") {
		data += "\n"
	}
	if err := c.Send(r.Context(), []byte(data)); err != nil {
		return problem(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h *Handler) entrypoint(w http.ResponseWriter, r *http.Request) error {
	s := toolboxtype.Session{SessionID: session.EntrypointID, Commands: []toolboxtype.Command{}}
	if c := h.sessions.Entrypoint(); c != nil {
		s.Commands = append(s.Commands, wireCommand(c))
	}
	return answer.JSON(w, http.StatusOK, s)
}

func wireSession(s *session.Session) toolboxtype.Session {
	wire := toolboxtype.Session{SessionID: s.ID, Commands: []toolboxtype.Command{}}
	for _, c := range s.Commands() {
		wire.Commands = append(wire.Commands, wireCommand(c))
	}
	return wire
}

func wireCommand(c *session.Command) toolboxtype.Command {
	wire := toolboxtype.Command{ID: c.ID, Command: c.Script}
	if code, ended := c.ExitCode(); ended {
		wire.ExitCode = &code
	}
	return wire
}
