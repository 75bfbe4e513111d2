package wasm_test

import (
	"os"
	"testing"

	"sandpiper/runtimes/wasm"
	"sandpiper/sandbox"
)

// folderWatch is a Sink that looks at the run folder each time that a program writes.
type folderWatch struct {
	recorder
	dir  string
	made bool // there was one
}

func (w *folderWatch) Output(s sandbox.Stream, p []byte) {
	entries, err := os.ReadDir(w.dir)
	w.made = w.made || err != nil || len(entries) > 0
	w.recorder.Output(s, p)
}

func TestFolderIsMadeWhenAskedFor(t *testing.T) {
	dir := t.TempDir()
	e := newEngineIn(t, wasm.Config{Only: []string{"javascript", "python"}, RunDir: dir})
	tests := []struct {
		name, language, main, code, stdout string
		made                               bool
	}{
		{"JavaScript without files", "javascript", "main.js", `console.log("a")`, "a\n", false},
		{"Python without files", "python", "main.py", `print("a")`, "a\n", false},
		{"JavaScript reads itself", "javascript", "main.js", `console.log(require("fs").readFileSync(__filename, "utf8").length)`, "66\n", true},
		{"Python lists its folder", "python", "main.py", `import os; print(os.listdir("."))`, "['main.py']\n", true},
		{"JavaScript removes itself", "javascript", "main.js",
			`const fs = require("fs"); fs.unlinkSync(__filename); console.log(fs.existsSync(__filename))`, "false\n", true},
	}
	for _, tt := range tests { // in this order: an emptied folder is kept for the next run
		t.Run(tt.name, func(t *testing.T) {
			w := &folderWatch{dir: dir}
			p := sandbox.Program{Language: tt.language, Files: []sandbox.File{{Name: tt.main, Content: []byte(tt.code)}}}
			o, err := e.Run(t.Context(), p, w)
			if err != nil || o.Status != sandbox.StatusOK || w.stdout.String() != tt.stdout {
				t.Fatalf("%+v, %v, stdout %q, stderr %q", o, err, w.stdout.String(), w.stderr.String())
			}
			if w.made != tt.made {
				t.Errorf("there was a folder: %v, want %v", w.made, tt.made)
			}
		})
	}
}
