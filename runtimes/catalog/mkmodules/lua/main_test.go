package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	tests := []struct {
		name   string
		script string
		code   int
		stderr string // what standard error begins with
	}{
		{"fine", `assert(arg[0] and arg[1] == "a" and ... == "a")`, 0, ""},
		{"sibling file", `assert(require("helper").answer == 42)`, 0, ""},
		{"runtime error", "\n\nerror('boom')", 1, "lua: main.lua:3: boom\nstack traceback:\n"},
		{"error value", `error({})`, 1, "lua: (error object is a table value)\nstack traceback:\n"},
		{"error value with text", `error(setmetatable({}, {__tostring = function() return "own text" end}))`, 1, "lua: own text\n"},
		{"syntax error", "local x = = 3", 1, "lua: main.lua:1:11: syntax error near '='\n"},
		{"unfinished", "print(", 1, "lua: main.lua: syntax error near <eof>\n"},
		{"deep recursion", "local function f() return 1 + f() end\nf()", 1, "lua: main.lua:1: stack overflow"},
		{"processes", `os.execute("ls")`, 1, "lua: main.lua:1: os.execute: there are no other programs in this sandbox\n"},
		{"pipes", `io.popen("ls")`, 1, "lua: main.lua:1: io.popen: there are no other programs in this sandbox\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			write(t, "main.lua", tt.script)
			write(t, "helper.lua", "return {answer = 42}")
			var stderr bytes.Buffer
			if code := run([]string{"lua", "main.lua", "a"}, &stderr); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if got := stderr.String(); !strings.HasPrefix(got, tt.stderr) || (tt.stderr == "") != (got == "") {
				t.Errorf("standard error\n%swant\n%s", got, tt.stderr)
			}
		})
	}
}

func TestRunMissingScript(t *testing.T) {
	var stderr bytes.Buffer
	if code := run([]string{"lua", filepath.Join(t.TempDir(), "none.lua")}, &stderr); code != 1 || !strings.Contains(stderr.String(), "none.lua") {
		t.Errorf("exit code %d, %q", code, stderr.String())
	}
	if code := run([]string{"lua"}, &stderr); code != 2 {
		t.Errorf("without a script: exit code %d, want 2", code)
	}
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
