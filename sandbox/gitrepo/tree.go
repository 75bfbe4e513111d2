package gitrepo

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/index"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// blob is a file of a commit or of the index.
type blob struct {
	hash plumbing.Hash
	mode filemode.FileMode
}

// merged is the stage of an entry of the index that has no conflict. The
// constant of go-git with that name has another value.
const merged index.Stage = 0

// snapshot is the files of a commit or of the index, by their path.
type snapshot map[string]blob

// maxTreeDepth bounds how deep folders of a commit may lie in each other.
const maxTreeDepth = 500

// snapshotOf returns all files of a tree; of nil, none.
func (r *Repo) snapshotOf(t *object.Tree) (snapshot, error) {
	s := snapshot{}
	if t == nil {
		return s, nil
	}
	return s, r.collect(s, t, "", 0)
}

func (r *Repo) collect(s snapshot, t *object.Tree, prefix string, depth int) error {
	if depth > maxTreeDepth {
		return errorf(KindInvalid, "the folders of the commit lie more than %d deep in each other", maxTreeDepth)
	}
	if err := r.ctx.Err(); err != nil {
		return err
	}
	for _, e := range t.Entries {
		name := path.Join(prefix, e.Name)
		if e.Mode != filemode.Dir {
			s[name] = blob{e.Hash, e.Mode}
			continue
		}
		below, err := r.git.TreeObject(e.Hash)
		if err != nil {
			return err
		}
		if err := r.collect(s, below, name, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// headTree returns the tree of the last commit, or nil when there is none.
func (r *Repo) headTree() (*object.Tree, error) {
	c, err := r.headCommit()
	if err != nil || c == nil {
		return nil, err
	}
	return c.Tree()
}

// headSnapshot returns the files of the last commit.
func (r *Repo) headSnapshot() (snapshot, error) {
	t, err := r.headTree()
	if err != nil {
		return nil, err
	}
	return r.snapshotOf(t)
}

// indexSnapshot returns the files of the index.
func indexSnapshot(idx *index.Index) snapshot {
	s := snapshot{}
	for _, e := range idx.Entries {
		s[e.Name] = blob{e.Hash, e.Mode}
	}
	return s
}

// switcher brings the index and the working tree to another commit.
type switcher struct {
	r       *Repo
	fs      billy.Filesystem // of the working tree
	target  snapshot
	entries map[string]*index.Entry
	remove  []string
	write   []string
}

// switchTo brings the index and the working tree from base to target. Files that
// are the same in both stay as they are, changed or not. Where a file that
// differs has changes that would be lost, nothing is done and the error is of
// KindDirty. Preconditions: the repository is locked.
func (r *Repo) switchTo(base, target snapshot) error {
	s, idx, err := r.newSwitcher(target)
	if err != nil {
		return err
	}
	var lost []string
	for name := range union(base, target) {
		if base[name] == target[name] {
			continue
		}
		safe, err := s.plan(name, base[name])
		if err != nil {
			return err
		}
		if !safe {
			lost = append(lost, name)
		}
	}
	if len(lost) > 0 {
		slices.Sort(lost)
		return errorf(KindDirty, "your changes to these files would be lost: %s; commit or undo them first", few(lost))
	}
	return s.apply(idx)
}

// forceTo brings the index and the working tree to target, whatever they are.
// Files that are in neither stay. Preconditions: the repository is locked.
func (r *Repo) forceTo(target snapshot) error {
	s, idx, err := r.newSwitcher(target)
	if err != nil {
		return err
	}
	for name, want := range target {
		same, err := s.unchanged(name, want)
		if err != nil {
			return err
		}
		if e := s.entries[name]; !same || e == nil || e.Hash != want.hash || e.Mode != want.mode || e.Stage != merged {
			s.write = append(s.write, name)
		}
	}
	for name := range s.entries {
		if _, ok := target[name]; !ok {
			s.remove = append(s.remove, name)
		}
	}
	return s.apply(idx)
}

func (r *Repo) newSwitcher(target snapshot) (*switcher, *index.Index, error) {
	w, err := r.worktree()
	if err != nil {
		return nil, nil, err
	}
	idx, err := r.git.Storer.Index()
	if err != nil {
		return nil, nil, err
	}
	return &switcher{r: r, fs: w.Filesystem, target: target, entries: byName(idx)}, idx, nil
}

func union(a, b snapshot) map[string]bool {
	names := make(map[string]bool, max(len(a), len(b)))
	for name := range a {
		names[name] = true
	}
	for name := range b {
		names[name] = true
	}
	return names
}

// few joins names for a message.
func few(names []string) string {
	const most = 10
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:most], ", ") + " and more"
}

// plan decides what happens to a file that differs between the commits. It
// returns false when that would lose changes.
func (s *switcher) plan(name string, base blob) (safe bool, err error) {
	want, wanted := s.target[name]
	var now blob
	if e := s.entries[name]; e != nil {
		now = blob{e.Hash, e.Mode}
		if e.Stage != merged {
			return false, nil
		}
	}
	if now == want {
		return true, nil // it is there already
	}
	if now != base {
		return false, nil
	}
	same, err := s.unchanged(name, now)
	if err != nil {
		return false, err
	}
	if b := s.blocker(name); wanted && b != "" && s.entries[b] == nil {
		return false, nil
	}
	if !same && s.exists(name) {
		if same, err = s.unchanged(name, want); err != nil || !same {
			return false, err
		}
	}
	if wanted {
		s.write = append(s.write, name)
	} else {
		s.remove = append(s.remove, name)
	}
	return true, nil
}

// exists tells whether something is in the way of a file: a file, a link, or a
// folder with anything in it that is not tracked.
func (s *switcher) exists(name string) bool {
	info, err := s.fs.Lstat(name)
	if err != nil {
		return false
	}
	if !info.IsDir() {
		return true
	}
	below, err := s.fs.ReadDir(name)
	if err != nil {
		return true
	}
	return slices.ContainsFunc(below, func(i fs.FileInfo) bool {
		child := path.Join(name, i.Name())
		return s.entries[child] == nil && s.exists(child)
	})
}

// blocker returns the file or link that is where a folder above name should be,
// "" when there is none.
func (s *switcher) blocker(name string) string {
	at := ""
	for part := range strings.SplitSeq(path.Dir(name), "/") {
		at = path.Join(at, part)
		info, err := s.fs.Lstat(at)
		if err != nil {
			return ""
		}
		if !info.IsDir() {
			return at
		}
	}
	return ""
}

// unchanged tells whether a file of the working tree is as a blob says; without
// a blob, whether there is no file.
func (s *switcher) unchanged(name string, want blob) (bool, error) {
	info, err := s.fs.Lstat(name)
	if err != nil {
		return want == blob{}, nil
	}
	switch {
	case want == blob{}:
		return false, nil
	case want.mode == filemode.Submodule:
		return info.IsDir(), nil
	case info.IsDir(), !s.sameMode(info, want.mode):
		return false, nil
	}
	if e := s.entries[name]; e != nil && e.Hash == want.hash && e.ModifiedAt.Equal(info.ModTime()) && int64(e.Size) == info.Size() {
		return true, nil
	}
	hash, err := hashFile(s.fs, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return hash == want.hash, err
}

// sameMode compares modes as far as git and the guest know them.
func (s *switcher) sameMode(info fs.FileInfo, want filemode.FileMode) bool {
	now, err := filemode.NewFromOSFileMode(info.Mode())
	if err != nil {
		return false
	}
	if now == want {
		return true
	}
	if now == filemode.Regular && want == filemode.Symlink {
		return s.r.setting("core.symlinks") == "false"
	}
	return now != filemode.Symlink && want != filemode.Symlink && s.r.setting("core.filemode") == "false"
}

// apply removes and writes what was planned, and notes it in the index.
func (s *switcher) apply(idx *index.Index) error {
	slices.Sort(s.remove)
	slices.Sort(s.write)
	for _, name := range s.remove {
		if err := s.removeFile(name); err != nil {
			return err
		}
		delete(s.entries, name)
	}
	for _, name := range s.write {
		e, err := s.writeFile(name, s.target[name])
		if err != nil {
			return err
		}
		s.entries[name] = e
	}
	return s.r.setIndex(idx, s.entries)
}

// setIndex writes the index with these entries.
func (r *Repo) setIndex(idx *index.Index, entries map[string]*index.Entry) error {
	idx.Entries = idx.Entries[:0]
	for _, e := range entries {
		idx.Entries = append(idx.Entries, e)
	}
	idx.Version = 2
	idx.Cache, idx.ResolveUndo, idx.EndOfIndexEntry = nil, nil, nil // they described what was
	return r.git.Storer.SetIndex(idx)
}

// removeFile removes a file and the folders that become empty by that.
func (s *switcher) removeFile(name string) error {
	if s.blocker(name) != "" {
		return nil // it is gone already
	}
	err := s.fs.Remove(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && s.target[name].mode != filemode.Submodule {
		if info, lerr := s.fs.Lstat(name); lerr != nil || !info.IsDir() {
			return err
		}
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if below, err := s.fs.ReadDir(dir); err != nil || len(below) > 0 || s.fs.Remove(dir) != nil {
			break
		}
	}
	return nil
}

// writeFile writes a file as a commit has it, and returns its entry of the index.
func (s *switcher) writeFile(name string, b blob) (*index.Entry, error) {
	e := &index.Entry{Name: name, Hash: b.hash, Mode: b.mode}
	if blocker := s.blocker(name); blocker != "" {
		if err := s.fs.Remove(blocker); err != nil {
			return nil, err
		}
	}
	if b.mode == filemode.Submodule { // left for the user to fill
		return e, s.fs.MkdirAll(name, 0o755)
	}
	if err := s.fs.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := s.writeBlob(name, b); err != nil {
		return nil, err
	}
	info, err := s.fs.Lstat(name)
	if err != nil {
		return nil, err
	}
	e.ModifiedAt, e.Size = info.ModTime(), uint32(info.Size())
	return e, nil
}

func (s *switcher) writeBlob(name string, b blob) error {
	object, err := s.r.git.BlobObject(b.hash)
	if err != nil {
		return err
	}
	content, err := object.Reader()
	if err != nil {
		return err
	}
	defer content.Close()
	if b.mode == filemode.Symlink {
		target, err := io.ReadAll(io.LimitReader(content, 4097))
		if err != nil || len(target) > 4096 {
			return errorf(KindInvalid, "the link %s of the commit is not valid", name)
		}
		return s.fs.Symlink(string(target), name)
	}
	perm := fs.FileMode(0o666)
	if b.mode == filemode.Executable {
		perm = 0o777
	}
	f, err := s.fs.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, perm)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{f}, content, make([]byte, 64<<10))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// hashFile returns the hash that a file's content has as a blob; of a link, that
// of its target.
func hashFile(fsys billy.Filesystem, name string) (plumbing.Hash, error) {
	info, err := fsys.Lstat(name)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := fsys.Readlink(name)
		return plumbing.ComputeHash(plumbing.BlobObject, []byte(target)), err
	}
	f, err := fsys.Open(name)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	defer f.Close()
	h := plumbing.NewHasher(plumbing.BlobObject, info.Size())
	if _, err := io.Copy(h, f); err != nil {
		return plumbing.ZeroHash, err
	}
	return h.Sum(), nil
}
