package python

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// commandScript is what the command python starts.
const commandScript = "sandpiper_command"

// Exec runs the command `python`, whose arguments are CPython's.
func (d *Driver) Exec(ctx context.Context, cfg vm.RunConfig, inv vm.Invocation) sandbox.Outcome {
	c, err := parseCommand(inv.Args, inv.TTY)
	if err != nil {
		vm.Note(cfg, "python: "+err.Error())
		return sandbox.Outcome{Status: sandbox.StatusError, ExitCode: 2}
	}
	if c.kind != "" && d.fits(cfg) && !slices.ContainsFunc(c.options, needsStart) {
		return d.runFromImage(ctx, cfg, c.kind, inv.Dir, c.value, c.args, "", nil).Outcome
	}
	var args []string
	if c.kind != "" {
		args = append([]string{libraryPath + "/" + commandScript + ".pyc", inv.Dir, c.kind, c.value}, c.args...)
	}
	return d.runPlain(ctx, cfg, c.options, args).Outcome
}

// needsStart reports whether an option has the interpreter start differently than
// it did for the image.
func needsStart(option string) bool { return option != "-B" && option != "-s" && option != "-q" }

// pythonCommand is a parsed command line.
type pythonCommand struct {
	options []string // the interpreter's own
	kind    string   // of the program: "file", "code", "module", "stdin", "prompt"; "" for none
	value   string
	args    []string // the program's
}

// parseCommand tells the interpreter's options from the program. They are letters
// that may stand together; -c and -m end them, as a file does.
func parseCommand(args []string, tty bool) (pythonCommand, error) {
	var c pythonCommand
	interact := ""
	for len(args) > 0 {
		arg := args[0]
		if arg == "-" || !strings.HasPrefix(arg, "-") {
			break
		}
		args = args[1:]
		if strings.HasPrefix(arg, "--") {
			c.options = append(c.options, arg) // --version, --help
			continue
		}
		for i := 1; i < len(arg); i++ {
			letter, value := arg[i], arg[i+1:]
			switch letter {
			case 'c', 'm', 'W', 'X':
				if value == "" {
					if len(args) == 0 {
						return c, fmt.Errorf("argument expected for the -%c option", letter)
					}
					value, args = args[0], args[1:]
				}
				if letter == 'W' || letter == 'X' {
					c.options = append(c.options, "-"+string(letter), value)
				} else {
					c.kind, c.value, c.args = map[byte]string{'c': "code" + interact, 'm': "module"}[letter], value, args
					return c, nil
				}
				i = len(arg)
			case 'i':
				interact = "+i"
			case 'E', 'I', 'P':
				// The library comes by PYTHONPATH; there is nothing else to ignore.
			default:
				c.options = append(c.options, "-"+string(letter))
			}
		}
	}
	switch {
	case len(args) > 0 && args[0] != "-":
		c.kind, c.value, c.args = "file"+interact, args[0], args[1:]
	case slices.Equal(c.options, []string{"-V"}), slices.Equal(c.options, []string{"--version"}):
		c.kind, c.options = "version", nil
	case informs(c.options):
	case len(args) == 0 && (tty || interact != ""):
		c.kind = "prompt"
	default:
		c.kind, c.value = "stdin", "-"
		if len(args) > 0 {
			c.args = args[1:]
		}
	}
	return c, nil
}

// informs reports whether the options only ask the interpreter about itself.
func informs(options []string) bool {
	for _, o := range options {
		if o == "-V" || o == "-h" || strings.HasPrefix(o, "--") {
			return true
		}
	}
	return false
}
