package wasm

import (
	"context"

	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// Driver knows how to run the programs of one language on its WebAssembly
// module. After Load, Run may be called from several goroutines at once. A
// driver that is an io.Closer is closed after the last run.
type Driver interface {
	// Load makes the driver ready for use. It is called once, on a goroutine
	// of its own, and may take long.
	Load(ctx context.Context, host *vm.Host, source vm.Source) error

	// Run runs p to its end. cfg comes with Limits, Stdin, Output, Env, and two
	// Mounts: "/" is the run's folder, which holds p's files already and is the
	// working directory, and "/dev" has the device display. The driver sets
	// Args, may append to Env and Mounts, and adds to the outcome the
	// Diagnostics that it finds in the program's messages.
	Run(ctx context.Context, cfg vm.RunConfig, p sandbox.Program) sandbox.Outcome
}
