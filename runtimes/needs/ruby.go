package needs

import (
	"regexp"
	"strings"

	"sandpiper/internal/lazyregexp"
	"sandpiper/sandbox"
)

// ownRuby reports whether a require means one of the program's files, which are
// not on the load path but often put there.
func ownRuby(files []sandbox.File, name string) bool {
	for _, f := range files {
		if f.Name == name || strings.TrimSuffix(f.Name, ".rb") == name || strings.HasSuffix(strings.TrimSuffix(f.Name, ".rb"), "/"+name) {
			return true
		}
	}
	return false
}

// Ruby's libraries that the WebAssembly Ruby has, by the part before a slash,
// and those that it has not with what they show.
var (
	rubyHas = set(`English base64 benchmark bundler cgi coverage date delegate did_you_mean digest enumerator erb error_highlight etc fiber
		fileutils find forwardable ipaddr json monitor objspace openssl optparse optionparser pathname pp prettyprint prism psych random
		rational complex rbconfig ripper rubygems sandpiper securerandom set shellwords singleton stringio strscan syntax_suggest tempfile thread
		time timeout tmpdir tsort un unicode_normalize uri weakref yaml zlib mkmf`)
	rubyLacks = map[string]Kind{
		"open3": Processes, "pty": Processes,
		"socket": Network, "net/http": Network, "net/https": Network, "net/protocol": Network, "open-uri": Network, "resolv": Network,
		"io/console": Package, "fiddle": Package, "readline": Package, "reline": Package,
	}
)

// Calls that show a need. They are looked for in code that has no texts left.
var rubyCalls = []struct {
	pattern func() *regexp.Regexp
	kind    Kind
	name    string
}{
	{lazyregexp.New(`\bThread\.(new|start|fork)\b`), Threads, "Thread"},
	{lazyregexp.New(`(^|[^.\w:])system[ (]`), Processes, "system"},
	{lazyregexp.New(`(^|[^.\w:])spawn[ (]`), Processes, "spawn"},
	{lazyregexp.New(`(^|[^.\w:])fork\b|\bProcess\.fork\b`), Processes, "fork"},
	{lazyregexp.New(`\bIO\.popen\b`), Processes, "IO.popen"},
	{lazyregexp.New(`\b(TCPSocket|TCPServer|UDPSocket)\.(new|open)\b`), Network, "socket"},
}

var (
	rubyDefs    = lazyregexp.New(`\bdef (?:self\.)?(system|spawn|fork)\b`)
	rubyRequire = lazyregexp.New(`(?:^|[;{(]|\b(?:then|do|begin|else|rescue)\b)\s*(require|gem)\s*\(?\s*(?:"([^"#\\]+)"|'([^'\\]+)')`)
	heredoc     = lazyregexp.New("<<[~-]([\"'`]?)([A-Z_][A-Za-z0-9_]*)")
)

// findRuby finds the needs of a Ruby file, line by line.
func findRuby(source string, own func(string) bool, add func(Kind, string)) {
	defined := map[string]bool{}
	for _, m := range rubyDefs().FindAllStringSubmatch(source, -1) {
		defined[m[1]] = true
	}
	until := "" // the line that ends what is no code
	for l := range strings.Lines(source) {
		trimmed := strings.TrimSpace(l)
		switch {
		case until != "":
			if trimmed == until || until == "=end" && strings.HasPrefix(l, "=end") {
				until = ""
			}
			continue
		case strings.HasPrefix(l, "=begin"):
			until = "=end"
			continue
		case strings.TrimRight(l, "\r\n") == "__END__":
			return
		}
		if m := heredoc().FindStringSubmatch(l); m != nil {
			until = m[2]
		}
		rubyLine(l, defined, own, add)
	}
}

// rubyLine finds the needs of one line of code.
func rubyLine(l string, defined map[string]bool, own func(string) bool, add func(Kind, string)) {
	code := rubyCode(l)
	if strings.Contains(code, "require") || strings.Contains(code, "gem") {
		for _, m := range rubyRequire().FindAllStringSubmatch(l, -1) {
			if strings.Contains(code, m[1]) {
				rubyLibrary(m[2]+m[3], own, add)
			}
		}
	}
	for _, c := range rubyCalls {
		if !defined[c.name] && c.pattern().MatchString(code) {
			add(c.kind, c.name)
		}
	}
}

// rubyCode takes texts and comments out of a line.
func rubyCode(l string) string {
	var b strings.Builder
	for i := 0; i < len(l); {
		switch c := l[i]; {
		case c == '#':
			return b.String()
		case c == '"' || c == '\'' || c == '`':
			_, i = quoted(l, i+1, l[i:i+1], false)
			b.WriteByte('"')
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String()
}

// rubyLibrary notes that a library is required.
func rubyLibrary(name string, own func(string) bool, add func(Kind, string)) {
	name = strings.TrimSuffix(name, ".rb")
	if name == "" || name[0] == '.' || name[0] == '/' || own(name) {
		return
	}
	if kind, ok := rubyLacks[name]; ok {
		add(kind, name)
		return
	}
	if first, _, _ := strings.Cut(name, "/"); !rubyHas[first] && validPackage(first) {
		add(Package, first)
	}
}
