package golang

import (
	"fmt"
	"go/ast"
	"go/doc"
	"strings"
	"unicode"
	"unicode/utf8"
)

// testMain is the main package of a test, as `go test` writes it.
type testMain struct {
	path    string
	inside  []*file // of the package that is tested
	outside []*file // of the package beside it, which ends in _test
}

// kindOf returns what `go test` takes a function for: "Test", "Benchmark", "Fuzz"
// or nothing.
func kindOf(fn *ast.FuncDecl) string {
	if fn.Recv != nil || fn.Type.TypeParams != nil || len(fn.Type.Params.List) != 1 || fn.Type.Results != nil {
		return ""
	}
	star, ok := fn.Type.Params.List[0].Type.(*ast.StarExpr)
	if !ok {
		return ""
	}
	var parameter string
	switch x := star.X.(type) {
	case *ast.SelectorExpr:
		parameter = x.Sel.Name
	case *ast.Ident: // of a dot import
		parameter = x.Name
	}
	for kind, want := range map[string]string{"Test": "T", "Benchmark": "B", "Fuzz": "F"} {
		if parameter == want && isTestName(fn.Name.Name, kind) {
			return kind
		}
	}
	return ""
}

// isTestName reports whether a name is a prefix and what may follow one: nothing,
// or something that does not begin with a lower case letter.
func isTestName(name, prefix string) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	r, _ := utf8.DecodeRuneInString(rest)
	return ok && (rest == "" || !unicode.IsLower(r))
}

// source returns the text of the package.
func (t testMain) source() string {
	w := mainWriter{exit: "os.Exit(m.Run())"}
	w.add("_test", t.path, t.inside)
	w.add("_xtest", t.path+"_test", t.outside)
	return fmt.Sprintf(`package main

import (
	"os"
	"reflect"
	"testing"
	"testing/internal/testdeps"

%s)

var (
	tests = []testing.InternalTest{
%s	}
	benchmarks = []testing.InternalBenchmark{
%s	}
	fuzzTargets = []testing.InternalFuzzTarget{
%s	}
	examples = []testing.InternalExample{
%s	}
)

// status is where package testing leaves the exit code for a TestMain that does not
// use it.
func status(m *testing.M) int { return int(reflect.ValueOf(m).Elem().FieldByName("exitCode").Int()) }

func init() {
	testdeps.ModulePath = %q
	testdeps.ImportPath = testdeps.ModulePath
}

func main() {
	m := testing.MainStart(testdeps.TestDeps{}, tests, benchmarks, fuzzTargets, examples)
	%s
}
`, &w.imports, &w.tests, &w.benchmarks, &w.fuzzTargets, &w.examples, t.path, w.exit)
}

// mainWriter collects the parts of a test's main package.
type mainWriter struct {
	imports, tests, benchmarks, fuzzTargets, examples strings.Builder
	exit                                              string // the last statement of main
}

// add adds the tests of a package, which is imported as alias.
func (w *mainWriter) add(alias, path string, files []*file) {
	if len(files) == 0 {
		return
	}
	used := w.addExamples(alias, files)
	for _, f := range files {
		for _, d := range f.syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				used = w.addFunction(alias, fn) || used
			}
		}
	}
	if !used {
		alias = "_"
	}
	fmt.Fprintf(&w.imports, "\t%s %q\n", alias, path)
}

// addFunction adds a function if it is a test, and reports whether it is.
func (w *mainWriter) addFunction(alias string, fn *ast.FuncDecl) bool {
	name := fn.Name.Name
	if name == "TestMain" && isTestMain(fn) {
		w.exit = alias + ".TestMain(m)\n\tos.Exit(status(m))"
		return true
	}
	lists := map[string]*strings.Builder{"Test": &w.tests, "Benchmark": &w.benchmarks, "Fuzz": &w.fuzzTargets}
	list := lists[kindOf(fn)]
	if list == nil {
		return false
	}
	fmt.Fprintf(list, "\t\t{%q, %s.%s},\n", name, alias, name)
	return true
}

// isTestMain reports whether fn, called TestMain, takes the place of the main
// function.
func isTestMain(fn *ast.FuncDecl) bool {
	if len(fn.Type.Params.List) != 1 {
		return false
	}
	star, ok := fn.Type.Params.List[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	selector, ok := star.X.(*ast.SelectorExpr)
	return ok && selector.Sel.Name == "M"
}

// addExamples adds the examples whose output is compared, and reports whether there
// are any.
func (w *mainWriter) addExamples(alias string, files []*file) bool {
	var syntax []*ast.File
	for _, f := range files {
		if f.tests {
			syntax = append(syntax, f.syntax)
		}
	}
	found := false
	for _, e := range doc.Examples(syntax...) {
		if e.Output == "" && !e.EmptyOutput {
			continue
		}
		fmt.Fprintf(&w.examples, "\t\t{%q, %s.%s, %q, %t},\n", "Example"+e.Name, alias, "Example"+e.Name, e.Output, e.Unordered)
		found = true
	}
	return found
}

// testArguments turns the arguments that `go test` takes into those of its program:
// -v and -run, for example, are -test.v and -test.run there.
func testArguments(args []string) []string {
	all := []string{"-test.v=true", "-test.paniconexit0"}
	for i, a := range args {
		if a == "-args" || a == "--args" {
			return append(all, args[i+1:]...)
		}
		name, ok := strings.CutPrefix(a, "-")
		name = strings.TrimPrefix(name, "-")
		if ok && name != "" && !strings.HasPrefix(name, "test.") {
			a = "-test." + name
		}
		all = append(all, a)
	}
	return all
}
