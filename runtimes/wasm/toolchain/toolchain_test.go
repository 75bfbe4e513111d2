package toolchain

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestKeys(t *testing.T) {
	base := Request{
		Files: []File{{Name: "a", Content: []byte("1")}}, Result: "r",
		Steps: []Step{{Tool: "compile", Args: []string{"x", "y"}}},
	}
	change := func(f func(r *Request)) Request {
		r := base
		r.Files = []File{base.Files[0]}
		r.Steps = []Step{base.Steps[0]}
		f(&r)
		return r
	}
	others := map[string]Request{
		"a content":         change(func(r *Request) { r.Files[0].Content = []byte("2") }),
		"a name":            change(func(r *Request) { r.Files[0].Name = "b" }),
		"what comes before": change(func(r *Request) { r.Files[0].After = "importcfg" }),
		"a tool's name":     change(func(r *Request) { r.Steps[0].As = "link" }),
		"arguments joined":  change(func(r *Request) { r.Steps[0].Args = []string{"x y"} }),
		"the result":        change(func(r *Request) { r.Result = "s" }),
	}
	if base.key("sdk") != change(func(*Request) {}).key("sdk") {
		t.Error("the same request has two keys")
	}
	if base.key("sdk") == base.key("other") {
		t.Error("another SDK has the same key")
	}
	for name, r := range others {
		if r.key("sdk") == base.key("sdk") {
			t.Errorf("%s does not change the key", name)
		}
	}
}

func TestNotInstalled(t *testing.T) {
	set := Set{Name: "cobol", Tools: map[string]string{"compile": "cobol-compile"}, SDK: "cobol-sdk"}
	if _, err := New(Config{Set: set, Dir: t.TempDir()}, nil); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("got %v, want ErrNotInstalled", err)
	}
	if !strings.Contains(ErrNotInstalled.Error(), "make compilers") {
		t.Error("the error does not say what to do")
	}
}

func TestRemoveOld(t *testing.T) {
	dir := t.TempDir()
	long := time.Now().Add(-2 * time.Hour)
	for name, age := range map[string]time.Time{"job-old": long, "job-new": time.Now(), "other-old": long} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.Mkdir(path, 0o700), os.Chtimes(path, age, age)); err != nil {
			t.Fatal(err)
		}
	}
	if err := removeOld(filepath.Join(dir, "job-*"), time.Hour); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"job-old": false, "job-new": true, "other-old": true} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s is there: %t, want %t", name, err == nil, want)
		}
	}
}
