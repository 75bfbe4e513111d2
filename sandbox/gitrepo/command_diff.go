package gitrepo

import (
	"errors"
	"strings"
)

func (c *command) diff(args []string) (int, error) {
	r, f, err := c.openWith(args, "cached", "staged", "stat", "shortstat", "name-only", "name-status", "exit-code", "q/quiet", "p/patch", "u", "no-color", "color", "no-ext-diff", "s/no-patch")
	if err != nil {
		return 0, err
	}
	o := DiffOptions{Cached: f.has("cached") || f.has("staged"), Paths: f.paths}
	for i, a := range f.args {
		from, to, isRange := strings.Cut(a, "..")
		_, rerr := r.commit(a)
		switch {
		case i == 0 && isRange && !strings.HasPrefix(to, "."):
			o.From, o.To = or(from, "HEAD"), or(to, "HEAD")
		case rerr == nil && o.From == "":
			o.From = a
		case rerr == nil && o.To == "" && len(o.Paths) == len(f.paths):
			o.To = a
		case !r.isFile(a):
			return 0, c.ambiguous(errorf(KindBranchNotFound, "%s", a), a)
		default:
			o.Paths = append(o.Paths, a)
		}
	}
	diffs, err := r.Diff(o)
	if err != nil {
		var e *Error
		if errors.As(err, &e) && e.Kind == KindBranchNotFound {
			return 0, c.ambiguous(err, or(o.From, o.To))
		}
		return 0, err
	}
	if !f.has("quiet") {
		if err := c.printDiffs(f, diffs); err != nil {
			return 0, err
		}
	}
	if len(diffs) > 0 && (f.has("exit-code") || f.has("quiet")) {
		return exitError, nil
	}
	return exitOK, nil
}

// printDiffs prints differences in the form that the options ask for.
func (c *command) printDiffs(f *flags, diffs []FileDiff) error {
	switch {
	case f.has("no-patch"):
		return nil
	case f.has("name-only"), f.has("name-status"):
		for _, d := range diffs {
			if f.has("name-status") {
				c.printf("%c\t", d.State)
			}
			c.printf("%s\n", quote(d.Name))
		}
		return nil
	case f.has("shortstat"):
		return c.printStat(diffs)
	case f.has("stat"):
		return c.printFileStats(diffs)
	}
	return WritePatch(c.out, diffs)
}

// printFileStats prints how many lines changed in each file.
func (c *command) printFileStats(diffs []FileDiff) error {
	const bar = 40
	width := 0
	for _, d := range diffs {
		width = max(width, len(quote(d.Name)))
	}
	for _, d := range diffs {
		added, removed, binary, err := d.Lines()
		if err != nil {
			return err
		}
		if binary {
			c.printf(" %-*s | Bin\n", width, quote(d.Name))
			continue
		}
		plus, minus := added, removed
		if total := added + removed; total > bar {
			plus, minus = added*bar/total, removed*bar/total
		}
		c.printf(" %-*s | %d %s%s\n", width, quote(d.Name), added+removed, strings.Repeat("+", plus), strings.Repeat("-", minus))
	}
	return c.printStat(diffs)
}
