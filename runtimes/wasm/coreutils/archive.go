package coreutils

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// tarCommand makes, lists and unpacks archives.
func tarCommand(c *Call) int {
	if len(c.Args) > 1 && c.Args[1] != "" && c.Args[1][0] != '-' {
		c.Args = append([]string{c.Args[0], "-" + c.Args[1]}, c.Args[2:]...)
	}
	o := c.parse("cxtrzjJvf:C:kpOmhTP", "create:c", "extract:x", "get:x", "list:t", "gzip:z", "verbose:v", "file:f", "directory:C", "exclude=",
		"strip-components=", "no-same-owner", "no-same-permissions", "to-stdout:O", "keep-old-files:k", "auto-compress", "owner=", "group=", "wildcards")
	t := &archiver{c: c, o: o, base: c.Dir}
	if o.has("C") {
		t.base = c.abs(o.value("C", "."))
	}
	var err error
	switch {
	case o.has("J"):
		err = errors.New("xz is not possible in this sandbox")
	case o.has("c"):
		err = t.create()
	case o.has("x", "t"):
		err = t.read()
	default:
		c.usage("you must specify one of the '-ctx' options")
	}
	if err != nil {
		c.errorf("%s", errText(err))
		return 2
	}
	return t.code
}

// archiver is a tar that runs.
type archiver struct {
	c    *Call
	o    options
	base string // where files are taken from or put
	code int
}

func (t *archiver) compressed(name string) bool {
	return t.o.has("z") || t.o.has("auto-compress") && (strings.HasSuffix(name, ".gz") || strings.HasSuffix(name, ".tgz"))
}

func (t *archiver) create() (err error) {
	var out io.Writer = t.c.out
	name := t.o.value("f", "-")
	if name != "-" {
		f, err := t.c.create(name, false)
		if err != nil {
			return fmt.Errorf("%s: %s", name, errText(err))
		}
		b := bufio.NewWriterSize(f, 64<<10)
		defer func() { err = errors.Join(err, b.Flush(), f.Close()) }()
		out = b
	}
	if t.compressed(name) {
		z := gzip.NewWriter(out)
		defer func() { err = errors.Join(err, z.Close()) }()
		out = z
	}
	w := tar.NewWriter(out)
	if len(t.o.rest) == 0 {
		return errors.New("cowardly refusing to create an empty archive")
	}
	for _, name := range t.o.rest {
		if err := t.add(w, name); err != nil {
			return err
		}
	}
	return w.Close()
}

// add writes a file, or a folder with what is in it.
func (t *archiver) add(w *tar.Writer, name string) error {
	file := name
	if !path.IsAbs(file) {
		file = path.Join(t.base, name)
	}
	info, err := t.c.FS.Lstat(file)
	if err != nil {
		t.c.errorf("%s: Cannot stat: %s", name, errText(err))
		t.code = 2
		return nil
	}
	if t.excluded(name) || t.c.Context.Err() != nil {
		return nil
	}
	target := ""
	if info.Mode()&fs.ModeSymlink != 0 {
		target, _ = t.c.FS.Readlink(file)
	}
	h, err := tar.FileInfoHeader(plainInfo{info}, target)
	if err != nil {
		t.c.errorf("%s: %s", name, err)
		return nil
	}
	h.Name = strings.TrimLeft(name, "/")
	h.Uname, h.Gname = t.c.FS.Owner(info)
	h.Uid, h.Gid = 1000, 1000
	if info.IsDir() {
		h.Name = strings.TrimSuffix(h.Name, "/") + "/"
	}
	t.say(h.Name)
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	if info.IsDir() {
		entries, err := t.c.FS.ReadDir(file)
		for _, e := range entries {
			if err == nil {
				err = t.add(w, strings.TrimSuffix(name, "/")+"/"+e.Name())
			}
		}
		return err
	}
	if !info.Mode().IsRegular() {
		return nil
	}
	return t.addContent(w, file, h.Size)
}

func (t *archiver) addContent(w io.Writer, file string, size int64) error {
	f, err := t.c.FS.OpenFile(file, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.CopyN(w, f, size)
	return err
}

// plainInfo hides what a guest keeps in Sys.
type plainInfo struct{ fs.FileInfo }

// Sys implements fs.FileInfo.
func (plainInfo) Sys() any { return nil }

func (t *archiver) excluded(name string) bool {
	return matchAny(t.o.values["exclude"], name) || matchAny(t.o.values["exclude"], path.Base(name)) || matchAny(t.o.values["exclude"], strings.TrimPrefix(name, "./"))
}

func (t *archiver) say(name string) {
	if t.o.has("v") {
		w := io.Writer(t.c.out)
		if t.o.has("c") && t.o.value("f", "-") == "-" {
			w = t.c.Stderr
		}
		fmt.Fprintln(w, name)
	}
}

// decompress looks at the beginning of a stream.
func decompress(r io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	head, _ := b.Peek(6) // less is no archive
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return gzip.NewReader(b)
	case bytes.HasPrefix(head, []byte("BZh")):
		return bzip2.NewReader(b), nil
	case bytes.HasPrefix(head, []byte{0xfd, '7', 'z', 'X', 'Z'}):
		return nil, errors.New("xz is not possible in this sandbox")
	}
	return b, nil
}

func (t *archiver) read() error {
	name := t.o.value("f", "-")
	in, err := t.c.open(name)
	if err != nil {
		return fmt.Errorf("%s: Cannot open: %s", name, errText(err))
	}
	defer in.Close()
	plain, err := decompress(in)
	if err != nil {
		return err
	}
	r := tar.NewReader(plain)
	for t.c.Context.Err() == nil {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if t.excluded(h.Name) || !t.wanted(h.Name) {
			continue
		}
		if t.o.has("t") {
			t.show(h)
			continue
		}
		if err := t.unpack(r, h); err != nil {
			t.c.errorf("%s: %s", h.Name, errText(err))
			t.code = 2
		}
	}
	return nil
}

func (t *archiver) wanted(name string) bool {
	if len(t.o.rest) == 0 {
		return true
	}
	name = strings.TrimSuffix(name, "/")
	for _, want := range t.o.rest {
		want = strings.TrimSuffix(want, "/")
		if name == want || strings.HasPrefix(name, want+"/") || t.o.has("wildcards") && matchAny([]string{want}, name) {
			return true
		}
	}
	return false
}

func (t *archiver) show(h *tar.Header) {
	if !t.o.has("v") {
		t.c.out.WriteString(h.Name + "\n")
		return
	}
	name := h.Name
	if h.Linkname != "" {
		name += " -> " + h.Linkname
	}
	fmt.Fprintf(t.c.out, "%s %s/%s %9d %s %s\n", modeText(h.FileInfo().Mode()), h.Uname, h.Gname, h.Size, h.ModTime.In(t.c.zone()).Format("2006-01-02 15:04"), name)
}

// inside makes a name of an archive a path below dir, or reports that it leads
// out. Links cannot lead out of the sandbox, but they could lead out of dir, so
// none is followed on the way.
func inside(fsys interface {
	Lstat(string) (fs.FileInfo, error)
}, dir, name string, strip int) (string, error) {
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '/' })
	var kept []string
	for _, p := range parts {
		switch p {
		case ".":
		case "..":
			return "", errors.New("member name contains '..'")
		default:
			kept = append(kept, p)
		}
	}
	if len(kept) <= strip {
		return "", nil
	}
	kept = kept[strip:]
	at := dir
	for _, p := range kept[:len(kept)-1] {
		at = path.Join(at, p)
		if info, err := fsys.Lstat(at); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return "", errors.New("a link stands in the way")
		}
	}
	return path.Join(at, kept[len(kept)-1]), nil
}

// unpack makes what a header says.
func (t *archiver) unpack(r io.Reader, h *tar.Header) error {
	if t.o.has("O") {
		_, err := io.Copy(t.c.out, r)
		return err
	}
	to, err := inside(t.c.FS, t.base, h.Name, int(t.o.number("strip-components", 0)))
	if err != nil || to == "" {
		return err
	}
	t.say(h.Name)
	if h.Typeflag == tar.TypeDir {
		return t.c.FS.MkdirAll(to, fs.FileMode(h.Mode)&fs.ModePerm|0o700)
	}
	if err := t.c.FS.MkdirAll(path.Dir(to), 0o755); err != nil {
		return err
	}
	if _, err := t.c.FS.Lstat(to); err == nil {
		if t.o.has("k") {
			return fs.ErrExist
		}
		if err := t.c.FS.Remove(to); err != nil {
			return err
		}
	}
	switch h.Typeflag {
	case tar.TypeSymlink:
		return t.c.FS.Symlink(h.Linkname, to)
	case tar.TypeLink:
		from, err := inside(t.c.FS, t.base, h.Linkname, int(t.o.number("strip-components", 0)))
		if err != nil {
			return err
		}
		info, err := t.c.FS.Stat(from)
		if err != nil {
			return err
		}
		return t.c.copyFile(from, to, info) // there are no hard links
	case tar.TypeReg:
		return t.c.writeMember(to, r, h)
	}
	return errors.New("neither a file, a folder nor a link: left out")
}

func (c *Call) writeMember(to string, r io.Reader, h *tar.Header) error {
	f, err := c.FS.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fs.FileMode(h.Mode)&fs.ModePerm)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return c.FS.Chtimes(to, h.ModTime, h.ModTime)
}
