package runner

import (
	"bytes"
	"context"
	_ "embed" // of transpile.js
	"path"
	"strings"

	"sandpiper/internal/lazyregexp"
	"sandpiper/runtimes/catalog"
	"sandpiper/sandbox"
	"sandpiper/sandbox/toolbox/attach"
)

// transpile is a script for Node: it makes JavaScript of TypeScript files.
//
//go:embed transpile.js
var transpile string

// language is a language with the way in which the image runs it.
type language struct {
	sandbox.Language

	version string // shell command that prints the version
	files   func(files []sandbox.File) []sandbox.File
	compile func(files []sandbox.File) []string // nil when nothing is compiled
	run     func(main string) []string
}

// compiled is where compilers leave the program.
const compiled = "/tmp/program"

// described returns the languages, none of them ready.
func described() []language {
	all := []language{
		{version: "python3 --version", run: func(main string) []string { return []string{"python3", "-u", main} },
			Language: catalogued("python", "CPython with its standard library, NumPy, Matplotlib and pip, in a container.")},
		{version: "node --version", run: node, files: modules,
			Language: catalogued("javascript", "Node.js with npm packages and the network, in a container.")},
		{version: "tsc --version", run: func(main string) []string { return node(scriptName(main)) }, compile: typescript,
			Language: catalogued("typescript", "Types are stripped, not checked, and the program runs on Node.js, in a container.")},
		{version: "bash --version", run: func(main string) []string { return []string{"bash", main} },
			Language: sandbox.Language{ID: "bash", Name: "Bash", Aliases: []string{"sh", "shell"}, Extension: ".sh", Main: "main.sh", Editor: "text",
				Summary: "Bash with the tools of Debian, in a container.", Hello: "echo 'Hello, world!'\n"}},
		{version: "gcc -dumpfullversion", run: native, compile: cCompiler,
			Language: sandbox.Language{ID: "c", Name: "C", Aliases: []string{"gcc", "c17"}, Extension: ".c", Main: "main.c", Editor: "text",
				Summary: "GCC with glibc, in a container.", Hello: "#include <stdio.h>\n\nint main(void) {\n    puts(\"Hello, world!\");\n}\n"}},
		{version: "g++ -dumpfullversion", run: native, compile: cppCompiler,
			Language: sandbox.Language{ID: "cpp", Name: "C++", Aliases: []string{"c++", "cplusplus", "g++", "cxx"}, Extension: ".cpp", Main: "main.cpp", Editor: "text",
				Summary: "GCC with libstdc++, C++20, in a container.", Hello: "#include <iostream>\n\nint main() {\n    std::cout << \"Hello, world!\\n\";\n}\n"}},
	}
	for i := range all {
		all[i].Engine, all[i].State, all[i].Stage = sandbox.EngineContainer, sandbox.LanguagePreparing, "the container engine is being looked at"
		if all[i].Version == "" {
			all[i].Version = "?"
		}
	}
	return all
}

// catalogued returns a language of the catalogue as containers have it.
func catalogued(id, summary string) sandbox.Language {
	for _, l := range catalog.Languages() {
		if l.ID == id {
			own := l.Language
			own.Version, own.Summary = "", summary
			return own
		}
	}
	panic("runner: the catalogue has no " + id) // a mistake in this package
}

func node(main string) []string {
	return []string{"node", "--enable-source-maps", "--experimental-specifier-resolution=node", "--no-warnings", main}
}

// native runs what was compiled. The C library holds output to a pipe back in
// large pieces, so it is asked not to.
func native(string) []string { return []string{"stdbuf", "-oL", "-eL", compiled} }

func cCompiler(files []sandbox.File) []string {
	args := []string{"gcc", "-std=gnu17", "-O1", "-g", "-Wall", "-o", compiled}
	return append(append(args, sources(files, ".c")...), "-lm", "-pthread")
}

func cppCompiler(files []sandbox.File) []string {
	args := []string{"g++", "-std=gnu++20", "-O1", "-g", "-Wall", "-o", compiled}
	return append(append(args, sources(files, ".cpp", ".cc", ".cxx", ".c")...), "-pthread")
}

func typescript(files []sandbox.File) []string {
	return append([]string{"node", "-e", transpile, "--"}, sources(files, ".ts", ".mts", ".cts", ".tsx")...)
}

// scriptName is what the transpiler makes of a file.
func scriptName(name string) string {
	ext := path.Ext(name)
	script := map[string]string{".mts": ".mjs", ".cts": ".cjs"}[ext]
	if script == "" {
		script = ".js"
	}
	return strings.TrimSuffix(name, ext) + script
}

// sources returns the names of files to compile, the main file first. They
// cannot be taken for flags.
func sources(files []sandbox.File, extensions ...string) []string {
	var names []string
	for i, f := range files {
		for _, ext := range extensions {
			if path.Ext(f.Name) == ext || i == 0 && ext == extensions[0] {
				names = append(names, "./"+f.Name)
				break
			}
		}
	}
	return names
}

// Marks of the two kinds of scripts that Node knows.
var (
	importsOrExports = lazyregexp.New(`(?m)^\s*(import\b\s*[^(\s]|export\b)`)
	awaits           = lazyregexp.New(`\bawait\b`)
	commonJS         = lazyregexp.New(`\brequire\s*\(|\bmodule\.exports\b|\b__dirname\b`)
)

// modules adds the package.json that makes modules of scripts, where they need
// it and the program has none. A script that awaits may do so at its top level;
// if it is no script of the older kind, it is a module as well as not.
func modules(files []sandbox.File) []sandbox.File {
	needed := false
	for _, f := range files {
		if path.Base(f.Name) == "package.json" {
			return files
		}
		if path.Ext(f.Name) == ".js" {
			needed = needed || importsOrExports().Match(f.Content) || awaits().Match(f.Content) && !commonJS().Match(f.Content)
		}
	}
	if !needed {
		return files
	}
	return append(files[:len(files):len(files)], sandbox.File{Name: "package.json", Content: []byte(`{"type":"module"}`)})
}

// versions asks the image which languages it has.
func (r *Runner) versions(ctx context.Context, m member) (map[string]string, error) {
	var script strings.Builder
	for _, l := range described() {
		script.WriteString("echo " + l.ID + " $(" + l.version + " 2>/dev/null | head -n 1)\n")
	}
	p, err := r.attach(ctx, m, attach.Command{Args: []string{"sh", "-c", script.String()}})
	if err != nil {
		return nil, err
	}
	defer p.Close()
	var out bytes.Buffer
	if _, err := p.Wait(func(_ sandbox.Stream, text []byte) {
		if out.Len() < 1<<16 {
			out.Write(text)
		}
	}); err != nil {
		return nil, err
	}
	return parseVersions(out.String()), nil
}

var number = lazyregexp.New(`\d+(\.\d+)+`)

// parseVersions reads lines of a language and what it says of its version.
func parseVersions(text string) map[string]string {
	found := map[string]string{}
	for line := range strings.Lines(text) {
		id, said, _ := strings.Cut(strings.TrimSpace(line), " ")
		if v := number().FindString(said); v != "" {
			found[id] = v
		}
	}
	return found
}
