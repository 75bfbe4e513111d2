package catalog

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/klauspost/compress/zstd"
)

// moduleFiles holds what mkmodules made: modules/<name>.wasm.zst, each with the
// key of its inputs and its SHA-256 beside it. A clean clone has neither, and still compiles.
//
//go:embed all:modules
var moduleFiles embed.FS

// maxDecoderMemory bounds what a module's decompression may allocate. The
// modules are our own files, so this only guards against a damaged build.
const maxDecoderMemory = 256 << 20

// OpenModule returns the WebAssembly binary of the module called name, such as
// "python", decompressed while it is read. The caller closes it. When the
// module was never built the error says how to build it.
func OpenModule(name string) (io.ReadCloser, error) {
	return open("module "+name, name+".wasm.zst")
}

// ReadModule returns what OpenModule reads, all of it and sooner.
func ReadModule(name string) ([]byte, error) {
	compressed, err := read("module "+name, name+".wasm.zst")
	if err != nil {
		return nil, err
	}
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxDecoderMemory))
	if err != nil {
		return nil, fmt.Errorf("open module %s: %w", name, err)
	}
	defer d.Close()
	wasm, err := d.DecodeAll(compressed, nil)
	if err != nil {
		return nil, fmt.Errorf("read module %s: %w", name, err)
	}
	return wasm, nil
}

// Module is a module that need not be read to be known.
type Module struct {
	Hash string                 // the binary's SHA-256 in hexadecimal
	Read func() ([]byte, error) // returns the binary
}

// FindModule returns the module called name. Its error is that of OpenModule.
func FindModule(name string) (Module, error) {
	sum, err := read("module "+name, name+".sha256")
	return Module{Hash: string(sum), Read: func() ([]byte, error) { return ReadModule(name) }}, err
}

// OpenTree returns the tar archive called name, such as "go-sdk", which a compiler
// needs beside its modules. It is otherwise like OpenModule.
func OpenTree(name string) (io.ReadCloser, error) {
	return open("files of "+name, name+".tar.zst")
}

// ModuleKey returns a text that changes whenever the module or tree called name
// does. It reports false when there is none.
func ModuleKey(name string) (string, bool) {
	key, err := moduleFiles.ReadFile("modules/" + name + ".key")
	return string(key), err == nil
}

// read returns a file as it is kept. what is for errors.
func read(what, file string) ([]byte, error) {
	compressed, err := moduleFiles.ReadFile("modules/" + file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open %s: it is not built into this program: run `make setup` and build again", what)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", what, err)
	}
	return compressed, nil
}

func open(what, file string) (io.ReadCloser, error) {
	compressed, err := read(what, file)
	if err != nil {
		return nil, err
	}
	d, err := zstd.NewReader(bytes.NewReader(compressed),
		zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxDecoderMemory))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", what, err)
	}
	return d.IOReadCloser(), nil
}
