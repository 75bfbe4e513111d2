package jail

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/tetratelabs/wazero/experimental/sys"
)

// The modes of what a WASI guest makes in a sandbox; WASI knows no modes.
const (
	homeFileMode = 0o644
	homeDirMode  = 0o755
)

// maxLinks is how many symbolic links one path may lead through, as on Linux.
const maxLinks = 40

// Usage is what the files of a folder take.
type Usage struct {
	Bytes int64 // as Limits.Bytes counts
	Files int   // files, folders and links, without the folder itself
	Links bool  // there are symbolic links
}

// Measure walks root and adds up what is in it.
func Measure(root *os.Root) (Usage, error) {
	var u Usage
	err := fs.WalkDir(root.FS(), ".", func(p string, e fs.DirEntry, err error) error {
		if err != nil || p == "." {
			return err
		}
		u.Files++
		u.Links = u.Links || e.Type()&fs.ModeSymlink != 0
		if !e.Type().IsRegular() {
			return nil
		}
		info, err := e.Info()
		if err == nil {
			u.Bytes += info.Size()
		}
		return err
	})
	if err != nil {
		return u, fmt.Errorf("measure the sandbox's files: %w", err)
	}
	return u, nil
}

// NewHome returns the file system of a sandbox: one that outlives its guests, in
// which what is there already counts against the limits, as used says. Guests may
// make symbolic links: a link's text is theirs, "/" in it is the root of this file
// system, and none leads out of it. Files have modes, but for the owner's right to
// read and write, which cannot be taken away; set-user-ID bits are dropped.
func NewHome(root *os.Root, limits Limits, used Usage) *FS {
	f := New(root, limits)
	f.home, f.linked = true, used.Links
	f.quota.bytes, f.quota.files = used.Bytes, used.Files
	return f
}

// SetLimits changes the limits. What is over them stays and cannot grow.
func (f *FS) SetLimits(limits Limits) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.quota.limits = limits
}

// Used returns what the files take now.
func (f *FS) Used() Usage {
	f.mu.Lock()
	defer f.mu.Unlock()
	return Usage{Bytes: f.quota.bytes, Files: f.quota.files, Links: f.linked}
}

// Refused returns the limit that was met since the last call, or "": the reason
// of an EIO.
func (f *FS) Refused() Limit {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.quota.refused
	f.quota.refused = ""
	return l
}

// Chmod sets the mode of what p leads to.
func (f *FS) Chmod(p string, mode fs.FileMode) sys.Errno {
	g, end, errno := f.begin(p, true)
	if errno != 0 {
		return errno
	}
	defer end()
	defer f.renamed()
	info, err := f.root.Lstat(g.name)
	switch {
	case err != nil:
		return errnoOf(err)
	case !isFileOrDir(info):
		return sys.EPERM
	case info.IsDir():
		mode |= 0o700
	}
	return errnoOf(f.root.Chmod(g.name, mode&fs.ModePerm|0o600))
}

// symlink makes a link with the text target.
func (f *FS) symlink(target, p string) sys.Errno {
	switch {
	case target == "":
		return sys.ENOENT
	case len(target) > maxPath:
		return sys.ENAMETOOLONG
	case strings.IndexByte(target, 0) >= 0 || !utf8.ValidString(target):
		return sys.EINVAL
	}
	g, end, errno := f.begin(p, false)
	if errno != 0 {
		return errno
	}
	defer end()
	defer f.renamed()
	if _, err := f.root.Lstat(g.name); err == nil {
		return sys.EEXIST
	}
	if errno := f.quota.addFile(); errno != 0 {
		return errno
	}
	if err := f.root.Symlink(target, g.name); err != nil {
		f.quota.giveBack(0)
		return f.quota.refusedBy(err)
	}
	f.linked = true
	return 0
}

func (f *FS) readlink(p string) (string, sys.Errno) {
	g, end, errno := f.begin(p, false)
	if errno != 0 {
		return "", errno
	}
	defer end()
	target, err := f.root.Readlink(g.name)
	return target, errnoOf(err)
}

// resolve replaces the links in a path by what they lead to, and the last
// component too if follow: what comes back has none, unless that is the last. A
// last component that is not there is left as it is. Preconditions: f.mu must be
// held.
func (f *FS) resolve(g guestPath, follow bool) (guestPath, sys.Errno) {
	follow = follow || g.wantDir
	todo, done := strings.Split(g.name, "/"), "."
	for links := 0; len(todo) > 0; {
		part := todo[0]
		todo = todo[1:]
		if part == ".." {
			done = path.Dir(done)
			continue
		}
		next := path.Join(done, part)
		if len(todo) == 0 && !follow {
			done = next
			break
		}
		info, err := f.root.Lstat(next)
		switch {
		case errors.Is(err, fs.ErrNotExist) && len(todo) == 0:
			done = next
		case err != nil:
			return g, errnoOf(err)
		case info.Mode()&fs.ModeSymlink != 0:
			if links++; links > maxLinks {
				return g, sys.ELOOP
			}
			target, err := f.root.Readlink(next)
			if err != nil {
				return g, errnoOf(err)
			}
			if path.IsAbs(target) {
				done = "."
			}
			todo = append(components(target), todo...)
		case len(todo) > 0 && !info.IsDir():
			return g, sys.ENOTDIR
		default:
			done = next
		}
	}
	g.name = done
	return g, checkComponents(done)
}

// components splits a link's text; what only repeats is left out.
func components(target string) []string {
	var parts []string
	for part := range strings.SplitSeq(target, "/") {
		if part != "" && part != "." {
			parts = append(parts, part)
		}
	}
	return parts
}
