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
// key of its inputs beside it. A clean clone has neither, and still compiles.
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
	compressed, err := moduleFiles.ReadFile("modules/" + name + ".wasm.zst")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open module %s: it is not built into this program: run `make setup` and build again", name)
	}
	if err != nil {
		return nil, fmt.Errorf("open module %s: %w", name, err)
	}
	d, err := zstd.NewReader(bytes.NewReader(compressed),
		zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxDecoderMemory))
	if err != nil {
		return nil, fmt.Errorf("open module %s: %w", name, err)
	}
	return d.IOReadCloser(), nil
}
