package jail_test

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/tetratelabs/wazero/experimental/sys"

	"sandpiper/runtimes/wasm/jail"
)

const (
	createNew = sys.O_RDWR | sys.O_CREAT
	readOnly  = sys.O_RDONLY
)

var roomy = jail.Limits{Bytes: 1 << 20, Files: 100, OpenFiles: 16}

// newFS returns a file system over a fresh folder and the folder's host path.
func newFS(t *testing.T, limits jail.Limits) (*jail.FS, string) {
	t.Helper()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	f := jail.New(root, limits)
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Errorf("close the file system: %v", err)
		}
		_ = root.Close()
	})
	return f, dir
}

func mustOpen(t *testing.T, f sys.FS, path string, flag sys.Oflag) sys.File {
	t.Helper()
	h, errno := f.OpenFile(path, flag, 0o600)
	if errno != 0 {
		t.Fatalf("open %q: %v", path, errno)
	}
	return h
}

func mustWrite(t *testing.T, h sys.File, s string) {
	t.Helper()
	if n, errno := h.Write([]byte(s)); errno != 0 || n != len(s) {
		t.Fatalf("write %q: %d, %v", s, n, errno)
	}
}

func mustClose(t *testing.T, h sys.File) {
	t.Helper()
	wantErrno(t, "close", h.Close(), 0)
}

// put creates or replaces a file through the guest's own calls.
func put(t *testing.T, f sys.FS, path, content string) {
	t.Helper()
	h := mustOpen(t, f, path, createNew|sys.O_TRUNC)
	mustWrite(t, h, content)
	mustClose(t, h)
}

// get reads a whole file through the guest's own calls.
func get(t *testing.T, f sys.FS, path string) string {
	t.Helper()
	h := mustOpen(t, f, path, readOnly)
	defer mustClose(t, h)
	var all []byte
	buf := make([]byte, 7)
	for {
		n, errno := h.Read(buf)
		if errno != 0 {
			t.Fatalf("read %q: %v", path, errno)
		}
		if n == 0 {
			return string(all)
		}
		all = append(all, buf[:n]...)
	}
}

func wantErrno(t *testing.T, what string, got, want sys.Errno) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func names(entries []sys.Dirent) []string {
	var out []string
	for _, e := range entries {
		out = append(out, e.Name)
	}
	return out
}

func TestWriteThenRead(t *testing.T) {
	f, _ := newFS(t, roomy)
	wantErrno(t, "mkdir", f.Mkdir("a", 0o755), 0)
	put(t, f, "a/b.txt", "hello, world")
	if got := get(t, f, "a/b.txt"); got != "hello, world" {
		t.Errorf("read back %q", got)
	}
	st, errno := f.Stat("a/b.txt")
	wantErrno(t, "stat", errno, 0)
	if st.Size != 12 || !st.Mode.IsRegular() || st.Ino == 0 || st.Mtim == 0 {
		t.Errorf("stat: %+v", st)
	}
}

func TestOpenErrors(t *testing.T) {
	f, _ := newFS(t, roomy)
	wantErrno(t, "mkdir", f.Mkdir("dir", 0), 0)
	put(t, f, "file", "x")
	tests := []struct {
		name string
		path string
		flag sys.Oflag
		want sys.Errno
	}{
		{"missing", "nope", readOnly, sys.ENOENT},
		{"missing parent", "nope/new", createNew, sys.ENOENT},
		{"below a file", "file/x", readOnly, sys.ENOTDIR},
		{"exclusive on a file", "file", createNew | sys.O_EXCL, sys.EEXIST},
		{"folder for writing", "dir", sys.O_RDWR, sys.EISDIR},
		{"folder to create", "new/", createNew, sys.EISDIR},
		{"file as a folder", "file", sys.O_DIRECTORY, sys.ENOTDIR},
		{"file with a slash", "file/", readOnly, sys.ENOTDIR},
		{"empty", "", readOnly, sys.ENOENT},
		{"folder with write rights asked for", "dir", sys.O_DIRECTORY | sys.O_RDWR, 0},
		{"folder with a slash", "dir/", readOnly, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, errno := f.OpenFile(tt.path, tt.flag, 0o600)
			wantErrno(t, "open", errno, tt.want)
			if errno == 0 {
				mustClose(t, h)
			}
		})
	}
}

func TestAccessModeIsEnforced(t *testing.T) {
	f, _ := newFS(t, roomy)
	put(t, f, "file", "content")
	r := mustOpen(t, f, "file", readOnly)
	defer r.Close()
	_, errno := r.Write([]byte("x"))
	wantErrno(t, "write on read-only", errno, sys.EBADF)
	_, errno = r.Pwrite([]byte("x"), 0)
	wantErrno(t, "pwrite on read-only", errno, sys.EBADF)
	wantErrno(t, "truncate on read-only", r.Truncate(0), sys.EINVAL)

	w := mustOpen(t, f, "file", sys.O_WRONLY)
	defer w.Close()
	_, errno = w.Read(make([]byte, 1))
	wantErrno(t, "read on write-only", errno, sys.EBADF)

	d := mustOpen(t, f, ".", sys.O_DIRECTORY|sys.O_RDWR)
	defer d.Close()
	_, errno = d.Read(make([]byte, 1))
	wantErrno(t, "read a folder", errno, sys.EISDIR)
	_, errno = d.Write([]byte("x"))
	wantErrno(t, "write a folder", errno, sys.EBADF)
}

func TestOffsets(t *testing.T) {
	f, _ := newFS(t, roomy)
	h := mustOpen(t, f, "file", createNew)
	defer h.Close()
	mustWrite(t, h, "0123456789")

	n, errno := h.Pwrite([]byte("ab"), 4)
	if n != 2 || errno != 0 {
		t.Fatalf("pwrite: %d, %v", n, errno)
	}
	buf := make([]byte, 4)
	n, errno = h.Pread(buf, 3)
	if string(buf[:n]) != "3ab6" || errno != 0 {
		t.Errorf("pread: %q, %v", buf[:n], errno)
	}
	for _, tt := range []struct {
		name   string
		offset int64
		whence int
		want   int64
		errno  sys.Errno
	}{
		{"start", 2, io.SeekStart, 2, 0},
		{"current", 3, io.SeekCurrent, 5, 0},
		{"end", -1, io.SeekEnd, 9, 0},
		{"past the end", 5, io.SeekEnd, 15, 0},
		{"before the start", -1, io.SeekStart, 0, sys.EINVAL},
		{"overflow", 1<<63 - 1, io.SeekEnd, 0, sys.EINVAL},
		{"bad whence", 0, 9, 0, sys.EINVAL},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, errno := h.Seek(tt.offset, tt.whence)
			if got != tt.want || errno != tt.errno {
				t.Errorf("got %d, %v; want %d, %v", got, errno, tt.want, tt.errno)
			}
		})
	}
}

func TestAppend(t *testing.T) {
	f, _ := newFS(t, roomy)
	put(t, f, "log", "one\n")
	a := mustOpen(t, f, "log", createNew|sys.O_APPEND)
	b := mustOpen(t, f, "log", createNew|sys.O_APPEND)
	mustWrite(t, a, "two\n")
	mustWrite(t, b, "three\n")
	mustWrite(t, a, "four\n")
	wantErrno(t, "append off", a.SetAppend(false), 0)
	if _, errno := a.Seek(0, io.SeekStart); errno != 0 {
		t.Fatal(errno)
	}
	mustWrite(t, a, "ONE")
	mustClose(t, a)
	mustClose(t, b)
	if got, want := get(t, f, "log"), "ONE\ntwo\nthree\nfour\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestReaddir(t *testing.T) {
	f, dir := newFS(t, jail.Limits{Bytes: 1, Files: 2000, OpenFiles: 4})
	var want []string
	for i := range 1500 {
		name := fmt.Sprintf("f%04d", i)
		want = append(want, name)
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h := mustOpen(t, f, ".", sys.O_DIRECTORY)
	defer h.Close()
	for _, page := range []int{-1, 1, 7, 1499, 1500, 100000} {
		t.Run(fmt.Sprintf("pages of %d", page), func(t *testing.T) {
			if _, errno := h.Seek(0, io.SeekStart); errno != 0 {
				t.Fatal(errno)
			}
			var got []string
			for {
				entries, errno := h.Readdir(page)
				if errno != 0 {
					t.Fatal(errno)
				}
				if len(entries) == 0 {
					break
				}
				got = append(got, names(entries)...)
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %d names, want %d in order", len(got), len(want))
			}
		})
	}
}

// TestKeptEntries bounds what open folders keep, and drops what is not kept any more.
func TestKeptEntries(t *testing.T) {
	f, dir := newFS(t, jail.Limits{Bytes: 1 << 20, Files: 100, OpenFiles: 10})
	for i := range 10 {
		if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d, errno := f.OpenFile(".", sys.O_DIRECTORY, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	want := func(n int) {
		t.Helper()
		if got := f.Kept(0); got != n {
			t.Errorf("%d entries are kept, want %d", got, n)
		}
	}
	read := func(n int) {
		t.Helper()
		if all, errno := d.Readdir(n); errno != 0 || len(all) != n {
			t.Errorf("%d entries of %d, %v", len(all), n, errno)
		}
	}
	read(9)
	want(10)
	read(1)
	want(0)
	_, _ = d.Seek(0, io.SeekStart)
	read(3)
	_, _ = d.Seek(0, io.SeekStart)
	want(0)
	f.Kept(jail.MaxKept - 9)
	if _, errno := d.Readdir(1); errno != sys.EIO || f.Exceeded() == nil {
		t.Errorf("over the limit: %v, %v", errno, f.Exceeded())
	}
	f.Kept(-1)
	read(3)
	if errno := d.Close(); errno != 0 {
		t.Error(errno)
	}
	want(jail.MaxKept - 10)
}

func TestReaddirAgreesWithStat(t *testing.T) {
	f, _ := newFS(t, roomy)
	wantErrno(t, "mkdir", f.Mkdir("sub", 0), 0)
	put(t, f, "sub/file", "x")
	wantErrno(t, "mkdir", f.Mkdir("sub/dir", 0), 0)
	h := mustOpen(t, f, "sub", sys.O_DIRECTORY)
	defer h.Close()
	wantErrno(t, "rename while open", f.Rename("sub", "moved"), 0)
	entries, errno := h.Readdir(-1)
	wantErrno(t, "readdir", errno, 0)
	for _, e := range entries {
		st, errno := f.Lstat("moved/" + e.Name)
		wantErrno(t, "lstat "+e.Name, errno, 0)
		if st.Ino != e.Ino || st.Mode.Type() != e.Type {
			t.Errorf("%s: entry %+v, stat %+v", e.Name, e, st)
		}
	}
	if len(entries) != 2 {
		t.Errorf("got %d entries, want 2", len(entries))
	}
}

func TestRename(t *testing.T) {
	setUp := func(t *testing.T) *jail.FS {
		f, _ := newFS(t, roomy)
		for _, d := range []string{"empty", "full", "other"} {
			wantErrno(t, "mkdir", f.Mkdir(d, 0), 0)
		}
		put(t, f, "full/x", "x")
		put(t, f, "a", "A")
		put(t, f, "b", "B")
		return f
	}
	tests := []struct {
		name, from, to string
		want           sys.Errno
	}{
		{"to a new name", "a", "c", 0},
		{"over a file", "a", "b", 0},
		{"to itself", "a", "a", 0},
		{"into a folder", "a", "empty/a", 0},
		{"a folder over an empty one", "full", "empty", 0},
		{"a folder over a full one", "empty", "full", sys.ENOTEMPTY},
		{"a file over a folder", "a", "empty", sys.EISDIR},
		{"a folder over a file", "empty", "a", sys.ENOTDIR},
		{"a folder into itself", "full", "full/sub", sys.EINVAL},
		{"below a missing folder", "a", "nope/a", sys.ENOENT},
		{"below a file", "a", "b/a", sys.ENOTDIR},
		{"the root", ".", "x", sys.EINVAL},
		{"over the root", "a", ".", sys.EINVAL},
		{"missing", "nope", "x", sys.ENOENT},
		{"a file with a slash", "a/", "x", sys.ENOTDIR},
		{"out", "a", "../a", sys.EPERM},
		{"in", "../a", "a", sys.EPERM},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantErrno(t, "rename", setUp(t).Rename(tt.from, tt.to), tt.want)
		})
	}
}

func TestRemove(t *testing.T) {
	f, _ := newFS(t, roomy)
	wantErrno(t, "mkdir", f.Mkdir("d", 0), 0)
	wantErrno(t, "mkdir again", f.Mkdir("d", 0), sys.EEXIST)
	put(t, f, "d/x", "x")
	wantErrno(t, "rmdir of a full folder", f.Rmdir("d"), sys.ENOTEMPTY)
	wantErrno(t, "unlink of a folder", f.Unlink("d"), sys.EISDIR)
	wantErrno(t, "rmdir of a file", f.Rmdir("d/x"), sys.ENOTDIR)
	wantErrno(t, "unlink with a slash", f.Unlink("d/x/"), sys.ENOTDIR)
	wantErrno(t, "unlink", f.Unlink("d/x"), 0)
	wantErrno(t, "unlink again", f.Unlink("d/x"), sys.ENOENT)
	wantErrno(t, "rmdir", f.Rmdir("d"), 0)
	wantErrno(t, "rmdir of the root", f.Rmdir("."), sys.EINVAL)
}

func TestUnlinkedFileStaysUsable(t *testing.T) {
	f, _ := newFS(t, roomy)
	h := mustOpen(t, f, "temp", createNew)
	mustWrite(t, h, "still here")
	wantErrno(t, "unlink", f.Unlink("temp"), 0)
	buf := make([]byte, 20)
	n, errno := h.Pread(buf, 0)
	if string(buf[:n]) != "still here" || errno != 0 {
		t.Errorf("read %q, %v", buf[:n], errno)
	}
	mustClose(t, h)
	_, errno = f.Stat("temp")
	wantErrno(t, "stat", errno, sys.ENOENT)
}

func TestUtimens(t *testing.T) {
	f, _ := newFS(t, roomy)
	h := mustOpen(t, f, "file", createNew)
	defer h.Close()
	const atim, mtim = 1_000_000_000_000_000_000, 1_100_000_000_000_000_000
	wantErrno(t, "by path", f.Utimens("file", atim, mtim), 0)
	wantErrno(t, "by file", h.Utimens(sys.UTIME_OMIT, mtim+5_000_000_000), 0)
	st, errno := f.Stat("file")
	wantErrno(t, "stat", errno, 0)
	if st.Atim != atim || st.Mtim != mtim+5_000_000_000 {
		t.Errorf("times are %d and %d", st.Atim, st.Mtim)
	}
	wantErrno(t, "rename", f.Rename("file", "moved"), 0)
	wantErrno(t, "by file after a rename", h.Utimens(atim, mtim), sys.ENOSYS)
}

func TestTruncate(t *testing.T) {
	f, _ := newFS(t, roomy)
	h := mustOpen(t, f, "file", createNew)
	mustWrite(t, h, "0123456789")
	wantErrno(t, "shrink", h.Truncate(3), 0)
	wantErrno(t, "grow", h.Truncate(5), 0)
	wantErrno(t, "negative", h.Truncate(-1), sys.EINVAL)
	mustClose(t, h)
	if got := get(t, f, "file"); got != "012\x00\x00" {
		t.Errorf("got %q", got)
	}
	put(t, f, "file", "new")
	if got := get(t, f, "file"); got != "new" {
		t.Errorf("after O_TRUNC: %q", got)
	}
}

func TestCloseClosesEverything(t *testing.T) {
	f, _ := newFS(t, roomy)
	h := mustOpen(t, f, "file", createNew)
	d := mustOpen(t, f, ".", sys.O_DIRECTORY)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	_, errno := h.Write([]byte("x"))
	wantErrno(t, "write", errno, sys.EBADF)
	_, errno = d.Readdir(-1)
	wantErrno(t, "readdir", errno, sys.EBADF)
	wantErrno(t, "close a file again", h.Close(), sys.EBADF)
	_, errno = f.OpenFile("file", readOnly, 0)
	wantErrno(t, "open", errno, sys.EBADF)
	wantErrno(t, "unlink", f.Unlink("file"), sys.EBADF)
}

func TestNonblockIsAccepted(t *testing.T) {
	f, _ := newFS(t, roomy)
	h := mustOpen(t, f, "file", createNew|sys.O_NONBLOCK).(sys.PollableFile)
	defer h.Close()
	if !h.IsNonblock() {
		t.Error("O_NONBLOCK was forgotten")
	}
	wantErrno(t, "set", h.SetNonblock(false), 0)
	if ready, errno := h.Poll(sys.POLLIN, 0); !ready || errno != 0 || h.IsNonblock() {
		t.Errorf("poll: %v, %v; nonblock %v", ready, errno, h.IsNonblock())
	}
}

func TestNewFilesArePrivate(t *testing.T) {
	f, dir := newFS(t, roomy)
	put(t, f, "file", "x")
	wantErrno(t, "mkdir", f.Mkdir("dir", 0o777), 0)
	for name, want := range map[string]fs.FileMode{"file": 0o600, "dir": 0o700} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got&^want != 0 {
			t.Errorf("%s has mode %o, want at most %o", name, got, want)
		}
	}
}
