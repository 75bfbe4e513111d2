package coreutils

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// sortKey is one of sort's keys: a part of the line and how to compare it.
type sortKey struct {
	from, fromChar, to, toChar int // fields and characters from 1; to 0 for the end
	flags                      string
}

// sortLines sorts lines in memory.
func sortLines(c *Call) int {
	o := c.parse("nrubft:k:o:chgsVMdizRm", "numeric-sort:n", "reverse:r", "unique:u", "ignore-case:f", "field-separator:t", "key:k",
		"output:o", "check:c", "human-numeric-sort:h", "stable:s", "version-sort:V", "ignore-leading-blanks:b", "random-sort:R",
		"month-sort:M", "zero-terminated:z", "general-numeric-sort:g", "parallel=", "buffer-size=", "merge:m", "dictionary-order:d")
	global := ""
	for _, f := range []string{"n", "r", "b", "f", "h", "g", "V", "M", "d", "R"} {
		if o.has(f) {
			global += f
		}
	}
	keys := c.sortKeys(o.values["k"], global)
	var lines []string
	code := c.eachInput(o.rest, func(_ string, r io.Reader) error {
		more, err := c.readLines(r)
		for _, line := range more {
			lines = append(lines, chomp(line))
		}
		return err
	})
	if code != 0 {
		return 2
	}
	s := sorter{keys: keys, separator: o.value("t", ""), stable: o.has("s", "u"), reverse: strings.Contains(global, "r")}
	if o.has("c") {
		return c.checkSorted(s, lines)
	}
	if strings.Contains(global, "R") {
		rand.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	}
	slices.SortStableFunc(lines, s.compare)
	if o.has("u") {
		lines = slices.CompactFunc(lines, func(a, b string) bool { return s.byKeys(a, b) == 0 })
	}
	return c.writeLines(o.value("o", ""), lines)
}

func (c *Call) writeLines(name string, lines []string) int {
	var w io.Writer = c.out
	if name != "" {
		f, err := c.create(name, false)
		if err != nil {
			return c.failErr(name, err)
		}
		defer f.Close()
		w = f
		if _, err := io.WriteString(w, strings.Join(append(lines, ""), "\n")); err != nil {
			return c.failErr(name, err)
		}
		return 0
	}
	for _, line := range lines {
		c.out.WriteString(line)
		c.out.WriteByte('\n')
	}
	return 0
}

func (c *Call) checkSorted(s sorter, lines []string) int {
	for i := 1; i < len(lines); i++ {
		if s.compare(lines[i-1], lines[i]) > 0 {
			return c.fail(1, "-:%d: disorder: %s", i+1, lines[i])
		}
	}
	return 0
}

func (c *Call) sortKeys(specs []string, global string) []sortKey {
	if len(specs) == 0 {
		return []sortKey{{from: 1, flags: global}}
	}
	var keys []sortKey
	for _, spec := range specs {
		k := sortKey{flags: ""}
		start, end, hasEnd := strings.Cut(spec, ",")
		ok := true
		k.from, k.fromChar, ok = keyPosition(start, &k.flags)
		if hasEnd && ok {
			k.to, k.toChar, ok = keyPosition(end, &k.flags)
		}
		if !ok || k.from < 1 {
			c.usage("invalid key: '%s'", spec)
		}
		if k.flags == "" {
			k.flags = global
		}
		keys = append(keys, k)
	}
	return keys
}

// keyPosition reads F[.C][flags].
func keyPosition(s string, flags *string) (field, char int, ok bool) {
	digits := strings.TrimRight(s, "nrbfhgVMdi")
	*flags += s[len(digits):]
	f, ch, dotted := strings.Cut(digits, ".")
	field, err := strconv.Atoi(f)
	if dotted && err == nil {
		char, err = strconv.Atoi(ch)
	}
	return field, char, err == nil
}

type sorter struct {
	keys            []sortKey
	separator       string
	stable, reverse bool
}

// compare is by the keys and, where they are equal, by the whole line.
func (s sorter) compare(a, b string) int {
	if n := s.byKeys(a, b); n != 0 || s.stable {
		return n
	}
	if s.reverse {
		return strings.Compare(b, a)
	}
	return strings.Compare(a, b)
}

func (s sorter) byKeys(a, b string) int {
	for _, k := range s.keys {
		n := compareAs(k.flags, s.extract(k, a), s.extract(k, b))
		if strings.Contains(k.flags, "r") {
			n = -n
		}
		if n != 0 {
			return n
		}
	}
	return 0
}

// extract cuts a key out of a line.
func (s sorter) extract(k sortKey, line string) string {
	if k.from == 1 && k.to == 0 && k.fromChar <= 1 {
		return line
	}
	starts, ends := s.fields(line)
	begin, end := len(line), len(line)
	if k.from <= len(starts) {
		begin = starts[k.from-1]
		if strings.Contains(k.flags, "b") {
			begin = ends[k.from-1] - len(strings.TrimLeft(line[begin:ends[k.from-1]], " \t"))
		}
		begin = min(len(line), begin+max(0, k.fromChar-1))
	}
	if k.to > 0 && k.to <= len(ends) {
		end = ends[k.to-1]
		if k.toChar > 0 {
			end = min(end, starts[k.to-1]+k.toChar)
		}
	}
	return line[begin:max(begin, end)]
}

// fields returns where each field of a line begins and ends. Without a separator
// a field begins with the blanks before it.
func (s sorter) fields(line string) (starts, ends []int) {
	if s.separator != "" {
		at := 0
		for part := range strings.SplitSeq(line, s.separator) {
			starts, ends = append(starts, at), append(ends, at+len(part))
			at += len(part) + len(s.separator)
		}
		return starts, ends
	}
	for at := 0; at < len(line); {
		end := at + len(line[at:]) - len(strings.TrimLeft(line[at:], " \t"))
		if n := strings.IndexAny(line[end:], " \t"); n >= 0 {
			end += n
		} else {
			end = len(line)
		}
		starts, ends = append(starts, at), append(ends, end)
		at = end
	}
	return starts, ends
}

func compareAs(flags, a, b string) int {
	switch {
	case strings.Contains(flags, "n"):
		return cmp.Compare(leadingNumber(a), leadingNumber(b))
	case strings.Contains(flags, "g"):
		return cmp.Compare(generalNumber(a), generalNumber(b))
	case strings.Contains(flags, "h"):
		return cmp.Compare(humanNumber(a), humanNumber(b))
	case strings.Contains(flags, "V"):
		return compareVersions(a, b)
	case strings.Contains(flags, "M"):
		return cmp.Compare(monthNumber(a), monthNumber(b))
	}
	if strings.Contains(flags, "b") {
		a, b = strings.TrimLeft(a, " \t"), strings.TrimLeft(b, " \t")
	}
	if strings.Contains(flags, "d") {
		a, b = dictionary(a), dictionary(b)
	}
	if strings.Contains(flags, "f") {
		a, b = strings.ToUpper(a), strings.ToUpper(b)
	}
	return strings.Compare(a, b)
}

func dictionary(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == ' ' || r == '\t' {
			return r
		}
		return -1
	}, s)
}

// numberPrefix cuts the number that s begins with.
func numberPrefix(s string) string {
	s = strings.TrimLeft(s, " \t")
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || s[end] == '.' || end == 0 && s[end] == '-') {
		end++
	}
	return s[:end]
}

func leadingNumber(s string) float64 {
	n, _ := strconv.ParseFloat(numberPrefix(s), 64) // text counts as 0
	return n
}

func generalNumber(s string) float64 {
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil {
		return math.Inf(-1)
	}
	return n
}

func humanNumber(s string) float64 {
	digits := numberPrefix(s)
	n := leadingNumber(s)
	rest := strings.TrimLeft(s, " \t")[len(digits):]
	if rest != "" {
		if power := strings.IndexByte("KMGTPE", strings.ToUpper(rest)[0]); power >= 0 {
			n *= math.Pow(1024, float64(power+1))
		}
	}
	return n
}

const monthNames = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"

func monthNumber(s string) int {
	s = strings.ToUpper(strings.TrimSpace(s))
	if len(s) < 3 {
		return -1
	}
	return strings.Index(monthNames, s[:3])
}

// compareVersions compares runs of digits as numbers.
func compareVersions(a, b string) int {
	for a != "" && b != "" {
		da, db := leadingDigits(a), leadingDigits(b)
		if da != "" && db != "" {
			na, nb := strings.TrimLeft(da, "0"), strings.TrimLeft(db, "0")
			if n := cmp.Or(cmp.Compare(len(na), len(nb)), strings.Compare(na, nb)); n != 0 {
				return n
			}
			a, b = a[len(da):], b[len(db):]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func leadingDigits(s string) string {
	return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
}

// uniq drops lines that repeat.
func uniq(c *Call) int {
	o := c.parse("cdDuif:s:w:z", "count:c", "repeated:d", "unique:u", "ignore-case:i", "skip-fields:f", "skip-chars:s", "check-chars:w")
	in, out := []string{"-"}, ""
	if len(o.rest) > 0 {
		in = o.rest[:1]
	}
	if len(o.rest) > 1 {
		out = o.rest[1]
	}
	var result []string
	last, n := "", 0
	emit := func() {
		if n == 0 || o.has("d", "D") && n < 2 || o.has("u") && n > 1 {
			return
		}
		line := last
		if o.has("c") {
			line = fmt.Sprintf("%7d %s", n, last)
		}
		result = append(result, line)
	}
	code := c.eachInput(in, func(_ string, r io.Reader) error {
		return c.eachLine(r, func(line string) bool {
			line = chomp(line)
			if n > 0 && uniqKey(o, line) == uniqKey(o, last) {
				n++
				return true
			}
			emit()
			last, n = line, 1
			return true
		})
	})
	emit()
	if code != 0 {
		return code
	}
	return c.writeLines(out, result)
}

func uniqKey(o options, line string) string {
	for range o.number("f", 0) {
		line = strings.TrimLeft(line, " \t")
		if at := strings.IndexAny(line, " \t"); at >= 0 {
			line = line[at:]
		} else {
			line = ""
		}
	}
	line = line[min(int64(len(line)), o.number("s", 0)):]
	if o.has("w") {
		line = line[:min(int64(len(line)), o.number("w", 0))]
	}
	if o.has("i") {
		line = strings.ToLower(line)
	}
	return line
}
