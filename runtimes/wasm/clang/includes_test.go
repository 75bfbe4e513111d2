package clang

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sandpiper/runtimes/wasm/home"
	"sandpiper/runtimes/wasm/jail"
	"sandpiper/runtimes/wasm/toolchain"
	"sandpiper/runtimes/wasm/vm"
)

// TestIncludes collects what a source includes, which ends where there are too many
// places to look at.
func TestIncludes(t *testing.T) {
	dir := t.TempDir()
	var many strings.Builder
	for i := range maxIncludes {
		fmt.Fprintf(&many, "#include \"h%d.h\"\n", i)
	}
	for name, content := range map[string]string{
		"main.c":    "#include <stdio.h>\n#include \"a.h\"\n#include \"missing.h\"\n",
		"a.h":       "#include \"sub/b.h\"\n#include \"a.h\"\n",
		"sub/b.h":   "#include \"c.h\"\n",
		"sub/c.h":   "",
		"unused.h":  "",
		"many.c":    many.String() + "#include \"last.h\"\n",
		"exactly.c": many.String(),
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := jail.New(root, jail.Limits{Bytes: 1 << 20, Files: 100, OpenFiles: 10})
	defer files.Close()
	add := func(source string) (names []string, err error) {
		h, err := home.Open(vm.RunConfig{Mounts: []vm.Mount{{Path: "/", FS: files}}}, "/")
		if err != nil {
			t.Fatal(err)
		}
		c := &command{Driver: &Driver{}, files: h, dir: "/"}
		var r toolchain.Request
		err = c.add(&r, options{}, []string{source})
		for _, f := range r.Files {
			names = append(names, strings.TrimPrefix(f.Name, sourceDir+"/"))
		}
		return names, err
	}
	if got, err := add("main.c"); fmt.Sprint(got) != "[main.c a.h sub/b.h sub/c.h]" || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := add("exactly.c"); err != nil {
		t.Error(err)
	}
	if _, err := add("many.c"); err == nil || !strings.Contains(err.Error(), "places to look") {
		t.Errorf("too many: %v", err)
	}
}
