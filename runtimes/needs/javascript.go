package needs

import (
	"strings"

	"sandpiper/sandbox"
)

// ownJavaScript reports whether the program brings a package along.
func ownJavaScript(files []sandbox.File, name string) bool {
	for _, f := range files {
		if strings.HasPrefix(f.Name, "node_modules/"+name+"/") {
			return true
		}
	}
	return false
}

// Node's modules that the WebAssembly JavaScript has, and those that it has not
// with what they show.
var (
	nodeHas = set(`assert assert/strict buffer console crypto events fs fs/promises module os path path/posix perf_hooks process readline
		readline/promises sandpiper string_decoder timers timers/promises url util util/types`)
	nodeLacks = map[string]Kind{
		"child_process": Processes, "cluster": Processes,
		"dgram": Network, "dns": Network, "dns/promises": Network, "http": Network, "http2": Network, "https": Network, "net": Network, "tls": Network,
		"worker_threads": Threads,

		"async_hooks": Package, "constants": Package, "diagnostics_channel": Package, "domain": Package, "inspector": Package, "path/win32": Package,
		"punycode": Package, "querystring": Package, "repl": Package, "sea": Package, "sqlite": Package, "stream": Package,
		"stream/promises": Package, "stream/web": Package, "stream/consumers": Package, "sys": Package, "test": Package, "trace_events": Package,
		"tty": Package, "v8": Package, "vm": Package, "wasi": Package, "zlib": Package,
	}
)

// beforeRegexp are the words after which a slash begins a regular expression.
var beforeRegexp = set(`return typeof case in of delete void throw new do else instanceof await yield`)

// scanJavaScript splits JavaScript or TypeScript into tokens. New lines do not
// count.
func scanJavaScript(s string) []token {
	sc := jsScanner{s: s}
	for sc.i < len(s) {
		sc.next()
	}
	return sc.tokens
}

type jsScanner struct {
	s      string
	i      int
	tokens []token
	braces []bool // of the open braces, whether a template goes on after it
}

func (sc *jsScanner) push(k tokenKind, t string) { sc.tokens = append(sc.tokens, token{k, t}) }

// next reads what is at i.
func (sc *jsScanner) next() {
	s, i := sc.s, sc.i
	switch c := s[i]; {
	case c == ' ' || c == '\t' || c == '\r' || c == '\n':
		sc.i++
	case strings.HasPrefix(s[i:], "//"), i == 0 && strings.HasPrefix(s, "#!"):
		sc.i = lineEnd(s, i)
	case strings.HasPrefix(s[i:], "/*"):
		_, sc.i = quoted(s, i+2, "*/", true)
	case c == '/' && sc.mayBeRegexp():
		sc.regexp()
	case c == '"' || c == '\'':
		t, end := quoted(s, i+1, s[i:i+1], false)
		sc.push(text, t)
		sc.i = end
	case c == '`':
		sc.template(i + 1)
	case isWordStart(c) || c == '$':
		sc.i = wordEnd(s, i, "$")
		sc.push(word, s[i:sc.i])
	default:
		sc.bracket(c)
	}
}

// bracket reads one other character. A brace that closes the code in a template
// leads back into the template.
func (sc *jsScanner) bracket(c byte) {
	sc.i++
	switch c {
	case '{':
		sc.braces = append(sc.braces, false)
	case '}':
		if n := len(sc.braces); n > 0 {
			template := sc.braces[n-1]
			if sc.braces = sc.braces[:n-1]; template {
				sc.template(sc.i)
				return
			}
		}
	}
	sc.push(other, sc.s[sc.i-1:sc.i])
}

// template reads a template from i to its end or to the next code in it.
func (sc *jsScanner) template(i int) {
	begin := i
	for ; i < len(sc.s); i++ {
		switch {
		case sc.s[i] == '\\':
			i++
		case sc.s[i] == '`':
			sc.push(text, sc.s[begin:i])
			sc.i = i + 1
			return
		case strings.HasPrefix(sc.s[i:], "${"):
			sc.push(other, "`")
			sc.braces = append(sc.braces, true)
			sc.i = i + 2
			return
		}
	}
	sc.i = len(sc.s)
}

// mayBeRegexp reports whether a slash here begins a regular expression.
func (sc *jsScanner) mayBeRegexp() bool {
	switch last := at(sc.tokens, len(sc.tokens)-1); last.kind {
	case word:
		return beforeRegexp[last.text]
	case text:
		return false
	case other:
		return !strings.Contains(")]}", last.text) && (last.text < "0" || last.text > "9")
	default:
		return true
	}
}

// regexp skips a regular expression, or the slash where it does not end on its
// line.
func (sc *jsScanner) regexp() {
	class := false
	for i := sc.i + 1; i < len(sc.s) && sc.s[i] != '\n'; i++ {
		switch c := sc.s[i]; {
		case c == '\\':
			i++
		case c == '[':
			class = true
		case c == ']':
			class = false
		case c == '/' && !class:
			sc.i = wordEnd(sc.s, i+1, "")
			sc.push(text, "")
			return
		}
	}
	sc.push(other, "/")
	sc.i++
}

// findJavaScript finds the needs of a JavaScript or TypeScript file.
func findJavaScript(source string, own func(string) bool, add func(Kind, string)) {
	tokens := scanJavaScript(source)
	onlyTypes, ownFetch := false, definesFetch(tokens)
	for i, t := range tokens {
		before, after := at(tokens, i-1), at(tokens, i+1)
		switch {
		case t.kind == text && (before.is("from") || before.is("import")):
			if !onlyTypes {
				specifier(t.text, own, add)
			}
			onlyTypes = false
		case t.kind != word:
		case t.text == "import" && after.is("("), t.text == "require" && after.is("("):
			if at(tokens, i+2).kind == text {
				specifier(at(tokens, i+2).text, own, add)
			}
		case t.text == "import" || t.text == "export":
			onlyTypes = after.is("type") && !at(tokens, i+2).is("from") && !at(tokens, i+2).is(",")
		case t.text == "fetch" && after.is("(") && !ownFetch && (!before.is(".") || at(tokens, i-2).is("globalThis")):
			add(Network, "fetch")
		case t.text == "WebSocket" && before.is("new"):
			add(Network, "WebSocket")
		}
	}
}

// definesFetch reports whether a file has a fetch of its own.
func definesFetch(tokens []token) bool {
	for i, t := range tokens {
		if t.kind != word || t.text != "fetch" {
			continue
		}
		assigned := at(tokens, i+1).is("=") && !at(tokens, i+2).is("=")
		if assigned || at(tokens, i-1).is("function") || at(tokens, i-1).is("async") {
			return true
		}
	}
	return false
}

// specifier notes what an import or a require names.
func specifier(name string, own func(string) bool, add func(Kind, string)) {
	if name == "" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "/") || strings.HasPrefix(name, "#") {
		return
	}
	if scheme, rest, ok := strings.Cut(name, ":"); ok {
		switch scheme {
		case "node":
			name = rest
		case "http", "https":
			add(Network, scheme)
			return
		default:
			return
		}
	}
	if nodeHas[name] {
		return
	}
	if kind, ok := nodeLacks[name]; ok {
		add(kind, name)
		return
	}
	if pack := packageOf(name); validPackage(pack) && !own(pack) {
		add(Package, pack)
	}
}

// packageOf returns the package that a specifier is in.
func packageOf(name string) string {
	first, rest, _ := strings.Cut(name, "/")
	if strings.HasPrefix(first, "@") {
		second, _, _ := strings.Cut(rest, "/")
		return first + "/" + second
	}
	return first
}

// validPackage keeps what is no name at all, such as a template's text, out of
// messages.
func validPackage(name string) bool {
	return name != "" && len(name) <= 214 && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r < 0x80 && (isWordByte(byte(r)) || strings.ContainsRune("@/.-~", r)))
	})
}
