// Package process serves the toolbox's operations on processes: commands, code,
// interpreters that keep their state, sessions, and terminals, over any guest.
//
// Output is passed on exactly once and in order. What runs longer than its limit
// is killed with all that it started.
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
	for pattern, handler := range map[string]answer.Handler{
		"POST /process/execute":  h.execute,
		"POST /process/code-run": h.codeRun,

		"GET /process/interpreter/context":         h.listContexts,
		"POST /process/interpreter/context":        h.createContext,
		"DELETE /process/interpreter/context/{id}": h.deleteContext,
		"GET /process/interpreter/execute":         h.interpret,

		"GET /process/session":                                        h.listSessions,
		"POST /process/session":                                       h.createSession,
		"GET /process/session/entrypoint":                             h.entrypoint,
		"GET /process/session/entrypoint/logs":                        h.entrypointLogs,
		"GET /process/session/{sessionId}":                            h.session,
		"DELETE /process/session/{sessionId}":                         h.deleteSession,
		"POST /process/session/{sessionId}/exec":                      h.sessionExec,
		"GET /process/session/{sessionId}/command/{commandId}":        h.sessionCommand,
		"GET /process/session/{sessionId}/command/{commandId}/logs":   h.commandLogs,
		"POST /process/session/{sessionId}/command/{commandId}/input": h.commandInput,
		"GET /process/pty":                                            h.listPTYs,
		"POST /process/pty":                                           h.createPTY,
		"GET /process/pty/create-connect":                             h.createAndConnectPTY,
		"GET /process/pty/{sessionId}":                                h.pty,
		"DELETE /process/pty/{sessionId}":                             h.deletePTY,
		"GET /process/pty/{sessionId}/connect":                        h.connectPTY,
		"POST /process/pty/{sessionId}/resize":                        h.resizePTY,
	} {
		mux.Handle(pattern, handler)
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
