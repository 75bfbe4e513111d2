package lua_test

import (
	"reflect"
	"strings"
	"testing"

	"sandpiper/runtimes/wasm/lua"
	"sandpiper/sandbox"
)

var program = []sandbox.File{
	{Name: "main.lua", Content: []byte("local h = require('lib.helper')\n\nh.go(\n\n")},
	{Name: "lib/helper.lua", Content: []byte("return {}\n")},
}

func TestDiagnose(t *testing.T) {
	fail := func(file string, line, column int, message string) []sandbox.Diagnostic {
		return []sandbox.Diagnostic{{File: file, Line: line, Column: column, Severity: sandbox.SeverityError, Message: message}}
	}
	tests := []struct {
		name, stderr string
		want         []sandbox.Diagnostic
	}{
		{"nothing", "", nil},
		{"own output only", "main.lua:3: not from Lua\n", nil},
		{"runtime error", "lua: main.lua:3: boom\nstack traceback:\n\t[G]: in function 'error'\n\tmain.lua:3: in main chunk\n", fail("main.lua", 3, 0, "boom")},
		{"in another file", "lua: ./lib/helper.lua:1: boom\nstack traceback:\n", fail("lib/helper.lua", 1, 0, "boom")},
		{"syntax error", "lua: main.lua:1:11: syntax error near '='\n", fail("main.lua", 1, 11, "syntax error near '='")},
		{"unfinished", "lua: main.lua: syntax error near <eof>\n", fail("main.lua", 3, 0, "syntax error near <eof>")},
		{"error without a place", "lua: (error object is a table value)\nstack traceback:\n\t[G]: in function 'error'\n\tmain.lua:2: in main chunk\n",
			fail("main.lua", 2, 0, "(error object is a table value)")},
		{"last of several", "lua: main.lua:1: printed by the program\nlua: main.lua:3: boom\n", fail("main.lua", 3, 0, "boom")},
		{"no file of the program", "lua: other.lua:3: boom\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := lua.Diagnose([]byte(tt.stderr), program); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestHint(t *testing.T) {
	stderr := "lua: main.lua:1: module socket not found:\n\tno field package.preload['socket']\n"
	if got := lua.Hint([]byte(stderr), program); !strings.HasPrefix(got, "socket is not") {
		t.Errorf("got %q", got)
	}
	if got := lua.Hint([]byte("lua: main.lua:1: boom\n"), program); got != "" {
		t.Errorf("another error: got %q", got)
	}
}

func FuzzDiagnose(f *testing.F) {
	f.Add("lua: main.lua:3: boom\nstack traceback:\n\tmain.lua:3: in main chunk\n")
	f.Add("lua: main.lua:1:11: syntax error near '='\n")
	f.Add("lua: main.lua: syntax error near <eof>\n")
	f.Fuzz(func(t *testing.T, stderr string) {
		for _, d := range lua.Diagnose([]byte(stderr), program) {
			if d.Line < 1 || d.Column < 0 || (d.File != "main.lua" && d.File != "lib/helper.lua") {
				t.Errorf("impossible place %+v", d)
			}
		}
	})
}
