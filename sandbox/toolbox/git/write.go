package git

import (
	"cmp"
	"net/http"

	"sandpiper/sandbox/gitrepo"
	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

func (h *Handler) init(w http.ResponseWriter, r *http.Request) error {
	var req toolboxtype.GitInitRequest
	if err := answer.Decode(w, r, &req); err != nil {
		return err
	}
	dir, err := h.dir(req.Path)
	if err != nil {
		return err
	}
	if err := h.c.Init(r.Context(), dir, req.InitialBranch, req.Bare); err != nil {
		return err
	}
	return done(w, http.StatusCreated)
}

func (h *Handler) createBranch(w http.ResponseWriter, r *http.Request) error {
	var req toolboxtype.GitBranchRequest
	repo, err := h.decode(w, r, &req, func() (string, error) { return req.Path, required("name", req.Name) })
	if err != nil {
		return err
	}
	if err := repo.CreateBranch(req.Name, ""); err != nil {
		return err
	}
	return done(w, http.StatusCreated)
}

func (h *Handler) deleteBranch(w http.ResponseWriter, r *http.Request) error {
	var req toolboxtype.GitBranchRequest
	repo, err := h.decode(w, r, &req, func() (string, error) { return req.Path, required("name", req.Name) })
	if err != nil {
		return err
	}
	if err := repo.DeleteBranch(req.Name); err != nil {
		return err
	}
	return done(w, http.StatusNoContent)
}

func (h *Handler) checkout(w http.ResponseWriter, r *http.Request) error {
	var req toolboxtype.GitCheckoutRequest
	repo, err := h.decode(w, r, &req, func() (string, error) { return req.Path, required("branch", req.Branch) })
	if err != nil {
		return err
	}
	if err := repo.Checkout(req.Branch); err != nil {
		return err
	}
	return done(w, http.StatusOK)
}

func (h *Handler) add(w http.ResponseWriter, r *http.Request) error {
	var req toolboxtype.GitAddRequest
	repo, err := h.decode(w, r, &req, func() (string, error) { return req.Path, nil })
	if err != nil {
		return err
	}
	if err := repo.Add(req.Files); err != nil {
		return err
	}
	return done(w, http.StatusOK)
}

func (h *Handler) commit(w http.ResponseWriter, r *http.Request) error {
	var req toolboxtype.GitCommitRequest
	repo, err := h.decode(w, r, &req, func() (string, error) {
		return req.Path, required("message", req.Message, "author", req.Author, "email", req.Email)
	})
	if err != nil {
		return err
	}
	hash, err := repo.Commit(gitrepo.CommitOptions{
		Message: req.Message, Author: gitrepo.Author{Name: req.Author, Email: req.Email}, AllowEmpty: req.AllowEmpty,
	})
	if err != nil {
		return err
	}
	return answer.JSON(w, http.StatusOK, toolboxtype.GitCommitResponse{Hash: hash})
}

func (h *Handler) reset(w http.ResponseWriter, r *http.Request) error {
	var req toolboxtype.GitResetRequest
	repo, err := h.decode(w, r, &req, func() (string, error) { return req.Path, nil })
	if err != nil {
		return err
	}
	switch {
	case len(req.Files) == 0:
		err = repo.Reset(req.Mode, req.Target)
	case req.Mode == "" || req.Mode == "mixed":
		err = repo.ResetPaths(req.Target, req.Files)
	default:
		err = answer.BadRequest("files can be reset in the mode mixed only, not %.40q", req.Mode)
	}
	if err != nil {
		return err
	}
	return done(w, http.StatusOK)
}

func (h *Handler) restore(w http.ResponseWriter, r *http.Request) error {
	var req toolboxtype.GitRestoreRequest
	repo, err := h.decode(w, r, &req, func() (string, error) { return req.Path, nil })
	if err != nil {
		return err
	}
	err = repo.Restore(gitrepo.RestoreOptions{Paths: req.Files, Staged: req.Staged, Worktree: req.Worktree, Source: req.Source})
	if err != nil {
		return err
	}
	return done(w, http.StatusOK)
}

func (h *Handler) setConfig(w http.ResponseWriter, r *http.Request) error {
	var req toolboxtype.GitSetConfigRequest
	if err := answer.Decode(w, r, &req); err != nil {
		return err
	}
	if err := required("key", req.Key); err != nil {
		return err
	}
	return h.set(w, r, req.Scope, req.Path, [2]string{req.Key, req.Value})
}

func (h *Handler) configureUser(w http.ResponseWriter, r *http.Request) error {
	var req toolboxtype.GitConfigureUserRequest
	if err := answer.Decode(w, r, &req); err != nil {
		return err
	}
	if err := required("name", req.Name, "email", req.Email); err != nil {
		return err
	}
	return h.set(w, r, req.Scope, req.Path, [2]string{"user.name", req.Name}, [2]string{"user.email", req.Email})
}

// set sets settings of a scope and answers.
func (h *Handler) set(w http.ResponseWriter, r *http.Request, scopeName, name string, settings ...[2]string) error {
	scope, dir, err := h.scope(scopeName, name)
	if err != nil {
		return err
	}
	for _, s := range settings {
		if err := h.c.SetConfig(r.Context(), s[0], s[1], scope, dir); err != nil {
			return err
		}
	}
	return done(w, http.StatusOK)
}

func (h *Handler) authenticate(w http.ResponseWriter, r *http.Request) error {
	var req toolboxtype.GitAuthenticateRequest
	if err := answer.Decode(w, r, &req); err != nil {
		return err
	}
	if err := required("username", req.Username, "password", req.Password); err != nil {
		return err
	}
	cred := gitrepo.Credentials{Username: req.Username, Password: req.Password}
	if err := h.c.StoreCredentials(r.Context(), cmp.Or(req.Protocol, "https"), cmp.Or(req.Host, "github.com"), cred); err != nil {
		return err
	}
	return done(w, http.StatusOK)
}

// decode reads a request about a repository, checks it and opens the repository
// at the path that check returns.
func (h *Handler) decode(w http.ResponseWriter, r *http.Request, req any, check func() (path string, err error)) (*gitrepo.Repo, error) {
	if err := answer.Decode(w, r, req); err != nil {
		return nil, err
	}
	name, err := check()
	if err != nil {
		return nil, err
	}
	return h.repo(r, name)
}
