package sandbox_test

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"sandpiper/sandbox"
)

func TestLimitsWithDefaults(t *testing.T) {
	def := sandbox.Limits{Wall: 10 * time.Second, CPU: 5 * time.Second, MemoryBytes: 256, OutputBytes: 100, FileBytes: 32, Files: 10, OpenFiles: 4}
	ceiling := sandbox.Limits{Wall: time.Minute, CPU: time.Minute, MemoryBytes: 1024, OutputBytes: 1600, FileBytes: 64, Files: 20, OpenFiles: 8}
	over := sandbox.Limits{Wall: time.Hour, CPU: time.Hour, MemoryBytes: 1 << 40, OutputBytes: 1 << 40, FileBytes: 1 << 40, Files: 1 << 20, OpenFiles: 1 << 20}
	below := sandbox.Limits{Wall: 1, CPU: 2, MemoryBytes: 3, OutputBytes: 4, FileBytes: 5, Files: 6, OpenFiles: 7}
	negative := sandbox.Limits{Wall: -1, CPU: -1, MemoryBytes: -1, OutputBytes: -1, FileBytes: -1, Files: -1, OpenFiles: -1}
	for _, tt := range []struct {
		name       string
		asks, gets sandbox.Limits
	}{
		{"nothing", sandbox.Limits{}, def},
		{"less", below, below},
		{"too much", over, ceiling},
		{"negative", negative, def},
	} {
		if got := tt.asks.WithDefaults(def, ceiling); got != tt.gets {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.gets)
		}
	}
}

func TestLanguageIs(t *testing.T) {
	l := sandbox.Language{ID: "python", Aliases: []string{"py", "python3"}}
	for name, want := range map[string]bool{
		"python": true, "Python": true, "py": true, "PYTHON3": true, "": false, "p": false, "python2": false,
	} {
		if got := l.Is(name); got != want {
			t.Errorf("%q: got %t", name, got)
		}
	}
}

func TestLanguageHasVersion(t *testing.T) {
	l := sandbox.Language{Version: "3.12.0"}
	for version, want := range map[string]bool{
		"": true, "*": true, "3": true, "3.12": true, "3.12.0": true, "v3": true, "3.x": true, "3.12.x": true,
		"3.1": false, "3.12.": false, "4": false, "3.12.0.1": false, "latest": false, ".": false,
	} {
		if got := l.HasVersion(version); got != want {
			t.Errorf("%q: got %t", version, got)
		}
	}
}

func TestValidateFileName(t *testing.T) {
	for _, name := range []string{"main.py", "a/b/c.txt", "out", "..a", "a..b", ".hidden", "é €.txt", "a b", "-x", strings.Repeat("x", 255)} {
		if err := sandbox.ValidateFileName("name", name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{
		"", ".", "..", "/", "/etc/passwd", "../x", "a/../b", "a/../../b", "a//b", "a/", "./a", "a/.", "a/..", `a\b`, `..\x`,
		"a\x00b", "a\nb", "\x7f", "\xff", "a/\xc3", strings.Repeat("x", 256),
	} {
		err := sandbox.ValidateFileName("files[2].name", name)
		var e *sandbox.Error
		if !errors.As(err, &e) || e.Kind != sandbox.KindUnprocessed || e.Field != "files[2].name" {
			t.Errorf("%q: got %v", name, err)
		}
	}
}

// FuzzValidateFileName holds that a name which is taken stays inside any folder
// that it is joined to.
func FuzzValidateFileName(f *testing.F) {
	for _, name := range []string{"main.py", "a/b", "../x", "/x", "a/../b", `a\b`, "a//b", "é", "\xff", "a\x00", "..", "...", "con"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if sandbox.ValidateFileName("name", name) != nil {
			return
		}
		joined := path.Join("/run/program", name)
		if !strings.HasPrefix(joined, "/run/program/") || joined != "/run/program/"+name {
			t.Errorf("%q becomes %q", name, joined)
		}
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			t.Errorf("%q is not local", name)
		}
		if len(name) > sandbox.MaxFileName || !utf8.ValidString(name) || strings.ContainsAny(name, "\x00\\\n\r") {
			t.Errorf("%q is taken", name)
		}
	})
}

func TestProgramValidate(t *testing.T) {
	file := func(name string, size int) sandbox.File {
		return sandbox.File{Name: name, Content: make([]byte, size)}
	}
	many := func(n int) (files []sandbox.File) {
		for i := range n {
			files = append(files, file(fmt.Sprint("f", i), 1))
		}
		return files
	}
	tests := []struct {
		name   string
		change func(p *sandbox.Program)
		kind   sandbox.Kind // "" for a good program
		field  string
	}{
		{"plain", func(p *sandbox.Program) {}, "", ""},
		{"as many files as may be", func(p *sandbox.Program) { p.Files = many(64) }, "", ""},
		{"as large as may be", func(p *sandbox.Program) { p.Files = []sandbox.File{file("a", 1<<20)} }, "", ""},
		{"folders", func(p *sandbox.Program) { p.Files = []sandbox.File{file("a/b", 1), file("a/c", 1), file("ab", 1)} }, "", ""},
		{"arguments", func(p *sandbox.Program) { p.Args = []string{"", "a b", "é\n"} }, "", ""},
		{"environment", func(p *sandbox.Program) { p.Env = map[string]string{"A": "", "B_1": "é=\n"} }, "", ""},

		{"no language", func(p *sandbox.Program) { p.Language = "" }, sandbox.KindUnprocessed, "language"},
		{"no files", func(p *sandbox.Program) { p.Files = nil }, sandbox.KindUnprocessed, "files"},
		{"too many files", func(p *sandbox.Program) { p.Files = many(65) }, sandbox.KindUnprocessed, "files"},
		{"too large", func(p *sandbox.Program) { p.Files = []sandbox.File{file("a", 1<<20), file("b", 1)} }, sandbox.KindTooLarge, "files"},
		{"bad name", func(p *sandbox.Program) { p.Files = []sandbox.File{file("a", 1), file("../b", 1)} }, sandbox.KindUnprocessed, "files[1].name"},
		{"same name", func(p *sandbox.Program) { p.Files = []sandbox.File{file("a", 1), file("a", 1)} }, sandbox.KindUnprocessed, "files[1].name"},
		{"a file as folder", func(p *sandbox.Program) { p.Files = []sandbox.File{file("a/b/c", 1), file("a", 1)} }, sandbox.KindUnprocessed, "files[0].name"},
		{"too many arguments", func(p *sandbox.Program) { p.Args = make([]string, 257) }, sandbox.KindUnprocessed, "args"},
		{"NUL in an argument", func(p *sandbox.Program) { p.Args = []string{"a", "b\x00"} }, sandbox.KindUnprocessed, "args[1]"},
		{"bytes as argument", func(p *sandbox.Program) { p.Args = []string{"\xff"} }, sandbox.KindUnprocessed, "args[0]"},
		{"long arguments", func(p *sandbox.Program) { p.Args = []string{strings.Repeat("x", 64<<10)} }, sandbox.KindUnprocessed, "args"},
		{"nameless variable", func(p *sandbox.Program) { p.Env = map[string]string{"": "x"} }, sandbox.KindUnprocessed, "env"},
		{"= in a variable's name", func(p *sandbox.Program) { p.Env = map[string]string{"A=B": "x"} }, sandbox.KindUnprocessed, "env"},
		{"NUL in a variable", func(p *sandbox.Program) { p.Env = map[string]string{"A": "\x00"} }, sandbox.KindUnprocessed, "env"},
		{"long environment", func(p *sandbox.Program) { p.Env = map[string]string{"A": strings.Repeat("x", 64<<10)} }, sandbox.KindUnprocessed, "env"},
		{"too many variables", func(p *sandbox.Program) {
			p.Env = map[string]string{}
			for i := range 257 {
				p.Env[fmt.Sprint("V", i)] = ""
			}
		}, sandbox.KindUnprocessed, "env"},
		{"negative time", func(p *sandbox.Program) { p.Limits.Wall = -1 }, sandbox.KindUnprocessed, "timeout_ms"},
		{"negative memory", func(p *sandbox.Program) { p.Limits.MemoryBytes = -1 }, sandbox.KindUnprocessed, "memory_mb"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := sandbox.Program{Language: "python", Files: []sandbox.File{file("main.py", 10)}}
			tt.change(&p)
			err := p.Validate()
			if tt.kind == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var e *sandbox.Error
			if !errors.As(err, &e) || e.Kind != tt.kind || e.Field != tt.field || e.Message == "" {
				t.Errorf("got %#v, want kind %s of field %s", err, tt.kind, tt.field)
			}
		})
	}
}
