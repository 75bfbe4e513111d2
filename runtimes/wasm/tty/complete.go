package tty

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Completer returns the words that the one before the cursor may become, and where
// that begins in what stands before the cursor, in bytes. It may take a moment.
type Completer func(before string) (start int, words []string)

// indent is what Tab makes where there is nothing to complete.
const indent = "    "

// tab completes the word before the cursor as far as that is clear, and lists what
// it may become otherwise.
func (e *editor) tab() string {
	before := textOf(e.line[:e.cursor])
	if strings.TrimSpace(before[strings.LastIndexByte(before, '\n')+1:]) == "" {
		return e.insert(cells(indent))
	}
	if e.complete == nil {
		return "\a"
	}
	start, words := e.complete(before)
	if len(words) == 0 || start < 0 || start > len(before) {
		return "\a"
	}
	slices.Sort(words)
	typed, clear := before[start:], commonStart(words)
	switch {
	case len(words) == 1 && !strings.HasSuffix(clear, "/"):
		clear += " "
	case len(words) > 1 && len(clear) <= len(typed):
		return e.list(words)
	}
	from, with := len(cells(before[:start])), cells(clear)
	if from > e.cursor || len(e.line)+len(with) > maxLine {
		return "\a"
	}
	return e.replace(from, e.cursor, with)
}

// commonStart is what sorted words have in common.
func commonStart(sorted []string) string {
	first, last := sorted[0], sorted[len(sorted)-1]
	n := 0
	for n < len(first) && n < len(last) && first[n] == last[n] {
		n++
	}
	for n > 0 && n < len(first) && !utf8.RuneStart(first[n]) {
		n--
	}
	return first[:n]
}

// maxListed is how many words are listed at most.
const maxListed = 200

// list shows words below the line, and the line again below them.
func (e *editor) list(words []string) string {
	cursor := e.cursor
	var b strings.Builder
	b.WriteString(e.move(len(e.line)) + "\n")
	e.cursor = cursor
	var names [][]cell
	width := 0
	for _, word := range words[:min(len(words), maxListed)] {
		name := cells(nameOf(word))
		names = append(names, name)
		width = max(width, widthOf(name)+2)
	}
	perRow := max(1, e.cols/width)
	for i, name := range names {
		b.WriteString(textOf(name))
		if i%perRow == perRow-1 || i == len(names)-1 {
			b.WriteByte('\n')
		} else {
			b.WriteString(strings.Repeat(" ", width-widthOf(name)))
		}
	}
	if more := len(words) - maxListed; more > 0 {
		fmt.Fprintf(&b, "... and %d more\n", more)
	}
	return b.String() + e.again()
}

// nameOf is the end of a path, without what makes it one word of a shell.
func nameOf(word string) string {
	name := word[strings.LastIndexByte(strings.TrimSuffix(word, "/"), '/')+1:]
	return strings.ReplaceAll(name, `\`, "")
}

func widthOf(line []cell) (n int) {
	for _, c := range line {
		n += c.width
	}
	return n
}
