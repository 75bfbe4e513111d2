package needs

import (
	"path"
	"strings"

	"sandpiper/sandbox"
)

// ownPython reports whether an import of a name means one of the program's
// files.
func ownPython(files []sandbox.File, name string) bool {
	for _, f := range files {
		first, rest, folder := strings.Cut(f.Name, "/")
		if folder && first == name && path.Ext(rest) != "" || !folder && (first == name+".py" || first == name+".pyw") {
			return true
		}
	}
	return false
}

// scanPython splits Python into tokens. A new line counts where it ends a
// statement.
func scanPython(s string) []token {
	var tokens []token
	depth := 0 // of brackets
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '#':
			i = lineEnd(s, i)
		case c == '\\':
			i += 2
		case c == '\n':
			if depth == 0 {
				tokens = append(tokens, token{line, "\n"})
			}
			i++
		case c == ' ' || c == '\t' || c == '\r' || c == '\f':
			i++
		case c == '"' || c == '\'':
			var t string
			t, i = pythonText(s, i, "")
			tokens = append(tokens, token{text, t})
		case isWordStart(c):
			end := wordEnd(s, i, "")
			if end < len(s) && (s[end] == '"' || s[end] == '\'') && isTextPrefix(s[i:end]) {
				var t string
				t, i = pythonText(s, end, s[i:end])
				tokens = append(tokens, token{text, t})
				continue
			}
			tokens = append(tokens, token{word, s[i:end]})
			i = end
		default:
			switch c {
			case '(', '[', '{':
				depth++
			case ')', ']', '}':
				depth = max(0, depth-1)
			}
			tokens = append(tokens, token{other, s[i : i+1]})
			i++
		}
	}
	return tokens
}

func isTextPrefix(s string) bool {
	return len(s) <= 2 && strings.Trim(strings.ToLower(s), "rbuf") == ""
}

// pythonText reads the text that begins with the quote at i.
func pythonText(s string, i int, prefix string) (t string, end int) {
	quote := s[i : i+1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(s[i:], triple) {
		return quoted(s, i+3, triple, true)
	}
	if strings.ContainsAny(prefix, "fF") {
		return formatted(s, i+1, quote)
	}
	return quoted(s, i+1, quote, false)
}

// formatted reads an f-string: in its braces the quote may stand again.
func formatted(s string, i int, quote string) (t string, end int) {
	begin, depth := i, 0
	for ; i < len(s) && s[i] != '\n'; i++ {
		switch {
		case s[i] == '\\':
			i++
		case s[i] == '{':
			depth++
		case s[i] == '}':
			depth = max(0, depth-1)
		case s[i:i+1] == quote && depth == 0:
			return s[begin:i], i + 1
		}
	}
	i = min(i, len(s))
	return s[begin:i], i
}

// importers are the functions that import what a text names.
var importers = set(`__import__ importlib.import_module import_module importlib.__import__`)

// findPython finds the needs of a Python file.
func findPython(source string, own func(string) bool, add func(Kind, string)) {
	tokens := scanPython(source)
	uses := pythonUses{own: own, add: add, imported: map[string]string{}}
	begins := true // a statement does
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		switch {
		case t.is("import") && t.kind == word && begins:
			i = uses.imports(tokens, i+1) - 1
		case t.is("from") && t.kind == word && begins:
			i = uses.from(tokens, i+1) - 1
		case t.kind == word && !at(tokens, i-1).is("."):
			name, end := dotted(tokens, i)
			uses.use(name)
			if importers[name] && at(tokens, end).is("(") && at(tokens, end+1).kind == text {
				uses.module(at(tokens, end+1).text)
			}
			i = end - 1
		}
		last := at(tokens, i)
		begins = last.kind == line || last.is(";") || last.is(":")
	}
}

// pythonUses collects what a file imports and calls.
type pythonUses struct {
	own      func(string) bool
	add      func(Kind, string)
	imported map[string]string // what a name stands for, such as "threading.Thread"
}

// imports reads what follows the word import: a.b as c, d.
func (u *pythonUses) imports(tokens []token, i int) int {
	for {
		name, end := dotted(tokens, i)
		if name == "" {
			return max(i, end)
		}
		top, _, _ := strings.Cut(name, ".")
		if i = end; at(tokens, i).is("as") {
			u.imported[at(tokens, i+1).text] = name
			i += 2
		} else {
			u.imported[top] = top
		}
		u.module(name)
		if !at(tokens, i).is(",") {
			return i
		}
		i++
	}
}

// from reads what follows the word from: a.b import c as d, e.
func (u *pythonUses) from(tokens []token, i int) int {
	if at(tokens, i).is(".") {
		return i + 1 // the program's own
	}
	module, i := dotted(tokens, i)
	if module == "" || !at(tokens, i).is("import") {
		return i
	}
	u.module(module)
	for i++; ; i++ {
		switch t := at(tokens, i); {
		case t.is("(") || t.is(","):
		case t.kind == word:
			known := t.text
			if at(tokens, i+1).is("as") {
				known = at(tokens, i+2).text
				i += 2
			}
			u.imported[known] = module + "." + t.text
			u.module(module + "." + t.text)
		default:
			return i
		}
	}
}

// module notes that a module is imported, or something of one.
func (u *pythonUses) module(name string) {
	top, _, _ := strings.Cut(name, ".")
	if u.own(top) {
		return
	}
	if kind, ok := pythonModules[name]; ok {
		u.add(kind, name)
		return
	}
	if kind, ok := pythonModules[top]; ok {
		u.add(kind, top)
		return
	}
	if !pythonLibrary[top] && !strings.HasPrefix(top, "_") && validPackage(top) {
		u.add(Package, top)
	}
}

// use notes the use of a name, which an import may have given.
func (u *pythonUses) use(name string) {
	first, rest, _ := strings.Cut(name, ".")
	full, ok := u.imported[first]
	if !ok {
		return
	}
	if rest != "" {
		full += "." + rest
	}
	if kind, ok := pythonNames[full]; ok {
		u.add(kind, full)
	}
}
