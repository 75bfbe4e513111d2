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

// hasModule reports whether name is a Node module of the prelude.
func hasModule(name string) bool {
	if !fs.ValidPath(name) || strings.HasPrefix(name, "internal/") {
		return false
	}
	info, err := fs.Stat(preludeFiles, "prelude/"+name+".js")
	return err == nil && info.Mode().IsRegular()
}

// preludeSources returns the parts by name, each as a function.
func preludeSources() (map[string]string, error) {
	sources := map[string]string{}
	err := fs.WalkDir(preludeFiles, "prelude", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := preludeFiles.ReadFile(path)
		name := strings.TrimSuffix(strings.TrimPrefix(path, "prelude/"), ".js")
		if name == bootPart {
			sources[name] = wrapBoot(string(b))
		} else {
			sources[name] = wrapPart(string(b))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the prelude: %w", err)
	}
	return sources, nil
}

// compileParts makes the bytecode of all parts in an instance.
func compileParts(g *guest, sources map[string]string) (map[string][]byte, error) {
	parts := make(map[string][]byte, len(sources))
	for name, source := range sources {
		var err error
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

// wrapBoot makes a function of the first part, whose parameters are the function
// through which the host is called, the one for stacks, and the other parts.
func wrapBoot(source string) string {
	var b strings.Builder
	b.WriteString(`(function (call, stackHook, parts) {"use strict"; const host = {__proto__: null`)
	for i, op := range operations {
		fmt.Fprintf(&b, ", %s: (a, b, c) => call(%d, a, b, c)", op.name, i)
	}
	b.WriteString("};" + source + "\n})")
	return b.String()
}
