package wasm

import (
	"errors"
	"fmt"
	"log/slog"
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

// cleaner removes workspaces behind the answers to their runs: it takes longer than
// a short program.
type cleaner struct {
	log  *slog.Logger
	left chan *workspace
	done chan struct{}
}

// maxLeft is how many workspaces may wait to be removed.
const maxLeft = 64

func newCleaner(log *slog.Logger) *cleaner {
	c := &cleaner{log: log, left: make(chan *workspace, maxLeft), done: make(chan struct{})}
	go func() {
		defer close(c.done)
		for w := range c.left {
			c.remove(w)
		}
	}()
	return c
}

// clean removes a workspace soon, or now when many wait already.
func (c *cleaner) clean(w *workspace) {
	select {
	case c.left <- w:
	default:
		c.remove(w)
	}
}

func (c *cleaner) remove(w *workspace) {
	if err := w.remove(); err != nil {
		c.log.Error("cleaning up after a run", "error", err)
	}
}

// close waits until everything is removed. Nothing may be cleaned any more.
func (c *cleaner) close() {
	close(c.left)
	<-c.done
}
