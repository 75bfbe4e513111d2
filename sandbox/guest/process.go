package guest

import (
	"context"
	"io"
)

// Cmd is one process to start.
type Cmd struct {
	Args []string // program and arguments; a program without a slash is looked up on the PATH of Env
	Dir  string   // working folder; it must be there
	Env  []string // the whole environment, KEY=value; later entries win

	// Input and output. Stdin may be nil for an empty input. Stdout and Stderr
	// may be nil to drop what is written; when they are the same writer the two
	// stay in order. Writers are called from one goroutine at a time each.
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	// TTY, when set, gives the process a terminal of that size: its output,
	// stderr included, goes to Stdout, and it leads a session of its own.
	TTY *WinSize
}

// WinSize is the size of a terminal in characters.
type WinSize struct{ Rows, Cols uint16 }

// Signal is a signal by its number on Linux.
type Signal int

// The signals that every guest knows.
const (
	SIGHUP  Signal = 1
	SIGINT  Signal = 2
	SIGKILL Signal = 9
	SIGTERM Signal = 15
)

// ExitStatus is how a process ended.
type ExitStatus struct {
	Code   int    // its exit code; 128 + the signal's number when a signal ended it
	Signal Signal // 0 when it ended by itself
}

// Process is a started process and its descendants in the same process group.
type Process interface {
	PID() int

	// Wait returns when the process has ended and what it had written has been
	// passed on. Output of descendants that outlive it (nohup server &) is not
	// waited for. It may be called once.
	Wait() (ExitStatus, error)

	// Signal signals the whole process group. After the end it is an error for
	// which errors.Is(err, os.ErrProcessDone) holds.
	Signal(s Signal) error

	// Resize sets the size of its terminal. Precondition: it has one.
	Resize(size WinSize) error
}

// Starter starts processes. When ctx ends, the process group is killed.
type Starter interface {
	Start(ctx context.Context, cmd Cmd) (Process, error)
}

// ShellConfig says how a shell starts.
type ShellConfig struct {
	Dir string   // its first working folder
	Env []string // its whole environment
}

// ShellIO is the input and output of one command in a Shell. As in Cmd.
type ShellIO struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Shell is a POSIX shell that lives on between commands: its folder, variables
// and functions stay. Commands run one at a time; a command that is given while
// another runs waits for it.
type Shell interface {
	// Run runs a script in the shell and returns its exit code: of `exit 3` too,
	// after which the shell has ended and Run returns ErrShellEnded from then
	// on. When ctx ends, the command's processes are killed and the shell stays,
	// where that is possible. Background processes are not waited for.
	Run(ctx context.Context, script string, io ShellIO) (exitCode int, err error)

	// PID identifies the shell among the sandbox's processes.
	PID() int

	// Close kills the shell and what runs in it.
	Close() error
}

// Sheller opens shells.
type Sheller interface {
	OpenShell(ctx context.Context, cfg ShellConfig) (Shell, error)
}
