package jail_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero/experimental/sys"

	"sandpiper/runtimes/wasm/jail"
)

// No path, whatever it is, reaches what is outside or makes a call panic.
func FuzzPaths(f *testing.F) {
	for _, seed := range []string{
		"file", "sub/../file", "../secret", "sub/../../secret", "/etc/passwd", "in", "out/secret", "out", "sub/", "a\x00b", "\xff",
		strings.Repeat("x/", 150), "./.", "sub//x", "file/..", "...", "..file", "\\..\\secret", "sub/./../..",
	} {
		f.Add(seed, "other")
		f.Add("sub", seed)
	}
	f.Fuzz(func(t *testing.T, p, other string) {
		fsys, dir := newJail(t, jail.Limits{Bytes: 1000, Files: 20, OpenFiles: 4})
		wantErrno(t, "mkdir", fsys.Mkdir("sub", 0), 0)
		put(t, fsys, "file", "inside")
		for name, target := range map[string]string{"in": "file", "out": "../secrets"} {
			if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		for _, flag := range []sys.Oflag{readOnly, createNew} {
			if h, errno := fsys.OpenFile(p, flag, 0); errno == 0 {
				buf := make([]byte, 64)
				if n, _ := h.Read(buf); strings.Contains(string(buf[:n]), secret) {
					t.Errorf("%q shows the secret", p)
				}
				mustClose(t, h)
			}
		}
		for _, op := range pathOps(fsys, p) {
			op()
		}
		_ = fsys.Rename(p, other)
		_ = fsys.Rename(other, p)
		_ = fsys.Mkdir(other, 0)
		if _, _, open := fsys.Usage(); open != 0 {
			t.Errorf("%d files are still open", open)
		}
	})
}

// Whatever a guest does, what is counted is what is on the disk, and that is
// within the limits.
func FuzzAccount(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Add([]byte("open write unlink write close open truncate rename"))
	f.Add([]byte{0x10, 0x01, 0x35, 0x21, 0x01, 0x44, 0x10, 0x62, 0x35, 0x21, 0x77, 0x08, 0x19})
	f.Fuzz(func(t *testing.T, ops []byte) { playHistory(t, ops[:min(len(ops), 200)]) })
}

// The same for long random histories, without waiting for a fuzzer.
func TestAccountOnRandomHistories(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			ops := make([]byte, 1000)
			_, _ = rand.NewChaCha8([32]byte{byte(seed)}).Read(ops)
			playHistory(t, ops)
		})
	}
}

// playHistory makes two bytes at a time a call of a guest and compares the
// account with the disk after each.
func playHistory(t *testing.T, ops []byte) {
	limits := jail.Limits{Bytes: 3000, Files: 5, OpenFiles: 4}
	fsys, dir := newFS(t, limits)
	if err := os.WriteFile(filepath.Join(dir, "f0"), make([]byte, 500), 0o600); err != nil {
		t.Fatal(err)
	}
	g := guest{fs: fsys}
	for pair := range slices.Chunk(ops, 2) {
		g.step(pair[0], pair[len(pair)-1])
		if used := diskUse(t, dir) - 500; used > limits.Bytes {
			t.Fatalf("%d bytes were added, %d may be", used, limits.Bytes)
		}
	}
	for _, h := range g.open {
		mustClose(t, h)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	bytes, files, open := fsys.Usage()
	if used := diskUse(t, dir) - 500; used != bytes || files != len(entries)-1 || open != 0 || files > limits.Files {
		t.Errorf("counted %d bytes, %d files, %d open; the disk has %d bytes and %d files more than before", bytes, files, open, used, len(entries)-1)
	}
}

// guest turns bytes into calls on few names, so that they meet.
type guest struct {
	fs   *jail.FS
	open []sys.File
}

func (g *guest) step(op, arg byte) {
	name, other := fmt.Sprintf("f%d", arg%4), fmt.Sprintf("f%d", arg>>2%4)
	switch op % 8 {
	case 0:
		if h, errno := g.fs.OpenFile(name, []sys.Oflag{createNew, createNew | sys.O_TRUNC, createNew | sys.O_APPEND, readOnly}[arg>>4%4], 0); errno == 0 {
			g.open = append(g.open, h)
		}
	case 1:
		_ = g.fs.Unlink(name)
	case 2:
		_ = g.fs.Rename(name, other)
	case 3:
		_ = g.fs.Mkdir(name, 0)
	case 4:
		_ = g.fs.Rmdir(name)
	default:
		g.useFile(op, arg)
	}
}

func (g *guest) useFile(op, arg byte) {
	if len(g.open) == 0 {
		return
	}
	i := int(arg) % len(g.open)
	h := g.open[i]
	switch op % 8 {
	case 5:
		_, _ = h.Write(make([]byte, int(arg)*3))
	case 6:
		_ = h.Truncate(int64(arg) * 13)
	case 7:
		_ = h.Close()
		g.open = append(g.open[:i], g.open[i+1:]...)
	}
}
