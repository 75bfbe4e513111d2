package quickjs

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

// preludeFiles are the prelude's parts. Those in internal cannot be imported;
// the name of any other is the name of a Node module.
//
//go:embed prelude
var preludeFiles embed.FS

// bootPart is the part that runs first, before the program.
const bootPart = "internal/boot"

// image is the prelude in a form that instances load fast.
type image struct {
	parts   map[string][]byte   // bytecode by name
	exports map[string][]string // the exported names of each Node module
}

// hasModule reports whether name is a Node module of the prelude.
func (m *image) hasModule(name string) bool {
	_, ok := m.parts[name]
	return ok && !strings.HasPrefix(name, "internal/")
}

// preludeSources returns the parts' source code by name.
func preludeSources() (map[string]string, error) {
	sources := map[string]string{}
	err := fs.WalkDir(preludeFiles, "prelude", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := preludeFiles.ReadFile(path)
		name := strings.TrimSuffix(strings.TrimPrefix(path, "prelude/"), ".js")
		sources[name] = string(b)
		return err
	})
	return sources, err
}

// compilePrelude makes the bytecode of all parts in an instance.
func compilePrelude(g *guest) (map[string][]byte, error) {
	sources, err := preludeSources()
	if err != nil {
		return nil, fmt.Errorf("read the prelude: %w", err)
	}
	parts := make(map[string][]byte, len(sources))
	for name, source := range sources {
		if name == bootPart {
			source = wrapBoot(source)
		} else {
			source = wrapPart(source)
		}
		if parts[name], err = g.compile(source, "node:"+name); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

// wrapPart makes a function of a part. Its parameters are those of a CommonJS
// module and host, the operations.
func wrapPart(source string) string {
	return `(function (exports, require, module, host) {"use strict";` + source + "\n})"
}

// wrapBoot makes a function of the first part, whose parameter is the function
// through which the host is called.
func wrapBoot(source string) string {
	var b strings.Builder
	b.WriteString(`(function (call, stackHook, settingsText) {"use strict"; const host = {__proto__: null`)
	for i, op := range operations {
		fmt.Fprintf(&b, ", %s: (a, b, c) => call(%d, a, b, c)", op.name, i)
	}
	b.WriteString("};" + source + "\n})")
	return b.String()
}
