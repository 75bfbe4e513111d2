package e2e

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// TestPatternsAreLazy holds that no package compiles a pattern when it is
// initialized: see package lazyregexp.
func TestPatternsAreLazy(t *testing.T) {
	seen := 0
	err := filepath.WalkDir("..", func(file string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (skipped(e.Name()) || e.Name() == "e2e"):
			return fs.SkipDir
		case e.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range f.Decls {
			if vars, ok := d.(*ast.GenDecl); ok && vars.Tok == token.VAR {
				seen++
				for _, at := range compiledAtStart(vars) {
					t.Errorf("%s: use lazyregexp.New", set.Position(at))
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 100 {
		t.Fatalf("only %d declarations were looked at", seen)
	}
}

// compiledAtStart finds calls of regexp's functions that initialize variables.
func compiledAtStart(vars *ast.GenDecl) (found []token.Pos) {
	ast.Inspect(vars, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false // it runs later
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.SelectorExpr); ok {
				if p, ok := f.X.(*ast.Ident); ok && p.Name == "regexp" {
					found = append(found, n.Pos())
				}
			}
		}
		return true
	})
	return found
}

func TestCompiledAtStart(t *testing.T) {
	for source, want := range map[string]int{
		"var a = regexp.MustCompile(`x`)":                                                   1,
		"var a = []*regexp.Regexp{regexp.MustCompile(`x`), regexp.MustCompile(`y`)}":        2,
		"var a = func() *regexp.Regexp { return regexp.MustCompile(`x`) }":                  0,
		"var a = lazyregexp.New(`x`)":                                                       0,
		"var (\n\ta = 1\n\tb = struct{ r *regexp.Regexp }{regexp.MustCompilePOSIX(`x`)}\n)": 1,
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n"+source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if got := compiledAtStart(f.Decls[0].(*ast.GenDecl)); len(got) != want {
			t.Errorf("%s: %d found, want %d", source, len(got), want)
		}
	}
}
