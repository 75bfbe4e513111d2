package gitrepo

import (
	"errors"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/index"
)

// Reset moves the current branch to a revision, "" for HEAD. mode is as in git:
// soft leaves the index and the files, mixed (or "") the files, hard nothing;
// merge and keep leave changes, or refuse with KindDirty.
func (r *Repo) Reset(mode, revision string) error {
	if revision == "" {
		revision = "HEAD"
	}
	h, err := r.head()
	if err != nil {
		return err
	}
	if h.hash.IsZero() && revision == "HEAD" {
		return r.resetUnborn(mode)
	}
	c, err := r.commit(revision)
	if err != nil {
		return err
	}
	target, err := r.treeSnapshot(c)
	if err != nil {
		return err
	}
	unlock, err := r.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := r.resetFiles(mode, target); err != nil {
		return err
	}
	return r.moveHead(h, c.Hash)
}

// resetUnborn is Reset before the first commit: nothing is staged after it.
func (r *Repo) resetUnborn(mode string) error {
	unlock, err := r.lock()
	if err != nil {
		return err
	}
	defer unlock()
	return r.resetFiles(mode, snapshot{})
}

func (r *Repo) resetFiles(mode string, target snapshot) error {
	switch mode {
	case "soft":
		return nil
	case "", "mixed":
		return r.resetIndex(target, []string{""})
	case "hard":
		return r.forceTo(target)
	case "keep":
		base, err := r.headSnapshot()
		if err != nil {
			return err
		}
		return r.switchTo(base, target)
	case "merge":
		idx, err := r.git.Storer.Index()
		if err != nil {
			return err
		}
		return r.switchTo(indexSnapshot(idx), target)
	}
	return errorf(KindInvalid, "the mode must be soft, mixed, hard, merge or keep, not %.40q", mode)
}

// moveHead moves the branch that is checked out, or else HEAD itself.
func (r *Repo) moveHead(h head, to plumbing.Hash) error {
	name := plumbing.HEAD
	if h.branch != "" {
		name = plumbing.NewBranchReferenceName(h.branch)
	}
	return r.git.Storer.SetReference(plumbing.NewHashReference(name, to))
}

// ResetPaths brings paths in the index, not the files, to a revision, "" for
// HEAD.
func (r *Repo) ResetPaths(revision string, paths []string) error {
	return r.Restore(RestoreOptions{Paths: paths, Staged: true, Source: revision})
}

// resetIndex brings what the specs cover in the index to target, and leaves the
// files.
func (r *Repo) resetIndex(target snapshot, specs []string) error {
	s, idx, err := r.newSwitcher(target)
	if err != nil {
		return err
	}
	for name := range union(target, indexSnapshot(idx)) {
		if !slices.ContainsFunc(specs, func(spec string) bool { return covers(spec, name) }) {
			continue
		}
		want, ok := target[name]
		if !ok {
			delete(s.entries, name)
			continue
		}
		if e := s.entries[name]; e == nil || e.Hash != want.hash || e.Mode != want.mode || e.Stage != merged {
			s.entries[name] = &index.Entry{Name: name, Hash: want.hash, Mode: want.mode}
		}
	}
	return r.setIndex(idx, s.entries)
}

// RestoreOptions say what to restore and from where.
type RestoreOptions struct {
	Paths    []string
	Staged   bool   // the index
	Worktree bool   // the files; this is meant when neither is set
	Source   string // a revision; "" for the index or, when that is restored, HEAD
}

// Restore undoes changes of paths. Files that the source lacks are removed where
// they are tracked.
func (r *Repo) Restore(o RestoreOptions) error {
	if len(o.Paths) == 0 {
		return errorf(KindInvalid, "say which files to restore")
	}
	specs, err := r.rels(o.Paths)
	if err != nil {
		return err
	}
	o.Worktree = o.Worktree || !o.Staged
	unlock, err := r.lock()
	if err != nil {
		return err
	}
	defer unlock()
	source, err := r.restoreSource(o)
	if err != nil {
		return err
	}
	if err := r.checkKnown(specs, source); err != nil {
		return err
	}
	if o.Worktree {
		if err := r.restoreFiles(source, specs); err != nil {
			return err
		}
	}
	if !o.Staged {
		return nil
	}
	return r.resetIndex(source, specs)
}

func (r *Repo) restoreSource(o RestoreOptions) (snapshot, error) {
	switch {
	case o.Source != "":
		c, err := r.commit(o.Source)
		if err != nil {
			return nil, err
		}
		return r.treeSnapshot(c)
	case o.Staged:
		return r.headSnapshot()
	}
	idx, err := r.git.Storer.Index()
	if err != nil {
		return nil, err
	}
	return indexSnapshot(idx), nil
}

// checkKnown returns an error for a path that neither the source nor the index
// has anything of.
func (r *Repo) checkKnown(specs []string, source snapshot) error {
	idx, err := r.git.Storer.Index()
	if err != nil {
		return err
	}
	names := union(source, indexSnapshot(idx))
	for _, spec := range specs {
		known := spec == ""
		for name := range names {
			if known {
				break
			}
			known = covers(spec, name)
		}
		if !known {
			return errorf(KindInvalid, "pathspec '%s' did not match any file(s) known to git", spec)
		}
	}
	return nil
}

// restoreFiles brings the files that the specs cover to source, and leaves the
// index but for what it knows of their times.
func (r *Repo) restoreFiles(source snapshot, specs []string) error {
	s, idx, err := r.newSwitcher(source)
	if err != nil {
		return err
	}
	var failed error
	for name := range union(source, indexSnapshot(idx)) {
		if !slices.ContainsFunc(specs, func(spec string) bool { return covers(spec, name) }) {
			continue
		}
		failed = errors.Join(failed, s.restoreFile(name))
	}
	return errors.Join(failed, r.setIndex(idx, s.entries))
}

func (s *switcher) restoreFile(name string) error {
	want, ok := s.target[name]
	if !ok {
		return s.removeFile(name)
	}
	if same, err := s.unchanged(name, want); err != nil || same {
		return err
	}
	e, err := s.writeFile(name, want)
	if err == nil && s.entries[name] != nil && s.entries[name].Hash == want.hash {
		s.entries[name] = e
	}
	return err
}
