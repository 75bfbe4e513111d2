package quickjs

import (
	"context"
	"errors"
	"fmt"

	"github.com/tetratelabs/wazero/api"

	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// Driver runs programs of one language. Its methods are those of wasm.Driver.
type Driver struct {
	typed  bool // files with other endings than JavaScript's are TypeScript
	module *vm.Module
	realm  *realm
	types  *translator
}

// JavaScript returns a driver for programs in JavaScript. Files that end as
// TypeScript's do are stripped of types all the same.
func JavaScript() *Driver { return &Driver{} }

// TypeScript returns a driver for programs in TypeScript.
func TypeScript() *Driver { return &Driver{typed: true} }

// Load prepares the image that programs go on from, which all drivers of a host
// share, or takes it from the host's cache.
func (d *Driver) Load(ctx context.Context, host *vm.Host, source vm.Source) error {
	sources, err := preludeSources()
	if err != nil {
		return err
	}
	options := vm.LoadOptions{Images: true, Imports: hostImports}
	image, err := host.Image(imageKey(source, sources), func() (*vm.Image, error) {
		plain, err := host.Load(ctx, "quickjs", source, options)
		if err != nil {
			return nil, err
		}
		image, err := makeImage(ctx, plain, sources)
		return image, errors.Join(err, host.Unload(ctx, plain))
	})
	if err != nil {
		return fmt.Errorf("prepare the JavaScript prelude: %w", err)
	}
	if d.module, err = host.LoadImage(ctx, "quickjs", source, options, image); err != nil {
		return err
	}
	d.realm, d.types = realmOf(image.Facts), newTranslator(host.CPUs())
	if d.typed {
		return d.types.start(ctx)
	}
	return nil
}

// Close ends the driver's child processes. No run may be going on.
func (d *Driver) Close() error {
	if d.types != nil {
		d.types.close()
	}
	return nil
}

// Run runs p to its end.
func (d *Driver) Run(ctx context.Context, cfg vm.RunConfig, p sandbox.Program) sandbox.Outcome {
	main := string(p.Files[0].Content)
	return d.execute(ctx, cfg, &session{dir: "/", main: p.Files[0].Name, given: &main, args: p.Args})
}

func (d *Driver) execute(ctx context.Context, cfg vm.RunConfig, s *session) sandbox.Outcome {
	s.driver, s.cfg = d, cfg
	res := d.module.Run(ctx, cfg, func(ctx context.Context, mod api.Module) error {
		return guarded(func() { s.execute(ctx, mod) })
	})
	res.Diagnostics = Diagnostics(res.StderrTail)
	return s.judge(res.Outcome)
}

// memoryOverhead is what an instance needs beside what the program allocates,
// and minMemory what a program gets in any case.
const (
	memoryOverhead = 6 << 20
	minMemory      = 1 << 20
)
