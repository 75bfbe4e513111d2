package quickjs

import (
	"fmt"
	"path"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// isTypeScript reports whether a file has to be translated: by its ending, which
// the main file of a TypeScript program may lack.
func (s *session) isTypeScript(name string) bool {
	switch path.Ext(name) {
	case ".ts", ".mts", ".cts":
		return true
	case ".js", ".mjs", ".cjs", ".json":
		return false
	}
	return s.driver.typed && name == s.main
}

// translation is TypeScript made into JavaScript, or why it cannot be.
type translation struct {
	Source  string
	Map     []byte // a source map
	Failure string // a block for stderr; empty if all went well
}

// translate carries out a request. It must not be called in the server's own
// process: see translator.
func translate(r request) translation {
	if r.Cell {
		return translateCell(r)
	}
	return transform(r.Name, r.Source, api.LoaderTS, "")
}

// transform strips a file of its types. The rest is left as it is, but for what
// the engine does not know yet, such as decorators.
func transform(name, source string, loader api.Loader, tsconfig string) translation {
	res := api.Transform(source, api.TransformOptions{
		Loader:         loader,
		Sourcefile:     name,
		Sourcemap:      api.SourceMapExternal,
		SourcesContent: api.SourcesContentExclude,
		Target:         api.ES2024,
		Charset:        api.CharsetUTF8,
		LegalComments:  api.LegalCommentsNone,
		LogLevel:       api.LogLevelSilent,
		TsconfigRaw:    tsconfig,
	})
	if len(res.Errors) > 0 {
		return translation{Failure: failureText(name, res.Errors)}
	}
	return translation{Source: string(res.Code), Map: res.Map}
}

// translateCell makes a script of a cell; see cellCode. Cells in JavaScript that
// are none may be TypeScript.
func translateCell(r request) translation {
	t := transformCell(r, api.LoaderTS)
	if !r.Typed {
		if plain := transformCell(r, api.LoaderJS); plain.Failure == "" || t.Failure != "" {
			t = plain
		}
	}
	if t.Failure != "" {
		return t
	}
	code, err := cellCode(t.Source)
	if err != nil {
		return translation{Failure: fmt.Sprintf("%s:1:1: error: %s\n", r.Name, err)}
	}
	t.Source = code
	return t
}

// transformCell prefers to see an object where a cell begins with a brace.
func transformCell(r request, loader api.Loader) translation {
	if text := strings.TrimSpace(r.Source); strings.HasPrefix(text, "{") && !strings.HasSuffix(text, ";") {
		if t := transform(r.Name, "("+r.Source+"\n)", loader, cellConfig); t.Failure == "" {
			return t
		}
	}
	return transform(r.Name, r.Source, loader, cellConfig)
}

// cellConfig keeps imports that a cell makes no use of itself: later ones may.
const cellConfig = `{"compilerOptions": {"verbatimModuleSyntax": true}}`

// maxShownErrors is how many errors of a file are printed.
const maxShownErrors = 20

// failureText formats syntax errors: for each "file:line:column: error: message",
// the line and a caret.
func failureText(name string, errors []api.Message) string {
	var b strings.Builder
	for i, e := range errors {
		if i == maxShownErrors {
			fmt.Fprintf(&b, "and %d more errors\n", len(errors)-i)
			break
		}
		if e.Location == nil {
			fmt.Fprintf(&b, "%s:1:1: error: %s\n", name, e.Text)
			continue
		}
		l := e.Location
		column := len([]rune(l.LineText[:min(l.Column, len(l.LineText))])) + 1
		fmt.Fprintf(&b, "%s:%d:%d: error: %s\n%s", name, l.Line, column, e.Text, snippet(l.LineText, column))
	}
	return b.String()
}

// stripTypes translates a file. One with syntax errors ends the program, as a
// compiler would; in a kernel it throws and reports false.
func (s *session) stripTypes(f *moduleFile) bool {
	t, _ := s.driver.types.translate(s.ctx, s.run, request{Name: f.name, Source: f.source})
	if t.Failure != "" && s.cell != nil {
		s.throwError("", "SyntaxError", strings.TrimRight(t.Failure, "\n"), "")
		return false
	} else if t.Failure != "" {
		s.write(t.Failure)
		s.exit(exitUncaught)
	}
	f.source = t.Source
	if m, err := parseSourceMap(t.Map); err == nil {
		f.mapping = m // without one, positions are those in the translation
	}
	return true
}
