package golang

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"sandpiper/runtimes/wasm/toolchain"
	"sandpiper/sandbox"
)

// maxEmbedded bounds the files of all go:embed lines of a program, in bytes.
const maxEmbedded = 16 << 20

// embed is one pattern of a go:embed line.
type embed struct {
	pattern string
	pos     token.Pos
}

// embedsOf returns the patterns of a file. The compiler says what is wrong with a
// line that is none, or that has nothing to stand before.
func embedsOf(f *file) []embed {
	if !slices.ContainsFunc(f.syntax.Imports, func(s *ast.ImportSpec) bool { return importPath(s) == "embed" }) {
		return nil
	}
	var found []embed
	for _, group := range f.syntax.Comments {
		for _, c := range group.List {
			rest, ok := strings.CutPrefix(c.Text, "//go:embed")
			if !ok || rest == "" || rest[0] != ' ' && rest[0] != '\t' {
				continue
			}
			for _, pattern := range patterns(rest) {
				found = append(found, embed{pattern, c.Pos()})
			}
		}
	}
	return found
}

// patterns splits the rest of a go:embed line: words, or Go strings.
func patterns(line string) []string {
	var all []string
	for {
		line = strings.TrimLeft(line, " \t")
		switch {
		case line == "":
			return all
		case line[0] == '"' || line[0] == '`':
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				return all // which the compiler says
			}
			pattern, _ := strconv.Unquote(quoted)
			all, line = append(all, pattern), line[len(quoted):]
		default:
			word := line[:strings.IndexAny(line+" ", " \t")]
			all, line = append(all, word), line[len(word):]
		}
	}
}

// embedding is what the compiler is told of the go:embed lines of a package.
type embedding struct {
	Patterns map[string][]string // names below the package's folder, by pattern
	Files    map[string]string   // paths by such names
}

// embed adds the files that a package embeds to the request, and the compiler's
// instruction, whose name it returns: "" for a package that embeds nothing.
func (p *program) embed(r *toolchain.Request, u *unit, instruction string) (name string, problems []sandbox.Diagnostic) {
	e := embedding{Patterns: map[string][]string{}, Files: map[string]string{}}
	size := 0
	for _, f := range u.files {
		for _, g := range f.embeds {
			matches, err := p.matches(path.Dir(f.name), g.pattern)
			if err == nil {
				err = p.take(r, e.Files, path.Dir(f.name), matches, &size)
			}
			if err != nil {
				problems = append(problems, f.wrong(g.pos, fmt.Sprintf("pattern %s: %v", g.pattern, err)))
				continue
			}
			e.Patterns[g.pattern] = matches
		}
	}
	if len(e.Patterns) == 0 || len(problems) > 0 {
		return "", problems
	}
	text, err := json.Marshal(e)
	if err != nil {
		return "", []sandbox.Diagnostic{p.problem(err.Error())}
	}
	r.Files = append(r.Files, toolchain.File{Name: instruction, Content: text})
	return instruction, nil
}

// take adds files below a package's folder to the request.
func (p *program) take(r *toolchain.Request, taken map[string]string, dir string, names []string, size *int) error {
	for _, name := range names {
		if taken[name] != "" {
			continue
		}
		content, err := p.content(path.Join(dir, name))
		if err != nil {
			return err
		}
		if *size += len(content); *size > maxEmbedded {
			return fmt.Errorf("a program may embed %d MiB at most", maxEmbedded>>20)
		}
		file := path.Join(sourceDir, dir, name)
		taken[name] = "/" + file
		if !slices.ContainsFunc(r.Files, func(f toolchain.File) bool { return f.Name == file }) {
			r.Files = append(r.Files, toolchain.File{Name: file, Content: content})
		}
	}
	return nil
}

// matches returns the names below dir of the files that a pattern stands for, as the
// package embed says.
func (p *program) matches(dir, pattern string) ([]string, error) {
	glob, all := strings.CutPrefix(pattern, "all:")
	if _, err := path.Match(glob, ""); err != nil || glob == "." || !fs.ValidPath(glob) {
		return nil, errors.New("invalid pattern syntax")
	}
	found := map[string]bool{}
	for _, name := range p.names {
		below := name
		if dir != "." {
			var ok bool
			if below, ok = strings.CutPrefix(name, dir+"/"); !ok {
				continue
			}
		}
		if embeds(glob, below, all) {
			found[below] = true
		}
	}
	if len(found) == 0 {
		return nil, errors.New("no matching files found")
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// embeds reports whether a pattern stands for a file: itself, or a folder that it is
// in. What is hidden in such a folder counts only with all.
func embeds(glob, name string, all bool) bool {
	for end := 0; end <= len(name); end++ {
		if end < len(name) && name[end] != '/' {
			continue
		}
		if ok, _ := path.Match(glob, name[:end]); ok {
			rest := name[end:]
			return all || !strings.Contains(rest, "/.") && !strings.Contains(rest, "/_")
		}
	}
	return false
}
