package shell

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/interp"
)

// subshell runs the command bash: a script, -c with a text, standard input, or a
// person at a terminal.
func (s *shell) subshell(ctx context.Context, cmd command) int {
	inner := newShell(s.child, cmd)
	o, err := parseShell(cmd.args[1:])
	if err != nil {
		return inner.say(cmd, 2, err.Error())
	}
	var text io.Reader
	name := ""
	rest := o.rest
	switch {
	case o.version:
		fmt.Fprintln(cmd.stdout, "GNU bash, version 5.2.0(1)-sandpiper (wasm32), by mvdan.cc/sh")
		return 0
	case o.code != nil:
		text = strings.NewReader(*o.code)
		if len(rest) > 0 {
			inner.name, rest = rest[0], rest[1:]
		}
		name = "-c"
	case len(rest) > 0 && !o.stdin:
		inner.name, rest = rest[0], rest[1:]
		script, err := readScript(s.filesFor(cmd.stdin, cmd.stdout, cmd.stderr), abs(cmd.dir, inner.name))
		if err != nil {
			return (&shell{name: cmd.args[0]}).say(cmd, exitNotFound, inner.name+": "+errorText(err))
		}
		if line, _, _ := bytes.Cut(script, []byte("\n")); bytes.IndexByte(line, 0) >= 0 {
			return (&shell{name: cmd.args[0]}).say(cmd, exitNoExec, inner.name+": cannot execute binary file")
		}
		text = bytes.NewReader(script)
	case cmd.stdin == nil:
		text = strings.NewReader("")
	default:
		text = lines{cmd.stdin}
		inner.interactive = o.interactive || s.isTerminal(cmd.stdout)
	}
	if err := inner.open(cmd, rest, interp.Params(slices.Concat(o.set, []string{"--"}, rest)...), interp.Interactive(inner.interactive)); err != nil {
		return inner.say(cmd, 2, err.Error())
	}
	restore := s.child.enter(inner)
	defer restore()
	if inner.interactive {
		return inner.converse(ctx)
	}
	return inner.runText(ctx, text, name)
}

// lines reads no further than to the end of a line, so that what a script leaves
// of its input is there for its commands.
type lines struct{ r io.Reader }

// Read implements io.Reader.
func (l lines) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		got, err := l.r.Read(p[n : n+1])
		n += got
		if err != nil || got > 0 && p[n-1] == '\n' {
			return n, err
		}
	}
	return n, nil
}

// enter makes a shell the one that traps belong to, until the function that it
// returns is called.
func (c *child) enter(s *shell) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.main == nil {
		return func() {}
	}
	outer := c.main.shell
	s.outer, c.main.shell = outer, s
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.main != nil {
			c.main.shell = outer
		}
	}
}

// atTerminal returns the innermost shell that talks to a person, whose line the
// others run for, or nil.
func (s *shell) atTerminal() *shell {
	for s != nil && !s.interactive {
		s = s.outer
	}
	return s
}

// shellOptions are the arguments of bash.
type shellOptions struct {
	code        *string
	stdin       bool
	interactive bool
	version     bool
	set         []string // for the builtin set
	rest        []string
}

func parseShell(args []string) (o shellOptions, err error) {
	takesCode := false
	for len(args) > 0 {
		arg := args[0]
		if arg == "--" || arg == "-" {
			args = args[1:]
			break
		}
		if len(arg) < 2 || arg[0] != '-' && arg[0] != '+' {
			break
		}
		args = args[1:]
		if strings.HasPrefix(arg, "--") {
			switch arg {
			case "--version":
				o.version = true
			case "--login", "--norc", "--noprofile", "--posix", "--noediting", "--restricted":
			case "--rcfile", "--init-file":
				if len(args) > 0 {
					args = args[1:]
				}
			default:
				return o, fmt.Errorf("%s: invalid option", arg)
			}
			continue
		}
		for _, letter := range arg[1:] {
			switch letter {
			case 'c':
				takesCode = true
			case 's':
				o.stdin = true
			case 'i':
				o.interactive = true
			case 'l', 'h', 'm', 'b', 'B', 'H', 'p', 'r', 'v', 'E', 'T', 'C', 'P', 't', 'k':
			case 'o', 'O':
				if len(args) == 0 {
					return o, fmt.Errorf("-%c: option requires an argument", letter)
				}
				if letter == 'o' && args[0] != "posix" {
					o.set = append(o.set, arg[:1]+"o", args[0])
				}
				args = args[1:]
			case 'e', 'u', 'x', 'f', 'n', 'a':
				o.set = append(o.set, arg[:1]+string(letter))
			default:
				return o, fmt.Errorf("-%c: invalid option", letter)
			}
		}
	}
	if takesCode {
		if len(args) == 0 {
			return o, fmt.Errorf("-c: option requires an argument")
		}
		o.code, args = &args[0], args[1:]
	}
	o.rest = args
	return o, nil
}

// baseName is how a shell calls itself in its messages.
func (s *shell) baseName() string { return path.Base(s.name) }
