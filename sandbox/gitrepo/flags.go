package gitrepo

import (
	"slices"
	"strings"
)

// flags are the arguments of a git command.
type flags struct {
	seen  map[string][]string // options by their long name, with their values
	args  []string            // what is no option, before "--"
	paths []string            // what comes after "--"
	dash  bool                // whether there is a "--"
}

// parseFlags reads arguments. Each spec is one option: its names with slashes
// between them, the long one last, and "=" at the end when it takes a value:
// "m/message=". Options may come after other arguments, short ones may be put
// together (-am) and may have their value joined on (-n5).
func parseFlags(args []string, specs ...string) (*flags, error) {
	f := &flags{seen: map[string][]string{}}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			f.dash, f.paths = true, args
			return f, nil
		case strings.HasPrefix(arg, "--"):
			used, err := f.long(arg[2:], args, specs)
			if err != nil {
				return nil, err
			}
			args = args[used:]
		case len(arg) > 1 && arg[0] == '-':
			used, err := f.short(arg[1:], args, specs)
			if err != nil {
				return nil, err
			}
			args = args[used:]
		default:
			f.args = append(f.args, arg)
		}
	}
	return f, nil
}

// usageError is the error of an option that is not known.
type usageError string

// Error implements error.
func (e usageError) Error() string { return string(e) }

// long reads --name, --name=value or --name value, and returns how many of the
// next arguments it took.
func (f *flags) long(arg string, next, specs []string) (used int, err error) {
	name, value, joined := strings.Cut(arg, "=")
	canonical, takes, ok := findFlag(name, specs)
	switch {
	case !ok || len(name) == 1:
		return 0, usageError("unknown option `" + name + "'")
	case !takes && joined:
		return 0, usageError("option `" + name + "' takes no value")
	case takes && !joined && len(next) == 0:
		return 0, usageError("option `" + name + "' requires a value")
	case takes && !joined:
		value, used = next[0], 1
	}
	f.seen[canonical] = append(f.seen[canonical], value)
	return used, nil
}

// short reads the letters after one dash.
func (f *flags) short(letters string, next, specs []string) (used int, err error) {
	if canonical, _, ok := findFlag("#", specs); ok && strings.Trim(letters, "0123456789") == "" {
		f.seen[canonical] = append(f.seen[canonical], letters) // -5
		return 0, nil
	}
	for i := range len(letters) {
		canonical, takes, ok := findFlag(letters[i:i+1], specs)
		switch {
		case !ok:
			return 0, usageError("unknown switch `" + letters[i:i+1] + "'")
		case !takes:
			f.seen[canonical] = append(f.seen[canonical], "")
			continue
		case i+1 < len(letters):
			f.seen[canonical] = append(f.seen[canonical], letters[i+1:])
			return 0, nil
		case len(next) == 0:
			return 0, usageError("switch `" + letters[i:] + "' requires a value")
		}
		f.seen[canonical] = append(f.seen[canonical], next[0])
		return 1, nil
	}
	return 0, nil
}

// findFlag returns the long name of an option and whether it takes a value.
func findFlag(name string, specs []string) (canonical string, takes, ok bool) {
	for _, spec := range specs {
		text, takes := strings.CutSuffix(spec, "=")
		names := strings.Split(text, "/")
		if slices.Contains(names, name) {
			return names[len(names)-1], takes, true
		}
	}
	return "", false, false
}

func (f *flags) has(name string) bool { return len(f.seen[name]) > 0 }

// value returns the last value of an option.
func (f *flags) value(name string) string {
	if values := f.seen[name]; len(values) > 0 {
		return values[len(values)-1]
	}
	return ""
}

// all returns the arguments, those after "--" too.
func (f *flags) all() []string { return slices.Concat(f.args, f.paths) }
