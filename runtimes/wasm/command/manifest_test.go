package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sandpiper/sandbox"
)

const toy = `{"id":"toy","name":"Toy","version":"1.0","extension":".toy","module":"toy.wasm"}`

func TestParseManifest(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"smallest", toy, ""},
		{"everything", `{"id":"toy-2","name":"Toy","version":"1.0","extension":".t","aliases":["t"],"module":"a.wasm","args":["-f","{main}"],"hello":"hi","env":{"A":"1"}}`, ""},
		{"not JSON", "id: toy", "invalid character"},
		{"empty", "", "EOF"},
		{"misspelt field", `{"id":"toy","nmae":"Toy"}`, `unknown field "nmae"`},
		{"two manifests", toy + toy, "after the closing brace"},
		{"wrong type", `{"id":7}`, "cannot unmarshal"},
		{"bad id", `{"id":"Toy!","name":"Toy","version":"1","extension":".t","module":"a"}`, `id "Toy!"`},
		{"no name", `{"id":"toy","version":"1","extension":".t","module":"a"}`, "name and version"},
		{"no version", `{"id":"toy","name":"Toy","extension":".t","module":"a"}`, "name and version"},
		{"bad extension", `{"id":"toy","name":"Toy","version":"1","extension":"t/../x","module":"a"}`, "extension"},
		{"no module", `{"id":"toy","name":"Toy","version":"1","extension":".t"}`, "module"},
		{"module elsewhere", `{"id":"toy","name":"Toy","version":"1","extension":".t","module":"../a.wasm"}`, "module"},
		{"args without the program", `{"id":"toy","name":"Toy","version":"1","extension":".t","module":"a","args":["-x"]}`, "{main}"},
		{"NUL in args", `{"id":"toy","name":"Toy","version":"1","extension":".t","module":"a","args":["{main}\u0000"]}`, "NUL"},
		{"bad variable", `{"id":"toy","name":"Toy","version":"1","extension":".t","module":"a","env":{"A=B":""}}`, "A=B"},
		{"huge", strings.Repeat(" ", maxManifest) + toy, "more than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseManifest([]byte(tt.text))
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestReadManifests(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("toy/language.json", toy)
	write("toy/toy.wasm", "\x00asm")
	write("other/language.json", toy)
	write("notes/readme.txt", "not a language")
	write("stray.json", "{}")
	found, failed, err := ReadManifests(dir)
	if err != nil || len(found) != 1 || len(failed) != 1 {
		t.Fatalf("found %+v, failed %v, %v", found, failed, err)
	}
	if err := failed["other"]; err == nil || !strings.Contains(err.Error(), "name of its folder") {
		t.Errorf("other: %v", err)
	}
	m := found[0]
	if l := m.Language(); l.ID != "toy" || l.Main != "main.toy" || l.Editor != "text" {
		t.Errorf("language %+v", l)
	}
	if b, err := m.read(); string(b) != "\x00asm" || err != nil {
		t.Errorf("module %q, %v", b, err)
	}
	if err := os.Remove(filepath.Join(dir, "toy", "toy.wasm")); err != nil {
		t.Fatal(err)
	}
	if _, err := m.read(); err == nil {
		t.Error("a module that is not there was read")
	}
	if found, failed, err := ReadManifests(filepath.Join(dir, "nowhere")); len(found)+len(failed) != 0 || err != nil {
		t.Errorf("no folder: %v, %v, %v", found, failed, err)
	}
}

func TestArguments(t *testing.T) {
	m, err := ParseManifest([]byte(`{"id":"toy","name":"Toy","version":"1","extension":".t","module":"a","args":["--file={main}","--"],"env":{"B":"2","A":"1"}}`))
	if err != nil {
		t.Fatal(err)
	}
	d := m.Driver()
	p := sandbox.Program{Files: []sandbox.File{{Name: "src/main.t"}, {Name: "x"}}, Args: []string{"{main}", ""}}
	if got, want := d.arguments(p), []string{"toy", "--file=src/main.t", "--", "{main}", ""}; !slices.Equal(got, want) {
		t.Errorf("arguments %q, want %q", got, want)
	}
	if want := []string{"A=1", "B=2"}; !slices.Equal(d.Env, want) || !d.Untrusted {
		t.Errorf("env %q, untrusted %t", d.Env, d.Untrusted)
	}
}

func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(toy))
	f.Add([]byte(`{"id":"a","name":"A","version":"1","extension":".a","module":"a","args":["{main}"],"env":{"A":""},"aliases":["b"],"hello":"x"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseManifest(b)
		if err != nil {
			return
		}
		again, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseManifest(again); err != nil && len(again) <= maxManifest {
			t.Errorf("%s is not read again: %v", again, err)
		}
		if filepath.Dir(filepath.Join("languages", m.ID, m.Module)) != filepath.Join("languages", m.ID) {
			t.Errorf("module %q is outside of the language's folder", m.Module)
		}
	})
}
