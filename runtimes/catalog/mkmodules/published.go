package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// published is the recipe of a module that somebody else builds and publishes
// on npm. The file must be the very one that was examined: its SHA-256 is
// pinned, and another version is a decision, not an accident.
func published(name, path, sum string) recipe {
	return recipe{
		name: name,
		inputs: func(context.Context) (string, error) {
			if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
				return "", fmt.Errorf("%s is missing: run `make setup`, or `npm ci --prefix static`", path)
			}
			return sum, nil
		},
		build: func(context.Context) ([]byte, error) {
			wasm, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			if got := digest(wasm); got != sum {
				return nil, fmt.Errorf("%s has SHA-256 %s, but %s is what was examined and pinned", path, got, sum)
			}
			return wasm, nil
		},
	}
}
