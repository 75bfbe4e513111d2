package python

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io/fs"
	"time"

	"sandpiper/runtimes/wasm/jail"
	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// freezeScript prepares the library.
//
//go:embed freeze.py
var freezeScript string

// freezeLimits bound the run of freezeScript.
var freezeLimits = sandbox.Limits{
	Wall: time.Minute, CPU: time.Minute, MemoryBytes: 256 << 20, OutputBytes: 16 << 20, OpenFiles: 16,
}

// freeze returns the archive of the library folder for programs, made by Python
// itself from our files: with bytecode, which every run would have to compile
// otherwise (the chart module takes longer than most programs), and with the few
// modules of the standard library that every start looks for.
func freeze(ctx context.Context, m *vm.Module) ([]byte, error) {
	source, err := fs.Sub(libraryFiles, "lib")
	if err != nil {
		return nil, err
	}
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
		return nil, fmt.Errorf("prepare the library: %s %s", res.Message, messages.Bytes())
	}
	return out.Bytes(), nil
}
