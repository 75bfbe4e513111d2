package gitrepo

import (
	"errors"
	"io"
	"io/fs"
	"slices"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/index"
)

// Add stages what the paths name: files, folders with all below them, "." or
// globs. Files that are gone are staged as deleted. A path that matches nothing
// is an error, unless it names something that has not changed.
func (r *Repo) Add(paths []string) error {
	if len(paths) == 0 {
		return errorf(KindInvalid, "say which files to add")
	}
	specs, err := r.rels(paths)
	if err != nil {
		return err
	}
	return r.stage(specs, func(FileStatus) bool { return true })
}

// AddTracked stages the changes of all files that are tracked.
func (r *Repo) AddTracked() error {
	return r.stage([]string{""}, func(f FileStatus) bool { return f.Worktree != Untracked })
}

// AddAll stages all changes of the repository.
func (r *Repo) AddAll() error {
	return r.stage([]string{""}, func(FileStatus) bool { return true })
}

func (r *Repo) stage(specs []string, take func(FileStatus) bool) error {
	unlock, err := r.lock()
	if err != nil {
		return err
	}
	defer unlock()
	files, err := r.files()
	if err != nil {
		return err
	}
	s, idx, err := r.newSwitcher(nil)
	if err != nil {
		return err
	}
	if err := s.checkSpecs(specs, files); err != nil {
		return err
	}
	for _, f := range files {
		if f.Worktree == Unmodified || !take(f) || !slices.ContainsFunc(specs, func(spec string) bool { return covers(spec, f.Name) }) {
			continue
		}
		if f.Worktree == Deleted {
			delete(s.entries, f.Name)
			continue
		}
		if err := s.stageFile(f.Name); err != nil {
			return err
		}
	}
	return r.setIndex(idx, s.entries)
}

// checkSpecs returns an error for a path that nothing matches. An ignored file
// that is there matches nothing either, as in git.
func (s *switcher) checkSpecs(specs []string, files []FileStatus) error {
	for _, spec := range specs {
		known := spec == "" || slices.ContainsFunc(files, func(f FileStatus) bool { return covers(spec, f.Name) })
		for name := range s.entries {
			if known {
				break
			}
			known = covers(spec, name)
		}
		if known {
			continue
		}
		info, err := s.fs.Lstat(spec)
		switch {
		case err != nil:
			return errorf(KindInvalid, "pathspec '%s' did not match any files", spec)
		case !info.IsDir(): // an empty folder is nothing to add, without being wrong
			return errorf(KindInvalid, "%s is ignored by one of your .gitignore files", spec)
		}
	}
	return nil
}

// stageFile brings the index entry of a file up to date with the working tree.
func (s *switcher) stageFile(name string) error {
	info, err := s.fs.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) { // it has just gone
		delete(s.entries, name)
		return nil
	}
	if err != nil {
		return err
	}
	if info.IsDir() { // a repository in the repository
		return errorf(KindInvalid, "%s is a git repository of its own; submodules are not supported here", name)
	}
	hash, err := s.store(name, info)
	if err != nil {
		return err
	}
	s.entries[name] = &index.Entry{Name: name, Hash: hash, Mode: s.modeOf(name, info), ModifiedAt: info.ModTime(), Size: uint32(info.Size())}
	return nil
}

// modeOf returns a file's mode as git keeps it: as it was, where the guest's
// files do not tell.
func (s *switcher) modeOf(name string, info fs.FileInfo) filemode.FileMode {
	old := s.entries[name]
	if old != nil && s.sameMode(info, old.Mode) {
		return old.Mode
	}
	mode, err := filemode.NewFromOSFileMode(info.Mode())
	if err != nil || s.r.setting("core.filemode") == "false" && mode == filemode.Executable {
		return filemode.Regular
	}
	return mode
}

// store puts a file's content into the repository.
func (s *switcher) store(name string, info fs.FileInfo) (plumbing.Hash, error) {
	if limit := s.r.c.maxObject; info.Size() > limit { // go-git compresses from memory
		return plumbing.ZeroHash, errorf(KindInvalid, "%s is larger than %d MiB, which is too much to add here", name, limit>>20)
	}
	object := s.r.git.Storer.NewEncodedObject()
	object.SetType(plumbing.BlobObject)
	w, err := object.Writer()
	if err != nil {
		return plumbing.ZeroHash, err
	}
	if err := copyContent(w, s.fs, name, info); err != nil {
		return plumbing.ZeroHash, err
	}
	if err := w.Close(); err != nil {
		return plumbing.ZeroHash, err
	}
	return s.r.git.Storer.SetEncodedObject(object)
}

func copyContent(w io.Writer, fsys billy.Filesystem, name string, info fs.FileInfo) error {
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := fsys.Readlink(name)
		if err == nil {
			_, err = io.WriteString(w, target)
		}
		return err
	}
	f, err := fsys.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, io.LimitReader(f, maxObject))
	return err
}

// Remove removes files from the index and, unless cached, from the working tree.
// Folders need recursive. Files with changes that would be lost need force.
func (r *Repo) Remove(paths []string, cached, recursive, force bool) (removed []string, err error) {
	specs, err := r.rels(paths)
	if err != nil {
		return nil, err
	}
	unlock, err := r.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	s, idx, err := r.newSwitcher(nil)
	if err != nil {
		return nil, err
	}
	base, err := r.headSnapshot()
	if err != nil {
		return nil, err
	}
	for _, spec := range specs {
		names := s.matching(spec)
		if len(names) == 0 {
			return nil, errorf(KindInvalid, "pathspec '%s' did not match any files", spec)
		}
		if s.entries[spec] == nil && !recursive {
			if info, err := s.fs.Lstat(spec); err == nil && info.IsDir() {
				return nil, errorf(KindInvalid, "not removing '%s' recursively without -r", spec)
			}
		}
		removed = append(removed, names...)
	}
	for _, name := range removed {
		now := blob{s.entries[name].Hash, s.entries[name].Mode}
		same, err := s.unchanged(name, now)
		if err != nil {
			return nil, err
		}
		if !force && !cached && (now != base[name] || !same && s.exists(name)) {
			return nil, errorf(KindDirty, "the following file has local modifications: %s (use --cached to keep the file, or -f to force removal)", name)
		}
	}
	for _, name := range removed {
		delete(s.entries, name)
		if !cached {
			if err := s.removeFile(name); err != nil {
				return nil, err
			}
		}
	}
	return removed, r.setIndex(idx, s.entries)
}

// matching returns the tracked files that a path covers, sorted.
func (s *switcher) matching(spec string) []string {
	var names []string
	for name := range s.entries {
		if covers(spec, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
