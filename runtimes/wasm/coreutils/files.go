package coreutils

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"time"
)

// cp copies files.
func cp(c *Call) int {
	o := c.parse("rRafpnuvidTt:LPHlsx", "recursive:r", "archive:a", "force:f", "no-clobber:n", "update:u", "verbose:v", "interactive:i",
		"target-directory:t", "no-target-directory:T", "preserve", "no-dereference:P", "dereference:L", "parents", "symbolic-link:s", "link:l", "reflink", "sparse=")
	return c.transfer(o, func(from, to string) error {
		info, err := c.lstat(from)
		if err == nil && info.Mode()&fs.ModeSymlink != 0 && !o.has("P", "a", "d") && (!o.has("r", "R") || o.has("L")) {
			info, err = c.stat(from)
		}
		if err != nil {
			return err
		}
		if info.IsDir() && !o.has("r", "R", "a") {
			c.errorf("-r not specified; omitting directory '%s'", from)
			return errSaid
		}
		if c.abs(to) == c.abs(from) {
			c.errorf("'%s' and '%s' are the same file", from, to)
			return errSaid
		}
		if o.has("s") {
			return c.FS.Symlink(from, c.abs(to))
		}
		return c.copyTree(c.abs(from), c.abs(to), info, o.has("p", "a", "preserve"))
	})
}

// errSaid is for what has been reported already.
var errSaid = errors.New("reported")

// transfer calls move for each source and its destination.
func (c *Call) transfer(o options, move func(from, to string) error) int {
	sources, target := o.rest, o.value("t", "")
	if target == "" {
		o.need(1)
		if len(sources) < 2 {
			c.usage("missing destination file operand after '%s'", sources[0])
		}
		target, sources = sources[len(sources)-1], sources[:len(sources)-1]
	}
	into := c.isDir(target) && !o.has("T")
	if len(sources) > 1 && !into {
		c.usage("target '%s' is not a directory", target)
	}
	code := 0
	for _, from := range sources {
		to := target
		if into {
			to = path.Join(target, path.Base(c.abs(from)))
		}
		if o.skips(from, to) {
			continue
		}
		switch err := move(from, to); {
		case errors.Is(err, errSaid):
			code = 1
		case err != nil:
			c.errorf("cannot %s '%s': %s", map[string]string{"cp": "copy", "mv": "move"}[path.Base(c.Args[0])], from, errText(err))
			code = 1
		case o.has("v"):
			fmt.Fprintf(c.out, "'%s' -> '%s'\n", from, to)
		}
	}
	return code
}

// skips reports whether -n or -u leave a destination alone.
func (o *options) skips(from, to string) bool {
	old, err := o.c.stat(to)
	if err != nil || old.IsDir() {
		return false
	}
	if o.has("u") {
		if info, err := o.c.stat(from); err == nil && !info.ModTime().After(old.ModTime()) {
			return true
		}
	}
	return o.has("n")
}

// copyTree copies a file, a link or a folder with what is in it.
func (c *Call) copyTree(from, to string, info fs.FileInfo, keep bool) error {
	switch {
	case c.Context.Err() != nil:
		return os.ErrDeadlineExceeded
	case info.Mode()&fs.ModeSymlink != 0:
		return c.copyLink(from, to)
	case info.IsDir():
		return c.copyFolder(from, to, info, keep)
	}
	if err := c.copyFile(from, to, info); err != nil {
		return err
	}
	if keep {
		return c.FS.Chtimes(to, info.ModTime(), info.ModTime())
	}
	return nil
}

func (c *Call) copyLink(from, to string) error {
	target, err := c.FS.Readlink(from)
	if err != nil {
		return err
	}
	if _, err := c.FS.Lstat(to); err == nil {
		if err := c.FS.Remove(to); err != nil {
			return err
		}
	}
	return c.FS.Symlink(target, to)
}

func (c *Call) copyFolder(from, to string, info fs.FileInfo, keep bool) error {
	if strings.HasPrefix(to+"/", from+"/") {
		c.errorf("cannot copy a directory, '%s', into itself, '%s'", from, to)
		return errSaid
	}
	if err := c.FS.Mkdir(to, info.Mode().Perm()); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	entries, err := c.FS.ReadDir(from)
	for _, e := range entries {
		if err != nil {
			break
		}
		var inner fs.FileInfo
		if inner, err = e.Info(); err == nil {
			err = c.copyTree(path.Join(from, e.Name()), path.Join(to, e.Name()), inner, keep)
		}
	}
	if keep && err == nil {
		err = c.FS.Chtimes(to, info.ModTime(), info.ModTime())
	}
	return err
}

func (c *Call) copyFile(from, to string, info fs.FileInfo) error {
	r, err := c.FS.OpenFile(from, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := c.FS.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, w.Close())
}

// mv moves files.
func mv(c *Call) int {
	o := c.parse("fnuvit:T", "force:f", "no-clobber:n", "update:u", "verbose:v", "target-directory:t", "no-target-directory:T")
	return c.transfer(o, func(from, to string) error { return c.FS.Rename(c.abs(from), c.abs(to)) })
}

// install copies files and makes folders with a mode.
func install(c *Call) int {
	o := c.parse("dDm:vCpo:g:", "directory:d", "mode:m")
	if o.has("d") {
		code := 0
		for _, name := range o.rest {
			if err := c.FS.MkdirAll(c.abs(name), 0o755); err != nil {
				code = c.failErr(name, err)
			}
		}
		return code
	}
	return c.transfer(o, func(from, to string) error {
		if o.has("D") {
			if err := c.FS.MkdirAll(path.Dir(c.abs(to)), 0o755); err != nil {
				return err
			}
		}
		info, err := c.stat(from)
		if err != nil {
			return err
		}
		if err := c.copyFile(c.abs(from), c.abs(to), info); err != nil {
			return err
		}
		mode, ok := newMode(o.value("m", "755"), info.Mode())
		if !ok {
			c.usage("invalid mode '%s'", o.value("m", ""))
		}
		return c.FS.Chmod(c.abs(to), mode)
	})
}

// rm removes files.
func rm(c *Call) int {
	o := c.parse("rRfvdiI", "recursive:r", "force:f", "verbose:v", "dir:d", "no-preserve-root", "preserve-root", "interactive:i")
	if len(o.rest) == 0 && !o.has("f") {
		c.usage("missing operand")
	}
	code := 0
	for _, name := range o.rest {
		if base := path.Base(name); base == "." || base == ".." || c.abs(name) == "/" {
			code = c.fail(1, "refusing to remove '%s'", name)
			continue
		}
		err := c.removeOne(o, name)
		switch {
		case errors.Is(err, fs.ErrNotExist) && o.has("f"):
		case err != nil:
			c.errorf("cannot remove '%s': %s", name, errText(err))
			code = 1
		case o.has("v"):
			fmt.Fprintf(c.out, "removed '%s'\n", name)
		}
	}
	return code
}

func (c *Call) removeOne(o options, name string) error {
	info, err := c.lstat(name)
	switch {
	case err != nil:
		return err
	case info.IsDir() && o.has("r", "R"):
		return c.FS.RemoveAll(c.abs(name))
	case info.IsDir() && !o.has("d"):
		return syscall.EISDIR
	}
	return c.FS.Remove(c.abs(name))
}

func unlink(c *Call) int {
	o := c.parse("")
	o.need(1)
	if err := c.FS.Remove(c.abs(o.rest[0])); err != nil {
		c.errorf("cannot unlink '%s': %s", o.rest[0], errText(err))
		return 1
	}
	return 0
}

// mkdir makes folders.
func mkdir(c *Call) int {
	o := c.parse("pm:v", "parents:p", "mode:m", "verbose:v")
	o.need(1)
	mode := fs.FileMode(0o755)
	if o.has("m") {
		m, ok := newMode(o.value("m", ""), 0o777)
		if !ok {
			c.usage("invalid mode '%s'", o.value("m", ""))
		}
		mode = m
	}
	code := 0
	for _, name := range o.rest {
		var err error
		if o.has("p") {
			err = c.FS.MkdirAll(c.abs(name), mode)
		} else {
			err = c.FS.Mkdir(c.abs(name), mode)
		}
		if err != nil {
			c.errorf("cannot create directory '%s': %s", name, errText(err))
			code = 1
		} else if o.has("v") {
			fmt.Fprintf(c.out, "mkdir: created directory '%s'\n", name)
		}
	}
	return code
}

// rmdir removes empty folders.
func rmdir(c *Call) int {
	o := c.parse("pv", "parents:p", "ignore-fail-on-non-empty", "verbose:v")
	o.need(1)
	code := 0
	for _, name := range o.rest {
		for {
			info, err := c.lstat(name)
			if err == nil && !info.IsDir() {
				err = syscall.ENOTDIR
			}
			if err == nil {
				err = c.FS.Remove(c.abs(name))
			}
			if err != nil && !(errors.Is(err, syscall.ENOTEMPTY) && o.has("ignore-fail-on-non-empty")) {
				c.errorf("failed to remove '%s': %s", name, errText(err))
				code = 1
			}
			up := path.Dir(strings.TrimSuffix(name, "/"))
			if !o.has("p") || err != nil || up == "." || up == "/" {
				break
			}
			name = up
		}
	}
	return code
}

// touch makes files and sets their times.
func touch(c *Call) int {
	o := c.parse("cd:t:r:amfh", "no-create:c", "date:d", "reference:r")
	o.need(1)
	when := time.Now()
	switch {
	case o.has("r"):
		info, err := c.stat(o.value("r", ""))
		if err != nil {
			return c.failErr(o.value("r", ""), err)
		}
		when = info.ModTime()
	case o.has("d", "t"):
		t, ok := c.parseTime(o.value("d", o.value("t", "")), o.has("t"))
		if !ok {
			c.usage("invalid date format '%s'", o.value("d", o.value("t", "")))
		}
		when = t
	}
	code := 0
	for _, name := range o.rest {
		err := c.FS.Chtimes(c.abs(name), when, when)
		if errors.Is(err, fs.ErrNotExist) && !o.has("c") {
			err = c.makeEmpty(name)
			if err == nil && o.has("d", "t", "r") {
				err = c.FS.Chtimes(c.abs(name), when, when)
			}
		}
		if err != nil && !(errors.Is(err, fs.ErrNotExist) && o.has("c")) {
			c.errorf("cannot touch '%s': %s", name, errText(err))
			code = 1
		}
	}
	return code
}

func (c *Call) makeEmpty(name string) error {
	f, err := c.FS.OpenFile(c.abs(name), os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	return f.Close()
}

// truncate sets the sizes of files.
func truncate(c *Call) int {
	o := c.parse("s:cor:", "size:s", "no-create:c", "reference:r")
	o.need(1)
	text := o.value("s", "0")
	n, ok := parseSize(strings.TrimLeft(text, "+-"))
	if !ok {
		c.usage("invalid number: '%s'", text)
	}
	code := 0
	for _, name := range o.rest {
		f, err := c.FS.OpenFile(c.abs(name), os.O_RDWR|os.O_CREATE, 0o644)
		if err == nil {
			size := n
			if info, err := f.Stat(); err == nil && strings.ContainsAny(text[:1], "+-") {
				size = info.Size() + map[byte]int64{'+': n, '-': -n}[text[0]]
			}
			err = errors.Join(f.Truncate(max(0, size)), f.Close())
			if err == nil {
				continue
			}
		}
		c.errorf("cannot open '%s' for writing: %s", name, errText(err))
		code = 1
	}
	return code
}

// mktemp makes a file or a folder with a new name.
func mktemp(c *Call) int {
	o := c.parse("dup:tqs:", "directory:d", "dry-run:u", "tmpdir:p", "suffix=:s", "quiet:q")
	template := "tmp.XXXXXXXXXX"
	dir := c.getenv("TMPDIR")
	if dir == "" {
		dir = "/tmp"
	}
	if len(o.rest) > 0 {
		template = o.rest[0]
	}
	if o.value("p", "") != "" {
		dir = o.value("p", "")
	}
	if len(o.rest) == 0 || o.has("p", "t") {
		template = path.Join(dir, template)
	}
	template += o.value("s", "")
	at := strings.LastIndex(template, "XXX")
	if at < 0 {
		c.usage("too few X's in template '%s'", template)
	}
	begin := len(strings.TrimRight(template[:at], "X"))
	name := template[:begin] + rand.Text()[:min(26, at+3-begin)] + template[at+3:]
	var err error
	switch {
	case o.has("u"):
	case o.has("d"):
		err = c.FS.Mkdir(c.abs(name), 0o700)
	default:
		var f io.Closer
		if f, err = c.FS.OpenFile(c.abs(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err == nil {
			err = f.Close()
		}
	}
	if err != nil {
		c.errorf("failed to create '%s': %s", name, errText(err))
		return 1
	}
	c.out.WriteString(name + "\n")
	return 0
}
