package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var runsc = program{Path: "/opt/runsc", Args: []string{"--platform=systrap"}}

func TestEnter(t *testing.T) {
	const entry = `{"path": "/opt/runsc", "runtimeArgs": ["--platform=systrap"]}`
	for name, tt := range map[string]struct{ old, want, err string }{
		"no file":             {old: "", want: `{"runtimes": {"runsc": ` + entry + `}}`},
		"an empty object":     {old: "{ }\n", want: `{"runtimes": {"runsc": ` + entry + `}}`},
		"other settings":      {old: `{"bip": "10.1.0.1/16", "n": 12345678901234567890, "labels": ["a"]}`, want: `{"bip": "10.1.0.1/16", "n": 12345678901234567890, "labels": ["a"], "runtimes": {"runsc": ` + entry + `}}`},
		"another runtime":     {old: `{"runtimes": {"kata": {"runtimeType": "x", "options": {"a": 1}}}}`, want: `{"runtimes": {"kata": {"runtimeType": "x", "options": {"a": 1}}, "runsc": ` + entry + `}}`},
		"an older entry":      {old: `{"runtimes": {"runsc": {"path": "/old", "runtimeArgs": ["--debug"]}}}`, want: `{"runtimes": {"runsc": ` + entry + `}}`},
		"not JSON":            {old: "# none", err: "not a JSON object"},
		"cut off":             {old: `{"runtimes": {`, err: "not a JSON object"},
		"a list":              {old: "[]", err: "not a JSON object"},
		"null":                {old: "null", err: "not a JSON object"},
		"runtimes are a list": {old: `{"runtimes": []}`, err: "runtimes are not"},
		"runtimes are null":   {old: `{"runtimes": null}`, err: "not a JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := enter([]byte(tt.old), "runsc", runsc)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %s, %v", got, err)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(tokens(t, string(got)), tokens(t, tt.want)) {
				t.Errorf("got %s, %v; want %s", got, err, tt.want)
			}
			again, err := enter(got, "runsc", runsc)
			if err != nil || string(again) != string(got) {
				t.Errorf("the second time it is %s, %v", again, err)
			}
		})
	}
}

// tokens reads JSON with its numbers as they are written.
func tokens(t *testing.T, text string) (v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestAdd(t *testing.T) {
	file := filepath.Join(t.TempDir(), "docker", "daemon.json")
	if err := add(file, "runsc", runsc); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := add(file, "crun", program{Path: "/usr/bin/crun"}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), "/opt/runsc") || !strings.Contains(string(text), "/usr/bin/crun") {
		t.Errorf("the file is %s, %v", text, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(file, []byte("{mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := add(file, "runsc", runsc); err == nil {
		t.Error("a file that cannot be read was changed")
	}
	if text, _ := os.ReadFile(file); string(text) != "{mine" {
		t.Errorf("the file is %s", text)
	}
}

func FuzzEnter(f *testing.F) {
	for _, text := range []string{"", "{}", `{"runtimes": {"a": {}}, "b": [1]}`, `{"runtimes": 1}`, "null"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, old string) {
		got, err := enter([]byte(old), "runsc", runsc)
		if err != nil {
			return
		}
		var parsed struct{ Runtimes map[string]program }
		if err := json.Unmarshal(got, &parsed); err != nil || !reflect.DeepEqual(parsed.Runtimes["runsc"], runsc) {
			t.Errorf("%q becomes %s, %v", old, got, err)
		}
	})
}
