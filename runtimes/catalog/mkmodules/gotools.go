package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// wasiEnv has the go command build for the sandbox.
var wasiEnv = []string{"GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOFLAGS="}

// gotool is the recipe of a program of the Go toolchain, compiled for WASI by the
// very toolchain that it is part of.
func gotool(name, pkg string) recipe {
	return recipe{
		name:   name,
		inputs: func(context.Context) (string, error) { return runtime.Version(), nil },
		build: func(ctx context.Context) ([]byte, error) {
			dir, err := os.MkdirTemp("", "mkmodules-")
			if err != nil {
				return nil, err
			}
			defer os.RemoveAll(dir)
			output := filepath.Join(dir, name+".wasm")
			if err := command(ctx, wasiEnv, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", output, pkg); err != nil {
				return nil, err
			}
			return os.ReadFile(output)
		},
	}
}

// leftOut are packages of the standard library that no program here can use: they
// need sockets, processes, shared libraries or the tools of Go itself. What only
// they import goes with them.
var leftOut = []string{
	"net/http/cgi", "net/http/fcgi", "net/http/pprof", "net/http/httputil", "net/rpc", "net/rpc/jsonrpc", "net/smtp", "expvar",
	"log/syslog", "os/user", "plugin", "runtime/cgo", "runtime/race", "debug/buildinfo", "debug/dwarf", "debug/elf", "debug/gosym",
	"debug/macho", "debug/pe", "debug/plan9obj", "testing/cryptotest", "crypto/fips140",
}

// goTree is the recipe of Go's standard library: for each package what the
// compiler and the linker read of it, and importcfg, which says where.
func goTree() tree {
	return tree{
		name: "go-sdk",
		inputs: func(context.Context) (string, error) {
			return runtime.Version() + "\n" + strings.Join(leftOut, " "), nil
		},
		files: goArchives,
	}
}

func goArchives(ctx context.Context) (map[string][]byte, error) {
	wanted, err := goListPackages(ctx, "-f", "{{.ImportPath}}", "std")
	if err != nil {
		return nil, err
	}
	args := []string{"-export", "-trimpath", "-deps", "-f", "{{.ImportPath}} {{.Export}}"}
	for _, pkg := range wanted {
		if !omitted(pkg) {
			args = append(args, pkg)
		}
	}
	lines, err := goListPackages(ctx, args...)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	var cfg strings.Builder
	for _, line := range lines {
		pkg, archive, _ := strings.Cut(line, " ")
		if archive == "" { // unsafe
			continue
		}
		name := "pkg/" + pkg + ".a"
		if files[name], err = os.ReadFile(archive); err != nil {
			return nil, err
		}
		fmt.Fprintf(&cfg, "packagefile %s=/sdk/%s\n", pkg, name)
	}
	files["importcfg"] = []byte(cfg.String())
	return files, nil
}

// omitted reports whether nobody asks for a package: it is left out, or hidden
// and only there for others.
func omitted(pkg string) bool {
	for _, p := range leftOut {
		if pkg == p {
			return true
		}
	}
	hidden := strings.HasPrefix(pkg, "vendor/") || strings.HasPrefix(pkg, "internal/") || strings.Contains(pkg, "/internal/")
	return hidden && pkg != "testing/internal/testdeps"
}

// goListPackages returns the lines of go list for the sandbox.
func goListPackages(ctx context.Context, args ...string) ([]string, error) {
	c := exec.CommandContext(ctx, "go", append([]string{"list"}, args...)...)
	c.Env = append(os.Environ(), wasiEnv...)
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var lines []string
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		lines = append(lines, s.Text())
	}
	return lines, nil
}
