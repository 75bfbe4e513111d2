package needs

import "strings"

// A token is a word, a text in quotes, a new line that ends a statement, or any
// other character.
type token struct {
	kind tokenKind
	text string // of a word; of a text without its quotes; else the character
}

type tokenKind byte

const (
	word tokenKind = iota
	text
	line
	other
)

// at returns the ith token; a new line where there is none.
func at(tokens []token, i int) token {
	if i < 0 || i >= len(tokens) {
		return token{kind: line}
	}
	return tokens[i]
}

func (t token) is(s string) bool { return t.kind != text && t.text == s }

// dotted reads a name with dots from the ith token on, and returns where it
// ends.
func dotted(tokens []token, i int) (name string, end int) {
	var b strings.Builder
	for at(tokens, i).kind == word {
		b.WriteString(tokens[i].text)
		i++
		if !at(tokens, i).is(".") || at(tokens, i+1).kind != word {
			break
		}
		b.WriteByte('.')
		i++
	}
	return b.String(), i
}

func isWordStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

func isWordByte(c byte) bool { return isWordStart(c) || c >= '0' && c <= '9' }

// wordEnd returns where the word that begins at i ends.
func wordEnd(s string, i int, also string) int {
	for i < len(s) && (isWordByte(s[i]) || strings.IndexByte(also, s[i]) >= 0) {
		i++
	}
	return i
}

// lineEnd returns where the line that i is in ends: at its new line.
func lineEnd(s string, i int) int {
	if n := strings.IndexByte(s[i:], '\n'); n >= 0 {
		return i + n
	}
	return len(s)
}

// quoted reads a text that begins after its opening quote at i and ends at the
// closing one, which may be longer than one character. Where many is false it
// ends with its line. It returns where the source goes on.
func quoted(s string, i int, quote string, many bool) (text string, end int) {
	begin := i
	for i < len(s) {
		switch {
		case strings.HasPrefix(s[i:], quote):
			return s[begin:i], i + len(quote)
		case s[i] == '\\':
			i++
		case s[i] == '\n' && !many:
			return s[begin:i], i
		}
		i++
	}
	return s[min(begin, len(s)):], len(s)
}
