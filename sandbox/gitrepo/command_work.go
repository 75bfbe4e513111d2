package gitrepo

import (
	"errors"
	"path"
	"strconv"
	"strings"
	"time"
)

func (c *command) init(args []string) (int, error) {
	f, err := parseFlags(args, "q/quiet", "bare", "b/initial-branch=")
	if err != nil {
		return 0, err
	}
	dir := c.dir
	if len(f.args) > 0 {
		dir = c.path(f.args[0])
	}
	_, again := c.c.dotGit(dir)
	if err := c.c.Init(c.ctx, dir, f.value("initial-branch"), f.has("bare")); err != nil {
		return 0, err
	}
	dot := dir
	if !f.has("bare") {
		dot = path.Join(dir, gitDir)
	}
	what := "Initialized empty"
	if again {
		what = "Reinitialized existing"
	}
	if !f.has("quiet") {
		c.printf("%s Git repository in %s/\n", what, dot)
	}
	return exitOK, nil
}

func (c *command) clone(args []string) (int, error) {
	f, err := parseFlags(args, "q/quiet", "v/verbose", "progress", "no-progress", "b/branch=", "depth=", "bare", "single-branch", "no-single-branch", "no-tags")
	if err != nil {
		return 0, err
	}
	if len(f.all()) == 0 {
		return 0, &exit{exitUsage, "fatal: You must specify a repository to clone."}
	}
	o := CloneOptions{URL: f.all()[0], From: c.dir, Branch: f.value("branch"), Bare: f.has("bare")}
	if f.has("depth") {
		if o.Depth, err = strconv.Atoi(f.value("depth")); err != nil || o.Depth < 1 {
			return 0, errorf(KindInvalid, "depth %s is not a positive number", f.value("depth"))
		}
	}
	name := CloneDir(o.URL)
	if o.Bare {
		name += ".git"
	}
	if len(f.all()) > 1 {
		name = f.all()[1]
	}
	if name == "" || name == ".git" {
		return 0, errorf(KindInvalid, "could not guess a folder from %s; name one", redact(o.URL))
	}
	o.Dir = c.path(name)
	if !f.has("quiet") {
		c.errorf("Cloning into '%s'...", name)
	}
	return exitOK, c.c.Clone(c.ctx, o)
}

func (c *command) add(args []string) (int, error) {
	r, f, err := c.openWith(args, "A/all", "u/update", "v/verbose", "N/intent-to-add")
	if err != nil {
		return 0, err
	}
	paths := f.all()
	switch {
	case f.has("intent-to-add"):
		return 0, errorf(KindInvalid, "git add -N is not supported here")
	case f.has("all") && len(paths) == 0:
		err = r.AddAll()
	case f.has("update") && len(paths) == 0:
		err = r.AddTracked()
	case len(paths) == 0:
		c.errorf("Nothing specified, nothing added.\nhint: Maybe you wanted to say 'git add .'?")
		return exitOK, nil
	default:
		err = r.Add(paths)
	}
	var e *Error
	switch {
	case errors.As(err, &e) && strings.HasPrefix(e.Message, "pathspec "):
		return 0, &exit{exitFatal, "fatal: " + e.Message}
	case errors.As(err, &e) && strings.Contains(e.Message, "is ignored by"):
		name, _, _ := strings.Cut(e.Message, " is ignored")
		return 0, &exit{exitError, "The following paths are ignored by one of your .gitignore files:\n" + name}
	}
	return exitOK, err
}

func (c *command) rm(args []string) (int, error) {
	r, f, err := c.openWith(args, "r", "f/force", "cached", "q/quiet", "ignore-unmatch")
	if err != nil {
		return 0, err
	}
	if len(f.all()) == 0 {
		return 0, &exit{exitFatal, "fatal: No pathspec was given. Which files should I remove?"}
	}
	removed, err := r.Remove(f.all(), f.has("cached"), f.has("r"), f.has("force"))
	var e *Error
	if errors.As(err, &e) && strings.HasPrefix(e.Message, "pathspec ") {
		if f.has("ignore-unmatch") {
			return exitOK, nil
		}
		return 0, &exit{exitFatal, "fatal: " + e.Message}
	}
	if err != nil {
		return 0, err
	}
	for _, name := range removed {
		if !f.has("quiet") {
			c.printf("rm '%s'\n", name)
		}
	}
	return exitOK, nil
}

func (c *command) mv(args []string) (int, error) {
	r, f, err := c.openWith(args, "f/force", "v/verbose", "k")
	if err != nil {
		return 0, err
	}
	names := f.all()
	if len(names) < 2 {
		return 0, &exit{exitUsage, "usage: git mv [<options>] <source>... <destination>"}
	}
	return exitOK, r.Move(names[:len(names)-1], names[len(names)-1], f.has("force"))
}

func (c *command) commit(args []string) (int, error) {
	r, f, err := c.openWith(args, "m/message=", "F/file=", "a/all", "allow-empty", "amend", "no-edit", "q/quiet", "author=", "n/no-verify", "no-gpg-sign", "s/signoff")
	if err != nil {
		return 0, err
	}
	if len(f.all()) > 0 || f.has("signoff") {
		return 0, errorf(KindInvalid, "git commit with paths or -s is not supported here; use git add and git commit -m")
	}
	before, err := r.headCommit()
	if err != nil {
		return 0, err
	}
	o := CommitOptions{AllowEmpty: f.has("allow-empty"), Amend: f.has("amend")}
	switch {
	case f.has("message"):
		o.Message = strings.Join(f.seen["message"], "\n\n")
	case f.has("file"):
		content, err := c.c.readFile(c.path(f.value("file")), maxConfig)
		if err != nil {
			return 0, &exit{exitFatal, "fatal: could not read log file '" + f.value("file") + "'"}
		}
		o.Message = string(content)
	case o.Amend && before != nil:
		o.Message = before.Message
	default:
		return 0, &exit{exitError, "error: there is no editor here; give the message with -m\nAborting commit due to empty commit message."}
	}
	if strings.TrimSpace(o.Message) == "" {
		return 0, &exit{exitError, "Aborting commit due to empty commit message."}
	}
	if err := c.identity(&o, f.value("author")); err != nil {
		return 0, err
	}
	if o.Amend && before != nil && o.Author == (Author{}) && !f.has("author") {
		o.Author = Author{before.Author.Name, before.Author.Email}
	}
	if f.has("all") {
		if err := r.AddTracked(); err != nil {
			return 0, err
		}
	}
	return c.doCommit(r, o, f.has("quiet"))
}

// identity takes who commits from the environment and the options.
func (c *command) identity(o *CommitOptions, author string) error {
	o.Author = Author{c.env["GIT_AUTHOR_NAME"], c.env["GIT_AUTHOR_EMAIL"]}
	o.Committer = Author{c.env["GIT_COMMITTER_NAME"], c.env["GIT_COMMITTER_EMAIL"]}
	for name, date := range map[string]*time.Time{"GIT_AUTHOR_DATE": &o.AuthorDate, "GIT_COMMITTER_DATE": &o.CommitterDate} {
		t, err := parseDate(c.env[name])
		if err != nil {
			return err
		}
		*date = t
	}
	if author == "" {
		return nil
	}
	name, rest, ok := strings.Cut(author, "<")
	email, end, closed := strings.Cut(rest, ">")
	if !ok || !closed || strings.TrimSpace(end) != "" {
		return errorf(KindInvalid, "--author '%s' is not 'Name <email>'", author)
	}
	o.Author = Author{strings.TrimSpace(name), strings.TrimSpace(email)}
	return nil
}

// parseDate reads the date of a commit: seconds since 1970 with a zone, as git
// keeps it, or ISO 8601. "" is the zero time.
func parseDate(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	seconds, zone, _ := strings.Cut(strings.TrimPrefix(text, "@"), " ")
	if n, err := strconv.ParseInt(seconds, 10, 64); err == nil {
		in, err := time.Parse("-0700", or(zone, "+0000"))
		if err == nil {
			return time.Unix(n, 0).In(in.Location()), nil
		}
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05 -0700", time.DateTime} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errorf(KindInvalid, "invalid date format: %s", text)
}

func (c *command) doCommit(r *Repo, o CommitOptions, quiet bool) (int, error) {
	hash, err := r.Commit(o)
	var e *Error
	if errors.As(err, &e) && e.Kind == KindNothing {
		if _, err := c.longStatus(r); err != nil {
			return 0, err
		}
		return exitError, nil
	}
	if errors.As(err, &e) && strings.HasPrefix(e.Message, "the author is not known") {
		return 0, &exit{exitFatal, "Author identity unknown\n\n*** Please tell me who you are.\n\nRun\n\n  git config --global user.email \"you@example.com\"\n  git config --global user.name \"Your Name\"\n\nto set your account's default identity.\n\nfatal: unable to auto-detect email address"}
	}
	if err != nil || quiet {
		return exitOK, err
	}
	commit, err := r.headCommit()
	if err != nil {
		return 0, err
	}
	h, err := r.head()
	if err != nil {
		return 0, err
	}
	root := ""
	if commit.NumParents() == 0 {
		root = " (root-commit)"
	}
	c.printf("[%s%s %s] %s\n", or(h.branch, "detached HEAD"), root, short(hash), subject(o.Message))
	if a := commit.Author; a.Name != commit.Committer.Name || a.Email != commit.Committer.Email {
		c.printf(" Author: %s <%s>\n", a.Name, a.Email)
	}
	diffs, err := r.diffParent(commit)
	if err != nil {
		return 0, err
	}
	if err := c.printStat(diffs); err != nil {
		return 0, err
	}
	for _, d := range diffs {
		switch d.State {
		case Added:
			c.printf(" create mode %06o %s\n", uint32(d.to.mode), quote(d.Name))
		case Deleted:
			c.printf(" delete mode %06o %s\n", uint32(d.from.mode), quote(d.Name))
		}
	}
	return exitOK, nil
}

// printStat prints a summary of differences, if there are any.
func (c *command) printStat(diffs []FileDiff) error {
	stat, err := Stat(diffs)
	if stat != "" {
		c.printf("%s\n", stat)
	}
	return err
}
