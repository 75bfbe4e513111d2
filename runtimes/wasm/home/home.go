// Package home reads and writes the files of a sandbox for commands that are not
// guests themselves, such as a compiler's front end.
//
// What a command reads is bounded as a whole: files are the sandbox's, memory is
// ours. Errors are of the kind that commands print: "main.c: no such file or
// directory".
package home

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/tetratelabs/wazero/experimental/sys"

	"sandpiper/runtimes/wasm/vm"
)

// Bounds on what one command reads.
const (
	maxBytes   = 64 << 20
	maxEntries = 5000 // of folders, all together
)

// Home is the files that one command finds. It is not safe for concurrent use.
type Home struct {
	fs      sys.FS
	dir     string // absolute
	bytes   int64  // that may still be read
	entries int
}

// Open returns the files that cfg mounts at "/". Relative names are below dir, which
// is absolute.
func Open(cfg vm.RunConfig, dir string) (*Home, error) {
	for _, m := range cfg.Mounts {
		if m.Path == "/" {
			return &Home{fs: m.FS, dir: path.Clean(dir), bytes: maxBytes, entries: maxEntries}, nil
		}
	}
	return nil, errors.New("there are no files here")
}

// Abs returns the absolute name of a file.
func (h *Home) Abs(name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join(h.dir, name)
}

// inside is the name that the file system knows.
func (h *Home) inside(name string) string {
	if rest := strings.TrimPrefix(h.Abs(name), "/"); rest != "" {
		return rest
	}
	return "."
}

// errorOf gives a number the form that packages os and io/fs know.
func errorOf(name string, no sys.Errno) error {
	err := error(no)
	switch no {
	case sys.ENOENT:
		err = fs.ErrNotExist
	case sys.EACCES, sys.EPERM:
		err = fs.ErrPermission
	}
	return &Error{Name: name, Err: err}
}

// Error is what went wrong with a file.
type Error struct {
	Name string // as the caller gave it
	Err  error
}

// Error implements error.
func (e *Error) Error() string {
	if errors.Is(e.Err, fs.ErrNotExist) {
		return e.Name + ": no such file or directory"
	}
	return e.Name + ": " + e.Err.Error()
}

// Unwrap returns what there is without the name.
func (e *Error) Unwrap() error { return e.Err }

// IsDir reports whether there is a folder of that name. An error, for a name of
// nothing, is an *Error.
func (h *Home) IsDir(name string) (bool, error) {
	st, no := h.fs.Stat(h.inside(name))
	if no != 0 {
		return false, errorOf(name, no)
	}
	return st.Mode.IsDir(), nil
}

// Read returns the content of a file.
func (h *Home) Read(name string) ([]byte, error) {
	f, no := h.fs.OpenFile(h.inside(name), sys.O_RDONLY, 0)
	if no != 0 {
		return nil, errorOf(name, no)
	}
	defer f.Close()
	if dir, _ := f.IsDir(); dir {
		return nil, errorOf(name, sys.EISDIR)
	}
	content, err := io.ReadAll(io.LimitReader(reader{f}, h.bytes+1))
	if err != nil {
		return nil, &Error{name, err}
	}
	if h.bytes -= int64(len(content)); h.bytes < 0 {
		return nil, &Error{name, fmt.Errorf("the files of the program are larger than %d MiB together", maxBytes>>20)}
	}
	return content, nil
}

// reader makes an io.Reader of a file.
type reader struct{ f sys.File }

// Read implements io.Reader.
func (r reader) Read(p []byte) (int, error) {
	n, no := r.f.Read(p)
	switch {
	case no != 0:
		return n, no
	case n == 0 && len(p) > 0:
		return 0, io.EOF
	}
	return n, nil
}

// Write makes a file of a content, or replaces the content of one, in one step: a
// program that runs from the old one goes on with it.
func (h *Home) Write(name string, content []byte, perm fs.FileMode) error {
	to := h.inside(name)
	if st, no := h.fs.Stat(to); no == 0 && st.Mode.IsDir() {
		return errorOf(name, sys.EISDIR)
	}
	next := path.Join(path.Dir(to), ".new-"+path.Base(to))
	if err := h.create(next, content, perm); err != nil {
		_ = h.fs.Unlink(next)
		return &Error{name, err}
	}
	if no := h.fs.Rename(next, to); no != 0 {
		_ = h.fs.Unlink(next)
		return errorOf(name, no)
	}
	return nil
}

func (h *Home) create(name string, content []byte, perm fs.FileMode) error {
	_ = h.fs.Unlink(name) // what an earlier command left, which may lead elsewhere
	f, no := h.fs.OpenFile(name, sys.O_WRONLY|sys.O_CREAT|sys.O_EXCL, perm)
	if no != 0 {
		return no
	}
	for len(content) > 0 {
		n, no := f.Write(content)
		if no != 0 || n == 0 {
			return errors.Join(io.ErrShortWrite, errnoOf(no), errnoOf(f.Close()))
		}
		content = content[n:]
	}
	if err := errnoOf(f.Close()); err != nil {
		return err
	}
	return errnoOf(h.fs.Chmod(name, perm)) // whatever the umask is
}

// errnoOf is an error, or nil for no number.
func errnoOf(no sys.Errno) error {
	if no == 0 {
		return nil
	}
	return no
}

// Entry is a file or folder in a folder.
type Entry struct {
	Name string // in the folder
	Dir  bool
}

// List returns what is in a folder, by name. A link counts as a file.
func (h *Home) List(dir string) ([]Entry, error) {
	f, no := h.fs.OpenFile(h.inside(dir), sys.O_RDONLY|sys.O_DIRECTORY, 0)
	if no != 0 {
		return nil, errorOf(dir, no)
	}
	defer f.Close()
	all, no := f.Readdir(-1)
	if no != 0 {
		return nil, errorOf(dir, no)
	}
	if h.entries -= len(all); h.entries < 0 {
		return nil, &Error{dir, fmt.Errorf("there are more than %d files", maxEntries)}
	}
	var entries []Entry
	for _, e := range all {
		if e.Type.IsDir() || e.Type.IsRegular() || e.Type&fs.ModeSymlink != 0 {
			entries = append(entries, Entry{e.Name, e.Type.IsDir()})
		}
	}
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return entries, nil
}

// Walk returns the files below a folder by names relative to it, those of a folder
// together. enter says which folders to look into, by the same kind of name.
func (h *Home) Walk(dir string, enter func(name string) bool) ([]string, error) {
	var files []string
	var visit func(below string) error
	visit = func(below string) error {
		entries, err := h.List(path.Join(dir, below))
		if err != nil {
			return err
		}
		for _, e := range entries {
			name := path.Join(below, e.Name)
			switch {
			case !e.Dir:
				files = append(files, name)
			case enter(name):
				if err := visit(name); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return files, visit("")
}
