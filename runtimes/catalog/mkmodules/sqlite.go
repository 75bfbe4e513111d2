package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// sqliteModule is where SQLite's source comes from: the Go driver for it holds
// the amalgamation, and go.sum pins it.
const sqliteModule = "github.com/mattn/go-sqlite3"

// Files of the amalgamation in sqliteModule.
var amalgamation = []string{"sqlite3-binding.c", "sqlite3-binding.h"}

// ccSources are our part of the SQL module, and the script that runs clang.
//
//go:embed sqlite/*.c sqlite/*.h clang.mjs
var ccSources embed.FS

// sqliteFlags are the arguments of clang.
var sqliteFlags = []string{
	"--target=wasm32-wasip1", "-O2", "-Wall", "-Wno-unused-function",

	// One thread, one process, no libraries: what the sandbox has.
	"-DSQLITE_THREADSAFE=0", "-DSQLITE_OMIT_LOAD_EXTENSION", "-DSQLITE_OMIT_SHARED_CACHE",
	"-DSQLITE_OMIT_WAL", "-DSQLITE_MAX_MMAP_SIZE=0", "-DSQLITE_TEMP_STORE=2", "-DSQLITE_DEFAULT_MEMSTATUS=0",

	// What people expect of a database to learn with.
	"-DSQLITE_ENABLE_FTS5", "-DSQLITE_ENABLE_RTREE", "-DSQLITE_ENABLE_MATH_FUNCTIONS", "-DSQLITE_ENABLE_PERCENTILE",
	"-DSQLITE_DEFAULT_FOREIGN_KEYS=1", "-DSQLITE_DQS=0", "-DSQLITE_OMIT_DEPRECATED",

	// Nested expressions recurse on the C stack: main.c sets their depth by it.
	"-Wl,-z,stack-size=2097152", "-Wl,--strip-all",
}

// sqlite is the recipe of the SQL module.
func sqlite(packages string) recipe {
	clang := filepath.Join(packages, "@yowasp/clang")
	return recipe{
		name: "sql",
		inputs: func(ctx context.Context) (string, error) {
			compiler, err := os.ReadFile(filepath.Join(clang, "package.json"))
			if errors.Is(err, fs.ErrNotExist) {
				return "", fmt.Errorf("%s is missing: run `make setup`, or `npm ci --prefix static`", clang)
			}
			if err != nil {
				return "", err
			}
			version, err := moduleVersion(ctx, sqliteModule)
			if err != nil {
				return "", err
			}
			own, err := hashTree(ccSources)
			return strings.Join(append(sqliteFlags, digest(compiler), version, own), "\n"), err
		},
		build: func(ctx context.Context) ([]byte, error) { return buildSQLite(ctx, clang) },
	}
}

func buildSQLite(ctx context.Context, clang string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "mkmodules-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, ccSources); err != nil {
		return nil, fmt.Errorf("copy the sources: %w", err)
	}
	source, err := moduleDir(ctx, sqliteModule)
	if err != nil {
		return nil, err
	}
	for _, name := range amalgamation {
		content, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			return nil, fmt.Errorf("read the amalgamation: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, "sqlite", name), content, 0o644); err != nil {
			return nil, err
		}
	}
	bundle, err := filepath.Abs(filepath.Join(clang, "gen/bundle.js"))
	if err != nil {
		return nil, err
	}
	output := filepath.Join(dir, "module.wasm")
	args := append([]string{filepath.Join(dir, "clang.mjs"), bundle, filepath.Join(dir, "sqlite"), output}, sqliteFlags...)
	if err := command(ctx, nil, "node", args...); err != nil {
		return nil, err
	}
	return os.ReadFile(output)
}

// hashTree digests the names and contents of all files in tree.
func hashTree(tree fs.FS) (string, error) {
	var all strings.Builder
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(tree, name)
		fmt.Fprintf(&all, "%s %s\n", name, digest(content))
		return err
	})
	return digest([]byte(all.String())), err
}

// moduleVersion returns the version of a module that go.mod names.
func moduleVersion(ctx context.Context, module string) (string, error) {
	return goList(ctx, module, "{{.Version}}")
}

// moduleDir returns the folder of a module that go.mod names, and fetches the
// module first: on a fresh machine nothing has.
func moduleDir(ctx context.Context, module string) (string, error) {
	if err := command(ctx, nil, "go", "mod", "download", module); err != nil {
		return "", err
	}
	return goList(ctx, module, "{{.Dir}}")
}

func goList(ctx context.Context, module, format string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", format, module).Output()
	if err != nil {
		return "", fmt.Errorf("go list -m %s: %w", module, err)
	}
	text := strings.TrimSpace(string(out))
	if text == "" {
		return "", fmt.Errorf("go list -m %s has no %s", module, format)
	}
	return text, nil
}

// command runs a program with env added to the environment. What it prints
// goes to standard error.
func command(ctx context.Context, env []string, name string, args ...string) error {
	c := exec.CommandContext(ctx, name, args...)
	c.Env = append(os.Environ(), env...)
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("run %s: %w", name, err)
	}
	return nil
}
