package coreutils

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// exec runs another command with c's surroundings and the given input.
func (c *Call) exec(args []string, stdin io.Reader) int {
	_ = c.out.Flush()
	if stdin == nil {
		stdin = c.Stdin
	}
	return c.Host.Exec(&Call{
		Context: c.Context, Args: args, Dir: c.Dir, Env: c.Env, FS: c.FS, TTY: c.TTY,
		Stdin: stdin, Stdout: unwrap(c.Stdout), Stderr: unwrap(c.Stderr),
	})
}

// unwrap returns what is below a command's own writer.
func unwrap(w io.Writer) io.Writer {
	if p, ok := w.(pipeWriter); ok {
		return unwrap(p.w)
	}
	return w
}

// xargs runs a command with arguments from its input.
func xargs(c *Call) int {
	o := c.parse("+0n:I:i::d:L:P:rtpa:s:E:x", "null:0", "max-args:n", "replace:I", "delimiter:d", "no-run-if-empty:r", "max-procs:P", "verbose:t", "arg-file:a", "max-lines:L")
	command := o.rest
	if len(command) == 0 {
		command = []string{"echo"}
	}
	items, err := c.xargsItems(&o)
	if err != nil {
		return c.failErr("input", err)
	}
	size := int(o.number("n", o.number("L", 1000)))
	code := 0
	run := func(args []string) bool {
		if o.has("t") {
			fmt.Fprintln(c.Stderr, strings.Join(args, " "))
		}
		switch n := c.exec(args, strings.NewReader("")); {
		case n == exitNotFound || n == exitNoExec:
			code = n
			return false
		case n == 255:
			code = 124
			return false
		case n != 0:
			code = 123
		}
		return c.Context.Err() == nil
	}
	if mark := o.value("I", o.value("i", "")); o.has("I", "i") {
		for _, item := range items {
			args := make([]string, len(command))
			for i, arg := range command {
				args[i] = strings.ReplaceAll(arg, mark, item)
			}
			if !run(args) {
				break
			}
		}
		return code
	}
	if len(items) == 0 && !o.has("r") {
		run(command)
	}
	for part := range slices.Chunk(items, max(1, size)) {
		if !run(slices.Concat(command, part)) {
			break
		}
	}
	return code
}

func (c *Call) xargsItems(o *options) ([]string, error) {
	in := c.Stdin
	if o.has("a") {
		f, err := c.open(o.value("a", ""))
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	text := string(b)
	switch {
	case o.has("0"):
		return splitItems(text, "\x00"), nil
	case o.has("d"):
		return splitItems(text, unescape(o.value("d", "\n"))), nil
	case o.has("I", "i"):
		var items []string
		for _, line := range splitItems(text, "\n") {
			if line = strings.TrimLeft(line, " \t"); line != "" {
				items = append(items, line)
			}
		}
		return items, nil
	}
	return shellWords(text)
}

func splitItems(text, delimiter string) []string {
	text = strings.TrimSuffix(text, delimiter)
	if text == "" {
		return nil
	}
	return strings.Split(text, delimiter)
}

// shellWords splits at blanks; quotes and backslashes hide them.
func shellWords(text string) ([]string, error) {
	var words []string
	var b strings.Builder
	in, quote := false, rune(0)
	escaped := false
	for _, r := range text {
		switch {
		case escaped:
			b.WriteRune(r)
			escaped = false
		case quote != 0:
			if r == quote {
				quote = 0
			} else {
				b.WriteRune(r)
			}
		case r == '\\':
			in, escaped = true, true
		case r == '\'' || r == '"':
			in, quote = true, r
		case r == ' ' || r == '\t' || r == '\n':
			if in {
				words = append(words, b.String())
			}
			b.Reset()
			in = false
		default:
			in = true
			b.WriteRune(r)
		}
	}
	if quote != 0 {
		return nil, errors.New("unmatched quote")
	}
	if in {
		words = append(words, b.String())
	}
	return words, nil
}

// env prints the environment, or runs a command with a changed one.
func env(c *Call) int {
	o := c.parse("+iu:C:0S:", "ignore-environment:i", "unset:u", "chdir:C", "null:0", "split-string:S")
	if o.has("i") {
		c.Env = nil
	}
	if o.has("S") {
		words, err := shellWords(o.value("S", ""))
		if err != nil {
			return c.failErr("-S", err)
		}
		o.rest = append(words, o.rest...)
	}
	for _, name := range o.values["u"] {
		c.Env = slices.DeleteFunc(slices.Clone(c.Env), func(kv string) bool { return strings.HasPrefix(kv, name+"=") })
	}
	if o.has("C") {
		c.Dir = c.abs(o.value("C", "."))
	}
	rest := o.rest
	if len(rest) > 0 && rest[0] == "-" {
		c.Env, rest = nil, rest[1:]
	}
	for len(rest) > 0 && strings.Contains(rest[0], "=") {
		c.Env, rest = append(slices.Clone(c.Env), rest[0]), rest[1:]
	}
	if len(rest) > 0 {
		return c.exec(rest, nil)
	}
	for _, kv := range uniqueEnv(c.Env) {
		c.out.WriteString(kv + "\n")
	}
	return 0
}

// uniqueEnv keeps the last value of each variable.
func uniqueEnv(env []string) []string {
	last := map[string]int{}
	for i, kv := range env {
		name, _, _ := strings.Cut(kv, "=")
		last[name] = i
	}
	var out []string
	for i, kv := range env {
		name, _, _ := strings.Cut(kv, "=")
		if last[name] == i {
			out = append(out, kv)
		}
	}
	return out
}

func printenv(c *Call) int {
	o := c.parse("+0")
	if len(o.rest) == 0 {
		return env(c)
	}
	code := 0
	for _, name := range o.rest {
		found := slices.ContainsFunc(c.Env, func(kv string) bool { return strings.HasPrefix(kv, name+"=") })
		if !found {
			code = 1
			continue
		}
		c.out.WriteString(c.getenv(name) + "\n")
	}
	return code
}

// duration reads a number with a unit: s, m, h or d.
func duration(s string) (time.Duration, bool) {
	unit := time.Second
	digits := strings.TrimRight(s, "smhd")
	switch s[len(digits):] {
	case "", "s":
	case "m":
		unit = time.Minute
	case "h":
		unit = time.Hour
	case "d":
		unit = 24 * time.Hour
	default:
		return 0, false
	}
	if digits == "infinity" {
		return 1 << 62, true
	}
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || n < 0 || n > 1e8 {
		return 0, false
	}
	return time.Duration(n * float64(unit)), true
}

// timeout runs a command and ends it when that takes too long.
func timeout(c *Call) int {
	o := c.parse("+s:k:vf", "signal:s", "kill-after:k", "preserve-status", "foreground:f", "verbose:v")
	o.need(2)
	d, ok := duration(o.rest[0])
	if !ok {
		return c.fail(125, "invalid time interval '%s'", o.rest[0])
	}
	outer := c.Context
	if d > 0 {
		ctx, cancel := context.WithTimeout(outer, d)
		defer cancel()
		c.Context = ctx
	}
	code := c.exec(o.rest[1:], nil)
	if c.Context.Err() != nil && outer.Err() == nil && !o.has("preserve-status") {
		return 124
	}
	return code
}

// nohup runs a command. Nothing here hangs up; output goes to nohup.out only from
// a terminal.
func nohup(c *Call) int {
	o := c.parse("+")
	o.need(1)
	if c.TTY {
		f, err := c.create("nohup.out", true)
		if err != nil {
			return c.failErr("nohup.out", err)
		}
		defer f.Close()
		fmt.Fprintln(c.Stderr, "nohup: ignoring input and appending output to 'nohup.out'")
		c.Stdout, c.Stderr = f, f
		c.out = bufio.NewWriter(f)
		return c.exec(o.rest, strings.NewReader(""))
	}
	return c.exec(o.rest, nil)
}

func nice(c *Call) int {
	o := c.parse("+n:", "adjustment:n")
	if len(o.rest) == 0 {
		c.out.WriteString("0\n")
		return 0
	}
	return c.exec(o.rest, nil)
}

func which(c *Call) int {
	o := c.parse("as")
	code := 0
	for _, name := range o.rest {
		if path := c.Host.Find(c, name); path != "" {
			if !o.has("s") {
				c.out.WriteString(path + "\n")
			}
		} else {
			code = 1
		}
	}
	return code
}

func sleep(c *Call) int {
	o := c.parse("")
	o.need(1)
	var total time.Duration
	for _, text := range o.rest {
		d, ok := duration(text)
		if !ok {
			c.usage("invalid time interval '%s'", text)
		}
		total += d
	}
	if !c.pause(total) {
		return 143
	}
	return 0
}

// yes repeats a line until nobody reads it.
func yes(c *Call) int {
	line := "y\n"
	if len(c.Args) > 1 {
		line = strings.Join(c.Args[1:], " ") + "\n"
	}
	text := strings.Repeat(line, max(1, 8192/len(line)))
	for c.Context.Err() == nil {
		if _, err := io.WriteString(c.Stdout, text); err != nil {
			return c.failErr("standard output", err)
		}
	}
	return 143
}

// serve serves a folder on a port until it is ended.
func serve(c *Call) int {
	o := c.parse("p:", "port:p")
	dir := "."
	switch len(o.rest) {
	case 0:
	case 1:
		dir = o.rest[0]
	default:
		c.usage("one folder is served at a time, and '%s' is too many; a port is given with -p", o.rest[1])
	}
	if !c.isDir(dir) {
		c.usage("'%s' is not a directory", dir)
	}
	err := c.Host.Serve(c.Context, c.abs(dir), int(o.number("p", 0)), func(port int) {
		fmt.Fprintf(c.Stdout, "Serving %s on port %d\n", c.abs(dir), port)
	})
	if err != nil && c.Context.Err() == nil {
		return c.failErr("cannot serve", err)
	}
	return 143
}
