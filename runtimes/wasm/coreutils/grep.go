package coreutils

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// grep finds lines. Its exit code is 0 when there was one, 1 when not.
func grep(c *Call) int {
	c.oldContext()
	o := c.parse("EFGPivwxce:f:lLnoqshHrRA:B:C:m:abIzUd:", "extended-regexp:E", "fixed-strings:F", "basic-regexp:G", "perl-regexp:P",
		"ignore-case:i", "invert-match:v", "word-regexp:w", "line-regexp:x", "count:c", "regexp:e", "file:f", "files-with-matches:l",
		"files-without-match:L", "line-number:n", "only-matching:o", "quiet:q", "silent:q", "no-messages:s", "no-filename:h", "with-filename:H",
		"recursive:r", "dereference-recursive:R", "after-context:A", "before-context:B", "context:C", "max-count:m", "text:a",
		"include=", "exclude=", "exclude-dir=", "color", "colour", "line-buffered", "binary-files=", "byte-offset:b", "null")
	g := &grepper{c: c, o: o}
	g.patterns()
	g.after = int(o.number("A", o.number("C", 0)))
	g.before = int(o.number("B", o.number("C", 0)))
	g.most = o.number("m", -1)
	names := g.o.rest
	recursive := o.has("r", "R")
	g.named = (len(names) > 1 || recursive || o.has("H")) && !o.has("h")
	if len(names) == 0 && recursive {
		names = []string{"."}
	}
	if len(names) == 0 {
		names = []string{"-"}
	}
	for _, name := range names {
		g.search(name, recursive)
		if g.found && o.has("q") {
			return 0
		}
	}
	switch {
	case g.failed:
		return 2
	case g.found:
		return 0
	}
	return 1
}

// oldContext turns "-3" into "-C 3".
func (c *Call) oldContext() {
	for i, arg := range c.Args[1:] {
		if len(arg) > 1 && arg[0] == '-' && strings.Trim(arg[1:], "0123456789") == "" {
			c.Args[i+1] = "-C" + arg[1:]
		}
	}
}

// grepper is a grep that runs.
type grepper struct {
	c             *Call
	o             options
	res           []*regexp.Regexp
	before, after int
	most          int64
	named         bool
	found, failed bool
	separated     bool // lines with context have been printed
}

// patterns compiles what to look for.
func (g *grepper) patterns() {
	o, c := &g.o, g.c
	list := o.values["e"]
	for _, name := range o.values["f"] {
		b, err := c.readFile(name)
		if err != nil {
			c.usage("%s: %s", name, errText(err))
		}
		if len(b) > 0 {
			list = append(list, chomp(string(b)))
		}
	}
	if !o.has("e", "f") {
		if len(o.rest) == 0 {
			c.usage("no pattern")
		}
		list = o.rest[:1]
		o.rest = o.rest[1:]
	}
	kind := basic
	switch {
	case o.has("F") || c.Args[0] == "fgrep":
		kind = literal
	case o.has("P"):
		kind = perl
	case o.has("E") || c.Args[0] == "egrep":
		kind = extended
	}
	flags := ""
	if o.has("i") {
		flags = "i"
	}
	for _, text := range list {
		for pattern := range strings.SplitSeq(text, "\n") {
			g.add(pattern, kind, flags)
		}
	}
}

func (g *grepper) add(pattern string, kind syntaxKind, flags string) {
	text, err := translate(pattern, kind)
	if err != nil {
		g.c.usage("%s", err)
	}
	switch {
	case g.o.has("x"):
		text = "^(?:" + text + ")$"
	case g.o.has("w"):
		text = `(?:^|\b)(?:` + text + `)(?:\b|$)`
	}
	re, err := compile(text, perl, flags)
	if err != nil {
		g.c.usage("invalid regular expression: %s", pattern)
	}
	re.Longest()
	g.res = append(g.res, re)
}

// search looks into a file, or a folder.
func (g *grepper) search(name string, recursive bool) {
	if name != "-" && g.c.isDir(name) {
		if !recursive {
			g.trouble(name, "Is a directory")
			return
		}
		g.walk(name)
		return
	}
	r, err := g.c.open(name)
	if err != nil {
		g.trouble(name, errText(err))
		return
	}
	defer r.Close()
	if err := g.file(name, r); err != nil {
		g.trouble(name, errText(err))
	}
}

func (g *grepper) trouble(name, text string) {
	if !g.o.has("s") {
		g.c.errorf("%s: %s", name, text)
	}
	g.failed = true
}

func (g *grepper) walk(dir string) {
	entries, err := g.c.FS.ReadDir(g.c.abs(dir))
	if err != nil {
		g.trouble(dir, errText(err))
		return
	}
	for _, e := range entries {
		if g.c.Context.Err() != nil || g.found && g.o.has("q") {
			return
		}
		name := path.Join(dir, e.Name())
		if dir == "." && len(g.o.rest) > 0 {
			name = "./" + e.Name()
		}
		switch {
		case e.IsDir():
			if !matchAny(g.o.values["exclude-dir"], e.Name()) {
				g.walk(name)
			}
		case e.Type()&fs.ModeSymlink != 0 && !g.o.has("R"):
		case g.o.has("include") && !matchAny(g.o.values["include"], e.Name()), matchAny(g.o.values["exclude"], e.Name()):
		default:
			g.search(name, false)
		}
	}
}

func matchAny(patterns []string, name string) bool {
	for _, p := range patterns {
		if ok, _ := path.Match(p, name); ok {
			return true
		}
	}
	return false
}

// file prints the lines of one file that match.
func (g *grepper) file(name string, r io.Reader) error {
	if name == "-" {
		name = "(standard input)"
	}
	f := grepFile{g: g, name: name}
	err := g.c.eachLine(r, f.line)
	if f.matches > 0 {
		g.found = true
	}
	switch {
	case g.o.has("q"):
	case g.o.has("l"):
		if f.matches > 0 {
			fmt.Fprintln(g.c.out, name)
		}
	case g.o.has("L"):
		if f.matches == 0 {
			fmt.Fprintln(g.c.out, name)
		}
	case g.o.has("c"):
		if g.named {
			fmt.Fprintf(g.c.out, "%s:", name)
		}
		fmt.Fprintln(g.c.out, f.matches)
	}
	return err
}

// grepFile is a file that is being searched.
type grepFile struct {
	g             *grepper
	name          string
	number        int
	matches       int64
	before        []string // lines that may have to be printed before a match
	after         int      // lines that are still to be printed after one
	lastPrinted   int
	binary, noted bool
}

func (f *grepFile) line(line string) bool {
	g := f.g
	f.number++
	text := chomp(line)
	f.binary = f.binary || !g.o.has("a") && bytes.IndexByte([]byte(text), 0) >= 0
	if g.matches(text) == g.o.has("v") {
		f.context(text)
		return g.most != 0
	}
	f.matches++
	switch {
	case g.o.has("q") || g.o.has("l"):
		return false
	case g.o.has("c", "L"):
	case f.binary:
		if !f.noted {
			fmt.Fprintf(g.c.out, "Binary file %s matches\n", f.name)
		}
		f.noted = true
		return false
	case g.o.has("o"):
		f.only(text)
	default:
		f.match(text)
	}
	return g.most < 0 || f.matches < g.most || f.after > 0
}

func (g *grepper) matches(line string) bool {
	for _, re := range g.res {
		if re.MatchString(line) {
			return true
		}
	}
	return false
}

// only prints each match of a line.
func (f *grepFile) only(line string) {
	if f.g.o.has("v") {
		return
	}
	var found [][]int
	for _, re := range f.g.res {
		found = append(found, re.FindAllStringIndex(line, -1)...)
	}
	slices.SortFunc(found, func(a, b []int) int { return cmp.Or(a[0]-b[0], b[1]-a[1]) })
	end := 0
	for _, m := range found {
		if m[0] < end || m[0] == m[1] {
			continue
		}
		f.print(f.number, line[m[0]:m[1]], ":")
		end = m[1]
	}
}

// match prints a line with the context before it.
func (f *grepFile) match(text string) {
	g := f.g
	first := f.number - len(f.before)
	if (g.before > 0 || g.after > 0) && g.separated && (f.lastPrinted == 0 || first > f.lastPrinted+1) {
		g.c.out.WriteString("--\n")
	}
	g.separated = true
	for i, line := range f.before {
		f.print(first+i, line, "-")
	}
	f.before = f.before[:0]
	f.print(f.number, text, ":")
	f.after = g.after
}

// context handles a line that does not match.
func (f *grepFile) context(text string) {
	if f.after > 0 && !f.g.o.has("c", "l", "L", "q", "o") {
		f.after--
		f.print(f.number, text, "-")
		return
	}
	if f.g.before == 0 {
		return
	}
	f.before = append(f.before, text)
	if len(f.before) > f.g.before {
		f.before = f.before[1:]
	}
}

func (f *grepFile) print(number int, text, mark string) {
	out := f.g.c.out
	if f.g.named {
		out.WriteString(f.name + mark)
	}
	if f.g.o.has("n") {
		fmt.Fprintf(out, "%d%s", number, mark)
	}
	out.WriteString(text + "\n")
	f.lastPrinted = number
	f.g.c.endFlush()
}
