// Package sql reads the messages of the SQL runtime. Running a program needs no
// code of its own: the runtime is a WASI command.
//
// # How rows come back once
//
// The runtime prints each query's rows as a table of text, for whoever reads
// standard output, and then sends them as a display bundle whose metadata has
// "stdout": true. The bundle's text/plain is exactly what was printed last. A
// page that shows the bundle takes that text out of the output.
package sql

import (
	"strconv"
	"strings"

	"sandpiper/internal/lazyregexp"
	"sandpiper/sandbox"
)

// errorLine matches messages such as
//
//	main.sql:3:8: error: no such table: birds
var errorLine = lazyregexp.New(`(?m)^([^:\n]+):(\d+):(\d+): error: (.*)$`)

// Diagnose finds the errors in the end of a program's stderr that are in one of
// its files.
func Diagnose(stderr []byte, files []sandbox.File) []sandbox.Diagnostic {
	var found []sandbox.Diagnostic
	for _, m := range errorLine().FindAllStringSubmatch(string(stderr), -1) {
		line, err1 := strconv.Atoi(m[2])
		column, err2 := strconv.Atoi(m[3])
		name := strings.TrimPrefix(strings.TrimLeft(m[1], "/"), "./")
		if err1 != nil || err2 != nil || line < 1 || !isFile(name, files) {
			continue
		}
		found = append(found, sandbox.Diagnostic{File: name, Line: line, Column: column, Severity: sandbox.SeverityError, Message: m[4]})
	}
	return found
}

func isFile(name string, files []sandbox.File) bool {
	for _, f := range files {
		if f.Name == name {
			return true
		}
	}
	return false
}
