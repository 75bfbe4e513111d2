package vm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	wazerosys "github.com/tetratelabs/wazero/sys"

	"sandpiper/sandbox"
)

// Causes with which a run stops itself. Other causes come from the caller's
// context.
var (
	errWallLimit   = errors.New("wall time limit reached")
	errCPULimit    = errors.New("CPU time limit reached")
	errOutputLimit = errors.New("output limit reached")
)

// exitError is the cause of a run that ended by Run.Exit: its exit code.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// Exit codes as a shell reports them.
const (
	exitAborted = 128 + 6 // SIGABRT
	exitKilled  = 128 + 9 // SIGKILL
)

// ExitBrokenPipe is the exit code of a program whose output nobody reads any more.
const ExitBrokenPipe = 128 + 13 // SIGPIPE

// unwindCode marks the panic of unwind. wazero passes exit errors on without
// collecting a stack trace.
const unwindCode = 0xffff_fff0

// unwind leaves the guest. The cause is in the run's context.
func (r *Run) unwind() {
	r.unwound = true
	panic(wazerosys.NewExitError(unwindCode))
}

// endedItself reports whether the program came to its end by itself, with whatever
// exit code, and not at a limit or by a fault. err is its body's.
func (r *Run) endedItself(ctx context.Context, err error) bool {
	if r.unwound {
		return errors.As(context.Cause(ctx), new(exitError))
	}
	var exit *wazerosys.ExitError
	return err == nil || errors.As(err, &exit)
}

// outcome says how the run ended, given the cause of its context and the error
// of its body, and writes a note when the program did not end by itself.
func (r *Run) outcome(cause, err error) sandbox.Outcome {
	var exit *wazerosys.ExitError
	switch {
	case r.unwound:
		return r.stopped(cause)
	case err == nil:
		return exited(0)
	case errors.As(err, &exit):
		if code := int(exit.ExitCode()); code == 0 || !r.memory.refused {
			return exited(code)
		}
		return r.memoryLimit(int(exit.ExitCode()), "")
	}
	trap, ok := trapText(err)
	switch {
	case r.memory.refused && (ok || r.memory.failed):
		return r.memoryLimit(exitKilled, "SIGKILL")
	case ok:
		return r.trapped(trap)
	}
	r.host.cfg.Log.Error("guest run failed", "error", err)
	return sandbox.Outcome{Status: sandbox.StatusInternal, ExitCode: exitAborted, Signal: "SIGABRT",
		Message: "Sandpiper failed while running this program; the operator's log says why."}
}

func exited(code int) sandbox.Outcome {
	if code == 0 {
		return sandbox.Outcome{Status: sandbox.StatusOK}
	}
	return sandbox.Outcome{Status: sandbox.StatusError, ExitCode: code, Message: fmt.Sprintf("It ended with exit code %d.", code)}
}

// stopped maps the cause for which we stopped a guest.
func (r *Run) stopped(cause error) sandbox.Outcome {
	var code exitError
	l := r.cfg.Limits
	switch {
	case errors.As(cause, &code):
		return exited(int(code))
	case errors.Is(cause, errWallLimit), errors.Is(cause, errCPULimit):
		return r.killed(sandbox.StatusTimeout, r.timeoutText(cause))
	case errors.Is(cause, errOutputLimit):
		return r.killed(sandbox.StatusOutputLimit, fmt.Sprintf("Stopped after %s of output: the output limit.", bytesText(l.OutputBytes)))
	}
	return r.cancelled(cause)
}

// timeoutText says that errWallLimit or errCPULimit was reached.
func (r *Run) timeoutText(limit error) string {
	if errors.Is(limit, errCPULimit) {
		return fmt.Sprintf("Stopped after %s of CPU time: the CPU time limit.", seconds(r.cfg.Limits.CPU))
	}
	return fmt.Sprintf("Stopped after %s: the wall time limit.", seconds(r.cfg.Limits.Wall))
}

// cancelled maps a cause that came from the caller.
func (r *Run) cancelled(cause error) sandbox.Outcome {
	o := sandbox.CancelledOutcome(cause)
	r.Note(lowerFirst(o.Message))
	return o
}

func (r *Run) killed(status sandbox.Status, message string) sandbox.Outcome {
	r.Note(lowerFirst(message))
	return sandbox.Outcome{Status: status, ExitCode: exitKilled, Signal: "SIGKILL", Message: message}
}

// memoryLimit is for a guest that failed after it had been refused memory.
func (r *Run) memoryLimit(code int, signal string) sandbox.Outcome {
	message := fmt.Sprintf("Needed more than %s of memory: the memory limit.", bytesText(r.cfg.Limits.MemoryBytes))
	r.Note(lowerFirst(message))
	return sandbox.Outcome{Status: sandbox.StatusMemoryLimit, ExitCode: code, Signal: signal, Message: message}
}

// trapped is for a guest that did what WebAssembly does not allow.
func (r *Run) trapped(trap string) sandbox.Outcome {
	message := "The program crashed: " + trap + "."
	r.Note(lowerFirst(message))
	return sandbox.Outcome{Status: sandbox.StatusError, ExitCode: exitAborted, Signal: "SIGABRT", Message: message}
}

// trapText returns what a guest did wrong when err is a trap. wazero's error
// type for traps is internal, so its text has to do.
func trapText(err error) (string, bool) {
	first, _, _ := strings.Cut(err.Error(), "\n")
	if strings.HasSuffix(first, "stack overflow") && !strings.Contains(first, "recovered by wazero") {
		return "stack overflow (too deep a recursion)", true
	}
	_, trap, ok := strings.Cut(first, "wasm error: ")
	return trap, ok
}

func seconds(d time.Duration) string {
	if d%time.Second == 0 {
		return fmt.Sprintf("%d s", d/time.Second)
	}
	return fmt.Sprintf("%d ms", d.Milliseconds())
}

func bytesText(n int64) string {
	switch {
	case n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }
