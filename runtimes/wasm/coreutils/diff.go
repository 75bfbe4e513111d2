package coreutils

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// maxDiff bounds the work of a comparison, which grows with the lines and with
// the differences.
const maxDiff = 40_000

// diff compares files line by line, and folders with -r.
func diff(c *Call) int {
	o := c.parse("uU:rqNiwbBacsyedC:", "unified", "recursive:r", "brief:q", "new-file:N", "ignore-case:i", "ignore-all-space:w",
		"ignore-space-change:b", "ignore-blank-lines:B", "text:a", "report-identical-files:s", "color", "label=", "exclude=", "strip-trailing-cr")
	if len(o.rest) != 2 {
		c.usage("need two files")
	}
	d := differ{c: c, o: o}
	a, b := o.rest[0], o.rest[1]
	switch aDir, bDir := c.isDir(a), c.isDir(b); {
	case aDir && bDir:
		return d.folders(a, b)
	case aDir:
		a = path.Join(a, path.Base(b))
	case bDir:
		b = path.Join(b, path.Base(a))
	}
	return d.files(a, b, false)
}

type differ struct {
	c *Call
	o options
}

func (d differ) folders(a, b string) int {
	names := map[string]int{}
	for i, dir := range []string{a, b} {
		entries, err := d.c.FS.ReadDir(d.c.abs(dir))
		if err != nil {
			d.c.failErr(dir, err)
			return 2
		}
		for _, e := range entries {
			if !matchAny(d.o.values["exclude"], e.Name()) {
				names[e.Name()] |= i + 1
			}
		}
	}
	code := 0
	for _, name := range sortedKeys(names) {
		x, y := path.Join(a, name), path.Join(b, name)
		switch {
		case names[name] != 3 && !d.o.has("N"):
			fmt.Fprintf(d.c.out, "Only in %s: %s\n", map[int]string{1: a, 2: b}[names[name]], name)
			code = max(code, 1)
		case d.c.isDir(x) && d.c.isDir(y):
			if d.o.has("r") {
				code = max(code, d.folders(x, y))
			} else {
				fmt.Fprintf(d.c.out, "Common subdirectories: %s and %s\n", x, y)
			}
		default:
			code = max(code, d.files(x, y, true))
		}
	}
	return code
}

func sortedKeys(m map[string]int) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// files compares two files.
func (d differ) files(a, b string, inFolder bool) int {
	x, err1 := d.read(a)
	y, err2 := d.read(b)
	for _, err := range []error{err1, err2} {
		if err != nil {
			d.c.errorf("%s", err)
			return 2
		}
	}
	edits, ok := compareLines(d.keys(x), d.keys(y))
	if !ok {
		d.c.errorf("%s and %s are too large and too different to be compared here", a, b)
		return 2
	}
	if !slices.ContainsFunc(edits, func(e edit) bool { return e.kind != ' ' }) {
		if d.o.has("s") {
			fmt.Fprintf(d.c.out, "Files %s and %s are identical\n", a, b)
		}
		return 0
	}
	switch {
	case d.o.has("q"):
		fmt.Fprintf(d.c.out, "Files %s and %s differ\n", a, b)
	case d.o.has("u", "U", "unified"):
		if inFolder {
			fmt.Fprintf(d.c.out, "diff -r -u %s %s\n", a, b)
		}
		d.header("---", a, 0)
		d.header("+++", b, 1)
		d.unified(edits, x, y)
	default:
		if inFolder {
			fmt.Fprintf(d.c.out, "diff -r %s %s\n", a, b)
		}
		d.normal(edits, x, y)
	}
	return 1
}

func (d differ) header(mark, name string, i int) {
	if labels := d.o.values["label"]; i < len(labels) {
		fmt.Fprintf(d.c.out, "%s %s\n", mark, labels[i])
		return
	}
	when := ""
	if info, err := d.c.stat(name); err == nil {
		when = "\t" + info.ModTime().In(d.c.zone()).Format("2006-01-02 15:04:05.000000000 -0700")
	}
	fmt.Fprintf(d.c.out, "%s %s%s\n", mark, name, when)
}

func (d differ) read(name string) ([]string, error) {
	b, err := d.c.readFile(name)
	if err != nil {
		if _, missing := d.c.stat(name); missing != nil && d.o.has("N") {
			return nil, nil
		}
		return nil, fmt.Errorf("%s: %s", name, errText(err))
	}
	lines := strings.SplitAfter(string(b), "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines, nil
}

// keys are what lines are compared by.
func (d differ) keys(lines []string) []string {
	if !d.o.has("i", "w", "b", "strip-trailing-cr") {
		return lines
	}
	keys := make([]string, len(lines))
	for i, line := range lines {
		switch {
		case d.o.has("w"):
			line = strings.Join(strings.Fields(line), "")
		case d.o.has("b"):
			line = strings.Join(strings.Fields(line), " ")
		case d.o.has("strip-trailing-cr"):
			line = strings.ReplaceAll(line, "\r\n", "\n")
		}
		if d.o.has("i") {
			line = strings.ToLower(line)
		}
		keys[i] = line
	}
	return keys
}

// edit is a line that both files have (' ') or that one has ('-', '+'), with the
// indexes that the files stand at.
type edit struct {
	kind byte
	a, b int
}

// compareLines finds the fewest edits with Myers's algorithm.
func compareLines(a, b []string) ([]edit, bool) {
	prefix := 0
	for prefix < min(len(a), len(b)) && a[prefix] == b[prefix] {
		prefix++
	}
	suffix := 0
	for suffix < min(len(a), len(b))-prefix && a[len(a)-1-suffix] == b[len(b)-1-suffix] {
		suffix++
	}
	middle, ok := myers(a[prefix:len(a)-suffix], b[prefix:len(b)-suffix])
	if !ok {
		return nil, false
	}
	var edits []edit
	for i := range prefix {
		edits = append(edits, edit{' ', i, i})
	}
	for _, e := range middle {
		edits = append(edits, edit{e.kind, e.a + prefix, e.b + prefix})
	}
	for i := range suffix {
		edits = append(edits, edit{' ', len(a) - suffix + i, len(b) - suffix + i})
	}
	return edits, true
}

func myers(a, b []string) ([]edit, bool) {
	n, m := len(a), len(b)
	most := min(n+m, maxDiff/8)
	v := make([]int, 2*most+3)
	var trace [][]int
	for depth := 0; depth <= most; depth++ {
		trace = append(trace, slices.Clone(v[most-depth:most+depth+3]))
		for k := -depth; k <= depth; k += 2 {
			x := v[most+k] + 1 // from k-1: a line of a less
			if k == -depth || k != depth && v[most+k] < v[most+k+2] {
				x = v[most+k+2] // from k+1: a line of b more
			}
			for x < n && x-k < m && a[x] == b[x-k] {
				x++
			}
			v[most+1+k] = x
			if x >= n && x-k >= m {
				return backtrack(trace, n, m), true
			}
		}
	}
	return nil, n+m == 0
}

// backtrack walks the trace from the end.
func backtrack(trace [][]int, x, y int) []edit {
	var edits []edit
	for depth := len(trace) - 1; depth >= 0; depth-- {
		v := trace[depth]
		at := func(k int) int { return v[k+depth+1] }
		k := x - y
		prev := k - 1
		if k == -depth || k != depth && at(k-1) < at(k+1) {
			prev = k + 1
		}
		px := at(prev)
		if depth == 0 {
			px, prev = 0, 0
		}
		py := px - prev
		for x > px && y > py && x > 0 && y > 0 {
			x, y = x-1, y-1
			edits = append(edits, edit{' ', x, y})
		}
		if depth > 0 {
			if x == px {
				y--
				edits = append(edits, edit{'+', x, y})
			} else {
				x--
				edits = append(edits, edit{'-', x, y})
			}
		}
	}
	slices.Reverse(edits)
	return edits
}

// normal prints edits as "2,3c2" with the lines.
func (d differ) normal(edits []edit, a, b []string) {
	for i := 0; i < len(edits); {
		if edits[i].kind == ' ' {
			i++
			continue
		}
		start := i
		var removed, added []string
		for i < len(edits) && edits[i].kind != ' ' {
			if edits[i].kind == '-' {
				removed = append(removed, a[edits[i].a])
			} else {
				added = append(added, b[edits[i].b])
			}
			i++
		}
		ax, bx := edits[start].a, edits[start].b
		kind := "c"
		if len(removed) == 0 {
			kind = "a"
		} else if len(added) == 0 {
			kind = "d"
		}
		fmt.Fprintf(d.c.out, "%s%s%s\n", lineRange(ax, len(removed)), kind, lineRange(bx, len(added)))
		d.lines("< ", removed)
		if kind == "c" {
			d.c.out.WriteString("---\n")
		}
		d.lines("> ", added)
	}
}

func lineRange(at, n int) string {
	switch n {
	case 0:
		return fmt.Sprint(at)
	case 1:
		return fmt.Sprint(at + 1)
	}
	return fmt.Sprintf("%d,%d", at+1, at+n)
}

func (d differ) lines(mark string, lines []string) {
	for _, line := range lines {
		d.c.out.WriteString(mark + line)
		if !strings.HasSuffix(line, "\n") {
			d.c.out.WriteString("\n\\ No newline at end of file\n")
		}
	}
}

// unified prints edits in hunks with context.
func (d differ) unified(edits []edit, a, b []string) {
	context := int(d.o.number("U", 3))
	for i := 0; i < len(edits); {
		next := slices.IndexFunc(edits[i:], func(e edit) bool { return e.kind != ' ' })
		if next < 0 {
			return
		}
		begin := max(i, i+next-context)
		end, quiet := i+next, 0
		for end < len(edits) && quiet <= 2*context {
			if edits[end].kind == ' ' {
				quiet++
			} else {
				quiet = 0
			}
			end++
		}
		end -= max(0, quiet-context)
		d.hunk(edits[begin:end], a, b)
		i = end
	}
}

func (d differ) hunk(edits []edit, a, b []string) {
	inA, inB := 0, 0
	for _, e := range edits {
		if e.kind != '+' {
			inA++
		}
		if e.kind != '-' {
			inB++
		}
	}
	fmt.Fprintf(d.c.out, "@@ -%s +%s @@\n", hunkRange(edits[0].a, inA), hunkRange(edits[0].b, inB))
	for _, e := range edits {
		if e.kind == '+' {
			d.lines("+", b[e.b:e.b+1])
		} else {
			d.lines(string(e.kind), a[e.a:e.a+1])
		}
	}
}

func hunkRange(at, n int) string {
	switch n {
	case 0:
		return fmt.Sprintf("%d,0", at)
	case 1:
		return fmt.Sprint(at + 1)
	}
	return fmt.Sprintf("%d,%d", at+1, n)
}

// cmpFiles compares two files byte by byte.
func cmpFiles(c *Call) int {
	o := c.parse("sl", "quiet:s", "silent:s", "verbose:l")
	if len(o.rest) < 2 {
		c.usage("missing operand")
	}
	var contents [2]string
	for i, name := range o.rest[:2] {
		b, err := c.readFile(name)
		if err != nil {
			c.failErr(name, err)
			return 2
		}
		contents[i] = string(b)
	}
	a, b := contents[0], contents[1]
	if a == b {
		return 0
	}
	at := 0
	for at < min(len(a), len(b)) && a[at] == b[at] {
		at++
	}
	if !o.has("s") {
		if at == min(len(a), len(b)) {
			short := o.rest[0]
			if len(b) < len(a) {
				short = o.rest[1]
			}
			c.errorf("EOF on %s after byte %d", short, at)
		} else {
			fmt.Fprintf(c.out, "%s %s differ: byte %d, line %d\n", o.rest[0], o.rest[1], at+1, strings.Count(a[:at], "\n")+1)
		}
	}
	return 1
}
