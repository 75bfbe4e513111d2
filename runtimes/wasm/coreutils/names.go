package coreutils

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"syscall"
)

// newMode is the mode that text, such as 755 or u+x,g-w, makes of old.
func newMode(text string, old fs.FileMode) (fs.FileMode, bool) {
	if n, err := strconv.ParseUint(text, 8, 16); err == nil {
		return fs.FileMode(n) & fs.ModePerm, n <= 0o7777
	}
	mode := old.Perm()
	for clause := range strings.SplitSeq(text, ",") {
		at := strings.IndexAny(clause, "+-=")
		if at < 0 {
			return 0, false
		}
		who := whoMask(clause[:at])
		for at < len(clause) {
			op := clause[at]
			end := at + 1 + len(clause[at+1:])
			if n := strings.IndexAny(clause[at+1:], "+-="); n >= 0 {
				end = at + 1 + n
			}
			bits, ok := permBits(clause[at+1:end], old)
			if !ok || who == 0 {
				return 0, false
			}
			switch op {
			case '+':
				mode |= bits & who
			case '-':
				mode &^= bits & who
			default:
				mode = mode&^who | bits&who
			}
			at = end
		}
	}
	return mode, true
}

func whoMask(who string) fs.FileMode {
	if who == "" {
		return 0o755 // what the umask leaves
	}
	var mask fs.FileMode
	for _, r := range who {
		m := map[rune]fs.FileMode{'u': 0o700, 'g': 0o070, 'o': 0o007, 'a': 0o777}[r]
		if m == 0 {
			return 0
		}
		mask |= m
	}
	return mask
}

func permBits(letters string, old fs.FileMode) (fs.FileMode, bool) {
	var bits fs.FileMode
	for _, r := range letters {
		switch r {
		case 'r':
			bits |= 0o444
		case 'w':
			bits |= 0o222
		case 'x':
			bits |= 0o111
		case 'X':
			if old.IsDir() || old&0o111 != 0 {
				bits |= 0o111
			}
		case 's', 't':
		default:
			return 0, false
		}
	}
	return bits, true
}

// chmod sets modes.
func chmod(c *Call) int {
	if len(c.Args) > 1 && len(c.Args[1]) > 1 && c.Args[1][0] == '-' && strings.Trim(c.Args[1][1:], "rwxXst") == "" && c.Args[1] != "-R" {
		c.Args = append([]string{c.Args[0], "--"}, c.Args[1:]...)
	}
	o := c.parse("Rvcf", "recursive:R", "verbose:v", "changes:c", "silent:f", "quiet:f", "reference=")
	o.need(2)
	code := 0
	var apply func(name string)
	apply = func(name string) {
		info, err := c.stat(name)
		if err == nil {
			mode, ok := newMode(o.rest[0], info.Mode())
			if !ok {
				c.usage("invalid mode: '%s'", o.rest[0])
			}
			err = c.FS.Chmod(c.abs(name), mode)
		}
		if err != nil {
			c.errorf("cannot access '%s': %s", name, errText(err))
			code = 1
			return
		}
		if o.has("R") && info.IsDir() {
			entries, _ := c.FS.ReadDir(c.abs(name))
			for _, e := range entries {
				if e.Type()&fs.ModeSymlink == 0 && c.Context.Err() == nil {
					apply(path.Join(name, e.Name()))
				}
			}
		}
	}
	for _, name := range o.rest[1:] {
		apply(name)
	}
	return code
}

// chown changes owners as far as the guest allows: to the user's own.
func chown(c *Call) int {
	o := c.parse("Rvhcf", "recursive:R", "verbose:v", "no-dereference:h")
	o.need(2)
	owner, group, _ := strings.Cut(o.rest[0], ":")
	if path.Base(c.Args[0]) == "chgrp" {
		owner, group = "", o.rest[0]
	}
	code := 0
	for _, name := range o.rest[1:] {
		if err := c.FS.Chown(c.abs(name), owner, group); err != nil {
			c.errorf("changing ownership of '%s': %s", name, errText(err))
			code = 1
		}
	}
	return code
}

// ln makes symbolic links.
func ln(c *Call) int {
	o := c.parse("sfnvrTt:", "symbolic:s", "force:f", "no-dereference:n", "verbose:v", "relative:r", "no-target-directory:T", "target-directory:t")
	o.need(1)
	if !o.has("s") {
		return c.fail(1, "hard links are not possible in this sandbox; use ln -s")
	}
	targets, dest := o.rest, "."
	if o.has("t") {
		dest = o.value("t", "")
	} else if len(targets) > 1 {
		dest, targets = targets[len(targets)-1], targets[:len(targets)-1]
	}
	code := 0
	for _, target := range targets {
		name := dest
		if info, err := c.lstat(dest); err == nil && !o.has("T") && (info.IsDir() || !o.has("n") && c.isDir(dest)) {
			name = path.Join(dest, path.Base(target))
		}
		if o.has("f") {
			if err := c.FS.Remove(c.abs(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				code = c.failErr(name, err)
				continue
			}
		}
		if o.has("r") {
			target = relative(path.Dir(c.abs(name)), c.abs(target))
		}
		if err := c.FS.Symlink(target, c.abs(name)); err != nil {
			c.errorf("failed to create symbolic link '%s': %s", name, errText(err))
			code = 1
		}
	}
	return code
}

// relative is the path that leads from the folder base to target; both absolute.
func relative(base, target string) string {
	a, b := strings.Split(strings.Trim(base, "/"), "/"), strings.Split(strings.Trim(target, "/"), "/")
	if base == "/" {
		a = nil
	}
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	parts := append(strings.Split(strings.Repeat("../", len(a)), "/")[:len(a)], b...)
	if len(parts) == 0 {
		return "."
	}
	return strings.Join(parts, "/")
}

// resolve follows the links of an absolute path. Its last component may be
// missing, and with anyMissing others too.
func (c *Call) resolve(name string, anyMissing bool) (string, error) {
	todo, done := strings.Split(strings.Trim(name, "/"), "/"), "/"
	for links := 0; len(todo) > 0; {
		part := todo[0]
		todo = todo[1:]
		if part == "" || part == "." {
			continue
		}
		if part == ".." {
			done = path.Dir(done)
			continue
		}
		next := path.Join(done, part)
		info, err := c.FS.Lstat(next)
		switch {
		case err != nil && (anyMissing || len(todo) == 0 && errors.Is(err, fs.ErrNotExist)):
			done = next
		case err != nil:
			return "", err
		case info.Mode()&fs.ModeSymlink != 0:
			if links++; links > 40 {
				return "", syscall.ELOOP
			}
			target, err := c.FS.Readlink(next)
			if err != nil {
				return "", err
			}
			if path.IsAbs(target) {
				done = "/"
			}
			todo = append(strings.Split(target, "/"), todo...)
		case !info.IsDir() && len(todo) > 0:
			return "", syscall.ENOTDIR
		default:
			done = next
		}
	}
	return done, nil
}

func (c *Call) rawAbs(name string) string {
	if path.IsAbs(name) {
		return name
	}
	return c.Dir + "/" + name
}

// realpath prints paths without links.
func realpath(c *Call) int {
	o := c.parse("emsqLPz", "canonicalize-existing:e", "canonicalize-missing:m", "no-symlinks:s", "relative-to=", "quiet:q", "strip:s")
	o.need(1)
	code := 0
	for _, name := range o.rest {
		real, err := c.abs(name), error(nil)
		if !o.has("s") {
			real, err = c.resolve(c.rawAbs(name), o.has("m"))
		}
		if err == nil && o.has("e") {
			_, err = c.FS.Lstat(real)
		}
		if err != nil {
			if !o.has("q") {
				c.errorf("%s: %s", name, errText(err))
			}
			code = 1
			continue
		}
		if o.has("relative-to") {
			real = relative(c.abs(o.value("relative-to", "")), real)
		}
		c.out.WriteString(real + "\n")
	}
	return code
}

// readlink prints what links say, or with -f where they lead.
func readlink(c *Call) int {
	o := c.parse("fenmqsvz", "canonicalize:f", "canonicalize-existing:e", "canonicalize-missing:m", "no-newline:n")
	o.need(1)
	code := 0
	for _, name := range o.rest {
		var text string
		var err error
		if o.has("f", "e", "m") {
			if text, err = c.resolve(c.rawAbs(name), o.has("m")); err == nil && o.has("e") {
				_, err = c.FS.Lstat(text)
			}
		} else {
			text, err = c.FS.Readlink(c.abs(name))
		}
		if err != nil {
			code = 1
			continue
		}
		c.out.WriteString(text)
		if !o.has("n") {
			c.out.WriteByte('\n')
		}
	}
	return code
}

func basename(c *Call) int {
	o := c.parse("+as:z", "multiple:a", "suffix:s")
	o.need(1)
	names, suffix := o.rest[:1], o.value("s", "")
	if o.has("a", "s") {
		names = o.rest
	} else if len(o.rest) > 1 {
		suffix = o.rest[1]
	}
	for _, name := range names {
		base := path.Base(name)
		if base != suffix {
			base = strings.TrimSuffix(base, suffix)
		}
		c.out.WriteString(base + "\n")
	}
	return 0
}

func dirname(c *Call) int {
	o := c.parse("+z")
	o.need(1)
	for _, name := range o.rest {
		name = strings.TrimRight(name, "/")
		at := strings.LastIndexByte(name, '/')
		switch {
		case at < 0 && name != "":
			name = "."
		case at <= 0:
			name = "/"
		default:
			name = strings.TrimRight(name[:at], "/")
		}
		c.out.WriteString(name + "\n")
	}
	return 0
}

func pwd(c *Call) int {
	real, err := c.resolve(c.Dir, true)
	if err != nil {
		return c.failErr(c.Dir, err)
	}
	c.out.WriteString(real + "\n")
	return 0
}

// stat prints what is known of files.
func stat(c *Call) int {
	o := c.parse("Lc:ft", "dereference:L", "format:c", "printf=", "terse:t", "file-system:f")
	o.need(1)
	code := 0
	for _, name := range o.rest {
		look := c.lstat
		if o.has("L") {
			look = c.stat
		}
		info, err := look(name)
		if err != nil {
			c.errorf("cannot statx '%s': %s", name, errText(err))
			code = 1
			continue
		}
		switch {
		case o.has("printf"):
			c.out.WriteString(c.statFormat(unescape(o.value("printf", "")), name, info))
		case o.has("c"):
			c.out.WriteString(c.statFormat(o.value("c", ""), name, info) + "\n")
		default:
			c.out.WriteString(c.statFormat("  File: %N\n  Size: %-15s Blocks: %-10b IO Block: 4096   %F\nAccess: (%04a/%A)  Uid: ( 1000/%U)   Gid: ( 1000/%G)\nAccess: %x\nModify: %y\nChange: %z\n Birth: -\n", name, info))
		}
	}
	return code
}

func (c *Call) statFormat(format, name string, info fs.FileInfo) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		start := i
		for i++; i < len(format)-1 && strings.IndexByte("0123456789-+ #.", format[i]) >= 0; i++ {
		}
		fmt.Fprintf(&b, format[start:i]+"s", c.statField(format[i], name, info))
	}
	return b.String()
}

func (c *Call) statField(field byte, name string, info fs.FileInfo) string {
	owner, group := c.FS.Owner(info)
	when := info.ModTime().In(c.zone())
	switch field {
	case 'n':
		return name
	case 'N':
		if target, err := c.FS.Readlink(c.abs(name)); err == nil {
			return name + " -> " + target
		}
		return name
	case 's':
		return fmt.Sprint(info.Size())
	case 'b':
		return fmt.Sprint((info.Size() + 4095) / 4096 * 8)
	case 'B':
		return "512"
	case 'a':
		return strconv.FormatUint(uint64(info.Mode().Perm()), 8)
	case 'A':
		return modeText(info.Mode())
	case 'f':
		return strconv.FormatUint(uint64(info.Mode().Perm())|0o100000, 16)
	case 'F':
		return kindText(info)
	case 'u', 'g':
		return "1000"
	case 'U':
		return owner
	case 'G':
		return group
	case 'h', 'd', 'i':
		return "1"
	case 'x', 'y', 'z', 'w':
		return when.Format("2006-01-02 15:04:05.000000000 -0700")
	case 'X', 'Y', 'Z', 'W':
		return fmt.Sprint(when.Unix())
	case '%':
		return "%"
	}
	return "?"
}

func kindText(info fs.FileInfo) string {
	switch mode := info.Mode(); {
	case mode.IsDir():
		return "directory"
	case mode&fs.ModeSymlink != 0:
		return "symbolic link"
	case mode&fs.ModeCharDevice != 0:
		return "character special file"
	case info.Size() == 0:
		return "regular empty file"
	}
	return "regular file"
}
