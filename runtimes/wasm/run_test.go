package wasm_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sandpiper/runtimes/wasm"
	. "sandpiper/runtimes/wasm/wasmtest"
	"sandpiper/sandbox"
)

func TestRunRefuses(t *testing.T) {
	e := newEngine(t, "python")
	file := func(names ...string) (files []sandbox.File) {
		for _, n := range names {
			files = append(files, sandbox.File{Name: n})
		}
		return files
	}
	tests := []struct {
		name, field string
		p           sandbox.Program
	}{
		{"unknown language", "language", sandbox.Program{Language: "cobol", Files: file("x")}},
		{"other version", "version", sandbox.Program{Language: "python", Version: "2.7", Files: file("x")}},
		{"no files", "files", sandbox.Program{Language: "python"}},
		{"outside", "files[0].name", sandbox.Program{Language: "python", Files: file("../x")}},
		{"absolute", "files[1].name", sandbox.Program{Language: "python", Files: file("x", "/etc/passwd")}},
		{"twice", "files[1].name", sandbox.Program{Language: "python", Files: file("x", "x")}},
		{"file as a folder", "files[1].name", sandbox.Program{Language: "python", Files: file("x", "x/y")}},
		{"folder as a file", "files[1].name", sandbox.Program{Language: "python", Files: file("x/y", "x")}},
		{"NUL in an argument", "args", sandbox.Program{Language: "python", Files: file("x"), Args: []string{"a\x00b"}}},
		{"NUL in the environment", "env", sandbox.Program{Language: "python", Files: file("x"), Env: map[string]string{"A": "\x00"}}},
		{"= in the environment", "env", sandbox.Program{Language: "python", Files: file("x"), Env: map[string]string{"A=B": ""}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := e.Run(t.Context(), tt.p, &recorder{})
			var se *sandbox.Error
			if !errors.As(err, &se) || se.Kind != sandbox.KindUnprocessed || se.Field != tt.field {
				t.Errorf("got %v, want an error about %s", err, tt.field)
			}
		})
	}
}

func TestFilesAndDisplays(t *testing.T) {
	e := newEngine(t, "python")
	p := sandbox.Program{Language: "py", Version: "3.12", Files: []sandbox.File{
		{Name: "main.py", Content: []byte(`
import json, os, sys
import helper
from pkg import inner
print(helper.NAME, inner.NAME, open("data/a.txt").read(), sys.argv[1:], os.environ["COLOUR"])
os.makedirs("out/deep")
open("out/b.txt", "w").write("b")
open("out/deep/a.bin", "wb").write(bytes([0, 255]))
open("elsewhere.txt", "w").write("stays")
with open("/dev/display", "w") as d:
    print(json.dumps({"data": {"text/html": "<b>hi</b>", "text/plain": "hi"}}), file=d)
    print("nonsense", file=d)
`)},
		{Name: "helper.py", Content: []byte("NAME = 'helper'")},
		{Name: "pkg/inner.py", Content: []byte("NAME = 'inner'")},
		{Name: "data/a.txt", Content: []byte("données")},
	}, Args: []string{"x", "-y"}, Env: map[string]string{"COLOUR": "grün"}}
	o, out := run(t, e, p)
	if want := "helper inner données ['x', '-y'] grün\n"; out.stdout.String() != want {
		t.Errorf("stdout %q, want %q; stderr %q", out.stdout.String(), want, out.stderr.String())
	}
	if len(o.Files) != 2 || o.Files[0].Name != "b.txt" || o.Files[1].Name != "deep/a.bin" || string(o.Files[1].Content) != "\x00\xff" {
		t.Errorf("files %+v", o.Files)
	}
	if len(out.displays) != 1 || out.displays[0].Data["text/html"] != "<b>hi</b>" {
		t.Errorf("displays %+v", out.displays)
	}
	if !strings.HasPrefix(out.stderr.String(), "sandpiper: ") {
		t.Errorf("stderr does not mention the malformed display: %q", out.stderr.String())
	}
}

func TestFileLimits(t *testing.T) {
	e := newEngine(t, "python")
	tests := []struct {
		name, code, note string
	}{
		{"bytes", "with open('x', 'wb') as f:\n  while True: f.write(bytes(65536))", "sandpiper: a run may write 1 MiB of files at most\n"},
		{"sparse", "open('x', 'wb').truncate(10**12)", "sandpiper: a run may write 1 MiB of files at most\n"},
		{"files", "for i in range(100): open(str(i), 'w')", "sandpiper: a run may create 20 files and folders at most\n"},
		{"open files", "x = [open('x', 'a') for i in range(100)]", "sandpiper: a run may have 10 files open at once\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := pythonProgram(tt.code)
			p.Limits = sandbox.Limits{FileBytes: 1 << 20, Files: 20, OpenFiles: 10}
			o, out := run(t, e, p)
			if o.Status != sandbox.StatusError || !strings.HasSuffix(out.stderr.String(), tt.note) {
				t.Errorf("outcome %+v, stderr %q", o, out.stderr.String())
			}
		})
	}
}

// TestRunFolderIsCleaned checks that nothing of a run, or of a killed server's
// runs, stays on disk.
func TestRunFolderIsCleaned(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "run-old", "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	e, err := wasm.New(wasm.Config{CacheDir: cacheDir(t), RunDir: dir, Only: []string{"python"}})
	if err != nil {
		t.Fatal(err)
	}
	waitReady(t, e, "python")
	run(t, e, pythonProgram("import os\nos.makedirs('a/b/c')\nopen('a/b/c/d', 'w').write('x')"))
	if _, err := e.Run(t.Context(), sandbox.Program{Language: "python", Files: []sandbox.File{{Name: "a"}, {Name: "../a"}}}, &recorder{}); err == nil {
		t.Error("a program with a bad name was run")
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left in the run folder: %v, %v", entries, err)
	}
}

func TestCloseStopsRuns(t *testing.T) {
	e, err := wasm.New(wasm.Config{CacheDir: cacheDir(t), RunDir: t.TempDir(), Only: []string{"python"}})
	if err != nil {
		t.Fatal(err)
	}
	waitReady(t, e, "python")
	started := make(chan struct{})
	begun := sync.OnceFunc(func() { close(started) })
	out := recorder{onOutput: func(sandbox.Stream, string) { begun() }}
	ended := make(chan sandbox.Outcome)
	go func() {
		o, err := e.Run(context.Background(), pythonProgram("print(1)\nwhile True: pass"), &out)
		if err != nil {
			t.Error(err)
		}
		ended <- o
	}()
	<-started
	closed := make(chan error)
	go func() { closed <- e.Close() }()
	if o := <-ended; o.Status != sandbox.StatusCancelled || o.Signal != "SIGTERM" {
		t.Errorf("outcome %+v", o)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	_, err = e.Run(t.Context(), pythonProgram("print(1)"), &out)
	if sandbox.KindOf(err) != sandbox.KindUnavailable {
		t.Errorf("after Close: %v", err)
	}
}

// TestCloseInterruptsPreparation closes an engine that has just begun to compile.
func TestCloseInterruptsPreparation(t *testing.T) {
	e, err := wasm.New(wasm.Config{CacheDir: t.TempDir(), RunDir: t.TempDir(), Only: []string{"python"}})
	if err != nil {
		t.Fatal(err)
	}
	if l := language(t, e, "python"); l.State != sandbox.LanguagePreparing || l.Stage == "" {
		t.Errorf("at the start: %s, %q", l.State, l.Stage)
	}
	_, err = e.Run(t.Context(), pythonProgram("print(1)"), &recorder{})
	if sandbox.KindOf(err) != sandbox.KindUnavailable {
		t.Errorf("while preparing: %v", err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if l := language(t, e, "python"); l.State != sandbox.LanguageFailed {
		t.Errorf("after Close: %s", l.State)
	}
}

// TestOperatorLanguages adds a language that prints its arguments, and some
// that cannot be used.
func TestOperatorLanguages(t *testing.T) {
	dir := t.TempDir()
	add := func(id, manifest string, module []byte) {
		folder := filepath.Join(dir, id)
		err := errors.Join(os.Mkdir(folder, 0o700),
			os.WriteFile(filepath.Join(folder, "language.json"), []byte(manifest), 0o600),
			os.WriteFile(filepath.Join(folder, "tool.wasm"), module, 0o600))
		if err != nil {
			t.Fatal(err)
		}
	}
	args := Command("", Code(
		I32(0), I32(4), Call(0), Drop(), I32(1024), I32(8192), Call(1), Drop(),
		I32(5000), I32(8192), Store(), I32(5004), I32(4), Load(), Store(),
		I32(1), I32(5000), I32(1), I32(5008), Call(2), Drop()),
		WASI("args_sizes_get", "ii:i"), WASI("args_get", "ii:i"), WASI("fd_write", "iiii:i"))
	add("toy", `{"id":"toy","name":"Toy","version":"1.0","extension":".toy","aliases":["t","js"],"module":"tool.wasm","args":["--run","{main}"]}`, args)
	add("javascript", `{"id":"javascript","name":"Mine","version":"9","extension":".js","module":"tool.wasm"}`, args)
	add("typo", `{"id":"typo","name":"Typo","version":"1","extension":".x","modul":"tool.wasm"}`, args)
	add("noise", `{"id":"noise","name":"Noise","version":"1","extension":".x","module":"tool.wasm"}`, []byte("noise"))
	add("library", `{"id":"library","name":"Library","version":"1","extension":".x","module":"tool.wasm"}`, Module{Funcs: []Func{{Export: "f"}}}.Bytes())
	add("hungry", `{"id":"hungry","name":"Hungry","version":"1","extension":".x","module":"tool.wasm"}`, Command("", nil, From("env", "fetch", "")))

	e, err := wasm.New(wasm.Config{CacheDir: t.TempDir(), RunDir: t.TempDir(), LanguageDir: dir, Only: []string{"javascript"}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	waitReady(t, e, "toy")
	o, out := run(t, e, sandbox.Program{Language: "T", Files: []sandbox.File{{Name: "main.toy"}}, Args: []string{"a b"}})
	if got, want := out.stdout.String(), "toy\x00--run\x00main.toy\x00a b\x00"; got != want || o.Status != sandbox.StatusOK {
		t.Errorf("arguments %q, want %q; %+v", got, want, o)
	}
	for id, want := range map[string]string{
		"typo":    `unknown field "modul"`,
		"noise":   "not a WebAssembly module",
		"library": "no _start",
		"hungry":  `"fetch" from the module "env"`,
	} {
		for language(t, e, id).State == sandbox.LanguagePreparing {
			time.Sleep(time.Millisecond)
		}
		if l := language(t, e, id); l.State != sandbox.LanguageFailed || !strings.Contains(l.Stage, want) {
			t.Errorf("language %s: %s, %q, want %q", id, l.State, l.Stage, want)
		}
	}
	if l := language(t, e, "toy"); l.Is("js") {
		t.Errorf("an alias of JavaScript was taken: %q", l.Aliases)
	}
	if slices.ContainsFunc(e.Languages(), func(l sandbox.Language) bool { return l.Name == "Mine" }) {
		t.Error("there is a second javascript")
	}
}

// TestFoldersAreFresh has runs leave things in their folders, of which some are
// used again.
func TestFoldersAreFresh(t *testing.T) {
	e := newEngine(t, "python")
	for name, leave := range map[string]string{
		"a file":        "open('left', 'w').write('x')",
		"a folder":      "os.makedirs('a/b')",
		"a link":        "os.symlink('main.py', 'link')",
		"no program":    "os.remove('main.py')",
		"many files":    "for i in range(40): open(f'f{i}', 'w').close()",
		"its own name":  "os.rename('main.py', 'other.py')",
		"an open file":  "f = open('left', 'w'); f.write('x'); os._exit(0)",
		"a crash":       "open('left', 'w').write('x'); os.abort()",
		"a file in out": "os.mkdir('out'); open('out/f', 'w').write('x')",
	} {
		run(t, e, pythonProgram("import os\n"+leave))
		_, out := run(t, e, pythonProgram("import os\nprint(os.listdir('/'))"))
		if got := out.stdout.String(); got != "['main.py']\n" {
			t.Errorf("after %s there is %s %s", name, got, out.stderr.String())
		}
	}
}
