package git

import (
	"net/http"

	"sandpiper/sandbox/gitrepo"
	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

func (h *Handler) clone(w http.ResponseWriter, r *http.Request) error {
	var req toolboxtype.GitCloneRequest
	if err := answer.Decode(w, r, &req); err != nil {
		return err
	}
	if err := required("url", req.URL); err != nil {
		return err
	}
	dir, err := h.dir(req.Path)
	if err != nil {
		return err
	}
	err = h.c.Clone(r.Context(), gitrepo.CloneOptions{
		URL: req.URL, Dir: dir, From: h.workDir, Branch: req.Branch, Commit: req.CommitID, Depth: req.Depth,
		Credentials: gitrepo.Credentials{Username: req.Username, Password: req.Password}, Insecure: req.InsecureSkipTLS,
	})
	if err != nil {
		return err
	}
	return done(w, http.StatusOK)
}

func (h *Handler) push(w http.ResponseWriter, r *http.Request) error {
	var req toolboxtype.GitPushRequest
	repo, err := h.decode(w, r, &req, func() (string, error) { return req.Path, nil })
	if err != nil {
		return err
	}
	_, err = repo.Push(gitrepo.RemoteOptions{
		Remote: req.Remote, Branch: req.Branch, SetUpstream: req.SetUpstream,
		Credentials: gitrepo.Credentials{Username: req.Username, Password: req.Password},
	})
	if err != nil {
		return err
	}
	return done(w, http.StatusOK)
}

func (h *Handler) pull(w http.ResponseWriter, r *http.Request) error {
	var req toolboxtype.GitPullRequest
	repo, err := h.decode(w, r, &req, func() (string, error) { return req.Path, nil })
	if err != nil {
		return err
	}
	_, err = repo.Pull(gitrepo.RemoteOptions{
		Remote: req.Remote, Branch: req.Branch,
		Credentials: gitrepo.Credentials{Username: req.Username, Password: req.Password},
	})
	if err != nil {
		return err
	}
	return done(w, http.StatusOK)
}

func (h *Handler) addRemote(w http.ResponseWriter, r *http.Request) error {
	var req toolboxtype.GitAddRemoteRequest
	repo, err := h.decode(w, r, &req, func() (string, error) {
		return req.Path, required("name", req.Name, "url", req.URL)
	})
	if err != nil {
		return err
	}
	if err := repo.AddRemote(req.Name, req.URL, req.Overwrite); err != nil {
		return err
	}
	if req.Fetch {
		if _, err := repo.Fetch(gitrepo.RemoteOptions{Remote: req.Name}); err != nil {
			return err
		}
	}
	return done(w, http.StatusCreated)
}
