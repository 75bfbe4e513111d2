package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero/experimental/sys"

	"sandpiper/runtimes/wasm/frame"
	"sandpiper/runtimes/wasm/jail"
)

// home returns the file system of a new sandbox, and its folder.
func home(t testing.TB, limits jail.Limits) (*jail.FS, string) {
	t.Helper()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	f := jail.NewHome(root, limits, jail.Usage{})
	t.Cleanup(func() {
		_ = f.Close()
		_ = root.Close()
	})
	return f, dir
}

var roomy = jail.Limits{Bytes: 1 << 20, Files: 1000, OpenFiles: 20}

// watch returns a page in which the changes of a file system are counted.
func watch(t testing.TB, served *jail.FS) *Page {
	t.Helper()
	p, err := NewPage()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	served.Watch(p.Changes())
	t.Cleanup(func() {
		served.Watch(nil)
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// remote serves a file system and returns the other end of it, which keeps what it
// learns if there is a page. The second value waits until serving has ended.
func remote(t testing.TB, served sys.FS, page *Page) (*FS, func() error) {
	t.Helper()
	ours, theirs, err := frame.SocketPair()
	if err != nil {
		t.Fatal(err)
	}
	var changes *jail.Changes
	var memory *os.File
	if page != nil {
		changes, memory = page.Changes(), page.File()
	}
	ended := make(chan error, 1)
	go func() { ended <- Serve(ours, served, changes) }()
	f, err := Open(theirs, memory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = f.Close()
		_ = ours.Close()
	})
	return f, func() error { return <-ended }
}

// script does all that a guest can do to a file system and writes down what came of
// it, but for inode numbers and times, which differ between two of them.
func script(f sys.FS) string {
	var log strings.Builder
	say := func(what string, values ...any) { fmt.Fprintln(&log, append([]any{what}, values...)...) }
	stat := func(p string) {
		st, errno := f.Stat(p)
		say("stat "+p, st.Mode, st.Size, st.Dev, st.Nlink > 0, st.Ino != 0 || errno != 0, errno)
		st, errno = f.Lstat(p)
		say("lstat "+p, st.Mode, errno)
	}
	say("mkdir", f.Mkdir("d", 0o700), f.Mkdir("d", 0o700), f.Mkdir("no/d", 0o700), f.Mkdir("d/e", 0))
	say("chmod", f.Chmod("d", 0o711), f.Chmod("no", 0))
	say("links", f.Symlink("d/a", "l"), f.Symlink("/etc/passwd", "out"), f.Symlink("../../..", "up"), f.Link("d", "h"))
	text, errno := f.Readlink("out")
	say("readlink", text, errno)
	a, errno := f.OpenFile("l", sys.O_CREAT|sys.O_RDWR, 0o600)
	say("open", errno)
	script1(a, say)
	for _, p := range []string{"d", "d/a", "l", "out", "up/x", "no", "", "../x", "d/a/", "a\x00b", "\xff", strings.Repeat("x", 300), strings.Repeat("x/", 100_000)} {
		stat(p)
		opened, errno := f.OpenFile(p, sys.O_RDONLY, 0)
		say("open "+p, errno)
		if errno == 0 {
			isDir, _ := opened.IsDir()
			say("close", isDir, opened.Close(), opened.Close())
		}
	}
	say("times", f.Utimens("d/a", 1e18, 2e18), f.Utimens("no", 1, 1))
	st, _ := f.Stat("d/a")
	say("times", st.Mtim, st.Atim)
	for i := range 600 {
		opened, errno := f.OpenFile(fmt.Sprintf("d/e/%03d", i), sys.O_CREAT|sys.O_WRONLY|sys.O_EXCL, 0)
		if errno != 0 {
			say("create", i, errno)
			break
		}
		_ = opened.Close()
	}
	folder(f, say)
	say("rename", f.Rename("d/a", "d/b"), f.Rename("no", "x"), f.Rename("d", "d/e/d"), f.Rename("d/e/001", "d/b"))
	say("unlink", f.Unlink("d/b"), f.Unlink("d"), f.Unlink("no"), f.Rmdir("d"), f.Rmdir("l"), f.Rmdir("no"), f.Unlink("l"))
	return log.String()
}

// script1 uses an open file.
func script1(a sys.File, say func(string, ...any)) {
	big := bytes.Repeat([]byte("0123456789abcdef"), 20_000) // some pieces
	n, errno := a.Write(big)
	say("write", n, errno)
	n, errno = a.Pwrite([]byte("XY"), 3)
	say("pwrite", n, errno)
	_, errno = a.Pwrite(nil, -1)
	say("pwrite before", errno)
	for _, s := range []struct {
		to     int64
		whence int
	}{{5, io.SeekStart}, {-2, io.SeekCurrent}, {-1, io.SeekStart}, {0, io.SeekEnd}, {-10, io.SeekEnd}, {1, 7}, {1<<63 - 1, io.SeekEnd}, {2, io.SeekStart}} {
		at, errno := a.Seek(s.to, s.whence)
		say("seek", at, errno)
	}
	buf := make([]byte, len(big)+100)
	n, errno = a.Read(buf)
	say("read", n, string(buf[:20]), bytes.Equal(buf[10:n], big[12:]), errno)
	n, errno = a.Read(buf)
	say("read at the end", n, errno)
	n, errno = a.Pread(buf[:7], 2)
	say("pread", string(buf[:n]), errno)
	_, errno = a.Pread(buf[:1], -1)
	say("pread before", errno)
	say("append", a.SetAppend(true), a.IsAppend())
	n, errno = a.Write([]byte("end"))
	at, _ := a.Seek(0, io.SeekCurrent)
	say("append", n, at, errno)
	n, errno = a.Write(make([]byte, 2<<20))
	say("too much", n == 0 || n < 2<<20, errno == 0 || errno == sys.EIO)
	say("truncate", a.Truncate(100), a.Truncate(-1), a.Truncate(1<<40), a.Sync(), a.Datasync())
	st, errno := a.Stat()
	say("stat", st.Size, st.Mode, errno)
	say("append off", a.SetAppend(false), a.IsAppend())
	say("times", a.Utimens(sys.UTIME_OMIT, 3e18))
	_, errno = a.Readdir(1)
	say("readdir of a file", errno)
	say("close", a.Close(), a.Close(), a.Truncate(1), a.SetAppend(true), a.Sync())
	_, errno = a.Read(buf)
	say("read when closed", errno)
}

// folder reads a large folder.
func folder(f sys.FS, say func(string, ...any)) {
	e, errno := f.OpenFile("d/e", sys.O_DIRECTORY, 0)
	say("folder", errno)
	all, errno := e.Readdir(-1)
	say("all", len(all), errno)
	for _, entry := range all {
		say(entry.Name, entry.Type, entry.Ino != 0)
	}
	rest, errno := e.Readdir(5)
	say("rest", len(rest), errno)
	at, errno := e.Seek(1, io.SeekStart)
	say("seek", at, errno)
	at, errno = e.Seek(0, io.SeekStart)
	some, _ := e.Readdir(300)
	say("rewind", at, errno, len(some), some[0].Name)
	_, errno = e.Read(make([]byte, 1))
	_, werrno := e.Write([]byte("x"))
	say("as a file", errno, werrno, e.Truncate(1), e.SetAppend(true), e.Close())
}

// TestSame does the same to a file system and to the other end of one.
func TestSame(t *testing.T) {
	for _, keeps := range []bool{false, true} {
		t.Run(fmt.Sprint("keeps ", keeps), func(t *testing.T) { testSame(t, keeps) })
	}
}

func testSame(t *testing.T, keeps bool) {
	here, _ := home(t, roomy)
	there, dir := home(t, roomy)
	var page *Page
	if keeps {
		page = watch(t, there)
	}
	f, _ := remote(t, there, page)
	want, got := strings.Split(script(here), "\n"), strings.Split(script(f), "\n")
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Fatalf("line %d:\n  got %q\n want %q", i, got[min(i, len(got)-1)], want[i])
		}
	}
	if here.Used() != there.Used() {
		t.Errorf("%+v is used, want %+v", there.Used(), here.Used())
	}
	if _, err := os.Lstat(filepath.Join(dir, "d", "e", "002")); err != nil {
		t.Error(err)
	}
}

// TestEnd closes what is open when the program has ended, and fails what comes after
// the end of the server.
func TestEnd(t *testing.T) {
	served, _ := home(t, jail.Limits{Bytes: 100, Files: 10, OpenFiles: 1})
	f, ended := remote(t, served, nil)
	if _, errno := f.OpenFile("a", sys.O_CREAT|sys.O_RDWR, 0); errno != 0 {
		t.Fatal(errno)
	}
	if _, errno := f.OpenFile("b", sys.O_CREAT|sys.O_RDWR, 0); errno != sys.EIO {
		t.Errorf("over the limit of open files: %v", errno)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := ended(); err != nil {
		t.Error(err)
	}
	a, errno := served.OpenFile("a", sys.O_RDONLY, 0) // there is room again
	if errno != 0 {
		t.Fatal(errno)
	}
	_ = a.Close()
	if _, errno := f.Stat("a"); errno != sys.EIO {
		t.Errorf("after the end: %v", errno)
	}

	ours, theirs, err := frame.SocketPair()
	if err != nil {
		t.Fatal(err)
	}
	if f, err = Open(theirs, nil); err != nil {
		t.Fatal(err)
	}
	_ = ours.Close()
	if errno := f.Mkdir("d", 0); errno != sys.EIO {
		t.Errorf("without a server: %v", errno)
	}
}

// TestHandles bounds what one program may have open, whatever the file system allows.
func TestHandles(t *testing.T) {
	served, _ := home(t, jail.Limits{Bytes: 100, Files: 10, OpenFiles: 2 * maxHandles})
	f, _ := remote(t, served, nil)
	for i := range maxHandles {
		if _, errno := f.OpenFile(".", sys.O_DIRECTORY, 0); errno != 0 {
			t.Fatal(i, errno)
		}
	}
	if _, errno := f.OpenFile(".", sys.O_DIRECTORY, 0); errno != sys.EIO {
		t.Error(errno)
	}
}

// buffer is a connection that has said all that it will.
type buffer struct {
	io.Reader
	written int
}

func (b *buffer) Write(p []byte) (int, error) {
	b.written += len(p)
	return len(p), nil
}

// FuzzServe sends what a worker may send that a guest has taken over: nothing panics,
// what is open is closed, and nothing appears outside of the folder.
func FuzzServe(f *testing.F) {
	all := request{op: opOpen, flag: uint32(sys.O_CREAT | sys.O_RDWR), first: []byte("a")}.append(nil)
	for o := opFstat; o <= opClose; o++ {
		all = request{op: o, handle: 1, flag: 10, x: 1, y: 1, second: []byte("data")}.append(all)
	}
	f.Add(all)
	for o := opOpen; o <= opClose+1; o++ {
		f.Add(request{op: o, first: []byte("../x"), second: []byte("/y"), x: 1 << 40, y: 1 << 40}.append(nil))
	}
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1})
	f.Add(append(request{op: opOpen}.append(nil)[:32], 9, 9, 9, 9))
	f.Fuzz(func(t *testing.T, sent []byte) {
		served, dir := home(t, jail.Limits{Bytes: 1 << 16, Files: 10, OpenFiles: 5})
		b := &buffer{Reader: bytes.NewReader(sent)}
		_ = Serve(b, served, &jail.Changes{})
		if limit := (len(sent)/requestSize + 1) * (answerSize + maxData); b.written > limit {
			t.Errorf("%d bytes were answered to %d", b.written, len(sent))
		}
		for range 5 {
			if _, errno := served.OpenFile(".", sys.O_DIRECTORY, 0); errno != 0 {
				t.Fatalf("something is still open: %v", errno)
			}
		}
		entries, err := os.ReadDir(filepath.Dir(dir))
		if err != nil || len(entries) != 1 {
			t.Errorf("outside: %v, %v", entries, err)
		}
	})
}

// FuzzAnswer gives the worker's end bytes for an answer.
func FuzzAnswer(f *testing.F) {
	f.Add(answer{payload: make([]byte, statSize)}.append(nil))
	f.Add(answer{payload: make([]byte, statSize+versionSize+5)}.append(nil))
	f.Add(answer{n: 8, payload: appendEntry(nil, sys.Dirent{Name: "a"})}.append(nil))
	f.Add(answer{errno: sys.EIO}.append(nil))
	f.Add(answer{n: 1 << 60, payload: make([]byte, 8)}.append(nil))
	f.Add(answer{n: -1, payload: make([]byte, 8)}.append(nil))
	f.Add([]byte{0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, said []byte) {
		if len(said) > 1<<16 {
			return // more than a socket takes without a reader
		}
		calls := []func(*FS){
			func(f *FS) { _, _ = f.Stat("a") },
			func(f *FS) { _, _ = f.Readlink("a") },
			func(f *FS) { _, _ = (&file{fs: f}).Readdir(2) },
			func(f *FS) { _, _ = (&file{fs: f}).Read(make([]byte, 10)) },
			func(f *FS) { _, _ = (&file{fs: f, append: true}).Write([]byte("x")) },
			func(f *FS) { _, _ = f.OpenFile("a", 0, 0) },
		}
		for _, call := range calls {
			ours, theirs, err := frame.SocketPair()
			if err != nil {
				t.Fatal(err)
			}
			fs, err := Open(theirs, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ours.Write(said); err != nil {
				t.Fatal(err)
			}
			conn, err := net.FileConn(ours)
			if err != nil {
				t.Fatal(err)
			}
			_ = conn.(*net.UnixConn).CloseWrite()
			call(fs)
			_ = fs.Close()
			_ = conn.Close()
			_ = ours.Close()
		}
	})
}

// BenchmarkStat measures a round trip, and the same without one.
func BenchmarkStat(b *testing.B) {
	served, _ := home(b, roomy)
	f, _ := remote(b, served, nil)
	for _, way := range []struct {
		name string
		fs   sys.FS
	}{{"here", served}, {"remote", f}} {
		b.Run(way.name, func(b *testing.B) {
			for b.Loop() {
				if _, errno := way.fs.Stat("."); errno != 0 {
					b.Fatal(errno)
				}
			}
		})
	}
}
