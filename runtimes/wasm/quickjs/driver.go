package quickjs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tetratelabs/wazero/api"

	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// Driver runs programs of one language. Its methods are those of wasm.Driver.
type Driver struct {
	typed  bool // files with other endings than JavaScript's are TypeScript
	module *vm.Module
	image  *image
	types  *translator
}

// JavaScript returns a driver for programs in JavaScript. Files that end as
// TypeScript's do are stripped of types all the same.
func JavaScript() *Driver { return &Driver{} }

// TypeScript returns a driver for programs in TypeScript.
func TypeScript() *Driver { return &Driver{typed: true} }

// Load compiles the engine and prepares the prelude.
func (d *Driver) Load(ctx context.Context, host *vm.Host, wasm []byte) error {
	m, err := host.Load(ctx, "quickjs", wasm, vm.LoadOptions{Imports: hostImports})
	if err != nil {
		return err
	}
	d.module, d.image, d.types = m, &image{}, newTranslator(host.CPUs())
	if err := d.prepare(ctx); err != nil {
		return fmt.Errorf("prepare the JavaScript prelude: %w", err)
	}
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

// prepareLimits bound the instances that compile the prelude.
var prepareLimits = sandbox.Limits{Wall: time.Minute, CPU: time.Minute, MemoryBytes: 256 << 20, OutputBytes: 64 << 10}

// prepare compiles the prelude in one instance and, in another that runs it,
// asks for the names that each Node module exports.
func (d *Driver) prepare(ctx context.Context) error {
	if err := d.scratch(ctx, func(s *session) (err error) {
		d.image.parts, err = compilePrelude(s.guest)
		return err
	}); err != nil {
		return err
	}
	return d.scratch(ctx, func(s *session) error {
		if err := s.boot(); err != nil {
			return err
		}
		text, ok := s.str(s.apply(s.api["exports"], s.text(d.image.moduleNames())))
		if !ok {
			return errors.New("list the modules' exports: " + s.describe(s.caught()))
		}
		return json.Unmarshal([]byte(text), &d.image.exports)
	})
}

// scratch runs f with an instance that no program ever sees.
func (d *Driver) scratch(ctx context.Context, f func(s *session) error) error {
	var failed error
	res := d.module.Run(ctx, vm.RunConfig{Limits: prepareLimits}, func(ctx context.Context, mod api.Module) error {
		return guarded(func() {
			s := &session{driver: d, dir: "/"}
			if failed = s.open(ctx, mod); failed == nil {
				failed = f(s)
			}
		})
	})
	if failed == nil && res.Status != sandbox.StatusOK {
		failed = fmt.Errorf("%s: %s", res.Message, res.StderrTail)
	}
	return failed
}

// Run runs p to its end.
func (d *Driver) Run(ctx context.Context, cfg vm.RunConfig, p sandbox.Program) sandbox.Outcome {
	return d.execute(ctx, cfg, &session{dir: "/", main: p.Files[0].Name, args: p.Args})
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
