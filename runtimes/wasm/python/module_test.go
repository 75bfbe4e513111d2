package python

import (
	"io"
	"testing"

	"sandpiper/runtimes/catalog"
)

// pythonModule returns the module that the driver is made for.
func pythonModule(tb testing.TB) []byte {
	tb.Helper()
	r, err := catalog.OpenModule("python")
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Close()
	wasm, err := io.ReadAll(r)
	if err != nil {
		tb.Fatal(err)
	}
	return wasm
}
