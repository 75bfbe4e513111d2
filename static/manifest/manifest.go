// Package manifest is the table of contents of a built front end, written by
// the build beside the files and read by the server.
package manifest

import (
	"encoding/json"
	"fmt"
	"io/fs"
)

// Name is the manifest's own file name.
const Name = "manifest.json"

// The endings of the compressed variants of a file.
const (
	GzipExt   = ".gz"
	BrotliExt = ".br"
)

// Manifest describes the files of one build. All paths are relative to the
// build's folder and use slashes.
type Manifest struct {
	// Entries are what pages ask for, by the name of the source with the
	// ending of the output: "playground.js" for playground.ts.
	Entries map[string]Entry `json:"entries"`
	// Files are all files that may be served, by path.
	Files map[string]File `json:"files"`
}

// Entry is a file that a page names.
type Entry struct {
	Path    string   `json:"path"`              // with the hash: "playground-3FQ2XG5L.js"
	Imports []string `json:"imports,omitempty"` // what it imports, directly or not, before it runs
}

// File has the sizes of a file in bytes. A compressed variant that would not be
// smaller does not exist and has the size 0.
type File struct {
	Size   int64 `json:"size"`
	Gzip   int64 `json:"gzip,omitempty"`
	Brotli int64 `json:"brotli,omitempty"`
}

// Smallest is what a browser of today downloads for the file.
func (f File) Smallest() int64 {
	if f.Brotli > 0 {
		return f.Brotli
	}
	return f.Size
}

// Read reads the manifest of the build in dir. The error is fs.ErrNotExist when
// nothing has been built.
func Read(dir fs.FS) (Manifest, error) {
	b, err := fs.ReadFile(dir, Name)
	if err != nil {
		return Manifest{}, fmt.Errorf("read the front end's manifest: %w", err)
	}
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return Manifest{}, fmt.Errorf("read the front end's manifest: %w", err)
	}
	return m, nil
}
