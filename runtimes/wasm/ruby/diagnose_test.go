package ruby

import (
	"reflect"
	"strings"
	"testing"

	"sandpiper/sandbox"
)

var program = []sandbox.File{
	{Name: "main.rb", Content: []byte("def foo(x)\n\n  x.bar + 1\nend\n\nfoo(nil)\n")},
	{Name: "lib/helper.rb", Content: []byte("raise \"help\"\n")},
}

func TestDiagnose(t *testing.T) {
	fail := func(file string, line, column int, message string) sandbox.Diagnostic {
		return sandbox.Diagnostic{File: file, Line: line, Column: column, Severity: sandbox.SeverityError, Message: message}
	}
	tests := []struct {
		name, stderr string
		want         []sandbox.Diagnostic
	}{
		{"nothing", "", nil},
		{"a warning only", "main.rb:3: warning: unused variable\n", nil},
		{"plain error", "main.rb:3:in 'Object#foo': boom (RuntimeError)\n\tfrom main.rb:6:in '<main>'\n",
			[]sandbox.Diagnostic{fail("main.rb", 3, 0, "boom (RuntimeError)")}},
		{"after other output", "some log: line\nmain.rb:6:in '<main>': boom (RuntimeError)\n",
			[]sandbox.Diagnostic{fail("main.rb", 6, 0, "boom (RuntimeError)")}},
		{"with the place in the line", "main.rb:3:in 'Object#foo': undefined method 'bar' for nil (NoMethodError)\n\n  x.bar + 1\n   ^^^^\n\tfrom main.rb:6:in '<main>'\n",
			[]sandbox.Diagnostic{fail("main.rb", 3, 4, "undefined method 'bar' for nil (NoMethodError)")}},
		{"raised in the library", "/usr/local/lib/ruby/4.0.0/json/common.rb:9:in 'parse': unexpected token (JSON::ParserError)\n\tfrom /usr/local/lib/ruby/4.0.0/json.rb:1:in 'x'\n\tfrom main.rb:3:in 'Object#foo'\n\tfrom main.rb:6:in '<main>'\n",
			[]sandbox.Diagnostic{fail("main.rb", 3, 0, "unexpected token (JSON::ParserError)")}},
		{"in another file", "/lib/helper.rb:1:in '<top (required)>': help (RuntimeError)\n\tfrom main.rb:1:in 'Kernel#require_relative'\n",
			[]sandbox.Diagnostic{fail("lib/helper.rb", 1, 0, "help (RuntimeError)")}},
		{"with a cause", "main.rb:6:in '<main>': second (ArgumentError)\nmain.rb:3:in 'foo': first (RuntimeError)\n\tfrom main.rb:6:in '<main>'\n",
			[]sandbox.Diagnostic{fail("main.rb", 6, 0, "second (ArgumentError)")}},
		{"several lines of message", "main.rb:6:in '<main>': first (RuntimeError)\nsecond\n\tfrom main.rb:7:in 'x'\n",
			[]sandbox.Diagnostic{fail("main.rb", 6, 0, "first (RuntimeError)")}},
		{"syntax error", "main.rb:3: syntax errors found (SyntaxError)\n  2 | \n> 3 |   x.bar + )\n    |           ^ unexpected ')'\n    |           ^ expected an expression\n  4 | end\n",
			[]sandbox.Diagnostic{fail("main.rb", 3, 11, "unexpected ')'"), fail("main.rb", 3, 11, "expected an expression")}},
		{"syntax error without places", "main.rb:3: something odd (SyntaxError)\n",
			[]sandbox.Diagnostic{fail("main.rb", 3, 0, "something odd (SyntaxError)")}},
		{"a file that is not the program's", "other.rb:3:in 'x': boom (RuntimeError)\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Diagnose([]byte(tt.stderr), program); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func FuzzDiagnose(f *testing.F) {
	f.Add("main.rb:3:in 'Object#foo': undefined method 'bar' for nil (NoMethodError)\n\n  x.bar + 1\n   ^^^^\n\tfrom main.rb:6:in '<main>'\n")
	f.Add("main.rb:3: syntax errors found (SyntaxError)\n> 3 |   x.bar + )\n    |           ^ unexpected ')'\n")
	f.Add("main.rb:99999999999999999999: x (SyntaxError)\n>99999999999999999999 | \n  | ^ y\n")
	f.Fuzz(func(t *testing.T, stderr string) {
		for _, d := range Diagnose([]byte(stderr), program) {
			if d.Line < 1 || d.Column < 0 || !strings.Contains("main.rb lib/helper.rb", d.File) {
				t.Errorf("impossible place %+v", d)
			}
		}
	})
}

func TestMissingGem(t *testing.T) {
	tests := []struct{ name, stderr, want string }{
		{"a gem", "main.rb:1:in 'Kernel#require': cannot load such file -- rails (LoadError)\n", "rails is not in the standard library; gems need a container sandbox"},
		{"own file", "main.rb:1:in 'Kernel#require': cannot load such file -- lib/helper (LoadError)\n", `lib/helper.rb is one of the program's files: load it with require_relative "lib/helper"`},
		{"a path", "main.rb:1:in 'Kernel#require': cannot load such file -- /data (LoadError)\n", ""},
		{"another error", "main.rb:1:in 'x': boom (RuntimeError)\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := missingGem([]byte(tt.stderr), program); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{"plain": `'plain'`, "it's": `'it\'s'`, `a\b`: `'a\\b'`, "#{x}\n": "'#{x}\n'"} {
		if got := quote(in); got != want {
			t.Errorf("quote(%q) = %s, want %s", in, got, want)
		}
	}
}
