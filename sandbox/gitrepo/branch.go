package gitrepo

import (
	"errors"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Branches returns the names of the local branches, sorted, and the one that is
// checked out, "" when HEAD is detached.
func (r *Repo) Branches() (names []string, current string, err error) {
	h, err := r.head()
	if err != nil {
		return nil, "", err
	}
	names, err = r.refs("refs/heads/")
	if h.branch != "" && !slices.Contains(names, h.branch) {
		names = append(names, h.branch) // it has no commit yet
	}
	return names, h.branch, err
}

// refs returns the names of references below a prefix, without it, sorted.
func (r *Repo) refs(prefix string) ([]string, error) {
	iter, err := r.git.References()
	if err != nil {
		return nil, err
	}
	defer iter.Close()
	var names []string
	err = iter.ForEach(func(ref *plumbing.Reference) error {
		if name, ok := strings.CutPrefix(ref.Name().String(), prefix); ok {
			names = append(names, name)
		}
		return nil
	})
	slices.Sort(names)
	return names, err
}

func branchRef(name string) (plumbing.ReferenceName, error) {
	ref := plumbing.NewBranchReferenceName(name)
	if name == "" || name == "HEAD" || strings.HasPrefix(name, "-") || ref.Validate() != nil {
		return "", errorf(KindInvalid, "'%s' is not a valid branch name", name)
	}
	return ref, nil
}

// CreateBranch makes a branch at a revision, "" for HEAD, without checking it
// out.
func (r *Repo) CreateBranch(name, revision string) error {
	ref, err := branchRef(name)
	if err != nil {
		return err
	}
	if _, err := r.git.Storer.Reference(ref); err == nil {
		return errorf(KindBranchExists, "a branch named '%s' already exists", name)
	}
	if revision == "" {
		revision = "HEAD"
	}
	c, err := r.commit(revision)
	if err != nil {
		return err
	}
	return r.git.Storer.SetReference(plumbing.NewHashReference(ref, c.Hash))
}

// DeleteBranch deletes a branch that is not checked out, merged or not.
func (r *Repo) DeleteBranch(name string) error {
	ref, err := branchRef(name)
	if err != nil {
		return err
	}
	h, err := r.head()
	if err != nil {
		return err
	}
	if h.branch == name {
		return errorf(KindInvalid, "the branch '%s' is checked out; check out another one to delete it", name)
	}
	if _, err := r.git.Storer.Reference(ref); err != nil {
		return &Error{KindBranchNotFound, "branch '" + name + "' not found", err}
	}
	return r.git.Storer.RemoveReference(ref)
}

// Checkout switches to a branch, or to a tag or commit, which detaches HEAD. A
// branch that only the remote origin has is made, and follows it. Changes that
// are not committed are kept, or are an error of KindDirty.
func (r *Repo) Checkout(name string) error {
	ref, err := branchRef(name)
	if err == nil {
		if b, berr := r.git.Storer.Reference(ref); berr == nil {
			return r.checkoutHash(b.Hash(), ref)
		}
		remote, rerr := r.git.Reference(plumbing.NewRemoteReferenceName("origin", name), true)
		if rerr == nil {
			return r.checkoutTracking(name, remote.Hash())
		}
		if h, herr := r.head(); herr == nil && h.branch == name {
			return nil // it has no commit yet
		}
	}
	c, err := r.commit(name)
	if err != nil {
		return err
	}
	return r.checkoutHash(c.Hash, "")
}

// checkoutTracking checks out a new branch that follows one of origin.
func (r *Repo) checkoutTracking(name string, hash plumbing.Hash) error {
	ref := plumbing.NewBranchReferenceName(name)
	if err := r.git.Storer.SetReference(plumbing.NewHashReference(ref, hash)); err != nil {
		return err
	}
	if err := r.checkoutHash(hash, ref); err != nil {
		_ = r.git.Storer.RemoveReference(ref)
		return err
	}
	return r.setUpstream(name, "origin", name)
}

// checkoutHash brings everything to a commit, and HEAD to a branch at it; to the
// commit itself when branch is "".
func (r *Repo) checkoutHash(hash plumbing.Hash, branch plumbing.ReferenceName) error {
	unlock, err := r.lock()
	if err != nil {
		return err
	}
	defer unlock()
	base, err := r.headSnapshot()
	if err != nil {
		return err
	}
	target, err := r.commitSnapshot(hash)
	if err != nil {
		return err
	}
	if err := r.switchTo(base, target); err != nil {
		return err
	}
	if branch == "" {
		return r.git.Storer.SetReference(plumbing.NewHashReference(plumbing.HEAD, hash))
	}
	return r.git.Storer.SetReference(plumbing.NewSymbolicReference(plumbing.HEAD, branch))
}

// CheckoutNew makes a branch at a revision, "" for HEAD, and switches to it.
func (r *Repo) CheckoutNew(name, revision string) error {
	ref, err := branchRef(name)
	if err != nil {
		return err
	}
	h, err := r.head()
	if err != nil {
		return err
	}
	if revision == "" && h.hash.IsZero() { // nothing is there to be switched
		return r.git.Storer.SetReference(plumbing.NewSymbolicReference(plumbing.HEAD, ref))
	}
	if err := r.CreateBranch(name, revision); err != nil {
		return err
	}
	if err := r.Checkout(name); err != nil {
		_ = r.git.Storer.RemoveReference(ref)
		return err
	}
	return nil
}

func (r *Repo) commitSnapshot(hash plumbing.Hash) (snapshot, error) {
	c, err := r.git.CommitObject(hash)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return nil, &Error{KindBranchNotFound, "the commit " + hash.String() + " is not here", err}
	}
	if err != nil {
		return nil, err
	}
	return r.treeSnapshot(c)
}

func (r *Repo) treeSnapshot(c *object.Commit) (snapshot, error) {
	t, err := c.Tree()
	if err != nil {
		return nil, err
	}
	return r.snapshotOf(t)
}
