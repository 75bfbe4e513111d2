package quickjs

import (
	"errors"
	"fmt"
	"strings"

	"sandpiper/internal/lazyregexp"
)

// cellCode makes code of a cell, as esbuild has printed it, into a script whose
// names stay for later cells, and may be declared again in them: what is declared
// at the top level becomes a variable of the global object. Imports become what
// they mean. The script's value is that of its last statement, if that is an
// expression. Lines stay where they are.
func cellCode(code string) (string, error) {
	var b strings.Builder
	all := statements(code)
	at := 0
	for _, s := range all {
		b.WriteString(code[at:s.start])
		text, err := cellStatement(code[s.start:s.end])
		if err != nil {
			return "", err
		}
		b.WriteString(text)
		at = s.end
	}
	b.WriteString(code[at:])
	if n := len(all); n == 0 || !isExpression(code[all[n-1].start:all[n-1].end]) {
		b.WriteString("\nvoid 0;")
	}
	return b.String(), nil
}

var (
	declaration  = lazyregexp.New(`^(?:let|const) `)
	uninitiated  = lazyregexp.New(`^let ([\p{L}\p{N}_$]+(?:, [\p{L}\p{N}_$]+)*);$`)
	classHead    = lazyregexp.New(`^class ([\p{L}\p{N}_$]+)`)
	namedDefault = lazyregexp.New(`^(?:class|(?:async )?function\*?) [\p{L}_$]`)
	notAValue    = lazyregexp.New(`^(?:(?:var|let|const|class|function|async function|if|for|while|do|switch|try|throw|return|import|export|debugger|with|break|continue|else|using)\b[^.:=]|[{;]|[\p{L}\p{N}_$]+:|import ?["{*]|try ?\{|do$)`)
)

// isExpression reports whether a statement is an expression.
func isExpression(statement string) bool {
	if strings.HasPrefix(statement, "import(") || strings.HasPrefix(statement, "import.meta") {
		return true
	}
	return !notAValue().MatchString(statement + "\n")
}

// cellStatement rewrites one statement.
func cellStatement(text string) (string, error) {
	switch {
	case strings.HasPrefix(text, "export "):
		return cellExport(strings.TrimPrefix(text, "export "))
	case uninitiated().MatchString(text):
		names := strings.Split(uninitiated().FindStringSubmatch(text)[1], ", ")
		return "var " + strings.Join(names, " = void 0, ") + " = void 0;", nil
	case declaration().MatchString(text):
		head := declaration().FindString(text)
		return "var" + strings.Repeat(" ", len(head)-len("var")) + text[len(head):], nil
	case classHead().MatchString(text):
		return "var " + classHead().FindStringSubmatch(text)[1] + " = " + text + ";", nil
	case staticImport().MatchString(text):
		return cellImport(text)
	}
	return text, nil
}

// cellExport rewrites what follows export: the name is there for later cells in
// any case.
func cellExport(text string) (string, error) {
	value, isDefault := strings.CutPrefix(text, "default ")
	switch {
	case isDefault && namedDefault().MatchString(value):
		return cellStatement(value)
	case isDefault:
		return "void 0, " + value, nil
	case strings.HasPrefix(text, "{") || strings.HasPrefix(text, "*"):
		return "", errors.New("a cell cannot export to anybody: leave the export out")
	}
	return cellStatement(text)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// The forms of a static import, as esbuild prints them.
var (
	staticImport = lazyregexp.New(`^import ["{*\p{L}_$]`)
	importParts  = lazyregexp.New(`^import (?:([\p{L}_$][\p{L}\p{N}_$]*)(?:, )?)?(?:\* as ([\p{L}\p{N}_$]+)|\{([^}]*)\})?(?: from )?("(?:[^"\\]|\\.)*")(?: with (\{[^}]*\}))?;$`)
	importName   = lazyregexp.New(`^\s*([\p{L}\p{N}_$]+|"(?:[^"\\]|\\.)*")(?: as ([\p{L}\p{N}_$]+))?\s*$`)
)

// cellImport rewrites a static import as a dynamic one.
func cellImport(text string) (string, error) {
	m := importParts().FindStringSubmatch(text)
	if m == nil {
		return "", fmt.Errorf("this form of import is not possible in a cell: %s", firstLine(text))
	}
	var parts, names []string
	if m[1] != "" {
		parts, names = append(parts, "default: "+m[1]), append(names, `"default"`)
	}
	for _, item := range strings.Split(m[3], ",") {
		if strings.TrimSpace(item) == "" {
			continue
		}
		n := importName().FindStringSubmatch(item)
		if n == nil {
			return "", fmt.Errorf("this form of import is not possible in a cell: %s", firstLine(text))
		}
		name, local := n[1], n[2]
		if local == "" {
			local = name
		}
		parts = append(parts, name+": "+local)
		if !strings.HasPrefix(name, `"`) {
			name = quote(name)
		}
		names = append(names, name)
	}
	value := "__sandpiper_names(await import(" + m[4] + "), " + m[4] + ", [" + strings.Join(names, ", ") + "])"
	lines := strings.Repeat("\n", strings.Count(text, "\n"))
	switch {
	case m[2] != "" && m[1] != "":
		return "var " + m[2] + " = " + value + ", " + m[1] + " = " + m[2] + ".default;" + lines, nil
	case m[2] != "":
		return "var " + m[2] + " = " + value + ";" + lines, nil
	case len(parts) > 0:
		return "var {" + strings.Join(parts, ", ") + "} = " + value + ";" + lines, nil
	}
	return value + ";" + lines, nil
}
