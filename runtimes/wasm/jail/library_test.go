package jail_test

import (
	"io"
	"io/fs"
	"reflect"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tetratelabs/wazero/experimental/sys"

	"sandpiper/runtimes/wasm/jail"
)

var tree = fstest.MapFS{
	"lib/helper.py": {Data: []byte("print('helper')")},
	"lib/sub/x.py":  {Data: []byte("x"), ModTime: time.Unix(1000, 0)},
	"lib/link":      {Data: []byte("/etc/passwd"), Mode: fs.ModeSymlink},
	"top.txt":       {Data: []byte("0123456789")},
}

// streams hides everything but reading, as an archive's files do.
type streams struct{ fs.FS }

func (s streams) Open(name string) (fs.File, error) {
	f, err := s.FS.Open(name)
	if _, isDir := f.(fs.ReadDirFile); err != nil || isDir {
		return f, err
	}
	return struct{ fs.File }{f}, nil
}

func TestLibraryReads(t *testing.T) {
	for name, files := range map[string]fs.FS{"in place": tree, "a stream": streams{tree}} {
		t.Run(name, func(t *testing.T) {
			l := jail.NewLibrary(files, 4)
			if got := get(t, l, "lib/helper.py"); got != "print('helper')" {
				t.Errorf("read %q", got)
			}
			h := mustOpen(t, l, "top.txt", readOnly)
			defer h.Close()
			buf := make([]byte, 4)
			if n, errno := h.Pread(buf, 8); string(buf[:n]) != "89" || errno != 0 {
				t.Errorf("pread %q, %v", buf[:n], errno)
			}
			if at, errno := h.Seek(-3, io.SeekEnd); at != 7 || errno != 0 {
				t.Errorf("seek to %d, %v", at, errno)
			}
			if n, errno := h.Read(buf); string(buf[:n]) != "789" || errno != 0 {
				t.Errorf("read %q, %v", buf[:n], errno)
			}
			_, errno := h.Seek(-11, io.SeekEnd)
			wantErrno(t, "seek before the start", errno, sys.EINVAL)
			if n, errno := h.Pread(buf, 1<<62); n != 0 || errno != 0 {
				t.Errorf("pread past the end: %d, %v", n, errno)
			}
		})
	}
}

func TestLibraryStat(t *testing.T) {
	l := jail.NewLibrary(tree, 4)
	st, errno := l.Stat("lib/helper.py")
	if errno != 0 || st.Size != 15 || st.Mtim != 0 || !st.Mode.IsRegular() || st.Ino == 0 {
		t.Errorf("got %+v, %v", st, errno)
	}
	if st, _ := l.Stat("lib/sub/x.py"); st.Mtim != 1000e9 {
		t.Errorf("modified at %d", st.Mtim)
	}
	if st, _ := l.Stat("lib/"); !st.Mode.IsDir() {
		t.Errorf("lib is %v", st.Mode)
	}
	for p, want := range map[string]sys.Errno{
		"nope": sys.ENOENT, "top.txt/": sys.ENOTDIR, "../x": sys.EPERM, "/top.txt": sys.EPERM, "lib/link": sys.ENOENT,
	} {
		_, errno := l.Lstat(p)
		wantErrno(t, p, errno, want)
	}
}

func TestLibraryReaddir(t *testing.T) {
	l := jail.NewLibrary(tree, 4)
	h := mustOpen(t, l, "lib", sys.O_DIRECTORY)
	defer h.Close()
	for range 2 {
		var got []string
		for {
			entries, errno := h.Readdir(1)
			wantErrno(t, "readdir", errno, 0)
			if len(entries) == 0 {
				break
			}
			got = append(got, names(entries)...)
			if st, errno := l.Stat("lib/" + entries[0].Name); errno != 0 || st.Ino != entries[0].Ino {
				t.Errorf("%s: entry %d, stat %d, %v", entries[0].Name, entries[0].Ino, st.Ino, errno)
			}
		}
		if !slices.Equal(got, []string{"helper.py", "sub"}) {
			t.Errorf("listed %q", got)
		}
		if _, errno := h.Seek(0, io.SeekStart); errno != 0 {
			t.Fatal(errno)
		}
	}
}

func TestLibraryCannotBeChanged(t *testing.T) {
	l := jail.NewLibrary(tree, 4)
	before := len(tree)
	tests := []struct {
		path string
		flag sys.Oflag
		want sys.Errno
	}{
		{"top.txt", sys.O_RDWR, sys.EROFS},
		{"top.txt", sys.O_WRONLY, sys.EROFS},
		{"top.txt", sys.O_TRUNC, sys.EROFS},
		{"new", createNew, sys.EROFS},
		{"top.txt", createNew | sys.O_EXCL, sys.EEXIST},
		{"lib", sys.O_RDWR, sys.EISDIR},
		{"top.txt", sys.O_DIRECTORY, sys.ENOTDIR},
	}
	for _, tt := range tests {
		_, errno := l.OpenFile(tt.path, tt.flag, 0)
		wantErrno(t, "open "+tt.path, errno, tt.want)
	}
	for what, got := range map[string]sys.Errno{
		"mkdir": l.Mkdir("x", 0), "rmdir": l.Rmdir("lib"), "unlink": l.Unlink("top.txt"), "rename": l.Rename("top.txt", "x"),
		"link": l.Link("top.txt", "x"), "symlink": l.Symlink("top.txt", "x"), "utimens": l.Utimens("top.txt", 0, 0),
	} {
		wantErrno(t, what, got, sys.EROFS)
	}
	h := mustOpen(t, l, "top.txt", readOnly)
	defer h.Close()
	_, errno := h.Write([]byte("x"))
	wantErrno(t, "write", errno, sys.EBADF)
	wantErrno(t, "truncate", h.Truncate(0), sys.EINVAL)
	if len(tree) != before {
		t.Error("the tree was changed")
	}
}

func TestLibraryOpenFilesAreCapped(t *testing.T) {
	l := jail.NewLibrary(tree, 2)
	a, b := mustOpen(t, l, "top.txt", readOnly), mustOpen(t, l, ".", sys.O_DIRECTORY)
	_, errno := l.OpenFile("top.txt", readOnly, 0)
	wantErrno(t, "one too many", errno, sys.EIO)
	mustClose(t, a)
	wantErrno(t, "close again", a.Close(), sys.EBADF)
	_, errno = a.Read(make([]byte, 1))
	wantErrno(t, "read after close", errno, sys.EBADF)
	mustClose(t, mustOpen(t, l, "top.txt", readOnly))
	mustClose(t, b)
	if !reflect.DeepEqual(get(t, l, "top.txt"), "0123456789") {
		t.Error("the file is not the same any more")
	}
}
