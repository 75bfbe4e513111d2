package computer

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"

	"sandpiper/sandbox"
)

// copyTree copies files, folders and links as they are and returns the bytes of
// the files, of which there may be most.
func copyTree(ctx context.Context, from, to *os.Root, most int64) (size int64, err error) {
	err = fs.WalkDir(from.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case name == ".":
			return nil
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		n, err := copyOne(from, to, name, info)
		if size += n; err == nil && size > most {
			err = sandbox.FieldErrorf("disk", "the files to copy take more than the sandbox's disk")
		}
		return err
	})
	if err != nil {
		return size, fmt.Errorf("copy a sandbox's files: %w", err)
	}
	return size, nil
}

func copyOne(from, to *os.Root, name string, info fs.FileInfo) (int64, error) {
	switch mode := info.Mode(); {
	case mode.IsDir():
		return 0, to.Mkdir(name, mode.Perm())
	case mode&fs.ModeSymlink != 0:
		target, err := from.Readlink(name)
		if err != nil {
			return 0, err
		}
		return 0, to.Symlink(target, name)
	case !mode.IsRegular():
		return 0, nil // nothing that a guest could have made
	}
	r, err := from.Open(name)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	w, err := to.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(w, r)
	if err = errors.Join(err, w.Close()); err != nil {
		return n, err
	}
	return n, to.Chtimes(name, info.ModTime(), info.ModTime())
}

// archivePath is the file of an archive, which is known by its name.
func (d *disk) archivePath(archive string) (string, error) {
	if checkID(archive) != nil {
		return "", sandbox.Errorf(sandbox.KindNotFound, "there is no archive %q", archive)
	}
	return d.path(archiveFolder, archive+".tar.zst"), nil
}

// archive packs a sandbox's files and returns the archive's name.
func (d *disk) archive(ctx context.Context, id string) (string, error) {
	name := sandbox.NewID()
	final, err := d.archivePath(name)
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp(d.path(archiveFolder), ".new-")
	if err != nil {
		return "", fmt.Errorf("make an archive: %w", err)
	}
	err = d.pack(ctx, id, f)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), final)
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("archive a sandbox: %w", err), ignoreMissing(os.Remove(f.Name())))
	}
	return name, nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (d *disk) pack(ctx context.Context, id string, f io.Writer) error {
	root, err := os.OpenRoot(d.path(id, rootFolder))
	if err != nil {
		return err
	}
	defer root.Close()
	z, err := zstd.NewWriter(f, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	w := tar.NewWriter(z)
	err = fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case name == ".":
			return nil
		}
		return packOne(w, root, name, e)
	})
	return errors.Join(err, w.Close(), z.Close())
}

func packOne(w *tar.Writer, root *os.Root, name string, e fs.DirEntry) error {
	info, err := e.Info()
	if err != nil {
		return err
	}
	h := &tar.Header{Name: name, Mode: int64(info.Mode().Perm()), ModTime: info.ModTime(), Format: tar.FormatPAX}
	switch mode := info.Mode(); {
	case mode.IsDir():
		h.Typeflag = tar.TypeDir
	case mode&fs.ModeSymlink != 0:
		h.Typeflag = tar.TypeSymlink
		if h.Linkname, err = root.Readlink(name); err != nil {
			return err
		}
	case mode.IsRegular():
		h.Typeflag, h.Size = tar.TypeReg, info.Size()
	default:
		return nil
	}
	if err := w.WriteHeader(h); err != nil || h.Typeflag != tar.TypeReg {
		return err
	}
	r, err := root.Open(name)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.CopyN(w, r, h.Size)
	return err
}

// restore makes a sandbox of an archive.
func (d *disk) restore(ctx context.Context, spec sandbox.Spec, archive string) error {
	file, err := d.archivePath(archive)
	if err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return sandbox.Errorf(sandbox.KindNotFound, "there is no archive %q", archive)
		}
		return fmt.Errorf("open an archive: %w", err)
	}
	defer f.Close()
	return d.buildBox(ctx, spec, func(root *os.Root) (int64, error) { return unpack(ctx, root, f) })
}

func unpack(ctx context.Context, root *os.Root, f io.Reader) (size int64, err error) {
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return 0, fmt.Errorf("read an archive: %w", err)
	}
	defer z.Close()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		switch {
		case err == io.EOF:
			return size, nil
		case err != nil:
			return size, fmt.Errorf("read an archive: %w", err)
		case ctx.Err() != nil:
			return size, context.Cause(ctx)
		}
		if err := unpackOne(root, r, h); err != nil {
			return size, fmt.Errorf("restore a sandbox: %w", err)
		}
		size += h.Size
	}
}

func unpackOne(root *os.Root, r io.Reader, h *tar.Header) error {
	name := filepath.FromSlash(strings.TrimSuffix(path.Clean(h.Name), "/"))
	switch h.Typeflag {
	case tar.TypeDir:
		return root.Mkdir(name, fs.FileMode(h.Mode)&fs.ModePerm|0o700)
	case tar.TypeSymlink:
		return root.Symlink(h.Linkname, name)
	case tar.TypeReg:
		w, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fs.FileMode(h.Mode)&fs.ModePerm|0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(w, r)
		if err = errors.Join(err, w.Close()); err != nil {
			return err
		}
		return root.Chtimes(name, h.ModTime, h.ModTime)
	}
	return nil
}

func (d *disk) removeArchive(archive string) error {
	file, err := d.archivePath(archive)
	if err != nil {
		return nil // there is none: fine
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove an archive: %w", err)
	}
	return nil
}
