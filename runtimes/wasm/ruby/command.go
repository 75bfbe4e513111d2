package ruby

import (
	"context"
	"fmt"
	"strings"

	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// Exec runs the command `ruby`: a script, -e with code, or a program on standard
// input, with -r and -I. Other options of Ruby are ignored when they only change
// warnings, and refused otherwise.
func (d *Driver) Exec(ctx context.Context, cfg vm.RunConfig, inv vm.Invocation) sandbox.Outcome {
	c, err := parseCommand(inv.Args)
	if err != nil {
		vm.Note(cfg, "ruby: "+err.Error())
		return sandbox.Outcome{Status: sandbox.StatusError, ExitCode: 2}
	}
	return d.eval(ctx, cfg, c.text(cfg.Env, inv.Dir)).Outcome
}

// rubyCommand is a parsed command line.
type rubyCommand struct {
	kind      string // "file", "code" or "stdin"
	value     string
	args      []string
	libraries []string // -r
	folders   []string // -I
}

func (c rubyCommand) text(env []string, dir string) string {
	var b strings.Builder
	for _, f := range c.folders {
		b.WriteString("$LOAD_PATH.unshift(File.expand_path(" + quote(f) + ", " + quote(dir) + "))\n")
	}
	args := quote(dir) + ", [" + quoteAll(c.libraries) + "], " + quoteAll(append([]string{c.kind, c.value}, c.args...))
	return b.String() + callText(env, "command", args)
}

const versionCode = "puts RUBY_DESCRIPTION"

func parseCommand(args []string) (rubyCommand, error) {
	c := rubyCommand{kind: "stdin", value: "-"}
	var code []string
	for len(args) > 0 {
		arg := args[0]
		if arg == "-" || !strings.HasPrefix(arg, "-") {
			break
		}
		args = args[1:]
		letter, value := arg[:2], arg[2:]
		switch {
		case arg == "--":
			return c.program(code, args), nil
		case arg == "-v" || arg == "--version":
			code = append(code, versionCode)
		case letter == "-e" || letter == "-r" || letter == "-I":
			if value == "" {
				if len(args) == 0 {
					return c, fmt.Errorf("no argument for %s", letter)
				}
				value, args = args[0], args[1:]
			}
			switch letter {
			case "-e":
				code = append(code, value)
			case "-r":
				c.libraries = append(c.libraries, value)
			default:
				c.folders = append(c.folders, value)
			}
		case letter == "-w" || letter == "-W" || letter == "-E" || strings.HasPrefix(arg, "--disable") || strings.HasPrefix(arg, "--enable"):
		default:
			return c, fmt.Errorf("the option %s is not known in this sandbox", arg)
		}
	}
	return c.program(code, args), nil
}

// program adds what to run, given the arguments after the options.
func (c rubyCommand) program(code, args []string) rubyCommand {
	switch {
	case len(code) > 0:
		c.kind, c.value, c.args = "code", strings.Join(code, "\n"), args
	case len(args) > 0 && args[0] != "-":
		c.kind, c.value, c.args = "file", args[0], args[1:]
	case len(args) > 0:
		c.args = args[1:]
	}
	return c
}
