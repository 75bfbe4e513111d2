package quickjs

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"
)

// moduleOperations are what the prelude's require is made of.
var moduleOperations = []operation{
	{"resolve", opResolve},
	{"kind", opKind},
	{"script", opScript},
	{"source", opSource},
	{"namespace", opNamespace},
}

// endings are what may be left out of the name of an imported file.
var endings = []string{".js", ".ts", ".mjs", ".cjs", ".mts", ".cts", ".json"}

// resolve finds what specifier means in the file parent and returns its name,
// "node:" and the name for a module of the prelude. ok is false if there is no
// such thing.
func (s *session) resolve(specifier, parent string) (name string, ok bool) {
	if len(specifier) > maxPath || len(parent) > maxPath {
		return "", false
	}
	builtin := strings.TrimPrefix(specifier, "node:")
	switch {
	case specifier == helperName:
		return helperName, true
	case hasModule(builtin):
		return "node:" + builtin, true
	case !isPath(specifier):
		return "", false
	}
	target := strings.TrimPrefix(specifier, "file://")
	if !path.IsAbs(target) {
		target = path.Join(path.Dir(s.absolute(parent)), target)
	}
	target, ok = s.findFile(path.Clean(target))
	return s.relative(target), ok
}

// isPath reports whether a specifier names a file and not a package.
func isPath(specifier string) bool {
	for _, prefix := range []string{"./", "../", "/", "file://"} {
		if strings.HasPrefix(specifier, prefix) {
			return true
		}
	}
	return specifier == "." || specifier == ".."
}

// findFile returns the file that an absolute path means: itself, with an ending
// added, with TypeScript's ending in place of JavaScript's, or a folder's index.
func (s *session) findFile(target string) (string, bool) {
	candidates := []string{target}
	for _, ending := range endings {
		candidates = append(candidates, target+ending)
	}
	if base, ok := strings.CutSuffix(target, "js"); ok {
		candidates = append(candidates, base+"ts") // .js, .mjs, .cjs
	}
	for _, ending := range endings {
		candidates = append(candidates, path.Join(target, "index"+ending))
	}
	for _, c := range candidates {
		if s.isFile(c) {
			return c, true
		}
	}
	return "", false
}

// absolute returns the guest's path of a module name.
func (s *session) absolute(name string) string {
	if path.IsAbs(name) {
		return name
	}
	return path.Join(s.dir, name)
}

// relative returns the module name of a guest's path.
func (s *session) relative(file string) string {
	return strings.TrimPrefix(file, strings.TrimSuffix(s.dir, "/")+"/")
}

// notFound throws for an import (or require) of something that is not there. A
// package's name is remembered: if nobody catches the error, a note explains.
func (s *session) notFound(specifier, parent string, required bool) {
	if !isPath(specifier) {
		s.missing = specifier
	}
	switch {
	case required:
		s.throwError("MODULE_NOT_FOUND", "Error", fmt.Sprintf("Cannot find module '%s'\nRequire stack:\n- %s", specifier, parent), "")
	case isPath(specifier):
		s.throwError("ERR_MODULE_NOT_FOUND", "Error", fmt.Sprintf("Cannot find module '%s' imported from %s", specifier, parent), s.whereImported(specifier, parent))
	default:
		s.throwError("ERR_MODULE_NOT_FOUND", "Error", fmt.Sprintf("Cannot find package '%s' imported from %s", specifier, parent), s.whereImported(specifier, parent))
	}
}

// whereImported returns the place in a file that imports a specifier, for the
// engine does not say; empty if there is none.
func (s *session) whereImported(specifier, file string) string {
	f := s.files[file]
	if f == nil {
		return ""
	}
	for i, line := range strings.Split(f.original, "\n") {
		for _, mark := range []string{`"`, `'`, "`"} {
			if at := strings.Index(line, mark+specifier+mark); at >= 0 {
				return place{file, i + 1, utf8.RuneCountInString(line[:at]) + 1}.String()
			}
		}
	}
	return ""
}

// cstring reads a string that ends at a zero byte, and of a longer one the first
// maxPath bytes and one.
func (g *guest) cstring(p uint64) string {
	mem := g.mod.Memory()
	n := min(maxPath+1, mem.Size()-min(mem.Size(), uint32(p)))
	b, _ := mem.Read(uint32(p), n)
	s, _, _ := strings.Cut(string(b), "\x00")
	return s
}

// hostNormalize is called by the engine to turn an import's specifier into a
// module name. It returns 0 after throwing.
func hostNormalize(s *session, stack []uint64) {
	parent, specifier := s.cstring(stack[0]), s.cstring(stack[1])
	stack[0] = 0
	name, ok := s.resolve(specifier, parent)
	if !ok {
		s.notFound(specifier, parent, false)
		return
	}
	if stack[0] = s.alloc(name); stack[0] == 0 {
		s.outOfMemory()
	}
}

// hostLoad is called by the engine for the source code of a module. It returns 0
// after throwing, else the code's address, and stores its length.
func hostLoad(s *session, stack []uint64) {
	name, length := s.cstring(stack[0]), uint32(stack[1])
	stack[0] = 0
	source, ok := s.moduleSource(name)
	if !ok {
		return
	}
	p := s.alloc(source)
	if p == 0 {
		s.outOfMemory()
		return
	}
	if !s.mod.Memory().WriteUint32Le(length, uint32(len(source))) {
		panic(errOutside)
	}
	stack[0] = p
}

// opResolve returns the name of what require(specifier) means in a file.
func opResolve(s *session, args []value) value {
	specifier, ok1 := s.name(args[0])
	parent, ok2 := s.name(args[1])
	if !ok1 || !ok2 {
		return s.misuse("resolve")
	}
	name, ok := s.resolve(specifier, parent)
	if !ok {
		s.notFound(specifier, parent, true)
		return exception
	}
	return s.text(name)
}

// opKind returns "script", "module" or "json".
func opKind(s *session, args []value) value {
	f := s.fileOf(args[0])
	if f == nil {
		return exception
	}
	return s.text([]string{kindScript: "script", kindModule: "module", kindJSON: "json"}[f.kind])
}

// opScript returns the function of a script.
func opScript(s *session, args []value) value {
	f := s.fileOf(args[0])
	if f == nil {
		return exception
	}
	return s.script(f)
}

// opSource returns a file's text.
func opSource(s *session, args []value) value {
	f := s.fileOf(args[0])
	if f == nil {
		return exception
	}
	return s.text(f.source)
}

func (s *session) fileOf(name value) *moduleFile {
	text, ok := s.name(name)
	if !ok {
		s.misuse("file")
		return nil
	}
	return s.file(text)
}

// namespaceSlot is the global that opNamespace uses for a moment.
const namespaceSlot = "__sandpiper_namespace"

// opNamespace loads an ES module for require: a module without await at its top
// level has run when the import returns. It returns false for one that has not.
func opNamespace(s *session, args []value) value {
	name, ok := s.name(args[0])
	if !ok {
		return s.misuse("namespace")
	}
	source := "import * as m from " + quote(s.absoluteModule(name)) + ";globalThis." + namespaceSlot + "=m;"
	promise := s.eval(source, s.main, evalModule)
	if promise == exception {
		return exception
	}
	defer s.free(promise)
	s.call("JS_PromiseMarkAsHandled", s.context, uint64(promise))
	switch s.promiseState(promise) {
	case 1:
		global := s.callValue("JS_GetGlobalObject", s.context)
		defer s.free(global)
		return s.get(global, namespaceSlot)
	case 2:
		return s.throw(s.callValue("JS_PromiseResult", s.context, uint64(promise)))
	}
	return jsFalse
}

// absoluteModule returns a specifier that means the module name everywhere.
func (s *session) absoluteModule(name string) string {
	if name == helperName {
		return name
	}
	return s.absolute(name)
}
