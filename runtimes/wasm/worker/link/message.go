package link

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sandpiper/sandbox"
)

// Op is the type of a message.
type Op uint8

// Messages of the server. Those with an ID begin a call, or belong to one.
const (
	OpSetup     Op = iota + 1 // Setup; the first one, no call
	OpPing                    // no call; answered by OpPong
	OpRun                     // Run, Data: contents of the files and the input
	OpCancel                  // Cancel, of that call
	OpInput                   // Input, Data: standard input of that call
	OpOpen                    // Open; Files: the kernel's folder, if it is sent
	OpResume                  // Open; Files: the state, and the folder if it is sent
	OpFork                    // Open with Kernel; Files as of OpOpen
	OpExecute                 // Execute, Data: the code and the input
	OpInterrupt               // of that call, which is an OpExecute
	OpSave                    // Kernel; Files: where the state goes
	OpClose                   // Kernel
	OpGroup                   // Group; no call, and before the calls that name it
	OpExec                    // Exec; Files: a socket with the program's files behind it, and their Page
	OpUsage                   // Group
	OpTaken                   // Taken, of that call
	OpPrefer                  // Prefer; a call without an answer
)

// Messages of the worker.
const (
	OpHello     Op = iota + 64 // Hello; the first one, no call
	OpPong                     // no call
	OpLanguages                // Languages; no call, when a state has changed
	OpBegan                    // that call is about to begin: it may have effects from now on
	OpSaid                     // Said, Data: output of that call
	OpHungry                   // that call waits for standard input
	OpEnd                      // End, Data: see there
)

// Setup tells a worker what it is for.
type Setup struct {
	Cache     string // folders: of compiled modules,
	Runs      string // of live runs,
	Languages string // of languages that the operator added; "" for none,
	Kernels   string // and the one that kernels' folders are in; "" for none

	// What the server is, so that the worker can tell what it has of its own.
	UID     int
	Network string // its namespace

	CPUs      int
	Only      []string
	Limits    sandbox.Limits
	MaxLimits sandbox.Limits
	Verbose   bool // log what helps in a search for faults

	// Probe makes the worker try what it must not be able to do, say so in Hello,
	// and end.
	Probe bool
}

// Hello says what a worker is and can do.
type Hello struct {
	Error       string // why it can do nothing; "" for fine
	Confinement []Measure
	Possible    []Attempt // of a probe: what it could do and should not

	Languages []sandbox.Language
	Kernels   []sandbox.Language
	Commands  []string // that sandboxes have
}

// Measure is one thing that keeps a worker from doing harm.
type Measure struct {
	Name   string // "network"
	Taken  bool
	Detail string // what it is, or why it is not taken
}

// Attempt is something that a probe has tried.
type Attempt struct {
	What    string
	Measure string // the name of the Measure that prevents it
}

// Prefer names a language that is to be prepared before others: somebody waits.
type Prefer struct {
	Language string
}

// Languages are the states of languages, by ID.
type Languages struct {
	States, Kernels []LanguageState
}

// LanguageState is how ready a language is.
type LanguageState struct {
	ID    string
	State sandbox.LanguageState
	Stage string
}

// States returns the states of languages.
func States(all []sandbox.Language) []LanguageState {
	states := make([]LanguageState, len(all))
	for i, l := range all {
		states[i] = LanguageState{l.ID, l.State, l.Stage}
	}
	return states
}

// Run is a program, without contents.
type Run struct {
	Language, Version string
	Files             []Content
	Args              []string
	Env               map[string]string
	Limits            sandbox.Limits
	Input             Source
}

// Content is a file whose content is in the message's Data, after the ones before.
type Content struct {
	Name  string
	Bytes int
}

// Source says what a call's standard input is.
type Source struct {
	Live  bool // it is sent when the call is hungry
	Bytes int  // of Data, at its end, that are all of it otherwise
}

// Cancel ends a call.
type Cancel struct{ Cause string }

// Input is a piece of standard input.
type Input struct{ End bool }

// Open asks for a kernel.
type Open struct {
	Kernel uint64 // that a fork is made of
	Spec   sandbox.KernelSpec
}

// Kernel names a kernel.
type Kernel struct{ Kernel uint64 }

// Execute asks for a cell.
type Execute struct {
	Kernel uint64
	Code   int // bytes of Data
	Limits sandbox.Limits
	Input  Source
}

// Group is the programs of one sandbox, which have something together.
type Group struct {
	Group  uint64
	CPUs   int
	Memory int64 // bytes
	Paused bool
	Gone   bool // forget it; no more calls will name it
}

// Exec asks for a program of a sandbox.
type Exec struct {
	Group     uint64
	Command   string
	Dir       string
	Args, Env []string
	TTY       bool
	Input     Source
}

// Window is how many bytes of a program's output may be on their way to their
// reader, before the program has to wait.
const Window = 256 << 10

// MaxUnread is how many bytes may be, whatever the program: more is sent by a worker
// that is not what it should be. What a language's driver says itself, such as the
// messages of a compiler, does not wait.
const MaxUnread = 16 << 20

// Taken says that output of a program has found its reader.
type Taken struct {
	Bytes int
	Gone  bool // and that there is no reader any more
}

// Said is what a program has said: pieces of Data, and displays between them.
type Said struct {
	Pieces []Piece `json:",omitempty"`
}

// Piece is Bytes of a stream, or a display.
type Piece struct {
	Stream  sandbox.Stream   `json:",omitempty"`
	Bytes   int              `json:",omitempty"`
	Display *sandbox.Display `json:",omitempty"`
}

// End ends a call. Data is what was said last and then the contents of Files.
type End struct {
	Said
	Fault   *Fault               `json:",omitempty"` // the call failed
	Outcome *sandbox.CellOutcome `json:",omitempty"` // of a run or a cell, without its files
	Files   []Content            `json:",omitempty"`
	Kernel  uint64               `json:",omitempty"` // that was opened
	Memory  int64                `json:",omitempty"` // of the kernel or the group, in bytes
	CPU     time.Duration        `json:",omitempty"` // of the group so far
}

// Fault is an error.
type Fault struct {
	Kind       sandbox.Kind
	Message    string
	Field      string
	RetryAfter time.Duration
	Known      string // names one of the sandbox package's own errors
}

// known are the errors that callers compare with.
var known = map[string]error{
	"gone":        sandbox.ErrKernelGone,
	"stale":       sandbox.ErrStateStale,
	"interrupted": sandbox.ErrInterrupted,
	"killed":      sandbox.ErrKilled,
	"client gone": sandbox.ErrClientGone,
	"shutdown":    sandbox.ErrShutdown,
	"cancelled":   context.Canceled,
}

// NewFault makes a fault of err; nil of nil.
func NewFault(err error) *Fault {
	if err == nil {
		return nil
	}
	f := &Fault{Kind: sandbox.KindInternal, Message: err.Error(), Known: nameOf(err)}
	var e *sandbox.Error
	if errors.As(err, &e) {
		f.Kind, f.Message, f.Field, f.RetryAfter = e.Kind, e.Message, e.Field, e.RetryAfter
	}
	return f
}

// Err returns the error, or nil. One of KindInternal has its text as the cause only:
// it is not for users.
func (f *Fault) Err() error {
	switch {
	case f == nil:
		return nil
	case known[f.Known] != nil:
		return known[f.Known]
	case f.Kind == sandbox.KindInternal:
		return errors.New(f.Message)
	}
	return &sandbox.Error{Kind: f.Kind, Message: f.Message, Field: f.Field, RetryAfter: f.RetryAfter}
}

func nameOf(err error) string {
	for name, e := range known {
		if errors.Is(err, e) {
			return name
		}
	}
	return ""
}

// NewCancel makes a message of the cause of a cancellation.
func NewCancel(cause error) Cancel {
	if name := nameOf(cause); name != "" {
		return Cancel{name}
	}
	return Cancel{cause.Error()}
}

// Err returns the cause. One that is not the sandbox package's own counts as the
// same to it as before.
func (c Cancel) Err() error {
	if err := known[c.Cause]; err != nil {
		return err
	}
	return fmt.Errorf("cancelled: %s", c.Cause)
}

// decode reads JSON. Numbers of displays stay what they were.
func decode(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(v)
}
