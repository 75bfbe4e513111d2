// Command build bundles the front end: the sources in static/src with the
// packages in static/node_modules, into static/dist, from where package static
// embeds it.
//
//	go run ./static/build
//
// Each static/src/*.ts becomes an ES module and each static/src/*.css a style
// sheet; what they share, and what they import() later, becomes chunks. Each
// static/src/standalone/*.ts becomes one classic script without imports, for
// pages that are not ours. Every output has a hash in its name, a .gz and a .br
// beside it where that is smaller, and a line in manifest.json.
//
// The build fails on any warning, and when what a visitor downloads before the
// editor can be typed in is over its budget.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	dir := flag.String("dir", "static", "the folder with src and node_modules; dist goes beside them")
	flag.Parse()
	if err := run(*dir); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	built, err := bundle(dir)
	if err != nil {
		return err
	}
	files, m, err := built.pack()
	if err != nil {
		return err
	}
	report(os.Stdout, m)
	cost, err := built.editorCost(m)
	if err != nil {
		return err
	}
	fmt.Printf("page to editable editor: %.1f KB of %.0f KB\n", float64(cost)/1000, float64(editorBudget)/1000)
	if cost > editorBudget {
		return fmt.Errorf("the editor's page needs %d bytes, which is over the budget of %d", cost, editorBudget)
	}
	return writeAll(filepath.Join(dir, "dist"), files, m)
}
