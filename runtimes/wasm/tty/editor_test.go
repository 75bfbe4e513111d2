package tty

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

func TestEditor(t *testing.T) {
	history := []string{"first", "second"}
	for _, tt := range []struct{ name, keys, want string }{
		{"plain", "echo hi\r", "echo hi"},
		{"newline", "a\n", "a"},
		{"backspace", "abc\x7f\x7fd\r", "ad"},
		{"left and insert", "ac\x1b[Db\r", "abc"},
		{"home and end", "bc\x01a\x05d\r", "abcd"},
		{"delete", "abc\x1b[D\x1b[3~\r", "ab"},
		{"kill line", "abc\x15def\r", "def"},
		{"kill to end", "abc\x01\x0b\r", ""},
		{"kill word", "echo foo bar\x17baz\r", "echo foo baz"},
		{"up", "\x1b[A\r", "second"},
		{"up twice", "\x1b[A\x1b[A\r", "first"},
		{"up too far", "\x1b[A\x1b[A\x1b[A\x1b[A\r", "first"},
		{"up and down", "new\x1b[A\x1b[B\r", "new"},
		{"edit history", "\x1b[A!\r", "second!"},
		{"application keys", "\x1bOA\r", "second"},
		{"utf-8", "é€\x7f\r", "é"},
		{"unknown sequence", "a\x1b[1;5Cb\r", "ab"},
		{"control characters", "a\x02\x06\x00\x1fb\r", "ab"},
		{"ctrl-d deletes", "ab\x01\x04\r", "b"},
		{"indentation", "\ta\r", "    a"},
		{"paste", "\x1b[200~a\tb\nc\x15\x1b[201~d\r", "a\tb\ncd"},
		{"words", "one two-three\x1bb\x1bb!\x1bf\x1bf?\r", "one !two-three?"},
		{"cut and yank", "one two\x17\x01\x19 \r", "two one "},
		{"last word", "echo \x1b.\r", "echo second"},
		{"search", "\x12ir\r", "first"},
		{"search further", "\x12s\x12\x12\x12\r", "first"},
		{"search and edit", "\x12sec\x05s\r", "seconds"},
		{"search given up", "\x12sec\x07new\r", "new"},
		{"an accent typed after its letter", "xe\u0301\x7f\r", "x"},
		{"an emoji of several characters", "a👩‍🚀\x7fb\r", "ab"},
		{"long", strings.Repeat("x", maxLine+10) + "\r", strings.Repeat("x", maxLine)},
	} {
		e := newEditor("$ ", history, 80)
		var result lineResult
		done := false
		for i := range len(tt.keys) {
			if _, result, done = e.key(tt.keys[i]); done && i != len(tt.keys)-1 {
				t.Errorf("%s: ended early", tt.name)
			}
		}
		if !done || result.err != nil || result.text != tt.want+"\n" {
			t.Errorf("%s: %q, %v, %t", tt.name, result.text, result.err, done)
		}
	}
	for keys, want := range map[string]error{"\x04": io.EOF, "abc\x03": ErrInterrupted} {
		e := newEditor("", nil, 80)
		var result lineResult
		for i := range len(keys) {
			_, result, _ = e.key(keys[i])
		}
		if !errors.Is(result.err, want) {
			t.Errorf("%q: %v", keys, result.err)
		}
	}
}

// FuzzEditor holds that a terminal shows the line, with its cursor where the editor's
// is, after every key.
func FuzzEditor(f *testing.F) {
	f.Add([]byte("abc\x1b[D\x7f\x15\x1b[A\x1b[3~\xc3\xa9\xff\x1b[999999~\r"), uint8(80))
	f.Add([]byte("0123456789\x02\x02x\x01y\x05\x7f\x7f\x7f\x7fzz\x0b"), uint8(10))
	f.Add([]byte("\x1b[200~two\nlines\tand\r\nthree\x1b[201~\x01\x04\x05\x02\x02\x02\x7f"), uint8(7))
	f.Add([]byte("\xe4\xb8\xad\xe6\x96\x87a\xcc\x81\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80\x02\x02\x7f"), uint8(5))
	f.Add([]byte("x\x12o\x12\x7f\x12zw\x1b[D!\x12q\x07l\ta/\t\t"), uint8(20))
	f.Fuzz(func(t *testing.T, keys []byte, cols uint8) {
		e := newEditor("\x1b]0;title\atop\n\x1b[1mp \x1b[0m$ ", []string{"one", "zwei ü", "a\nb"}, int(cols))
		e.complete = func(before string) (int, []string) {
			return strings.LastIndexByte(before, ' ') + 1, []string{"apple", "apples/", "a/b\\ c"}
		}
		v := &view{cols: e.cols}
		v.show(e.begin())
		keys = keys[:min(len(keys), 300)] // all is looked at after each
		for i, b := range keys {
			before := v.String()
			show, _, done := e.key(b)
			v.show(show)
			if done {
				return
			}
			if e.cursor < 0 || e.cursor > len(e.line) || len(e.line) > maxLine || len(e.escape) > 16 {
				t.Fatalf("cursor %d of %d, %d bytes kept", e.cursor, len(e.line), len(e.escape))
			}
			if !slices.Equal(cells(textOf(e.line)), e.line) {
				return // two halves met that terminals make one character of
			}
			want, at := &view{cols: e.cols, eager: true}, &view{cols: e.cols, eager: true}
			want.show(lastLine(e.label()) + textOf(e.line))
			at.show(lastLine(e.label()) + textOf(e.line[:e.cursor]))
			// What was there before, such as a list of words, stands above.
			above := v.place().row - at.place().row
			if got := v.from(above); above < 0 || got != want.String() || v.place().col != at.place().col {
				t.Fatalf("after %q it showed\n%s\nand after %q\n%s\nwith the cursor at %v, which should be %v of\n%s", keys[:i], before, show, v, v.place(), at.place(), want)
			}
		}
	})
}

// view is a terminal of any height.
type view struct {
	cols     int
	eager    bool // go to the next row behind the last column, as an editor does
	rows     [][]string
	row, col int // col may be cols: the next character goes to the next row
}

func (v *view) place() place {
	if v.col >= v.cols {
		return place{v.row + 1, 0}
	}
	return place{v.row, v.col}
}

// String returns what can be seen, without blanks at the ends.
func (v *view) String() string { return v.from(0) }

func (v *view) from(row int) string {
	var lines []string
	for _, row := range v.rows[min(max(0, row), len(v.rows)):] {
		lines = append(lines, strings.TrimRight(strings.Join(row, ""), " "))
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}

func (v *view) line(row int) []string {
	for len(v.rows) <= row {
		v.rows = append(v.rows, slices.Repeat([]string{" "}, v.cols))
	}
	return v.rows[row]
}

func (v *view) show(text string) {
	for text != "" {
		head, sequence, found := strings.Cut(text, "\x1b")
		for state := -1; head != ""; {
			var c string
			var width int
			c, head, width, state = uniseg.FirstGraphemeClusterInString(head, state)
			if n := len(c) - 1; n > 0 && c[n] < utf8.RuneSelf { // terminals know none that end so
				v.put(c[:n], uniseg.StringWidth(c[:n]))
				c, width = c[n:], 1
			}
			v.put(c, width)
		}
		if text = ""; found {
			text = afterSequence(sequence)
			v.obey(strings.TrimSuffix(sequence, text))
		}
	}
}

func (v *view) put(c string, width int) {
	switch c {
	case "\n", "\r\n":
		v.row, v.col = v.row+1, 0
	case "\r":
		v.col = 0
	case "\b":
		v.col = max(0, min(v.col, v.cols-1)-1)
	case "\t":
		v.col = min(v.cols, v.col+8-v.col%8)
	case "\a":
	default:
		if v.col+width > v.cols {
			v.row, v.col = v.row+1, 0
		}
		if width > 0 {
			v.line(v.row)[v.col] = c
			for i := 1; i < width; i++ {
				v.line(v.row)[v.col+i] = ""
			}
			v.col += width
		}
	}
	if v.eager {
		p := v.place()
		v.row, v.col = p.row, p.col
	}
}

func (v *view) obey(sequence string) {
	n := 1
	_, _ = fmt.Sscanf(strings.TrimPrefix(sequence, "["), "%d", &n)
	switch sequence[len(sequence)-1] {
	case 'A':
		v.row = max(0, v.row-n)
	case 'B':
		v.row += n
	case 'C':
		v.col = min(v.cols-1, v.col+n)
	case 'D':
		v.col = max(0, min(v.col, v.cols-1)-n)
	case 'H':
		v.row, v.col = 0, 0
	case 'J':
		if sequence == "[2J" {
			v.rows = nil
			break
		}
		v.rows = v.rows[:min(len(v.rows), v.row+1)]
		row := v.line(v.row)
		for i := min(v.col, v.cols-1); i < v.cols; i++ {
			row[i] = " "
		}
	}
}

// screen is what a terminal shows.
type screen struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func (s *screen) await(t *testing.T, want string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !strings.Contains(s.String(), want); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited for %q, got %q", want, s.String())
		}
	}
}

func TestTerminal(t *testing.T) {
	var s screen
	term, err := Open(&s, 24, 80)
	if err != nil {
		t.Fatal(err)
	}
	interrupted := make(chan struct{}, 1)
	term.OnInterrupt(func() { interrupted <- struct{}{} })

	// A program reads lines and writes.
	lines := make(chan string)
	go func() {
		buf := make([]byte, 100)
		n, _ := term.Program().Read(buf)
		lines <- string(buf[:n])
	}()
	io.WriteString(term, "typed\x7fx\r")
	if got := <-lines; got != "typex\n" {
		t.Errorf("the program read %q", got)
	}
	io.WriteString(term.Program(), "out\n")
	s.await(t, "out\r\n")
	io.WriteString(term, "\x03")
	<-interrupted
	s.await(t, "^C\r\n")

	// The shell reads a line: what was typed ahead comes first.
	io.WriteString(term, "ahead\r")
	time.Sleep(20 * time.Millisecond)
	got, err := term.ReadLine(t.Context(), "$ ", nil)
	if got != "ahead\n" || err != nil {
		t.Errorf("typed ahead: %q, %v", got, err)
	}
	type result struct {
		line string
		err  error
	}
	read := make(chan result)
	next := func() {
		line, err := term.ReadLine(t.Context(), "> ", nil)
		read <- result{line, err}
	}
	go next()
	s.await(t, "> ")
	io.WriteString(term, "\x1b[A\r")
	if got := <-read; got.line != "ahead\n" || got.err != nil {
		t.Errorf("from the history: %+v", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := term.ReadLine(ctx, "", nil); !errors.Is(err, ErrInterrupted) {
		t.Errorf("cancelled: %v", err)
	}
	if err := term.Resize(10, 20); err != nil {
		t.Error(err)
	}
	go next()
	time.Sleep(20 * time.Millisecond)
	term.Close()
	if got := <-read; got.err != io.EOF {
		t.Errorf("closed: %+v", got)
	}
}

// TestBeginningTypedAhead has the shell begin to read in the middle of a line.
func TestBeginningTypedAhead(t *testing.T) {
	var s screen
	term, err := Open(&s, 24, 80)
	if err != nil {
		t.Fatal(err)
	}
	defer term.Close()
	for i := range 20 {
		io.WriteString(term, fmt.Sprint("begin", i))
		s.await(t, fmt.Sprint("begin", i)) // the terminal has shown it, so it has it
		read := make(chan string)
		go func() {
			line, err := term.ReadLine(t.Context(), fmt.Sprintf("%d> ", i), nil)
			read <- fmt.Sprint(line, err)
		}()
		s.await(t, fmt.Sprintf("%d> %sbegin%d", i, announcePastes, i))
		io.WriteString(term, " and end\r")
		if got, want := <-read, fmt.Sprintf("begin%d and end\n<nil>", i); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}

	// Programs read by lines afterwards.
	io.WriteString(term, "wrong\x7f\x7f\x7f\x7f\x7fright\r")
	buf := make([]byte, 100)
	if n, err := term.Program().Read(buf); string(buf[:n]) != "right\n" {
		t.Errorf("a program read %q, %v", buf[:n], err)
	}
}

// TestNoKeyIsLost types all the time while lines are read, and programs run between.
func TestNoKeyIsLost(t *testing.T) {
	term, err := Open(io.Discard, 24, 80)
	if err != nil {
		t.Fatal(err)
	}
	defer term.Close()
	const lines = 300
	go func() {
		for i := range lines {
			for _, b := range fmt.Appendf(nil, "line %d of what is typed\r", i) {
				_, _ = term.Write([]byte{b})
			}
		}
	}()
	for i := range lines {
		got, err := term.ReadLine(t.Context(), "$ ", nil)
		if want := fmt.Sprintf("line %d of what is typed\n", i); got != want || err != nil {
			t.Fatalf("read %q, %v, want %q", got, err, want)
		}
	}
}
