package wasm

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"sync"

	"sandpiper/sandbox"
)

// workspace is the folder of one run.
type workspace struct {
	dir  string
	root *os.Root
}

// fill puts a program's files into the folder, which is empty.
func (w *workspace) fill(files []sandbox.File) error {
	for i, f := range files {
		if err := w.add(fmt.Sprintf("files[%d].name", i), f); err != nil {
			return err
		}
	}
	return nil
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

// lateWorkspace is the workspace of a run that may never look at its files: a program
// of one file goes to its interpreter by value, and making, filling and clearing a
// folder costs as much as a short program does.
type lateWorkspace struct {
	from  *workspaces
	files []sandbox.File
	made  *workspace // nil before
}

// check refuses files that no folder could have.
func (l *lateWorkspace) check() error {
	if len(l.files) == 1 {
		return sandbox.ValidateFileName("files[0].name", l.files[0].Name)
	}
	_, err := l.open() // finds out which files are in each other's way
	return err
}

// open makes the folder, with the files in it.
func (l *lateWorkspace) open() (*os.Root, error) {
	if l.made == nil {
		w, err := l.from.take(l.files)
		if err != nil {
			return nil, err
		}
		l.made = w
	}
	return l.made.root, nil
}

// give has the folder cleared away, if there is one.
func (l *lateWorkspace) give() {
	if l.made != nil {
		l.from.give(l.made)
	}
}

// empty deletes the files in the folder, and reports whether it is as new: one with
// folders or with many files is not worth it.
func (w *workspace) empty() bool {
	d, err := w.root.Open(".")
	if err != nil {
		return false
	}
	defer d.Close()
	entries, err := d.ReadDir(maxEmptied + 1)
	if err != nil && err != io.EOF || len(entries) > maxEmptied {
		return false
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || w.root.Remove(e.Name()) != nil {
			return false
		}
	}
	return true
}

// maxEmptied is how many files a folder may have had that is used again.
const maxEmptied = 16

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

// workspaces makes folders for runs, and clears them away behind the answers: both
// take longer than a short program. An empty folder is used again.
type workspaces struct {
	dir  string
	log  *slog.Logger
	left chan *workspace // to be cleared away
	done chan struct{}   // closed when nothing is left

	mu   sync.Mutex
	free []*workspace // empty
}

// Bounds on the workspaces that wait.
const (
	maxLeft = 64
	maxFree = 16
)

// newWorkspaces keeps the folders in dir. The caller must close it.
func newWorkspaces(dir string, log *slog.Logger) *workspaces {
	s := &workspaces{dir: dir, log: log, left: make(chan *workspace, maxLeft), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		for w := range s.left {
			s.clear(w)
		}
	}()
	return s
}

// take returns a private folder with the files in it.
func (s *workspaces) take(files []sandbox.File) (*workspace, error) {
	w, err := s.takeEmpty()
	if err != nil {
		return nil, err
	}
	if err := w.fill(files); err != nil {
		s.give(w)
		return nil, err
	}
	return w, nil
}

func (s *workspaces) takeEmpty() (*workspace, error) {
	s.mu.Lock()
	if n := len(s.free); n > 0 {
		w := s.free[n-1]
		s.free = s.free[:n-1]
		s.mu.Unlock()
		return w, nil
	}
	s.mu.Unlock()
	dir, err := os.MkdirTemp(s.dir, "run-")
	if err != nil {
		return nil, fmt.Errorf("create the run's folder: %w", err)
	}
	w := &workspace{dir: dir}
	if w.root, err = os.OpenRoot(dir); err != nil {
		return nil, errors.Join(fmt.Errorf("open the run's folder: %w", err), w.remove())
	}
	return w, nil
}

// give has a workspace cleared away soon, or now when many wait already.
func (s *workspaces) give(w *workspace) {
	select {
	case s.left <- w:
	default:
		s.remove(w)
	}
}

func (s *workspaces) clear(w *workspace) {
	if !w.empty() || !s.keep(w) {
		s.remove(w)
	}
}

func (s *workspaces) keep(w *workspace) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.free) >= maxFree {
		return false
	}
	s.free = append(s.free, w)
	return true
}

func (s *workspaces) remove(w *workspace) {
	if err := w.remove(); err != nil {
		s.log.Error("cleaning up after a run", "error", err)
	}
}

// close removes everything. No workspace may be in use.
func (s *workspaces) close() {
	close(s.left)
	<-s.done
	for _, w := range s.free {
		s.remove(w)
	}
}
