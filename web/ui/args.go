package ui

import "strings"

// splitArgs splits arguments as one types them: spaces separate, quotes keep
// one together, and a backslash takes the next character as it is but in single
// quotes. A quote that is not closed ends with the line. The page's script
// splits the same way.
func splitArgs(line string) []string {
	var (
		args    []string
		current strings.Builder
		inside  bool // of an argument, which may be empty
		quote   rune
		escaped bool
	)
	for _, c := range line {
		switch {
		case escaped:
			current.WriteRune(c)
			escaped = false
		case c == '\\' && quote != '\'':
			escaped, inside = true, true
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			current.WriteRune(c)
		case c == '"' || c == '\'':
			quote, inside = c, true
		case strings.ContainsRune(" \t\r\n", c):
			if inside {
				args = append(args, current.String())
			}
			current.Reset()
			inside = false
		default:
			current.WriteRune(c)
			inside = true
		}
	}
	if escaped {
		current.WriteByte('\\')
	}
	if inside {
		args = append(args, current.String())
	}
	return args
}

// joinArgs writes arguments so that splitArgs gives them back.
func joinArgs(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = quoteArg(a)
	}
	return strings.Join(quoted, " ")
}

func quoteArg(a string) string {
	if a != "" && !strings.ContainsAny(a, " \t\r\n'\"\\") {
		return a
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(a) + `"`
}
