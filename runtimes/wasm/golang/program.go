package golang

import (
	"bytes"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"sandpiper/internal/lazyregexp"
	"sandpiper/sandbox"
)

// program is the Go files of a program by their folders. Names are those that the
// program's files have.
type program struct {
	module  string             // the path of the module, which is the folder base
	version string             // of the language, as go.mod says: "1.22", or ""
	base    string             // the folder of go.mod; root where there is none
	root    string             // the folder of the package that is built
	main    string             // a file that stands for the program where no other does
	folders map[string][]*file // that have Go files of this platform
	names   []string           // of all files, sorted

	// content reads a file that is not one of Go.
	content func(name string) ([]byte, error)

	testMain string // the text of the main package of a test
}

// file is one Go file that belongs to the program on this platform.
type file struct {
	name    string // in the program
	syntax  *ast.File
	tests   bool // *_test.go
	broken  bool // it has errors of syntax
	content []byte
	embeds  []embed
}

// defaultModule is the module path of a program without a go.mod.
const defaultModule = "program"

// platform decides which files belong to a build.
var platform = func() build.Context {
	c := build.Default
	c.GOOS, c.GOARCH, c.CgoEnabled, c.BuildTags = "wasip1", "wasm", false, nil
	return c
}()

var (
	moduleLine  = lazyregexp.New(`(?m)^\s*module\s+"?([^\s"]+)"?`)
	versionLine = lazyregexp.New(`(?m)^\s*go\s+(1\.\d+)`)
	modulePath  = lazyregexp.New(`^[A-Za-z0-9._~/-]{1,200}$`)
)

// newProgram reads a program whose files are all there. root is the folder of the
// package that is built, and the first file its main one.
func newProgram(files []sandbox.File, root string) *program {
	p := &program{module: defaultModule, root: root, main: files[0].Name, folders: map[string][]*file{}}
	contents := map[string][]byte{}
	for _, f := range files {
		p.names = append(p.names, f.Name)
		contents[f.Name] = f.Content
	}
	slices.Sort(p.names)
	p.content = func(name string) ([]byte, error) { return contents[name], nil }
	p.findModule(contents)
	for _, f := range files {
		if strings.HasSuffix(f.Name, ".go") && belongs(f) {
			p.add(f)
		}
	}
	return p
}

// findModule finds the go.mod that is nearest above the package.
func (p *program) findModule(contents map[string][]byte) {
	p.base = p.root
	for dir := p.root; ; dir = path.Dir(dir) {
		if text, ok := contents[path.Join(dir, "go.mod")]; ok {
			p.base = dir
			p.readModule(text)
			return
		}
		if dir == "." {
			return
		}
	}
}

// readModule reads a go.mod.
func (p *program) readModule(text []byte) {
	if m := moduleLine().FindSubmatch(text); m != nil && modulePath().Match(m[1]) {
		p.module = string(m[1])
	}
	if m := versionLine().FindSubmatch(text); m != nil {
		p.version = string(m[1])
	}
}

func (p *program) add(f sandbox.File) {
	// The compiler reports what is wrong with a file, and says it better.
	syntax, err := parser.ParseFile(token.NewFileSet(), f.Name, f.Content, parser.ParseComments|parser.SkipObjectResolution)
	if syntax == nil {
		syntax = &ast.File{Name: ast.NewIdent("main")}
	}
	dir := path.Dir(f.Name)
	added := &file{name: f.Name, syntax: syntax, broken: err != nil, content: f.Content, tests: strings.HasSuffix(f.Name, "_test.go")}
	added.embeds = embedsOf(added)
	p.folders[dir] = append(p.folders[dir], added)
}

// belongs reports whether a file is for this platform, by its name and its build
// constraints.
func belongs(f sandbox.File) bool {
	c := platform
	c.OpenFile = func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(f.Content)), nil }
	ok, err := c.MatchFile("/", path.Base(f.Name))
	return ok || err != nil // which is for the compiler to say
}

// own reports whether an import is of the program's module.
func (p *program) own(imported string) bool {
	return imported == p.module || strings.HasPrefix(imported, p.module+"/")
}

// folder returns the folder of a package of the program.
func (p *program) folder(imported string) string {
	return path.Join(p.base, strings.TrimPrefix(strings.TrimPrefix(imported, p.module), "/"))
}

// importOf returns what the package in a folder is imported as.
func (p *program) importOf(dir string) string {
	switch {
	case dir == p.base:
		return p.module
	case p.base == ".":
		return path.Join(p.module, dir)
	}
	return path.Join(p.module, strings.TrimPrefix(dir, p.base+"/"))
}

func importPath(spec *ast.ImportSpec) string {
	s, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return ""
	}
	return s
}

// at turns a position in a file into a line and a column of bytes, both from 1.
func (f *file) at(pos token.Pos) (line, column int) {
	before := f.content[:min(len(f.content), max(0, int(pos-f.syntax.FileStart)))]
	return 1 + bytes.Count(before, []byte("\n")), len(before) - bytes.LastIndexByte(before, '\n')
}

// wrong is an error at a place of the file.
func (f *file) wrong(pos token.Pos, message string) sandbox.Diagnostic {
	line, column := f.at(pos)
	return sandbox.Diagnostic{File: f.name, Line: line, Column: column, Severity: sandbox.SeverityError, Message: message}
}
