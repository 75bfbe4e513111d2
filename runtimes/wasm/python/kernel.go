package python

import (
	"context"

	"github.com/tetratelabs/wazero/api"

	"sandpiper/runtimes/wasm/kernel"
	"sandpiper/runtimes/wasm/vm"
)

// Kernels returns what kernels are made from. A module that is not ours has none.
func (d *Driver) Kernels() kernel.Language {
	return kernel.Language{Module: d.fromImage, New: d.newInterpreter}
}

func (d *Driver) newInterpreter(cfg *vm.RunConfig) kernel.Interpreter {
	i := &interpreter{driver: d, port: port{limit: kernel.MaxAnswer}, env: cfg.Env}
	d.mount(cfg, &i.port)
	return i
}

// interpreter is the guest of a kernel; see handle in sandpiper_kernel.py.
type interpreter struct {
	driver *Driver
	port   port
	env    []string
}

var _ kernel.Interpreter = (*interpreter)(nil)

// Open implements kernel.Interpreter.
func (i *interpreter) Open(ctx context.Context, guest api.Module) error {
	if err := i.driver.seed(guest); err != nil {
		return err
	}
	return i.call(ctx, guest, "open", i.env)
}

// Renew implements kernel.Interpreter.
func (i *interpreter) Renew(ctx context.Context, guest api.Module, forked bool) error {
	return i.call(ctx, guest, "renew", forked)
}

// Execute implements kernel.Interpreter.
func (i *interpreter) Execute(ctx context.Context, guest api.Module, code string) (kernel.Answer, error) {
	if err := i.call(ctx, guest, "cell", code); err != nil {
		return kernel.Answer{}, err
	}
	defer i.port.ask(nil)
	return kernel.ParseAnswer(i.port.answer), nil
}

// sigint is the number of the signal SIGINT in the guest.
const sigint = 2

// Interrupt implements kernel.Interpreter. The interpreter raises KeyboardInterrupt
// between two of its instructions; a builtin function that works for long is not
// interrupted.
func (i *interpreter) Interrupt(ctx context.Context, guest api.Module) bool {
	return vm.CallAside(ctx, guest, tripSignal, sigint) == nil
}

func (i *interpreter) call(ctx context.Context, guest api.Module, action string, rest any) error {
	if err := i.driver.ask(guest, &i.port, tuple("kernel", action, rest)); err != nil {
		return err
	}
	return i.driver.enter(ctx, guest)
}
