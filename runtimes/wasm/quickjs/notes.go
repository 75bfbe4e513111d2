package quickjs

import (
	"slices"
	"strings"

	"sandpiper/internal/lazyregexp"
)

// nodeModules are modules of Node that need what a sandbox does not have.
var nodeModules = []string{
	"async_hooks", "child_process", "cluster", "dgram", "diagnostics_channel", "dns", "domain", "http", "http2", "https", "inspector",
	"net", "punycode", "querystring", "repl", "sea", "sqlite", "stream", "test", "tls", "trace_events", "tty", "v8", "vm",
	"wasi", "worker_threads", "zlib",
}

// browserNames are globals that pages have and programs here do not.
var browserNames = []string{"document", "window", "localStorage", "sessionStorage", "XMLHttpRequest", "location"}

// undefinedName matches the error for a name that is not there.
var undefinedName = lazyregexp.New(`^Uncaught (?:\(in promise\) )?ReferenceError: (\w+) is not defined\n`)

// note returns a line that explains the error which ended the program, where
// what is missing is not the program's fault; empty for all others.
func (s *session) note(text string) string {
	if s.missing != "" && strings.Contains(text, "'"+s.missing+"'") {
		return missingNote(s.missing)
	}
	m := undefinedName().FindStringSubmatch(text)
	switch {
	case m == nil:
		return ""
	case m[1] == "require":
		return "a file with import or export is an ES module: it has no require, so use import there"
	case slices.Contains(browserNames, m[1]):
		return m[1] + " is part of a web page, and this program does not run in one"
	}
	return ""
}

// missingNote says where a package that is not here can be had.
func missingNote(name string) string {
	name = strings.TrimPrefix(name, "node:")
	if first, _, _ := strings.Cut(name, "/"); slices.Contains(nodeModules, first) {
		return "Node's module " + name + " needs a container sandbox"
	}
	return "npm packages need a container sandbox"
}
