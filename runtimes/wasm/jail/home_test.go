package jail_test

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero/experimental/sys"

	"sandpiper/runtimes/wasm/jail"
)

// newHome returns a sandbox's file system over a fresh folder beside a secret.
func newHome(t testing.TB, limits jail.Limits) (home *jail.FS, dir string) {
	t.Helper()
	outer := t.TempDir()
	if err := os.WriteFile(filepath.Join(outer, "secret"), []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(outer, "root")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	home = jail.NewHome(root, limits, jail.Usage{})
	t.Cleanup(func() {
		_ = home.Close()
		_ = root.Close()
	})
	return home, dir
}

func TestHomeLinks(t *testing.T) {
	home, dir := newHome(t, roomy)
	for _, d := range []string{"a", "a/b"} {
		wantErrno(t, "mkdir "+d, home.Mkdir(d, 0), 0)
	}
	put(t, home, "a/file", "content")
	for name, target := range map[string]string{
		"relative": "a/file", "absolute": "/a/file", "dir": "a", "a/b/up": "../file", "a/b/over": "../../../../../a/file", "chain": "relative",
		"dangling": "a/new", "loop": "loop", "out": "../secret", "outabs": dir + "/../secret", "root": "/", "dots": "a/./b/..",
	} {
		wantErrno(t, "symlink "+name, home.Symlink(target, name), 0)
		if got, errno := home.Readlink(name); got != target || errno != 0 {
			t.Errorf("readlink %s: %q, %v", name, got, errno)
		}
	}
	for name, want := range map[string]string{
		"relative": "content", "absolute": "content", "dir/file": "content", "a/b/up": "content", "a/b/over": "content", "chain": "content",
		"root/a/file": "content", "root/root/dir/b/up": "content", "dots/file": "content",
	} {
		if got := get(t, home, name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	for name, want := range map[string]sys.Errno{"loop": sys.ELOOP, "out": sys.ENOENT, "outabs": sys.ENOENT, "relative/x": sys.ENOTDIR, "dangling": sys.ENOENT} {
		_, errno := home.OpenFile(name, readOnly, 0)
		wantErrno(t, "open "+name, errno, want)
	}
	put(t, home, "dangling", "made")
	if got := get(t, home, "a/new"); got != "made" {
		t.Errorf("through a dangling link: %q", got)
	}
	_, errno := home.OpenFile("relative", readOnly|sys.O_NOFOLLOW, 0)
	wantErrno(t, "open without following", errno, sys.ELOOP)
	st, errno := home.Lstat("relative")
	if errno != 0 || st.Mode&fs.ModeSymlink == 0 {
		t.Errorf("lstat: %v, %v", st.Mode, errno)
	}
	wantErrno(t, "rename a link", home.Rename("relative", "moved"), 0)
	wantErrno(t, "unlink a link", home.Unlink("moved"), 0)
	if got := get(t, home, "a/file"); got != "content" {
		t.Errorf("a link's file went with it: %q", got)
	}
	wantErrno(t, "link over a file", home.Symlink("x", "a/file"), sys.EEXIST)
	wantErrno(t, "empty link", home.Symlink("", "e"), sys.ENOENT)
	wantErrno(t, "hard link", home.Link("a/file", "h"), sys.EPERM)
}

func TestHomeModes(t *testing.T) {
	home, dir := newHome(t, roomy)
	put(t, home, "f", "x")
	wantErrno(t, "mkdir", home.Mkdir("d", 0), 0)
	for _, tt := range []struct {
		name       string
		mode, want fs.FileMode
	}{{"f", 0o755, 0o755}, {"f", 0, 0o600}, {"d", 0o500, 0o700}, {"f", fs.ModeSetuid | 0o777, 0o777}} {
		wantErrno(t, "chmod "+tt.name, home.Chmod(tt.name, tt.mode), 0)
		info, err := os.Stat(filepath.Join(dir, tt.name))
		if err != nil || info.Mode().Perm() != tt.want || info.Mode()&fs.ModeSetuid != 0 {
			t.Errorf("%s %v: %v, %v", tt.name, tt.mode, info.Mode(), err)
		}
	}
	wantErrno(t, "chmod nothing", home.Chmod("none", 0o644), sys.ENOENT)
}

// TestHomeQuota counts what was there before, and links as files.
func TestHomeQuota(t *testing.T) {
	home, dir := newHome(t, jail.Limits{Bytes: 100, Files: 4, OpenFiles: 4})
	put(t, home, "f", strings.Repeat("x", 60))
	wantErrno(t, "link", home.Symlink("f", "l"), 0)
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	used, err := jail.Measure(root)
	if want := (jail.Usage{Bytes: 60, Files: 2, Links: true}); err != nil || used != want || home.Used() != want {
		t.Fatalf("measured %+v, %v, counted %+v", used, err, home.Used())
	}
	again := jail.NewHome(root, jail.Limits{Bytes: 100, Files: 3, OpenFiles: 4}, used)
	defer again.Close()
	h := mustOpen(t, again, "g", createNew)
	if _, errno := h.Write(make([]byte, 41)); errno != sys.EIO || again.Refused() != jail.LimitBytes || again.Refused() != "" {
		t.Errorf("over the quota: %v", errno)
	}
	mustWrite(t, h, strings.Repeat("y", 40))
	mustClose(t, h)
	wantErrno(t, "a file too many", again.Symlink("f", "l2"), sys.EIO)
	again.SetLimits(jail.Limits{Bytes: 100, Files: 10, OpenFiles: 4})
	wantErrno(t, "with more room", again.Symlink("f", "l2"), 0)
}

// FuzzHomeLinks makes links with any text and follows them: nothing leads out.
func FuzzHomeLinks(f *testing.F) {
	f.Add("../secret", "x/../../secret", uint64(1))
	f.Add("/..", "a/b/../../..", uint64(2))
	f.Add("a//b/./", "l0/l1", uint64(3))
	f.Fuzz(func(t *testing.T, one, two string, seed uint64) {
		home, dir := newHome(t, jail.Limits{Bytes: 1 << 16, Files: 50, OpenFiles: 8})
		r := rand.New(rand.NewPCG(seed, 0))
		names := []string{"a", "a/b", "l0", "l1", "a/l2", "a/b/l3", one, two, "l0/" + two, "l1/secret", "secret"}
		for range 30 {
			name, other := names[r.IntN(len(names))], names[r.IntN(len(names))]
			switch r.IntN(6) {
			case 0:
				home.Mkdir(name, 0)
			case 1, 2:
				home.Symlink(slices.Concat([]string{one, two, dir + "/../secret"}, names)[r.IntN(3+len(names))], name)
			case 3:
				home.Rename(name, other)
			case 4:
				if h, errno := home.OpenFile(name, createNew, 0); errno == 0 {
					h.Write([]byte("hacked"))
					h.Close()
				}
			default:
				if h, errno := home.OpenFile(name, readOnly, 0); errno == 0 {
					b := make([]byte, 10)
					if n, _ := h.Read(b); string(b[:n]) == "secret" {
						t.Errorf("%q leads to the host's file", name)
					}
					h.Close()
				}
			}
		}
		outer := filepath.Dir(dir)
		if b, err := os.ReadFile(filepath.Join(outer, "secret")); err != nil || string(b) != "secret" {
			t.Errorf("the host's file is %q, %v", b, err)
		}
		if entries, err := os.ReadDir(outer); err != nil || len(entries) != 2 {
			t.Errorf("the host's folder has %v, %v", entries, err)
		}
	})
}
