package coreutils

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// ls lists files.
func ls(c *Call) int {
	o := c.parse("alA1RtrShdFpignosCxHLcuUXQNBw:I:kvDZbq", "all:a", "almost-all:A", "recursive:R", "reverse:r", "human-readable:h", "directory:d",
		"classify:F", "color", "group-directories-first", "time-style=", "full-time", "size:s", "inode:i", "sort=", "time=", "width:w", "ignore:I", "hide=", "file-type:p")
	l := &lister{c: c, o: o}
	names := o.rest
	if len(names) == 0 {
		names = []string{"."}
	}
	var files, folders []entry
	code := 0
	for _, name := range names {
		info, err := l.look(name)
		switch {
		case err != nil:
			c.errorf("cannot access '%s': %s", name, errText(err))
			code = 2
		case info.IsDir() && !o.has("d"):
			folders = append(folders, entry{name, info, ""})
		default:
			files = append(files, l.entry(name, c.abs(name), info))
		}
	}
	l.sort(files)
	l.print(files, false)
	l.sort(folders)
	for i, d := range folders {
		if len(files) > 0 || i > 0 {
			c.out.WriteByte('\n')
		}
		code = max(code, l.folder(d.name, len(names) > 1 || o.has("R")))
	}
	return code
}

// entry is a file to list.
type entry struct {
	name   string
	info   fs.FileInfo
	target string // of a link
}

type lister struct {
	c *Call
	o options
}

// look follows a link that is named on the command line, unless the list is long.
func (l *lister) look(name string) (fs.FileInfo, error) {
	if !l.o.has("l", "d", "F") || l.o.has("L", "H") {
		if info, err := l.c.stat(name); err == nil {
			return info, nil
		}
	}
	return l.c.lstat(name)
}

func (l *lister) entry(name, file string, info fs.FileInfo) entry {
	e := entry{name: name, info: info}
	if info.Mode()&fs.ModeSymlink != 0 && l.o.has("l", "g", "n", "o") {
		e.target, _ = l.c.FS.Readlink(file)
	}
	return e
}

// folder lists what is in a folder.
func (l *lister) folder(name string, named bool) int {
	c := l.c
	if named {
		fmt.Fprintf(c.out, "%s:\n", name)
	}
	found, err := c.FS.ReadDir(c.abs(name))
	if err != nil {
		c.errorf("cannot open directory '%s': %s", name, errText(err))
		return 2
	}
	var entries []entry
	for _, e := range found {
		if strings.HasPrefix(e.Name(), ".") && !l.o.has("a", "A") || matchAny(l.o.values["I"], e.Name()) || matchAny(l.o.values["hide"], e.Name()) {
			continue
		}
		if info, err := e.Info(); err == nil {
			entries = append(entries, l.entry(e.Name(), path.Join(c.abs(name), e.Name()), info))
		}
	}
	if l.o.has("a") {
		for _, dots := range []string{".", ".."} {
			if info, err := c.stat(name + "/" + dots); err == nil {
				entries = append(entries, entry{name: dots, info: info})
			}
		}
	}
	l.sort(entries)
	l.print(entries, true)
	code := 0
	for _, e := range entries {
		if l.o.has("R") && e.info.IsDir() && e.name != "." && e.name != ".." && c.Context.Err() == nil {
			c.out.WriteByte('\n')
			code = max(code, l.folder(strings.TrimSuffix(name, "/")+"/"+e.name, true))
		}
	}
	return code
}

func (l *lister) sort(entries []entry) {
	by := func(a, b entry) int { return strings.Compare(a.name, b.name) }
	switch how := l.o.value("sort", ""); {
	case l.o.has("U") || how == "none":
		return
	case l.o.has("t") || how == "time":
		by = func(a, b entry) int {
			return cmp.Or(b.info.ModTime().Compare(a.info.ModTime()), strings.Compare(a.name, b.name))
		}
	case l.o.has("S") || how == "size":
		by = func(a, b entry) int {
			return cmp.Or(cmp.Compare(b.info.Size(), a.info.Size()), strings.Compare(a.name, b.name))
		}
	case l.o.has("X") || how == "extension":
		by = func(a, b entry) int {
			return cmp.Or(strings.Compare(path.Ext(a.name), path.Ext(b.name)), strings.Compare(a.name, b.name))
		}
	case l.o.has("v") || how == "version":
		by = func(a, b entry) int { return compareVersions(a.name, b.name) }
	}
	slices.SortStableFunc(entries, by)
	if l.o.has("r") {
		slices.Reverse(entries)
	}
	if l.o.has("group-directories-first") {
		slices.SortStableFunc(entries, func(a, b entry) int {
			return cmp.Compare(map[bool]int{true: 0, false: 1}[a.info.IsDir()], map[bool]int{true: 0, false: 1}[b.info.IsDir()])
		})
	}
}

func (l *lister) print(entries []entry, total bool) {
	if l.o.has("l", "g", "n", "o", "full-time") {
		l.long(entries, total)
		return
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.name + l.mark(e)
	}
	if l.c.TTY && !l.o.has("1") || l.o.has("C", "x") {
		l.columns(names)
		return
	}
	for _, name := range names {
		l.c.out.WriteString(name + "\n")
	}
}

// mark is what -F and -p put behind a name.
func (l *lister) mark(e entry) string {
	mode := e.info.Mode()
	switch {
	case !l.o.has("F", "p"):
	case mode.IsDir():
		return "/"
	case !l.o.has("F"):
	case mode&fs.ModeSymlink != 0:
		return "@"
	case mode&0o111 != 0:
		return "*"
	}
	return ""
}

// columns fills a line of 80 characters, from top to bottom.
func (l *lister) columns(names []string) {
	if len(names) == 0 {
		return
	}
	widest := 0
	for _, name := range names {
		widest = max(widest, utf8.RuneCountInString(name)+2)
	}
	across := max(1, 80/widest)
	rows := (len(names) + across - 1) / across
	for row := range rows {
		line := ""
		for i := row; i < len(names); i += rows {
			line += names[i] + strings.Repeat(" ", widest-utf8.RuneCountInString(names[i]))
		}
		l.c.out.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

func (l *lister) long(entries []entry, total bool) {
	var blocks int64
	rows := make([][]string, len(entries))
	for i, e := range entries {
		blocks += (e.info.Size() + 4095) / 4096 * 4
		owner, group := l.c.FS.Owner(e.info)
		if l.o.has("n") {
			owner, group = "1000", "1000"
		}
		size := fmt.Sprint(e.info.Size())
		if l.o.has("h") {
			size = human(e.info.Size())
		}
		name := e.name
		if e.target != "" {
			name += " -> " + e.target
		}
		rows[i] = []string{modeText(e.info.Mode()), "1", owner, group, size, l.time(e.info.ModTime()), name + l.mark(e)}
	}
	if total {
		fmt.Fprintf(l.c.out, "total %d\n", blocks)
	}
	var widths [5]int
	for _, row := range rows {
		for i := range widths {
			widths[i] = max(widths[i], len(row[i]))
		}
	}
	for _, row := range rows {
		fmt.Fprintf(l.c.out, "%s %*s ", row[0], widths[1], row[1])
		if !l.o.has("g") {
			fmt.Fprintf(l.c.out, "%-*s ", widths[2], row[2])
		}
		if !l.o.has("o") {
			fmt.Fprintf(l.c.out, "%-*s ", widths[3], row[3])
		}
		fmt.Fprintf(l.c.out, "%*s %s %s\n", widths[4], row[4], row[5], row[6])
	}
}

// time is a modification time: with the year when it is half a year away.
func (l *lister) time(t time.Time) string {
	t = t.In(l.c.zone())
	switch style := l.o.value("time-style", ""); {
	case l.o.has("full-time") || style == "full-iso":
		return t.Format("2006-01-02 15:04:05.000000000 -0700")
	case style == "long-iso":
		return t.Format("2006-01-02 15:04")
	case strings.HasPrefix(style, "+"):
		return strftime(style[1:], t)
	}
	if age := time.Since(t); age > 182*24*time.Hour || age < -time.Hour {
		return t.Format("Jan _2  2006")
	}
	return t.Format("Jan _2 15:04")
}

// modeText is a mode as ls shows it.
func modeText(mode fs.FileMode) string {
	kind := "-"
	switch {
	case mode.IsDir():
		kind = "d"
	case mode&fs.ModeSymlink != 0:
		kind = "l"
		mode |= 0o777
	case mode&fs.ModeCharDevice != 0:
		kind = "c"
	}
	return kind + mode.Perm().String()[1:]
}

// human is a size with a unit.
func human(n int64) string {
	if n < 1024 {
		return fmt.Sprint(n)
	}
	f := float64(n)
	for _, unit := range "KMGTP" {
		f /= 1024
		if f < 9.95 {
			return fmt.Sprintf("%.1f%c", f, unit)
		}
		if f < 1023.5 {
			return fmt.Sprintf("%.0f%c", f, unit)
		}
	}
	return fmt.Sprint(n)
}
