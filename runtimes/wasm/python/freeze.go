package python

import (
	"archive/zip"
	"bytes"
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"sandpiper/runtimes/wasm/jail"
	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// freezeScript compiles the library.
//
//go:embed freeze.py
var freezeScript string

// freezeLimits bound the run of freezeScript.
var freezeLimits = sandbox.Limits{
	Wall: time.Minute, CPU: time.Minute, MemoryBytes: 256 << 20, OutputBytes: 16 << 20, OpenFiles: 16,
}

// freeze returns the files of source with the bytecode of each beside it, where
// an import finds it. Every run would have to compile them otherwise, and the
// chart module takes longer than most programs.
func freeze(ctx context.Context, m *vm.Module, source fs.FS) (fs.FS, error) {
	names, err := fs.Glob(source, "*.py")
	if err != nil {
		return nil, err
	}
	var out, messages bytes.Buffer
	cfg := vm.RunConfig{
		Limits: freezeLimits,
		Args:   append([]string{"python", "-B", "-s", "-X", "utf8", "-c", freezeScript}, names...),
		Mounts: []vm.Mount{{Path: libraryPath, FS: jail.NewLibrary(source, freezeLimits.OpenFiles)}},
		Output: func(s sandbox.Stream, p []byte) {
			if s == sandbox.Stdout {
				out.Write(p)
			} else {
				messages.Write(p)
			}
		},
	}
	if res := m.Run(ctx, cfg, vm.Start); res.Status != sandbox.StatusOK {
		return nil, fmt.Errorf("compile the library: %s %s", res.Message, messages.Bytes())
	}
	files, err := bytecode(out.Bytes(), names)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if files[name], err = fs.ReadFile(source, name); err != nil {
			return nil, err
		}
	}
	return archive(files)
}

// bytecode splits the output of freezeScript into files.
func bytecode(out []byte, names []string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, name := range names {
		if len(out) < 4 || uint64(len(out)-4) < uint64(binary.LittleEndian.Uint32(out)) {
			return nil, errors.New("compile the library: its output ends too soon")
		}
		n := 4 + int(binary.LittleEndian.Uint32(out))
		files[bytecodeName(name)] = out[4:n]
		out = out[n:]
	}
	return files, nil
}

// bytecodeName is where the interpreter looks for a module's bytecode. The start
// script is not imported, so it has its name to itself.
func bytecodeName(source string) string {
	stem := strings.TrimSuffix(source, ".py")
	if stem == startScript {
		return stem + ".pyc"
	}
	return "__pycache__/" + stem + ".cpython-312.pyc"
}

// archive returns a read-only tree with the files, uncompressed.
func archive(files map[string][]byte) (fs.FS, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(files[name]); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
}
