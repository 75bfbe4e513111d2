package lua

import (
	"fmt"
	"strings"
)

// ParseCommand reads the arguments of the command `lua`: a script, -e with code,
// -l with a library, -v, or a program on standard input. It is a
// command.Driver's Parse.
func ParseCommand(_ string, args []string, stdin func() (string, error)) (script, text string, rest []string, err error) {
	var code strings.Builder
	given := false
	for len(args) > 0 && strings.HasPrefix(args[0], "-") && args[0] != "-" {
		flag := args[0][:min(2, len(args[0]))]
		value := args[0][len(flag):]
		args = args[1:]
		switch flag {
		case "-v":
			code.WriteString("print(_VERSION)\n")
			given = true
			continue
		case "--":
			return withScript(code.String(), given, args, stdin)
		case "-e", "-l":
		default:
			return "", "", nil, fmt.Errorf("the option %s is not known in this sandbox", flag)
		}
		if value == "" {
			if len(args) == 0 {
				return "", "", nil, fmt.Errorf("%s needs an argument", flag)
			}
			value, args = args[0], args[1:]
		}
		if flag == "-l" {
			value = fmt.Sprintf("%s = require(%q)", value, value)
		}
		code.WriteString(value + "\n")
		given = given || flag == "-e"
	}
	return withScript(code.String(), given, args, stdin)
}

// withScript joins the code of options with the program that follows them.
func withScript(code string, given bool, args []string, stdin func() (string, error)) (script, text string, rest []string, err error) {
	switch {
	case len(args) == 0 && given:
		return "", code, nil, nil
	case len(args) == 0 || args[0] == "-":
		program, err := stdin()
		if len(args) > 0 {
			args = args[1:]
		}
		return "", code + program, args, err
	case code == "":
		return args[0], "", args[1:], nil
	}
	return "", code + fmt.Sprintf("dofile(%q)\n", args[0]), args[1:], nil
}
