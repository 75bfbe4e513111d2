package gitrepo

import (
	"context"
	"errors"
	"path"
	"strings"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// CloneOptions say what to clone and where to.
type CloneOptions struct {
	URL         string
	Dir         string // absolute; must be missing or empty
	From        string // the folder that a relative URL begins at
	Branch      string // or a tag; "" for the remote's own choice
	Commit      string // checked out instead of the branch
	Depth       int    // of the history, 0 for all; with Commit all of it is fetched
	Credentials Credentials
	Insecure    bool // do not check the remote's TLS certificate
	Bare        bool
}

// Clone makes a copy of a repository. When it fails, nothing of it is left.
func (c *Client) Clone(ctx context.Context, o CloneOptions) (err error) {
	if o.Depth < 0 {
		return errorf(KindInvalid, "the depth must not be negative")
	}
	o.Dir = path.Clean(o.Dir)
	x, err := c.dial(ctx, o.URL, o.From, o.Credentials, o.Insecure)
	if err != nil {
		return err
	}
	defer x.done()
	made, err := c.prepareDir(o.Dir)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			c.cleanDir(o.Dir, made)
		}
	}()
	r, err := c.init(ctx, o.Dir, defaultBranch, o.Bare)
	if err != nil {
		return err
	}
	if err := r.AddRemote("origin", or(x.local, o.URL), true); err != nil {
		return err
	}
	return c.exchangeError(x, r.clone(x, o))
}

// prepareDir checks that a folder is missing or empty, and makes it. It returns
// the topmost folder that it made, "" for none.
func (c *Client) prepareDir(dir string) (made string, err error) {
	if info, err := c.fs.Stat(dir); err == nil {
		entries, err := c.fs.ReadDir(dir)
		if !info.IsDir() || err == nil && len(entries) > 0 {
			return "", errorf(KindExists, "destination path '%s' already exists and is not an empty directory", dir)
		}
		return "", err
	}
	for up := dir; up != "/"; up = path.Dir(up) {
		if _, err := c.fs.Stat(up); err == nil {
			break
		}
		made = up
	}
	return made, c.fs.MkdirAll(dir, 0o755)
}

// cleanDir removes what a failed clone left.
func (c *Client) cleanDir(dir, made string) {
	if made != "" {
		_ = c.fs.RemoveAll(made)
		return
	}
	entries, _ := c.fs.ReadDir(dir)
	for _, e := range entries {
		_ = c.fs.RemoveAll(path.Join(dir, e.Name()))
	}
}

// clone fetches and checks out.
func (r *Repo) clone(x *exchangeWith, o CloneOptions) error {
	remote := x.remote(r, "origin")
	refs, err := remote.ListContext(x.ctx, &git.ListOptions{Auth: x.auth})
	if errors.Is(err, transport.ErrEmptyRemoteRepository) && o.Branch == "" && o.Commit == "" {
		return nil // an empty repository is cloned as one
	}
	if errors.Is(err, transport.ErrEmptyRemoteRepository) {
		return &Error{KindBranchNotFound, "the remote repository is empty", err}
	}
	if err != nil {
		return err
	}
	start, err := chooseStart(refs, o.Branch)
	if err != nil {
		return err
	}
	fetch := &git.FetchOptions{RemoteName: "origin", RefSpecs: cloneSpecs(start, o, x), Auth: x.auth, Tags: git.TagFollowing}
	if o.Commit == "" && x.local == "" {
		fetch.Depth = o.Depth
	}
	if err := remote.FetchContext(x.ctx, fetch); err != nil && !errors.Is(err, git.NoErrAlreadyUpToDate) {
		return err
	}
	if err := r.noteRemoteHead(refs); err != nil {
		return err
	}
	if o.Commit != "" {
		return r.cloneCommit(o)
	}
	return r.cloneStart(start, o)
}

// chooseStart returns the branch or tag to begin with: the named one, or the
// remote's HEAD, or what HEAD must be when the remote does not tell.
func chooseStart(refs []*plumbing.Reference, branch string) (*plumbing.Reference, error) {
	byName := map[plumbing.ReferenceName]*plumbing.Reference{}
	for _, ref := range refs {
		byName[ref.Name()] = ref
	}
	if branch != "" {
		for _, name := range []plumbing.ReferenceName{plumbing.NewBranchReferenceName(branch), plumbing.NewTagReferenceName(branch)} {
			if ref := byName[name]; ref != nil {
				return ref, nil
			}
		}
		return nil, errorf(KindBranchNotFound, "Remote branch %s not found in upstream origin", branch)
	}
	head := byName[plumbing.HEAD]
	switch {
	case head != nil && head.Type() == plumbing.SymbolicReference && byName[head.Target()] != nil:
		return byName[head.Target()], nil
	case head != nil && head.Type() == plumbing.HashReference:
		return head, nil
	}
	for _, name := range []plumbing.ReferenceName{plumbing.Main, plumbing.Master} {
		if ref := byName[name]; ref != nil {
			return ref, nil
		}
	}
	return nil, errorf(KindBranchNotFound, "the remote does not say which branch to check out; name one")
}

// cloneSpecs are all branches, or the one of a shallow clone.
func cloneSpecs(start *plumbing.Reference, o CloneOptions, x *exchangeWith) []config.RefSpec {
	if o.Bare {
		return []config.RefSpec{"+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"}
	}
	name := start.Name()
	switch {
	case name.IsTag():
		return []config.RefSpec{config.RefSpec(fetchSpec("origin")), config.RefSpec("+" + name + ":" + name)}
	case o.Depth > 0 && o.Commit == "" && x.local == "" && name.IsBranch():
		return []config.RefSpec{config.RefSpec("+" + name.String() + ":refs/remotes/origin/" + name.Short())}
	}
	return []config.RefSpec{config.RefSpec(fetchSpec("origin"))}
}

// noteRemoteHead keeps which branch the remote's HEAD is, as git clone does.
func (r *Repo) noteRemoteHead(refs []*plumbing.Reference) error {
	for _, ref := range refs {
		if ref.Name() != plumbing.HEAD || ref.Type() != plumbing.SymbolicReference || !ref.Target().IsBranch() || r.bare {
			continue
		}
		target := plumbing.NewRemoteReferenceName("origin", ref.Target().Short())
		if _, err := r.git.Storer.Reference(target); err != nil {
			continue // a shallow clone of another branch
		}
		return r.git.Storer.SetReference(plumbing.NewSymbolicReference(plumbing.NewRemoteHEADReferenceName("origin"), target))
	}
	return nil
}

// cloneCommit checks a commit out, detached.
func (r *Repo) cloneCommit(o CloneOptions) error {
	c, err := r.commit(o.Commit)
	if err != nil {
		return errorf(KindBranchNotFound, "the repository has no commit %s", o.Commit)
	}
	if err := r.git.Storer.SetReference(plumbing.NewHashReference(plumbing.HEAD, c.Hash)); err != nil || r.bare {
		return err
	}
	return r.checkoutAll(c.Hash)
}

// cloneStart checks out a branch that follows the remote's, or a tag, detached.
func (r *Repo) cloneStart(start *plumbing.Reference, o CloneOptions) error {
	hash := start.Hash()
	if start.Name().IsTag() {
		c, err := r.commit(start.Name().String())
		if err != nil {
			return err
		}
		hash = c.Hash
	}
	if !start.Name().IsBranch() {
		if err := r.git.Storer.SetReference(plumbing.NewHashReference(plumbing.HEAD, hash)); err != nil || r.bare {
			return err
		}
		return r.checkoutAll(hash)
	}
	branch := start.Name().Short()
	for _, ref := range []*plumbing.Reference{plumbing.NewHashReference(start.Name(), hash), plumbing.NewSymbolicReference(plumbing.HEAD, start.Name())} {
		if err := r.git.Storer.SetReference(ref); err != nil {
			return err
		}
	}
	if r.bare {
		return nil
	}
	if err := r.setUpstream(branch, "origin", branch); err != nil {
		return err
	}
	return r.checkoutAll(hash)
}

func (r *Repo) checkoutAll(hash plumbing.Hash) error {
	target, err := r.commitSnapshot(hash)
	if err != nil {
		return err
	}
	return r.forceTo(target)
}

// CloneDir returns the folder that git clone makes for an address: its last
// part without .git.
func CloneDir(address string) string {
	address = strings.TrimSuffix(strings.TrimRight(address, "/"), "/.git")
	if i := strings.LastIndexAny(address, "/:"); i >= 0 {
		address = address[i+1:]
	}
	return strings.TrimSuffix(address, ".git")
}
