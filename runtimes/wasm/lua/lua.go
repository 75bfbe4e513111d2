// Package lua reads the messages of the Lua runtime. Running a program needs no
// code of its own: the runtime is a WASI command.
package lua

import (
	"fmt"
	"strconv"
	"strings"

	"sandpiper/internal/lazyregexp"
	"sandpiper/sandbox"
)

// Messages of the runtime:
//
//	lua: main.lua:3: boom
//	stack traceback:
//		main.lua:3: in function 'f'
//
//	lua: main.lua:1:11: syntax error near '='
//	lua: main.lua: syntax error near <eof>
var (
	errorLine = lazyregexp.New(`(?m)^lua: (.*)$`)
	placed    = lazyregexp.New(`^([^:\n]+):(\d+):(?:(\d+):)? (.*)$`)
	atEnd     = lazyregexp.New(`^([^:\n]+): (.* near <eof>)$`)
	frameLine = lazyregexp.New(`(?m)^\t([^:\n]+):(\d+): in `)
	notFound  = lazyregexp.New(`(?m)^lua: .*module '?([\w.-]+)'? not found:`)
)

// Diagnose finds the error that ended a program in the end of its stderr. It
// returns nil when there is none that is in one of the program's files.
func Diagnose(stderr []byte, files []sandbox.File) []sandbox.Diagnostic {
	text := string(stderr)
	all := errorLine().FindAllStringSubmatchIndex(text, -1)
	if all == nil {
		return nil
	}
	last := all[len(all)-1]
	message, rest := text[last[2]:last[3]], text[last[1]:]
	if m := placed().FindStringSubmatch(message); m != nil {
		return diagnostic(m[1], m[2], m[3], m[4], files)
	}
	if m := atEnd().FindStringSubmatch(message); m != nil {
		return diagnostic(m[1], lastLine(m[1], files), "", m[2], files)
	}
	for _, m := range frameLine().FindAllStringSubmatch(rest, -1) {
		if d := diagnostic(m[1], m[2], "", message, files); d != nil {
			return d
		}
	}
	return nil
}

func diagnostic(name, line, column, message string, files []sandbox.File) []sandbox.Diagnostic {
	n, err := strconv.Atoi(line)
	file, ok := find(name, files)
	if !ok || err != nil || n < 1 {
		return nil
	}
	c, err := strconv.Atoi(column)
	if err != nil {
		c = 0 // unknown
	}
	return []sandbox.Diagnostic{{File: file.Name, Line: n, Column: c, Severity: sandbox.SeverityError, Message: message}}
}

// lastLine returns the number of a file's last line that has anything on it.
func lastLine(name string, files []sandbox.File) string {
	file, _ := find(name, files)
	return strconv.Itoa(1 + strings.Count(strings.TrimRight(string(file.Content), "\n"), "\n"))
}

func find(name string, files []sandbox.File) (sandbox.File, bool) {
	name = strings.TrimPrefix(strings.TrimLeft(name, "/"), "./")
	for _, f := range files {
		if f.Name == name {
			return f, true
		}
	}
	return sandbox.File{}, false
}

// Hint returns one sentence for a program that ended because it required a
// module that is not there, or "".
func Hint(stderr []byte, _ []sandbox.File) string {
	m := notFound().FindSubmatch(stderr)
	if m == nil {
		return ""
	}
	return fmt.Sprintf("%s is not one of the program's files; packages need a container sandbox", m[1])
}
