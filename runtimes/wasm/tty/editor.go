package tty

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLine is the longest line, in characters.
const maxLine = 64 << 10

// Terminals that are told to say so put these around what is pasted, which is text
// and no keys.
const (
	announcePastes = "\x1b[?2004h"
	ignorePastes   = "\x1b[?2004l"
	pasteBegins    = "[200~"
	pasteEnds      = "[201~"
)

// editor edits one line, which may be long and have several rows. It knows no
// terminal: it takes bytes and says what to show.
type editor struct {
	prompt   string
	complete Completer // nil for none
	cols     int

	history []string
	at      int      // in history; len(history) for the new line
	lines   [][]cell // the history's lines as they have been changed

	line    []cell
	cursor  int
	start   place // of the line, behind the prompt
	shown   place // of the terminal's cursor
	escape  []byte
	pasting bool
	search  *search // nil while none is going on
	killed  []cell  // what was cut last
	done    bool
}

func newEditor(prompt string, history []string, cols int) *editor {
	e := &editor{prompt: prompt, history: history, at: len(history)}
	e.resize(cols)
	return e
}

// begin returns what shows the empty line.
func (e *editor) begin() string {
	e.shown = e.start
	return e.prompt + announcePastes
}

// resize notes how wide the terminal is, which moves the rows of a long line itself.
func (e *editor) resize(cols int) {
	if cols = max(cols, 2); cols != e.cols { // room for wide characters
		e.cols = cols
		e.start = promptEnd(e.label(), cols)
		e.shown = e.start.afterAll(e.line[:e.cursor], cols)
	}
}

// label is the prompt that is shown now.
func (e *editor) label() string {
	if e.search != nil {
		return e.search.label()
	}
	return e.prompt
}

// key takes a byte. done is true when the line has ended.
func (e *editor) key(b byte) (show string, result lineResult, done bool) {
	switch {
	case e.done:
		return "", lineResult{}, false
	case len(e.escape) > 0 || b == 0x1b || b >= 0x80:
		return e.sequence(b), lineResult{}, false
	case e.pasting:
		return e.pasted(b), lineResult{}, false
	}
	if e.search != nil {
		if show, done := e.searchKey(b); done {
			return show, lineResult{}, false
		}
		show = e.endSearch()
	}
	more, result, done := e.plain(b)
	return show + more, result, done
}

// plain takes a key that is one byte.
func (e *editor) plain(b byte) (show string, result lineResult, done bool) {
	switch b {
	case '\r', '\n':
		return e.finish("\n"), lineResult{text: textOf(e.line) + "\n"}, true
	case ctrlC:
		return e.finish("^C\n"), lineResult{err: ErrInterrupted}, true
	case 0x04: // Ctrl-D
		if len(e.line) == 0 {
			return e.finish(""), lineResult{err: io.EOF}, true
		}
		return e.replace(e.cursor, e.cursor+1, nil), lineResult{}, false
	}
	return e.edit(b), lineResult{}, false
}

func (e *editor) finish(text string) string {
	e.done = true
	return e.move(len(e.line)) + ignorePastes + text
}

// edit takes a key that does not end the line.
func (e *editor) edit(b byte) string {
	switch b {
	case 0x7f, 0x08:
		return e.replace(e.cursor-1, e.cursor, nil)
	case 0x01: // Ctrl-A
		return e.move(0)
	case 0x05: // Ctrl-E
		return e.move(len(e.line))
	case 0x02: // Ctrl-B
		return e.move(e.cursor - 1)
	case 0x06: // Ctrl-F
		return e.move(e.cursor + 1)
	case 0x15: // Ctrl-U
		return e.cut(0, e.cursor)
	case 0x0b: // Ctrl-K
		return e.cut(e.cursor, len(e.line))
	case 0x17: // Ctrl-W
		return e.cut(e.back(func(c cell) bool { return c.text != " " }), e.cursor)
	case 0x19: // Ctrl-Y
		return e.insert(e.killed)
	case 0x0c: // Ctrl-L
		return "\x1b[H\x1b[2J" + e.again()
	case 0x10: // Ctrl-P
		return e.recall(-1)
	case 0x0e: // Ctrl-N
		return e.recall(1)
	case 0x12: // Ctrl-R
		return e.beginSearch()
	case '\t':
		return e.tab()
	}
	if b < 0x20 {
		return ""
	}
	return e.insert([]cell{{text: string(rune(b)), width: 1}})
}

// sequence collects an escape sequence or a character of several bytes.
func (e *editor) sequence(b byte) string {
	e.escape = append(e.escape, b)
	if e.escape[0] != 0x1b {
		if utf8.FullRune(e.escape) || len(e.escape) >= utf8.UTFMax {
			r, _ := utf8.DecodeRune(e.escape)
			e.escape = nil
			return e.character(r)
		}
		return ""
	}
	text := string(e.escape)
	if len(text) < 3 && (len(text) == 1 || text[1] == '[' || text[1] == 'O') || len(text) < 8 && len(text) > 2 && text[1] == '[' && (b >= '0' && b <= '9' || b == ';') {
		return ""
	}
	e.escape = nil
	name := text[1:]
	switch {
	case name == pasteBegins:
		e.pasting = true
	case name == pasteEnds:
		e.pasting = false
	case !e.pasting:
		return e.endSearch() + e.named(name)
	}
	return ""
}

// named takes a key that is an escape sequence.
func (e *editor) named(name string) string {
	switch name {
	case "[A", "OA":
		return e.recall(-1)
	case "[B", "OB":
		return e.recall(1)
	case "[C", "OC":
		return e.move(e.cursor + 1)
	case "[D", "OD":
		return e.move(e.cursor - 1)
	case "[H", "OH", "[1~":
		return e.move(0)
	case "[F", "OF", "[4~":
		return e.move(len(e.line))
	case "[3~":
		return e.replace(e.cursor, e.cursor+1, nil)
	case "b", "[1;5D", "[1;3D": // Alt-B, Ctrl-Left, Alt-Left
		return e.move(e.back(ofWord))
	case "f", "[1;5C", "[1;3C":
		return e.move(e.forward(ofWord))
	case "d":
		return e.cut(e.cursor, e.forward(ofWord))
	case "\x7f", "\x08":
		return e.cut(e.back(ofWord), e.cursor)
	case ".": // the last word of the line before
		if words := strings.Fields(strings.Join(e.history[max(0, len(e.history)-1):], "")); len(words) > 0 {
			return e.insert(cells(words[len(words)-1]))
		}
	}
	return ""
}

// character takes one that is not ASCII. It may be part of the one before.
func (e *editor) character(r rune) string {
	if unicode.IsControl(r) {
		return ""
	}
	if e.search != nil {
		return e.searchMore(string(r))
	}
	before := ""
	if e.cursor > 0 {
		before = e.line[e.cursor-1].text
	}
	joined := cells(before + string(r))
	if before == "" || len(joined) > 1 {
		return e.insert(cells(string(r)))
	}
	return e.replace(e.cursor-1, e.cursor, joined)
}

// pasted takes a byte of what is pasted.
func (e *editor) pasted(b byte) string {
	if b < 0x20 && b != '\n' && b != '\r' && b != '\t' || b == 0x7f {
		return ""
	}
	return e.endSearch() + e.insert(cells(string(rune(b))))
}

func (e *editor) insert(text []cell) string {
	if len(e.line)+len(text) > maxLine {
		return "\a"
	}
	return e.replace(e.cursor, e.cursor, text)
}

// cut removes characters for Ctrl-Y.
func (e *editor) cut(from, to int) string {
	if from < to {
		e.killed = slices.Clone(e.line[from:to])
	}
	return e.replace(from, to, nil)
}

func ofWord(c cell) bool {
	return strings.ContainsFunc(c.text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}

// back returns where the word before the cursor begins.
func (e *editor) back(ofWord func(cell) bool) int {
	at := e.cursor
	for at > 0 && !ofWord(e.line[at-1]) {
		at--
	}
	for at > 0 && ofWord(e.line[at-1]) {
		at--
	}
	return at
}

// forward returns where the word behind the cursor ends.
func (e *editor) forward(ofWord func(cell) bool) int {
	at := e.cursor
	for at < len(e.line) && !ofWord(e.line[at]) {
		at++
	}
	for at < len(e.line) && ofWord(e.line[at]) {
		at++
	}
	return at
}

// recall goes to another line of the history.
func (e *editor) recall(step int) string {
	to := e.at + step
	if to < 0 || to > len(e.history) {
		return "\a"
	}
	if e.lines == nil {
		e.lines = make([][]cell, len(e.history)+1)
	}
	e.lines[e.at] = slices.Clone(e.line)
	e.at = to
	line := e.lines[to]
	if line == nil && to < len(e.history) {
		line = cells(e.history[to])
	}
	return e.replace(0, len(e.line), line)
}

// replace replaces a part of the line, and leaves the cursor behind what is new.
func (e *editor) replace(from, to int, with []cell) string {
	from, to = max(0, from), min(len(e.line), to)
	if from >= to && len(with) == 0 {
		return ""
	}
	show := e.move(from)
	if from < len(e.line) {
		show += "\x1b[J"
	}
	start := e.shown
	e.line = slices.Replace(e.line, from, to, with...)
	e.cursor = from + len(with)
	text, end := start.draw(e.line[from:], e.cols)
	e.shown = end
	return show + text + e.moveTo(start.afterAll(with, e.cols))
}

// move moves the cursor.
func (e *editor) move(to int) string {
	to = min(max(0, to), len(e.line))
	if to == e.cursor {
		return ""
	}
	e.cursor = to
	return e.moveTo(e.start.afterAll(e.line[:to], e.cols))
}

// moveTo moves the terminal's cursor.
func (e *editor) moveTo(p place) string {
	rows, cols := p.row-e.shown.row, p.col-e.shown.col
	e.shown = p
	show := ""
	switch {
	case rows < 0:
		show = fmt.Sprintf("\x1b[%dA", -rows)
	case rows > 0:
		show = fmt.Sprintf("\x1b[%dB", rows)
	}
	switch {
	case cols == 0:
	case p.col == 0:
		show += "\r"
	case cols > 0:
		show += fmt.Sprintf("\x1b[%dC", cols)
	case cols > -4:
		show += strings.Repeat("\b", -cols)
	default:
		show += fmt.Sprintf("\x1b[%dD", -cols)
	}
	return show
}

// again shows the prompt and the line where the terminal's cursor is.
func (e *editor) again() string { return e.prompt + e.behind(e.prompt) }

// behind shows the line behind a prompt.
func (e *editor) behind(prompt string) string {
	e.start = promptEnd(prompt, e.cols)
	text, end := e.start.draw(e.line, e.cols)
	e.shown = end
	return text + e.moveTo(e.start.afterAll(e.line[:e.cursor], e.cols))
}
