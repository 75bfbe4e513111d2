package lsp

import (
	"path"
	"slices"
	"strings"

	"sandpiper/sandbox/toolbox/answer"
)

// language is a family of languages that one language server is for.
type language struct {
	id         string
	command    []string
	install    string            // how a user gets the program
	extensions map[string]string // of its files, with the protocol's names
}

var languages = map[string]*language{
	"python": {
		id: "python", command: []string{"pylsp"}, install: "pip install python-lsp-server",
		extensions: map[string]string{".py": "python", ".pyi": "python"},
	},
	"typescript": {
		id: "typescript", command: []string{"typescript-language-server", "--stdio"},
		install: "npm install -g typescript typescript-language-server",
		extensions: map[string]string{
			".ts": "typescript", ".tsx": "typescriptreact", ".mts": "typescript", ".cts": "typescript",
			".js": "javascript", ".jsx": "javascriptreact", ".mjs": "javascript", ".cjs": "javascript",
		},
	},
}

// findLanguage returns the language of a request.
func findLanguage(id string) (*language, error) {
	if id == "" {
		return nil, answer.BadRequest("languageId is required")
	}
	if id == "javascript" { // the same server does both
		id = "typescript"
	}
	if l := languages[id]; l != nil {
		return l, nil
	}
	return nil, answer.BadRequest("there is no language server for %.40q; python, typescript and javascript have one", id)
}

// documentID returns the protocol's name of a file's language.
func (l *language) documentID(name string) string {
	if id := l.extensions[path.Ext(name)]; id != "" {
		return id
	}
	return l.id
}

// owns tells whether a file is of the language.
func (l *language) owns(name string) bool { return l.extensions[path.Ext(name)] != "" }

// foreign are folders whose files are not the project's own.
var foreign = []string{"node_modules", "__pycache__", "site-packages", "venv", "dist", "build"}

func isForeign(folder string) bool {
	return strings.HasPrefix(folder, ".") || slices.Contains(foreign, folder)
}
