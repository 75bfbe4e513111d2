// Package git serves the toolbox's operations on git repositories, which
// package gitrepo does over the guest's files. The guest needs no git.
package git

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"sandpiper/sandbox/gitrepo"
	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/toolbox/answer"
)

const (
	// maxTime bounds one operation; clones of large repositories take long.
	maxTime = 30 * time.Minute

	// maxHistory is how many commits a history has at most.
	maxHistory = 10_000
)

// Handler serves the operations. It is safe for concurrent use.
type Handler struct {
	c       *gitrepo.Client
	workDir string
}

// New returns the handler of a guest's repositories, which reaches the remotes
// that network allows.
func New(g guest.Guest, network gitrepo.Network) *Handler {
	info := g.Info()
	return &Handler{c: gitrepo.New(g.FS(), info.Home, network), workDir: info.WorkDir}
}

// Register adds the routes of all operations to mux.
func (h *Handler) Register(mux *http.ServeMux) {
	for pattern, handler := range map[string]answer.Handler{
		"POST /git/clone":       h.clone,
		"POST /git/init":        h.init,
		"GET /git/status":       h.status,
		"GET /git/history":      h.history,
		"GET /git/branches":     h.branches,
		"POST /git/branches":    h.createBranch,
		"DELETE /git/branches":  h.deleteBranch,
		"POST /git/checkout":    h.checkout,
		"POST /git/add":         h.add,
		"POST /git/commit":      h.commit,
		"POST /git/reset":       h.reset,
		"POST /git/restore":     h.restore,
		"POST /git/push":        h.push,
		"POST /git/pull":        h.pull,
		"GET /git/remotes":      h.remotes,
		"POST /git/remotes":     h.addRemote,
		"GET /git/config":       h.config,
		"POST /git/config":      h.setConfig,
		"POST /git/config/user": h.configureUser,
		"POST /git/credentials": h.authenticate,
	} {
		mux.Handle(pattern, bounded(handler))
	}
}

// bounded gives an operation its time, and its errors their shape.
func bounded(next answer.Handler) answer.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), maxTime)
		defer cancel()
		return public(next(w, r.WithContext(ctx)))
	}
}

// kinds are the answers to errors of git.
var kinds = map[gitrepo.Kind]struct {
	status int
	code   string
}{
	gitrepo.KindInvalid:        {http.StatusBadRequest, "BAD_REQUEST"},
	gitrepo.KindAuth:           {http.StatusUnauthorized, "GIT_AUTH_FAILED"},
	gitrepo.KindRepoNotFound:   {http.StatusNotFound, "GIT_REPO_NOT_FOUND"},
	gitrepo.KindBranchNotFound: {http.StatusNotFound, "GIT_BRANCH_NOT_FOUND"},
	gitrepo.KindBranchExists:   {http.StatusConflict, "GIT_BRANCH_EXISTS"},
	gitrepo.KindPushRejected:   {http.StatusConflict, "GIT_PUSH_REJECTED"},
	gitrepo.KindDirty:          {http.StatusConflict, "GIT_DIRTY_WORKTREE"},
	gitrepo.KindConflict:       {http.StatusConflict, "GIT_MERGE_CONFLICT"},
	gitrepo.KindTransport:      {http.StatusBadGateway, "GIT_TRANSPORT_FAILED"},
	gitrepo.KindRemoteRejected: {http.StatusUnprocessableEntity, "GIT_REMOTE_REJECTED"},
	gitrepo.KindForbidden:      {http.StatusForbidden, "FORBIDDEN"},
	gitrepo.KindNothing:        {http.StatusConflict, "CONFLICT"},
	gitrepo.KindExists:         {http.StatusConflict, "CONFLICT"},
	gitrepo.KindBusy:           {http.StatusConflict, "CONFLICT"},
}

// public turns an error of git or of the guest's files into one to show.
func public(err error) error {
	var shown *answer.Error
	var e *gitrepo.Error
	switch {
	case err == nil, errors.As(err, &shown):
		return err
	case errors.As(err, &e):
		k := kinds[e.Kind]
		return &answer.Error{Status: k.status, Code: k.code, Message: e.Message, Err: e.Err}
	case errors.Is(err, context.DeadlineExceeded):
		return answer.Errorf(http.StatusRequestTimeout, "REQUEST_TIMEOUT", "git took longer than %v", maxTime)
	}
	return answer.FileError("a file of the repository", err)
}

// repo opens the repository at a path of a request.
func (h *Handler) repo(r *http.Request, name string) (*gitrepo.Repo, error) {
	dir, err := h.dir(name)
	if err != nil {
		return nil, err
	}
	return h.c.Open(r.Context(), dir)
}

func (h *Handler) dir(name string) (string, error) {
	if name == "" {
		return "", answer.BadRequest("path is required")
	}
	return answer.Path(h.workDir, name)
}

// scope returns the scope and the folder of a request about the configuration.
func (h *Handler) scope(scope, name string) (gitrepo.Scope, string, error) {
	s := gitrepo.Scope(cmp.Or(scope, string(gitrepo.ScopeGlobal)))
	if s != gitrepo.ScopeLocal {
		return s, "", nil
	}
	dir, err := h.dir(name)
	return s, dir, err
}

// required returns an error that names the first field that is empty. Fields are
// given as name and value.
func required(fields ...string) error {
	for i := 0; i < len(fields); i += 2 {
		if fields[i+1] == "" {
			return answer.BadRequest("%s is required", fields[i])
		}
	}
	return nil
}

// done is the answer of operations that have nothing to tell.
func done(w http.ResponseWriter, status int) error {
	w.WriteHeader(status)
	return nil
}
