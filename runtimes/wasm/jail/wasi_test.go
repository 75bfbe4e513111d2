package jail_test

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental/sysfs"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"sandpiper/runtimes/wasm/jail"
)

// The errors of WASI preview1 that the tests expect.
const (
	wasiOK          = 0
	wasiBadf        = 8
	wasiInval       = 28
	wasiIO          = 29
	wasiLoop        = 32
	wasiNameTooLong = 37
	wasiNoEnt       = 44
	wasiPerm        = 63
	wasiRofs        = 69
)

// Descriptors of the guest's mounts, in the order of the mounts.
const (
	fdFolder  = 3
	fdDevices = 4
	fdLibrary = 5
)

// Flags of path_open.
const (
	oCreat     = 1
	oDirectory = 2
	oExcl      = 4
	oTrunc     = 8
	rightsRW   = 1<<1 | 1<<6
)

// wasiFuncs are the calls that the guest can be told to make, with the types of
// their parameters: i for i32, I for i64. Each returns an i32.
var wasiFuncs = []struct{ name, params string }{
	{"path_open", "iiiiiIIii"}, {"path_symlink", "iiiii"}, {"path_link", "iiiiiii"}, {"path_rename", "iiiiii"},
	{"path_create_directory", "iii"}, {"path_remove_directory", "iii"}, {"path_unlink_file", "iii"},
	{"path_filestat_get", "iiiii"}, {"path_readlink", "iiiiii"}, {"fd_write", "iiii"}, {"fd_read", "iiii"},
	{"fd_close", "i"}, {"fd_filestat_set_size", "iI"}, {"fd_allocate", "iII"}, {"fd_readdir", "iiiIi"}, {"fd_renumber", "ii"},
}

// guestModule assembles a module with a memory of 2 pages that exports a
// function for each of wasiFuncs, which calls the import of the same name.
func guestModule() []byte {
	var types, imports, funcs, exports, code [][]byte
	for i, f := range wasiFuncs {
		types = append(types, funcType(f.params))
		imports = append(imports, slices.Concat(name("wasi_snapshot_preview1"), name(f.name), []byte{0, byte(i)}))
		funcs = append(funcs, []byte{byte(i)})
		exports = append(exports, slices.Concat(name(f.name), []byte{0, byte(len(wasiFuncs) + i)}))
		body := []byte{0} // no locals
		for p := range f.params {
			body = append(body, 0x20, byte(p)) // local.get p
		}
		body = append(body, 0x10, byte(i), 0x0b) // call i; end
		code = append(code, slices.Concat(leb(len(body)), body))
	}
	exports = append(exports, slices.Concat(name("memory"), []byte{2, 0}))
	return slices.Concat([]byte("\x00asm\x01\x00\x00\x00"),
		section(1, types), section(2, imports), section(3, funcs),
		section(5, [][]byte{{0, 2}}), section(7, exports), section(10, code))
}

func funcType(params string) []byte {
	out := append([]byte{0x60}, leb(len(params))...)
	for _, p := range params {
		out = append(out, map[rune]byte{'i': 0x7f, 'I': 0x7e}[p])
	}
	return append(out, 1, 0x7f)
}

func section(id byte, items [][]byte) []byte {
	content := slices.Concat(append([][]byte{leb(len(items))}, items...)...)
	return slices.Concat([]byte{id}, leb(len(content)), content)
}

func name(s string) []byte { return append(leb(len(s)), s...) }

func leb(n int) []byte { return binary.AppendUvarint(nil, uint64(n)) }

// wasiGuest is an instance whose calls the test makes for it.
type wasiGuest struct {
	t   *testing.T
	mod api.Module
}

func newGuest(t *testing.T, limits jail.Limits) (*wasiGuest, *jail.FS, string, *recorder) {
	t.Helper()
	f, dir := newJail(t, limits)
	var r recorder
	mounts := wazero.NewFSConfig().(sysfs.FSConfig).
		WithSysFSMount(f, "/").(sysfs.FSConfig).
		WithSysFSMount(jail.NewDevices(r.displays(jail.DisplayLimits{}), 4), "/dev").(sysfs.FSConfig).
		WithSysFSMount(jail.NewLibrary(tree, 4), "/lib")
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	t.Cleanup(func() {
		if err := rt.Close(ctx); err != nil {
			t.Errorf("close the runtime: %v", err)
		}
	})
	wasi_snapshot_preview1.MustInstantiate(ctx, rt)
	mod, err := rt.InstantiateWithConfig(ctx, guestModule(), wazero.NewModuleConfig().WithFSConfig(mounts))
	if err != nil {
		t.Fatal(err)
	}
	return &wasiGuest{t: t, mod: mod}, f, dir, &r
}

// call makes one WASI call and returns its errno.
func (g *wasiGuest) call(name string, args ...uint64) int {
	g.t.Helper()
	out, err := g.mod.ExportedFunction(name).Call(context.Background(), args...)
	if err != nil {
		g.t.Fatalf("%s: %v", name, err)
	}
	return int(int32(out[0]))
}

// put places s in the guest's memory and returns its address and length.
func (g *wasiGuest) put(at uint32, s string) (ptr, length uint64) {
	g.t.Helper()
	if !g.mod.Memory().WriteString(at, s) {
		g.t.Fatalf("%d bytes do not fit at %d", len(s), at)
	}
	return uint64(at), uint64(len(s))
}

func (g *wasiGuest) u32(at uint32) uint32 {
	v, _ := g.mod.Memory().ReadUint32Le(at)
	return v
}

// open calls path_open and returns the descriptor.
func (g *wasiGuest) open(dir uint64, path string, oflags uint64) (fd uint64, errno int) {
	g.t.Helper()
	p, n := g.put(1024, path)
	rights := uint64(rightsRW)
	if dir == fdLibrary || oflags&oDirectory != 0 {
		rights = 1 << 1
	}
	errno = g.call("path_open", dir, 1, p, n, oflags, rights, 0, 0, 0)
	return uint64(g.u32(0)), errno
}

// write calls fd_write with one buffer.
func (g *wasiGuest) write(fd uint64, s string) int {
	g.t.Helper()
	p, n := g.put(1024, s)
	g.mod.Memory().WriteUint32Le(8, uint32(p))
	g.mod.Memory().WriteUint32Le(12, uint32(n))
	return g.call("fd_write", fd, 8, 1, 0)
}

// path calls a function that takes a folder and one path.
func (g *wasiGuest) path(name string, dir uint64, path string, more ...uint64) int {
	g.t.Helper()
	p, n := g.put(1024, path)
	return g.call(name, append([]uint64{dir, p, n}, more...)...)
}

func (g *wasiGuest) rename(from, to string) int {
	g.t.Helper()
	p, n := g.put(1024, from)
	q, m := g.put(8192, to)
	return g.call("path_rename", fdFolder, p, n, fdFolder, q, m)
}

func (g *wasiGuest) want(what string, got, want int) {
	g.t.Helper()
	if got != want {
		g.t.Errorf("%s: got errno %d, want %d", what, got, want)
	}
}

func TestWASIGuestWorksInItsFolder(t *testing.T) {
	g, _, dir, _ := newGuest(t, roomy)
	g.want("mkdir", g.path("path_create_directory", fdFolder, "sub"), wasiOK)
	fd, errno := g.open(fdFolder, "sub/file", oCreat)
	g.want("open", errno, wasiOK)
	g.want("write", g.write(fd, "hello"), wasiOK)
	g.want("close", g.call("fd_close", fd), wasiOK)
	g.want("rename", g.rename("sub/file", "moved"), wasiOK)
	sub, errno := g.open(fdFolder, "sub", oDirectory)
	g.want("open a folder", errno, wasiOK)
	below, errno := g.open(sub, "below", oCreat)
	g.want("open below a folder", errno, wasiOK)
	g.want("write", g.write(below, "x"), wasiOK)
	for path, want := range map[string]string{"moved": "hello", "sub/below": "x"} {
		if b, err := os.ReadFile(filepath.Join(dir, path)); err != nil || string(b) != want {
			t.Errorf("%s holds %q, %v", path, b, err)
		}
	}
}

func TestWASIGuestCannotLeave(t *testing.T) {
	g, _, dir, _ := newGuest(t, roomy)
	g.want("mkdir", g.path("path_create_directory", fdFolder, "sub"), wasiOK)
	sub, errno := g.open(fdFolder, "sub", oDirectory)
	g.want("open", errno, wasiOK)
	if err := os.Symlink("../secrets", filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"../secret", "/etc/passwd", filepath.Join(dir, "../secret"), "sub/../../secret", "../../../../../../../../etc/passwd", "..", "out/secret", "out/new", "out"} {
		for _, flags := range []uint64{0, oCreat, oDirectory, oCreat | oTrunc, oCreat | oExcl} {
			if _, errno := g.open(fdFolder, p, flags); errno == wasiOK {
				t.Errorf("opened %q with %d", p, flags)
			}
		}
		for _, f := range []string{"path_create_directory", "path_remove_directory"} {
			if g.path(f, fdFolder, p) == wasiOK {
				t.Errorf("%s %q worked", f, p)
			}
		}
		if p != "out" && g.path("path_unlink_file", fdFolder, p) == wasiOK {
			t.Errorf("unlinked %q", p)
		}
		if g.rename("sub", p) == wasiOK || (p != "out" && g.rename(p, "stolen") == wasiOK) {
			t.Errorf("renamed from or to %q", p)
		}
	}
	for _, p := range []string{"../../secret", "../../../etc/passwd", "/etc/passwd"} {
		if _, errno := g.open(sub, p, 0); errno == wasiOK {
			t.Errorf("opened %q from a folder", p)
		}
	}
}

func TestWASIGuestCannotLink(t *testing.T) {
	g, _, dir, _ := newGuest(t, roomy)
	fd, _ := g.open(fdFolder, "file", oCreat)
	g.want("close", g.call("fd_close", fd), wasiOK)
	for _, target := range []string{"../../../etc/passwd", "/etc/passwd", "..", "file"} {
		p, n := g.put(1024, target)
		q, m := g.put(8192, "link")
		g.want("symlink to "+target, g.call("path_symlink", p, n, fdFolder, q, m), wasiPerm)
		if errno := g.call("path_link", fdFolder, 0, p, n, fdFolder, q, m); errno != wasiPerm {
			t.Errorf("hard link to %s: errno %d", target, errno)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "host")); err != nil {
		t.Fatal(err)
	}
	g.want("readlink", g.path("path_readlink", fdFolder, "host", 9000, 100, 0), wasiPerm)
	p, n := g.put(1024, "host")
	g.want("open without following", g.call("path_open", fdFolder, 0, p, n, 0, 1<<1, 0, 0, 0), wasiLoop)
}

func TestWASIGuestMeetsItsLimits(t *testing.T) {
	g, f, dir, _ := newGuest(t, jail.Limits{Bytes: 10_000, Files: 20, OpenFiles: 5})
	opened := 0
	for range 2000 {
		if _, errno := g.open(fdFolder, "file", oCreat); errno == wasiOK {
			opened++
		}
	}
	if opened != 4 {
		t.Errorf("%d files were open at once, want 4 and the folder itself", opened)
	}
	const fd = 6 // the first of them
	g.want("truncate to 1 TB", g.call("fd_filestat_set_size", fd, 1<<40), wasiIO)
	g.want("allocate 1 TB", g.call("fd_allocate", fd, 0, 1<<40), wasiIO)
	g.want("truncate below zero", g.call("fd_filestat_set_size", fd, 1<<63), wasiInval)
	errno := wasiOK
	for i := 0; i < 100 && errno == wasiOK; i++ {
		errno = g.write(fd, strings.Repeat("x", 1000))
	}
	g.want("write for ever", errno, wasiIO)
	made := 1
	for i := range 200 {
		if g.path("path_create_directory", fdFolder, "d"+strings.Repeat("d", i)) == wasiOK {
			made++
		}
	}
	if used := diskUse(t, dir); made != 20 || used > 10_000 || f.Exceeded() == nil {
		t.Errorf("%d files with %d bytes; the limit hit is %v", made, used, f.Exceeded())
	}
	g.want("long name", g.path("path_create_directory", fdFolder, strings.Repeat("n", 300)), wasiNameTooLong)
	g.want("NUL in a name", g.path("path_create_directory", fdFolder, "a\x00b"), wasiInval)
}

func TestWASIGuestListsLargeFolders(t *testing.T) {
	g, _, dir, _ := newGuest(t, roomy)
	for i := range 500 {
		if err := os.WriteFile(filepath.Join(dir, strings.Repeat("n", 1+i%60)+"-"+string(rune('a'+i/60))), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	fd, errno := g.open(fdFolder, ".", oDirectory)
	g.want("open", errno, wasiOK)
	var got []string
	for cookie := uint64(0); ; {
		g.want("readdir", g.call("fd_readdir", fd, 16384, 300, cookie, 0), wasiOK)
		used := g.u32(0)
		buf, _ := g.mod.Memory().Read(16384, used)
		read := 0
		for len(buf) >= 24 {
			length := int(binary.LittleEndian.Uint32(buf[16:]))
			if len(buf) < 24+length {
				break
			}
			got = append(got, string(buf[24:24+length]))
			cookie = binary.LittleEndian.Uint64(buf)
			buf = buf[24+length:]
			read++
		}
		if used < 300 {
			break
		}
		if read == 0 {
			t.Fatal("no progress")
		}
	}
	if len(got) != len(want)+2 || got[0] != "." || got[1] != ".." || got[2] != want[0].Name() || got[len(got)-1] != want[len(want)-1].Name() {
		t.Errorf("listed %d names, want %d and two for the dots", len(got), len(want))
	}
	g.want("rewind", g.call("fd_readdir", fd, 16384, 300, 0, 0), wasiOK)
}

func TestWASIGuestAndTheOtherMounts(t *testing.T) {
	g, _, dir, r := newGuest(t, roomy)
	fd, errno := g.open(fdDevices, "display", oCreat|oTrunc)
	g.want("open the display", errno, wasiOK)
	g.want("write to it", g.write(fd, `{"data":{"text/plain":"shown"}}`+"\n"), wasiOK)
	if len(r.shown) != 1 || r.shown[0].Data["text/plain"] != "shown" {
		t.Errorf("shown %v, refused %v", r.shown, r.refused)
	}
	for _, mount := range []uint64{fdDevices, fdLibrary} {
		for _, p := range []string{"../etc/passwd", "../../secret", "/etc/passwd"} {
			if _, errno := g.open(mount, p, 0); errno != wasiPerm {
				t.Errorf("%q in mount %d: errno %d", p, mount, errno)
			}
		}
		g.want("mkdir in a read-only mount", g.path("path_create_directory", mount, "x"), wasiRofs)
		if g.call("fd_close", fd+100) != wasiBadf {
			t.Error("closed what was never open")
		}
	}
	fd, errno = g.open(fdLibrary, "lib/helper.py", 0)
	g.want("open from the library", errno, wasiOK)
	if g.write(fd, "x") == wasiOK {
		t.Error("wrote to the library")
	}
	p, n := g.put(1024, "file")
	q, m := g.put(8192, "null")
	mine, _ := g.open(fdFolder, "file", oCreat)
	g.want("close", g.call("fd_close", mine), wasiOK)
	if g.call("path_rename", fdFolder, p, n, fdDevices, q, m) == wasiOK {
		t.Error("renamed across mounts")
	}
	_, errno = g.open(fdFolder, "dev/display", 0)
	g.want("the devices by way of the folder", errno, wasiNoEnt)
	if _, err := os.Stat(filepath.Join(dir, "dev")); err == nil {
		t.Error("the devices are on the disk")
	}
}
