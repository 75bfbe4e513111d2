package tty

import (
	"strings"
	"unicode/utf8"
)

// search looks for a line of the history, as Ctrl-R does.
type search struct {
	query  string
	at     int // the line that was found
	failed bool
}

func (s *search) label() string {
	if s.failed {
		return "(failed reverse-i-search)`" + s.query + "': "
	}
	return "(reverse-i-search)`" + s.query + "': "
}

func (e *editor) beginSearch() string {
	e.search = &search{at: len(e.history)}
	return e.relabel()
}

// endSearch goes on with the line that was found.
func (e *editor) endSearch() string {
	if e.search == nil {
		return ""
	}
	e.search = nil
	return e.relabel()
}

// relabel shows another prompt in place of its last line.
func (e *editor) relabel() string {
	label := lastLine(e.label())
	return e.moveTo(place{}) + "\x1b[J" + label + e.behind(label)
}

// searchKey takes a key that belongs to the search; done is false for others.
func (e *editor) searchKey(b byte) (show string, done bool) {
	s := e.search
	switch {
	case b == 0x12: // Ctrl-R
		return e.find(s.at - 1), true
	case b == 0x7f || b == 0x08:
		_, n := utf8.DecodeLastRuneInString(s.query)
		s.query = s.query[:len(s.query)-n]
		return e.find(len(e.history) - 1), true
	case b == 0x07: // Ctrl-G
		e.search = nil
		e.line, e.cursor = nil, 0
		return e.relabel(), true
	case b >= 0x20:
		return e.searchMore(string(rune(b))), true
	}
	return "", false
}

// maxQuery is the longest text to look for, in bytes.
const maxQuery = 200

func (e *editor) searchMore(text string) string {
	s := e.search
	if len(s.query)+len(text) > maxQuery {
		return "\a"
	}
	s.query += text
	return e.find(min(s.at, len(e.history)-1))
}

// find shows the newest line with the query in it, from one on backwards.
func (e *editor) find(from int) string {
	s := e.search
	for at := from; at >= 0; at-- {
		before, _, found := strings.Cut(e.history[at], s.query)
		if found {
			s.at, s.failed = at, false
			e.line = cells(e.history[at])
			e.cursor = min(len(cells(before)), len(e.line))
			return e.relabel()
		}
	}
	s.failed = true
	return e.relabel()
}
