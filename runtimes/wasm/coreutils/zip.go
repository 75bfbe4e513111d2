package coreutils

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// gzipCommand compresses and decompresses files.
func gzipCommand(c *Call) int {
	o := c.parse("dckfrlqtvn123456789", "decompress:d", "uncompress:d", "stdout:c", "to-stdout:c", "keep:k", "force:f", "test:t", "best:9", "fast:1", "recursive:r")
	base := path.Base(c.Args[0])
	d := gzipper{c: c, level: gzip.DefaultCompression, expand: o.has("d") || base == "gunzip" || base == "zcat", out: o.has("c") || base == "zcat", keep: o.has("k")}
	for level := 1; level <= 9; level++ {
		if o.has(fmt.Sprint(level)) {
			d.level = level
		}
	}
	if len(o.rest) == 0 || o.rest[0] == "-" {
		if err := d.stream(c.out, c.Stdin); err != nil {
			return c.failErr("stdin", err)
		}
		return 0
	}
	code := 0
	for _, name := range o.rest {
		if err := d.file(name); err != nil {
			code = c.failErr(name, err)
		}
	}
	return code
}

type gzipper struct {
	c                 *Call
	level             int
	expand, out, keep bool
}

func (d gzipper) stream(w io.Writer, r io.Reader) error {
	if d.expand {
		z, err := gzip.NewReader(r)
		if err != nil {
			return errors.New("not in gzip format")
		}
		_, err = io.Copy(w, z)
		return err
	}
	z, err := gzip.NewWriterLevel(w, d.level)
	if err != nil {
		return err
	}
	_, err = io.Copy(z, r)
	return errors.Join(err, z.Close())
}

func (d gzipper) file(name string) error {
	r, err := d.c.open(name)
	if err != nil && d.expand && !strings.HasSuffix(name, ".gz") {
		name += ".gz"
		r, err = d.c.open(name)
	}
	if err != nil {
		return err
	}
	defer r.Close()
	if d.out {
		return d.stream(d.c.out, r)
	}
	to := name + ".gz"
	if d.expand {
		var ok bool
		if to, ok = strings.CutSuffix(name, ".gz"); !ok {
			if to, ok = strings.CutSuffix(name, ".tgz"); !ok {
				return errors.New("unknown suffix -- ignored")
			}
			to += ".tar"
		}
	}
	w, err := d.c.create(to, false)
	if err != nil {
		return err
	}
	if err := errors.Join(d.stream(w, r), w.Close()); err != nil {
		return err
	}
	if d.keep {
		return nil
	}
	return d.c.FS.Remove(d.c.abs(name))
}

// unzip lists and unpacks zip archives.
func unzip(c *Call) int {
	o := c.parse("lod:qnpj")
	o.need(1)
	b, err := c.readFile(o.rest[0])
	if err != nil {
		return c.failErr(o.rest[0], err)
	}
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return c.failErr(o.rest[0], err)
	}
	dir, code := c.abs(o.value("d", ".")), 0
	for _, f := range z.File {
		if len(o.rest) > 1 && !matchAny(o.rest[1:], f.Name) || c.Context.Err() != nil {
			continue
		}
		if o.has("l") {
			fmt.Fprintf(c.out, "%9d  %s   %s\n", f.UncompressedSize64, f.Modified.In(c.zone()).Format("2006-01-02 15:04"), f.Name)
			continue
		}
		if err := c.unzipOne(f, dir, o); err != nil {
			code = c.failErr(f.Name, err)
		}
	}
	return code
}

func (c *Call) unzipOne(f *zip.File, dir string, o options) error {
	to, err := inside(c.FS, dir, f.Name, 0)
	if err != nil || to == "" {
		return err
	}
	if strings.HasSuffix(f.Name, "/") {
		return c.FS.MkdirAll(to, 0o755)
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	if o.has("p") {
		_, err := io.Copy(c.out, r)
		return err
	}
	if err := c.FS.MkdirAll(path.Dir(to), 0o755); err != nil {
		return err
	}
	if !o.has("q") {
		fmt.Fprintf(c.out, "  inflating: %s\n", f.Name)
	}
	return c.writeMember(to, r, &tar.Header{Mode: int64(f.Mode().Perm()), ModTime: f.Modified})
}

// zipCommand makes zip archives.
func zipCommand(c *Call) int {
	o := c.parse("rqj9", "recurse-paths:r", "quiet:q")
	o.need(2)
	name := o.rest[0]
	if path.Ext(name) == "" {
		name += ".zip"
	}
	f, err := c.create(name, false)
	if err != nil {
		return c.failErr(name, err)
	}
	b := bufio.NewWriterSize(f, 64<<10)
	z := zip.NewWriter(b)
	code := 0
	for _, member := range o.rest[1:] {
		if err := c.zipAdd(z, member, o); err != nil {
			code = c.failErr(member, err)
		}
	}
	if err := errors.Join(z.Close(), b.Flush(), f.Close()); err != nil {
		return c.failErr(name, err)
	}
	return code
}

func (c *Call) zipAdd(z *zip.Writer, name string, o options) error {
	info, err := c.stat(name)
	if err != nil || c.Context.Err() != nil {
		return err
	}
	if info.IsDir() {
		if !o.has("r") {
			return nil
		}
		entries, err := c.FS.ReadDir(c.abs(name))
		for _, e := range entries {
			if err == nil && e.Type()&fs.ModeSymlink == 0 {
				err = c.zipAdd(z, path.Join(name, e.Name()), o)
			}
		}
		return err
	}
	h, err := zip.FileInfoHeader(plainInfo{info})
	if err != nil {
		return err
	}
	h.Name, h.Method = strings.TrimLeft(path.Clean(name), "/"), zip.Deflate
	if o.has("j") {
		h.Name = path.Base(name)
	}
	if !o.has("q") {
		fmt.Fprintf(c.out, "  adding: %s\n", h.Name)
	}
	w, err := z.CreateHeader(h)
	if err != nil {
		return err
	}
	r, err := c.open(name)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(w, r)
	return err
}
