package ruby

import (
	"context"
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/tetratelabs/wazero/api"

	"sandpiper/runtimes/wasm/jail"
	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// imageRevision changes with what the code of this file puts into an image. Its texts
// are part of the key.
const imageRevision = 2

// imageLimits bound the run that makes the image.
var imageLimits = sandbox.Limits{
	Wall: 5 * time.Minute, CPU: 2 * time.Minute, MemoryBytes: 256 << 20, OutputBytes: 1 << 20, OpenFiles: 64,
}

// prepareText loads the script that starts programs, and has it prepare the image.
const prepareText = "require '" + libraryPath + "/" + startScript + "'\nSandpiperRun.signal\nSandpiperRun.prepare\n"

// imageKey names everything that the image depends on: the module, the script
// that starts programs, and how Ruby is started.
func imageKey(source vm.Source) (string, error) {
	h := sha256.New()
	script, err := fs.ReadFile(libraryFiles, "lib/"+startScript)
	fmt.Fprintln(h, imageRevision, initArgs, startMemory, imageEnv, prepareText, len(script))
	h.Write(script)
	fmt.Fprintln(h, source.Hash)
	return fmt.Sprintf("ruby %x", h.Sum(nil)), err
}

// imageEnv is the environment that Ruby starts with. A run's own replaces it.
var imageEnv = []string{"LANG=C.UTF-8"}

// makeImage starts Ruby in the plain module, loads the script that starts
// programs, and takes the image.
func (d *Driver) makeImage(ctx context.Context, plain *vm.Module) (image *vm.Image, err error) {
	var output strings.Builder
	empty := jail.NewLibrary(embed.FS{}, imageLimits.OpenFiles)
	cfg := vm.RunConfig{
		Limits: imageLimits, Env: imageEnv,
		Output: func(_ sandbox.Stream, p []byte) { output.Write(p) },
		Mounts: []vm.Mount{{Path: "/", FS: empty}, {Path: "/dev", FS: empty}},
	}
	d.furnish(&cfg)
	var finder signalFinder
	cfg.Probe = func(_ context.Context, mod api.Module, _ uint32) uint64 {
		finder.look(mod.Memory())
		return 1
	}
	res := plain.Run(ctx, cfg, func(ctx context.Context, mod api.Module) error {
		run, g := vm.Current(ctx), guest{ctx, mod}
		run.LimitMemory(startMemory)
		if err := g.start(initArgs); err != nil {
			return err
		}
		run.LimitMemory(0)
		if ended, err := g.eval(prepareText); err != nil || !ended {
			return errors.Join(errors.New("the start script failed"), err)
		}
		found, err := finder.found()
		if err != nil {
			return err
		}
		if image, err = run.Capture(); err == nil {
			image.Facts = found.facts()
		}
		return err
	})
	if image == nil {
		return nil, fmt.Errorf("make the image: %s %s", res.Message, output.String())
	}
	return image, nil
}
