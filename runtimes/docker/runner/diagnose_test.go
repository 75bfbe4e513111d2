package runner

import (
	"archive/tar"
	"bytes"
	"fmt"
	"strings"
	"testing"

	"sandpiper/sandbox"
)

func TestDiagnose(t *testing.T) {
	files := []sandbox.File{{Name: "main.py"}, {Name: "lib/a.c"}, {Name: "main.ts"}, {Name: "main.sh"}, {Name: "main.js"}}
	for name, tt := range map[string]struct{ stderr, want string }{
		"nothing":   {"", ""},
		"noise":     {"hello\nmain.py is fine\n", ""},
		"Python":    {"Traceback (most recent call last):\n  File \"/home/daytona/program/main.py\", line 3, in <module>\n    f()\n  File \"/usr/lib/python3/json.py\", line 9, in f\nValueError: no\n", "main.py:3:0 error ValueError: no"},
		"gcc":       {"lib/a.c: In function ‘f’:\nlib/a.c:2:9: warning: unused variable ‘x’ [-Wunused-variable]\n./lib/a.c:4:1: error: expected ‘;’\n/usr/include/x.h:1:1: error: no\n", "lib/a.c:2:9 warning unused variable ‘x’ [-Wunused-variable]|lib/a.c:4:1 error expected ‘;’"},
		"tsc":       {"main.ts(7,5): error TS1005: ';' expected.\n", "main.ts:7:5 error TS1005: ';' expected."},
		"bash":      {"main.sh: line 4: nothing: command not found\n", "main.sh:4:0 error nothing: command not found"},
		"Node":      {"/home/daytona/program/main.js:2\nx.y.z\n    ^\n\nTypeError: no\n    at Object.<anonymous> (/home/daytona/program/main.js:2:5)\n", "main.js:2:0 error TypeError: no"},
		"elsewhere": {"  File \"/etc/passwd\", line 1\nSyntaxError: no\n", ""},
		"huge line": {"main.ts(99999999999999999999,1): error X\n", "main.ts:9223372036854775807:1 error X"},
	} {
		var got []string
		for _, d := range diagnose(tt.stderr, files) {
			got = append(got, fmt.Sprintf("%s:%d:%d %s %s", d.File, d.Line, d.Column, d.Severity, d.Message))
		}
		if strings.Join(got, "|") != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

func FuzzDiagnose(f *testing.F) {
	f.Add("main.py:1:2: error: x\n  File \"main.py\", line 3\nError: x")
	files := []sandbox.File{{Name: "main.py"}}
	f.Fuzz(func(t *testing.T, stderr string) {
		for _, d := range diagnose(stderr, files) {
			if d.File != "main.py" || d.Line < 1 || d.Message == "" {
				t.Errorf("%q gives %+v", stderr, d)
			}
		}
	})
}

func TestModules(t *testing.T) {
	for code, want := range map[string]bool{
		"console.log(1)": false, "import fs from 'fs'": true, "  export const x = 1": true, "const m = import('x')": false,
		"const x = await f()": true, "console.log(1); await f()": true, "const f = require('fs'); async function g() { await f }": false,
		"importScripts()": false, "exports.x = 1": false,
	} {
		files := modules([]sandbox.File{{Name: "main.js", Content: []byte(code)}})
		if got := len(files) == 2; got != want {
			t.Errorf("%q: a module: %v, want %v", code, got, want)
		}
	}
	own := []sandbox.File{{Name: "main.js", Content: []byte("import 'x'")}, {Name: "package.json"}}
	if got := modules(own); len(got) != 2 {
		t.Errorf("a program's own package.json is not the last word: %v", got)
	}
}

func TestParseVersions(t *testing.T) {
	got := parseVersions("python Python 3.11.2\nbash GNU bash, version 5.2.15(1)-release\nc\nx nothing\njavascript v18.20.4\n")
	if len(got) != 3 || got["python"] != "3.11.2" || got["bash"] != "5.2.15" || got["javascript"] != "18.20.4" {
		t.Errorf("got %v", got)
	}
}

// archive makes what tar makes of files.
func archive(files ...sandbox.File) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	w.WriteHeader(&tar.Header{Name: "./", Typeflag: tar.TypeDir})
	for _, f := range files {
		w.WriteHeader(&tar.Header{Name: "./" + f.Name, Mode: 0o644, Size: int64(len(f.Content))})
		w.Write(f.Content)
	}
	w.WriteHeader(&tar.Header{Name: "./link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"})
	w.Close()
	return b.Bytes()
}

func TestUnpack(t *testing.T) {
	large := sandbox.File{Name: "large", Content: make([]byte, maxCollectedBytes+1)}
	files := []sandbox.File{{Name: "a.txt", Content: []byte("a")}, {Name: "b/c.txt", Content: bytes.Repeat([]byte("x"), 1000)}}
	got := unpack(bytes.NewReader(archive(files[0], large, files[1])))
	if len(got) != 2 || got[0].Name != "a.txt" || got[1].Name != "b/c.txt" || !bytes.Equal(got[1].Content, files[1].Content) {
		t.Errorf("got %d files", len(got))
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(archive(sandbox.File{Name: "../x", Content: []byte("x")}, sandbox.File{Name: "y", Content: []byte("y")}))
	f.Fuzz(func(t *testing.T, archive []byte) {
		for _, file := range unpack(bytes.NewReader(archive)) {
			if err := sandbox.ValidateFileName("name", file.Name); err != nil || len(file.Content) > maxCollectedBytes {
				t.Errorf("%q came out: %v", file.Name, err)
			}
		}
	})
}
