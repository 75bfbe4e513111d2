package sandbox

import (
	"context"
	"errors"
	"time"
)

// Program is one thing to run: files in a language, with what the run is given
// and how far it may go. It is immutable once submitted.
type Program struct {
	Language string            // a Language.ID or one of its aliases
	Version  string            // "" or "*" for the installed one, or a prefix of it such as "3" or "3.12"
	Files    []File            // the first is the main file; names are unique, see ValidateFileName
	Stdin    *Stdin            // nil for an empty, closed standard input
	Args     []string          // arguments after the program's name
	Env      map[string]string // environment, added to what the engine sets
	Limits   Limits            // zero fields mean the engine's default
	Engine   EngineChoice      // "" means EngineAuto
}

// File is a file of a program, or one that a run left behind.
type File struct {
	Name    string // relative, slash-separated path
	Content []byte
}

// EngineChoice is a caller's wish for where a program runs.
type EngineChoice string

// The engine choices of the wire.
const (
	EngineAuto      EngineChoice = "auto"
	EngineWasm      EngineChoice = "wasm"
	EngineContainer EngineChoice = "container"
)

// Limits bounds one run. In a Program a zero field asks for the default.
type Limits struct {
	Wall        time.Duration // from start to end, sleeping included
	CPU         time.Duration // time spent executing guest code
	MemoryBytes int64         // linear memory of the guest
	OutputBytes int64         // stdout and stderr together; display outputs have as much again
	FileBytes   int64         // bytes written to files
	Files       int           // files and folders created
	OpenFiles   int           // files open at once
}

// WithDefaults returns l with each zero field taken from def, and each field
// above that of ceiling lowered to it.
func (l Limits) WithDefaults(def, ceiling Limits) Limits {
	return Limits{
		Wall:        bounded(l.Wall, def.Wall, ceiling.Wall),
		CPU:         bounded(l.CPU, def.CPU, ceiling.CPU),
		MemoryBytes: bounded(l.MemoryBytes, def.MemoryBytes, ceiling.MemoryBytes),
		OutputBytes: bounded(l.OutputBytes, def.OutputBytes, ceiling.OutputBytes),
		FileBytes:   bounded(l.FileBytes, def.FileBytes, ceiling.FileBytes),
		Files:       bounded(l.Files, def.Files, ceiling.Files),
		OpenFiles:   bounded(l.OpenFiles, def.OpenFiles, ceiling.OpenFiles),
	}
}

func bounded[T ~int | ~int64](v, def, ceiling T) T {
	if v <= 0 {
		v = def
	}
	return min(v, ceiling)
}

// Status is how a run ended.
type Status string

// The statuses of the wire. A program that fails is StatusError; a Sandpiper
// that fails is StatusInternal.
const (
	StatusOK          Status = "ok"
	StatusError       Status = "error"
	StatusTimeout     Status = "timeout" // wall time or CPU time
	StatusMemoryLimit Status = "memory_limit"
	StatusOutputLimit Status = "output_limit"
	StatusCancelled   Status = "cancelled"
	StatusInternal    Status = "internal"
)

// Causes with which a run's context is cancelled. An engine finds them with
// context.Cause and reports the signal in Outcome.Signal.
var (
	ErrInterrupted = errors.New("interrupted")              // SIGINT
	ErrKilled      = errors.New("killed")                   // SIGKILL
	ErrClientGone  = errors.New("the client went away")     // SIGHUP
	ErrShutdown    = errors.New("the server is restarting") // SIGTERM
)

// Stream tells stdout and stderr apart.
type Stream int

// The output streams, numbered as a guest's file descriptors.
const (
	Stdout Stream = 1
	Stderr Stream = 2
)

// Display is a rich output: the same content as one or more MIME types. Values
// are strings; binary types hold standard base64, and types that end in json
// hold a decoded JSON value.
type Display struct {
	Data     map[string]any `json:"data"`
	Metadata map[string]any `json:"metadata"`

	// ID names the display within its run, so that a later one can take its place;
	// "" for none.
	ID string `json:"display_id,omitempty"`

	Act DisplayAct `json:"act,omitempty"`
}

// DisplayAct is what a Display does to what the run has said before.
type DisplayAct string

// The acts of a Display.
const (
	DisplayAdd       DisplayAct = ""           // it comes after that
	DisplayUpdate    DisplayAct = "update"     // it takes the place of those with its ID; without any it is not shown
	DisplayClear     DisplayAct = "clear"      // that is to be taken away; Data is empty
	DisplayClearNext DisplayAct = "clear_next" // that is to be taken away when more comes; Data is empty
)

// ApplyDisplay returns the displays that there are after another one. Callers give
// outputs up.
func ApplyDisplay(outputs []Display, d Display) []Display {
	if n := len(outputs); n > 0 && outputs[n-1].Act == DisplayClearNext {
		outputs = outputs[:0]
	}
	switch d.Act {
	case DisplayClear:
		return outputs[:0]
	case DisplayUpdate:
		d.Act = DisplayAdd
		for i := range outputs {
			if outputs[i].ID == d.ID {
				outputs[i] = d
			}
		}
		return outputs
	}
	return append(outputs, d)
}

// Severity grades a Diagnostic.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
	SeverityInfo    Severity = "info"
)

// Diagnostic points at a place in the program, read from the language's own
// messages. Line and Column count from 1; Column 0 means unknown.
type Diagnostic struct {
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Column   int      `json:"column"`
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
}

// Usage is what a run consumed.
type Usage struct {
	Wall        time.Duration
	CPU         time.Duration
	MemoryBytes int64 // peak
}

// Outcome is what an engine says of a finished run. Output has already gone to
// the Sink.
type Outcome struct {
	Status      Status
	ExitCode    int    // the guest's own; 128 + signal number when a signal ended it
	Signal      string // "SIGKILL", "SIGINT", … when the guest did not end by itself
	Message     string // one sentence for people: why it ended so; empty for StatusOK
	Diagnostics []Diagnostic
	Files       []File // what the program left in out/, names below out/
	Usage       Usage
	Truncated   struct{ Stdout, Stderr bool }
}

// Sink receives what a run says while it runs. An engine calls it from one
// goroutine at a time; calls do not block and do not keep p.
type Sink interface {
	Output(s Stream, p []byte)
	Display(d Display)
}

// Preparer is a CodeRunner that prepares its languages one after the other.
type Preparer interface {
	// Prefer has the language with this ID prepared before those that nobody waits
	// for, if its turn is still to come. It may be called again and again.
	Prefer(language string)
}

// CodeRunner is an engine that runs programs. Implementations are safe for
// concurrent use.
type CodeRunner interface {
	// Engine returns the engine's name on the wire.
	Engine() EngineChoice

	// Languages returns what the engine can run, with the state of each now.
	Languages() []Language

	// Run runs p to its end and returns what came of it. It returns an error
	// only when the program could not be started: a *Error of KindUnprocessed
	// for a bad program, KindUnavailable while its language is not ready. When
	// ctx is cancelled the run is stopped promptly with StatusCancelled and the
	// signal of context.Cause(ctx).
	Run(ctx context.Context, p Program, out Sink) (Outcome, error)
}
