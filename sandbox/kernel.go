package sandbox

import (
	"context"
	"fmt"
	"io"
	"time"
)

// KernelSpec says what a kernel is. It does not change while the kernel lives.
type KernelSpec struct {
	// Language is a Language.ID or one of its aliases.
	Language string

	// Dir is the kernel's working folder, an absolute path of the host. It is
	// there before the kernel opens and belongs to the caller, who removes it
	// after Close. The program sees it as "/", and nothing else of the host.
	Dir string

	Env    map[string]string // environment, added to what the engine sets
	Limits Limits            // MemoryBytes, FileBytes, Files and OpenFiles of the kernel; the rest is each cell's
}

// Cell is a piece of a program that a kernel executes.
type Cell struct {
	Code   string
	Stdin  *Stdin // nil for an empty, closed standard input
	Limits Limits // Wall, CPU and OutputBytes; zero fields mean the engine's default

	// Interrupted, when set, is asked once Interrupt reaches the cell, before its
	// code runs: whether the cell was to be interrupted before that. It may be called
	// from any goroutine.
	Interrupted func() bool
}

// WasInterrupted reports whether the cell is to end before it begins.
func (c Cell) WasInterrupted() bool { return c.Interrupted != nil && c.Interrupted() }

// CellOutcome is how a cell ended. Output and what the cell displayed have
// already gone to the Sink.
type CellOutcome struct {
	// Outcome says how the cell ended: StatusOK, or StatusError for an exception
	// that nobody caught and for exit(). An interrupted cell is StatusCancelled
	// with the signal SIGINT. Diagnostics name the file "cell".
	Outcome

	// Result is the value of the last expression, nil when there is none.
	Result *Display

	// Error is the exception that ended the cell, nil when there is none.
	Error *CellError

	// RolledBack says that the kernel has the state that it had before the cell:
	// the cell had to be stopped by force, or crashed, in the middle of a change.
	RolledBack bool
}

// CellError is an exception, as a notebook shows it.
type CellError struct {
	Name      string   `json:"name"`      // "ZeroDivisionError"
	Value     string   `json:"value"`     // "division by zero"
	Traceback []string `json:"traceback"` // lines, without colours
}

// Kernel is an interpreter that keeps its state from one cell to the next: a
// session's live part. Its methods are safe for concurrent use.
type Kernel interface {
	// Execute runs a cell to its end and keeps the state that it leaves. While a
	// cell runs another one is refused with KindConflict. The end of ctx stops
	// the cell as Interrupt does, and by force when it does not heed that within
	// a second. The error is for cells that could not be started; ErrKernelGone when
	// the kernel has been closed or its process has ended.
	Execute(ctx context.Context, c Cell, out Sink) (CellOutcome, error)

	// Interrupt makes the cell that runs now end with the language's exception
	// for that (KeyboardInterrupt, Interrupt). What the cell has done so far
	// stays. It does nothing when no cell runs.
	Interrupt()

	// Save writes the kernel's state, for KernelEngine.ResumeKernel; the files in
	// its folder are not part of it, and files that the program holds open are
	// closed in the copy. It fails with KindConflict while a cell runs. The kernel
	// goes on.
	Save(ctx context.Context, w io.Writer) error

	// Fork returns a second kernel with the same state. spec is that of the new
	// one: the same language, and a folder of its own, into which the caller has
	// copied the files. It fails with KindConflict while a cell runs.
	Fork(ctx context.Context, spec KernelSpec) (Kernel, error)

	// Memory returns how many bytes of memory the kernel has for itself alone.
	Memory() int64

	// Close ends the kernel, and the cell that runs.
	Close() error
}

// KernelEngine is an engine that has kernels. Implementations are safe for
// concurrent use.
type KernelEngine interface {
	// KernelLanguages returns the languages that have kernels, with the state of
	// each now.
	KernelLanguages() []Language

	// OpenKernel starts a kernel. It fails with KindUnprocessed for a language
	// without kernels, and with KindUnavailable while the language is not ready.
	OpenKernel(ctx context.Context, spec KernelSpec) (Kernel, error)

	// ResumeKernel starts a kernel with a state that Save wrote, in this process
	// or in another one. It fails with ErrStateStale when the state belongs to
	// another version of the language's runtime, and with KindUnprocessed when it is
	// damaged. It takes nothing on trust: the state may have been tampered with.
	ResumeKernel(ctx context.Context, spec KernelSpec, state io.Reader) (Kernel, error)
}

// Errors of kernels that callers act on.
var (
	ErrKernelGone = Errorf(KindConflict, "the interpreter of this session has ended; what it had since its last checkpoint is lost")
	ErrStateStale = Errorf(KindConflict, "the session was paused by another version of this language's runtime, which cannot read its state; restart the session")

	// ErrCellNotBegun is the ErrKernelGone of a cell of which nothing has run: it may
	// be executed by another kernel with the same state.
	ErrCellNotBegun = fmt.Errorf("the cell has not begun: %w", ErrKernelGone)
)

// InterruptGrace is how long a cell may go on after an interrupt that came from
// its context, before it is stopped by force and its kernel rolled back.
const InterruptGrace = time.Second
