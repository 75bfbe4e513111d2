// Command mkmodules makes the WebAssembly modules that package catalog embeds.
//
// It takes the runtimes that others publish on npm, checks each against the
// SHA-256 pinned here, compiles the ones that are ours to compile (SQLite and
// Lua), strips what only a debugger needs, and leaves each as
// modules/<name>.wasm.zst. A module whose inputs have not changed since it was
// made is left alone, so the command is quick to repeat. The time zones of the
// runtimes come from Go's own copy.
//
// Run it from the root of the repository, after `npm ci --prefix static`:
//
//	go run ./runtimes/catalog/mkmodules
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mkmodules:", err)
		os.Exit(1)
	}
}

// run makes the modules that args ask for and reports on each to out.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("mkmodules", flag.ContinueOnError)
	packages := flags.String("packages", "static/node_modules", "`folder` of the installed npm packages")
	target := flags.String("out", "runtimes/catalog/modules", "`folder` that the modules go to")
	more := flags.Bool("compilers", false, "make the compilers of Go, C and C++ instead, which takes minutes")
	only := flags.String("only", "", "comma-separated `names` of the modules to make; all when empty")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := os.MkdirAll(*target, 0o755); err != nil {
		return fmt.Errorf("make the folder of modules: %w", err)
	}
	wanted := func(name string) bool {
		return *only == "" || slices.Contains(strings.Split(*only, ","), name)
	}
	if *more {
		return makeAll(ctx, compilers(*packages), trees(*packages), *target, wanted, out)
	}
	if err := makeAll(ctx, recipes(*packages), nil, *target, wanted, out); err != nil {
		return err
	}
	if !wanted(zoneinfoName) {
		return nil
	}
	report, err := zoneinfo(ctx, *target)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, report)
	return nil
}

// makeAll makes the modules and trees that are wanted and reports on each to out.
func makeAll(ctx context.Context, modules []recipe, trees []tree, target string, wanted func(name string) bool, out io.Writer) error {
	for _, m := range modules {
		if !wanted(m.name) {
			continue
		}
		report, err := m.make(ctx, target)
		if err != nil {
			return fmt.Errorf("module %s: %w", m.name, err)
		}
		fmt.Fprintln(out, report)
	}
	for _, t := range trees {
		if !wanted(t.name) {
			continue
		}
		report, err := t.make(ctx, target)
		if err != nil {
			return fmt.Errorf("files of %s: %w", t.name, err)
		}
		fmt.Fprintln(out, report)
	}
	return nil
}
