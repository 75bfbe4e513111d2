package shell

import (
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"mvdan.cc/sh/v3/interp"
)

// readOptions are those of the builtin read that the interpreter does not know.
type readOptions struct {
	delimiter byte
	most      int // characters; 0 for any number
	exact     bool
	timeout   time.Duration // 0 for none
	prompt    string
	rest      []string // what the interpreter is left with: its options and the names
	needed    bool
}

// replaceRead carries out read with -d, -n, -N, -t and -u: it reads, and leaves
// the interpreter to assign.
func replaceRead(_ *shell, hc interp.HandlerContext, args []string) []string {
	o := parseRead(args[1:])
	if !o.needed {
		return args
	}
	if o.prompt != "" {
		_, _ = io.WriteString(hc.Stderr, o.prompt) // the interpreter does not care either
	}
	text, complete := o.read(hc.Stdin)
	status := "true"
	if !complete {
		status = "false"
	}
	names := slices.DeleteFunc(slices.Clone(o.rest), func(a string) bool { return strings.HasPrefix(a, "-") })
	if len(names) <= 1 && !slices.Contains(o.rest, "-a") {
		name := "REPLY"
		if len(names) == 1 {
			name = names[0]
		}
		if o.delimiter != 0 && !o.exact {
			text = strings.Trim(text, " \t\n")
		}
		return []string{"eval", name + "=" + quote(text) + "; " + status}
	}
	return []string{"eval", "read -r " + quoteAll(o.rest) + " <<< " + quote(strings.ReplaceAll(text, "\n", " ")) + "; " + status}
}

func parseRead(args []string) readOptions {
	o := readOptions{delimiter: '\n'}
	for len(args) > 0 {
		arg := args[0]
		if len(arg) < 2 || arg[0] != '-' || arg == "--" {
			break
		}
		args = args[1:]
		for i := 1; i < len(arg); i++ {
			letter := arg[i]
			if strings.IndexByte("dnNtupi", letter) < 0 {
				if letter != 'e' {
					o.rest = append(o.rest, "-"+string(letter))
				}
				o.needed = o.needed || letter == 'e'
				continue
			}
			value := arg[i+1:]
			if value == "" && len(args) > 0 {
				value, args = args[0], args[1:]
			}
			o.take(letter, value)
			break
		}
	}
	o.rest = append(o.rest, args...)
	return o
}

func (o *readOptions) take(letter byte, value string) {
	o.needed = o.needed || letter != 'p'
	switch letter {
	case 'd':
		o.delimiter = 0
		if value != "" {
			o.delimiter = value[0]
		}
	case 'n', 'N':
		o.most, _ = strconv.Atoi(value) // nonsense is no limit
		o.exact = letter == 'N'
	case 't':
		seconds, err := strconv.ParseFloat(value, 64)
		if err == nil {
			o.timeout = max(time.Millisecond, time.Duration(seconds*float64(time.Second)))
		}
	case 'p':
		o.prompt = value
	}
}

// read reads up to the delimiter, the limit, the end or the time.
func (o *readOptions) read(in io.Reader) (text string, complete bool) {
	f, ok := in.(*os.File)
	if !ok || f == nil {
		return "", false
	}
	if o.timeout > 0 {
		_ = f.SetReadDeadline(time.Now().Add(o.timeout)) // pipes have deadlines
		defer func() { _ = f.SetReadDeadline(time.Time{}) }()
	}
	var b []byte
	one := make([]byte, 1)
	for o.most == 0 || len(b) < o.most {
		n, err := f.Read(one)
		if n == 1 {
			if one[0] == o.delimiter && !o.exact {
				return string(b), true
			}
			b = append(b, one[0])
		}
		if err != nil {
			return string(b), false
		}
	}
	return string(b), true
}
