package golang

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sandpiper/runtimes/wasm/toolchain"
	"sandpiper/sandbox"
)

// plan says how a program is built.
type plan struct {
	request toolchain.Request
	tests   bool // it is the tests that are run
}

// unit is one package to compile.
type unit struct {
	path    string // what others import it as
	files   []*file
	imports []string // of packages of the program
}

// file is one Go file that belongs to the program on this platform.
type file struct {
	name    string // in the program
	syntax  *ast.File
	tests   bool // *_test.go
	broken  bool // it has errors of syntax
	content []byte
}

// defaultModule is the module path of a program without a go.mod.
const defaultModule = "program"

// platform decides which files belong to a build.
var platform = func() build.Context {
	c := build.Default
	c.GOOS, c.GOARCH, c.CgoEnabled, c.BuildTags = "wasip1", "wasm", false, nil
	return c
}()

// newPlan reads a program, whose first file is the main one. The diagnostics say
// why it cannot be built; what the compiler says better is left to it.
func newPlan(files []sandbox.File) (plan, []sandbox.Diagnostic) {
	p := program{module: defaultModule, root: path.Dir(files[0].Name), folders: map[string][]*file{}}
	p.read(files)
	if len(p.folders[p.root]) == 0 {
		return plan{}, []sandbox.Diagnostic{{File: files[0].Name, Line: 1, Severity: sandbox.SeverityError,
			Message: "no Go file of this folder is for this platform, which is wasip1/wasm"}}
	}
	if d := p.unavailable(); len(d) > 0 {
		return plan{}, d
	}
	if d := p.unfit(); d != nil {
		return plan{}, []sandbox.Diagnostic{*d}
	}
	units, tests := p.units()
	ordered, cycle := order(units)
	if cycle != "" {
		return plan{}, []sandbox.Diagnostic{{File: files[0].Name, Line: 1, Severity: sandbox.SeverityError,
			Message: "import cycle not allowed: " + cycle}}
	}
	return plan{request: p.request(ordered), tests: tests}, nil
}

// program is the files of a program by their folders.
type program struct {
	module  string // the path of the package in root
	version string // of the language, as go.mod says: "1.22", or ""
	root    string
	folders map[string][]*file
	names   []string // of folders, in the order of the files
	main    string   // the text of the test's main package
}

var (
	moduleLine  = regexp.MustCompile(`(?m)^\s*module\s+"?([^\s"]+)"?`)
	versionLine = regexp.MustCompile(`(?m)^\s*go\s+(1\.\d+)`)
	modulePath  = regexp.MustCompile(`^[A-Za-z0-9._~/-]{1,200}$`)
)

func (p *program) read(files []sandbox.File) {
	for _, f := range files {
		if f.Name == path.Join(p.root, "go.mod") {
			if m := moduleLine.FindSubmatch(f.Content); m != nil && modulePath.Match(m[1]) {
				p.module = string(m[1])
			}
			if m := versionLine.FindSubmatch(f.Content); m != nil {
				p.version = string(m[1])
			}
		}
	}
	set := token.NewFileSet()
	for _, f := range files {
		if !strings.HasSuffix(f.Name, ".go") || !belongs(f) {
			continue
		}
		// The compiler reports what is wrong with a file, and says it better.
		syntax, err := parser.ParseFile(set, f.Name, f.Content, parser.ParseComments|parser.SkipObjectResolution)
		if syntax == nil {
			syntax = &ast.File{Name: ast.NewIdent("main")}
		}
		dir := path.Dir(f.Name)
		if p.folders[dir] == nil {
			p.names = append(p.names, dir)
		}
		p.folders[dir] = append(p.folders[dir], &file{
			name: f.Name, syntax: syntax, broken: err != nil, content: f.Content, tests: strings.HasSuffix(f.Name, "_test.go"),
		})
	}
}

// belongs reports whether a file is for this platform, by its name and its build
// constraints.
func belongs(f sandbox.File) bool {
	c := platform
	c.OpenFile = func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(f.Content)), nil }
	ok, err := c.MatchFile("/", path.Base(f.Name))
	return ok || err != nil // which is for the compiler to say
}

// unavailable returns a diagnostic for each import that cannot be had here.
func (p *program) unavailable() []sandbox.Diagnostic {
	var found []sandbox.Diagnostic
	for _, dir := range p.names {
		for _, f := range p.folders[dir] {
			for _, spec := range f.syntax.Imports {
				if why := p.lacks(importPath(spec)); why != "" {
					line, column := position(f, spec.Path.Pos())
					found = append(found, sandbox.Diagnostic{File: f.name, Line: line, Column: column, Severity: sandbox.SeverityError, Message: why})
				}
			}
		}
	}
	return found
}

// unfit says why the main package is nothing that can be run, where the linker would
// say it without a place.
func (p *program) unfit() *sandbox.Diagnostic {
	if p.hasTests() {
		return nil
	}
	files := sources(p.folders[p.root], false)
	problem := &sandbox.Diagnostic{File: p.folders[p.root][0].name, Line: 1, Severity: sandbox.SeverityError}
	if len(files) == 0 {
		problem.Message = "there are no tests in this file, and no other files to run"
		return problem
	}
	main := false
	for _, f := range files {
		if f.broken {
			return nil // the compiler says more
		}
		if name := f.syntax.Name.Name; name != "main" {
			problem.File, problem.Message = f.name, "package "+name+" is not a main package: a program begins with package main"
			return problem
		}
		main = main || slices.ContainsFunc(f.syntax.Decls, func(d ast.Decl) bool {
			fn, ok := d.(*ast.FuncDecl)
			return ok && fn.Recv == nil && fn.Name.Name == "main"
		})
	}
	if main {
		return nil
	}
	problem.Message = "function main is undeclared in the main package"
	return problem
}

// lacks says why a package cannot be imported, or nothing.
func (p *program) lacks(imported string) string {
	first, _, _ := strings.Cut(imported, "/")
	switch {
	case imported == "C":
		return "cgo is not available here: it needs a container sandbox, where a C compiler is installed"
	case p.own(imported):
		if dir := p.folder(imported); p.folders[dir] == nil {
			return fmt.Sprintf("package %s is not among the program's files", imported)
		}
	case strings.Contains(first, "."):
		return fmt.Sprintf("module %s is not installed: only the standard library is here; other modules need a container sandbox", imported)
	}
	return ""
}

// own reports whether an import is of the program's module.
func (p *program) own(imported string) bool {
	return imported == p.module || strings.HasPrefix(imported, p.module+"/")
}

// folder returns the folder of a package of the program.
func (p *program) folder(imported string) string {
	return path.Join(p.root, strings.TrimPrefix(strings.TrimPrefix(imported, p.module), "/"))
}

// importOf returns what the package in a folder is imported as.
func (p *program) importOf(dir string) string {
	below := dir
	if p.root != "." {
		below = strings.TrimPrefix(strings.TrimPrefix(dir, p.root), "/")
	}
	return path.Join(p.module, below)
}

func importPath(spec *ast.ImportSpec) string {
	s, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return ""
	}
	return s
}

// position turns a position into a line and a column of bytes, both from 1.
func position(f *file, pos token.Pos) (line, column int) {
	before := f.content[:min(len(f.content), max(0, int(pos-f.syntax.FileStart)))]
	return 1 + bytes.Count(before, []byte("\n")), len(before) - bytes.LastIndexByte(before, '\n')
}

// units returns the packages of the program, and whether it is run by its tests.
func (p *program) units() (units []*unit, tests bool) {
	tests = p.hasTests()
	for _, dir := range p.names {
		if dir != p.root {
			if files := sources(p.folders[dir], false); len(files) > 0 {
				units = append(units, p.unit(p.importOf(dir), files))
			}
		}
	}
	if !tests {
		main := p.unit("main", sources(p.folders[p.root], false))
		return append(units, main), false
	}
	inside := sources(p.folders[p.root], true)
	name := inside[0].syntax.Name.Name
	var outside []*file
	inside, outside = split(inside, func(f *file) bool {
		return f.tests && strings.HasSuffix(f.syntax.Name.Name, "_test") && f.syntax.Name.Name != name || f.tests && strings.HasSuffix(name, "_test")
	})
	t := testMain{path: p.module}
	if len(inside) > 0 {
		units = append(units, p.unit(p.module, inside))
		t.inside = inside
	}
	if len(outside) > 0 {
		units = append(units, p.unit(p.module+"_test", outside))
		t.outside = outside
	}
	p.main = t.source()
	main := &unit{path: "main"}
	for _, u := range units {
		main.imports = append(main.imports, u.path)
	}
	return append(units, main), true
}

// hasTests reports whether the program is run by its tests.
func (p *program) hasTests() bool {
	var main, test bool
	for _, f := range p.folders[p.root] {
		for _, d := range f.syntax.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv != nil {
				continue
			}
			main = main || !f.tests && fn.Name.Name == "main" && f.syntax.Name.Name == "main"
			if kindOf(fn) != "" {
				test = test || f.tests || kindOf(fn) == "Test"
			}
		}
	}
	inTestFiles := slices.ContainsFunc(p.folders[p.root], func(f *file) bool { return f.tests && hasKind(f) })
	return test && (!main || inTestFiles)
}

func hasKind(f *file) bool {
	return slices.ContainsFunc(f.syntax.Decls, func(d ast.Decl) bool {
		fn, ok := d.(*ast.FuncDecl)
		return ok && fn.Recv == nil && kindOf(fn) != ""
	})
}

func (p *program) unit(as string, files []*file) *unit {
	u := &unit{path: as, files: files}
	for _, f := range files {
		for _, spec := range f.syntax.Imports {
			if imported := importPath(spec); p.own(imported) && imported != as && !slices.Contains(u.imports, imported) {
				u.imports = append(u.imports, imported)
			}
		}
	}
	return u
}

// sources returns the files of a folder, with its tests or without.
func sources(files []*file, tests bool) []*file {
	kept, _ := split(files, func(f *file) bool { return f.tests && !tests })
	return kept
}

// split separates the files that are apart from the others.
func split(files []*file, apart func(*file) bool) (rest, those []*file) {
	for _, f := range files {
		if apart(f) {
			those = append(those, f)
		} else {
			rest = append(rest, f)
		}
	}
	return rest, those
}

// order sorts packages so that each comes after those that it imports, or returns
// the packages of a cycle.
func order(units []*unit) (ordered []*unit, cycle string) {
	byPath := map[string]*unit{}
	for _, u := range units {
		byPath[u.path] = u
	}
	const visiting, done = 1, 2
	state := map[*unit]int{}
	var visit func(u *unit, way []string) string
	visit = func(u *unit, way []string) string {
		way = append(way, u.path)
		switch state[u] {
		case visiting:
			return strings.Join(way, " imports ")
		case done:
			return ""
		}
		state[u] = visiting
		for _, imported := range u.imports {
			if v := byPath[imported]; v != nil {
				if cycle := visit(v, way); cycle != "" {
					return cycle
				}
			}
		}
		state[u] = done
		ordered = append(ordered, u)
		return ""
	}
	for _, u := range units {
		if cycle := visit(u, nil); cycle != "" {
			return nil, cycle
		}
	}
	return ordered, ""
}
