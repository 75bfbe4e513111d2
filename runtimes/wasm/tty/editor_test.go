package tty

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"
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
		{"tab", "a\tb\r", "a    b"},
		{"long", strings.Repeat("x", maxLine+10) + "\r", strings.Repeat("x", maxLine)},
	} {
		e := newEditor("$ ", history)
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
		e := newEditor("", nil)
		var result lineResult
		for i := range len(keys) {
			_, result, _ = e.key(keys[i])
		}
		if !errors.Is(result.err, want) {
			t.Errorf("%q: %v", keys, result.err)
		}
	}
}

func FuzzEditor(f *testing.F) {
	f.Add([]byte("abc\x1b[D\x7f\x15\x1b[A\x1b[3~\xc3\xa9\xff\x1b[999999~\r"))
	f.Fuzz(func(t *testing.T, keys []byte) {
		e := newEditor("$ ", []string{"one", "zwei ü"})
		for _, b := range keys {
			_, _, done := e.key(b)
			if e.cursor < 0 || e.cursor > len(e.line) || len(e.line) > maxLine || len(e.escape) > 16 {
				t.Fatalf("cursor %d of %d, %d bytes kept", e.cursor, len(e.line), len(e.escape))
			}
			if done {
				return
			}
		}
	})
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
	for end := time.Now().Add(5 * time.Second); !strings.Contains(s.String(), want); time.Sleep(time.Millisecond) {
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
	got, err := term.ReadLine(t.Context(), "$ ")
	if got != "ahead\n" || err != nil {
		t.Errorf("typed ahead: %q, %v", got, err)
	}
	type result struct {
		line string
		err  error
	}
	read := make(chan result)
	next := func() {
		line, err := term.ReadLine(t.Context(), "> ")
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
	if _, err := term.ReadLine(ctx, ""); !errors.Is(err, ErrInterrupted) {
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
			line, err := term.ReadLine(t.Context(), fmt.Sprintf("%d> ", i))
			read <- fmt.Sprint(line, err)
		}()
		s.await(t, fmt.Sprintf("%d> begin%d", i, i))
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
		got, err := term.ReadLine(t.Context(), "$ ")
		if want := fmt.Sprintf("line %d of what is typed\n", i); got != want || err != nil {
			t.Fatalf("read %q, %v, want %q", got, err, want)
		}
	}
}
