package quickjs

import (
	"slices"
	"strings"

	"sandpiper/internal/lazyregexp"
)

// statement is a statement at the top level of code that esbuild has printed:
// each begins at the start of a line, and nothing else at the top level does but
// "else" and the end of a do loop.
type statement struct {
	start, end int // of its text, without the newline at its end
}

// statements finds the statements in code that esbuild has printed.
func statements(code string) []statement {
	var found []statement
	s := scanner{code: code}
	for !s.done() {
		if s.depth == 0 && s.lineStart() && !strings.ContainsRune(" \n})]", rune(code[s.at])) && !strings.HasPrefix(code[s.at:], "else") {
			found = append(found, statement{start: s.at})
		}
		s.next()
	}
	for i := range found {
		found[i].end = len(code)
		if i+1 < len(found) {
			found[i].end = found[i+1].start
		}
		found[i].end = found[i].start + len(strings.TrimRight(code[found[i].start:found[i].end], " \n"))
	}
	return found
}

// scanner goes through JavaScript as esbuild prints it, where an operator has
// spaces around it, a piece at a time: a string, a comment, a regular expression,
// the text of a template, or one other character.
type scanner struct {
	code      string
	at        int
	depth     int   // of brackets, those of templates' expressions included
	templates []int // the depths of the templates that surround this
}

func (s *scanner) done() bool { return s.at >= len(s.code) }

func (s *scanner) lineStart() bool { return s.at == 0 || s.code[s.at-1] == '\n' }

func (s *scanner) next() {
	rest := s.code[s.at:]
	switch c := rest[0]; {
	case c == '"' || c == '\'':
		s.skip(1, rune(c))
	case c == '`':
		s.template()
	case strings.HasPrefix(rest, "//"):
		s.until("\n")
	case strings.HasPrefix(rest, "/*"):
		s.until("*/")
	case c == '/' && !s.divides():
		s.regexp()
	case c == '(' || c == '[' || c == '{':
		s.depth++
		s.at++
	case c == ')' || c == ']':
		s.depth--
		s.at++
	case c == '}':
		s.depth--
		if n := len(s.templates); n > 0 && s.templates[n-1] == s.depth {
			s.templates = s.templates[:n-1]
			s.template()
			return
		}
		s.at++
	default:
		s.at++
	}
}

// skip goes behind the next unescaped end, starting n bytes further on.
func (s *scanner) skip(n int, end rune) {
	for s.at += n; !s.done(); s.at++ {
		switch rune(s.code[s.at]) {
		case '\\':
			s.at++
		case end:
			s.at++
			return
		}
	}
	s.at = len(s.code)
}

// until goes to the end of the next occurrence of text; of a newline, to it.
func (s *scanner) until(text string) {
	i := strings.Index(s.code[s.at:], text)
	if i < 0 {
		s.at = len(s.code)
		return
	}
	if s.at += i; text != "\n" {
		s.at += len(text)
	}
}

// template goes through the text of a template, from its start or from the end of
// an expression in it, to its end or to the next expression.
func (s *scanner) template() {
	for s.at++; !s.done(); s.at++ {
		switch {
		case s.code[s.at] == '\\':
			s.at++
		case s.code[s.at] == '`':
			s.at++
			return
		case strings.HasPrefix(s.code[s.at:], "${"):
			s.templates = append(s.templates, s.depth)
			s.depth++
			s.at += 2
			return
		}
	}
	s.at = len(s.code)
}

// regexp goes through a regular expression, in whose classes a slash is a slash.
func (s *scanner) regexp() {
	class := false
	for s.at++; !s.done(); s.at++ {
		switch c := s.code[s.at]; {
		case c == '\\':
			s.at++
		case c == '[':
			class = true
		case c == ']':
			class = false
		case c == '\n', c == '/' && !class:
			s.at++
			return
		}
	}
	s.at = len(s.code)
}

// beforeRegexp are the words after which a slash begins a regular expression.
var beforeRegexp = []string{"return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "else", "do", "await", "yield", "instanceof", "default", "extends"}

var lastWord = lazyregexp.New(`[\p{L}\p{N}_$]+$`)

// divides reports whether the slash here is a division: it has spaces around it,
// and in front is the end of a value.
func (s *scanner) divides() bool {
	before, spaced := strings.CutSuffix(s.code[:s.at], " ")
	after := s.code[s.at+1:]
	if !spaced || !strings.HasPrefix(after, " ") && !strings.HasPrefix(after, "= ") || before == "" {
		return false
	}
	line := before[strings.LastIndexByte(before, '\n')+1:]
	if word := lastWord().FindString(line); word != "" {
		return !slices.Contains(beforeRegexp, word)
	}
	return strings.HasSuffix(line, "++") || strings.HasSuffix(line, "--") || strings.ContainsAny(line[max(0, len(line)-1):], ")]}\"'`/") || strings.HasSuffix(line, "*/")
}
