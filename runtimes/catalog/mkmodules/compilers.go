package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"crypto/sha256"
)

// compilers lists the modules of Go, C and C++: the programs that compile them.
// They are large and take minutes to make, so they are made on request.
func compilers(packages string) []recipe {
	clang := filepath.Join(packages, "@yowasp/clang")
	return []recipe{
		published("clang", filepath.Join(clang, "gen/llvm.core.wasm"), clangSum),
		gotool("go-compile", "cmd/compile"),
		gotool("go-link", "cmd/link"),
		gotool("go-vet", "cmd/vet"),
		gotool("go-fmt", "cmd/gofmt"),
	}
}

// trees lists what compilers need beside themselves, in the form of files.
func trees(packages string) []tree {
	return []tree{
		clangTree(filepath.Join(packages, "@yowasp/clang/gen/llvm-resources.tar")),
		goTree(),
	}
}

// tree is a folder that is packed into one file, <name>.tar.zst.
type tree struct {
	name   string
	inputs func(ctx context.Context) (string, error) // as of a recipe

	// files returns what goes in, by name.
	files func(ctx context.Context) (map[string][]byte, error)
}

// make leaves the tree in folder, unless it is there already, and returns a line
// on it for people.
func (t tree) make(ctx context.Context, folder string) (string, error) {
	inputs, err := t.inputs(ctx)
	if err != nil {
		return "", err
	}
	target := filepath.Join(folder, t.name+".tar.zst")
	keyFile := filepath.Join(folder, t.name+".key")
	key := digest([]byte(format + "\n" + t.name + "\n" + inputs))
	if upToDate(target, keyFile, key) {
		return reportOn(t.name, target, "up to date"), nil
	}
	began := time.Now()
	files, err := t.files(ctx)
	if err != nil {
		return "", err
	}
	archive, size, err := archived(files)
	if err != nil {
		return "", err
	}
	packed, err := pack(archive)
	if err != nil {
		return "", err
	}
	if err := errors.Join(writeFile(target, packed), writeFile(keyFile, []byte(key))); err != nil {
		return "", err
	}
	return reportOn(t.name, target, fmt.Sprintf("made from %d files of %.1f MB, in %v", len(files), megabytes(size), time.Since(began).Round(time.Second))), nil
}

// archived puts files into one archive that depends on nothing else.
func archived(files map[string][]byte) (archive []byte, size int64, err error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		content := files[name]
		size += int64(len(content))
		err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content))})
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			return nil, 0, err
		}
	}
	return b.Bytes(), size, w.Close()
}

// Sums of the published files of clang.
const (
	clangSum     = "24fbed474c7b5b4968fd73fc4827440b93fb351c1b6264516130300eff3e7bf5"
	clangTreeSum = "79eef0c336fe55cf03ff8f5b42b784c8168f929a3603138b2c6301f4601e4c86"
)

// clangTree is the recipe of the headers and libraries of C and C++: those of the
// npm package, without what no program that we build can use.
func clangTree(path string) tree {
	return tree{
		name:   "clang-sdk",
		inputs: func(context.Context) (string, error) { return clangTreeSum, nil },
		files: func(context.Context) (map[string][]byte, error) {
			f, err := os.Open(path)
			if errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("%s is missing: run `make setup`, or `npm ci --prefix static`", path)
			}
			if err != nil {
				return nil, err
			}
			defer f.Close()
			sum := sha256.New()
			files, err := untar(io.TeeReader(f, sum), neededOfClang)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			if got := hex.EncodeToString(sum.Sum(nil)); got != clangTreeSum {
				return nil, fmt.Errorf("%s has SHA-256 %s, but %s is what was examined and pinned", path, got, clangTreeSum)
			}
			return files, nil
		},
	}
}

// neededOfClang leaves out what is for other machines, for threads, for modules of
// C++ and for libraries frozen at C++03.
func neededOfClang(name string) bool {
	for _, other := range []string{"wasip1-threads", "wasip2", "/__cxx03/", "share/", "include/sanitizer/", "_wrappers/"} {
		if strings.Contains(name, other) {
			return false
		}
	}
	return !strings.HasSuffix(name, "intrin.h")
}

// untar reads the files of an archive whose names pass keep.
func untar(r io.Reader, keep func(name string) bool) (map[string][]byte, error) {
	files := map[string][]byte{}
	archive := tar.NewReader(r)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			_, err := io.Copy(io.Discard, r) // what follows the end counts for the sum
			return files, err
		}
		if err != nil {
			return nil, err
		}
		name := strings.TrimPrefix(h.Name, "./")
		if h.Typeflag != tar.TypeReg || !keep(name) {
			continue
		}
		if files[name], err = io.ReadAll(archive); err != nil {
			return nil, err
		}
	}
}
