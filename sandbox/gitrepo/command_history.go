package gitrepo

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// gitDate is how git prints times.
const gitDate = "Mon Jan 2 15:04:05 2006 -0700"

// logOptions are the options of log that show knows too.
var logOptions = []string{"oneline", "format=", "pretty=", "stat", "p/patch", "u", "name-only", "name-status", "shortstat", "abbrev-commit", "no-color", "no-decorate", "decorate", "date=", "s/no-patch", "q/quiet"}

func (c *command) log(args []string) (int, error) {
	r, f, err := c.openWith(args, append([]string{"n/max-count=", "#/max-count=", "reverse", "skip=", "all", "graph", "no-merges", "follow"}, logOptions...)...)
	if err != nil {
		return 0, err
	}
	if f.has("all") || f.has("graph") {
		return 0, errorf(KindInvalid, "git log --all and --graph are not supported here")
	}
	revision, paths := splitRevision(r, f)
	commits, err := c.commits(r, f, revision, paths)
	if err != nil {
		return 0, err
	}
	if f.has("reverse") {
		slices.Reverse(commits)
	}
	for i, commit := range commits {
		if err := c.printCommit(r, f, commit, i == 0); err != nil {
			return 0, err
		}
	}
	return exitOK, nil
}

// commits returns the commits of a log.
func (c *command) commits(r *Repo, f *flags, revision string, paths []string) ([]*object.Commit, error) {
	from, to, isRange := strings.Cut(revision, "..")
	if !isRange {
		from, to = "", revision
	}
	start, err := r.commit(or(to, "HEAD"))
	if err != nil && to == "" {
		h, herr := r.head()
		if herr == nil && h.hash.IsZero() {
			return nil, &exit{exitFatal, "fatal: your current branch '" + h.branch + "' does not have any commits yet"}
		}
	}
	if err != nil {
		return nil, c.ambiguous(err, to)
	}
	var hidden map[plumbing.Hash]int
	if isRange {
		other, err := r.commit(or(from, "HEAD"))
		if err != nil {
			return nil, c.ambiguous(err, from)
		}
		if hidden, err = r.between(other.Hash, start.Hash); err != nil {
			return nil, err
		}
	}
	return c.walkLog(r, f, start, paths, func(commit *object.Commit) bool {
		return (hidden == nil || hidden[commit.Hash] == theirs) && (!f.has("no-merges") || commit.NumParents() < 2)
	})
}

// walkLog goes back from a commit and returns what is to be shown.
func (c *command) walkLog(r *Repo, f *flags, start *object.Commit, paths []string, show func(*object.Commit) bool) ([]*object.Commit, error) {
	limit, skip := maxWalk, 0
	for option, n := range map[string]*int{"max-count": &limit, "skip": &skip} {
		if !f.has(option) {
			continue
		}
		v, err := strconv.Atoi(f.value(option))
		if err != nil {
			return nil, errorf(KindInvalid, "'%s': not an integer", f.value(option))
		}
		*n = v
	}
	specs, err := r.rels(paths)
	if err != nil {
		return nil, err
	}
	o := &git.LogOptions{From: start.Hash, Order: git.LogOrderCommitterTime}
	if len(specs) > 0 {
		o.PathFilter = func(name string) bool {
			return slices.ContainsFunc(specs, func(spec string) bool { return covers(spec, name) })
		}
	}
	iter, err := r.git.Log(o)
	if err != nil {
		return nil, err
	}
	defer iter.Close()
	var commits []*object.Commit
	for limit < 0 || len(commits) < limit {
		commit, err := iter.Next()
		if err != nil { // its end, also that of a shallow history
			return commits, r.ctx.Err()
		}
		if !show(commit) {
			continue
		}
		if skip--; skip < 0 {
			commits = append(commits, commit)
		}
	}
	return commits, nil
}

// printCommit prints a commit as the options say.
func (c *command) printCommit(r *Repo, f *flags, commit *object.Commit, first bool) error {
	format := f.value("format")
	if format == "" {
		format = f.value("pretty")
	}
	format = strings.TrimPrefix(strings.TrimPrefix(format, "tformat:"), "format:")
	hash := commit.Hash.String()
	switch {
	case f.has("oneline") || format == "oneline":
		if !f.has("oneline") {
			c.printf("%s %s\n", hash, subject(commit.Message))
		} else {
			c.printf("%s %s\n", short(hash), subject(commit.Message))
		}
	case format != "" && !slices.Contains([]string{"short", "medium", "full", "fuller"}, format):
		c.printf("%s\n", expandFormat(format, commit))
	default:
		if !first {
			c.printf("\n")
		}
		if f.has("abbrev-commit") {
			hash = short(hash)
		}
		c.printf("commit %s\n", hash)
		if commit.NumParents() > 1 {
			c.printf("Merge:")
			for _, p := range commit.ParentHashes {
				c.printf(" %s", short(p.String()))
			}
			c.printf("\n")
		}
		c.printf("Author: %s <%s>\nDate:   %s\n\n%s", commit.Author.Name, commit.Author.Email, commit.Author.When.Format(gitDate), indent(commit.Message))
	}
	return c.printChanges(r, f, commit)
}

// indent puts four spaces before each line of a message.
func indent(message string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.Trim(message, "\n"), "\n") {
		b.WriteString("    " + line + "\n")
	}
	return b.String()
}

// printChanges prints what a commit changed, where the options ask for it.
func (c *command) printChanges(r *Repo, f *flags, commit *object.Commit) error {
	if !f.has("stat") && !f.has("patch") && !f.has("u") && !f.has("name-only") && !f.has("name-status") && !f.has("shortstat") {
		return nil
	}
	diffs, err := r.diffParent(commit)
	if err != nil {
		return err
	}
	if len(diffs) > 0 {
		c.printf("\n")
	}
	return c.printDiffs(f, diffs)
}

// expandFormat replaces the placeholders of a format; those that are not known
// stay.
func expandFormat(format string, commit *object.Commit) string {
	parents := make([]string, len(commit.ParentHashes))
	for i, p := range commit.ParentHashes {
		parents[i] = p.String()
	}
	_, rest, _ := strings.Cut(strings.TrimLeft(commit.Message, "\n"), "\n")
	body := strings.TrimLeft(rest, "\n")
	hash, a, m := commit.Hash.String(), commit.Author, commit.Committer
	return strings.NewReplacer(
		"%%", "%", "%n", "\n", "%H", hash, "%h", short(hash), "%T", commit.TreeHash.String(), "%P", strings.Join(parents, " "),
		"%s", subject(commit.Message), "%b", body, "%B", strings.TrimLeft(commit.Message, "\n"), "%d", "", "%D", "",
		"%an", a.Name, "%ae", a.Email, "%ad", a.When.Format(gitDate), "%aI", a.When.Format(time.RFC3339), "%at", strconv.FormatInt(a.When.Unix(), 10), "%as", a.When.Format(time.DateOnly),
		"%cn", m.Name, "%ce", m.Email, "%cd", m.When.Format(gitDate), "%cI", m.When.Format(time.RFC3339), "%ct", strconv.FormatInt(m.When.Unix(), 10), "%cs", m.When.Format(time.DateOnly),
		"%ar", ago(a.When), "%cr", ago(m.When),
	).Replace(format)
}

// ago says how long ago a time was.
func ago(t time.Time) string {
	d := time.Since(t)
	for _, u := range []struct {
		name string
		long time.Duration
	}{{"year", 365 * 24 * time.Hour}, {"month", 30 * 24 * time.Hour}, {"week", 7 * 24 * time.Hour}, {"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}} {
		if n := int(d / u.long); n > 0 {
			return fmt.Sprintf("%d %s%s ago", n, u.name, plural(n))
		}
	}
	return fmt.Sprintf("%d seconds ago", int(d.Seconds()))
}

func (c *command) show(args []string) (int, error) {
	r, f, err := c.openWith(args, logOptions...)
	if err != nil {
		return 0, err
	}
	names := f.args
	if len(names) == 0 {
		names = []string{"HEAD"}
	}
	for i, name := range names {
		if revision, file, ok := strings.Cut(name, ":"); ok {
			if err := c.showFile(r, revision, file); err != nil {
				return 0, err
			}
			continue
		}
		commit, err := r.commit(name)
		if err != nil {
			return 0, c.ambiguous(err, name)
		}
		if !f.has("stat") && !f.has("no-patch") && !f.has("quiet") && !f.has("name-only") && !f.has("name-status") && !f.has("shortstat") {
			f.seen["patch"] = []string{""}
		}
		if err := c.printCommit(r, f, commit, i == 0); err != nil {
			return 0, err
		}
	}
	return exitOK, nil
}

// showFile prints a file of a revision, or of the index where none is named.
func (c *command) showFile(r *Repo, revision, file string) error {
	missing := &exit{exitFatal, fmt.Sprintf("fatal: path '%s' does not exist in '%s'", file, or(revision, "the index"))}
	var s snapshot
	if revision == "" {
		idx, err := r.git.Storer.Index()
		if err != nil {
			return err
		}
		s = indexSnapshot(idx)
	} else {
		var err error
		if s, err = r.revisionSnapshot(revision); err != nil {
			return c.ambiguous(err, revision)
		}
	}
	if strings.HasPrefix(file, "./") {
		file = path.Join(r.prefix, file)
	}
	b, ok := s[file]
	if !ok {
		return missing
	}
	blob, err := r.git.BlobObject(b.hash)
	if err != nil {
		return missing
	}
	content, err := blob.Reader()
	if err != nil {
		return err
	}
	defer content.Close()
	_, err = io.Copy(c.out, content)
	return err
}
