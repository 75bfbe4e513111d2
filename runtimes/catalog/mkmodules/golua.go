package main

import (
	"context"
	"embed"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

const (
	luaModule  = "github.com/yuin/gopher-lua"
	luaCommand = "sandpiper/runtimes/catalog/mkmodules/lua"
)

// luaSources are our part of the Lua module. They are embedded to be hashed; go
// build reads the files themselves.
//
//go:embed lua/main.go
var luaSources embed.FS

// golua is the recipe of the Lua module: a Go program, compiled for WASI.
func golua() recipe {
	return recipe{
		name: "lua",
		inputs: func(ctx context.Context) (string, error) {
			version, err := moduleVersion(ctx, luaModule)
			if err != nil {
				return "", err
			}
			own, err := hashTree(luaSources)
			return strings.Join([]string{runtime.Version(), version, own}, "\n"), err
		},
		build: buildLua,
	}
}

func buildLua(ctx context.Context) ([]byte, error) {
	dir, err := os.MkdirTemp("", "mkmodules-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	output := filepath.Join(dir, "lua.wasm")
	env := []string{"GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0"}
	if err := command(ctx, env, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", output, luaCommand); err != nil {
		return nil, err
	}
	return os.ReadFile(output)
}
