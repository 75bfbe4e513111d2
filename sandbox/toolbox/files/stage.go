package files

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"
	"syscall"

	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/toolbox/answer"
)

// stage is a file that is written beside its target and takes its place when it
// is whole.
type stage struct {
	h      *Handler
	target string // without links
	part   string // the file that is written; "" when it is no more
	file   guest.File
	old    fs.FileInfo // what is replaced; nil when nothing is
	made   []string    // folders that were made for it
}

// stage begins to write the file that name leads to. Missing folders are made.
// Either commit or discard must follow; discard after commit does nothing.
func (h *Handler) stage(name string) (s *stage, err error) {
	s = &stage{h: h}
	if s.target, err = RealPath(h.fs, name); err != nil {
		return nil, err
	}
	info, err := h.fs.Stat(s.target)
	switch {
	case err == nil && info.IsDir():
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EISDIR}
	case err == nil && !info.Mode().IsRegular():
		return nil, answer.BadRequest("%s is a device, socket or pipe, not a file", name)
	case err == nil:
		s.old = info
		if err := h.checkWritable(s.target); err != nil {
			return nil, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	if s.made, err = h.makeParents(path.Dir(s.target)); err == nil {
		s.part = h.parts.take(s.target)
		_ = h.fs.Remove(s.part) // of a server that was killed while it wrote
		s.file, err = h.create(s.part)
	}
	if err != nil {
		s.discard()
		return nil, err
	}
	return s, nil
}

// commit puts the file in its target's place, whose owner and mode it keeps.
func (s *stage) commit() error {
	err := s.close()
	if err == nil && s.old != nil {
		s.h.keepOwner(s.part, s.old)
		err = s.h.chmod(s.part, s.old.Mode()&permissions)
	}
	if err == nil {
		err = s.h.fs.Rename(s.part, s.target)
	}
	if err != nil {
		return err
	}
	s.h.parts.give(s.part)
	s.part, s.made = "", nil
	return nil
}

// close ends the writing, so that a stage that waits for others holds no file.
func (s *stage) close() (err error) {
	if s.file != nil {
		err, s.file = s.file.Close(), nil
	}
	return err
}

// discard removes what was written and the folders that were made for it.
func (s *stage) discard() {
	_ = s.close()
	if s.part != "" {
		_ = s.h.fs.Remove(s.part)
		s.h.parts.give(s.part)
		s.part = ""
	}
	s.h.unmake(s.made)
	s.made = nil
}

// checkWritable returns an error when a file may not be written: replacing it
// would go round its permissions.
func (h *Handler) checkWritable(name string) error {
	file, err := h.fs.OpenFile(name, os.O_WRONLY, 0)
	if err == nil {
		err = file.Close()
	}
	if errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil // a running program cannot be written, but it can be replaced
}

// create makes a new file.
func (h *Handler) create(name string) (guest.File, error) {
	return h.fs.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
}

// open opens a file to read it. Preconditions: it is a regular file, since
// opening a pipe may take for ever.
func (h *Handler) open(name string) (guest.File, error) {
	return h.fs.OpenFile(name, os.O_RDONLY, 0)
}

// copyAll copies in pieces that are large enough for the cost of a guest's files.
func copyAll(w io.Writer, r io.Reader) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, make([]byte, 256<<10))
}

// partNames are the names of files in progress. A name follows from its target,
// so that the next upload of the same file clears away what a killed server left.
type partNames struct {
	mu    sync.Mutex
	taken map[string]bool
}

// take returns a name beside target that nothing else uses until it is given.
func (p *partNames) take(target string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken == nil {
		p.taken = map[string]bool{}
	}
	sum := sha256.Sum256([]byte(target))
	for n := 0; ; n++ {
		name := path.Join(path.Dir(target), fmt.Sprintf(".upload-%s-%d.part", hex.EncodeToString(sum[:8]), n))
		if !p.taken[name] {
			p.taken[name] = true
			return name
		}
	}
}

func (p *partNames) give(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.taken, name)
}
