package files

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"syscall"

	"sandpiper/sandbox/toolbox/answer"
)

// move renames a file, folder or link. It never replaces anything.
func (h *Handler) move(w http.ResponseWriter, r *http.Request) error {
	from, err := h.resolveQuery(r, "source")
	if err != nil {
		return err
	}
	to, err := h.resolveQuery(r, "destination")
	if err != nil {
		return err
	}
	if err := h.checkMove(from, to); err != nil {
		return err
	}
	err = h.fs.Rename(from, to)
	if errors.Is(err, syscall.EXDEV) {
		err = h.moveAcross(r.Context(), from, to)
	}
	if err != nil {
		return answer.FileError(to, err)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func (h *Handler) checkMove(from, to string) error {
	if _, err := h.fs.Lstat(from); err != nil {
		return answer.FileError(from, err)
	}
	if strings.HasPrefix(to, from+"/") || from == "/" {
		return answer.BadRequest("%s cannot be moved into itself", from)
	}
	if _, err := h.fs.Lstat(to); err == nil {
		return answer.FileError(to, fs.ErrExist)
	}
	return h.needFolder(path.Dir(to))
}

// moveAcross moves between two volumes: it copies, and deletes the source when
// the copy is whole.
func (h *Handler) moveAcross(ctx context.Context, from, to string) error {
	info, err := h.fs.Lstat(from)
	if err != nil {
		return err
	}
	if err := h.copyTree(ctx, from, to, info); err != nil {
		_ = h.fs.RemoveAll(to)
		return err
	}
	return h.fs.RemoveAll(from)
}

func (h *Handler) copyTree(ctx context.Context, from, to string, info fs.FileInfo) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	switch mode := info.Mode(); {
	case mode.IsDir():
		return h.copyFolder(ctx, from, to, info)
	case mode&fs.ModeSymlink != 0:
		target, err := h.fs.Readlink(from)
		if err != nil {
			return err
		}
		return h.fs.Symlink(target, to)
	case mode.IsRegular():
		return h.copyFile(from, to, info)
	}
	return answer.BadRequest("%s is a device, socket or pipe, which cannot be moved to another volume", from)
}

func (h *Handler) copyFolder(ctx context.Context, from, to string, info fs.FileInfo) error {
	if err := h.fs.Mkdir(to, 0o700); err != nil {
		return err
	}
	entries, err := h.fs.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		below, err := e.Info()
		if err != nil {
			return err
		}
		if err := h.copyTree(ctx, path.Join(from, e.Name()), path.Join(to, e.Name()), below); err != nil {
			return err
		}
	}
	return h.copyAttributes(to, info)
}

func (h *Handler) copyFile(from, to string, info fs.FileInfo) error {
	src, err := h.open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := h.create(to)
	if err != nil {
		return err
	}
	_, err = copyAll(dst, src)
	if cerr := dst.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return h.copyAttributes(to, info)
}

// copyAttributes gives a copy the original's owner where that is allowed, its
// mode and its time.
func (h *Handler) copyAttributes(to string, info fs.FileInfo) error {
	h.keepOwner(to, info)
	if err := h.chmod(to, info.Mode()&permissions); err != nil {
		return err
	}
	return h.fs.Chtimes(to, info.ModTime(), info.ModTime())
}

// keepOwner gives a new file the owner of another where they differ and the
// guest's user may do that.
func (h *Handler) keepOwner(name string, like fs.FileInfo) {
	owner, group := h.fs.Owner(like)
	now, err := h.fs.Stat(name)
	if err != nil {
		return
	}
	if o, g := h.fs.Owner(now); o != owner || g != group {
		_ = h.fs.Chown(name, owner, group)
	}
}
