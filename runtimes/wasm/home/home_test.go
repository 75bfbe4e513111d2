package home_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sandpiper/runtimes/wasm/home"
	"sandpiper/runtimes/wasm/jail"
	"sandpiper/runtimes/wasm/vm"
)

// open makes a sandbox's files of those given, and a Home whose folder is /desk.
func open(t *testing.T, files map[string]string) (h *home.Home, folder string) {
	t.Helper()
	folder = t.TempDir()
	for name, content := range files {
		file := filepath.Join(folder, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	sandboxFiles := jail.NewHome(root, jail.Limits{Bytes: 100 << 20, Files: 6000, OpenFiles: 8}, jail.Usage{})
	t.Cleanup(func() {
		_ = sandboxFiles.Close()
		_ = root.Close()
	})
	h, err = home.Open(vm.RunConfig{Mounts: []vm.Mount{{Path: "/dev"}, {Path: "/", FS: sandboxFiles}}}, "/desk")
	if err != nil {
		t.Fatal(err)
	}
	return h, folder
}

func TestRead(t *testing.T) {
	h, _ := open(t, map[string]string{"desk/a.txt": "one", "b.txt": "two", "desk/sub/c": ""})
	for name, want := range map[string]string{"a.txt": "one", "/desk/a.txt": "one", "../b.txt": "two", "/b.txt": "two", "sub/c": ""} {
		if got, err := h.Read(name); string(got) != want || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name, want := range map[string]string{"no": "no: no such file or directory", "sub": "sub: is a directory", "../../etc/passwd": "../../etc/passwd: no such file or directory"} {
		if _, err := h.Read(name); err == nil || err.Error() != want {
			t.Errorf("%s: error %v, want %s", name, err, want)
		}
	}
	if _, err := h.Read("no"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
}

func TestReadIsBounded(t *testing.T) {
	h, _ := open(t, map[string]string{"desk/big": strings.Repeat("x", 40<<20)})
	if _, err := h.Read("big"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Read("big"); err == nil || !strings.Contains(err.Error(), "larger than 64 MiB") {
		t.Errorf("error %v", err)
	}
}

func TestWrite(t *testing.T) {
	h, folder := open(t, map[string]string{"desk/old": "before", "desk/dir/x": "", "secret": "keep"})
	if err := os.Symlink("/secret", filepath.Join(folder, "desk/.new-out")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"old", "new", "out", "/top"} {
		if err := h.Write(name, []byte("after"), 0o755); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		host := filepath.Join(folder, h.Abs(name))
		info, err := os.Stat(host)
		if err != nil || info.Mode().Perm() != 0o755 {
			t.Fatalf("%s: %v, %v", name, info, err)
		}
		if got, _ := os.ReadFile(host); string(got) != "after" {
			t.Errorf("%s holds %q", name, got)
		}
	}
	if got, _ := os.ReadFile(filepath.Join(folder, "secret")); string(got) != "keep" {
		t.Errorf("a link that lay there was followed: %q", got)
	}
	for name, want := range map[string]string{"dir": "is a directory", "no/such/x": "no such file"} {
		if err := h.Write(name, nil, 0o644); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", name, err, want)
		}
	}
	left, err := filepath.Glob(filepath.Join(folder, "desk", ".new-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestWalk(t *testing.T) {
	h, folder := open(t, map[string]string{"desk/a": "", "desk/b/c": "", "desk/b/d/e": "", "desk/skip/f": ""})
	if err := os.Symlink("..", filepath.Join(folder, "desk/b/up")); err != nil {
		t.Fatal(err)
	}
	got, err := h.Walk(".", func(name string) bool { return name != "skip" })
	if want := []string{"a", "b/c", "b/d/e", "b/up"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	if dir, err := h.IsDir("b"); !dir || err != nil {
		t.Errorf("b: %t, %v", dir, err)
	}
	if _, err := h.Walk("none", func(string) bool { return true }); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func TestWalkIsBounded(t *testing.T) {
	files := map[string]string{}
	for i := range 5001 {
		files["desk/"+strings.Repeat("x", i%200)+string(rune('a'+i%26))+strings.Repeat("y", i/200)] = ""
	}
	if len(files) != 5001 {
		t.Fatalf("%d names", len(files))
	}
	h, _ := open(t, files)
	if _, err := h.Walk(".", func(string) bool { return true }); err == nil || !strings.Contains(err.Error(), "more than 5000") {
		t.Errorf("error %v", err)
	}
}

func TestNoFiles(t *testing.T) {
	if _, err := home.Open(vm.RunConfig{}, "/"); err == nil {
		t.Error("no error")
	}
}
