package catalog

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"sandpiper/sandbox"
)

// exampleFiles holds examples/<language>/<example>/<files of the program>.
//
//go:embed examples
var exampleFiles embed.FS

// loadExamples fills in the files of l's examples. It panics when one has none:
// the files are part of this program.
func loadExamples(l *sandbox.Language) {
	for i := range l.Examples {
		e := &l.Examples[i]
		files, err := programFiles(path.Join("examples", l.ID, e.ID), l.Main)
		if err != nil {
			panic(fmt.Sprintf("catalog: example %s of %s: %v", e.ID, l.ID, err))
		}
		e.Files = files
	}
}

// programFiles reads the files below folder, the main one first and the others
// in the order of their names.
func programFiles(folder, main string) ([]sandbox.File, error) {
	var files []sandbox.File
	err := fs.WalkDir(exampleFiles, folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := exampleFiles.ReadFile(name)
		files = append(files, sandbox.File{Name: programName(strings.TrimPrefix(name, folder+"/")), Content: content})
		return err
	})
	if err != nil {
		return nil, err
	}
	first := slices.IndexFunc(files, func(f sandbox.File) bool { return f.Name == main })
	if first < 0 {
		return nil, fmt.Errorf("%s has no %s", folder, main)
	}
	return slices.Concat(files[first:first+1], files[:first], files[first+1:]), nil
}

// programName returns the name that a file has in its program. Go's files have one
// more ending here: they are no packages of ours, and a go.mod would hide its folder
// from go:embed.
func programName(name string) string {
	for _, ending := range []string{".go", ".mod"} {
		if inside, ok := strings.CutSuffix(name, ending+".txt"); ok {
			return inside + ending
		}
	}
	return name
}

// Each language's first example is the one that a new visitor sees.
var (
	pythonExamples = []sandbox.Example{
		{ID: "welcome", Title: "Welcome"},
		{ID: "charts", Title: "Charts: pi by darts"},
		{ID: "words", Title: "Count words from standard input", Stdin: poem},
		{ID: "asyncio", Title: "Three things at once with asyncio"},
		{ID: "queens", Title: "Eight queens with generators"},
		{ID: "files", Title: "Several files, and files to keep"},
		{ID: "sqlite", Title: "A database in memory"},
	}
	javascriptExamples = []sandbox.Example{
		{ID: "welcome", Title: "Welcome"},
		{ID: "charts", Title: "Charts: how sorting grows"},
		{ID: "sum", Title: "Add numbers from standard input", Stdin: numbers},
		{ID: "generators", Title: "Endless lists with generators"},
		{ID: "modules", Title: "Modules and JSON in several files"},
		{ID: "promises", Title: "Timers and promises"},
	}
	typescriptExamples = []sandbox.Example{
		{ID: "welcome", Title: "Welcome"},
		{ID: "table", Title: "A table and a chart of the planets"},
		{ID: "calculator", Title: "A calculator on standard input", Stdin: expressions},
		{ID: "shapes", Title: "Unions of types"},
		{ID: "generics", Title: "A typed event emitter"},
	}
	rubyExamples = []sandbox.Example{
		{ID: "welcome", Title: "Welcome"},
		{ID: "chart", Title: "Charts: the birthday paradox"},
		{ID: "names", Title: "Greet names from standard input", Stdin: names},
		{ID: "blocks", Title: "Blocks and Enumerable"},
		{ID: "matching", Title: "Pattern matching"},
		{ID: "files", Title: "Several files, and data at the end of one"},
	}
	luaExamples = []sandbox.Example{
		{ID: "welcome", Title: "Welcome"},
		{ID: "picture", Title: "A picture of a tree"},
		{ID: "words", Title: "Count words from standard input", Stdin: poem},
		{ID: "vectors", Title: "Operators by metatables"},
		{ID: "closures", Title: "The tower of Hanoi"},
		{ID: "modules", Title: "Modules in several files"},
	}
	sqlExamples = []sandbox.Example{
		{ID: "welcome", Title: "Welcome"},
		{ID: "windows", Title: "Window functions"},
		{ID: "csv", Title: "A table from standard input", Stdin: cities},
		{ID: "recursion", Title: "A family tree in two files"},
		{ID: "search", Title: "Full-text search"},
		{ID: "json", Title: "JSON to rows and back"},
		{ID: "mandelbrot", Title: "The Mandelbrot set"},
	}
	goExamples = []sandbox.Example{
		{ID: "welcome", Title: "Welcome"},
		{ID: "words", Title: "Count words from standard input", Stdin: poem},
		{ID: "channels", Title: "Goroutines and a channel"},
		{ID: "tests", Title: "Tests, as go test runs them"},
		{ID: "packages", Title: "Two packages and a type parameter"},
	}
	cExamples = []sandbox.Example{
		{ID: "welcome", Title: "Welcome"},
		{ID: "words", Title: "Count words from standard input", Stdin: poem},
		{ID: "life", Title: "The game of life"},
		{ID: "library", Title: "A list in three files"},
	}
	cPlusPlusExamples = []sandbox.Example{
		{ID: "welcome", Title: "Welcome"},
		{ID: "words", Title: "Count words, and keep a file", Stdin: poem},
		{ID: "shapes", Title: "Virtual functions in two files"},
		{ID: "templates", Title: "Templates, concepts and constexpr"},
	}
)

// What the examples read from standard input.
const (
	poem = `The sandpiper runs to the edge of the sea,
and the sea runs after the bird;
the bird runs back, as quick as can be,
and the sea has the last word.
`
	numbers     = "12\n7.5\n-3\n40\n"
	expressions = "2 * (3 + 4)\n2 ^ 3 ^ 2\n10 / 4 - 1\n-(2 + 3) * 2\n3 * (4\n"
	names       = "ada\ngrace\nalan\nbarbara\ngordon\n"
	cities      = `name,country,people,area
Lisbon,Portugal,545000,100
Porto,Portugal,232000,41
Paris,France,2103000,105
Lyon,France,522000,48
Hamburg,Germany,1862000,755
`
)
