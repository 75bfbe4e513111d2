package main

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"sandpiper/static/manifest"
)

// editorBudget is the most that a visitor may download before the editor can be
// typed in: the page's script and style, the editor, and its largest common
// grammar, in bytes as a browser of today gets them.
const editorBudget = 250_000

// editorSources are what the budget counts, with all that they import. The page
// itself loads the last two with import().
var editorSources = []string{
	"src/app.css",
	"src/playground.ts",
	"src/lib/codemirror.ts",
	"node_modules/@codemirror/lang-python/dist/index.js",
}

// metafile is the part of the bundler's metafile that is used here.
type metafile struct {
	Outputs map[string]output `json:"outputs"`
}

type output struct {
	EntryPoint string              `json:"entryPoint"`
	Inputs     map[string]struct{} `json:"inputs"`
	Imports    []struct {
		Path     string `json:"path"`
		Kind     string `json:"kind"`
		External bool   `json:"external"`
	} `json:"imports"`
}

// inDist turns a path of the metafile into one relative to dist.
func inDist(name string) string { return strings.TrimPrefix(name, "dist/") }

// imports returns what name needs before it runs, itself left out, sorted.
func (m metafile) imports(name string) []string {
	seen := map[string]bool{name: true}
	queue := []string{name}
	for len(queue) > 0 {
		next := m.Outputs[queue[0]]
		queue = queue[1:]
		for _, i := range next.Imports {
			target := inDist(i.Path)
			if i.Kind != "import-statement" || i.External || seen[target] {
				continue
			}
			seen[target] = true
			queue = append(queue, target)
		}
	}
	delete(seen, name)
	return sortedKeys(seen)
}

// outputOf finds the output whose entry point is a source.
func (m metafile) outputOf(source string) (string, bool) {
	for name, out := range m.Outputs {
		if out.EntryPoint == source {
			return name, true
		}
	}
	return "", false
}

// entries lists what pages can ask for: the outputs of sources in src that are
// not just chunks.
func (m metafile) entries() map[string]manifest.Entry {
	entries := map[string]manifest.Entry{}
	for name, out := range m.Outputs {
		source, ok := strings.CutPrefix(out.EntryPoint, "src/")
		if !ok || strings.HasPrefix(name, "chunks/") {
			continue
		}
		stem := strings.TrimSuffix(source, path.Ext(source))
		entries[stem+path.Ext(name)] = manifest.Entry{Path: name, Imports: m.imports(name)}
	}
	return entries
}

// packages lists the npm packages of which something is in an output.
func (m metafile) packages() []string {
	seen := map[string]bool{}
	for _, out := range m.Outputs {
		for input := range out.Inputs {
			if p, ok := packageOf(input); ok {
				seen[p] = true
			}
		}
	}
	return sortedKeys(seen)
}

// packageOf returns the package folder below node_modules that a source is in.
func packageOf(input string) (string, bool) {
	const modules = "node_modules/"
	i := strings.LastIndex(input, modules)
	if i < 0 {
		return "", false
	}
	head, rest := input[:i+len(modules)], input[i+len(modules):]
	parts := strings.SplitN(rest, "/", 3)
	if strings.HasPrefix(rest, "@") && len(parts) > 1 {
		return head + parts[0] + "/" + parts[1], true
	}
	return head + parts[0], true
}

// editorCost adds up what editorBudget bounds.
func (b *build) editorCost(m manifest.Manifest) (int64, error) {
	needed := map[string]bool{}
	for _, source := range editorSources {
		name, ok := b.meta.outputOf(source)
		if !ok {
			return 0, fmt.Errorf("the editor's budget counts %s, which is not in the build", source)
		}
		needed[name] = true
		for _, i := range b.meta.imports(name) {
			needed[i] = true
		}
	}
	var cost int64
	for name := range needed {
		cost += m.Files[name].Smallest()
	}
	return cost, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
