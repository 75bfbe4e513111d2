package files

import (
	"archive/tar"
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"path/filepath"
	"strings"

	"sandpiper/sandbox/toolbox/answer"
)

// leftOut is the file at the end of an archive that names what could not be
// read, and maxLeftOut is how many names it has.
const (
	leftOut    = "NOT-INCLUDED.txt"
	maxLeftOut = 1000
)

// archiver writes the entries of an archive. Names have no slash in front, and
// those of folders have one at the end.
type archiver interface {
	// add begins an entry; of a link, target is where it leads.
	add(name, target string, info fs.FileInfo) (io.Writer, error)
	// note adds a text of ours as the last entry.
	note(name, text string) error
	Close() error
}

// archive answers with a folder and all in it as an archive, "tar" or "zip",
// which is written while the folder is read. The operation is Sandpiper's own:
//
//	GET /files/archive?path=FOLDER&format=tar
//
// Links stay links; those that lead out of the folder, and what is neither file
// nor folder nor link, are left out. What cannot be read is named in a file at
// the end. An answer that is cut off was not whole: a file changed its size
// while it was read, or became too large.
func (h *Handler) archive(w http.ResponseWriter, r *http.Request) error {
	dir, err := h.resolveQuery(r, "path")
	if err != nil {
		return err
	}
	format := or(r.URL.Query().Get("format"), "tar")
	mediaType, known := map[string]string{"tar": "application/x-tar", "zip": "application/zip"}[format]
	if !known {
		return answer.BadRequest("format must be tar or zip, not %.40q", format)
	}
	if err := h.archivable(r.Context(), dir); err != nil {
		return err
	}
	name := strings.Trim(path.Base(dir), "/")
	if name == "" {
		name = "files"
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Disposition", "attachment; "+fileNameParam(name+"."+format))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	out := &patientWriter{ResponseWriter: w, rc: http.NewResponseController(w), idle: h.limits.idle}
	defer out.done()
	if err := h.writeArchive(r.Context(), newArchiver(out, format), dir, name); err != nil {
		panic(http.ErrAbortHandler) // so that the client sees that it is not whole
	}
	return nil
}

// archivable reports, before anything is sent, that a folder cannot be one
// archive.
func (h *Handler) archivable(ctx context.Context, dir string) error {
	if err := h.needFolder(dir); err != nil {
		return err
	}
	var size int64
	s := walk{fs: h.fs, left: h.limits.entries}
	err := s.folder(ctx, dir, func(_ string, e fs.DirEntry) error {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			size += info.Size()
		}
		if size > h.limits.archiveBytes || size < 0 {
			return answer.Errorf(http.StatusRequestEntityTooLarge, "PAYLOAD_TOO_LARGE", "the files in %s have more than %d GiB together; download a folder below it", dir, h.limits.archiveBytes>>30)
		}
		return nil
	})
	if s.cut {
		return answer.BadRequest("%s has more than %d entries; download a folder below it", dir, h.limits.entries)
	}
	return answer.FileError(dir, err)
}

// writeArchive writes everything in dir below name.
func (h *Handler) writeArchive(ctx context.Context, a archiver, dir, name string) error {
	var missing []string
	left := h.limits.archiveBytes
	s := walk{fs: h.fs, left: h.limits.entries}
	err := s.folder(ctx, dir, func(full string, e fs.DirEntry) error {
		inside := strings.TrimPrefix(strings.TrimPrefix(full, dir), "/")
		n, err := h.archiveEntry(a, full, path.Join(name, inside), inside, e)
		if left -= n; left < 0 {
			return errors.New("the folder has grown beyond the limit")
		}
		var unread *unreadError
		if errors.As(err, &unread) {
			missing, err = append(missing, inside+": "+unread.Error()), nil
		}
		return err
	})
	if err == nil && s.cut {
		err = errors.New("the folder has grown beyond the limit")
	}
	if err == nil && len(missing) > 0 {
		err = a.note(path.Join(name, leftOut), noteOf(missing))
	}
	if err != nil {
		return err
	}
	return a.Close()
}

func noteOf(missing []string) string {
	text := "These could not be read, so they are not in this archive:\n\n" + strings.Join(missing[:min(len(missing), maxLeftOut)], "\n") + "\n"
	if more := len(missing) - maxLeftOut; more > 0 {
		text += fmt.Sprintf("… and %d more\n", more)
	}
	return text
}

// unreadError is the error of a file that cannot be read, of which nothing was
// written.
type unreadError struct{ error }

// archiveEntry writes one entry, and returns how many bytes it has. inside is
// its name from the folder on.
func (h *Handler) archiveEntry(a archiver, full, name, inside string, e fs.DirEntry) (int64, error) {
	info, err := e.Info()
	if err != nil {
		return 0, nil // it has just gone
	}
	switch {
	case info.IsDir():
		_, err := a.add(name+"/", "", info)
		return 0, err
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := h.fs.Readlink(full)
		if err != nil || path.IsAbs(target) || !filepath.IsLocal(path.Join(path.Dir(inside), target)) {
			return 0, nil
		}
		_, err = a.add(name, target, info)
		return 0, err
	case info.Mode().IsRegular():
		return h.archiveFile(a, full, name)
	}
	return 0, nil
}

func (h *Handler) archiveFile(a archiver, full, name string) (int64, error) {
	file, info, err := h.openRegular(full)
	if err != nil {
		return 0, &unreadError{answer.Public(err)}
	}
	defer file.Close()
	w, err := a.add(name, "", info)
	if err != nil {
		return 0, err
	}
	n, err := copyAll(w, io.LimitReader(file, info.Size()))
	if err == nil && n < info.Size() {
		err = fmt.Errorf("%s became shorter while it was read", full)
	}
	return n, err
}

func newArchiver(w io.Writer, format string) archiver {
	if format == "zip" {
		return zipArchive{zip.NewWriter(w)}
	}
	return tarArchive{tar.NewWriter(w)}
}

type tarArchive struct{ *tar.Writer }

func (t tarArchive) add(name, target string, info fs.FileInfo) (io.Writer, error) {
	header, err := tar.FileInfoHeader(bare{info}, target)
	if err != nil {
		return nil, err
	}
	header.Name = name
	return t, t.WriteHeader(header)
}

func (t tarArchive) note(name, text string) error {
	if err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
		return err
	}
	_, err := io.WriteString(t, text)
	return err
}

type zipArchive struct{ *zip.Writer }

func (z zipArchive) add(name, target string, info fs.FileInfo) (io.Writer, error) {
	header, err := zip.FileInfoHeader(bare{info})
	if err != nil {
		return nil, err
	}
	// Some programs take a backslash for a slash, and would be led out by it.
	header.Name, header.Method = strings.ReplaceAll(name, `\`, "_"), zip.Deflate
	if info.IsDir() {
		header.Method = zip.Store
	}
	w, err := z.CreateHeader(header)
	if err == nil && target != "" {
		_, err = io.WriteString(w, target)
	}
	return w, err
}

func (z zipArchive) note(name, text string) error {
	w, err := z.Create(name)
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	return err
}

// bare is a FileInfo without what only its own system understands, such as
// numbers of owners.
type bare struct{ fs.FileInfo }

// Sys implements fs.FileInfo.
func (bare) Sys() any { return nil }
