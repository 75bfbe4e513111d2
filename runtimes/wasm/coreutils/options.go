package coreutils

import (
	"strconv"
	"strings"
)

// options are the parsed options of a command.
type options struct {
	c      *Call
	values map[string][]string // by name; "" for an option without a value
	rest   []string            // operands
}

// parse reads the arguments of a command. short lists the letters as getopt does:
// one with a colon takes a value, one with two takes
// one that stands in the same word if there is any, and a leading "+" ends the options at the first
// operand. long names the others: "name" or "name=", which takes a value, each
// followed by ":x" when it means the letter x. Wrong options end the command.
func (c *Call) parse(short string, long ...string) options {
	o := options{c: c, values: map[string][]string{}}
	args := c.Args[1:]
	inOrder := strings.HasPrefix(short, "+")
	short = strings.TrimPrefix(short, "+")
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			o.rest = append(o.rest, args...)
			return o
		case strings.HasPrefix(arg, "--"):
			args = o.long(arg[2:], args, short, long)
		case len(arg) > 1 && arg[0] == '-':
			args = o.letters(arg[1:], args, short)
		case inOrder:
			o.rest = append(append(o.rest, arg), args...)
			return o
		default:
			o.rest = append(o.rest, arg)
		}
	}
	return o
}

func (o *options) letters(letters string, args []string, short string) []string {
	for i := range len(letters) {
		name := letters[i : i+1]
		at := strings.Index(short, name)
		if at < 0 || name == ":" {
			o.c.usage("invalid option -- '%s'", name)
		}
		if at+1 >= len(short) || short[at+1] != ':' {
			o.values[name] = append(o.values[name], "")
			continue
		}
		value := letters[i+1:]
		optional := at+2 < len(short) && short[at+2] == ':'
		if value == "" && !optional {
			if len(args) == 0 {
				o.c.usage("option requires an argument -- '%s'", name)
			}
			value, args = args[0], args[1:]
		}
		o.values[name] = append(o.values[name], value)
		return args
	}
	return args
}

func (o *options) long(arg string, args []string, short string, long []string) []string {
	name, value, given := strings.Cut(arg, "=")
	for _, l := range long {
		l, letter, _ := strings.Cut(l, ":")
		l, takes := strings.CutSuffix(l, "=")
		if l != name {
			continue
		}
		if letter != "" {
			name = letter
			takes = strings.Contains(short, letter+":")
		}
		if takes && !given {
			if len(args) == 0 {
				o.c.usage("option '--%s' requires an argument", l)
			}
			value, args = args[0], args[1:]
		}
		o.values[name] = append(o.values[name], value)
		return args
	}
	o.c.usage("unrecognized option '--%s'", name)
	return nil
}

// has reports whether any of the options was given.
func (o *options) has(names ...string) bool {
	for _, n := range names {
		if _, ok := o.values[n]; ok {
			return true
		}
	}
	return false
}

// value returns the last value of an option, or def.
func (o *options) value(name, def string) string {
	v := o.values[name]
	if len(v) == 0 {
		return def
	}
	return v[len(v)-1]
}

// number returns the last value of an option as a number, or def.
func (o *options) number(name string, def int64) int64 {
	v := o.value(name, "")
	if v == "" {
		return def
	}
	n, ok := parseSize(v)
	if !ok {
		o.c.usage("invalid number: '%s'", v)
	}
	return n
}

// need ends the command unless it has at least n operands.
func (o *options) need(n int) {
	if len(o.rest) < n {
		o.c.usage("missing operand")
	}
}

// parseSize reads a number with a suffix such as K, M, MB or KiB.
func parseSize(s string) (int64, bool) {
	digits := strings.TrimRight(s, "bBiKkMGTc")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return 0, false
	}
	suffix := s[len(digits):]
	unit := int64(1)
	switch {
	case suffix == "" || suffix == "c":
	case suffix == "b":
		unit = 512
	default:
		base := int64(1024)
		if strings.HasSuffix(suffix, "B") && !strings.HasSuffix(suffix, "iB") {
			base = 1000
		}
		power := strings.IndexByte("KMGT", strings.ToUpper(suffix[:1])[0]) + 1
		for range power {
			unit *= base
		}
	}
	if n > (1<<62)/unit || n < -(1<<62)/unit {
		return 0, false
	}
	return n * unit, true
}
