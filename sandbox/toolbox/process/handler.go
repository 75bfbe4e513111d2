// Package process serves the toolbox's operations on processes: commands, code,
// interpreters that keep their state, sessions, and terminals, over any guest.
//
// Output is passed on exactly once and in order. What runs longer than its limit
// is killed with all that it started.
//
// # Terminals that survive a broken line
//
// A client that connects to a terminal with the subprotocol sandpiper-pty.1 gets
// each byte exactly once and in order, also over many connections, and is sent no
// more than it can take. Bytes are counted from the terminal's first; its epoch
// tells it from another that had the same id.
//
// The query of the connection has, all optional, the offset of the first byte
// that the client has not got, the epoch that it was told with it, and client, a
// name of its own choice, by which what it has not got is kept for 15 s when its
// line breaks; a terminal that writes much waits that long (but no longer than
// 10 s without progress). Its first message is, as for every client, a text
//
//	{"type":"control","status":"connected","epoch":"…","offset":0,"end":9,"fresh":true,"cols":80,"rows":24}
//
// offset is that of the first byte that comes, what lies before end was written
// before (a screen must not answer the questions in it), fresh is set when the terminal is
// not the one that the client knew, so that its screen must be cleared, lost is
// how many bytes it wanted that are gone, and modes, if there, is to be shown
// before the first byte: it sets the modes of the screen that bytes no longer
// there had set. Output comes as binary messages. Further texts are
//
//	{"type":"control","status":"lost","lost":9,"offset":99,"modes":"…"}
//	{"type":"control","status":"input-dropped","lost":9}
//	{"type":"control","status":"pong"}
//	{"type":"control","status":"exited","exitCode":0}
//
// for output that the client was too slow to get, for input that the program was
// too slow to read, for a ping, and, before the connection is closed, for the end
// of the shell. The client types in binary messages, and says in texts
//
//	{"type":"ack","offset":65536}
//	{"type":"resize","cols":100,"rows":30}
//	{"type":"ping"}
//
// An ack tells that it has all bytes before an offset: no more than 256 KiB are
// sent ahead of it. A client that closes its connection with the code 1000
// or 1001 does not come back.
//
// # Logs that are followed over a broken line
//
// Bytes of a log are counted from its first, stdout and stderr together, without
// the prefixes of three bytes that tell them apart. Wherever a log is read,
// offset=N in the query asks for what comes from N on; what is before the oldest
// byte that is kept is lost.
//
// A stream (follow=true) says with X-Log-Offset where it begins. To one that was
// asked for with an offset no notes about lost bytes are added, so that its client can
// count; where it was too slow the stream breaks off, without a proper end, and the
// client asks again. A log that is not followed says with X-Log-Next-Offset where to
// go on, and with X-Log-Dropped how many bytes were lost.
//
// Over a WebSocket with the subprotocol sandpiper-log.1 each binary message is a
// prefix and bytes of that one stream. A text {"offset":N} comes before the first one, and
// again where bytes were lost: it is the offset of the next byte.
package process

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"

	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/session"
	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/kernel"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

// Config says what a Handler serves.
type Config struct {
	Guest guest.Guest
}

// Handler serves the operations. It is safe for concurrent use.
type Handler struct {
	guest        guest.Guest
	sessions     *session.Manager
	interpreters interpreters

	ctx    context.Context // of connections that outlive their requests
	cancel context.CancelFunc
	open   sync.WaitGroup // those connections
	places places         // of clients in terminals
}

// New returns the handler of a guest's processes. The caller must Close it.
func New(cfg Config) *Handler {
	h := &Handler{guest: cfg.Guest, sessions: session.New(cfg.Guest)}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	return h
}

// Close kills all sessions, terminals and interpreters, ends all connections and
// waits for that. Requests must not come any more.
func (h *Handler) Close() {
	h.cancel()
	h.interpreters.close()
	h.sessions.Close()
	h.open.Wait()
}

// StartEntrypoint starts the sandbox's main process. It may be called once.
func (h *Handler) StartEntrypoint(args []string) error {
	_, err := h.sessions.StartEntrypoint(args)
	return err
}

// Register adds the routes of all operations to mux.
func (h *Handler) Register(mux *http.ServeMux) {
	answer.Register(mux, h.routes())
}

// Routes describes all operations.
func Routes() []answer.Route { return new(Handler).routes() }

func (h *Handler) routes() []answer.Route {
	return []answer.Route{
		answer.Op("POST /process/execute", h.execute, "ExecuteCommand", "Run a command and wait for its end").Takes(toolboxtype.ExecuteRequest{}).Gives(http.StatusOK, toolboxtype.ExecuteResponse{}),
		answer.Op("POST /process/code-run", h.codeRun, "CodeRun", "Run a program and wait for its end").Takes(toolboxtype.CodeRunRequest{}).Gives(http.StatusOK, toolboxtype.CodeRunResponse{}),

		answer.Op("GET /process/interpreter/context", h.listContexts, "ListInterpreterContexts", "List interpreters").Gives(http.StatusOK, toolboxtype.ListContextsResponse{}),
		answer.Op("POST /process/interpreter/context", h.createContext, "CreateInterpreterContext", "Start an interpreter that keeps its variables").Takes(toolboxtype.CreateContextRequest{}).Gives(http.StatusOK, toolboxtype.InterpreterContext{}),
		answer.Op("DELETE /process/interpreter/context/{id}", h.deleteContext, "DeleteInterpreterContext", "End an interpreter").Gives(http.StatusOK, map[string]string{}),
		answer.Op("GET /process/interpreter/execute", h.interpret, "ExecuteInterpreterCode", "Execute a cell over a WebSocket").Upgrades(),

		answer.Op("GET /process/session", h.listSessions, "ListSessions", "List sessions").Gives(http.StatusOK, []toolboxtype.Session{}),
		answer.Op("POST /process/session", h.createSession, "CreateSession", "Start a session: a shell that keeps its state").Takes(toolboxtype.CreateSessionRequest{}).Gives(http.StatusCreated, nil),
		answer.Op("GET /process/session/entrypoint", h.entrypoint, "GetEntrypointSession", "Describe the main process").Gives(http.StatusOK, toolboxtype.Session{}),
		answer.Op("GET /process/session/entrypoint/logs", h.entrypointLogs, "GetEntrypointLogs", "Read or follow the log of the main process").Knows("follow boolean", "offset integer").Gives(http.StatusOK, toolboxtype.SessionCommandLogsResponse{}),
		answer.Op("GET /process/session/{sessionId}", h.session, "GetSession", "Describe a session").Gives(http.StatusOK, toolboxtype.Session{}),
		answer.Op("DELETE /process/session/{sessionId}", h.deleteSession, "DeleteSession", "End a session").Gives(http.StatusNoContent, nil),
		answer.Op("POST /process/session/{sessionId}/exec", h.sessionExec, "SessionExecuteCommand", "Run a command in a session").Takes(toolboxtype.SessionExecuteRequest{}).Gives(http.StatusOK, toolboxtype.SessionExecuteResponse{}).Also(http.StatusAccepted),
		answer.Op("GET /process/session/{sessionId}/command/{commandId}", h.sessionCommand, "GetSessionCommand", "Describe a command").Gives(http.StatusOK, toolboxtype.Command{}),
		answer.Op("GET /process/session/{sessionId}/command/{commandId}/logs", h.commandLogs, "GetSessionCommandLogs", "Read or follow the log of a command").Knows("follow boolean", "offset integer").Gives(http.StatusOK, toolboxtype.SessionCommandLogsResponse{}),
		answer.Op("POST /process/session/{sessionId}/command/{commandId}/input", h.commandInput, "SendInput", "Write to the input of a command").Takes(toolboxtype.SessionSendInputRequest{}).Gives(http.StatusNoContent, nil),
		answer.Op("GET /process/pty", h.listPTYs, "ListPtySessions", "List terminals").Gives(http.StatusOK, toolboxtype.PtyListResponse{}),
		answer.Op("POST /process/pty", h.createPTY, "CreatePtySession", "Open a terminal").Takes(toolboxtype.PtyCreateRequest{}).Gives(http.StatusCreated, toolboxtype.PtyCreateResponse{}),
		answer.Op("GET /process/pty/create-connect", h.createAndConnectPTY, "CreateAndConnectPtySession", "Open a terminal and use it over a WebSocket").Upgrades(),
		answer.Op("GET /process/pty/{sessionId}", h.pty, "GetPtySession", "Describe a terminal").Gives(http.StatusOK, toolboxtype.PtySessionInfo{}),
		answer.Op("DELETE /process/pty/{sessionId}", h.deletePTY, "DeletePtySession", "Close a terminal").Gives(http.StatusOK, map[string]string{}),
		answer.Op("GET /process/pty/{sessionId}/connect", h.connectPTY, "ConnectPtySession", "Use a terminal over a WebSocket").Upgrades(),
		answer.Op("POST /process/pty/{sessionId}/resize", h.resizePTY, "ResizePtySession", "Resize a terminal").Takes(toolboxtype.PtyResizeRequest{}).Gives(http.StatusOK, toolboxtype.PtySessionInfo{}),
	}
}

// problem turns errors of sessions and guests into those of the wire.
func problem(err error) error {
	for _, known := range []struct {
		is     error
		status int
		code   string
	}{
		{session.ErrNotFound, http.StatusNotFound, "NOT_FOUND"},
		{session.ErrExists, http.StatusConflict, "CONFLICT"},
		{session.ErrTooMany, http.StatusConflict, "CONFLICT"},
		{session.ErrClosed, http.StatusServiceUnavailable, "INTERNAL_SERVER_ERROR"},
		{session.ErrBadID, http.StatusBadRequest, "BAD_REQUEST"},
		{session.ErrCompleted, http.StatusGone, "COMMAND_ALREADY_COMPLETED"},
		{session.ErrNoInput, http.StatusGone, "GONE"},
		{session.ErrEnded, http.StatusGone, "SESSION_ENDED"},
		{kernel.ErrLanguage, http.StatusUnprocessableEntity, "UNPROCESSABLE_ENTITY"},
		{guest.ErrNoShell, http.StatusUnprocessableEntity, "UNPROCESSABLE_ENTITY"},
		{errors.ErrUnsupported, http.StatusNotImplemented, "INTERNAL_SERVER_ERROR"},
		{fs.ErrNotExist, http.StatusBadRequest, "BAD_REQUEST"},
		{fs.ErrPermission, http.StatusForbidden, "FORBIDDEN"},
	} {
		if errors.Is(err, known.is) {
			return &answer.Error{Status: known.status, Code: known.code, Message: err.Error(), Err: err}
		}
	}
	return err
}

// folder returns the absolute folder that a client means, which must be there;
// "" is the guest's working folder.
func (h *Handler) folder(dir string) (string, error) {
	workDir := h.guest.Info().WorkDir
	if dir == "" {
		return workDir, nil
	}
	if !path.IsAbs(dir) {
		dir = path.Join(workDir, dir)
	}
	info, err := h.guest.FS().Stat(path.Clean(dir))
	switch {
	case err != nil:
		return "", answer.BadRequest("cwd: there is no folder %s, or it cannot be entered", dir)
	case !info.IsDir():
		return "", answer.BadRequest("cwd: %s is not a folder", dir)
	}
	return path.Clean(dir), nil
}

// checkEnv refuses variables that no process can have.
func checkEnv(env map[string]string) error {
	for key, value := range env {
		if key == "" || strings.ContainsAny(key, "=\x00") || strings.Contains(value, "\x00") {
			return answer.BadRequest("envs: %q cannot be a variable: names have no \"=\", and neither names nor values have a NUL", key)
		}
	}
	return nil
}
