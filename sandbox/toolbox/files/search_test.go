package files_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"sandpiper/sandbox/toolbox/files"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

func (tb *toolbox) find(path, text string) []toolboxtype.Match {
	tb.Helper()
	return decode[[]toolboxtype.Match](tb, tb.get("/files/find", "path", path, "pattern", text), "[]Match")
}

func TestFind(t *testing.T) {
	tb := newToolbox(t)
	tb.put("a.go", "one\nneedle two\r\nthree needle")
	tb.put("sub/b.go", "needle(.*)\n")
	tb.put("binary", "needle\x00needle")
	tb.put("empty", "")
	if err := os.Symlink("..", filepath.Join(tb.dir, "sub/loop")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(tb.dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := []toolboxtype.Match{
		{File: tb.dir + "/a.go", Line: 2, Content: "needle two"},
		{File: tb.dir + "/a.go", Line: 3, Content: "three needle"},
		{File: tb.dir + "/sub/b.go", Line: 1, Content: "needle(.*)"},
	}
	if got := tb.find(".", "needle"); !slices.Equal(got, want) {
		t.Errorf("folder: %+v", got)
	}
	if got := tb.find("a.go", "two"); !slices.Equal(got, want[:1]) {
		t.Errorf("file: %+v", got)
	}
	if got := tb.find(".", "needle(.*)"); !slices.Equal(got, want[2:]) {
		t.Errorf("text that looks like an expression: %+v", got)
	}
	if got := tb.find("sub/loop/sub", "needle"); len(got) != 1 {
		t.Errorf("through a link that was asked for: %+v", got)
	}
	tb.get("/files/find", "path", "nowhere", "pattern", "x").wantStatus(t, 404, "FILE_NOT_FOUND")
	tb.get("/files/find", "path", ".").wantStatus(t, 400, "BAD_REQUEST")
}

func TestFindInLongLines(t *testing.T) {
	tb := newToolbox(t)
	tb.put("min.js", strings.Repeat("é", 200_000)+"needle"+strings.Repeat("é", 200_000)+"\nneedle")
	tb.put("huge", strings.Repeat("x", 3<<20)+"needle\nneedle")
	got := tb.find(".", "needle")
	if len(got) != 3 {
		t.Fatalf("%d matches", len(got))
	}
	if got[0].File != tb.dir+"/huge" || got[0].Line != 2 {
		t.Errorf("after a line that is too long: %+v", got[0])
	}
	if long := got[1]; len(long.Content) > 4096 || !strings.Contains(long.Content, "needle") || strings.Contains(long.Content, "�") {
		t.Errorf("long line: %d bytes: %.50q", len(long.Content), long.Content)
	}
}

func TestFindIsBounded(t *testing.T) {
	tb := newToolbox(t)
	for _, name := range []string{"a", "b", "c"} {
		tb.put(name, "needle needle\nneedle\n")
	}
	all := tb.get("/files/find", "path", ".", "pattern", "needle")
	if all.header.Get("X-Truncated") != "" {
		t.Error("a whole answer says that it is cut")
	}
	for name, limit := range map[string]func(){
		"matches": func() { tb.h.LimitMatches(2, 1<<20) },
		"bytes":   func() { tb.h.LimitMatches(100, 100) },
		"entries": func() { tb.h.LimitMatches(100, 1<<20); tb.h.LimitEntries(2) },
		"time":    func() { tb.h.LimitEntries(100); tb.h.LimitTime(time.Nanosecond) },
	} {
		t.Run(name, func(t *testing.T) {
			limit()
			r := tb.get("/files/find", "path", ".", "pattern", "needle")
			if got := decode[[]toolboxtype.Match](t, r, "[]Match"); len(got) >= 6 || r.header.Get("X-Truncated") != "true" {
				t.Errorf("%d matches, header %q", len(got), r.header.Get("X-Truncated"))
			}
		})
	}
}

func TestSearch(t *testing.T) {
	tb := newToolbox(t)
	for _, name := range []string{"a.go", "b.txt", "src/c.go", "src/deep/d.go", "src/deep/.hidden.go"} {
		tb.put(name, "")
	}
	if err := os.Symlink("..", filepath.Join(tb.dir, "src/loop.go")); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		path, pattern string
		want          []string
	}{
		{".", "*.go", []string{"a.go", "src/c.go", "src/deep/.hidden.go", "src/deep/d.go", "src/loop.go"}},
		{"src", "?.go", []string{"src/c.go", "src/deep/d.go"}},
		{".", "src/*.go", []string{"src/c.go", "src/loop.go"}},
		{".", "src/**/d.go", []string{"src/deep/d.go"}},
		{".", "**/*.go", []string{"a.go", "src/c.go", "src/deep/.hidden.go", "src/deep/d.go", "src/loop.go"}},
		{".", "deep", []string{"src/deep"}},
		{".", "[ab].*", []string{"a.go", "b.txt"}},
		{".", "nothing", nil},
	}
	for _, tt := range tests {
		t.Run(tt.path+" "+tt.pattern, func(t *testing.T) {
			found := decode[toolboxtype.SearchFilesResponse](t, tb.get("/files/search", "path", tt.path, "pattern", tt.pattern), "SearchFilesResponse")
			var got []string
			for _, f := range found.Files {
				got = append(got, strings.TrimPrefix(f, tb.dir+"/"))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	for _, bad := range []string{"", "[", "a/[", "**/**/**/**/**/x", strings.Repeat("x", 5000)} {
		tb.get("/files/search", "path", ".", "pattern", bad).wantStatus(t, 400, "BAD_REQUEST")
	}
	tb.get("/files/search", "path", "a.go", "pattern", "x").wantStatus(t, 400, "BAD_REQUEST")
	tb.h.LimitMatches(1, 1<<20)
	if r := tb.get("/files/search", "path", ".", "pattern", "*"); r.header.Get("X-Truncated") != "true" {
		t.Error("a cut answer does not say so")
	}
}

func TestReplace(t *testing.T) {
	tb := newToolbox(t)
	tb.put("a", "old (old) old")
	tb.put("b", "nothing")
	tb.put("c", "xxxx")
	if err := os.Chmod(filepath.Join(tb.dir, "a"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a", filepath.Join(tb.dir, "link")); err != nil {
		t.Fatal(err)
	}
	replace := func(text, with string, names ...string) []toolboxtype.ReplaceResult {
		return decode[[]toolboxtype.ReplaceResult](t, tb.postJSON("/files/replace", toolboxtype.ReplaceRequest{Files: names, Pattern: text, NewValue: &with}), "[]ReplaceResult")
	}
	got := replace("(old)", "$1", "link", "b", "nowhere", ".", "")
	for i, ok := range []bool{true, true, false, false, false} {
		if got[i].Success != ok || (got[i].Error == "") != ok {
			t.Errorf("result %d: %+v", i, got[i])
		}
	}
	tb.want("a", "old $1 old")
	if info, err := os.Lstat(filepath.Join(tb.dir, "a")); err != nil || info.Mode() != 0o750 {
		t.Errorf("the mode became %v, %v", info.Mode(), err)
	}
	if target, err := os.Readlink(filepath.Join(tb.dir, "link")); err != nil || target != "a" {
		t.Errorf("the link became %q, %v", target, err)
	}
	tb.h.LimitReplace(8)
	if got := replace("x", "yyy", "c"); got[0].Success {
		t.Error("a file grew over the limit")
	}
	if got := replace("old", "new", "a"); got[0].Success {
		t.Error("a file over the limit was read")
	}
	if got := replace("xx", "", "c"); !got[0].Success {
		t.Errorf("empty text: %+v", got[0])
	}
	tb.want("c", "")
	tb.wantEntries(".", "a", "b", "c", "link")
	for _, bad := range []map[string]any{
		{"files": []string{}, "pattern": "x", "newValue": ""},
		{"files": []string{"a"}, "pattern": "", "newValue": ""},
		{"files": []string{"a"}, "pattern": "x"},
	} {
		tb.postJSON("/files/replace", bad).wantStatus(t, 400, "BAD_REQUEST")
	}
	tb.postJSON("/files/replace", map[string]any{"files": "a"}).wantStatus(t, 400, "INVALID_REQUEST_BODY")
}

// FuzzGlob checks that no pattern panics or takes long, and that what has no
// special characters matches itself.
func FuzzGlob(f *testing.F) {
	for _, seed := range []string{"*.go", "**/a", "a/**/b/**", "[a-", "\\", "***", "/", "a//b", "[]a]/x"} {
		f.Add(seed, "a/b.go")
	}
	f.Fuzz(func(t *testing.T, glob, rel string) {
		match, err := files.ParseGlob(glob)
		if err != nil {
			return
		}
		match(rel)
		if strings.Trim(glob, "/") == glob && !strings.ContainsAny(glob, `*?[\`) && !match(glob) {
			t.Errorf("%q does not match itself", glob)
		}
	})
}
