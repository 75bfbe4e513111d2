package quickjs

import (
	"strconv"
	"strings"

	"sandpiper/internal/lazyregexp"
	"sandpiper/sandbox"
)

// maxDiagnostics is how many places are reported of one run.
const maxDiagnostics = 50

var (
	// compileError matches a syntax error in TypeScript.
	compileError = lazyregexp.New(`^([^\s:][^:]*):(\d+):(\d+): error: (.+)$`)

	// errorPlace matches the line above the source line of an uncaught error.
	errorPlace = lazyregexp.New(`^([^\s:][^:]*):(\d+):(\d+)$`)

	// uncaught matches an uncaught error's first line.
	uncaught = lazyregexp.New(`^Uncaught (?:\(in promise\) )?(.+)$`)
)

// placeDistance is how many lines lie between a place and its error at most: the
// source line, the caret and an empty line.
const placeDistance = 3

// Diagnostics finds the places in stderr that messages point at: those of
// syntax errors in TypeScript and that of the uncaught error which ended the
// program. The result is nil if there are none.
func Diagnostics(stderr []byte) []sandbox.Diagnostic {
	var found []sandbox.Diagnostic
	var at *sandbox.Diagnostic // a place whose error is still to come
	var distance int
	for line := range strings.Lines(string(stderr)) {
		line = strings.TrimRight(line, "\r\n")
		if m := compileError().FindStringSubmatch(line); m != nil {
			found = appendDiagnostic(found, m[1:4], m[4])
			continue
		}
		if m := errorPlace().FindStringSubmatch(line); m != nil {
			if d := appendDiagnostic(nil, m[1:4], ""); d != nil {
				at, distance = &d[0], 0
				continue
			}
		}
		if at == nil {
			continue
		}
		if m := uncaught().FindStringSubmatch(line); m != nil {
			at.Message = strings.TrimSuffix(m[1], " {")
			found = append(found, *at)
			at = nil
		} else if distance++; distance > placeDistance {
			at = nil
		}
		if len(found) >= maxDiagnostics {
			break
		}
	}
	return found[:min(len(found), maxDiagnostics)]
}

// appendDiagnostic adds an error at a place, if its numbers are such.
func appendDiagnostic(list []sandbox.Diagnostic, at []string, message string) []sandbox.Diagnostic {
	line, err1 := strconv.Atoi(at[1])
	column, err2 := strconv.Atoi(at[2])
	if err1 != nil || err2 != nil || line < 1 {
		return list
	}
	return append(list, sandbox.Diagnostic{
		File: at[0], Line: line, Column: column, Severity: sandbox.SeverityError, Message: message,
	})
}
