package quickjs

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sandpiper/internal/lazyregexp"
	"sandpiper/sandbox"
)

// frame matches a line of a stack: "at name (file:line:column)", without the
// name and the brackets where code is not in a function.
var frame = lazyregexp.New(`^\s+at (?:.*\()?([^()\s][^()]*):(\d+):(\d+)\)?(?: \{)?$`)

// place is where an error came from.
type place struct {
	file         string
	line, column int
}

func (p place) String() string { return fmt.Sprintf("%s:%d:%d", p.file, p.line, p.column) }

// parseFrame reads a line of a stack.
func parseFrame(line string) (place, bool) {
	m := frame().FindStringSubmatch(line)
	if m == nil {
		return place{}, false
	}
	l, err1 := strconv.Atoi(m[2])
	c, err2 := strconv.Atoi(m[3])
	return place{m[1], l, c}, err1 == nil && err2 == nil
}

// report completes the text of an uncaught error, a message and a stack: in
// front comes the place in the program with its source line, and the prelude's
// own frames, of no use to anybody, go.
func (s *session) report(text string) string {
	var kept []string
	var at *place
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		p, ok := parseFrame(line)
		if ok && strings.HasPrefix(p.file, "node:internal/") {
			continue
		}
		if ok && at == nil && s.loadedFile(p.file) != nil {
			at = &p
		}
		kept = append(kept, line)
	}
	if p, ok := s.missingExport(text); at == nil && ok {
		at = &p
		kept = slices.Insert(kept, 1, "    at "+p.String())
	}
	text = strings.Join(kept, "\n") + "\n"
	if at == nil {
		return text
	}
	return at.String() + "\n" + s.snippet(*at) + "\n" + text
}

// noExport matches the engine's error for an import of a name that is not there,
// which has no stack.
var noExport = lazyregexp.New(`^Uncaught SyntaxError: Could not find export '([^']+)' in module '`)

// missingExport returns the place of the import that such an error is about.
func (s *session) missingExport(text string) (place, bool) {
	m := noExport().FindStringSubmatch(text)
	if m == nil {
		return place{}, false
	}
	word := regexp.MustCompile(`\b` + regexp.QuoteMeta(m[1]) + `\b`)
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		for i, line := range strings.Split(s.files[name].original, "\n") {
			if at := word.FindStringIndex(line); at != nil && strings.Contains(line, "import") {
				return place{name, i + 1, utf8.RuneCountInString(line[:at[0]]) + 1}, true
			}
		}
	}
	return place{}, false
}

// snippet returns the source line of a place and a line with a caret.
func (s *session) snippet(p place) string {
	lines := strings.Split(s.loadedFile(p.file).original, "\n")
	if p.line < 1 || p.line > len(lines) {
		return ""
	}
	return snippet(strings.TrimSuffix(lines[p.line-1], "\r"), p.column)
}

// maxSnippet is how much of a long line is shown, in characters.
const maxSnippet = 160

// snippet returns a source line and below it a caret at a column, counted from 1.
func snippet(line string, column int) string {
	text := []rune(line)
	at := min(max(column-1, 0), len(text))
	from := 0
	if len(text) > maxSnippet {
		from = max(0, min(at-maxSnippet/2, len(text)-maxSnippet))
		text = text[from : from+maxSnippet]
	}
	var pad strings.Builder
	for _, r := range text[:at-from] {
		if r != '\t' {
			r = ' '
		}
		pad.WriteRune(r)
	}
	return string(text) + "\n" + pad.String() + "^\n"
}

// unsettledNote is what Node says when the main module waits for ever.
func unsettledNote(file string) string {
	return "Warning: Detected unsettled top-level await in " + file + "\n"
}

// judge completes a result with what only the driver knows.
func (s *session) judge(res sandbox.Outcome) sandbox.Outcome {
	if s.memoryFull && res.Status == sandbox.StatusError {
		res.Status = sandbox.StatusMemoryLimit
		res.Message = "N" + s.memoryNote()[1:]
	}
	return res
}

func (s *session) memoryNote() string {
	return fmt.Sprintf("needed more than %d MiB of memory: the memory limit", s.cfg.Limits.MemoryBytes>>20)
}

// validText encodes a string of the engine's as UTF-8: surrogates that stand
// alone become U+FFFD.
func validText(s string) []byte {
	if utf8.ValidString(s) {
		return []byte(s)
	}
	return []byte(strings.ToValidUTF8(s, "\ufffd"))
}

// throwError throws an error with a code, as Node's have, and if where is not
// empty with that place as its stack.
func (s *session) throwError(code, class, message, where string) value {
	if s.api == nil {
		return s.outOfMemory()
	}
	args := []value{s.text(code), s.text(class), s.text(message), s.text(where)}
	err := s.apply(s.api["makeError"], args...)
	for _, a := range args {
		s.free(a)
	}
	if err == exception {
		return exception
	}
	return s.throw(err)
}
