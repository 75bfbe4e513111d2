package gitrepo

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

// Move renames tracked files or folders, in the working tree and in the index:
// one to a new name, or several into a folder. It replaces a file only by force.
func (r *Repo) Move(from []string, to string, force bool) error {
	specs, err := r.rels(from)
	if err != nil {
		return err
	}
	target, err := r.rel(to)
	if err != nil {
		return err
	}
	unlock, err := r.lock()
	if err != nil {
		return err
	}
	defer unlock()
	s, idx, err := r.newSwitcher(nil)
	if err != nil {
		return err
	}
	into := false
	if target == "" {
		into = true
	} else if info, err := s.fs.Lstat(target); err == nil && info.IsDir() {
		into = true
	}
	if len(specs) > 1 && !into {
		return errorf(KindInvalid, "destination '%s' is not a directory", to)
	}
	for _, spec := range specs {
		dest := target
		if into {
			dest = path.Join(target, path.Base(spec))
		}
		if err := s.move(spec, dest, force); err != nil {
			return err
		}
	}
	return r.setIndex(idx, s.entries)
}

func (s *switcher) move(from, to string, force bool) error {
	names := s.matching(from)
	switch {
	case len(names) == 0 || from == "":
		return errorf(KindInvalid, "not under version control, source=%s, destination=%s", from, to)
	case to == from || strings.HasPrefix(to, from+"/"):
		return errorf(KindInvalid, "can not move directory into itself, source=%s, destination=%s", from, to)
	}
	if _, err := s.fs.Lstat(from); err != nil {
		return errorf(KindInvalid, "bad source, source=%s, destination=%s", from, to)
	}
	if _, err := s.fs.Lstat(to); err == nil && !force {
		return errorf(KindExists, "destination exists, source=%s, destination=%s", from, to)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := s.fs.Lstat(path.Dir(to)); err != nil && path.Dir(to) != "." {
		return errorf(KindInvalid, "destination directory does not exist, source=%s, destination=%s", from, to)
	}
	if err := s.fs.Rename(from, to); err != nil {
		return err
	}
	for _, name := range names {
		e := s.entries[name]
		delete(s.entries, name)
		e.Name = to + strings.TrimPrefix(name, from)
		s.entries[e.Name] = e
	}
	return nil
}
