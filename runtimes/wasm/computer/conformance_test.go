package computer_test

import (
	"os"
	"path/filepath"
	"testing"

	"sandpiper/runtimes/wasm/computer"
	"sandpiper/sandbox"
	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/sandboxtest"
	"sandpiper/sandbox/toolbox"
)

// withToolbox returns an engine with the real toolbox over a folder.
func withToolbox(t *testing.T, dir string) *computer.Engine {
	t.Helper()
	e, err := computer.New(computer.Config{
		Dir: dir, Languages: languages(),
		NewToolbox: func(g guest.Guest, spec sandbox.Spec) computer.Toolbox {
			return toolbox.New(toolbox.Config{Guest: g, Token: spec.Token, Version: "test"})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() }) // of one that was opened again: already closed
	return e
}

func TestConformance(t *testing.T) {
	dir := t.TempDir()
	sandboxtest.TestEngine(t, func(t *testing.T) sandbox.Engine { return withToolbox(t, dir) }, sandboxtest.EngineSubject{
		Ref: computer.Ref,
		Lose: func(t *testing.T, id string) {
			if err := os.RemoveAll(filepath.Join(dir, id)); err != nil {
				t.Fatal(err)
			}
		},
		Reopen: func(t *testing.T, e sandbox.Engine) sandbox.Engine {
			if err := e.(*computer.Engine).Close(); err != nil {
				t.Fatal(err)
			}
			return withToolbox(t, dir)
		},
	})
}
