package tty

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// maxLine is the longest line, in characters.
const maxLine = 4096

// editor edits one line. It knows no terminal: it takes bytes and says what to
// show.
type editor struct {
	prompt  string
	history []string
	at      int      // in history; len(history) for the new line
	lines   [][]rune // the history's lines as they have been changed

	line   []rune
	cursor int
	escape []byte // an escape sequence or a character that is not complete
	done   bool
}

func newEditor(prompt string, history []string) *editor {
	return &editor{prompt: prompt, history: history, at: len(history)}
}

// key takes a byte. done is true when the line has ended.
func (e *editor) key(b byte) (show string, result lineResult, done bool) {
	if e.done {
		return "", lineResult{}, false
	}
	if len(e.escape) > 0 || b == 0x1b || b >= 0x80 {
		return e.sequence(b), lineResult{}, false
	}
	switch b {
	case '\r', '\n':
		e.done = true
		return e.toEnd() + "\n", lineResult{text: string(e.line) + "\n"}, true
	case ctrlC:
		e.done = true
		return "^C\n", lineResult{err: ErrInterrupted}, true
	case 0x04: // Ctrl-D
		if len(e.line) == 0 {
			e.done = true
			return "", lineResult{err: io.EOF}, true
		}
		return e.change(func() { e.remove(e.cursor, e.cursor+1) }), lineResult{}, false
	}
	return e.edit(b), lineResult{}, false
}

// edit takes a key that does not end the line.
func (e *editor) edit(b byte) string {
	switch b {
	case 0x7f, 0x08:
		return e.change(func() { e.remove(e.cursor-1, e.cursor) })
	case 0x01: // Ctrl-A
		return e.change(func() { e.cursor = 0 })
	case 0x05: // Ctrl-E
		return e.change(func() { e.cursor = len(e.line) })
	case 0x02: // Ctrl-B
		return e.change(func() { e.cursor-- })
	case 0x06: // Ctrl-F
		return e.change(func() { e.cursor++ })
	case 0x15: // Ctrl-U
		return e.change(func() { e.remove(0, e.cursor) })
	case 0x0b: // Ctrl-K
		return e.change(func() { e.remove(e.cursor, len(e.line)) })
	case 0x17: // Ctrl-W
		return e.change(func() { e.remove(e.wordStart(), e.cursor) })
	case 0x0c: // Ctrl-L
		return "\x1b[H\x1b[2J" + e.prompt + string(e.line) + back(len(e.line)-e.cursor)
	case 0x10: // Ctrl-P
		return e.recall(-1)
	case 0x0e: // Ctrl-N
		return e.recall(1)
	case '\t':
		return e.insert([]rune("    "))
	}
	if b < 0x20 {
		return ""
	}
	return e.insert([]rune{rune(b)})
}

// sequence collects an escape sequence or a character of several bytes.
func (e *editor) sequence(b byte) string {
	e.escape = append(e.escape, b)
	if e.escape[0] != 0x1b {
		if utf8.FullRune(e.escape) || len(e.escape) >= utf8.UTFMax {
			r, _ := utf8.DecodeRune(e.escape)
			e.escape = nil
			return e.insert([]rune{r})
		}
		return ""
	}
	text := string(e.escape)
	if len(text) < 3 && (len(text) == 1 || text[1] == '[' || text[1] == 'O') || len(text) < 8 && len(text) > 2 && text[1] == '[' && (b >= '0' && b <= '9' || b == ';') {
		return ""
	}
	e.escape = nil
	switch text[1:] {
	case "[A", "OA":
		return e.recall(-1)
	case "[B", "OB":
		return e.recall(1)
	case "[C", "OC":
		return e.change(func() { e.cursor++ })
	case "[D", "OD":
		return e.change(func() { e.cursor-- })
	case "[H", "OH", "[1~":
		return e.change(func() { e.cursor = 0 })
	case "[F", "OF", "[4~":
		return e.change(func() { e.cursor = len(e.line) })
	case "[3~":
		return e.change(func() { e.remove(e.cursor, e.cursor+1) })
	}
	return ""
}

func (e *editor) remove(from, to int) {
	from, to = max(0, from), min(len(e.line), to)
	if from >= to {
		return
	}
	e.line = append(e.line[:from:from], e.line[to:]...)
	if e.cursor > from {
		e.cursor = max(from, e.cursor-(to-from))
	}
}

func (e *editor) insert(r []rune) string {
	if len(e.line)+len(r) > maxLine {
		return "\a"
	}
	if e.cursor == len(e.line) {
		e.line = append(e.line, r...)
		e.cursor = len(e.line)
		return string(r)
	}
	return e.change(func() {
		e.line = append(e.line[:e.cursor:e.cursor], append(r, e.line[e.cursor:]...)...)
		e.cursor += len(r)
	})
}

func (e *editor) wordStart() int {
	at := e.cursor
	for at > 0 && e.line[at-1] == ' ' {
		at--
	}
	for at > 0 && e.line[at-1] != ' ' {
		at--
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
		e.lines = make([][]rune, len(e.history)+1)
	}
	return e.change(func() {
		e.lines[e.at] = e.line
		e.at = to
		e.line = e.lines[to]
		if e.line == nil && to < len(e.history) {
			e.line = []rune(e.history[to])
		}
		e.cursor = len(e.line)
	})
}

// change changes the line and shows it again, from where it begins.
func (e *editor) change(f func()) string {
	before := e.cursor
	f()
	e.cursor = min(max(0, e.cursor), len(e.line))
	return back(before) + string(e.line) + "\x1b[K" + back(len(e.line)-e.cursor)
}

func (e *editor) toEnd() string {
	return string(e.line[e.cursor:])
}

// back moves the cursor to the left.
func back(n int) string {
	if n <= 0 {
		return ""
	}
	if n < 4 {
		return strings.Repeat("\b", n)
	}
	return fmt.Sprintf("\x1b[%dD", n)
}
