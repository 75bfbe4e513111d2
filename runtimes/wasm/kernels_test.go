package wasm_test

import (
	"testing"

	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
)

func TestKernelConformance(t *testing.T) {
	languages := []string{"python", "javascript", "ruby"}
	open := func(t *testing.T) (sandbox.KernelEngine, string) { return newEngine(t, languages...), t.TempDir() }
	sandboxtest.TestKernelEngine(t, open, sandboxtest.KernelCells(languages...)...)
}
