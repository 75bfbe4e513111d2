package clang

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sandpiper/internal/lazyregexp"
	"sandpiper/sandbox"
)

// maxDiagnostics is how many places of a program are pointed at.
const maxDiagnostics = 50

// Messages of clang; the lines after one show the code:
//
//	main.c:3:5: error: use of undeclared identifier 'x'
//	    3 |     x = 1;
//	      |     ^
var placed = lazyregexp.New(`^([^\s:][^:]*):(\d+):(?:(\d+):)? (fatal error|error|warning): (.+)$`)

// diagnose reads what clang printed of the program's files. Notes explain an error
// elsewhere and are left to the text.
func diagnose(messages string, files []sandbox.File) []sandbox.Diagnostic {
	var found []sandbox.Diagnostic
	for line := range strings.Lines(messages) {
		line = strings.TrimRight(line, "\r\n")
		if d, ok := undefinedSymbol(line, files); ok && len(found) < maxDiagnostics {
			found = append(found, d)
			continue
		}
		m := placed().FindStringSubmatch(line)
		if m == nil || !has(files, m[1]) {
			continue
		}
		n, err := strconv.Atoi(m[2])
		if err != nil || n < 1 {
			continue
		}
		column, err := strconv.Atoi(m[3])
		if err != nil || column < 0 {
			column = 0 // unknown
		}
		severity := sandbox.SeverityError
		if m[4] == "warning" {
			severity = sandbox.SeverityWarning
		}
		found = append(found, sandbox.Diagnostic{File: m[1], Line: n, Column: column, Severity: severity, Message: m[5]})
		if len(found) == maxDiagnostics {
			break
		}
	}
	return found
}

// A message of the linker, which has no places:
//
//	wasm-ld: error: main.c.o: undefined symbol: f
var undefined = lazyregexp.New(`^wasm-ld: error: (\S+)\.o: undefined symbol: (.+)$`)

// undefinedSymbol points at where a source first names what the linker misses.
func undefinedSymbol(line string, files []sandbox.File) (sandbox.Diagnostic, bool) {
	m := undefined().FindStringSubmatch(line)
	if m == nil {
		return sandbox.Diagnostic{}, false
	}
	name, _, _ := strings.Cut(m[2], "(")
	name = name[strings.LastIndexByte(name, ':')+1:]
	for _, f := range files {
		if f.Name != m[1] || name == "" {
			continue
		}
		at := regexp.MustCompile(`\b` + regexp.QuoteMeta(name) + `\b`).FindIndex(f.Content)
		if at == nil {
			break
		}
		before := f.Content[:at[0]]
		return sandbox.Diagnostic{
			File: f.Name, Line: 1 + bytes.Count(before, []byte("\n")), Column: len(before) - bytes.LastIndexByte(before, '\n'),
			Severity: sandbox.SeverityError, Message: "undefined symbol: " + m[2],
		}, true
	}
	return sandbox.Diagnostic{}, false
}

func has(files []sandbox.File, name string) bool {
	for _, f := range files {
		if f.Name == name {
			return true
		}
	}
	return false
}

// folders are those that the compiler works in.
var folders = lazyregexp.New(`(^|[\s(])/?` + sourceDir + `/`)

// tidy takes the folder that the compiler worked in from its messages, but not from
// the lines that show code.
func tidy(messages string) string {
	var b strings.Builder
	for line := range strings.Lines(messages) {
		if !strings.HasPrefix(line, " ") {
			line = folders().ReplaceAllString(line, "$1")
		}
		b.WriteString(line)
	}
	return b.String()
}

// hints are what cannot work here, by what the compiler says of it.
var hints = []struct{ sign, hint string }{
	{"undefined symbol: main", "the program has no main function"},
	{"LLVM ERROR: out of memory", "compiling this program takes more memory than the compiler has here"},
	{"file not found", "a header is neither among the program's files nor of the standard libraries; others need a container sandbox"},
	{"with exceptions disabled", "C++ exceptions are not available here: they need a container sandbox"},
	{"setjmp", "setjmp and longjmp are not available here: they need a container sandbox"},
	{"undefined symbol: pthread_", "threads are not available here: they need a container sandbox"},
	{"undefined symbol: std::__1::thread", "threads are not available here: they need a container sandbox"},
	{"undefined symbol: socket", "there is no network here: sockets need a container sandbox"},
	{"undefined symbol: fork", "there are no processes here: they need a container sandbox"},
	{"undefined symbol: system", "there are no processes here: they need a container sandbox"},
	{"undefined symbol: ", "a function is declared but not defined in the program's files; libraries beyond the standard one need a container sandbox"},
}

// hint returns one sentence that helps with what the compiler refused, or "".
func hint(messages string) string {
	for _, h := range hints {
		if strings.Contains(messages, h.sign) {
			return h.hint
		}
	}
	return ""
}

// threads are functions that the C library has here and that always fail.
var threads = lazyregexp.New(`\b(?:pthread_create|thrd_create)\b|\bstd::(?:j?thread|async)\b`)

// startsThreads reports whether a program seems to start threads.
func startsThreads(files []sandbox.File) bool {
	return slices.ContainsFunc(files, func(f sandbox.File) bool { return threads().Match(f.Content) })
}

var mainFunction = lazyregexp.New(`\bmain\b`)

// namesMain reports whether a program may have a main function.
func namesMain(files []sandbox.File) bool {
	return slices.ContainsFunc(files, func(f sandbox.File) bool { return mainFunction().Match(f.Content) })
}
