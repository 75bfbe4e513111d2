package sql

import (
	"fmt"
	"path"
	"strings"

	"sandpiper/internal/lazyregexp"
)

// ParseCommand reads the arguments of the command `sqlite3`: options that are
// taken as they are, a database, and statements or dot commands, which come from
// standard input when there are none. It is a command.Driver's Parse.
func ParseCommand(dir string, args []string, stdin func() (string, error)) (script, text string, rest []string, err error) {
	var database string
	var statements []string
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "-cmd" && i+1 < len(args):
			i++
			statements = append(statements, args[i])
		case args[i] == "-version" || args[i] == "--version":
			return "", "select sqlite_version();", nil, nil
		case strings.HasPrefix(args[i], "-"):
			if !ignored[strings.TrimLeft(args[i], "-")] {
				return "", "", nil, fmt.Errorf("the option %s is not known in this sandbox", args[i])
			}
		case database == "":
			database = args[i]
		default:
			statements = append(statements, args[i])
		}
	}
	if len(statements) == 0 {
		text, err = stdin()
	}
	text += strings.Join(statements, "\n")
	if database != "" && database != ":memory:" {
		text = ".open " + quoteWord(database) + "\n" + text
	}
	return "", absolute(dir, text), nil, err
}

// ignored are options that change how rows look; they look the same here always.
var ignored = map[string]bool{
	"batch": true, "bail": true, "header": true, "noheader": true, "column": true, "box": true, "table": true, "list": true,
	"safe": true, "readonly": true, "interactive": true,
}

func quoteWord(s string) string {
	if strings.ContainsAny(s, " \t") {
		return `"` + s + `"`
	}
	return s
}

// fileCommand is a dot command that names a file.
var fileCommand = lazyregexp.New(`(?m)^(\.(?:open|read|import)[ \t]+"?)([^/\s"-][^\s"]*)`)

// absolute makes the files of dot commands absolute, since the module knows no
// working folder.
func absolute(dir, text string) string {
	return fileCommand().ReplaceAllStringFunc(text, func(line string) string {
		m := fileCommand().FindStringSubmatch(line)
		return m[1] + path.Join(dir, m[2])
	})
}
