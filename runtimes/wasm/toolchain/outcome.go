package toolchain

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// Announce tells the user who has to wait for the compiler itself. Call it before
// Build.
func (t *Toolchain) Announce(cfg vm.RunConfig) {
	if !t.Prepared() {
		vm.Note(cfg, "the compiler is made ready, which takes a minute or more and is done once")
	}
}

// Failed is the outcome of a program that its compiler refused: exit code 1, and
// what the compiler said on standard error.
func Failed(cfg vm.RunConfig, began time.Time, text string, found []sandbox.Diagnostic) sandbox.Outcome {
	if text != "" && cfg.Output != nil {
		cfg.Output(sandbox.Stderr, []byte(text[:min(len(text), int(cfg.Limits.OutputBytes))]))
	}
	return sandbox.Outcome{
		Status: sandbox.StatusError, ExitCode: 1, Message: "The program could not be compiled.",
		Diagnostics: found, Usage: sandbox.Usage{Wall: time.Since(began)},
	}
}

// Interrupted is the outcome of a program that was not compiled to its end, because
// of err, which Build returned.
func Interrupted(ctx context.Context, cfg vm.RunConfig, err error) sandbox.Outcome {
	if ctx.Err() != nil {
		return sandbox.CancelledOutcome(context.Cause(ctx))
	}
	o := sandbox.Outcome{Status: sandbox.StatusInternal, ExitCode: 1, Message: "The compiler could not be run: " + err.Error()}
	if errors.Is(err, ErrBusy) {
		o.Message = "Too many programs wait to be compiled; try again in a moment."
	}
	return o
}

// Format writes diagnostics as compilers do.
func Format(found []sandbox.Diagnostic) string {
	var b strings.Builder
	for _, d := range found {
		if d.Column > 0 {
			fmt.Fprintf(&b, "%s:%d:%d: %s\n", d.File, d.Line, d.Column, d.Message)
		} else {
			fmt.Fprintf(&b, "%s:%d: %s\n", d.File, d.Line, d.Message)
		}
	}
	return b.String()
}
