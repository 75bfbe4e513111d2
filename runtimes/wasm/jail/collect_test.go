package jail_test

import (
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"sandpiper/runtimes/wasm/jail"
)

func TestCollect(t *testing.T) {
	dir := t.TempDir()
	contents := map[string]string{
		"main.py": "not collected", "out/b.txt": "bb", "out/a.txt": "a", "out/sub/deep/c.txt": "ccc", "out/empty": "",
		"out/bad\nname": "x", `out/back\slash`: "x",
	}
	for name, content := range contents {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"passwd": "/etc/passwd", "main": "../main.py", "dir": "/etc", "loop": "."} {
		if err := os.Symlink(target, filepath.Join(dir, "out", name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "out", "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	const notFiles = 2 + 4 + 1 // bad names, links, the FIFO
	tests := []struct {
		name    string
		limits  jail.CollectLimits
		want    []string
		omitted int
	}{
		{"all", jail.CollectLimits{Bytes: 100, Files: 100}, []string{"a.txt", "b.txt", "empty", "sub/deep/c.txt"}, notFiles},
		{"few", jail.CollectLimits{Bytes: 100, Files: 2}, []string{"a.txt", "b.txt"}, notFiles + 2},
		{"small", jail.CollectLimits{Bytes: 2, Files: 100}, []string{"a.txt", "empty"}, notFiles + 2},
		{"none", jail.CollectLimits{}, nil, notFiles + 4},
	}
	root := openRoot(t, dir)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files, omitted, err := jail.Collect(root, "out", tt.limits)
			var got []string
			for _, f := range files {
				got = append(got, f.Name)
				if string(f.Content) != contents["out/"+f.Name] {
					t.Errorf("%s holds %q", f.Name, f.Content)
				}
			}
			if err != nil || !slices.Equal(got, tt.want) || omitted != tt.omitted {
				t.Errorf("got %q, %d omitted, %v; want %q, %d", got, omitted, err, tt.want, tt.omitted)
			}
		})
	}
}

func openRoot(t *testing.T, dir string) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root
}

func TestCollectFromNothing(t *testing.T) {
	tests := []struct {
		name string
		make func(dir string) error
	}{
		{"missing", func(string) error { return nil }},
		{"a file", func(dir string) error { return os.WriteFile(filepath.Join(dir, "out"), []byte("x"), 0o600) }},
		{"a link to a folder", func(dir string) error { return os.Symlink("/etc", filepath.Join(dir, "out")) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := tt.make(dir); err != nil {
				t.Fatal(err)
			}
			files, omitted, err := jail.Collect(openRoot(t, dir), "out", jail.CollectLimits{Bytes: 1 << 20, Files: 100})
			if len(files) != 0 || omitted != 0 || err != nil {
				t.Errorf("got %d files, %d omitted, %v", len(files), omitted, err)
			}
		})
	}
}
