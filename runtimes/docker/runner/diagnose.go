package runner

import (
	"path"
	"regexp"
	"strconv"
	"strings"

	"sandpiper/internal/lazyregexp"
	"sandpiper/sandbox"
)

// maxDiagnostics bounds what is read from one run's messages.
const maxDiagnostics = 50

// messages are the forms in which languages point at a place. Their groups are
// file, line, column, severity and message; some lack one or the other.
var messages = []func() *regexp.Regexp{
	lazyregexp.New(`^(?P<file>[^\s:()]+):(?P<line>\d+):(?P<column>\d+): (?:fatal )?(?P<severity>error|warning|note): (?P<message>.+)$`), // gcc
	lazyregexp.New(`^(?P<file>[^\s:()]+)\((?P<line>\d+),(?P<column>\d+)\): (?P<severity>error|warning) (?P<message>.+)$`),               // tsc
	lazyregexp.New(`^(?P<file>[^\s:]+): line (?P<line>\d+): (?P<message>.+)$`),                                                          // bash
}

// where are the forms in which interpreters say where something happened, before
// they say what.
var where = []func() *regexp.Regexp{
	lazyregexp.New(`^  File "(?P<file>[^"]+)", line (?P<line>\d+)`),                                    // Python
	lazyregexp.New(`^(?:file://)?(?P<file>/[^\s:]+):(?P<line>\d+)$`),                                   // Node, syntax errors
	lazyregexp.New(`^    at .*?\(?(?:file://)?(?P<file>/[^\s:()]+):(?P<line>\d+):(?P<column>\d+)\)?$`), // Node, traces
}

// what is how interpreters say what happened.
var what = lazyregexp.New(`^(?:Uncaught )?(?:[\w.]*(?:Error|Exception|Interrupt|Exit|Warning)|StopIteration)\b(?:: .*)?$`)

// diagnose reads the places that messages on stderr point at, in files of the
// program.
func diagnose(stderr string, files []sandbox.File) []sandbox.Diagnostic {
	var found []sandbox.Diagnostic
	var at *sandbox.Diagnostic // the last place of the program that a trace named
	said := ""                 // the last thing that a trace said
	for line := range strings.Lines(stderr) {
		line = strings.TrimRight(line, "\r\n")
		if d, ok := match(messages, line, files); ok && len(found) < maxDiagnostics {
			found = append(found, d)
			continue
		}
		if d, ok := match(where, line, files); ok && (at == nil || said == "") {
			at = &d
		}
		if what().MatchString(line) {
			said = line
		}
	}
	if len(found) == 0 && at != nil && said != "" {
		at.Message = said
		found = append(found, *at)
	}
	return found
}

// match returns the place that a line names by one of the forms, if it is in a
// file of the program.
func match(forms []func() *regexp.Regexp, line string, files []sandbox.File) (sandbox.Diagnostic, bool) {
	for _, compiled := range forms {
		form := compiled()
		groups := form.FindStringSubmatch(line)
		if groups == nil {
			continue
		}
		d := sandbox.Diagnostic{Severity: sandbox.SeverityError}
		for i, name := range form.SubexpNames() {
			switch name {
			case "file":
				d.File = ownFile(groups[i], files)
			case "line":
				d.Line, _ = strconv.Atoi(groups[i]) // digits only; too many give the largest
			case "column":
				d.Column, _ = strconv.Atoi(groups[i])
			case "severity":
				d.Severity = severity(groups[i])
			case "message":
				d.Message = groups[i]
			}
		}
		if d.File != "" && d.Line > 0 {
			return d, true
		}
	}
	return sandbox.Diagnostic{}, false
}

func severity(word string) sandbox.Severity {
	switch word {
	case "warning":
		return sandbox.SeverityWarning
	case "note":
		return sandbox.SeverityInfo
	}
	return sandbox.SeverityError
}

// ownFile returns a program's name of a file, "" for a file that is not its own.
func ownFile(name string, files []sandbox.File) string {
	name = path.Clean(strings.TrimPrefix(name, folder+"/"))
	for _, f := range files {
		if f.Name == name {
			return name
		}
	}
	return ""
}
