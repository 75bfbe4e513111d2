package coreutils

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"unicode/utf8"
)

// cat copies files to its output.
func cat(c *Call) int {
	o := c.parse("nbsAETvue", "number:n", "number-nonblank:b", "squeeze-blank:s", "show-all:A", "show-ends:E", "show-tabs:T")
	plain := !o.has("n", "b", "s", "A", "E", "T", "e")
	n, blank := 0, false
	return c.eachInput(o.rest, func(_ string, r io.Reader) error {
		if plain {
			_, err := io.Copy(c.Stdout, r)
			return err
		}
		return c.eachLine(r, func(line string) bool {
			empty := line == "\n"
			if o.has("s") && empty && blank {
				return true
			}
			blank = empty
			if o.has("b") && !empty || o.has("n") && !o.has("b") {
				n++
				fmt.Fprintf(c.out, "%6d\t", n)
			}
			if o.has("T", "A") {
				line = strings.ReplaceAll(line, "\t", "^I")
			}
			if o.has("E", "A", "e") && strings.HasSuffix(line, "\n") {
				line = chomp(line) + "$\n"
			}
			c.out.WriteString(line)
			c.endFlush()
			return true
		})
	})
}

// tee copies its input to its output and to files.
func tee(c *Call) int {
	o := c.parse("ai", "append:a")
	code := 0
	writers := []io.Writer{c.Stdout}
	for _, name := range o.rest {
		f, err := c.create(name, o.has("a"))
		if err != nil {
			code = c.failErr(name, err)
			continue
		}
		defer f.Close()
		writers = append(writers, f)
	}
	if _, err := io.Copy(io.MultiWriter(writers...), c.Stdin); err != nil {
		return c.failErr("write error", err)
	}
	return code
}

// tac writes lines in reverse.
func tac(c *Call) int {
	o := c.parse("")
	return c.eachInput(o.rest, func(_ string, r io.Reader) error {
		lines, err := c.readLines(r)
		for i := len(lines) - 1; i >= 0; i-- {
			c.out.WriteString(lines[i])
		}
		return err
	})
}

// readLines reads all lines, newlines included.
func (c *Call) readLines(r io.Reader) ([]string, error) {
	var lines []string
	err := c.eachLine(r, func(line string) bool {
		lines = append(lines, line)
		return true
	})
	return lines, err
}

// rev reverses each line.
func rev(c *Call) int {
	o := c.parse("")
	return c.eachInput(o.rest, func(_ string, r io.Reader) error {
		return c.eachLine(r, func(line string) bool {
			runes := []rune(chomp(line))
			for i, j := 0, len(runes)-1; i < j; i, j = i+1, j-1 {
				runes[i], runes[j] = runes[j], runes[i]
			}
			c.out.WriteString(string(runes) + line[len(chomp(line)):])
			return true
		})
	})
}

// nl numbers lines.
func nl(c *Call) int {
	o := c.parse("b:w:s:v:n:i:")
	style, width, separator := o.value("b", "t"), int(o.number("w", 6)), o.value("s", "\t")
	n := o.number("v", 1)
	return c.eachInput(o.rest, func(_ string, r io.Reader) error {
		return c.eachLine(r, func(line string) bool {
			if style == "n" || style == "t" && line == "\n" {
				fmt.Fprintf(c.out, "%*s%s", width+len(separator), "", line)
				return true
			}
			switch o.value("n", "rn") {
			case "ln":
				fmt.Fprintf(c.out, "%-*d%s%s", width, n, separator, line)
			case "rz":
				fmt.Fprintf(c.out, "%0*d%s%s", width, n, separator, line)
			default:
				fmt.Fprintf(c.out, "%*d%s%s", width, n, separator, line)
			}
			n += o.number("i", 1)
			return true
		})
	})
}

// wc counts lines, words and bytes.
func wc(c *Call) int {
	o := c.parse("lwcmL", "lines:l", "words:w", "bytes:c", "chars:m", "max-line-length:L")
	all := !o.has("l", "w", "c", "m", "L")
	var total counts
	var rows []counts
	code := c.eachInput(o.rest, func(name string, r io.Reader) error {
		n, err := c.count(r)
		if len(o.rest) > 0 {
			n.name = name
		}
		rows = append(rows, n)
		total.add(n)
		return err
	})
	if len(o.rest) > 1 {
		total.name = "total"
		rows = append(rows, total)
	}
	width := 1
	if len(rows) > 1 || all || len(o.values) > 1 {
		width = len(fmt.Sprint(total.bytes))
		if len(o.rest) == 0 {
			width = 7
		}
	}
	for _, n := range rows {
		n.print(c, o, all, width)
	}
	return code
}

// counts is what wc counts in a file.
type counts struct {
	name                               string
	lines, words, chars, bytes, length int64
}

func (n *counts) add(m counts) {
	n.lines += m.lines
	n.words += m.words
	n.chars += m.chars
	n.bytes += m.bytes
	n.length = max(n.length, m.length)
}

func (n *counts) print(c *Call, o options, all bool, width int) {
	first := true
	for _, column := range []struct {
		name  string
		value int64
		shown bool
	}{{"l", n.lines, all}, {"w", n.words, all}, {"m", n.chars, false}, {"c", n.bytes, all}, {"L", n.length, false}} {
		if !column.shown && !o.has(column.name) {
			continue
		}
		if !first {
			c.out.WriteByte(' ')
		}
		first = false
		fmt.Fprintf(c.out, "%*d", width, column.value)
	}
	if n.name != "" {
		c.out.WriteString(" " + n.name)
	}
	c.out.WriteByte('\n')
}

// count goes through a file in pieces, so that lines may have any length.
func (c *Call) count(r io.Reader) (counts, error) {
	var n counts
	b := bufio.NewReaderSize(r, 64<<10)
	inWord, column := false, int64(0)
	for {
		ch, size, err := b.ReadRune()
		if err == io.EOF {
			n.length = max(n.length, column)
			return n, c.Context.Err()
		}
		if err != nil {
			return n, err
		}
		n.bytes += int64(size)
		if ch != utf8.RuneError || size > 1 {
			n.chars++
		}
		switch ch {
		case '\n':
			n.lines++
			n.length = max(n.length, column)
			column, inWord = 0, false
		case ' ', '\t', '\r', '\v', '\f':
			column++
			if ch == '\t' {
				column = (column + tabWidth - 1) / tabWidth * tabWidth
			}
			inWord = false
		default:
			column++
			if !inWord {
				n.words++
			}
			inWord = true
		}
	}
}

const tabWidth = 8

// fold breaks long lines.
func fold(c *Call) int {
	o := c.parse("w:sb", "width:w", "spaces:s", "bytes:b")
	width := max(1, int(o.number("w", 80)))
	return c.eachInput(o.rest, func(_ string, r io.Reader) error {
		return c.eachLine(r, func(line string) bool {
			text := []rune(chomp(line))
			for len(text) > 0 {
				cut := foldAt(text, width, o.has("s"))
				c.out.WriteString(string(text[:cut]))
				if text = text[cut:]; len(text) > 0 {
					c.out.WriteByte('\n')
				}
			}
			c.out.WriteString(line[len(chomp(line)):])
			return true
		})
	})
}

// foldAt returns how many characters fit the width, up to a space if that is
// asked for.
func foldAt(text []rune, width int, spaces bool) int {
	column, space := 0, 0
	for i, ch := range text {
		column++
		if ch == '\t' {
			column = (column + tabWidth - 1) / tabWidth * tabWidth
		}
		if column > width && i > 0 {
			if spaces && space > 0 {
				return space
			}
			return i
		}
		if ch == ' ' || ch == '\t' {
			space = i + 1
		}
	}
	return len(text)
}

// expandTabs turns tabs into spaces.
func expandTabs(c *Call) int {
	o := c.parse("t:i", "tabs:t")
	width := max(1, int(o.number("t", 8)))
	return c.eachInput(o.rest, func(_ string, r io.Reader) error {
		return c.eachLine(r, func(line string) bool {
			column := 0
			for _, ch := range line {
				if ch != '\t' {
					c.out.WriteRune(ch)
					column++
					continue
				}
				for first := true; first || column%width != 0; first = false {
					c.out.WriteByte(' ')
					column++
				}
			}
			return true
		})
	})
}

// shuf writes lines in random order.
func shuf(c *Call) int {
	o := c.parse("en:i:r", "echo:e", "head-count:n", "input-range:i", "repeat:r")
	var lines []string
	code := 0
	switch {
	case o.has("e"):
		for _, arg := range o.rest {
			lines = append(lines, arg+"\n")
		}
	case o.has("i"):
		var from, to int64
		if n, _ := fmt.Sscanf(o.value("i", ""), "%d-%d", &from, &to); n != 2 || to-from > 1<<24 {
			c.usage("invalid input range '%s'", o.value("i", ""))
		}
		for i := from; i <= to; i++ {
			lines = append(lines, fmt.Sprintf("%d\n", i))
		}
	default:
		code = c.eachInput(o.rest, func(_ string, r io.Reader) (err error) {
			lines, err = c.readLines(r)
			return err
		})
	}
	rand.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	for _, line := range lines[:min(int64(len(lines)), o.number("n", int64(len(lines))))] {
		c.out.WriteString(chomp(line) + "\n")
	}
	return code
}
