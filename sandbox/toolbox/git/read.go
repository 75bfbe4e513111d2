package git

import (
	"net/http"
	"time"

	"sandpiper/sandbox/gitrepo"
	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

// states are the words of the specification for what became of a file.
var states = map[gitrepo.State]string{
	gitrepo.Unmodified: "Unmodified",
	gitrepo.Untracked:  "Untracked",
	gitrepo.Modified:   "Modified",
	gitrepo.Added:      "Added",
	gitrepo.Deleted:    "Deleted",
	gitrepo.Renamed:    "Renamed",
	gitrepo.Copied:     "Copied",
	gitrepo.Unmerged:   "Updated but unmerged",
}

func (h *Handler) status(w http.ResponseWriter, r *http.Request) error {
	repo, err := h.repo(r, r.URL.Query().Get("path"))
	if err != nil {
		return err
	}
	s, err := repo.Status()
	if err != nil {
		return err
	}
	out := toolboxtype.GitStatus{
		CurrentBranch: s.Branch, Detached: s.Detached, Upstream: s.Upstream, BranchPublished: s.Published,
		Ahead: s.Ahead, Behind: s.Behind, FileStatus: []toolboxtype.FileStatus{},
	}
	if s.Detached {
		out.CurrentBranch = "HEAD"
	}
	for _, f := range s.Files {
		out.FileStatus = append(out.FileStatus, toolboxtype.FileStatus{Name: f.Name, Staging: states[f.Staging], Worktree: states[f.Worktree], Extra: f.From})
	}
	return answer.JSON(w, http.StatusOK, out)
}

func (h *Handler) history(w http.ResponseWriter, r *http.Request) error {
	repo, err := h.repo(r, r.URL.Query().Get("path"))
	if err != nil {
		return err
	}
	commits, more, err := repo.History("", maxHistory)
	if err != nil {
		return err
	}
	out := make([]toolboxtype.GitCommitInfo, 0, len(commits))
	for _, c := range commits {
		out = append(out, toolboxtype.GitCommitInfo{Hash: c.Hash, Author: c.Author, Email: c.Email, Message: c.Message, Timestamp: c.When.Format(time.RFC3339)})
	}
	if more {
		w.Header().Set("X-Truncated", "true")
	}
	return answer.JSON(w, http.StatusOK, out)
}

func (h *Handler) branches(w http.ResponseWriter, r *http.Request) error {
	repo, err := h.repo(r, r.URL.Query().Get("path"))
	if err != nil {
		return err
	}
	names, current, err := repo.Branches()
	if err != nil {
		return err
	}
	return answer.JSON(w, http.StatusOK, toolboxtype.ListBranchResponse{Branches: append([]string{}, names...), Current: current})
}

func (h *Handler) remotes(w http.ResponseWriter, r *http.Request) error {
	repo, err := h.repo(r, r.URL.Query().Get("path"))
	if err != nil {
		return err
	}
	remotes, err := repo.Remotes()
	if err != nil {
		return err
	}
	out := toolboxtype.ListRemotesResponse{Remotes: []toolboxtype.GitRemote{}}
	for _, remote := range remotes {
		out.Remotes = append(out.Remotes, toolboxtype.GitRemote{Name: remote.Name, URL: remote.URL})
	}
	return answer.JSON(w, http.StatusOK, out)
}

func (h *Handler) config(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if err := required("key", q.Get("key")); err != nil {
		return err
	}
	scope, dir, err := h.scope(q.Get("scope"), q.Get("path"))
	if err != nil {
		return err
	}
	value, ok, err := h.c.Config(r.Context(), q.Get("key"), scope, dir)
	if err != nil {
		return err
	}
	var out toolboxtype.GitConfigResponse
	if ok {
		out.Value = &value
	}
	return answer.JSON(w, http.StatusOK, out)
}
