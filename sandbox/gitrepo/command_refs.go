package gitrepo

import (
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
)

func (c *command) lsFiles(args []string) (int, error) {
	r, f, err := c.openWith(args, "c/cached", "m/modified", "d/deleted", "o/others", "exclude-standard")
	if err != nil {
		return 0, err
	}
	files, err := r.files()
	if err != nil {
		return 0, err
	}
	var names []string
	for _, file := range files {
		if f.has("others") && file.Worktree == Untracked || f.has("modified") && (file.Worktree == Modified || file.Worktree == Deleted) || f.has("deleted") && file.Worktree == Deleted {
			names = append(names, file.Name)
		}
	}
	if f.has("cached") || !f.has("others") && !f.has("modified") && !f.has("deleted") {
		idx, err := r.git.Storer.Index()
		if err != nil {
			return 0, err
		}
		for _, e := range idx.Entries {
			names = append(names, e.Name)
		}
	}
	specs, err := r.rels(f.all())
	if err != nil {
		return 0, err
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		rel, below := name, true
		if r.prefix != "" {
			rel, below = strings.CutPrefix(name, r.prefix+"/")
		}
		if below && (len(specs) == 0 || slices.ContainsFunc(specs, func(s string) bool { return covers(s, name) })) {
			c.printf("%s\n", quote(rel))
		}
	}
	return exitOK, nil
}

func (c *command) revParse(args []string) (int, error) {
	var verify, quiet, abbrev, shorten bool
	r, err := c.open()
	if err != nil {
		return 0, err
	}
	for _, a := range args {
		switch {
		case a == "--verify":
			verify = true
		case a == "-q" || a == "--quiet":
			quiet = true
		case a == "--abbrev-ref":
			abbrev = true
		case a == "--short" || strings.HasPrefix(a, "--short="):
			shorten = true
		case strings.HasPrefix(a, "--"):
			if err := c.revParseOption(r, a); err != nil {
				return 0, err
			}
		default:
			text, err := c.revParseName(r, a, abbrev, shorten)
			if err != nil && quiet && verify {
				return exitError, nil
			}
			if err != nil {
				return 0, err
			}
			c.printf("%s\n", text)
		}
	}
	return exitOK, nil
}

func (c *command) revParseOption(r *Repo, option string) error {
	switch option {
	case "--show-toplevel":
		c.printf("%s\n", r.root)
	case "--git-dir", "--absolute-git-dir":
		if dot := r.dot; option == "--git-dir" && r.prefix == "" && dot == path.Join(r.root, gitDir) {
			c.printf("%s\n", gitDir)
		} else {
			c.printf("%s\n", dot)
		}
	case "--show-prefix":
		if r.prefix != "" {
			c.printf("%s/", r.prefix)
		}
		c.printf("\n")
	case "--is-inside-work-tree":
		c.printf("%v\n", !r.bare)
	case "--is-bare-repository":
		c.printf("%v\n", r.bare)
	default:
		return errorf(KindInvalid, "git rev-parse %s is not supported here", option)
	}
	return nil
}

func (c *command) revParseName(r *Repo, name string, abbrev, shorten bool) (string, error) {
	if abbrev {
		if name == "HEAD" {
			h, err := r.head()
			return or(h.branch, "HEAD"), err
		}
		return name, nil
	}
	hash, err := r.git.ResolveRevision(plumbing.Revision(name))
	if err != nil || strings.HasPrefix(name, "-") {
		return "", c.ambiguous(errorf(KindBranchNotFound, "%s", name), name)
	}
	if shorten {
		return short(hash.String()), nil
	}
	return hash.String(), nil
}

func (c *command) tag(args []string) (int, error) {
	r, f, err := c.openWith(args, "l/list", "d/delete", "a/annotate", "m/message=", "f/force", "n")
	if err != nil {
		return 0, err
	}
	names := f.all()
	switch {
	case f.has("delete"):
		return exitOK, c.deleteTags(r, names)
	case len(names) == 0 || f.has("list"):
		tags, err := r.refs("refs/tags/")
		for _, t := range tags {
			if len(names) == 0 || slices.ContainsFunc(names, func(glob string) bool { ok, _ := path.Match(glob, t); return ok }) {
				c.printf("%s\n", t)
			}
		}
		return exitOK, err
	case f.has("annotate") && !f.has("message"):
		return 0, &exit{exitFatal, "fatal: there is no editor here; give the message with -m"}
	}
	at := "HEAD"
	if len(names) > 1 {
		at = names[1]
	}
	return exitOK, c.makeTag(r, names[0], at, strings.Join(f.seen["message"], "\n\n"), f.has("force"))
}

func (c *command) deleteTags(r *Repo, names []string) error {
	for _, name := range names {
		ref, err := r.git.Tag(name)
		if err != nil {
			return &exit{exitError, "error: tag '" + name + "' not found."}
		}
		if err := r.git.DeleteTag(name); err != nil {
			return err
		}
		c.printf("Deleted tag '%s' (was %s)\n", name, short(ref.Hash().String()))
	}
	return nil
}

func (c *command) makeTag(r *Repo, name, at, message string, force bool) error {
	ref := plumbing.NewTagReferenceName(name)
	if ref.Validate() != nil || strings.HasPrefix(name, "-") {
		return errorf(KindInvalid, "'%s' is not a valid tag name.", name)
	}
	commit, err := r.commit(at)
	if err != nil {
		return &exit{exitFatal, "fatal: Failed to resolve '" + at + "' as a valid ref."}
	}
	if _, err := r.git.Tag(name); err == nil {
		if !force {
			return errorf(KindExists, "tag '%s' already exists", name)
		}
		if err := r.git.DeleteTag(name); err != nil {
			return err
		}
	}
	var o *git.CreateTagOptions
	if message != "" {
		tagger, err := r.signature(Author{c.env["GIT_COMMITTER_NAME"], c.env["GIT_COMMITTER_EMAIL"]})
		if err != nil {
			return err
		}
		o = &git.CreateTagOptions{Tagger: tagger, Message: message}
	}
	_, err = r.git.CreateTag(name, commit.Hash, o)
	return err
}
