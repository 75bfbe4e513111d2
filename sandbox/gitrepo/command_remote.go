package gitrepo

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

func (c *command) remote(args []string) (int, error) {
	r, f, err := c.openWith(args, "v/verbose", "f", "t=", "m=")
	if err != nil {
		return 0, err
	}
	remotes, err := r.Remotes()
	if err != nil {
		return 0, err
	}
	if len(f.args) == 0 || f.args[0] == "show" && len(f.args) == 1 {
		for _, rm := range remotes {
			if f.has("verbose") {
				c.printf("%s\t%s (fetch)\n%s\t%s (push)\n", rm.Name, rm.URL, rm.Name, rm.URL)
			} else {
				c.printf("%s\n", rm.Name)
			}
		}
		return exitOK, nil
	}
	return c.changeRemote(r, remotes, f)
}

func (c *command) changeRemote(r *Repo, remotes []Remote, f *flags) (int, error) {
	verb, args := f.args[0], f.args[1:]
	known := func(name string) error {
		if slices.ContainsFunc(remotes, func(rm Remote) bool { return rm.Name == name }) {
			return nil
		}
		return &exit{2, "error: No such remote '" + name + "'"}
	}
	switch {
	case verb == "add" && len(args) == 2:
		err := r.AddRemote(args[0], args[1], false)
		var e *Error
		if errors.As(err, &e) && e.Kind == KindExists {
			return 0, &exit{3, "error: " + e.Message + "."}
		}
		if err == nil && f.has("f") {
			_, err = r.Fetch(RemoteOptions{Remote: args[0]})
		}
		return exitOK, err
	case (verb == "remove" || verb == "rm") && len(args) == 1:
		if err := known(args[0]); err != nil {
			return 0, err
		}
		return exitOK, r.RemoveRemote(args[0])
	case verb == "set-url" && len(args) == 2:
		if err := known(args[0]); err != nil {
			return 0, err
		}
		return exitOK, r.AddRemote(args[0], args[1], true)
	case verb == "get-url" && len(args) == 1:
		if err := known(args[0]); err != nil {
			return 0, err
		}
		address, err := r.address(args[0])
		c.printf("%s\n", address)
		return exitOK, err
	}
	return 0, &exit{exitUsage, "error: only these are supported here: git remote [-v], add <name> <url>, remove <name>, set-url <name> <url>, get-url <name>"}
}

func (c *command) fetch(args []string) (int, error) {
	r, f, err := c.openWith(args, "q/quiet", "v/verbose", "p/prune", "t/tags", "all", "progress")
	if err != nil {
		return 0, err
	}
	o := RemoteOptions{}
	switch {
	case len(f.args) > 2:
		return 0, errorf(KindInvalid, "git fetch takes one branch at most here")
	case len(f.args) == 2:
		o.Remote, o.Branch = f.args[0], f.args[1]
	case len(f.args) == 1:
		o.Remote = f.args[0]
	}
	_, err = r.Fetch(o)
	return exitOK, err
}

func (c *command) pull(args []string) (int, error) {
	r, f, err := c.openWith(args, "q/quiet", "v/verbose", "ff-only", "ff", "no-rebase", "r/rebase", "progress", "no-edit", "p/prune")
	if err != nil {
		return 0, err
	}
	if len(f.args) > 2 {
		return 0, errorf(KindInvalid, "git pull takes one branch at most here")
	}
	o := RemoteOptions{}
	for i, a := range f.args {
		if i == 0 {
			o.Remote = a
		} else {
			o.Branch = a
		}
	}
	before, err := r.head()
	if err != nil {
		return 0, err
	}
	changed, err := r.Pull(o)
	var e *Error
	if errors.As(err, &e) && e.Kind == KindConflict {
		return 0, &exit{exitFatal, "fatal: Not possible to fast-forward, aborting.\nhint: " + e.Message + "; merges and rebases are not supported here"}
	}
	if err != nil || f.has("quiet") {
		return exitOK, err
	}
	return exitOK, c.forwarded(r, before, changed)
}

func (c *command) push(args []string) (int, error) {
	r, f, err := c.openWith(args, "u/set-upstream", "f/force", "tags", "q/quiet", "v/verbose", "progress", "force-with-lease", "d/delete", "all", "n/dry-run")
	if err != nil {
		return 0, err
	}
	if f.has("delete") || f.has("all") || f.has("dry-run") || f.has("force-with-lease") || len(f.args) > 2 {
		return 0, errorf(KindInvalid, "git push takes a remote, one branch, -u, -f and --tags here")
	}
	o := RemoteOptions{SetUpstream: f.has("set-upstream"), Force: f.has("force"), Tags: f.has("tags")}
	h, err := r.head()
	if err != nil {
		return 0, err
	}
	if len(f.args) > 0 {
		o.Remote = f.args[0]
	}
	if len(f.args) > 1 {
		if o.Branch, err = pushBranch(f.args[1], h.branch); err != nil {
			return 0, err
		}
	}
	return c.doPush(r, o, or(o.Branch, h.branch), f.has("quiet"))
}

// pushBranch returns the branch of a refspec. Branches keep their names here.
func pushBranch(spec, current string) (string, error) {
	from, to, both := strings.Cut(strings.TrimPrefix(spec, "+"), ":")
	if from == "HEAD" {
		from = current
	}
	from = strings.TrimPrefix(from, "refs/heads/")
	if both && strings.TrimPrefix(to, "refs/heads/") != from {
		return "", errorf(KindInvalid, "a branch keeps its name when it is pushed here; %s is not supported", spec)
	}
	return from, nil
}

func (c *command) doPush(r *Repo, o RemoteOptions, branch string, quiet bool) (int, error) {
	name := r.remoteName(o, branch)
	address, err := r.address(name)
	if err != nil {
		return 0, &exit{exitFatal, "fatal: '" + name + "' does not appear to be a git repository\nfatal: Could not read from remote repository."}
	}
	old := strings.Repeat("0", 40)
	if ref, err := r.git.Reference(plumbing.NewRemoteReferenceName(name, branch), true); err == nil {
		old = ref.Hash().String()
	}
	changed, err := r.Push(o)
	var e *Error
	if errors.As(err, &e) && (e.Kind == KindPushRejected || e.Kind == KindRemoteRejected) {
		return 0, &exit{exitError, "To " + redact(address) + "\n ! [rejected]        " + branch + " -> " + branch + "\nerror: failed to push some refs to '" + redact(address) + "'\nhint: " + e.Message}
	}
	if errors.As(err, &e) && e.Kind == KindBranchNotFound {
		return 0, &exit{exitError, "error: src refspec " + branch + " does not match any"}
	}
	if err != nil || quiet {
		return exitOK, err
	}
	if !changed {
		c.errorf("Everything up-to-date")
		return exitOK, nil
	}
	what := " * [new branch]      "
	if now, err := r.commit("refs/heads/" + branch); err == nil && strings.Trim(old, "0") != "" {
		what = fmt.Sprintf("   %s..%s  ", short(old), short(now.Hash.String()))
	}
	c.errorf("To %s\n%s%s -> %s", redact(address), what, branch, branch)
	if o.SetUpstream {
		c.printf("branch '%s' set up to track '%s/%s'.\n", branch, name, branch)
	}
	return exitOK, nil
}

func (c *command) config(args []string) (int, error) {
	f, err := parseFlags(args, "global", "local", "system", "get", "unset", "l/list", "add", "unset-all", "get-all", "bool", "replace-all")
	if err != nil {
		return 0, err
	}
	if f.has("add") || f.has("get-all") {
		return 0, errorf(KindInvalid, "git config --add and --get-all are not supported here")
	}
	files, err := c.configFiles(f)
	if err != nil {
		return 0, err
	}
	keys := f.all()
	switch {
	case f.has("list"):
		return exitOK, c.listConfig(files)
	case len(keys) == 0:
		return 0, &exit{exitUsage, "usage: git config [--global | --local | --system] [--get | --unset | --list] [<name> [<value>]]"}
	case f.has("unset") || f.has("unset-all"):
		found, err := files[0].unset(keys[0])
		if err == nil && !found {
			return 5, nil
		}
		return exitOK, err
	case len(keys) == 1 || f.has("get"):
		return c.getConfig(files, keys[0])
	}
	err = files[0].set(keys[0], keys[1])
	var e *Error
	if errors.As(err, &e) && e.Kind == KindInvalid {
		return 0, &exit{2, "error: " + e.Message}
	}
	return exitOK, err
}

// configFiles returns the files that are meant, the one to write first: the
// repository's before the user's before the guest's.
func (c *command) configFiles(f *flags) ([]*rawConfig, error) {
	local, user, system := (*rawConfig)(nil), &rawConfig{c.c, path.Join(c.c.home, ".gitconfig")}, &rawConfig{c.c, "/etc/gitconfig"}
	r, err := c.open()
	if err == nil {
		local = &rawConfig{c.c, path.Join(r.dot, "config")}
	}
	switch {
	case f.has("global"):
		return []*rawConfig{user}, nil
	case f.has("system"):
		return []*rawConfig{system}, nil
	case f.has("local") && err != nil:
		return nil, &exit{exitFatal, "fatal: --local can only be used inside a git repository"}
	case f.has("local"):
		return []*rawConfig{local}, nil
	case err != nil && len(f.all()) > 1:
		return nil, &exit{exitFatal, "fatal: not in a git directory"}
	case err != nil:
		return []*rawConfig{user, system}, nil
	}
	return []*rawConfig{local, user, system}, nil
}

func (c *command) getConfig(files []*rawConfig, key string) (int, error) {
	if v, ok := c.c.overrides[strings.ToLower(key)]; ok {
		c.printf("%s\n", v)
		return exitOK, nil
	}
	for _, file := range files {
		v, ok, err := file.get(key)
		if err != nil {
			return 0, &exit{exitError, "error: " + err.Error()}
		}
		if ok {
			c.printf("%s\n", v)
			return exitOK, nil
		}
	}
	return exitError, nil
}

func (c *command) listConfig(files []*rawConfig) error {
	for _, file := range slices.Backward(files) {
		entries, err := file.list()
		if err != nil {
			return err
		}
		for _, e := range entries {
			c.printf("%s=%s\n", e[0], e[1])
		}
	}
	return nil
}
