package quickjs

import (
	_ "embed" // for the helper module
	"encoding/json"
	"fmt"
	"path"
	"strconv"
	"strings"

	"sandpiper/internal/lazyregexp"
)

// helperName is the module that programs import for charts and tables.
const helperName = "sandpiper"

//go:embed lib/sandpiper.js
var helperSource string

// fileKind is what a file is to the engine.
type fileKind int

const (
	kindScript fileKind = iota // a CommonJS module
	kindModule                 // an ES module
	kindJSON
	kindBroken // it did not compile
)

// moduleFile is a file that the program has loaded.
type moduleFile struct {
	name     string // relative to the program's folder if it is in there, else absolute
	kind     fileKind
	source   string // JavaScript or JSON
	original string // as it was written
	positions
	compiled value // of a script that has not run yet: the compiled function
}

// scriptHead and scriptTail make a function of a script. A main script is an
// asynchronous one if it mentions await.
const (
	scriptHead = "(function (exports, require, module, __filename, __dirname) {"
	asyncHead  = "(async function (exports, require, module, __filename, __dirname) {"
	scriptTail = "\n})"
)

var (
	hashbang    = lazyregexp.New(`^#!.*`)
	moduleWords = lazyregexp.New(`\b(?:import|export|await)\b`)
	awaitWord   = lazyregexp.New(`\bawait\b`)
	requireCall = lazyregexp.New(`\brequire\s*\(`)
	identifier  = lazyregexp.New(`^[A-Za-z_$][A-Za-z0-9_$]*$`)
)

// file returns a file by the name that resolve gave it, loading it the first
// time. When that fails, nil is returned and an exception is waiting.
func (s *session) file(name string) *moduleFile {
	if f := s.files[name]; f != nil && f.kind != kindBroken {
		return f
	}
	f := &moduleFile{name: name, kind: kindBroken}
	switch {
	case name == helperName:
		f.original = helperSource
	case name == s.main && s.given != nil:
		f.original = *s.given
	default:
		b, errno := s.readFile(s.absolute(name))
		if errno != "" {
			s.throwError(errno, "Error", fmt.Sprintf("%s: cannot read '%s'", errno, name), "")
			return nil
		}
		if !s.mayKeep(name, len(b)) {
			s.throwError("EFBIG", "Error", fmt.Sprintf("EFBIG: the files that a program loads may have %d MiB in all", maxLoaded>>20), "")
			return nil
		}
		f.original = string(b)
	}
	f.source = hashbang().ReplaceAllString(strings.TrimPrefix(f.original, "\ufeff"), "")
	if s.isTypeScript(name) && !s.stripTypes(f) {
		return nil
	}
	s.files[name] = f // already now: a syntax error's place is looked up there
	if !s.classify(f) {
		return nil
	}
	return f
}

// maxLoaded is how much the files that a program loads as modules may have
// together, in bytes. They stay until its end, beside the guest's own memory and
// even when the program has removed them.
const maxLoaded = 16 << 20

// mayKeep counts n bytes of a file that is loaded, in place of what was loaded
// under its name before, and reports whether they fit.
func (s *session) mayKeep(name string, n int) bool {
	if old := s.files[name]; old != nil {
		n -= len(old.original)
	}
	if s.loaded+n > maxLoaded {
		return false
	}
	s.loaded += n
	return true
}

// classify finds out what kind of file f is. It reports false after throwing.
func (s *session) classify(f *moduleFile) bool {
	ext := path.Ext(f.name)
	switch {
	case ext == ".json":
		f.kind = kindJSON
		return true
	case ext == ".mjs" || ext == ".mts" || f.name == helperName:
		s.becomeModule(f)
		return true
	}
	head := scriptHead
	if f.name == s.main && awaitWord().MatchString(f.source) {
		head = asyncHead
	}
	f.shift = len(head)
	f.compiled = s.eval(head+f.source+scriptTail, f.name, evalScript|evalCompile)
	switch {
	case f.compiled != exception:
		f.kind = kindScript
		return true
	case ext == ".cjs" || ext == ".cts" || !moduleWords().MatchString(f.source):
		return false
	}
	s.free(s.caught())
	s.becomeModule(f)
	return true
}

// becomeModule makes an ES module of f. The engine leaves import.meta empty, so
// it is filled in before the module's first statement where it is mentioned.
// TypeScript's "import a = require(b)" needs a require.
func (s *session) becomeModule(f *moduleFile) {
	var head string
	file := s.absolute(f.name)
	if strings.Contains(f.source, "import.meta") {
		head = fmt.Sprintf("import.meta.url=%s;import.meta.filename=%s;import.meta.dirname=%s;import.meta.main=%t;",
			quote("file://"+file), quote(file), quote(path.Dir(file)), f.name == s.main)
	}
	if f.mapping != nil && requireCall().MatchString(f.source) {
		head += `import{createRequire}from"node:module";const require=createRequire(` + quote(file) + `);`
	}
	f.kind, f.shift = kindModule, len(head)
	f.source = head + f.source
}

// script returns the function of a script, to be called once.
func (s *session) script(f *moduleFile) value {
	code := f.compiled
	f.compiled = undefined
	if code == undefined {
		code = s.eval(scriptHead+f.source+scriptTail, f.name, evalScript|evalCompile)
	}
	if code == exception {
		return exception
	}
	return s.callValue("JS_EvalFunction", s.context, uint64(code)) // consumes code
}

// startMain begins to run the main file and returns the promise of its end, or
// undefined when it has ended already.
func (s *session) startMain() value {
	result := exception
	if f := s.file(s.main); f != nil && f.kind == kindModule {
		result = s.eval(f.source, f.name, evalModule)
	} else if f != nil {
		if fn := s.script(f); fn != exception {
			result = s.apply(s.api["runScript"], fn, s.text(f.name))
			s.free(fn)
		}
	}
	if result == exception {
		s.fail(s.caught())
		return undefined
	}
	if s.isPromise(result) {
		s.call("JS_PromiseMarkAsHandled", s.context, uint64(result))
	}
	return result
}

// moduleSource returns what the engine compiles for an import of name.
func (s *session) moduleSource(name string) (string, bool) {
	if builtin, ok := strings.CutPrefix(name, "node:"); ok {
		return s.builtinAsModule(builtin)
	}
	f := s.file(name)
	if f == nil {
		return "", false
	}
	switch f.kind {
	case kindModule:
		return f.source, true
	case kindJSON:
		return "export default __sandpiper_require(" + quote(name) + ");", true
	}
	return s.scriptAsModule(f)
}

// scriptAsModule runs a script that an ES module imports, since only then are
// the names that it exports known.
func (s *session) scriptAsModule(f *moduleFile) (string, bool) {
	name := s.text(f.name)
	defer s.free(name)
	names, ok := s.names(s.apply(s.api["importScript"], name))
	return reexport("__sandpiper_require("+quote(f.name)+")", names), ok
}

// builtinAsModule imports a Node module of the prelude.
func (s *session) builtinAsModule(builtin string) (string, bool) {
	name := s.text(builtin)
	defer s.free(name)
	names, ok := s.names(s.apply(s.api["exportsOf"], name))
	return reexport("process.getBuiltinModule("+quote(builtin)+")", names), ok
}

// names reads and frees a list of names as the prelude returns it. It reports
// false when that is an exception.
func (s *session) names(list value) ([]string, bool) {
	defer s.free(list)
	text, ok := s.str(list)
	if !ok {
		return nil, false
	}
	names := []string{}
	if json.Unmarshal([]byte(text), &names) != nil {
		return nil, true
	}
	return names, true
}

// reexport returns an ES module that exports the properties of an object.
func reexport(object string, names []string) string {
	var b strings.Builder
	b.WriteString("const m=" + object + ";export default m;")
	for i, name := range names {
		if name != "default" && identifier().MatchString(name) {
			fmt.Fprintf(&b, "const _%d=m.%s;export{_%d as %s};", i, name, i, name)
		}
	}
	return b.String()
}

// quote makes a JavaScript string literal.
func quote(s string) string {
	b, _ := json.Marshal(s) // cannot fail; its text is valid JavaScript
	return string(b)
}

// positions maps places in the code that the engine sees to the file as written.
type positions struct {
	shift   int        // how far the first line was moved to the right
	mapping *sourceMap // of code that was translated; nil otherwise
}

func (p positions) locate(line, column int) (int, int) {
	if line == 1 {
		column = max(1, column-p.shift)
	}
	if p.mapping != nil {
		return p.mapping.original(line, column)
	}
	return line, column
}

// opLocate returns "file:line:column" as written for a place that the engine reports.
func opLocate(s *session, args []value) value {
	file, _ := s.name(args[0])
	line, column := args[1].integer(), args[2].integer()
	if f := s.loadedFile(file); f != nil {
		line, column = f.locate(line, column)
	}
	return s.text(file + ":" + strconv.Itoa(line) + ":" + strconv.Itoa(column))
}
