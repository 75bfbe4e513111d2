package python

import (
	"strconv"
	"strings"

	"sandpiper/internal/lazyregexp"
	"sandpiper/sandbox"
)

// A traceback of CPython 3.12, of which the parser reads these lines:
//
//	Traceback (most recent call last):
//	  File "main.py", line 3, in <module>
//	    total = add(1, "2")
//	            ^^^^^^^^^^^
//	TypeError: unsupported operand type(s) for +: 'int' and 'str'
//
// A SyntaxError has one File line without "in" and a caret line, and may come
// without the first line.
var (
	frameLine = lazyregexp.New(`^  File "([^"]+)", line (\d+)`)
	errorLine = lazyregexp.New(`^[A-Za-z_][\w.]*(: .*)?$`)
)

// frame is a place that a traceback names.
type frame struct {
	file         string
	line, column int
}

// Diagnose finds the error that ended a program in the end of its stderr, at the
// innermost place that is in one of the program's files. It returns nil when
// there is none.
func Diagnose(stderr []byte, files []sandbox.File) []sandbox.Diagnostic {
	lines := strings.Split(strings.TrimRight(string(stderr), "\n"), "\n")
	end := lastError(lines)
	if end < 0 {
		return nil
	}
	place, ok := innermost(lines[:end], files)
	if !ok {
		return nil
	}
	return []sandbox.Diagnostic{{
		File: place.file, Line: place.line, Column: place.column,
		Severity: sandbox.SeverityError, Message: lines[end],
	}}
}

// lastError returns the index of the line that names the last error: the first
// unindented one after the last frame. Messages may have further lines.
func lastError(lines []string) int {
	for last := len(lines) - 1; last >= 0; last-- {
		if !frameLine().MatchString(lines[last]) {
			continue
		}
		for i := last + 1; i < len(lines); i++ {
			if errorLine().MatchString(lines[i]) {
				return i
			}
		}
		return -1
	}
	return -1
}

// innermost returns the last place in lines that is in one of files, looking no
// further back than the traceback that lines end with.
func innermost(lines []string, files []sandbox.File) (frame, bool) {
	for i := len(lines) - 1; i >= 0; i-- {
		if strings.HasPrefix(lines[i], "Traceback (most recent call last):") {
			break
		}
		if f, ok := parseFrame(lines[i:], files); ok {
			return f, true
		}
	}
	return frame{}, false
}

// parseFrame reads the frame that begins at lines[0].
func parseFrame(lines []string, files []sandbox.File) (frame, bool) {
	m := frameLine().FindStringSubmatch(lines[0])
	if m == nil {
		return frame{}, false
	}
	name := strings.TrimLeft(m[1], "/")
	source, ok := find(name, files)
	line, err := strconv.Atoi(m[2])
	if !ok || err != nil || line < 1 {
		return frame{}, false
	}
	f := frame{file: name, line: line}
	if len(lines) > 2 && strings.Trim(lines[2], " ^~") == "" {
		f.column = column(lines[1], lines[2], source, line)
	}
	return f, true
}

func find(name string, files []sandbox.File) (sandbox.File, bool) {
	for _, f := range files {
		if f.Name == name {
			return f, true
		}
	}
	return sandbox.File{}, false
}

// column converts the position of the first caret to a column of the source
// line, which the traceback shows without its indentation. The result is 0 when
// the two do not fit together.
func column(shown, carets string, f sandbox.File, line int) int {
	at := strings.IndexAny(carets, "^~")
	lines := strings.SplitN(string(f.Content), "\n", line+1)
	if at < 4 || line > len(lines) || !strings.HasPrefix(shown, "    ") {
		return 0
	}
	source := strings.TrimRight(lines[line-1], "\r")
	text := strings.TrimLeft(source, " \t\f")
	if strings.TrimRight(text, " \t") != strings.TrimRight(shown[4:], " \t") {
		return 0
	}
	indent := len(source) - len(text)
	return indent + at - 4 + 1
}
