package coreutils

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"sandpiper/internal/lazyregexp"
)

// syntaxKind is how a pattern is written.
type syntaxKind int

const (
	basic    syntaxKind = iota // \( \) \{ \} \| are operators
	extended                   // ( ) { } | are
	literal                    // nothing is
	perl                       // as Go's own
)

// compile translates a pattern to Go's regular expressions and compiles it, with
// flags such as "i". It finds the longest of the leftmost matches, as POSIX says.
func compile(pattern string, kind syntaxKind, flags string) (*regexp.Regexp, error) {
	text, err := translate(pattern, kind)
	if err != nil {
		return nil, err
	}
	if flags != "" {
		text = "(?" + flags + ")" + text
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, errors.New("invalid regular expression: " + pattern)
	}
	if kind != perl {
		re.Longest()
	}
	return re, nil
}

func translate(pattern string, kind syntaxKind) (string, error) {
	switch kind {
	case literal:
		return regexp.QuoteMeta(pattern), nil
	case perl:
		return pattern, nil
	}
	t := translator{in: pattern, extended: kind == extended, start: true}
	for t.at < len(t.in) {
		if err := t.next(); err != nil {
			return "", err
		}
	}
	return t.out.String(), nil
}

// translator goes through a POSIX pattern.
type translator struct {
	in       string
	at       int
	out      strings.Builder
	extended bool
	start    bool // nothing stands before that could be repeated
}

func (t *translator) put(s string, start bool) {
	t.out.WriteString(s)
	t.start = start
}

func (t *translator) next() error {
	ch := t.in[t.at]
	t.at++
	switch {
	case ch == '[':
		return t.bracket()
	case ch == '\\':
		return t.escape()
	case ch == '*':
		if t.start {
			t.put(`\*`, false)
			return nil
		}
		t.put("*", false)
	case ch == '^':
		if t.extended || t.start {
			t.put("^", true)
			return nil
		}
		t.put(`\^`, false)
	case ch == '$':
		if t.extended || t.at == len(t.in) || strings.HasPrefix(t.in[t.at:], `\)`) || strings.HasPrefix(t.in[t.at:], `\|`) {
			t.put("$", false)
			return nil
		}
		t.put(`\$`, false)
	case strings.IndexByte("(){}|+?", ch) >= 0:
		if !t.extended {
			t.put(`\`+string(ch), false)
			return nil
		}
		t.operator(ch)
	default:
		t.put(string(ch), false) // bytes of one character follow one another
	}
	return nil
}

// operator puts one of ( ) { } | + ?.
func (t *translator) operator(ch byte) {
	switch {
	case ch == '{' && !interval().MatchString(t.in[min(len(t.in), t.at):]) && t.extended, ch == '}' && t.extended && !t.inInterval():
		t.put(`\`+string(ch), false)
	case (ch == '+' || ch == '?') && t.start:
		t.put(`\`+string(ch), false)
	default:
		t.put(string(ch), ch == '(' || ch == '|')
	}
}

var interval = lazyregexp.New(`^[0-9]*,?[0-9]*\\?}`)

var openInterval = lazyregexp.New(`[^\\]\{[0-9]*,?[0-9]*$`)

func (t *translator) inInterval() bool { return openInterval().MatchString(t.out.String()) }

// escape goes on after a backslash.
func (t *translator) escape() error {
	if t.at == len(t.in) {
		return errors.New("trailing backslash")
	}
	ch := t.in[t.at]
	t.at++
	switch {
	case !t.extended && strings.IndexByte("(){}|+?", ch) >= 0:
		t.operator(ch)
	case ch == '<' || ch == '>':
		t.put(`\b`, false)
	case ch == '`':
		t.put(`\A`, true)
	case ch == '\'':
		t.put(`\z`, false)
	case strings.IndexByte("wWsSbBntrfv", ch) >= 0:
		t.put(`\`+string(ch), false)
	case ch >= '1' && ch <= '9':
		return fmt.Errorf("a back-reference (\\%c) in a pattern is not possible here", ch)
	case ch < 0x80:
		t.put(regexp.QuoteMeta(string(ch)), false)
	default:
		t.put(string(ch), false)
	}
	return nil
}

// bracket copies a bracket expression, in which a backslash means itself.
func (t *translator) bracket() error {
	b := strings.Builder{}
	b.WriteByte('[')
	if t.at < len(t.in) && t.in[t.at] == '^' {
		b.WriteByte('^')
		t.at++
	}
	for first := true; ; first = false {
		if t.at >= len(t.in) {
			return errors.New("unmatched [, [^, [:, [., or [=")
		}
		ch := t.in[t.at]
		t.at++
		switch {
		case ch == ']' && !first:
			t.put(b.String()+"]", false)
			return nil
		case ch == '[' && t.at < len(t.in) && strings.IndexByte(":.=", t.in[t.at]) >= 0:
			kind := t.in[t.at]
			name, _, ok := strings.Cut(t.in[t.at+1:], string(kind)+"]")
			if !ok {
				return errors.New("unmatched [, [^, [:, [., or [=")
			}
			t.at += len(name) + 3
			if kind == ':' {
				b.WriteString("[:" + name + ":]")
			} else {
				b.WriteString(regexp.QuoteMeta(name))
			}
		case ch == '\\' && t.at < len(t.in) && strings.IndexByte("nt]", t.in[t.at]) >= 0 && t.in[t.at] != ']':
			b.WriteString(`\` + string(t.in[t.at])) // as GNU's sed has it
			t.at++
		case ch == '\\' || ch == '[' || ch == ']' || ch == '^' && first:
			b.WriteString(`\` + string(ch))
		default:
			b.WriteByte(ch)
		}
	}
}
