package ruby

import (
	"strconv"
	"strings"

	"sandpiper/internal/lazyregexp"
	"sandpiper/sandbox"
)

// A message of Ruby 4.0, of which the parser reads the places, the text and the
// carets:
//
//	main.rb:3:in 'Object#foo': undefined method 'bar' for nil (NoMethodError)
//
//	  x.bar + 1
//	   ^^^^
//		from main.rb:9:in '<main>'
//
// A SyntaxError has carets for each thing that is wrong:
//
//	main.rb:3: syntax errors found (SyntaxError)
//	  2 |   x = [1,2
//	> 3 |   puts x)
//	    |         ^ unexpected ')', ignoring it
var (
	errorLine  = lazyregexp.New(`^(\S[^:]*):(\d+):(?:in '[^']*':)? (.+) \(([A-Z][\w:]*)\)$`)
	firstLine  = lazyregexp.New(`^(\S[^:]*):(\d+):in '[^']*': (.+)$`)
	placeLine  = lazyregexp.New(`^(\S[^:]*):(\d+):`)
	fromLine   = lazyregexp.New(`^\tfrom ([^:]+):(\d+):in `)
	wrongLine  = lazyregexp.New(`^> *(\d+) \| `)
	wrongPlace = lazyregexp.New(`^ *\| ( *)\^+~* ?(.*)$`)
)

// maxSyntaxErrors is how many places of a syntax error are reported: most of
// them follow from the first.
const maxSyntaxErrors = 5

// Diagnose finds the error that ended a program in the end of its stderr, at the
// innermost place that is in one of the program's files. It returns nil when
// there is none.
func Diagnose(stderr []byte, files []sandbox.File) []sandbox.Diagnostic {
	lines := strings.Split(strings.TrimRight(string(stderr), "\n"), "\n")
	start, message := lastError(lines)
	if start < 0 {
		return nil
	}
	if d := syntaxErrors(lines[start:], files); d != nil {
		return d
	}
	file, line, ok := innermost(lines[start:], files)
	if !ok {
		return nil
	}
	return []sandbox.Diagnostic{{
		File: file.Name, Line: line, Column: column(lines[start:], file, line),
		Severity: sandbox.SeverityError, Message: message,
	}}
}

// lastError returns the index of the line that begins the last error, and its
// message. Causes come after the error itself and have no blank line between,
// so the first of the messages that end the output counts.
func lastError(lines []string) (int, string) {
	found, message := -1, ""
	for i := len(lines) - 1; i >= 0; i-- {
		if m := errorLine().FindStringSubmatch(lines[i]); m != nil {
			found, message = i, m[3]+" ("+m[4]+")"
		} else if m := firstLine().FindStringSubmatch(lines[i]); m != nil && found < 0 {
			return i, m[3]
		} else if found >= 0 && !strings.HasPrefix(lines[i], "\tfrom ") {
			break
		}
	}
	return found, message
}

// innermost returns the first place of an error that is in one of files.
func innermost(lines []string, files []sandbox.File) (sandbox.File, int, bool) {
	for i, l := range lines {
		m := fromLine().FindStringSubmatch(l)
		if i == 0 {
			m = placeLine().FindStringSubmatch(l)
		}
		if m == nil {
			continue
		}
		if f, line, ok := place(m[1], m[2], files); ok {
			return f, line, true
		}
	}
	return sandbox.File{}, 0, false
}

// place returns the program's file and line that a message names.
func place(name, number string, files []sandbox.File) (sandbox.File, int, bool) {
	line, err := strconv.Atoi(number)
	if err != nil || line < 1 {
		return sandbox.File{}, 0, false
	}
	name = strings.TrimPrefix(strings.TrimLeft(name, "/"), "./")
	for _, f := range files {
		if f.Name == name {
			return f, line, true
		}
	}
	return sandbox.File{}, 0, false
}

// column returns the column of the carets that follow a copy of the file's line,
// or 0.
func column(lines []string, file sandbox.File, line int) int {
	source := strings.SplitN(string(file.Content), "\n", line+1)
	if line > len(source) {
		return 0
	}
	want := strings.TrimRight(source[line-1], "\r")
	for i := 1; i < len(lines) && !strings.HasPrefix(lines[i], "\tfrom "); i++ {
		carets := strings.TrimLeft(lines[i], " ")
		if lines[i-1] == want && carets != "" && strings.Trim(carets, "^") == "" {
			return len(lines[i]) - len(carets) + 1
		}
	}
	return 0
}

// syntaxErrors reads the places of a SyntaxError that begins at lines[0].
func syntaxErrors(lines []string, files []sandbox.File) []sandbox.Diagnostic {
	m := errorLine().FindStringSubmatch(lines[0])
	if m == nil || m[4] != "SyntaxError" {
		return nil
	}
	file, line, ok := place(m[1], m[2], files)
	if !ok {
		return nil
	}
	var found []sandbox.Diagnostic
	marked := false
	for _, l := range lines[1:] {
		if w := wrongLine().FindStringSubmatch(l); w != nil {
			line, _ = strconv.Atoi(w[1])
			marked = line > 0
		} else if w := wrongPlace().FindStringSubmatch(l); w != nil && marked && len(found) < maxSyntaxErrors {
			found = append(found, sandbox.Diagnostic{File: file.Name, Line: line, Column: len(w[1]) + 1,
				Severity: sandbox.SeverityError, Message: strings.TrimSpace(w[2])})
		}
	}
	if found == nil {
		return []sandbox.Diagnostic{{File: file.Name, Line: line, Severity: sandbox.SeverityError, Message: m[3] + " (" + m[4] + ")"}}
	}
	return found
}
