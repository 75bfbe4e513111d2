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
	"sandpiper/sandbox/toolbox/toolboxtype"
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
	for _, r := range h.routes() {
		mux.Handle(r.Pattern, bounded(r.Handler))
	}
}

// Routes describes all operations.
func Routes() []answer.Route { return new(Handler).routes() }

func (h *Handler) routes() []answer.Route {
	return []answer.Route{
		answer.Op("POST /git/clone", h.clone, "CloneRepository", "Clone a repository").Takes(toolboxtype.GitCloneRequest{}),
		answer.Op("POST /git/init", h.init, "InitRepository", "Make a repository").Takes(toolboxtype.GitInitRequest{}).Gives(http.StatusCreated, nil),
		answer.Op("GET /git/status", h.status, "GetStatus", "Compare the last commit, the index and the files").Needs("path").Gives(http.StatusOK, toolboxtype.GitStatus{}),
		answer.Op("GET /git/history", h.history, "GetCommitHistory", "List commits").Needs("path").Gives(http.StatusOK, []toolboxtype.GitCommitInfo{}),
		answer.Op("GET /git/branches", h.branches, "ListBranches", "List branches").Needs("path").Gives(http.StatusOK, toolboxtype.ListBranchResponse{}),
		answer.Op("POST /git/branches", h.createBranch, "CreateBranch", "Make a branch").Takes(toolboxtype.GitBranchRequest{}).Gives(http.StatusCreated, nil),
		answer.Op("DELETE /git/branches", h.deleteBranch, "DeleteBranch", "Delete a branch").Takes(toolboxtype.GitBranchRequest{}).Gives(http.StatusNoContent, nil),
		answer.Op("POST /git/checkout", h.checkout, "CheckoutBranch", "Switch to a branch").Takes(toolboxtype.GitCheckoutRequest{}),
		answer.Op("POST /git/add", h.add, "AddFiles", "Stage files").Takes(toolboxtype.GitAddRequest{}),
		answer.Op("POST /git/commit", h.commit, "CommitChanges", "Commit what is staged").Takes(toolboxtype.GitCommitRequest{}).Gives(http.StatusOK, toolboxtype.GitCommitResponse{}),
		answer.Op("POST /git/reset", h.reset, "ResetChanges", "Reset a repository or files of its index").Takes(toolboxtype.GitResetRequest{}),
		answer.Op("POST /git/restore", h.restore, "RestoreFiles", "Restore files").Takes(toolboxtype.GitRestoreRequest{}),
		answer.Op("POST /git/push", h.push, "PushChanges", "Push a branch").Takes(toolboxtype.GitPushRequest{}),
		answer.Op("POST /git/pull", h.pull, "PullChanges", "Pull into the current branch").Takes(toolboxtype.GitPullRequest{}),
		answer.Op("GET /git/remotes", h.remotes, "ListRemotes", "List remotes").Needs("path").Gives(http.StatusOK, toolboxtype.ListRemotesResponse{}),
		answer.Op("POST /git/remotes", h.addRemote, "AddRemote", "Add a remote").Takes(toolboxtype.GitAddRemoteRequest{}).Gives(http.StatusCreated, nil),
		answer.Op("GET /git/config", h.config, "GetGitConfig", "Read a setting").Needs("key").Knows("path", "scope").Gives(http.StatusOK, toolboxtype.GitConfigResponse{}),
		answer.Op("POST /git/config", h.setConfig, "SetGitConfig", "Set a setting").Takes(toolboxtype.GitSetConfigRequest{}),
		answer.Op("POST /git/config/user", h.configureUser, "ConfigureUser", "Set the name and address of the user").Takes(toolboxtype.GitConfigureUserRequest{}),
		answer.Op("POST /git/credentials", h.authenticate, "Authenticate", "Keep credentials for a host").Takes(toolboxtype.GitAuthenticateRequest{}),
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
