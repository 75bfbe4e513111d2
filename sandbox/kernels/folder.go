package kernels

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"sandpiper/sandbox"
)

// isGuest reports whether a stored owner is a guest.
func isGuest(owner string) bool { return strings.HasPrefix(owner, guestPrefix) }

// FileInfo is a file of a session.
type FileInfo struct {
	Name    string // a relative path with / between folders
	Size    int64
	ModTime time.Time
}

// usage returns how many bytes the files in the session's folder have, and how many
// files and folders there are.
func (s *session) usage() (size int64, count int, err error) {
	root, err := os.OpenRoot(s.dir())
	if err != nil {
		return 0, 0, fmt.Errorf("open a session's folder: %w", err)
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return skipGone(err)
		}
		count++
		if !d.Type().IsRegular() {
			return nil
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return skipGone(err)
	})
	if err != nil {
		return 0, 0, fmt.Errorf("measure a session's folder: %w", err)
	}
	s.mu.Lock()
	s.files = size
	s.mu.Unlock()
	return size, count, nil
}

// skipGone forgives what a program removed in the meantime.
func skipGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// measure looks at the size of the folder.
func (s *session) measure() {
	if _, _, err := s.usage(); err != nil {
		s.keeper.log.Warn("a session was not measured", "session", s.id, "error", err)
	}
}

// stored returns about how many bytes the session has on disk.
func (s *session) stored() int64 {
	s.mu.Lock()
	files := s.files
	s.mu.Unlock()
	if files < 0 {
		s.measure()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(s.files, 0) + s.row.StateBytes
}

// checkStored refuses to store more bytes than an owner may have.
func (k *Keeper) checkStored(o Owner, more int64) error {
	most := k.cfg.StoredBytes
	if o.Guest {
		most = k.cfg.GuestBytes
	}
	total := more
	for _, s := range k.ownedBy(o.key()) {
		total += s.stored()
	}
	if total > most {
		return sandbox.Errorf(sandbox.KindBusy, "your sessions have stored %d MiB, which is as much as they may; delete files or a session", most>>20)
	}
	return nil
}

// writeFiles puts files into the folder of a session that nobody uses yet.
func (s *session) writeFiles(files []sandbox.File) error {
	root, err := os.OpenRoot(s.dir())
	if err != nil {
		return fmt.Errorf("open a session's folder: %w", err)
	}
	defer root.Close()
	for _, f := range files {
		if err := put(root, f.Name, f.Content); err != nil {
			return err
		}
	}
	return nil
}

// put writes a file through a temporary one, so that a program sees the old one or
// the new one, with the folders that it needs. Everything gets the owner of the
// folder: the user that the session's program runs as.
func put(root *os.Root, name string, content []byte) error {
	if err := makeFolders(root, path.Dir(name)); err != nil {
		return err
	}
	if info, err := root.Lstat(name); err == nil && !info.Mode().IsRegular() {
		return sandbox.Errorf(sandbox.KindConflict, "%q is a folder", name)
	}
	tmp := path.Join(path.Dir(name), ".put-"+sandbox.NewID())
	if err := root.WriteFile(tmp, content, 0o600); err != nil {
		return fmt.Errorf("write a session's file: %w", errors.Join(err, skipGone(root.Remove(tmp))))
	}
	if err := adopt(root, tmp); err != nil {
		return errors.Join(err, root.Remove(tmp))
	}
	if err := root.Rename(tmp, name); err != nil {
		return fmt.Errorf("write a session's file: %w", errors.Join(err, root.Remove(tmp)))
	}
	return nil
}

func makeFolders(root *os.Root, dir string) error {
	if dir == "." {
		return nil
	}
	if err := makeFolders(root, path.Dir(dir)); err != nil {
		return err
	}
	err := root.Mkdir(dir, 0o700)
	switch {
	case err == nil:
		return adopt(root, dir)
	case errors.Is(err, fs.ErrExist):
		if info, err := root.Lstat(dir); err != nil || !info.IsDir() {
			return sandbox.Errorf(sandbox.KindConflict, "%q is a file, not a folder", dir)
		}
		return nil
	}
	return fmt.Errorf("make a session's folder: %w", err)
}

// copyFolder copies the files and folders of one folder into another, which is
// there; not more than room bytes. Nothing but these is copied, for a program can
// make nothing else.
func copyFolder(ctx context.Context, from, to string, room int64) (copied int64, err error) {
	src, err := os.OpenRoot(from)
	if err != nil {
		return 0, err
	}
	defer src.Close()
	dst, err := os.OpenRoot(to)
	if err != nil {
		return 0, err
	}
	defer dst.Close()
	err = fs.WalkDir(src.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case name == ".":
			return nil
		case d.IsDir():
			return dst.Mkdir(name, 0o700)
		case !d.Type().IsRegular():
			return nil
		}
		n, err := copyFile(src, dst, name, room-copied)
		copied += n
		return err
	})
	return copied, err
}

func copyFile(src, dst *os.Root, name string, room int64) (int64, error) {
	in, err := src.Open(name)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	out, err := dst.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(out, io.LimitReader(in, room+1))
	if err == nil && n > room {
		err = sandbox.Errorf(sandbox.KindTooLarge, "the session has more files than can be copied")
	}
	return n, errors.Join(err, out.Close())
}

// Files returns the files of a session, in the order of their names.
func (k *Keeper) Files(o Owner, id string) ([]FileInfo, error) {
	root, _, err := k.folder(o, id)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	files := []FileInfo{}
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return skipGone(err)
		}
		info, err := d.Info()
		if err == nil {
			files = append(files, FileInfo{Name: name, Size: info.Size(), ModTime: info.ModTime()})
		}
		return skipGone(err)
	})
	if err != nil {
		return nil, fmt.Errorf("list a session's files: %w", err)
	}
	return files, nil
}

// folder opens the folder of a session.
func (k *Keeper) folder(o Owner, id string) (*os.Root, *session, error) {
	s, err := k.find(o, id)
	if err != nil {
		return nil, nil, err
	}
	root, err := os.OpenRoot(s.dir())
	if err != nil {
		return nil, nil, fmt.Errorf("open a session's folder: %w", err)
	}
	return root, s, nil
}

// OpenFile opens a file of a session for reading. The caller must close it.
func (k *Keeper) OpenFile(o Owner, id, name string) (io.ReadSeekCloser, FileInfo, error) {
	if err := sandbox.ValidateFileName("path", name); err != nil {
		return nil, FileInfo{}, err
	}
	root, _, err := k.folder(o, id)
	if err != nil {
		return nil, FileInfo{}, err
	}
	defer root.Close()
	// Not the open of something that is no file: that of a pipe would wait.
	if info, err := root.Lstat(name); err != nil || !info.Mode().IsRegular() {
		return nil, FileInfo{}, errNoFile(name)
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, FileInfo{}, errNoFile(name)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, FileInfo{}, errors.Join(fmt.Errorf("read a session's file: %w", err), f.Close())
	}
	return f, FileInfo{Name: name, Size: info.Size(), ModTime: info.ModTime()}, nil
}

func errNoFile(name string) error {
	return sandbox.Errorf(sandbox.KindNotFound, "the session has no file %.80q", name)
}

// PutFile writes a file of a session, in place of the one that is there. It fails
// with KindTooLarge or KindBusy when there would be too much.
func (k *Keeper) PutFile(o Owner, id, name string, content []byte) error {
	if err := sandbox.ValidateFileName("path", name); err != nil {
		return err
	}
	root, s, err := k.folder(o, id)
	if err != nil {
		return err
	}
	defer root.Close()
	size, count, err := s.usage()
	if err != nil {
		return err
	}
	if info, err := root.Lstat(name); err == nil {
		size, count = size-info.Size(), count-1
	}
	switch {
	case size+int64(len(content)) > k.cfg.FileBytes:
		return sandbox.Errorf(sandbox.KindTooLarge, "the files of a session may have %d MiB in all; delete some", k.cfg.FileBytes>>20)
	case count+1+strings.Count(name, "/") > k.cfg.Files:
		return sandbox.Errorf(sandbox.KindTooLarge, "a session may have %d files and folders; delete some", k.cfg.Files)
	}
	if err := k.checkStored(o, int64(len(content))); err != nil {
		return err
	}
	if err := put(root, name, content); err != nil {
		return fullDisk(err, "so the file was not written; one that was there before is as it was")
	}
	s.use()
	s.measure()
	return nil
}

// DeleteFile removes a file of a session.
func (k *Keeper) DeleteFile(o Owner, id, name string) error {
	if err := sandbox.ValidateFileName("path", name); err != nil {
		return err
	}
	root, s, err := k.folder(o, id)
	if err != nil {
		return err
	}
	defer root.Close()
	if info, err := root.Lstat(name); err != nil || info.IsDir() {
		return errNoFile(name)
	}
	if err := root.Remove(name); err != nil {
		return fmt.Errorf("remove a session's file: %w", err)
	}
	s.use()
	s.measure()
	return nil
}
