package files

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero/experimental/sys"
	wasys "github.com/tetratelabs/wazero/sys"

	"sandpiper/runtimes/wasm/jail"
)

// counting counts what crosses to a file system.
type counting struct {
	*jail.FS
	paths, opens int
}

func (c *counting) Stat(p string) (wasys.Stat_t, sys.Errno) {
	c.paths++
	return c.FS.Stat(p)
}

func (c *counting) OpenFile(p string, flag sys.Oflag, perm fs.FileMode) (sys.File, sys.Errno) {
	c.opens++
	return c.FS.OpenFile(p, flag, perm)
}

func read(t *testing.T, f sys.FS, name string) string {
	t.Helper()
	opened, errno := f.OpenFile(name, sys.O_RDONLY, 0)
	if errno != 0 {
		t.Fatal(name, errno)
	}
	defer opened.Close()
	b, err := io.ReadAll(reader{opened})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// reader reads a file in small pieces.
type reader struct{ sys.File }

func (r reader) Read(p []byte) (int, error) {
	n, errno := r.File.Read(p[:min(len(p), 1000)])
	switch {
	case errno != 0:
		return n, errno
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

func write(t *testing.T, f sys.FS, name, text string, flag sys.Oflag) {
	t.Helper()
	opened, errno := f.OpenFile(name, sys.O_CREAT|sys.O_WRONLY|flag, 0)
	if errno != 0 {
		t.Fatal(name, errno)
	}
	if n, errno := opened.Write([]byte(text)); errno != 0 || n != len(text) {
		t.Fatal(n, errno)
	}
	if errno := opened.Close(); errno != 0 {
		t.Fatal(errno)
	}
}

// TestKept asks twice: the second time nothing crosses, until something has changed.
func TestKept(t *testing.T) {
	home, _ := home(t, roomy)
	c := &counting{FS: home}
	f, _ := remote(t, c, watch(t, home))
	for _, tt := range []struct {
		name   string
		change func()
		size   int64 // of the file a; -1 for none
	}{
		{"nothing yet", func() {}, -1},
		{"it is made", func() { write(t, home, "a", "text", 0) }, 4},
		{"it grows", func() { write(t, home, "a", " more", sys.O_APPEND) }, 9},
		{"another is made", func() { write(t, home, "b", "text", 0) }, 9},
		{"it is replaced", func() { _ = home.Rename("b", "a") }, 4},
		{"it is removed", func() { _ = home.Unlink("a") }, -1},
		{"it is made by the other end", func() { write(t, f, "a", "12345", 0) }, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.change()
			before := c.paths
			for range 3 {
				st, errno := f.Stat("a")
				if (errno != 0) != (tt.size < 0) || errno == 0 && st.Size != tt.size {
					t.Errorf("size %d, %v", st.Size, errno)
				}
			}
			if c.paths-before > 1 {
				t.Errorf("it has been asked %d times", c.paths-before)
			}
			opens := c.opens
			if _, errno := f.OpenFile("a", sys.O_RDONLY, 0); (errno != 0) != (tt.size < 0) {
				t.Errorf("open: %v", errno)
			}
			if tt.size < 0 && c.opens != opens {
				t.Error("a file that is not there has been opened")
			}
		})
	}
}

// TestReadAhead reads a file piece by piece while the server changes it.
func TestReadAhead(t *testing.T) {
	limits := jail.Limits{Bytes: 10 << 20, Files: 10, OpenFiles: 10}
	home, _ := home(t, limits)
	f, _ := remote(t, home, watch(t, home))
	text := bytes.Repeat([]byte("0123456789"), 30_000)
	write(t, home, "a", string(text), 0)
	if got := read(t, f, "a"); got != string(text) {
		t.Fatalf("%d bytes, want %d", len(got), len(text))
	}
	opened, errno := f.OpenFile("a", sys.O_RDONLY, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	other, errno := home.OpenFile("a", sys.O_RDWR, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	piece := make([]byte, 777)
	for at, i := 0, 0; at < len(text); i++ {
		if i%5 == 0 { // what comes next changes
			text[min(at+i%1000, len(text)-1)]++
			if _, errno := other.Pwrite(text[at:], int64(at)); errno != 0 {
				t.Fatal(errno)
			}
		}
		n, errno := opened.Read(piece)
		if errno != 0 || !bytes.Equal(piece[:n], text[at:min(at+len(piece), len(text))]) {
			t.Fatalf("at %d: %d bytes, %v", at, n, errno)
		}
		at += n
	}
	if n, errno := opened.Read(piece); n != 0 || errno != 0 {
		t.Errorf("%d bytes after the end, %v", n, errno)
	}
	if _, errno := other.Pwrite([]byte("more"), int64(len(text))); errno != 0 {
		t.Fatal(errno)
	}
	if n, errno := opened.Read(piece); string(piece[:n]) != "more" || errno != 0 {
		t.Errorf("%q after it has grown, %v", piece[:n], errno)
	}
}

// TestCoherent has two other ends and the file system itself do anything in any order:
// whoever looks sees the same.
func TestCoherent(t *testing.T) {
	const seed1, seed2 = 7, 11
	random := rand.New(rand.NewPCG(seed1, seed2))
	home, _ := home(t, jail.Limits{Bytes: 1 << 20, Files: 100, OpenFiles: 500})
	page := watch(t, home)
	a, _ := remote(t, home, page)
	b, _ := remote(t, home, page)
	all := []sys.FS{home, a, b}
	open := make([][]sys.File, len(all)) // the same files at the same places
	name := func() string { return []string{"a", "b", "d", "d/a", "d/b", "l", "e/a"}[random.IntN(7)] }
	for step := range 2000 {
		f, p := all[random.IntN(len(all))], name()
		switch random.IntN(12) {
		case 0:
			_ = f.Mkdir(p, 0)
		case 1:
			_ = f.Unlink(p)
		case 2:
			_ = f.Rmdir(p)
		case 3:
			_ = f.Rename(p, name())
		case 4:
			_ = f.Symlink(name(), p)
		case 5:
			_ = f.Utimens(p, 1, int64(random.IntN(1000)))
		case 6, 7:
			if opened, errno := f.OpenFile(p, sys.O_CREAT|sys.O_RDWR, 0); errno == 0 {
				_, _ = opened.Pwrite(bytes.Repeat([]byte{byte(step)}, random.IntN(100)), int64(random.IntN(100)))
				_ = opened.Close()
			}
		case 8:
			openSame(all, open, p)
		case 9:
			if n := len(open[0]); n > 0 {
				closeSame(open, random.IntN(n))
			}
		}
		want := view(all[0], open[0], p)
		for i := range all {
			if got := view(all[i], open[i], p); got != want {
				t.Fatalf("step %d: %d sees of %s\n %s\nwant\n %s", step, i, p, got, want)
			}
		}
	}
}

// openSame opens a file in all file systems, unless one of them cannot.
func openSame(all []sys.FS, open [][]sys.File, p string) {
	if len(open[0]) >= 20 {
		closeSame(open, 0)
	}
	var opened []sys.File
	for _, f := range all {
		o, errno := f.OpenFile(p, sys.O_RDONLY, 0)
		if errno != 0 {
			break
		}
		opened = append(opened, o)
	}
	for i := range all {
		switch {
		case len(opened) == len(all):
			open[i] = append(open[i], opened[i])
		case i < len(opened):
			_ = opened[i].Close()
		}
	}
}

func closeSame(open [][]sys.File, n int) {
	for i := range open {
		_ = open[i][n].Close()
		open[i] = append(open[i][:n:n], open[i][n+1:]...)
	}
}

// view is what a file system says of a path, and of files that are open.
func view(f sys.FS, open []sys.File, p string) string {
	var log strings.Builder
	st, errno := f.Stat(p)
	fmt.Fprintln(&log, st.Ino, st.Mode, st.Size, st.Mtim, st.Nlink, errno)
	st, errno = f.Lstat(p)
	fmt.Fprintln(&log, st.Ino, st.Mode, st.Size, st.Mtim, st.Nlink, errno)
	buf := make([]byte, 50)
	if opened, errno := f.OpenFile(p, sys.O_RDONLY, 0); errno == 0 {
		n, errno := opened.Read(buf)
		fmt.Fprintln(&log, buf[:n], errno)
		_ = opened.Close()
	} else {
		fmt.Fprintln(&log, errno)
	}
	for _, o := range open {
		st, errno := o.Stat()
		n, rerrno := o.Pread(buf, 30)
		fmt.Fprintln(&log, st.Ino, st.Size, st.Mtim, st.Nlink, errno, buf[:n], rerrno)
	}
	return log.String()
}
