package wasm

import (
	"errors"
	"fmt"
	"os"
	"path"

	"sandpiper/sandbox"
)

// workspace is the folder of one run.
type workspace struct {
	dir  string
	root *os.Root
}

// newWorkspace makes a private folder below parent and puts the files into it.
func newWorkspace(parent string, files []sandbox.File) (*workspace, error) {
	dir, err := os.MkdirTemp(parent, "run-")
	if err != nil {
		return nil, fmt.Errorf("create the run's folder: %w", err)
	}
	w := &workspace{dir: dir}
	if w.root, err = os.OpenRoot(dir); err != nil {
		return nil, errors.Join(fmt.Errorf("open the run's folder: %w", err), w.remove())
	}
	for i, f := range files {
		if err := w.add(fmt.Sprintf("files[%d].name", i), f); err != nil {
			return nil, errors.Join(err, w.remove())
		}
	}
	return w, nil
}

// add writes a program's file; field names it in errors.
func (w *workspace) add(field string, f sandbox.File) error {
	if err := sandbox.ValidateFileName(field, f.Name); err != nil {
		return err
	}
	if dir := path.Dir(f.Name); dir != "." {
		if err := w.root.MkdirAll(dir, 0o700); err != nil {
			return sandbox.FieldErrorf(field, "the folder of %q cannot be made: another file has its name", f.Name)
		}
	}
	if _, err := w.root.Lstat(f.Name); err == nil {
		return sandbox.FieldErrorf(field, "the file name %q is used twice", f.Name)
	}
	if err := w.root.WriteFile(f.Name, f.Content, 0o600); err != nil {
		return fmt.Errorf("write a program's file: %w", err)
	}
	return nil
}

// remove deletes the folder and everything in it.
func (w *workspace) remove() error {
	if w.root != nil {
		w.root.Close()
	}
	if err := os.RemoveAll(w.dir); err != nil {
		return fmt.Errorf("remove the run's folder: %w", err)
	}
	return nil
}
