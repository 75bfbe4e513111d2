package coreutils

import (
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// found is a file that find looks at.
type found struct {
	name  string // as it is printed
	file  string // absolute
	info  fs.FileInfo
	depth int
	start string
}

// findTest is a part of find's expression.
type findTest func(f *found) bool

// finder is a find that runs.
type finder struct {
	c                  *Call
	args               []string // of the expression, not yet read
	minDepth, maxDepth int
	depthFirst, follow bool
	acts               bool // there is an action, so the default is not needed
	prune              bool // the file that is looked at is not entered
	code               int
	batches            []*findBatch
}

// findBatch collects files for -exec … +.
type findBatch struct{ command, names []string }

// find walks folders and prints, or treats, the files that fit an expression.
func find(c *Call) int {
	f := &finder{c: c, maxDepth: 1 << 20}
	args := c.Args[1:]
	var starts []string
	for len(args) > 0 && (args[0] == "-L" || args[0] == "-P" || args[0] == "-H") {
		f.follow = args[0] == "-L"
		args = args[1:]
	}
	for len(args) > 0 && !strings.HasPrefix(args[0], "-") && args[0] != "(" && args[0] != "!" {
		starts = append(starts, args[0])
		args = args[1:]
	}
	if len(starts) == 0 {
		starts = []string{"."}
	}
	f.args = args
	test := f.or()
	if len(f.args) > 0 {
		c.usage("unexpected '%s'", f.args[0])
	}
	if !f.acts {
		inner := test
		test = func(x *found) bool { return inner(x) && f.print(x, "\n") }
	}
	for _, start := range starts {
		info, err := c.lstat(start)
		if f.follow {
			if followed, err := c.stat(start); err == nil {
				info = followed
			}
		}
		if err != nil {
			c.errorf("'%s': %s", start, errText(err))
			f.code = 1
			continue
		}
		f.walk(&found{name: start, file: c.abs(start), info: info, start: start}, test)
	}
	for _, b := range f.batches {
		f.flush(b)
	}
	return f.code
}

func (f *finder) walk(x *found, test findTest) {
	if f.c.Context.Err() != nil {
		return
	}
	look := func() {
		if x.depth >= f.minDepth {
			test(x)
		}
	}
	f.prune = false
	if !f.depthFirst {
		look()
	}
	if x.info.IsDir() && x.depth < f.maxDepth && !f.prune {
		entries, err := f.c.FS.ReadDir(x.file)
		if err != nil {
			f.c.errorf("'%s': %s", x.name, errText(err))
			f.code = 1
		}
		for _, e := range entries {
			file := path.Join(x.file, e.Name())
			info, err := e.Info()
			if f.follow && err == nil && info.Mode()&fs.ModeSymlink != 0 {
				if followed, err := f.c.FS.Stat(file); err == nil && !followed.IsDir() {
					info = followed
				}
			}
			if err == nil {
				f.walk(&found{name: strings.TrimSuffix(x.name, "/") + "/" + e.Name(), file: file, info: info, depth: x.depth + 1, start: x.start}, test)
			}
		}
	}
	if f.depthFirst {
		look()
	}
}

func (f *finder) peek() string {
	if len(f.args) == 0 {
		return ""
	}
	return f.args[0]
}

func (f *finder) take() string {
	arg := f.peek()
	if len(f.args) == 0 {
		f.c.usage("missing argument")
	}
	f.args = f.args[1:]
	return arg
}

// or reads alternatives, and a list of them separated by commas.
func (f *finder) or() findTest {
	left := f.and()
	for f.peek() == "-o" || f.peek() == "-or" || f.peek() == "," {
		comma := f.take() == ","
		a, b := left, f.and()
		left = func(x *found) bool {
			if ok := a(x); ok && !comma {
				return true
			}
			return b(x)
		}
	}
	return left
}

func (f *finder) and() findTest {
	left := findTest(func(*found) bool { return true })
	for {
		switch f.peek() {
		case "", "-o", "-or", ")", ",":
			return left
		case "-a", "-and":
			f.take()
			continue
		}
		a, b := left, f.not()
		left = func(x *found) bool { return a(x) && b(x) }
	}
}

func (f *finder) not() findTest {
	switch f.peek() {
	case "!", "-not":
		f.take()
		inner := f.not()
		return func(x *found) bool { return !inner(x) }
	case "(":
		f.take()
		inner := f.or()
		if f.take() != ")" {
			f.c.usage("a ( is not closed")
		}
		return inner
	}
	return f.primary(f.take())
}

func yes1(*found) bool { return true }

// primary reads a test, an action or an option.
func (f *finder) primary(name string) findTest {
	switch name {
	case "-name", "-iname", "-path", "-wholename", "-ipath", "-regex", "-iregex":
		return f.nameTest(name, f.take())
	case "-type":
		kinds := f.take()
		return func(x *found) bool { return strings.Contains(kinds, kindLetter(x.info.Mode())) }
	case "-maxdepth":
		f.maxDepth = f.number()
		return yes1
	case "-mindepth":
		f.minDepth = f.number()
		return yes1
	case "-depth":
		f.depthFirst = true
		return yes1
	case "-mount", "-xdev", "-daystart", "-noleaf", "-true", "-readable", "-writable":
		return yes1
	case "-false", "-nouser", "-nogroup":
		return func(*found) bool { return false }
	case "-empty":
		return f.empty
	case "-size", "-mtime", "-mmin", "-ctime", "-cmin", "-atime", "-amin":
		return f.numberTest(name, f.take())
	case "-newer":
		info, err := f.c.stat(f.peek())
		if err != nil {
			f.c.usage("'%s': %s", f.peek(), errText(err))
		}
		f.take()
		return func(x *found) bool { return x.info.ModTime().After(info.ModTime()) }
	case "-perm":
		return f.permTest(f.take())
	case "-executable":
		return func(x *found) bool { return x.info.Mode()&0o111 != 0 }
	case "-user", "-group":
		want := f.take()
		return func(x *found) bool {
			owner, group := f.c.FS.Owner(x.info)
			return want == owner && name == "-user" || want == group && name == "-group"
		}
	}
	return f.action(name)
}

func (f *finder) number() int {
	n, err := strconv.Atoi(f.take())
	if err != nil || n < 0 {
		f.c.usage("expected a number")
	}
	return n
}

func kindLetter(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "d"
	case mode&fs.ModeSymlink != 0:
		return "l"
	case mode&fs.ModeCharDevice != 0:
		return "c"
	}
	return "f"
}

func (f *finder) nameTest(name, pattern string) findTest {
	var re *regexp.Regexp
	var err error
	insensitive := strings.HasPrefix(name, "-i")
	flags := "s"
	if insensitive {
		flags += "i"
	}
	if strings.HasSuffix(name, "regex") {
		re, err = compile("^"+pattern+"$", basic, flags)
	} else {
		re, err = compile(globExpr(pattern), perl, flags)
	}
	if err != nil {
		f.c.usage("invalid pattern '%s'", pattern)
	}
	whole := !strings.HasSuffix(name, "name") || name == "-wholename"
	return func(x *found) bool {
		if whole {
			return re.MatchString(x.name)
		}
		return re.MatchString(path.Base(x.name))
	}
}

// globExpr is the regular expression of a glob in which * matches slashes too.
func globExpr(glob string) string {
	var b strings.Builder
	b.WriteString("^")
	for i := 0; i < len(glob); i++ {
		switch ch := glob[i]; ch {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteString(".")
		case '[':
			end := strings.IndexByte(glob[min(len(glob), i+2):], ']')
			if end < 0 {
				b.WriteString(`\[`)
				continue
			}
			set := glob[i+1 : i+2+end]
			b.WriteString("[" + strings.ReplaceAll(strings.Replace(set, "!", "^", min(1, strings.Count(set[:1], "!"))), `\`, `\\`) + "]")
			i += end + 2
		case '\\':
			if i+1 < len(glob) {
				i++
			}
			b.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		default:
			if ch < 0x80 {
				b.WriteString(regexp.QuoteMeta(string(ch)))
			} else {
				b.WriteByte(ch)
			}
		}
	}
	return b.String() + "$"
}

func (f *finder) empty(x *found) bool {
	if !x.info.IsDir() {
		return x.info.Mode().IsRegular() && x.info.Size() == 0
	}
	entries, err := f.c.FS.ReadDir(x.file)
	return err == nil && len(entries) == 0
}

// numberTest compares a size or an age: +n is more, -n less.
func (f *finder) numberTest(name, text string) findTest {
	unit := int64(1)
	digits := strings.TrimLeft(text, "+-")
	if name == "-size" {
		unit = 512
		if suffix := strings.TrimLeft(digits, "0123456789"); suffix != "" {
			unit = map[string]int64{"c": 1, "w": 2, "b": 512, "k": 1 << 10, "M": 1 << 20, "G": 1 << 30}[suffix]
			digits = strings.TrimSuffix(digits, suffix)
		}
	}
	n, err := strconv.ParseInt(digits, 10, 62)
	if err != nil || unit == 0 {
		f.c.usage("invalid argument '%s' to '%s'", text, name)
	}
	return func(x *found) bool {
		value := (x.info.Size() + unit - 1) / unit
		switch {
		case strings.HasSuffix(name, "min"):
			value = int64(time.Since(x.info.ModTime()) / time.Minute)
		case strings.HasSuffix(name, "time"):
			value = int64(time.Since(x.info.ModTime()) / (24 * time.Hour))
		}
		switch text[0] {
		case '+':
			return value > n
		case '-':
			return value < n
		}
		return value == n
	}
}

func (f *finder) permTest(text string) findTest {
	want, ok := newMode(strings.TrimLeft(text, "-/"), 0)
	if !ok {
		f.c.usage("invalid mode '%s'", text)
	}
	return func(x *found) bool {
		mode := x.info.Mode().Perm()
		switch text[0] {
		case '-':
			return mode&want == want
		case '/':
			return mode&want != 0 || want == 0
		}
		return mode == want
	}
}
