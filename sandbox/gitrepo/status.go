package gitrepo

import (
	"cmp"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/index"
)

// State is what became of a file, in the letters of git status --porcelain.
type State byte

// The states.
const (
	Unmodified State = ' '
	Untracked  State = '?'
	Modified   State = 'M'
	Added      State = 'A'
	Deleted    State = 'D'
	Renamed    State = 'R'
	Copied     State = 'C'
	Unmerged   State = 'U'
)

// FileStatus is what became of one file.
type FileStatus struct {
	Name     string // from the repository's root
	Staging  State  // from the last commit to the index
	Worktree State  // from the index to the working tree
	From     string // the old name, where Staging is Renamed
}

// Status is what git status tells.
type Status struct {
	Branch    string // "" when HEAD is detached
	Detached  bool
	Head      string // the commit's hash; "" when there is none yet
	Upstream  string // such as "origin/main"; "" when there is none
	Published bool   // whether the branch is at its remote, as far as is known
	Ahead     int    // commits that the upstream lacks
	Behind    int    // commits that only the upstream has
	Files     []FileStatus
}

// Status compares the last commit, the index and the working tree. Ignored files
// are left out.
func (r *Repo) Status() (*Status, error) {
	h, err := r.head()
	if err != nil {
		return nil, err
	}
	s := &Status{Branch: h.branch, Detached: h.branch == ""}
	if !h.hash.IsZero() {
		s.Head = h.hash.String()
	}
	if err := r.upstreamStatus(h, s); err != nil {
		return nil, err
	}
	s.Files, err = r.files()
	return s, err
}

// upstream returns the remote and its branch that a branch follows.
func (r *Repo) upstream(branch string) (remote, merge string) {
	if branch == "" {
		return "", ""
	}
	remote = r.setting("branch." + branch + ".remote")
	return remote, strings.TrimPrefix(r.setting("branch."+branch+".merge"), "refs/heads/")
}

func (r *Repo) upstreamStatus(h head, s *Status) error {
	remote, merge := r.upstream(h.branch)
	if remote != "" && merge != "" {
		s.Upstream = remote + "/" + merge
	} else if h.branch != "" { // pushed without -u
		_, err := r.git.Reference(plumbing.NewRemoteReferenceName("origin", h.branch), true)
		s.Published = err == nil
		return nil
	} else {
		return nil
	}
	ref, err := r.git.Reference(plumbing.NewRemoteReferenceName(remote, merge), true)
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	s.Published = true
	if !h.hash.IsZero() && h.hash != ref.Hash() {
		s.Ahead, s.Behind, err = r.aheadBehind(h.hash, ref.Hash())
	}
	return err
}

// files returns the files that are not as in the last commit, by name.
func (r *Repo) files() ([]FileStatus, error) {
	w, err := r.worktree()
	if err != nil {
		return nil, err
	}
	found, err := w.Status()
	if err != nil {
		return nil, err
	}
	idx, err := r.git.Storer.Index()
	if err != nil {
		return nil, err
	}
	entries := byName(idx)
	files := make([]FileStatus, 0, len(found))
	for name, f := range found {
		s := FileStatus{Name: name, Staging: State(f.Staging), Worktree: State(f.Worktree)}
		e := entries[name]
		switch {
		case e != nil && e.Stage != merged:
			s.Staging, s.Worktree = Unmerged, Unmerged
		case e != nil && s.Worktree == Modified && r.sameForGuest(w, e):
			s.Worktree = Unmodified
		}
		if s.Staging != Unmodified || s.Worktree != Unmodified {
			files = append(files, s)
		}
	}
	slices.SortFunc(files, func(a, b FileStatus) int { return cmp.Compare(a.Name, b.Name) })
	return r.findRenames(files, entries)
}

func byName(idx *index.Index) map[string]*index.Entry {
	entries := make(map[string]*index.Entry, len(idx.Entries))
	for _, e := range idx.Entries {
		entries[e.Name] = e
	}
	return entries
}

// sameForGuest tells whether a file only seems to differ because the guest's
// files have no links or no modes.
func (r *Repo) sameForGuest(w *git.Worktree, e *index.Entry) bool {
	plainLink := e.Mode == filemode.Symlink && r.setting("core.symlinks") == "false"
	plainMode := e.Mode != filemode.Symlink && r.setting("core.filemode") == "false"
	if !plainLink && !plainMode {
		return false
	}
	hash, err := hashFile(w.Filesystem, e.Name)
	return err == nil && hash == e.Hash
}

// findRenames turns a deleted and an added file of the same content into one
// that was renamed.
func (r *Repo) findRenames(files []FileStatus, entries map[string]*index.Entry) ([]FileStatus, error) {
	gone := map[plumbing.Hash][]string{}
	tree, err := r.headTree()
	if err != nil || tree == nil {
		return files, err
	}
	for _, f := range files {
		if f.Staging == Deleted && f.Worktree == Unmodified {
			if e, err := tree.FindEntry(f.Name); err == nil {
				gone[e.Hash] = append(gone[e.Hash], f.Name)
			}
		}
	}
	renamed := map[string]bool{}
	for i, f := range files {
		e := entries[f.Name]
		if f.Staging != Added || e == nil || len(gone[e.Hash]) == 0 {
			continue
		}
		files[i].Staging, files[i].From = Renamed, gone[e.Hash][0]
		renamed[files[i].From] = true
		gone[e.Hash] = gone[e.Hash][1:]
	}
	return slices.DeleteFunc(files, func(f FileStatus) bool { return f.Staging == Deleted && renamed[f.Name] }), nil
}

// rel returns the path from the repository's root of a path as the user gives
// it: absolute, or relative to the folder that the repository was opened in.
func (r *Repo) rel(name string) (string, error) {
	full := name
	if !path.IsAbs(name) {
		full = path.Join(r.root, r.prefix, name)
	}
	full = path.Clean(full)
	if full == r.root {
		return "", nil
	}
	rel, ok := strings.CutPrefix(full, strings.TrimSuffix(r.root, "/")+"/")
	if !ok || name == "" {
		return "", errorf(KindInvalid, "%.200q is outside the repository at %s", name, r.root)
	}
	return rel, nil
}

// rels is rel of several paths.
func (r *Repo) rels(names []string) ([]string, error) {
	rels := make([]string, len(names))
	for i, n := range names {
		var err error
		if rels[i], err = r.rel(n); err != nil {
			return nil, err
		}
	}
	return rels, nil
}

// covers tells whether a path from the root is spec, lies below it, or matches
// it as a glob.
func covers(spec, name string) bool {
	if spec == "" || name == spec || strings.HasPrefix(name, spec+"/") {
		return true
	}
	if !strings.ContainsAny(spec, "*?[") {
		return false
	}
	if ok, _ := path.Match(spec, name); ok {
		return true
	}
	ok, _ := path.Match(spec, path.Base(name)) // git's globs cross slashes
	return ok && !strings.Contains(spec, "/")
}
