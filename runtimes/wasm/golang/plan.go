package golang

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strings"

	"sandpiper/runtimes/wasm/toolchain"
	"sandpiper/sandbox"
)

// goal is what a program is built for.
type goal int

const (
	toRun   goal = iota // its main function
	toTest              // its tests
	toCheck             // nothing: what the compiler says is wanted
	toVet               // nothing: what vet says is wanted
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

func (u *unit) folder() string {
	if len(u.files) == 0 {
		return "."
	}
	return path.Dir(u.files[0].name)
}

// newPlan reads a program, whose first file is the main one, and plans to run it, or
// its tests where it has some. The diagnostics say why it cannot be built; what the
// compiler says better is left to it.
func newPlan(files []sandbox.File) (plan, []sandbox.Diagnostic) {
	p := newProgram(files, path.Dir(files[0].Name))
	if p.hasTests() {
		return p.plan(toTest)
	}
	return p.plan(toRun)
}

// plan says how the package in the root folder is built.
func (p *program) plan(g goal) (plan, []sandbox.Diagnostic) {
	if len(p.folders[p.root]) == 0 {
		return plan{}, []sandbox.Diagnostic{p.problem("no Go file of this folder is for this platform, which is wasip1/wasm")}
	}
	if d := p.unfit(g); d != nil {
		return plan{}, []sandbox.Diagnostic{*d}
	}
	units := p.units(g)
	if d := p.unavailable(units); len(d) > 0 {
		return plan{}, d
	}
	ordered, cycle := order(units)
	if cycle != "" {
		return plan{}, []sandbox.Diagnostic{p.problem("import cycle not allowed: " + cycle)}
	}
	request, problems := p.request(ordered, g)
	if len(problems) > 0 {
		return plan{}, problems
	}
	return plan{request: request, tests: g == toTest}, nil
}

// problem is one that has no better place than the main file.
func (p *program) problem(message string) sandbox.Diagnostic {
	return sandbox.Diagnostic{File: p.main, Line: 1, Severity: sandbox.SeverityError, Message: message}
}

// unfit says why the package in root is nothing that g could be had of, where the
// linker would say it without a place.
func (p *program) unfit(g goal) *sandbox.Diagnostic {
	files := sources(p.folders[p.root], false)
	problem := p.problem("there are no tests in this file, and no other files to run")
	problem.File = p.folders[p.root][0].name
	switch {
	case g == toTest || g == toVet:
		return nil
	case len(files) == 0:
		return &problem
	case g != toRun:
		return nil
	}
	main := false
	for _, f := range files {
		if f.broken {
			return nil // the compiler says more
		}
		if name := f.syntax.Name.Name; name != "main" {
			problem.File, problem.Message = f.name, "package "+name+" is not a main package: a program begins with package main"
			return &problem
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
	return &problem
}

// unavailable returns a diagnostic for each import that cannot be had here.
func (p *program) unavailable(units []*unit) []sandbox.Diagnostic {
	var found []sandbox.Diagnostic
	for _, u := range units {
		for _, f := range u.files {
			for _, spec := range f.syntax.Imports {
				if why := p.lacks(importPath(spec)); why != "" {
					found = append(found, f.wrong(spec.Path.Pos(), why))
				}
			}
		}
	}
	return found
}

// lacks says why a package cannot be imported, or nothing.
func (p *program) lacks(imported string) string {
	first, _, _ := strings.Cut(imported, "/")
	switch {
	case imported == "C":
		return "cgo is not available here: it needs a container sandbox, where a C compiler is installed"
	case p.own(imported):
		if dir := p.folder(imported); len(sources(p.folders[dir], false)) == 0 {
			return fmt.Sprintf("package %s is not among the program's files", imported)
		}
	case strings.Contains(first, "."):
		return fmt.Sprintf("module %s is not installed: only the standard library is here; other modules need a container sandbox", imported)
	}
	return ""
}

// units returns the packages that building the one in root takes. Those of the
// program that nothing imports are left out.
func (p *program) units(g goal) []*unit {
	var units []*unit
	switch g {
	case toTest:
		units = p.testUnits()
		main := &unit{path: "main"}
		for _, u := range units {
			main.imports = append(main.imports, u.path)
		}
		units = append(units, main)
	case toVet:
		units = p.testUnits()
	case toRun:
		units = []*unit{p.unit("main", sources(p.folders[p.root], false))}
	default:
		files := sources(p.folders[p.root], false)
		as := p.importOf(p.root)
		if files[0].syntax.Name.Name == "main" {
			as = "main"
		}
		units = []*unit{p.unit(as, files)}
	}
	known := map[string]bool{}
	for _, u := range units {
		known[u.path] = true
	}
	for i := 0; i < len(units); i++ {
		for _, imported := range units[i].imports {
			if files := sources(p.folders[p.folder(imported)], false); !known[imported] && len(files) > 0 {
				known[imported] = true
				units = append(units, p.unit(imported, files))
			}
		}
	}
	return units
}

// testUnits returns the package in root with its tests and the package of tests beside
// it, and writes the main package that runs them.
func (p *program) testUnits() []*unit {
	inside := sources(p.folders[p.root], true)
	name := inside[0].syntax.Name.Name
	var outside []*file
	inside, outside = split(inside, func(f *file) bool {
		return f.tests && strings.HasSuffix(f.syntax.Name.Name, "_test") && f.syntax.Name.Name != name || f.tests && strings.HasSuffix(name, "_test")
	})
	t := testMain{path: p.importOf(p.root)}
	var units []*unit
	if len(inside) > 0 {
		units = append(units, p.unit(t.path, inside))
		t.inside = inside
	}
	if len(outside) > 0 {
		units = append(units, p.unit(t.path+"_test", outside))
		t.outside = outside
	}
	p.testMain = t.source()
	return units
}

// hasTests reports whether running the program means running its tests: it has test
// files with tests, or tests and no main function.
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
