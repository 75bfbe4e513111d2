package ruby

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/tetratelabs/wazero/api"

	"sandpiper/runtimes/wasm/kernel"
	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// kernelScript is the script of the library folder that runs cells.
const kernelScript = "sandpiper_kernel.rb"

// Kernels returns what kernels are made from. A cell's local variables stay for
// the next ones, _ is the value of the last, and a value that is not nil is the
// result. Blocks given to at_exit never run.
//
// An interrupt raises Interrupt between two of Ruby's instructions. A method that
// is not written in Ruby and works for long is not interrupted.
func (d *Driver) Kernels() kernel.Language {
	return kernel.Language{Module: d.module, New: func(cfg *vm.RunConfig) kernel.Interpreter {
		i := &interpreter{signals: d.signals, env: cfg.Env}
		d.furnish(cfg)
		return i
	}}
}

// interpreter drives the guest of one kernel; see kernelScript.
type interpreter struct {
	signals signals
	env     []string
}

var _ kernel.Interpreter = (*interpreter)(nil)

// Open implements kernel.Interpreter.
func (i *interpreter) Open(ctx context.Context, mod api.Module) error {
	return tell(guest{ctx, mod}, enterText(i.env)+"require '"+libraryPath+"/"+kernelScript+"'\n")
}

// Renew implements kernel.Interpreter.
func (i *interpreter) Renew(ctx context.Context, mod api.Module, _ bool) error {
	return tell(guest{ctx, mod}, "SandpiperKernel.renew\n")
}

// Interrupt implements kernel.Interpreter.
func (i *interpreter) Interrupt(_ context.Context, mod api.Module) bool {
	return i.signals.interrupt(mod.Memory())
}

// Execute implements kernel.Interpreter.
func (i *interpreter) Execute(ctx context.Context, mod api.Module, code string) (kernel.Answer, error) {
	g := guest{ctx, mod}
	handle, ended, err := g.value("SandpiperKernel.cell(" + quote(strings.ReplaceAll(code, "\x00", " ")) + ")\n")
	if err != nil {
		return kernel.Answer{}, err
	}
	if !ended {
		return kernel.Answer{}, errScript
	}
	answer, err := g.bytes(handle, kernel.MaxAnswer+1)
	if err != nil {
		return kernel.Answer{}, err
	}
	a := kernel.ParseAnswer(answer)
	a.Diagnostics = cellDiagnostics(answer, a, code)
	return a, nil
}

// errScript is for a guest whose program has broken what cells are run by.
var errScript = errors.New("the program has broken what runs its cells")

// tell has the guest evaluate a text that must come to its end.
func tell(g guest, text string) error {
	ended, err := g.eval(text)
	if err == nil && !ended {
		err = errScript
	}
	return err
}

// cellDiagnostics finds the place in this cell that an error is about: where it was
// raised, or where the cell called what raised it. The answer has the name that the
// cell has in backtraces.
func cellDiagnostics(answer []byte, a kernel.Answer, code string) []sandbox.Diagnostic {
	var cell struct{ Name string }
	if a.Error == nil || json.Unmarshal(answer, &cell) != nil {
		return nil
	}
	found := Diagnose([]byte(strings.Join(a.Error.Traceback, "\n")), []sandbox.File{{Name: cell.Name, Content: []byte(code)}})
	for i := range found {
		found[i].File = kernel.CellFile
	}
	return found
}
