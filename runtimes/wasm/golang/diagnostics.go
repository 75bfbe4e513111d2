package golang

import (
	"strconv"
	"strings"

	"sandpiper/internal/lazyregexp"
	"sandpiper/sandbox"
)

// maxDiagnostics is how many places of a program are pointed at.
const maxDiagnostics = 50

// Messages of the compiler, with columns, and of the linker, without:
//
//	/src/main.go:7:2: declared and not used: x
//	main.go:3:8: could not import "x" (open : No such file)
var placed = lazyregexp.New(`^(?:\./)?(?:/?src/)?([^\s:][^:]*\.go):(\d+)(?::(\d+))?: (.+)$`)

// diagnose reads what the compiler printed. Lines that begin with a tab go on with
// the message before.
func diagnose(messages string, files []sandbox.File) []sandbox.Diagnostic {
	var found []sandbox.Diagnostic
	last := false // the message before was a diagnostic
	for line := range strings.Lines(messages) {
		line = strings.TrimRight(line, "\r\n")
		if rest, ok := strings.CutPrefix(line, "\t"); ok {
			if last {
				found[len(found)-1].Message += "\n" + rest
			}
			continue
		}
		last = false
		m := placed().FindStringSubmatch(line)
		if m == nil || len(found) == maxDiagnostics {
			continue
		}
		if d, ok := diagnostic(m[1], m[2], m[3], m[4], files); ok {
			found, last = append(found, d), true
		}
	}
	return found
}

// diagnostic points at a place of one of the program's files.
func diagnostic(name, line, column, message string, files []sandbox.File) (sandbox.Diagnostic, bool) {
	name = strings.TrimPrefix(strings.TrimPrefix(name, "/"), sourceDir+"/")
	n, err := strconv.Atoi(line)
	if err != nil || n < 1 || !has(files, name) {
		return sandbox.Diagnostic{}, false
	}
	c, err := strconv.Atoi(column)
	if err != nil || c < 0 {
		c = 0 // unknown
	}
	return sandbox.Diagnostic{File: name, Line: n, Column: c, Severity: sandbox.SeverityError, Message: explain(message)}, true
}

func has(files []sandbox.File, name string) bool {
	for _, f := range files {
		if f.Name == name {
			return true
		}
	}
	return false
}

var notFound = lazyregexp.New(`^could not import ([^\s(]+) \(.*$`)

// explain says it in other words where the compiler speaks of its own files.
func explain(message string) string {
	if m := notFound().FindStringSubmatch(message); m != nil {
		return "package " + strings.Trim(m[1], `"`) + " is not in the standard library that is installed here; other packages need a container sandbox"
	}
	return message
}

// Messages of a program that ends badly:
//
//	panic: runtime error: index out of range [5] with length 3
//
//	goroutine 1 [running]:
//	main.main()
//		main.go:7 +0x3
var (
	ended = lazyregexp.New(`(?m)^(?:panic: |fatal error: )(.+)$`)
	frame = lazyregexp.New(`(?m)^\t([^\s:][^:\n]*\.go):(\d+)(?: \+0x[0-9a-f]+)?$`)
)

// diagnosePanic points at the first place of the program that the goroutine which
// ended it was at.
func diagnosePanic(stderr string, files []sandbox.File) []sandbox.Diagnostic {
	all := ended().FindAllStringSubmatchIndex(stderr, -1)
	if all == nil {
		return nil
	}
	last := all[len(all)-1]
	message := strings.TrimSuffix(stderr[last[2]:last[3]], " [recovered]")
	for _, m := range frame().FindAllStringSubmatch(stderr[last[1]:], -1) {
		if d, ok := diagnostic(m[1], m[2], "", message, files); ok {
			return []sandbox.Diagnostic{d}
		}
	}
	return nil
}

// A test's message: "    main_test.go:9: got 1, want 2".
var failure = lazyregexp.New(`^ {4,}([^\s:][^:]*\.go):(\d+): (.+)$`)

// diagnoseTests points at what tests that failed said. Messages of those that pass
// look the same; they come before a line that begins with "--- PASS".
func diagnoseTests(output string, files []sandbox.File) []sandbox.Diagnostic {
	var found, pending []sandbox.Diagnostic
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, "\r\n")
		name := strings.TrimLeft(line, " ")
		switch {
		case strings.HasPrefix(name, "=== RUN"), strings.HasPrefix(name, "--- PASS"), strings.HasPrefix(name, "--- SKIP"):
			pending = nil
		case strings.HasPrefix(name, "--- FAIL"):
			found, pending = append(found, pending...), nil
		default:
			m := failure().FindStringSubmatch(line)
			if m == nil || len(found)+len(pending) >= maxDiagnostics {
				continue
			}
			if d, ok := diagnostic(m[1], m[2], "", m[3], files); ok {
				pending = append(pending, d)
			}
		}
	}
	return found
}
