package jail_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/tetratelabs/wazero/experimental/sys"

	"sandpiper/runtimes/wasm/jail"
)

const secret = "the host's secret"

// newJail returns a file system over HOST/run, beside which are a secret file
// and a secret folder that no guest may reach, and the path HOST.
func newJail(t *testing.T, limits jail.Limits) (*jail.FS, string) {
	t.Helper()
	f, dir := newFS(t, limits)
	host := filepath.Join(dir, "..")
	for _, name := range []string{"secret", "secrets/secret"} {
		p := filepath.Join(host, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { checkSecret(t, host) })
	return f, dir
}

// checkSecret fails when a guest changed something outside its folder.
func checkSecret(t *testing.T, host string) {
	t.Helper()
	for _, name := range []string{"secret", "secrets/secret"} {
		if b, err := os.ReadFile(filepath.Join(host, name)); err != nil || string(b) != secret {
			t.Errorf("%s was changed to %q, %v", name, b, err)
		}
	}
	if entries, err := os.ReadDir(filepath.Join(host, "secrets")); err != nil || len(entries) != 1 {
		t.Errorf("the folder of secrets has %d entries, %v", len(entries), err)
	}
}

func TestPathsThatLeaveAreRefused(t *testing.T) {
	f, dir := newJail(t, roomy)
	wantErrno(t, "mkdir", f.Mkdir("sub", 0), 0)
	paths := []string{
		"..", "../", "../secret", "../../../../../../etc/passwd", "sub/../../secret", "sub/../../secrets/secret",
		"/", "/etc/passwd", "//etc/passwd", filepath.Join(dir, "../secret"), "./../secret", "sub/./.././../secret",
	}
	for _, p := range paths {
		t.Run(p, func(t *testing.T) {
			for name, op := range pathOps(f, p) {
				wantErrno(t, name, op(), sys.EPERM)
			}
		})
	}
}

// pathOps are all the ways to hand a path to a file system.
func pathOps(f sys.FS, p string) map[string]func() sys.Errno {
	open := func(flag sys.Oflag) sys.Errno {
		h, errno := f.OpenFile(p, flag, 0o600)
		if errno == 0 {
			_ = h.Close()
		}
		return errno
	}
	return map[string]func() sys.Errno{
		"open":         func() sys.Errno { return open(sys.O_RDONLY) },
		"open to list": func() sys.Errno { return open(sys.O_DIRECTORY) },
		"create":       func() sys.Errno { return open(sys.O_RDWR | sys.O_CREAT | sys.O_TRUNC) },
		"stat":         func() sys.Errno { _, errno := f.Stat(p); return errno },
		"lstat":        func() sys.Errno { _, errno := f.Lstat(p); return errno },
		"readlink":     func() sys.Errno { _, errno := f.Readlink(p); return errno },
		"mkdir":        func() sys.Errno { return f.Mkdir(p, 0o700) },
		"rmdir":        func() sys.Errno { return f.Rmdir(p) },
		"unlink":       func() sys.Errno { return f.Unlink(p) },
		"utimens":      func() sys.Errno { return f.Utimens(p, 0, 0) },
		"rename away":  func() sys.Errno { return f.Rename(p, "sub/stolen") },
		"rename onto":  func() sys.Errno { return f.Rename("sub", p) },
	}
}

func TestBadNamesAreRefused(t *testing.T) {
	f, _ := newJail(t, roomy)
	tests := []struct {
		name, path string
		want       sys.Errno
	}{
		{"NUL at the end", "file\x00", sys.EINVAL},
		{"NUL before a slash", "a\x00/../../secret", sys.EINVAL},
		{"not UTF-8", "file\xff", sys.EINVAL},
		{"long component", strings.Repeat("n", 256), sys.ENAMETOOLONG},
		{"long path", strings.Repeat("d/", 3000), sys.ENAMETOOLONG},
		{"many components", strings.Repeat("d/", 200), sys.ENAMETOOLONG},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for name, op := range pathOps(f, tt.path) {
				wantErrno(t, name, op(), tt.want)
			}
		})
	}
	put(t, f, strings.Repeat("n", 255), "the longest name")
}

func TestLinksCannotBeMade(t *testing.T) {
	f, dir := newJail(t, roomy)
	put(t, f, "file", "x")
	for _, target := range []string{"file", "../secret", "/etc/passwd", "../../../etc/passwd", ".."} {
		wantErrno(t, "symlink to "+target, f.Symlink(target, "link"), sys.EPERM)
		wantErrno(t, "hard link to "+target, f.Link(target, "link"), sys.EPERM)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the folder has %d entries, %v", len(entries), err)
	}
}

// Links that the host put into the folder before the run must not lead out.
func TestHostLinksDoNotLeadOut(t *testing.T) {
	f, dir := newJail(t, roomy)
	for name, target := range map[string]string{
		"absolute": "/etc/passwd", "relative": "../secret", "parent": "..", "folder": "../secrets",
		"self": "self", "chain": "relative", "dangling": "../new",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []string{
		"absolute", "relative", "parent", "parent/secret", "parent/secrets/secret", "folder", "folder/secret", "folder/new",
		"self", "chain", "dangling",
	} {
		t.Run(p, func(t *testing.T) {
			for _, flag := range []sys.Oflag{sys.O_RDONLY, sys.O_DIRECTORY, createNew, createNew | sys.O_TRUNC, sys.O_NOFOLLOW} {
				if h, errno := f.OpenFile(p, flag, 0o600); errno == 0 {
					t.Errorf("opened with flags %b", flag)
					_ = h.Close()
				}
			}
			if st, errno := f.Stat(p); errno == 0 {
				t.Errorf("stat gave %+v", st)
			}
			if target, errno := f.Readlink(p); errno == 0 || target != "" {
				t.Errorf("readlink gave %q", target)
			}
			if errno := f.Utimens(p, 0, 0); errno == 0 {
				t.Error("times were set")
			}
		})
	}
	for _, p := range []string{"parent/stolen", "folder/stolen"} {
		if errno := f.Mkdir(p, 0); errno == 0 {
			t.Errorf("made %s", p)
		}
		put(t, f, "mine", "x")
		if errno := f.Rename("mine", p); errno == 0 {
			t.Errorf("renamed to %s", p)
		}
	}
	if errno := f.Unlink("folder/secret"); errno == 0 {
		t.Error("unlinked through a link")
	}
	wantErrno(t, "unlink of the link itself", f.Unlink("relative"), 0)
}

func TestHostLinksWithinTheFolderWork(t *testing.T) {
	f, dir := newJail(t, roomy)
	put(t, f, "file", "content")
	if err := os.Symlink("file", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if got := get(t, f, "link"); got != "content" {
		t.Errorf("read %q", got)
	}
	_, errno := f.OpenFile("link", sys.O_NOFOLLOW, 0)
	wantErrno(t, "open without following", errno, sys.ELOOP)
	st, errno := f.Lstat("link")
	if errno != 0 || st.Mode&fs.ModeSymlink == 0 {
		t.Errorf("lstat: %v, %v", st.Mode, errno)
	}
}

func TestSpecialFilesAreRefused(t *testing.T) {
	f, dir := newJail(t, roomy)
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	socket, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(socket)
	if err := syscall.Bind(socket, &syscall.SockaddrUnix{Name: filepath.Join(dir, "socket")}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"fifo", "socket"} {
		for _, flag := range []sys.Oflag{sys.O_RDONLY, sys.O_WRONLY, sys.O_RDWR, createNew, sys.O_NONBLOCK} {
			_, errno := f.OpenFile(name, flag, 0o600)
			wantErrno(t, fmt.Sprintf("open %s with %b", name, flag), errno, sys.EPERM)
		}
	}
}

func TestHostMetadataIsHidden(t *testing.T) {
	f, dir := newJail(t, roomy)
	put(t, f, "file", "x")
	info, err := os.Stat(filepath.Join(dir, "file"))
	if err != nil {
		t.Fatal(err)
	}
	host := info.Sys().(*syscall.Stat_t)
	st, errno := f.Stat("file")
	wantErrno(t, "stat", errno, 0)
	if st.Ino == host.Ino || st.Dev == uint64(host.Dev) {
		t.Errorf("guest sees inode %d of device %d, which are the host's", st.Ino, st.Dev)
	}
	h := mustOpen(t, f, "file", readOnly)
	defer h.Close()
	ino, _ := h.Ino()
	dev, _ := h.Dev()
	if again, _ := h.Stat(); again.Ino != st.Ino || ino != st.Ino || dev != st.Dev || again.Dev != st.Dev {
		t.Error("the same file has two identities")
	}
	other, _ := newFS(t, roomy)
	put(t, other, "file", "x")
	if st2, _ := other.Stat("."); st2.Ino == 0 {
		t.Error("no inode number")
	}
}

func TestOpenFilesAreCapped(t *testing.T) {
	f, _ := newJail(t, jail.Limits{Bytes: 10, Files: 10, OpenFiles: 5})
	put(t, f, "file", "x")
	var open []sys.File
	for i := range 10_000 {
		h, errno := f.OpenFile([]string{"file", "."}[i%2], readOnly, 0)
		if errno == 0 {
			open = append(open, h)
		} else if errno != sys.EIO {
			t.Fatalf("open %d: %v", i, errno)
		}
	}
	if len(open) != 5 {
		t.Errorf("%d files were open at once, want 5", len(open))
	}
	wantLimit(t, f, jail.LimitOpenFiles, "a run may have 5 files open at once")
	mustClose(t, open[0])
	mustClose(t, mustOpen(t, f, "file", readOnly))
}

func wantLimit(t *testing.T, f *jail.FS, limit jail.Limit, text string) {
	t.Helper()
	e := f.Exceeded()
	if e == nil || e.Limit != limit || e.Error() != text {
		t.Errorf("the limit that was hit is %v, want %s: %s", e, limit, text)
	}
}

func TestDiskCannotBeFilled(t *testing.T) {
	const limit = 1 << 20
	tests := []struct {
		name string
		fill func(t *testing.T, f *jail.FS) sys.Errno
	}{
		{"one large file", func(t *testing.T, f *jail.FS) sys.Errno {
			return writeUntilRefused(mustOpen(t, f, "a", createNew))
		}},
		{"by appending", func(t *testing.T, f *jail.FS) sys.Errno {
			return writeUntilRefused(mustOpen(t, f, "a", createNew|sys.O_APPEND))
		}},
		{"many files", func(t *testing.T, f *jail.FS) sys.Errno {
			for i := range 100 {
				h := mustOpen(t, f, fmt.Sprint(i), createNew)
				n, errno := h.Write(make([]byte, 100_000))
				mustClose(t, h)
				if errno != 0 || n == 0 {
					return errno
				}
			}
			return 0
		}},
		{"files without a name", func(t *testing.T, f *jail.FS) sys.Errno {
			for range 10 {
				h := mustOpen(t, f, "a", createNew)
				wantErrno(t, "unlink", f.Unlink("a"), 0)
				if _, errno := h.Write(make([]byte, 400_000)); errno != 0 {
					return errno
				}
			}
			return 0
		}},
		{"replaced while open", func(t *testing.T, f *jail.FS) sys.Errno {
			for range 10 {
				h := mustOpen(t, f, "new", createNew)
				if _, errno := h.Write(make([]byte, 400_000)); errno != 0 {
					return errno
				}
				wantErrno(t, "rename", f.Rename("new", "old"), 0)
			}
			return 0
		}},
		{"a hole of 1 TB by truncate", func(t *testing.T, f *jail.FS) sys.Errno {
			return mustOpen(t, f, "a", createNew).Truncate(1 << 40)
		}},
		{"a hole of 1 TB by pwrite", func(t *testing.T, f *jail.FS) sys.Errno {
			_, errno := mustOpen(t, f, "a", createNew).Pwrite([]byte("x"), 1<<40)
			return errno
		}},
		{"a hole of 1 TB by seek", func(t *testing.T, f *jail.FS) sys.Errno {
			h := mustOpen(t, f, "a", createNew)
			if _, errno := h.Seek(1<<40, io.SeekStart); errno != 0 {
				return errno
			}
			_, errno := h.Write([]byte("x"))
			return errno
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, dir := newJail(t, jail.Limits{Bytes: limit, Files: 100, OpenFiles: 100})
			wantErrno(t, "fill", tt.fill(t, f), sys.EIO)
			wantLimit(t, f, jail.LimitBytes, "a run may write 1 MiB of files at most")
			if used, _, _ := f.Usage(); used > limit || diskUse(t, dir) > limit {
				t.Errorf("%d bytes are counted and %d are there", used, diskUse(t, dir))
			}
		})
	}
}

func writeUntilRefused(h sys.File) sys.Errno {
	for range 10_000 {
		if _, errno := h.Write(make([]byte, 1000)); errno != 0 {
			return errno
		}
	}
	return 0
}

// diskUse adds up the sizes of the files below dir.
func diskUse(t *testing.T, dir string) int64 {
	t.Helper()
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestWritingInPlaceIsFree(t *testing.T) {
	f, _ := newJail(t, jail.Limits{Bytes: 1000, Files: 1, OpenFiles: 1})
	h := mustOpen(t, f, "a", createNew)
	defer h.Close()
	for range 5000 {
		if _, errno := h.Pwrite(make([]byte, 1000), 0); errno != 0 {
			t.Fatal(errno)
		}
	}
	for range 5000 {
		wantErrno(t, "shrink", h.Truncate(0), 0)
		if _, errno := h.Pwrite(make([]byte, 1000), 0); errno != 0 {
			t.Fatal(errno)
		}
	}
	if e := f.Exceeded(); e != nil {
		t.Errorf("a limit was hit: %v", e)
	}
}

func TestRemovingGivesBack(t *testing.T) {
	f, _ := newJail(t, jail.Limits{Bytes: 1000, Files: 2, OpenFiles: 2})
	for range 50 {
		wantErrno(t, "mkdir", f.Mkdir("d", 0), 0)
		put(t, f, "d/a", strings.Repeat("x", 1000))
		wantErrno(t, "unlink", f.Unlink("d/a"), 0)
		put(t, f, "d/b", strings.Repeat("x", 1000))
		wantErrno(t, "rename", f.Rename("d/b", "b"), 0)
		wantErrno(t, "rmdir", f.Rmdir("d"), 0)
		wantErrno(t, "unlink", f.Unlink("b"), 0)
	}
	if used, files, open := f.Usage(); used != 0 || files != 0 || open != 0 {
		t.Errorf("%d bytes, %d files and %d open files are still counted", used, files, open)
	}
}

func TestFilesAreCapped(t *testing.T) {
	f, dir := newJail(t, jail.Limits{Bytes: 10, Files: 10, OpenFiles: 100})
	made := 0
	for i := range 1000 {
		if errno := f.Mkdir(fmt.Sprintf("d%d", i), 0); errno == 0 {
			made++
		}
		if h, errno := f.OpenFile(fmt.Sprintf("f%d", i), createNew, 0); errno == 0 {
			made++
			mustClose(t, h)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || made != 10 || len(entries) != 10 {
		t.Errorf("made %d, found %d, %v; want 10", made, len(entries), err)
	}
	wantLimit(t, f, jail.LimitFiles, "a run may create 10 files and folders at most")
}

func TestFailedCreationsCostNothing(t *testing.T) {
	f, _ := newJail(t, jail.Limits{Bytes: 10, Files: 2, OpenFiles: 2})
	put(t, f, "file", "x")
	for range 100 {
		_, errno := f.OpenFile("nope/new", createNew, 0)
		wantErrno(t, "create below nothing", errno, sys.ENOENT)
		wantErrno(t, "mkdir below nothing", f.Mkdir("nope/new", 0), sys.ENOENT)
		wantErrno(t, "mkdir of a file", f.Mkdir("file", 0), sys.EEXIST)
		_, errno = f.OpenFile("file", createNew|sys.O_EXCL, 0)
		wantErrno(t, "exclusive", errno, sys.EEXIST)
	}
	wantErrno(t, "the last file", f.Mkdir("dir", 0), 0)
}

// A tree that grows by being moved into itself must stay as shallow as one made
// folder by folder: removing it costs the host a descriptor a level.
func TestFoldersCannotBeDeep(t *testing.T) {
	f, dir := newJail(t, jail.Limits{Bytes: 10, Files: 1000, OpenFiles: 10})
	deep := "d"
	for f.Mkdir(deep, 0) == 0 {
		deep += "/d"
	}
	for range 3 {
		wantErrno(t, "mkdir", f.Mkdir("e", 0), 0)
		long := "e"
		for range 100 {
			long += "/e"
			wantErrno(t, "mkdir", f.Mkdir(long, 0), 0)
		}
		wantErrno(t, "rename a deep tree into a deep tree", f.Rename("d", long+"/d"), sys.ENAMETOOLONG)
		wantErrno(t, "rename", f.Rename("e", fmt.Sprintf("e%p", &long)), 0)
	}
	deepest := 0
	err := filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		deepest = max(deepest, strings.Count(strings.TrimPrefix(p, dir), "/"))
		return err
	})
	if err != nil || deepest != 128 {
		t.Errorf("the deepest folder is at level %d, %v; want 128", deepest, err)
	}
}

// An attacker who could change the tree between our check and the host's use
// of a path still gets nothing: every component is opened below its parent.
func TestRacesDoNotLeadOut(t *testing.T) {
	f, dir := newJail(t, jail.Limits{Bytes: 1 << 30, Files: 1 << 30, OpenFiles: 16})
	good, evil := filepath.Join(dir, "good"), filepath.Join(dir, "evil")
	if err := errors.Join(os.Mkdir(good, 0o700), os.WriteFile(filepath.Join(good, "secret"), []byte("harmless"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "../secrets"), evil); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var attacker sync.WaitGroup
	attacker.Go(func() { swap(dir, stop) })
	opened, refused := 0, 0
	for range 5000 {
		h, errno := f.OpenFile("now/secret", sys.O_RDWR, 0)
		if errno != 0 {
			refused++
		} else {
			opened++
			buf := make([]byte, 64)
			n, _ := h.Read(buf)
			if got := string(buf[:n]); got != "harmless" {
				t.Errorf("read %q", got)
			}
			_ = h.Close()
		}
		if h, errno := f.OpenFile("now/planted", createNew, 0); errno == 0 {
			_ = h.Close()
			_ = f.Unlink("now/planted")
		}
		_ = f.Mkdir("now/dir", 0)
		_ = f.Rmdir("now/dir")
		_ = f.Unlink("now/planted")
	}
	close(stop)
	attacker.Wait()
	if opened == 0 || refused == 0 {
		t.Errorf("the race never had both outcomes: %d opened, %d refused", opened, refused)
	}
}

// swap lets the name "now" stand for a folder and a link in turn.
func swap(dir string, stop <-chan struct{}) {
	now := filepath.Join(dir, "now")
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		other := filepath.Join(dir, []string{"good", "evil"}[i%2])
		if os.Rename(other, now) == nil {
			runtime.Gosched()
			_ = os.Rename(now, other)
		}
	}
}

// Several goroutines in one file system: the race detector watches, and the
// account is right in the end.
func TestConcurrentUseKeepsTheAccount(t *testing.T) {
	limits := jail.Limits{Bytes: 50_000, Files: 20, OpenFiles: 8}
	f, dir := newJail(t, limits)
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 300 {
				name, other := fmt.Sprintf("f%d", (i*7+g)%10), fmt.Sprintf("f%d", (i*3+g)%10)
				if h, errno := f.OpenFile(name, createNew, 0); errno == 0 {
					_, _ = h.Pwrite(make([]byte, 100), int64(i*37%9000))
					_ = h.Truncate(int64(i * 11 % 9000))
					_, _ = h.Stat()
					_ = h.Close()
				}
				_ = f.Rename(name, other)
				_ = f.Unlink(fmt.Sprintf("f%d", i%10))
				_, _ = f.Stat(other)
			}
		})
	}
	all.Wait()
	bytes, files, open := f.Usage()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if bytes != diskUse(t, dir) || files != len(entries) || open != 0 {
		t.Errorf("counted %d bytes, %d files, %d open; the disk has %d bytes and %d files", bytes, files, open, diskUse(t, dir), len(entries))
	}
}

func TestCloseWhileInUse(t *testing.T) {
	f, _ := newJail(t, roomy)
	var guest sync.WaitGroup
	guest.Go(func() {
		for {
			h, errno := f.OpenFile("file", createNew, 0)
			if errno == sys.EBADF {
				return
			}
			if errno == 0 {
				_, _ = h.Write([]byte("x"))
				_ = h.Close()
			}
		}
	})
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	guest.Wait()
}
