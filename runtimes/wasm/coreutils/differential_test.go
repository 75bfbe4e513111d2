//go:build linux

package coreutils_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sandpiper/runtimes/wasm/coreutils"
	"sandpiper/sandbox/guest/osguest"
)

// host is a Host that has only our own commands.
type host struct{}

func (host) Exec(c *coreutils.Call) int {
	c.Host = host{}
	return coreutils.Run(c)
}

func (host) Find(_ *coreutils.Call, name string) string {
	if _, ok := coreutils.Lookup(name); ok {
		return "/usr/bin/" + name
	}
	return ""
}

func (host) Processes(context.Context) ([]coreutils.Process, error) { return nil, nil }
func (host) Kill(context.Context, int, int) error                   { return nil }
func (host) Serve(context.Context, string, int, func(int)) error    { return nil }
func (host) Disk(context.Context) (used, limit int64, err error)    { return 1 << 20, 1 << 30, nil }

// runOurs runs a command of ours in a folder of this machine.
func runOurs(t testing.TB, dir, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	g, err := osguest.New(osguest.Config{Home: dir, WorkDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code = coreutils.Run(&coreutils.Call{
		Context: t.Context(), Args: args, Dir: dir, Env: []string{"TZ=UTC", "A=1", "B=two words"}, FS: g.FS(), Host: host{},
		Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs,
	})
	return out.String(), errs.String(), code
}

// sample makes the files that the commands are run on.
func sample(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"a.txt": "one\ntwo\nthree\n", "b.txt": "one\n2\nthree\nfour\n", "words": "the quick brown\n  fox jumps\n\nover\tthe lazy dog\n", "numbers": "10\n9\n-3\n2.5\n100\n10\n",
		"table": "bob:30:x\nann:4:y\ncid:12:x\n", "noeol": "last line", "empty": "", "utf8": "é€ü\nñ\n", "versions": "v1.10\nv1.9\nv1.2\n", "sizes": "1K\n2M\n512\n1G\n",
		"sub/deep/c.txt": "deep\n", "sub/d.md": "md\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// commands are run by us and by this machine, on files of the same content, and
// must print the same and end with the same exit code. Arguments are separated by
// a bar.
var commands = []struct{ args, stdin string }{
	{"cat|a.txt|noeol", ""}, {"cat|-n|words", ""}, {"cat|-b|words", ""}, {"cat|-A|words", ""}, {"cat|-s|words", ""}, {"cat|-|a.txt", "in\n"}, {"cat|nothere|a.txt", ""},
	{"head|-n|2|a.txt", ""}, {"head|-c|5|a.txt", ""}, {"head|-2|a.txt|b.txt", ""}, {"head|-n|-1|a.txt", ""}, {"head|-q|-n1|a.txt|b.txt", ""},
	{"tail|-n|2|a.txt", ""}, {"tail|-c|4|a.txt", ""}, {"tail|-n|+2|a.txt", ""}, {"tail|-1|noeol", ""}, {"tail|-n|1|a.txt|b.txt", ""},
	{"wc|a.txt|words|noeol", ""}, {"wc|-lw|words", ""}, {"wc|-c", "abc"}, {"wc|-m|utf8", ""}, {"wc|-L|words", ""}, {"wc", "a b\n"},
	{"sort|a.txt", ""}, {"sort|-n|numbers", ""}, {"sort|-rn|numbers", ""}, {"sort|-u|numbers", ""}, {"sort|-t:|-k2,2n|table", ""}, {"sort|-t:|-k3,3|-k1,1r|table", ""}, {"sort|-V|versions", ""},
	{"sort|-h|sizes", ""}, {"sort|-f", "b\nA\na\nB\n"}, {"sort|-c|a.txt", ""}, {"sort|-s|-k2|words", ""}, {"sort|-k1.2,1.3|a.txt", ""}, {"sort|-b|-k2|words", ""},
	{"uniq|-c", "a\na\nb\n"}, {"uniq|-d", "a\na\nb\n"}, {"uniq|-i", "a\nA\nb\n"}, {"uniq|-f1", "1 a\n2 a\n3 b\n"}, {"uniq|-w1", "ab\nac\nbd\n"},
	{"cut|-d:|-f1,3|table", ""}, {"cut|-c2-|a.txt", ""}, {"cut|-f1|words", ""}, {"cut|-d:|-f2-|--output-delimiter=,|table", ""}, {"cut|-b1,3|a.txt", ""}, {"cut|-d:|-s|-f1|a.txt", ""}, {"cut|--complement|-d:|-f2|table", ""},
	{"tr|a-c|A-C", "abcd"}, {"tr|-d|[:digit:]", "a1b2"}, {"tr|-s| ", "a   b"}, {"tr|-cd|[:alnum:]\\n", "a-b c\n"}, {"tr|[:lower:]|[:upper:]", "mixed Case"}, {"tr|abc|x", "aabbcc"}, {"tr|-c|a-z|_", "a1b"},
	{"grep|o|a.txt", ""}, {"grep|-c|o|a.txt|b.txt", ""}, {"grep|-vn|o|a.txt", ""}, {"grep|-E|^(one|two)$|a.txt", ""}, {"grep|-o|e.|a.txt", ""}, {"grep|-w|the|words", ""}, {"grep|-i|QUICK|words", ""}, {"grep|-l|one|a.txt|words", ""},
	{"grep|-L|one|a.txt|words", ""}, {"grep|-A1|one|a.txt", ""}, {"grep|-F|.|numbers", ""}, {"grep|-e|one|-e|two|a.txt", ""}, {"grep|-m1|e|a.txt", ""}, {"grep|-x|one|a.txt", ""}, {"grep|-h|one|a.txt|b.txt", ""}, {"grep|zzz|a.txt", ""},
	{`grep|o\|w|a.txt`, ""}, {`grep|\(o\)n*|a.txt`, ""}, {`grep|^[[:space:]]|words`, ""}, {`grep|a\{2\}`, "aa\na\n"}, {"grep|-E|a{2}", "aa\na\n"}, {"grep|a{2}", "a{2}\naa\n"}, {"grep|*x", "*x\nx\n"}, {`grep|[]x]`, "]\ny\n"}, {`grep|[^]x]`, "]\ny\n"}, {`grep|\.`, "a.b\nab\n"}, {"grep|-r|deep|sub", ""}, {"grep|-rl|--include=*.md|md|sub", ""}, {"grep|-n||a.txt", ""}, {"grep|-B1|-n|three|a.txt", ""}, {"grep|-q|one|a.txt", ""}, {"grep|-s|x|nothere", ""},
	{"sed|s/o/0/|a.txt", ""}, {"sed|s/e/E/2|a.txt", ""}, {"sed|s/e/E/g;s/E/<&>/|a.txt", ""}, {"sed|-n|/two/p|a.txt", ""}, {"sed|2d|a.txt", ""}, {"sed|$d|a.txt", ""}, {"sed|1,2d|a.txt", ""}, {"sed|/one/,/two/d|a.txt", ""}, {"sed|2q|a.txt", ""}, {"sed|-n|$=|a.txt", ""},
	{"sed|1!d|a.txt", ""}, {"sed|y/eo/30/|a.txt", ""}, {"sed|2i\\new|a.txt", ""}, {"sed|2a new|a.txt", ""}, {"sed|2c changed|a.txt", ""}, {"sed|-E|s/(.)(.)/\\2\\1/|a.txt", ""}, {"sed|s/\\(t\\)\\(.*\\)/\\2\\1/|a.txt", ""}, {"sed|N;N;s/\\n/,/g|a.txt", ""}, {"sed|:a;N;$!ba;s/\\n/+/g|a.txt", ""},
	{"sed|1~2d|b.txt", ""}, {"sed|2,+1d|b.txt", ""}, {"sed|0,/one/d|a.txt", ""}, {"sed|s/x*/-/g", "abc\n"}, {"sed|s/b*/X/2", "abc\n"}, {"sed|-n|l", "a\tb\\\n"}, {"sed|s/.*/\\U&/;s/O/\\l&/|a.txt", ""}, {"sed|/two/{s/t/T/;p}|a.txt", ""}, {"sed|$!N;P;D|a.txt", ""}, {"sed|s,/,|,g", "a/b\n"}, {"sed|s/a\\|b/x/g", "abc\n"}, {"sed|s/^/> /|noeol", ""}, {"sed|-s|1d|a.txt|b.txt", ""}, {"sed|x;p;x|a.txt", ""}, {"sed|/one/I,+1s/$/!/|a.txt", ""}, {"sed|s/[/]/_/g", "a/b\n"}, {"sed|-z|s/\\n/;/g|a.txt", ""}, {"sed|s/a/b/w out|a.txt", ""}, {"sed|k|a.txt", ""},
	{"diff|a.txt|b.txt", ""}, {"diff|-q|a.txt|b.txt", ""}, {"diff|a.txt|a.txt", ""}, {"diff|empty|a.txt", ""}, {"diff|a.txt|empty", ""}, {"diff|noeol|empty", ""}, {"diff|-i|-", "x\n"}, {"cmp|a.txt|b.txt", ""}, {"cmp|-s|a.txt|a.txt", ""},
	{"comm|-3|a.txt|a.txt", ""}, {"paste|a.txt|b.txt", ""}, {"paste|-s|-d,|a.txt", ""}, {"paste|-d:|-|-", "1\n2\n3\n"}, {"nl|words", ""}, {"nl|-ba|words", ""}, {"nl|-b|a|-w3|-s: |a.txt", ""}, {"rev|a.txt", ""}, {"tac|a.txt", ""}, {"fold|-w5|words", ""}, {"fold|-s|-w8|words", ""}, {"expand|-t4|words", ""},
	{"join|-t:|table|table", ""}, {"split|-l1|a.txt|part-", ""},
	{"basename|/a/b.c|.c", ""}, {"basename|-a|x/y|z", ""}, {"dirname|a/b/|/x|y", ""}, {"seq|5", ""}, {"seq|2|0.5|4", ""}, {"seq|-w|8|11", ""}, {"seq|-s|, |3", ""}, {"seq|-f|%03g|2", ""}, {"seq|3|1", ""},
	{"printf|%d %s|1|a|2|b", ""}, {"printf|%5.2f|%e|3.14159|1000", ""}, {"printf|%x %o %X|255|8|171", ""}, {"printf|\\t%b\\n|a\\tb", ""}, {"printf|%-6s]%6s]|ab|cd", ""}, {"printf|%c%c|xy|z", ""}, {"printf|%s", ""}, {"printf|%g|0.0001", ""}, {"printf|%+d % d|5|5", ""}, {"printf|%d|abc", ""}, {"printf|\\101\\x42\\n", ""}, {"printf|%5s|é", ""},
	{"expr|1|+|2|*|3", ""}, {"expr|(|1|+|2|)|*|3", ""}, {"expr|abc|:|.*", ""}, {"expr|substr|hello|2|3", ""}, {"expr|index|hello|l", ""}, {"expr|5|/|0", ""}, {"expr|a|<|b", ""}, {"expr|1|=|1", ""}, {"expr|0||x", ""},
	{"md5sum|a.txt", ""}, {"sha256sum|a.txt|noeol", ""}, {"sha512sum", "x"}, {"base64|words", ""}, {"base64|-d", "aGk=\n"}, {"base64|-w10|words", ""}, {"base32|a.txt", ""}, {"od|-c|a.txt", ""}, {"od|-An|-tx1|utf8", ""}, {"od|-tx2|a.txt", ""}, {"od|-b|noeol", ""},
	{"find|.|-name|*.txt|-newer|nothere", ""}, {"find|sub|-type|f", ""}, {"find|sub|-maxdepth|1|-name|d*", ""}, {"find|sub|-name|*.md|-o|-name|c*", ""}, {"find|.|-empty", ""}, {"find|sub|-not|-name|*.md", ""}, {"find|sub|-path|*deep*", ""}, {"find|sub|-printf|%f %d %s %y\\n", ""}, {"find|sub|-name|deep|-prune|-o|-print", ""}, {"find|a.txt|-size|-2k", ""}, {"find|.|-perm|644|-name|a.txt", ""},
	{"xargs|-n2|echo", "1 2 3\n"}, {"xargs|-I{}|echo|[{}]", "a b\nc\n"}, {"xargs|-d,|-n1|echo", "x,y"}, {"xargs|-r|echo|none", ""}, {"xargs|echo", "'a b' c\\ d\n"}, {"env|-i|X=1", ""}, {"env|-u|A|printenv|B", ""}, {"printenv|NOPE", ""},
	{"ls|-1", ""}, {"ls|-a|sub", ""}, {"ls|-R|sub", ""}, {"ls|-d|sub|a.txt", ""}, {"ls|-r|sub", ""}, {"ls|-F", ""}, {"ls|-S|a.txt|words", ""}, {"ls|nothere", ""}, {"readlink|a.txt", ""}, {"stat|-c|%n %s %F %a|a.txt|sub", ""}, {"truncate|-s|5|a.txt", ""},
	{"rm|nothere", ""}, {"rm|-f|nothere", ""}, {"rm|sub", ""}, {"rmdir|sub", ""}, {"mkdir|sub", ""}, {"mkdir|-p|sub/x/y", ""}, {"cp|a.txt|nothere/x", ""}, {"cp|sub|copy", ""}, {"cp|-r|sub|copy", ""}, {"mv|a.txt|sub", ""}, {"mv|nothere|x", ""}, {"touch|-d|2020-01-02|t", ""}, {"chmod|u+x,g-r|a.txt", ""}, {"chmod|zzz|a.txt", ""}, {"tee|out", "x\n"}, {"ln|-s|a.txt|link", ""},
	{"date|-u|-d|2024-03-10 01:02:03|+%Y %y %m %d %e %H %I %M %S %p %j %a %A %b %B %u %w %s %F %T %D %R %Z %z %V %G %U %W %C %k %l %%", ""}, {"date|-u|-d|@86400|+%c", ""}, {"date|-u|-d|2024-01-31 + 1 month|+%F", ""}, {"date|-u|-R|-d|@0", ""}, {"date|-u|-Iseconds|-d|@0", ""}, {"date|-u|-d|nonsense", ""}, {"date|-u|-d|2024-05-05|+%-d|%_m", ""},
	{"gzip|-c|empty", ""}, {"sleep|x", ""}, {"true", ""}, {"false", ""}, {"uname|-s", ""}, {"nosuchoption", ""}, {"cut", ""}, {"head|-n|x|a.txt", ""}, {"sort|--nope", ""},
}

// TestLikeThisMachine compares each command with this machine's.
func TestLikeThisMachine(t *testing.T) {
	for _, tt := range commands {
		args := strings.Split(tt.args, "|")
		if strings.Contains(tt.args, `\|`) || tt.args == "sed|s,/,|,g" || strings.HasPrefix(tt.args, "expr|0||") || strings.HasPrefix(tt.args, "printf|%5.2f") || tt.args == "date|-u|-d|2024-05-05|+%-d|%_m" {
			args = splitUnescaped(tt.args)
		}
		file, err := exec.LookPath(args[0])
		if err != nil || args[0] == "gzip" {
			continue // this machine does not have it, or its output has a time in it
		}
		t.Run(tt.args, func(t *testing.T) {
			theirs, ours := sample(t), sample(t)
			cmd := exec.CommandContext(t.Context(), file, args[1:]...)
			cmd.Dir, cmd.Stdin = theirs, strings.NewReader(tt.stdin)
			cmd.Env = []string{"TZ=UTC", "A=1", "B=two words", "LC_ALL=C.UTF-8", "PATH=" + os.Getenv("PATH")}
			var out, errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errs
			if err := cmd.Run(); cmd.ProcessState == nil {
				t.Fatal(err)
			}
			stdout, stderr, code := runOurs(t, ours, tt.stdin, args...)
			if stdout != out.String() || code != cmd.ProcessState.ExitCode() || (stderr == "") != (errs.String() == "") {
				t.Errorf("got %q, %d, %q\nwant %q, %d, %q", stdout, code, stderr, out.String(), cmd.ProcessState.ExitCode(), errs.String())
			}
			if a, b := tree(t, ours), tree(t, theirs); a != b {
				t.Errorf("left\n%s\nwant\n%s", a, b)
			}
		})
	}
}

// splitUnescaped splits at bars that neither follow a backslash nor stand in a
// script.
func splitUnescaped(s string) []string {
	switch s {
	case "sed|s,/,|,g":
		return []string{"sed", "s,/,|,g"}
	case "expr|0||x":
		return []string{"expr", "0", "|", "x"}
	case "date|-u|-d|2024-05-05|+%-d|%_m":
		return []string{"date", "-u", "-d", "2024-05-05", "+%-d|%_m"}
	}
	if strings.HasPrefix(s, "printf|%5.2f") {
		return []string{"printf", "%5.2f|%e", "3.14159", "1000"}
	}
	parts := strings.Split(strings.ReplaceAll(s, `\|`, "\x00"), "|")
	for i := range parts {
		parts[i] = strings.ReplaceAll(parts[i], "\x00", `\|`)
	}
	return parts
}

// tree is a folder's files with their modes and contents.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.Walk(dir, func(file string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, file)
		b.WriteString(name + " " + info.Mode().String())
		if info.Mode().IsRegular() {
			content, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			b.WriteString(" " + string(content))
		}
		b.WriteString("\n")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
