package coreutils

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"time"

	"sandpiper/sandbox/guest"
)

// FuzzTranslate holds that what POSIX patterns become is a Go pattern, or an
// error that says why not.
func FuzzTranslate(f *testing.F) {
	for _, s := range []string{`a*`, `\(a\|b\)\{1,3\}`, `[]abc[:alpha:]-]`, `^*x$`, `a{,5}`, `(x|y)+`, `\<w\>`, `[[.a.]]`, `a\`, `[`, `\1`, `*`, `+`, "é{2}"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, pattern string, ext bool) {
		kind := basic
		if ext {
			kind = extended
		}
		text, err := translate(pattern, kind)
		if err != nil || len(pattern) > 1000 {
			return
		}
		if re, err := regexp.Compile(text); err == nil {
			re.MatchString(pattern)
		}
	})
}

// noFiles is a file system with nothing in it.
type noFiles struct{ guest.FS }

func (noFiles) OpenFile(string, int, fs.FileMode) (guest.File, error) { return nil, fs.ErrNotExist }
func (noFiles) Stat(string) (fs.FileInfo, error)                      { return nil, fs.ErrNotExist }
func (noFiles) Lstat(string) (fs.FileInfo, error)                     { return nil, fs.ErrNotExist }

// quiet runs a command without files or a host.
func quiet(t *testing.T, stdin string, args ...string) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	Run(&Call{Context: ctx, Args: args, Dir: "/", FS: noFiles{}, Stdin: strings.NewReader(stdin), Stdout: io.Discard, Stderr: io.Discard})
}

// FuzzSed runs scripts, none of which may hang or crash.
func FuzzSed(f *testing.F) {
	for _, s := range []string{`s/a/b/g`, `:a;N;$!ba;s/\n/ /g`, `1,3{p;d}`, `/x/,+2c\text`, `y/abc/xyz/`, `s/\(.\)/\1\1/2p`, `$!N;P;D`, `0,/a/d;=;l`, `a\`, `}`, `{`, `s/x/`, `b nowhere`, `x;G;H;g;t;T`, `5q7`, `1~2!s/./\U&\E/`} {
		f.Add(s, "a\nb\nx y\n")
	}
	f.Fuzz(func(t *testing.T, script, input string) {
		if strings.ContainsAny(script, "rRwW") || len(script) > 200 || len(input) > 2000 {
			t.Skip() // they need files
		}
		quiet(t, input, "sed", script)
	})
}

func FuzzPrintf(f *testing.F) {
	for _, s := range []string{"%s", "%5.3d|%-5x", "%b%q%c", "%*d", "%(%F)T", "%%%", "\\x4\\777\\c", "%.f", "%'d"} {
		f.Add(s, "12")
	}
	f.Fuzz(func(t *testing.T, format, arg string) {
		if len(format) > 100 || len(arg) > 8 {
			t.Skip()
		}
		quiet(t, "", "printf", format, arg, "x")
	})
}

// FuzzArguments gives any arguments to commands that only read their input.
func FuzzArguments(f *testing.F) {
	for _, s := range []string{"-n\x005", "-k2,3nr\x00-t:", "-d,\x00-f1-", "-c2-", "--lines=3", "-\x00--", "-la", "+%F\x00-d\x00yesterday", "a\x00:\x00b*", "-e\x00x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 60 {
			t.Skip()
		}
		args := strings.Split(text, "\x00")
		for _, a := range args {
			if !strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "+") {
				t.Skip() // it may be a file
			}
		}
		for _, name := range []string{"cut", "head", "wc", "nl", "uniq", "fold", "od", "base64", "expr", "seq", "echo", "date"} {
			quiet(t, "a:b c\n2\n", append([]string{name}, args...)...)
		}
	})
}

// FuzzCompareLines checks that the edits make one text of the other.
func FuzzCompareLines(f *testing.F) {
	f.Add("a\nb\nc", "a\nx\nc\nd")
	f.Add("", "a")
	f.Add("b\na\nb", "a\nb\na")
	f.Fuzz(func(t *testing.T, a, b string) {
		if len(a)+len(b) > 500 {
			t.Skip()
		}
		x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
		edits, ok := compareLines(x, y)
		if !ok {
			t.Fatal("too much work")
		}
		var left, right bytes.Buffer
		for _, e := range edits {
			if e.kind != '+' {
				left.WriteString(x[e.a] + "\n")
			}
			if e.kind != '-' {
				right.WriteString(y[e.b] + "\n")
			}
		}
		if left.String() != a+"\n" || right.String() != b+"\n" {
			t.Errorf("%q, %q: %v", a, b, edits)
		}
	})
}
