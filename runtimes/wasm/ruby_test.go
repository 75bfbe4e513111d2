package wasm_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"sandpiper/sandbox"
)

func TestRubyPrograms(t *testing.T) {
	e := newEngine(t, "ruby")
	helper := sandbox.File{Name: "helper.rb", Content: []byte("module Helper\n  def self.boom = raise('help')\nend\n")}
	tests := []struct {
		name, code string
		stdin      string
		args       []string
		exit       int
		stdout     string
		stderr     []string // what standard error contains; nothing when empty
	}{
		{name: "identity", code: "p __FILE__ == $0, $PROGRAM_NAME, ARGV", args: []string{"a b", "it's #{1}"}, stdout: "true\n\"main.rb\"\n[\"a b\", \"it's \\#{1}\"]\n"},
		{name: "input", code: "p gets, STDIN.read, gets", stdin: "one\ntwo\nthree", stdout: "\"one\\n\"\n\"two\\nthree\"\nnil\n"},
		{name: "sibling file", code: "require_relative 'helper'\np Helper.name", stdout: "\"Helper\"\n"},
		{name: "data", code: "print DATA.read\n__END__\nä\nb\n", stdout: "ä\nb\n"},
		{name: "return", code: "puts 1\nreturn\nputs 2", stdout: "1\n"},
		{name: "exit code", code: "at_exit { puts 'last' }\nputs 'first'\nexit 3", exit: 3, stdout: "first\nlast\n"},
		{name: "exit at exit", code: "at_exit { exit 4 }\nraise 'boom'", exit: 4, stderr: []string{"main.rb:2:in '<main>': boom (RuntimeError)"}},
		{name: "abort", code: "abort 'bad thing'", exit: 1, stderr: []string{"bad thing\n"}},
		{name: "warn", code: "warn 'careful'", stderr: []string{"careful\n"}},
		{name: "backtrace", code: "def f(x) = x.bar\nf(nil)", exit: 1, stderr: []string{
			"main.rb:1:in 'Object#f': undefined method 'bar' for nil (NoMethodError)\n\ndef f(x) = x.bar\n            ^^^^\n\tfrom main.rb:2:in '<main>'\n"}},
		{name: "suggestion", code: "[1].frist", exit: 1, stderr: []string{"Did you mean?  first"}},
		{name: "cause", code: "begin\n  raise 'a'\nrescue\n  raise IOError, 'b'\nend", exit: 1, stderr: []string{
			"main.rb:4:in '<main>': b (IOError)", "main.rb:2:in '<main>': a (RuntimeError)"}},
		{name: "syntax error", code: "def a\n  x = [1,\nend", exit: 1, stderr: []string{"main.rb:2: syntax errors found (SyntaxError)", "> 3 | end", "| ^"}},
		{name: "deep recursion", code: "def f(n) = f(n + 1)\nbegin\n  f(0)\nrescue SystemStackError => e\n  puts e.message\nend", stdout: "stack level too deep\n"},
		{name: "sabotage", code: "module Kernel\n  def exit!(*) = raise('no')\nend", exit: 1, stderr: []string{"sandpiper: the program redefined"}},
		{name: "missing gem", code: "require 'rails'", exit: 1, stderr: []string{
			"main.rb:1:in 'Kernel#require': cannot load such file -- rails (LoadError)", "sandpiper: rails is not in the standard library; gems need a container sandbox\n"}},
		{name: "process", code: "system 'ls'", exit: 1, stderr: []string{"main.rb:1:in '<main>': system() function is unimplemented on this machine (NotImplementedError)"}},
		{name: "thread", code: "Thread.new { 1 }", exit: 1, stderr: []string{"NotImplementedError"}},
		{name: "no page around", code: "require 'js'\nJS.eval('1')", exit: 1, stderr: []string{"sandpiper: the library js needs a web page"}},
		{name: "standard library", code: "require 'json'\nrequire 'set'\nrequire 'date'\nrequire 'time'\nputs JSON.generate(Set[1].to_a), Date.new(2026, 2, 28).next", stdout: "[1]\n2026-03-01\n"},
		{name: "fibers", code: "f = Fiber.new { Fiber.yield 1; 2 }\np f.resume, f.resume\np [3, 4].each.next", stdout: "1\n2\n3\n"},
		{name: "time passes", code: "t = Time.now\nsleep 0.05\np Time.now - t >= 0.05, Time.now.year >= 2026, rand != rand", stdout: "true\ntrue\ntrue\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &transcript{}
			o, err := e.Run(context.Background(), sandbox.Program{
				Language: "ruby", Files: []sandbox.File{{Name: "main.rb", Content: []byte(tt.code)}, helper},
				Args: tt.args, Stdin: sandbox.StaticStdin([]byte(tt.stdin)),
			}, s)
			if err != nil {
				t.Fatal(err)
			}
			if o.ExitCode != tt.exit || s.stdout.String() != tt.stdout {
				t.Errorf("exit code %d, want %d; stdout %q, want %q", o.ExitCode, tt.exit, s.stdout.String(), tt.stdout)
			}
			for _, want := range tt.stderr {
				if !strings.Contains(s.stderr.String(), want) {
					t.Errorf("stderr has no %q:\n%s", want, s.stderr.String())
				}
			}
			if len(tt.stderr) == 0 && s.stderr.Len() > 0 {
				t.Errorf("stderr: %s", s.stderr.String())
			}
		})
	}
}

func TestRubyLimits(t *testing.T) {
	e := newEngine(t, "ruby")
	limits := sandbox.Limits{Wall: 2 * time.Second}
	tests := []struct {
		name, code string
		limits     sandbox.Limits
		status     sandbox.Status
	}{
		{"loop", "loop {}", limits, sandbox.StatusTimeout},
		{"loop that rescues all", "loop { begin; Integer('x'); rescue Exception; end }", limits, sandbox.StatusTimeout},
		{"sleep", "sleep 100", limits, sandbox.StatusTimeout},
		{"memory", "x = 'a' * 1000\nloop { x << x }", sandbox.Limits{MemoryBytes: 128 << 20}, sandbox.StatusMemoryLimit},
		{"output", "loop { puts 'x' * 1000 }", sandbox.Limits{OutputBytes: 64 << 10}, sandbox.StatusOutputLimit},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, err := e.Run(context.Background(), sandbox.Program{
				Language: "ruby", Limits: tt.limits, Files: []sandbox.File{{Name: "main.rb", Content: []byte(tt.code)}},
			}, &transcript{})
			if err != nil {
				t.Fatal(err)
			}
			if o.Status != tt.status {
				t.Errorf("%s (%s), want %s", o.Status, o.Message, tt.status)
			}
			if over := o.Usage.Wall - limits.Wall; tt.status == sandbox.StatusTimeout && over > time.Second {
				t.Errorf("stopped %s after the limit", over)
			}
		})
	}
}
