package gitrepo

import (
	"errors"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// RemoteOptions say which branch of which remote is meant.
type RemoteOptions struct {
	Remote      string // "" for the one that the branch follows, or origin
	Branch      string // "" for the current branch, or the one that it follows
	Credentials Credentials
	SetUpstream bool // Push: make the branch follow the remote's
	Force       bool // Push: even when commits of the remote are lost
	Tags        bool // Push: all tags too
}

// remoteName returns the remote that is meant.
func (r *Repo) remoteName(o RemoteOptions, branch string) string {
	if o.Remote != "" {
		return o.Remote
	}
	remote, _ := r.upstream(branch)
	return or(remote, "origin")
}

// Fetch gets what is new at a remote and reports whether anything was.
func (r *Repo) Fetch(o RemoteOptions) (changed bool, err error) {
	h, err := r.head()
	if err != nil {
		return false, err
	}
	name := r.remoteName(o, h.branch)
	address, err := r.address(name)
	if err != nil {
		return false, err
	}
	x, err := r.c.dial(r.ctx, address, r.root, o.Credentials, false)
	if err != nil {
		return false, err
	}
	defer x.done()
	specs := []config.RefSpec{config.RefSpec(fetchSpec(name))}
	if !validRemote(name) { // an address: its branches are kept nowhere
		return false, errorf(KindInvalid, "add %s as a remote to fetch from it", redact(name))
	}
	if o.Branch != "" {
		if _, err := branchRef(o.Branch); err != nil {
			return false, err
		}
		specs = []config.RefSpec{config.RefSpec("+refs/heads/" + o.Branch + ":refs/remotes/" + name + "/" + o.Branch)}
	}
	err = x.remote(r, name).FetchContext(x.ctx, &git.FetchOptions{RemoteName: name, RefSpecs: specs, Auth: x.auth, Tags: git.TagFollowing})
	switch {
	case errors.Is(err, git.NoErrAlreadyUpToDate), errors.Is(err, transport.ErrEmptyRemoteRepository):
		return false, nil
	case err != nil:
		return false, r.c.exchangeError(x, err)
	}
	return true, nil
}

// exchangeError is remoteError; errors of the guest's own files stay what they
// are.
func (c *Client) exchangeError(x *exchangeWith, err error) error {
	if cerr := x.ctx.Err(); cerr != nil && errors.Is(err, cerr) {
		return cerr
	}
	return remoteError(x.name, err)
}

// Pull fetches and brings the current branch forward to the remote's. Where both
// have commits of their own the error is of KindConflict: merges are not made
// here. It reports whether anything changed.
func (r *Repo) Pull(o RemoteOptions) (changed bool, err error) {
	h, err := r.head()
	if err != nil {
		return false, err
	}
	if h.branch == "" {
		return false, errorf(KindInvalid, "no branch is checked out; check one out to pull into it")
	}
	name := r.remoteName(o, h.branch)
	branch := o.Branch
	if branch == "" {
		_, branch = r.upstream(h.branch)
		branch = or(branch, h.branch)
	}
	o.Remote, o.Branch = name, branch
	if _, err := r.Fetch(o); err != nil {
		return false, err
	}
	ref, err := r.git.Reference(plumbing.NewRemoteReferenceName(name, branch), true)
	if err != nil {
		return false, &Error{KindBranchNotFound, "the remote " + name + " has no branch " + branch, err}
	}
	return r.fastForward(h, ref.Hash())
}

// fastForward brings the current branch, the index and the files forward to a
// commit.
func (r *Repo) fastForward(h head, to plumbing.Hash) (changed bool, err error) {
	if h.hash == to {
		return false, nil
	}
	if !h.hash.IsZero() {
		ahead, behind, err := r.aheadBehind(h.hash, to)
		if err != nil {
			return false, err
		}
		if behind == 0 {
			return false, nil // only this side has something new
		}
		if ahead > 0 {
			return false, errorf(KindConflict, "the branches have diverged: %d commits here and %d at the remote; merge or rebase them first", ahead, behind)
		}
	}
	unlock, err := r.lock()
	if err != nil {
		return false, err
	}
	defer unlock()
	base, err := r.headSnapshot()
	if err != nil {
		return false, err
	}
	target, err := r.commitSnapshot(to)
	if err != nil {
		return false, err
	}
	if err := r.switchTo(base, target); err != nil {
		return false, err
	}
	return true, r.moveHead(h, to)
}

// Push sends a branch to a remote and reports whether it had anything new.
func (r *Repo) Push(o RemoteOptions) (changed bool, err error) {
	h, err := r.head()
	if err != nil {
		return false, err
	}
	branch := or(o.Branch, h.branch)
	if branch == "" {
		return false, errorf(KindInvalid, "no branch is checked out; say which one to push")
	}
	ref, err := branchRef(branch)
	if err != nil {
		return false, err
	}
	if _, err := r.git.Reference(ref, true); err != nil {
		return false, &Error{KindBranchNotFound, "there is no branch '" + branch + "' with commits to push", err}
	}
	name := r.remoteName(o, branch)
	address, err := r.address(name)
	if err != nil {
		return false, err
	}
	x, err := r.c.dial(r.ctx, address, r.root, o.Credentials, false)
	if err != nil {
		return false, err
	}
	defer x.done()
	if err := r.checkPushLocal(x, branch); err != nil {
		return false, err
	}
	return r.push(x, name, ref, o)
}

func (r *Repo) push(x *exchangeWith, name string, ref plumbing.ReferenceName, o RemoteOptions) (changed bool, err error) {
	tracked := name
	if !validRemote(name) {
		tracked = "anonymous" // an address: nothing is kept of it
	}
	specs := []config.RefSpec{config.RefSpec(ref + ":" + ref)}
	if o.Tags {
		specs = append(specs, "refs/tags/*:refs/tags/*")
	}
	err = x.remote(r, tracked).PushContext(x.ctx, &git.PushOptions{RemoteName: tracked, RefSpecs: specs, Auth: x.auth, Force: o.Force})
	changed = err == nil
	if err != nil && !errors.Is(err, git.NoErrAlreadyUpToDate) {
		return false, r.c.exchangeError(x, err)
	}
	if o.SetUpstream && tracked == name {
		return changed, r.setUpstream(ref.Short(), name, ref.Short())
	}
	return changed, nil
}

// checkPushLocal refuses to push to the branch that another repository of the
// guest has checked out, whose files would then be behind.
func (r *Repo) checkPushLocal(x *exchangeWith, branch string) error {
	if x.local == "" {
		return nil
	}
	other, err := r.c.Open(r.ctx, x.local)
	if err != nil {
		return err
	}
	h, err := other.head()
	if err != nil {
		return err
	}
	if !other.bare && h.branch == branch {
		return errorf(KindRemoteRejected, "%s has the branch %s checked out; push to a bare repository or to another branch", x.name, branch)
	}
	return nil
}
