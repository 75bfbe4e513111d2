package gitrepo

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

func (c *command) branch(args []string) (int, error) {
	r, f, err := c.openWith(args, "a/all", "r/remotes", "l/list", "show-current", "d/delete", "D", "m/move", "f/force", "v/verbose", "vv", "u/set-upstream-to=", "q/quiet", "no-color", "color")
	if err != nil {
		return 0, err
	}
	h, err := r.head()
	if err != nil {
		return 0, err
	}
	names := f.all()
	switch {
	case f.has("show-current"):
		if h.branch != "" {
			c.printf("%s\n", h.branch)
		}
		return exitOK, nil
	case f.has("delete") || f.has("D"):
		return c.deleteBranches(r, names, f.has("D") || f.has("force"))
	case f.has("move"):
		return exitOK, r.renameBranch(h, names)
	case f.has("set-upstream-to"):
		return c.followBranch(r, h, f.value("set-upstream-to"), names)
	case len(names) == 0 || f.has("list"):
		return exitOK, c.listBranches(r, h, f)
	}
	start := ""
	if len(names) > 1 {
		start = names[1]
	}
	if err := r.CreateBranch(names[0], start); err != nil {
		return 0, c.notRevision(err, or(start, h.branch))
	}
	return exitOK, nil
}

// notRevision turns the error of an unknown revision into git's words.
func (c *command) notRevision(err error, name string) error {
	var e *Error
	if errors.As(err, &e) && e.Kind == KindBranchNotFound {
		return &exit{exitFatal, "fatal: not a valid object name: '" + name + "'"}
	}
	return err
}

func (c *command) deleteBranches(r *Repo, names []string, force bool) (int, error) {
	h, err := r.head()
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		ref, err := r.git.Reference(plumbing.NewBranchReferenceName(name), true)
		if err != nil {
			return 0, &exit{exitError, "error: branch '" + name + "' not found."}
		}
		if h.branch == name {
			return 0, &exit{exitError, "error: Cannot delete branch '" + name + "' checked out at '" + r.root + "'"}
		}
		if !force && !h.hash.IsZero() {
			_, only, err := r.aheadBehind(h.hash, ref.Hash())
			if err != nil {
				return 0, err
			}
			if only > 0 {
				return 0, &exit{exitError, "error: The branch '" + name + "' is not fully merged.\nIf you are sure you want to delete it, run 'git branch -D " + name + "'."}
			}
		}
		if err := r.DeleteBranch(name); err != nil {
			return 0, err
		}
		c.printf("Deleted branch %s (was %s).\n", name, short(ref.Hash().String()))
	}
	return exitOK, nil
}

// renameBranch renames the branch that is named first, or the current one.
func (r *Repo) renameBranch(h head, names []string) error {
	if len(names) == 1 {
		names = []string{h.branch, names[0]}
	}
	if len(names) != 2 || names[0] == "" {
		return errorf(KindInvalid, "branch name required")
	}
	to, err := branchRef(names[1])
	if err != nil {
		return err
	}
	from := plumbing.NewBranchReferenceName(names[0])
	if _, err := r.git.Storer.Reference(to); err == nil && to != from {
		return errorf(KindBranchExists, "a branch named '%s' already exists", names[1])
	}
	ref, err := r.git.Storer.Reference(from)
	switch {
	case err == nil:
		if err := r.git.Storer.SetReference(plumbing.NewHashReference(to, ref.Hash())); err != nil {
			return err
		}
	case names[0] != h.branch:
		return errorf(KindBranchNotFound, "no branch named '%s'", names[0])
	}
	if names[0] == h.branch {
		if err := r.git.Storer.SetReference(plumbing.NewSymbolicReference(plumbing.HEAD, to)); err != nil {
			return err
		}
	}
	if remote, merge := r.upstream(names[0]); remote != "" {
		if err := r.setUpstream(names[1], remote, merge); err != nil {
			return err
		}
	}
	if ref == nil || to == from {
		return nil
	}
	return r.git.Storer.RemoveReference(from)
}

func (c *command) followBranch(r *Repo, h head, upstream string, names []string) (int, error) {
	branch := h.branch
	if len(names) > 0 {
		branch = names[0]
	}
	remote, merge, ok := strings.Cut(upstream, "/")
	if _, err := r.git.Reference(plumbing.NewRemoteReferenceName(remote, merge), true); !ok || err != nil {
		return 0, errorf(KindBranchNotFound, "the requested upstream branch '%s' does not exist", upstream)
	}
	if err := r.setUpstream(branch, remote, merge); err != nil {
		return 0, err
	}
	c.printf("branch '%s' set up to track '%s'.\n", branch, upstream)
	return exitOK, nil
}

func (c *command) listBranches(r *Repo, h head, f *flags) error {
	width := 0
	if locals, err := r.refs("refs/heads/"); err == nil && f.has("verbose") {
		for _, name := range locals {
			width = max(width, len(name))
		}
	}
	show := func(prefix, ref, name string) {
		c.printf("%s%-*s%s\n", prefix, width, name, c.branchDetails(r, ref, f.has("verbose")))
	}
	if !f.has("remotes") {
		if h.branch == "" {
			c.printf("* (HEAD detached at %s)\n", short(h.hash.String()))
		}
		names, err := r.refs("refs/heads/")
		if err != nil {
			return err
		}
		for _, name := range names {
			mark := "  "
			if name == h.branch {
				mark = "* "
			}
			show(mark, "refs/heads/"+name, name)
		}
	}
	if !f.has("remotes") && !f.has("all") {
		return nil
	}
	names, err := r.refs("refs/remotes/")
	if err != nil {
		return err
	}
	for _, name := range names {
		full := name
		if f.has("all") {
			full = "remotes/" + name
		}
		if ref, err := r.git.Storer.Reference(plumbing.ReferenceName("refs/remotes/" + name)); err == nil && ref.Type() == plumbing.SymbolicReference {
			full += " -> " + strings.TrimPrefix(ref.Target().String(), "refs/remotes/")
		}
		show("  ", "refs/remotes/"+name, full)
	}
	return nil
}

func (c *command) branchDetails(r *Repo, ref string, verbose bool) string {
	if !verbose {
		return ""
	}
	commit, err := r.commit(ref)
	if err != nil {
		return ""
	}
	return " " + short(commit.Hash.String()) + " " + subject(commit.Message)
}

func (c *command) checkout(args []string) (int, error) {
	r, f, err := c.openWith(args, "b=", "B=", "q/quiet", "f/force", "detach", "t/track", "orphan=")
	if err != nil {
		return 0, err
	}
	switch {
	case f.has("B"), f.has("orphan"):
		return 0, errorf(KindInvalid, "git checkout -B and --orphan are not supported here")
	case f.has("b"):
		return c.newBranch(r, f.value("b"), f.args, f.has("quiet"))
	case f.dash:
		return c.checkoutPaths(r, f.args, f.paths)
	case len(f.args) == 0:
		return exitOK, nil
	case f.has("force"):
		if err := r.Reset("hard", ""); err != nil {
			return 0, err
		}
	}
	if len(f.args) > 1 {
		return c.checkoutPaths(r, f.args[:1], f.args[1:])
	}
	code, err := c.switchTo(r, f.args[0], f.has("quiet"), f.has("detach"))
	var e *Error
	if errors.As(err, &e) && (e.Kind == KindBranchNotFound || e.Kind == KindInvalid) { // a file, perhaps
		if r.Restore(RestoreOptions{Paths: f.args}) == nil {
			c.errorf("Updated %d path from the index", 1)
			return exitOK, nil
		}
		return 0, &exit{exitError, "error: pathspec '" + f.args[0] + "' did not match any file(s) known to git"}
	}
	return code, err
}

// checkoutPaths restores paths from the index, or from a revision to both the
// index and the files.
func (c *command) checkoutPaths(r *Repo, revision, paths []string) (int, error) {
	o := RestoreOptions{Paths: paths}
	if len(revision) > 0 {
		if _, err := r.commit(revision[0]); err != nil { // all are paths
			o.Paths = slices.Concat(revision, paths)
		} else {
			o.Source, o.Staged, o.Worktree = revision[0], true, true
		}
	}
	return exitOK, r.Restore(o)
}

func (c *command) newBranch(r *Repo, name string, start []string, quiet bool) (int, error) {
	from := ""
	if len(start) > 0 {
		from = start[0]
	}
	if err := r.CheckoutNew(name, from); err != nil {
		return 0, c.notRevision(err, from)
	}
	if remote, merge, ok := strings.Cut(from, "/"); ok { // a branch of a remote is followed
		if _, err := r.git.Reference(plumbing.NewRemoteReferenceName(remote, merge), true); err == nil {
			if err := r.setUpstream(name, remote, merge); err != nil {
				return 0, err
			}
		}
	}
	if !quiet {
		c.errorf("Switched to a new branch '%s'", name)
	}
	return exitOK, nil
}

// switchTo switches to a branch, tag or commit and says so.
func (c *command) switchTo(r *Repo, name string, quiet, detach bool) (int, error) {
	before, err := r.head()
	if err != nil {
		return 0, err
	}
	if detach {
		commit, err := r.commit(name)
		if err != nil {
			return 0, err
		}
		name = commit.Hash.String()
	}
	if err := r.Checkout(name); err != nil {
		return 0, err
	}
	after, err := r.head()
	switch {
	case err != nil || quiet:
		return exitOK, err
	case after.branch != "" && after.branch == before.branch:
		c.errorf("Already on '%s'", name)
	case after.branch != "":
		c.errorf("Switched to branch '%s'", name)
	default:
		commit, err := r.headCommit()
		if err != nil {
			return 0, err
		}
		c.errorf("HEAD is now at %s %s", short(after.hash.String()), subject(commit.Message))
	}
	return exitOK, nil
}

func (c *command) switchBranch(args []string) (int, error) {
	r, f, err := c.openWith(args, "c/create=", "q/quiet", "d/detach", "C/force-create=", "discard-changes", "f/force")
	if err != nil {
		return 0, err
	}
	switch {
	case f.has("force-create"), f.has("discard-changes"), f.has("force"):
		return 0, errorf(KindInvalid, "git switch -C and -f are not supported here")
	case f.has("create"):
		return c.newBranch(r, f.value("create"), f.args, f.has("quiet"))
	case len(f.args) != 1:
		return 0, errorf(KindInvalid, "missing branch or commit argument")
	}
	name := f.args[0]
	_, local := r.git.Storer.Reference(plumbing.NewBranchReferenceName(name))
	_, remote := r.git.Storer.Reference(plumbing.NewRemoteReferenceName("origin", name))
	h, err := r.head()
	if err != nil {
		return 0, err
	}
	if local != nil && remote != nil && h.branch != name && !f.has("detach") {
		return 0, errorf(KindBranchNotFound, "invalid reference: %s", name)
	}
	return c.switchTo(r, name, f.has("quiet"), f.has("detach"))
}

func (c *command) restore(args []string) (int, error) {
	r, f, err := c.openWith(args, "S/staged", "W/worktree", "s/source=", "q/quiet")
	if err != nil {
		return 0, err
	}
	if len(f.all()) == 0 {
		return 0, errorf(KindInvalid, "you must specify path(s) to restore")
	}
	err = r.Restore(RestoreOptions{Paths: f.all(), Staged: f.has("staged"), Worktree: f.has("worktree"), Source: f.value("source")})
	var e *Error
	if errors.As(err, &e) && e.Kind == KindBranchNotFound {
		return 0, errorf(KindInvalid, "could not resolve %s", f.value("source"))
	}
	return exitOK, err
}

func (c *command) reset(args []string) (int, error) {
	r, f, err := c.openWith(args, "soft", "mixed", "hard", "merge", "keep", "q/quiet")
	if err != nil {
		return 0, err
	}
	mode := ""
	for _, m := range []string{"soft", "mixed", "hard", "merge", "keep"} {
		if f.has(m) {
			mode = m
		}
	}
	revision, paths := splitRevision(r, f)
	if len(paths) > 0 {
		if mode != "" && mode != "mixed" {
			return 0, errorf(KindInvalid, "Cannot do %s reset with paths.", mode)
		}
		if err := r.ResetPaths(revision, paths); err != nil {
			return 0, err
		}
		return exitOK, c.unstaged(r, f.has("quiet"))
	}
	if err := r.Reset(mode, revision); err != nil {
		return 0, c.ambiguous(err, revision)
	}
	switch mode {
	case "hard":
		if commit, err := r.headCommit(); err == nil && commit != nil && !f.has("quiet") {
			c.printf("HEAD is now at %s %s\n", short(commit.Hash.String()), subject(commit.Message))
		}
	case "", "mixed":
		return exitOK, c.unstaged(r, f.has("quiet"))
	}
	return exitOK, nil
}

// unstaged lists what differs from the index after a reset.
func (c *command) unstaged(r *Repo, quiet bool) error {
	diffs, err := r.Diff(DiffOptions{})
	if err != nil || len(diffs) == 0 || quiet {
		return err
	}
	c.printf("Unstaged changes after reset:\n")
	for _, d := range diffs {
		c.printf("%c\t%s\n", d.State, quote(d.Name))
	}
	return nil
}

// splitRevision tells a revision before paths from the paths.
func splitRevision(r *Repo, f *flags) (revision string, paths []string) {
	if len(f.args) == 0 {
		return "", f.paths
	}
	if _, err := r.commit(f.args[0]); err != nil && !f.dash && (len(f.args) > 1 || r.isFile(f.args[0])) {
		return "", f.all()
	}
	return f.args[0], slices.Concat(f.args[1:], f.paths)
}

// isFile tells whether a name is that of a file, there or tracked.
func (r *Repo) isFile(name string) bool {
	rel, err := r.rel(name)
	if err != nil {
		return false
	}
	if _, err := r.c.fs.Lstat(path.Join(r.root, rel)); err == nil {
		return true
	}
	idx, err := r.git.Storer.Index()
	return err == nil && byName(idx)[rel] != nil
}

// ambiguous turns the error of an unknown revision into git's words.
func (c *command) ambiguous(err error, name string) error {
	var e *Error
	if errors.As(err, &e) && e.Kind == KindBranchNotFound {
		return &exit{exitFatal, "fatal: ambiguous argument '" + name + "': unknown revision or path not in the working tree.\nUse '--' to separate paths from revisions, like this:\n'git <command> [<revision>...] -- [<file>...]'"}
	}
	return err
}

func (c *command) merge(args []string) (int, error) {
	r, f, err := c.openWith(args, "ff-only", "ff", "q/quiet", "no-edit")
	if err != nil {
		return 0, err
	}
	if len(f.args) != 1 {
		return 0, errorf(KindInvalid, "name one branch or commit to merge")
	}
	commit, err := r.commit(f.args[0])
	if err != nil {
		return 0, &exit{exitError, "merge: " + f.args[0] + " - not something we can merge"}
	}
	h, err := r.head()
	if err != nil {
		return 0, err
	}
	changed, err := r.fastForward(h, commit.Hash)
	var e *Error
	if errors.As(err, &e) && e.Kind == KindConflict {
		return 0, errorf(KindConflict, "Not possible to fast-forward, aborting; other merges are not supported here")
	}
	if err != nil {
		return 0, err
	}
	return exitOK, c.forwarded(r, h, changed)
}

// forwarded tells what a fast-forward did.
func (c *command) forwarded(r *Repo, before head, changed bool) error {
	if !changed {
		c.printf("Already up to date.\n")
		return nil
	}
	after, err := r.head()
	if err != nil {
		return err
	}
	if before.hash.IsZero() {
		return nil
	}
	c.printf("Updating %s..%s\nFast-forward\n", short(before.hash.String()), short(after.hash.String()))
	diffs, err := r.Diff(DiffOptions{From: before.hash.String(), To: after.hash.String()})
	if err != nil {
		return err
	}
	return c.printFileStats(diffs)
}
