package a11y

import (
	"strings"
	"testing"
)

func TestSocketOf(t *testing.T) {
	for address, want := range map[string]string{
		"unix:path=/run/user/1000/bus":                   "/run/user/1000/bus",
		"unix:path=/tmp/a%20b,guid=00ff":                 "/tmp/a b",
		"unix:guid=00ff,path=/tmp/bus":                   "/tmp/bus",
		"unix:path=/first;unix:path=/second":             "/first",
		"unix:abstract=/tmp/bus":                         "",
		"unix:path=relative":                             "",
		"unix:path=":                                     "",
		"unix:path=/tmp/%zz":                             "",
		"tcp:host=localhost,port=1":                      "",
		"unixexec:path=/bin/sh":                          "",
		"tcp:host=localhost,port=1;unix:path=/tmp/other": "",
		"": "",
	} {
		if got, ok := socketOf(address); got != want && ok || ok != (want != "") {
			t.Errorf("%q is %q, %v, want %q", address, got, ok, want)
		}
	}
}

// FuzzSocketOf reads what any program on the session's bus may answer.
func FuzzSocketOf(f *testing.F) {
	for _, address := range []string{"", "unix:path=/tmp/a%20b,guid=00ff;tcp:host=h", "unix:path=%2ftmp", "unix:,,path=/", "unix:path=/%00"} {
		f.Add(address)
	}
	f.Fuzz(func(t *testing.T, address string) {
		if path, ok := socketOf(address); ok && (!strings.HasPrefix(path, "/") || len(path) > len(address)) {
			t.Errorf("%q is %q", address, path)
		}
	})
}

// FuzzParseID reads the names of nodes that callers send.
func FuzzParseID(f *testing.F) {
	for _, id := range []string{"", ":", ":1.5/org/a11y/atspi/accessible/1", ":1.5", "/", "name/path"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		r, err := parseID(id)
		if err == nil && (!r.Path.IsValid() || r.Bus == "") {
			t.Errorf("%q is %+v", id, r)
		}
	})
}
