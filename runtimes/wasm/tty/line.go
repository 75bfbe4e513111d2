package tty

import (
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// cell is a character as a person sees it, which may be several of Unicode's. It is
// no control character but for newlines and tabs.
type cell struct {
	text  string
	width int // in columns; that of a tab depends on where it stands
}

// cells are the characters of a text.
func cells(text string) (all []cell) {
	for state := -1; text != ""; {
		var c cell
		c.text, text, c.width, state = uniseg.FirstGraphemeClusterInString(text, state)
		switch {
		case c.text == "\r\n" || c.text == "\r":
			c.text = "\n"
		case c.text == "\n" || c.text == "\t":
		case c.width == 0 || strings.ContainsFunc(c.text, unicode.IsControl):
			continue // nothing that could be seen
		}
		all = append(all, c)
	}
	return all
}

func textOf(line []cell) string {
	var b strings.Builder
	for _, c := range line {
		b.WriteString(c.text)
	}
	return b.String()
}

// place is where something stands on the screen: rows and columns from where the
// last line of the prompt begins.
type place struct{ row, col int }

const tabStop = 8

// after returns where the next character stands. One behind the last column stands
// in the next row.
func (p place) after(c cell, cols int) place {
	width := c.width
	switch c.text {
	case "\n":
		return place{p.row + 1, 0}
	case "\t":
		width = min(tabStop-p.col%tabStop, cols-p.col)
	}
	if p.col+width > cols {
		p = place{p.row + 1, 0}
	}
	if p.col += width; p.col >= cols {
		p = place{p.row + 1, 0}
	}
	return p
}

func (p place) afterAll(line []cell, cols int) place {
	for _, c := range line {
		p = p.after(c, cols)
	}
	return p
}

// draw returns what shows a line from a place on, and the place behind it.
func (p place) draw(line []cell, cols int) (string, place) {
	var b strings.Builder
	for i, c := range line {
		next := p.after(c, cols)
		if c.text == "\t" {
			b.WriteString(strings.Repeat(" ", min(tabStop-p.col%tabStop, cols-p.col)))
		} else {
			b.WriteString(c.text)
		}
		// A terminal goes to the next row with the first character that stands there.
		if next.col == 0 && c.text != "\n" && (i == len(line)-1 || line[i+1].text == "\n") {
			b.WriteString(" \r")
		}
		p = next
	}
	return b.String(), p
}

// promptEnd is where a line begins behind the last line of a prompt, which may have
// escape sequences.
func promptEnd(prompt string, cols int) place {
	var seen strings.Builder
	for rest := lastLine(prompt); rest != ""; {
		text, sequence, found := strings.Cut(rest, "\x1b")
		seen.WriteString(text)
		if !found {
			break
		}
		rest = afterSequence(sequence)
	}
	return place{}.afterAll(cells(seen.String()), cols)
}

func lastLine(prompt string) string { return prompt[strings.LastIndexByte(prompt, '\n')+1:] }

// afterSequence cuts off what belongs to an escape sequence, whose escape is gone: a
// title or link up to its end, parameters up to a letter, or one character.
func afterSequence(s string) string {
	switch {
	case strings.HasPrefix(s, "]"):
		end := strings.IndexAny(s, "\a\x1b")
		if end < 0 {
			return ""
		}
		return strings.TrimPrefix(s[end+1:], `\`)
	case strings.HasPrefix(s, "["):
		end := strings.IndexFunc(s[1:], func(r rune) bool { return r >= '@' && r <= '~' })
		if end < 0 {
			return ""
		}
		return s[end+2:]
	case s == "":
		return ""
	}
	return s[1:]
}
