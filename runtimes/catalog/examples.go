package catalog

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
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
	content, err := exampleFiles.ReadFile(path.Join(folder, main))
	if err != nil {
		return nil, err
	}
	files := []sandbox.File{{Name: main, Content: content}}
	err = fs.WalkDir(exampleFiles, folder, func(name string, d fs.DirEntry, err error) error {
		relative := strings.TrimPrefix(name, folder+"/")
		if err != nil || d.IsDir() || relative == main {
			return err
		}
		content, err := exampleFiles.ReadFile(name)
		files = append(files, sandbox.File{Name: relative, Content: content})
		return err
	})
	return files, err
}

// Each language's first example is the one that a new visitor sees.
var (
	pythonExamples = []sandbox.Example{
		{ID: "welcome", Title: "Welcome"},
	}
	javascriptExamples = []sandbox.Example{
		{ID: "welcome", Title: "Welcome"},
	}
	typescriptExamples = []sandbox.Example{
		{ID: "welcome", Title: "Welcome"},
	}
	rubyExamples = []sandbox.Example{
		{ID: "welcome", Title: "Welcome"},
	}
	luaExamples = []sandbox.Example{
		{ID: "welcome", Title: "Welcome"},
	}
	sqlExamples = []sandbox.Example{
		{ID: "welcome", Title: "Welcome"},
	}
)
