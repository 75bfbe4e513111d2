package gitrepo

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

func (c *command) status(args []string) (int, error) {
	args, untracked := untrackedMode(args)
	r, f, err := c.openWith(args, "s/short", "porcelain", "b/branch", "long")
	if err != nil {
		return 0, err
	}
	if !f.has("short") && !f.has("porcelain") {
		return c.longStatus(r)
	}
	s, err := r.Status()
	if err != nil {
		return 0, err
	}
	if f.has("branch") {
		c.printf("## %s\n", branchLine(s))
	}
	for _, file := range c.shown(r, s.Files, untracked) {
		name := spaceQuote(file.Name)
		if file.From != "" {
			name = spaceQuote(file.From) + " -> " + name
		}
		c.printf("%c%c %s\n", file.Staging, file.Worktree, name)
	}
	return exitOK, nil
}

// untrackedMode takes the option for untracked files, whose value is joined on
// and may be left out, and --porcelain=v1, which is what --porcelain means.
func untrackedMode(args []string) (rest []string, mode string) {
	for _, a := range args {
		short, isShort := strings.CutPrefix(a, "-u")
		long, isLong := strings.CutPrefix(a, "--untracked-files")
		switch {
		case isShort:
			mode = or(short, "all")
		case isLong:
			mode = or(strings.TrimPrefix(long, "="), "all")
		case a == "--porcelain=v1":
			rest = append(rest, "--porcelain")
		default:
			rest = append(rest, a)
		}
	}
	return rest, mode
}

// shown returns the files in the order in which git shows them, with the
// untracked ones as the mode says.
func (c *command) shown(r *Repo, files []FileStatus, untracked string) []FileStatus {
	switch untracked {
	case "all":
		return files
	case "no":
		return slices.DeleteFunc(files, func(f FileStatus) bool { return f.Worktree == Untracked })
	}
	return c.collapse(r, files)
}

// spaceQuote is quote that also quotes names with spaces, as status does.
func spaceQuote(name string) string {
	if q := quote(name); q != name || !strings.Contains(name, " ") {
		return q
	}
	return `"` + name + `"`
}

func branchLine(s *Status) string {
	switch {
	case s.Detached:
		return "HEAD (no branch)"
	case s.Head == "":
		return "No commits yet on " + s.Branch
	case s.Upstream == "":
		return s.Branch
	}
	line := s.Branch + "..." + s.Upstream
	var differ []string
	if s.Ahead > 0 {
		differ = append(differ, fmt.Sprintf("ahead %d", s.Ahead))
	}
	if s.Behind > 0 {
		differ = append(differ, fmt.Sprintf("behind %d", s.Behind))
	}
	if len(differ) > 0 {
		line += " [" + strings.Join(differ, ", ") + "]"
	}
	return line
}

// collapse shows a folder of which nothing is tracked as one, and puts untracked
// files last, as git does.
func (c *command) collapse(r *Repo, files []FileStatus) []FileStatus {
	idx, err := r.git.Storer.Index()
	if err != nil {
		return files
	}
	tracked := map[string]bool{}
	for _, e := range idx.Entries {
		for dir := path.Dir(e.Name); dir != "."; dir = path.Dir(dir) {
			tracked[dir] = true
		}
	}
	var changed, untracked []FileStatus
	for _, f := range files {
		if f.Worktree != Untracked {
			changed = append(changed, f)
			continue
		}
		for dir := path.Dir(f.Name); dir != "."; dir = path.Dir(dir) {
			if !tracked[dir] {
				f.Name = dir + "/"
			}
		}
		if !slices.ContainsFunc(untracked, func(o FileStatus) bool { return o.Name == f.Name }) {
			untracked = append(untracked, f)
		}
	}
	return append(changed, untracked...)
}

// longStatus prints the status for people.
func (c *command) longStatus(r *Repo) (int, error) {
	s, err := r.Status()
	if err != nil {
		return 0, err
	}
	if s.Detached {
		c.printf("HEAD detached at %s\n", short(s.Head))
	} else {
		c.printf("On branch %s\n", s.Branch)
	}
	if s.Head == "" {
		c.printf("\nNo commits yet\n\n")
	} else if s.Upstream != "" && s.Published {
		c.printf("%s\n", upstreamText(s))
	}
	files := c.collapse(r, s.Files)
	unstage := "git restore --staged <file>..."
	if s.Head == "" {
		unstage = "git rm --cached <file>..."
	}
	staged := c.section("Changes to be committed:", "  (use \""+unstage+"\" to unstage)", files, func(f FileStatus) State {
		if f.Staging == Untracked || f.Staging == Unmerged {
			return Unmodified
		}
		return f.Staging
	})
	unmerged := c.section("Unmerged paths:", "  (use \"git add <file>...\" to mark resolution)", files, func(f FileStatus) State {
		if f.Staging != Unmerged {
			return Unmodified
		}
		return Unmerged
	})
	changed := c.section("Changes not staged for commit:", "  (use \"git add <file>...\" to update what will be committed)\n  (use \"git restore <file>...\" to discard changes in working directory)", files, func(f FileStatus) State {
		if f.Worktree == Untracked || f.Worktree == Unmerged {
			return Unmodified
		}
		return f.Worktree
	})
	untracked := c.section("Untracked files:", "  (use \"git add <file>...\" to include in what will be committed)", files, func(f FileStatus) State {
		if f.Worktree != Untracked {
			return Unmodified
		}
		return Untracked
	})
	switch {
	case staged > 0:
	case changed > 0 || unmerged > 0:
		c.printf("no changes added to commit (use \"git add\" and/or \"git commit -a\")\n")
	case untracked > 0:
		c.printf("nothing added to commit but untracked files present (use \"git add\" to track)\n")
	case s.Head == "":
		c.printf("nothing to commit (create/copy files and use \"git add\" to track)\n")
	default:
		c.printf("nothing to commit, working tree clean\n")
	}
	return exitOK, nil
}

// words are what longStatus calls the states.
var words = map[State]string{
	Modified: "modified:   ", Added: "new file:   ", Deleted: "deleted:    ", Renamed: "renamed:    ", Copied: "copied:     ", Unmerged: "both modified:   ", Untracked: "",
}

// section prints the files that have a state, and returns how many there are.
func (c *command) section(title, hint string, files []FileStatus, state func(FileStatus) State) (n int) {
	for _, f := range files {
		st := state(f)
		if st == Unmodified {
			continue
		}
		if n++; n == 1 {
			c.printf("%s\n%s\n", title, hint)
		}
		name := quote(f.Name)
		if st == Renamed {
			name = quote(f.From) + " -> " + name
		}
		c.printf("\t%s%s\n", words[st], name)
	}
	if n > 0 {
		c.printf("\n")
	}
	return n
}

func upstreamText(s *Status) string {
	commits := func(n int) string { return fmt.Sprintf("%d commit%s", n, plural(n)) }
	switch {
	case s.Ahead > 0 && s.Behind > 0:
		return fmt.Sprintf("Your branch and '%s' have diverged,\nand have %d and %d different commits each, respectively.\n", s.Upstream, s.Ahead, s.Behind)
	case s.Ahead > 0:
		return fmt.Sprintf("Your branch is ahead of '%s' by %s.\n  (use \"git push\" to publish your local commits)\n", s.Upstream, commits(s.Ahead))
	case s.Behind > 0:
		return fmt.Sprintf("Your branch is behind '%s' by %s, and can be fast-forwarded.\n  (use \"git pull\" to update your local branch)\n", s.Upstream, commits(s.Behind))
	}
	return fmt.Sprintf("Your branch is up to date with '%s'.\n", s.Upstream)
}
