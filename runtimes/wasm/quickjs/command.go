package quickjs

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/tetratelabs/wazero/api"

	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// Names of main files that are none on disk, as Node's.
const (
	evalName  = "[eval]"
	stdinName = "[stdin]"
)

// nodeVersion is what the prelude says to be, and the engine that it is.
const nodeVersion = "v20.0.0"

const usage = `usage: node [options] [script.js | -e code | -p code | -] [arguments]
`

// Exec runs the command `node` (`tsx`, `ts-node`), whose arguments are Node's: a
// script, -e and -p with code, or - or nothing for a program on standard input.
// There is no interactive prompt.
func (d *Driver) Exec(ctx context.Context, cfg vm.RunConfig, inv vm.Invocation) sandbox.Outcome {
	c, err := parseCommand(inv.Args)
	switch {
	case err != nil:
		return d.say(ctx, cfg, sandbox.Stderr, "node: "+err.Error()+"\n"+usage, 9)
	case c.say != "":
		return d.say(ctx, cfg, sandbox.Stdout, c.say, 0)
	case c.script == "" && c.code == nil && inv.TTY:
		return d.say(ctx, cfg, sandbox.Stderr, "node: there is no interactive prompt in this sandbox: give a script, or -e and code\n", 1)
	}
	s := &session{dir: inv.Dir, args: c.args}
	switch {
	case c.code != nil:
		s.main, s.given, s.inline = evalName, c.code, true
	case c.script != "":
		s.main = c.script
		if !path.IsAbs(s.main) {
			s.main = path.Join(inv.Dir, s.main)
		}
		s.cfg = cfg
		if found, ok := s.findFile(s.main); ok {
			s.main = found
		}
		s.main = s.relative(s.main)
	default:
		s.main, s.given, s.inline = stdinName, new(string), true
		s.readInline = true
	}
	return d.execute(ctx, cfg, s)
}

// say writes a text and ends with a code, as a run of its own.
func (d *Driver) say(ctx context.Context, cfg vm.RunConfig, to sandbox.Stream, text string, code int) sandbox.Outcome {
	return d.module.Run(ctx, cfg, func(ctx context.Context, _ api.Module) error {
		run := vm.Current(ctx)
		run.Write(to, []byte(text))
		run.Exit(code)
		return nil
	}).Outcome
}

// readProgram reads a program from standard input.
func (s *session) readProgram(ctx context.Context) error {
	run := vm.Current(ctx)
	var b strings.Builder
	buf := make([]byte, 32<<10)
	for {
		n, err := run.ReadStdin(ctx, buf)
		b.Write(buf[:n])
		switch {
		case err == io.EOF:
			*s.given = b.String()
			return nil
		case err != nil:
			return err
		case b.Len() > maxLoaded:
			return fmt.Errorf("a program on standard input may have %d MiB at most", maxLoaded>>20)
		}
	}
}

// nodeCommand is a parsed command line.
type nodeCommand struct {
	script string
	code   *string // of -e or -p
	args   []string
	say    string // what to print instead of running anything
}

func parseCommand(args []string) (nodeCommand, error) {
	for i := 0; i < len(args); i++ {
		arg, rest := args[i], args[i+1:]
		switch arg {
		case "-v", "--version":
			return nodeCommand{say: nodeVersion + "\n"}, nil
		case "-h", "--help":
			return nodeCommand{say: usage}, nil
		case "-e", "--eval", "-p", "--print", "-pe":
			if len(rest) == 0 {
				return nodeCommand{}, fmt.Errorf("%s requires an argument", arg)
			}
			code := rest[0]
			if arg != "-e" && arg != "--eval" {
				code = "console.log((0, eval)(" + quote(code) + "))"
			}
			return nodeCommand{code: &code, args: withoutDashes(rest[1:])}, nil
		case "-":
			return nodeCommand{args: rest}, nil
		case "--":
			return script(rest), nil
		case "-r", "--require", "--import", "--loader":
			return nodeCommand{}, fmt.Errorf("%s is not possible in this sandbox", arg)
		}
		if !strings.HasPrefix(arg, "-") {
			return script(args[i:]), nil
		}
		if !strings.HasPrefix(arg, "--") {
			return nodeCommand{}, fmt.Errorf("bad option: %s", arg)
		} // what V8 or Node could be told means nothing here
	}
	return nodeCommand{}, nil
}

func script(args []string) nodeCommand {
	if len(args) == 0 {
		return nodeCommand{}
	}
	return nodeCommand{script: args[0], args: args[1:]}
}

func withoutDashes(args []string) []string {
	if len(args) > 0 && args[0] == "--" {
		return args[1:]
	}
	return args
}
