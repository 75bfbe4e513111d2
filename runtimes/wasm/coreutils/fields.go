package coreutils

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// span is a range of fields or characters, from 1.
type span struct{ from, to int }

func (c *Call) parseSpans(list string) []span {
	var spans []span
	for part := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		from, to, ranged := strings.Cut(part, "-")
		s := span{1, math.MaxInt}
		var err1, err2 error
		if from != "" {
			s.from, err1 = strconv.Atoi(from)
		}
		if to != "" {
			s.to, err2 = strconv.Atoi(to)
		}
		if !ranged {
			s.to = s.from
		}
		if err1 != nil || err2 != nil || s.from < 1 || part == "-" {
			c.usage("invalid field value '%s'", part)
		}
		spans = append(spans, s)
	}
	return spans
}

func contains(spans []span, n int) bool {
	return slices.ContainsFunc(spans, func(s span) bool { return n >= s.from && n <= s.to })
}

// cut selects parts of lines.
func cut(c *Call) int {
	o := c.parse("b:c:f:d:sn", "bytes:b", "characters:c", "fields:f", "delimiter:d", "only-delimited:s", "complement", "output-delimiter=")
	list := o.value("b", o.value("c", o.value("f", "")))
	if list == "" {
		c.usage("you must specify a list of bytes, characters, or fields")
	}
	spans := c.parseSpans(list)
	selected := func(n int) bool { return contains(spans, n) != o.has("complement") }
	delimiter := o.value("d", "\t")
	return c.eachInput(o.rest, func(_ string, r io.Reader) error {
		return c.eachLine(r, func(line string) bool {
			line = chomp(line)
			switch {
			case o.has("f"):
				c.cutFields(o, line, delimiter, selected)
			case o.has("b"):
				for i := range len(line) {
					if selected(i + 1) {
						c.out.WriteByte(line[i])
					}
				}
				c.out.WriteByte('\n')
			default:
				n := 0
				for _, ch := range line {
					if n++; selected(n) {
						c.out.WriteRune(ch)
					}
				}
				c.out.WriteByte('\n')
			}
			return true
		})
	})
}

func (c *Call) cutFields(o options, line, delimiter string, selected func(int) bool) {
	if !strings.Contains(line, delimiter) {
		if !o.has("s") {
			c.out.WriteString(line + "\n")
		}
		return
	}
	var kept []string
	for i, field := range strings.Split(line, delimiter) {
		if selected(i + 1) {
			kept = append(kept, field)
		}
	}
	c.out.WriteString(strings.Join(kept, o.value("output-delimiter", delimiter)) + "\n")
}

// paste joins lines of files.
func paste(c *Call) int {
	o := c.parse("d:sz", "delimiters:d", "serial:s")
	delimiters := unescape(o.value("d", "\t"))
	if delimiters == "" {
		delimiters = "\x00"
	}
	delimiter := func(i int) string {
		if d := delimiters[i%len(delimiters)]; d != 0 {
			return string(d)
		}
		return ""
	}
	if o.has("s") {
		return c.eachInput(o.rest, func(_ string, r io.Reader) error {
			lines, err := c.readLines(r)
			for i, line := range lines {
				if i > 0 {
					c.out.WriteString(delimiter(i - 1))
				}
				c.out.WriteString(chomp(line))
			}
			c.out.WriteByte('\n')
			return err
		})
	}
	readers, code := c.openAll(o.rest)
	for code == 0 {
		row, any := "", false
		for i, r := range readers {
			line, err := r.ReadString('\n')
			any = any || line != "" || err == nil
			if i > 0 {
				row += delimiter(i - 1)
			}
			row += chomp(line)
		}
		if !any || c.Context.Err() != nil {
			return 0
		}
		c.out.WriteString(row + "\n")
	}
	return code
}

// openAll opens files for reading line by line; the same "-" is one reader.
func (c *Call) openAll(names []string) ([]*bufio.Reader, int) {
	if len(names) == 0 {
		names = []string{"-"}
	}
	var readers []*bufio.Reader
	var stdin *bufio.Reader
	for _, name := range names {
		if name == "-" && stdin != nil {
			readers = append(readers, stdin)
			continue
		}
		r, err := c.open(name)
		if err != nil {
			return nil, c.failErr(name, err)
		}
		b := bufio.NewReader(r)
		if name == "-" {
			stdin = b
		}
		readers = append(readers, b)
	}
	return readers, 0
}

// comm compares two sorted files.
func comm(c *Call) int {
	o := c.parse("123z", "nocheck-order", "output-delimiter=")
	o.need(2)
	readers, code := c.openAll(o.rest[:2])
	if code != 0 {
		return code
	}
	tab := o.value("output-delimiter", "\t")
	indent := [3]string{"", tab, tab + tab}
	if o.has("1") {
		indent[1], indent[2] = "", tab
	}
	if o.has("2") {
		indent[2] = strings.TrimPrefix(indent[2], tab)
	}
	put := func(column int, line string) {
		if !o.has(strconv.Itoa(column + 1)) {
			c.out.WriteString(indent[column] + chomp(line) + "\n")
		}
	}
	next := func(i int) string {
		line, _ := readers[i].ReadString('\n')
		return line
	}
	a, b := next(0), next(1)
	for (a != "" || b != "") && c.Context.Err() == nil {
		switch {
		case b == "" || a != "" && chomp(a) < chomp(b):
			put(0, a)
			a = next(0)
		case a == "" || chomp(a) > chomp(b):
			put(1, b)
			b = next(1)
		default:
			put(2, a)
			a, b = next(0), next(1)
		}
	}
	return 0
}

// join joins lines of two sorted files on a field.
func join(c *Call) int {
	o := c.parse("t:1:2:j:a:v:o:e:i")
	o.need(2)
	separator := o.value("t", "")
	split := func(line string) []string {
		if separator == "" {
			return strings.Fields(line)
		}
		return strings.Split(chomp(line), separator)
	}
	field1, field2 := int(o.number("1", o.number("j", 1)))-1, int(o.number("2", o.number("j", 1)))-1
	right := map[string][][]string{}
	code := c.eachInput(o.rest[1:2], func(_ string, r io.Reader) error {
		return c.eachLine(r, func(line string) bool {
			f := split(line)
			right[at(f, field2)] = append(right[at(f, field2)], without(f, field2))
			return true
		})
	})
	glue := separator
	if glue == "" {
		glue = " "
	}
	return max(code, c.eachInput(o.rest[:1], func(_ string, r io.Reader) error {
		return c.eachLine(r, func(line string) bool {
			f := split(line)
			key := at(f, field1)
			matches := right[key]
			if len(matches) == 0 && (o.value("a", "") == "1" || o.value("v", "") == "1") {
				matches = [][]string{nil}
			} else if o.has("v") {
				return true
			}
			for _, m := range matches {
				c.out.WriteString(strings.Join(slices.Concat([]string{key}, without(f, field1), m), glue) + "\n")
			}
			return true
		})
	}))
}

func at(f []string, i int) string {
	if i < 0 || i >= len(f) {
		return ""
	}
	return f[i]
}

func without(f []string, i int) []string {
	if i < 0 || i >= len(f) {
		return f
	}
	return slices.Delete(slices.Clone(f), i, i+1)
}

// column lines up columns with -t, and copies otherwise.
func column(c *Call) int {
	o := c.parse("ts:o:nx", "table:t", "separator:s", "output-separator:o")
	var rows [][]string
	code := c.eachInput(o.rest, func(_ string, r io.Reader) error {
		return c.eachLine(r, func(line string) bool {
			line = chomp(line)
			switch {
			case strings.TrimSpace(line) == "":
			case !o.has("t"):
				rows = append(rows, []string{line})
			case o.has("s"):
				set := o.value("s", "")
				rows = append(rows, strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(set, r) }))
			default:
				rows = append(rows, strings.Fields(line))
			}
			return true
		})
	})
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		for i, cell := range row {
			if i == len(row)-1 {
				c.out.WriteString(cell + "\n")
				break
			}
			fmt.Fprintf(c.out, "%s%*s%s", cell, widths[i]-utf8.RuneCountInString(cell), "", o.value("o", "  "))
		}
	}
	return code
}

// split cuts its input into files.
func split(c *Call) int {
	o := c.parse("l:b:a:dn:C:", "lines:l", "bytes:b", "suffix-length:a", "numeric-suffixes:d", "additional-suffix=", "number:n")
	in, prefix := "-", "x"
	if len(o.rest) > 0 {
		in = o.rest[0]
	}
	if len(o.rest) > 1 {
		prefix = o.rest[1]
	}
	if o.has("n", "C") {
		c.usage("only -l and -b are known here")
	}
	r, err := c.open(in)
	if err != nil {
		return c.failErr(in, err)
	}
	defer r.Close()
	b := bufio.NewReaderSize(r, 64<<10)
	for i := 0; ; i++ {
		if _, err := b.Peek(1); err != nil {
			return 0
		}
		name := prefix + splitSuffix(i, int(o.number("a", 2)), o.has("d")) + o.value("additional-suffix", "")
		if err := c.splitPart(o, b, name); err != nil {
			return c.failErr(name, err)
		}
	}
}

func (c *Call) splitPart(o options, b *bufio.Reader, name string) error {
	f, err := c.create(name, false)
	if err != nil {
		return err
	}
	defer f.Close()
	if o.has("b") {
		_, err := io.CopyN(f, b, max(1, o.number("b", 1)))
		return ignoreEOF(err)
	}
	w := bufio.NewWriter(f)
	for range o.number("l", 1000) {
		line, err := b.ReadString('\n')
		w.WriteString(line)
		if err != nil {
			break
		}
	}
	return w.Flush()
}

func splitSuffix(n, length int, digits bool) string {
	base, first := 26, byte('a')
	if digits {
		base, first = 10, '0'
	}
	s := make([]byte, length)
	for i := length - 1; i >= 0; i-- {
		s[i] = first + byte(n%base)
		n /= base
	}
	return string(s)
}
