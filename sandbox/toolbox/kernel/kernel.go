// Package kernel runs code in interpreters over any guest: programs from a clean
// start, and cells that keep their variables between them. It knows no HTTP.
//
// The harnesses that run inside are ours and need nothing but the standard
// streams, so that they work in guests without threads, signals or sockets.
package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"sandpiper/sandbox/guest"
)

const (
	// interruptTime is how long a cell may take to heed an interrupt before its
	// interpreter is killed with all variables: a busy machine takes seconds for it.
	interruptTime = 5 * time.Second

	// maxLate bounds what is kept of output that comes between cells, in bytes.
	maxLate = 64 << 10
)

// ErrClosed is the error of a kernel that was closed.
var ErrClosed = errors.New("the interpreter was closed")

// ErrLanguage is the error of a language that no harness is for.
var ErrLanguage = errors.New("this language has no interpreter here")

// Error is an error of the code in a cell.
type Error struct {
	Name      string `json:"name"`
	Value     string `json:"value"`
	Traceback string `json:"traceback"`
}

// Sink gets what a cell brings forth, in order. Its methods are called by one
// goroutine at a time.
type Sink interface {
	Stdout(text string)
	Stderr(text string)
	Error(e Error)
	Chart(chart json.RawMessage)
}

// Config says what a kernel is for.
type Config struct {
	Language string // "python", "javascript" or "typescript"
	Dir      string
	Env      func() []string // the environment to start with, asked for at each start
}

// Kernel is an interpreter that keeps its variables between cells. It starts
// with its first cell, and again after it has died. It is safe for concurrent
// use; cells run one at a time.
type Kernel struct {
	guest guest.Starter
	cfg   Config
	turn  chan struct{} // holds a token while no cell runs
	ctx   context.Context
	close context.CancelFunc
	live  *interpreter // nil when none runs; owned by who holds the token
}

// New returns a kernel. The caller must Close it.
func New(g guest.Starter, cfg Config) (*Kernel, error) {
	if _, err := cellCommands(cfg.Language, ""); err != nil {
		return nil, err
	}
	k := &Kernel{guest: g, cfg: cfg, turn: make(chan struct{}, 1)}
	k.ctx, k.close = context.WithCancel(context.Background())
	k.turn <- struct{}{}
	return k, nil
}

// Close kills the interpreter and waits for its end.
func (k *Kernel) Close() {
	k.close()
	<-k.turn
	if k.live != nil {
		<-k.live.done
		k.live = nil
	}
	k.turn <- struct{}{}
}

// Run runs one cell, with variables added to its environment, after those that
// came before. Errors of the code go to the sink. When ctx ends, the cell is
// interrupted; where that does not help, the interpreter is killed with all of
// its variables. The error is then ctx's cause, ErrClosed after Close, or says
// why the interpreter cannot start.
func (k *Kernel) Run(ctx context.Context, code string, env map[string]string, sink Sink) error {
	select {
	case <-k.turn:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { k.turn <- struct{}{} }()
	if k.ctx.Err() != nil {
		return ErrClosed
	}
	if k.live == nil {
		if err := k.start(); err != nil {
			return err
		}
	}
	err := k.live.run(ctx, code, env, sink)
	if k.live.dead() {
		k.live = nil
	}
	if k.ctx.Err() != nil {
		return ErrClosed
	}
	return err
}

// start starts an interpreter with the first command that is there.
func (k *Kernel) start() error {
	mark := newMark()
	commands, err := cellCommands(k.cfg.Language, mark)
	if err != nil {
		return err
	}
	k.live, err = startFirst(commands, func(args []string) (*interpreter, error) {
		return startInterpreter(k.ctx, k.guest, guest.Cmd{Args: args, Dir: k.cfg.Dir, Env: k.cfg.Env()}, mark)
	})
	return err
}

// interpreter is a running process of a kernel.
type interpreter struct {
	process  guest.Process
	requests *io.PipeWriter
	done     chan struct{} // closed when the process has ended and its output is passed on
	status   guest.ExitStatus

	mu   sync.Mutex
	cell *cell // nil between cells
	late []func(Sink)
	size int // of what is late
}

// cell is the cell that runs.
type cell struct {
	sink  Sink
	ended chan struct{} // gets a token for the end of each stream
}

// startInterpreter starts the process that args name.
func startInterpreter(ctx context.Context, g guest.Starter, cmd guest.Cmd, mark string) (*interpreter, error) {
	in, requests := io.Pipe()
	i := &interpreter{requests: requests, done: make(chan struct{})}
	stdout, stderr := i.output(mark, Sink.Stdout), i.output(mark, Sink.Stderr)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, stdout, stderr
	var err error
	if i.process, err = g.Start(ctx, cmd); err != nil {
		return nil, err
	}
	go func() {
		defer close(i.done)
		status, err := i.process.Wait()
		_ = in.CloseWithError(io.ErrClosedPipe)
		if i.status = status; err != nil {
			i.status.Code = -1
		}
		stdout.flush()
		stderr.flush()
	}()
	return i, nil
}

// output returns what one of the process's streams is written to.
func (i *interpreter) output(mark string, to func(Sink, string)) *frames {
	var text utf8Text
	say := func(s string) {
		if s != "" {
			i.pass(len(s), func(sink Sink) { to(sink, s) })
		}
	}
	return &frames{
		mark: []byte(mark),
		text: func(p []byte) { say(text.add(p)) },
		frame: func(data []byte) {
			say(text.flush())
			i.message(data)
		},
	}
}

// message handles a message of the harness.
func (i *interpreter) message(data []byte) {
	var m struct {
		Type  string
		Chart json.RawMessage
		Error
	}
	if json.Unmarshal(data, &m) != nil {
		return // the cell's code has forged it
	}
	switch m.Type {
	case "error":
		i.pass(len(data), func(sink Sink) { sink.Error(m.Error) })
	case "chart":
		i.pass(len(data), func(sink Sink) { sink.Chart(m.Chart) })
	case "end":
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.cell != nil {
			select {
			case i.cell.ended <- struct{}{}:
			default: // more ends than streams: the cell's code has forged them
			}
		}
	}
}

// pass hands something of a size to the sink, or keeps it for the next cell.
func (i *interpreter) pass(size int, do func(Sink)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.cell != nil {
		do(i.cell.sink)
		return
	}
	if i.size += size; i.size <= maxLate {
		i.late = append(i.late, do)
	}
}

// begin makes c the cell that runs; what came late is its first output.
func (i *interpreter) begin(c *cell) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.cell = c
	for _, do := range i.late {
		do(c.sink)
	}
	if i.size > maxLate {
		c.sink.Stderr(fmt.Sprintf("[%d bytes of output that came between cells were dropped]\n", i.size-maxLate))
	}
	i.late, i.size = nil, 0
}

func (i *interpreter) finish() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.cell = nil
}

func (i *interpreter) dead() bool {
	select {
	case <-i.done:
		return true
	default:
		return false
	}
}

// run runs a cell to its end, or to that of the process.
func (i *interpreter) run(ctx context.Context, code string, env map[string]string, sink Sink) error {
	request, err := json.Marshal(map[string]any{"code": code, "envs": env})
	if err != nil {
		return err
	}
	const streams = 2
	c := &cell{sink: sink, ended: make(chan struct{}, streams)}
	i.begin(c)
	defer i.finish()
	go func() { _, _ = i.requests.Write(append(request, '\n')) }() // ends with the process at the latest
	for left := streams; left > 0; left-- {
		select {
		case <-c.ended:
		case <-i.done:
			i.mourn(sink)
			return nil
		case <-ctx.Done():
			i.interrupt(c, left)
			return context.Cause(ctx)
		}
	}
	return nil
}

// mourn tells that the interpreter died under the cell.
func (i *interpreter) mourn(sink Sink) {
	i.mu.Lock()
	defer i.mu.Unlock()
	why := fmt.Sprintf("the interpreter exited with code %d", i.status.Code)
	if i.status.Signal != 0 {
		why = fmt.Sprintf("the interpreter was ended by signal %d", i.status.Signal)
	}
	why += "; its variables are lost, and the next cell starts a new one"
	sink.Error(Error{Name: "InterpreterDied", Value: why, Traceback: why})
}

// interrupt ends the cell, of which a number of streams have not ended, if need
// be with its interpreter.
func (i *interpreter) interrupt(c *cell, left int) {
	timer := time.NewTimer(interruptTime)
	defer timer.Stop()
	patient := i.process.Signal(guest.SIGINT) == nil // not every guest has signals
	for patient && left > 0 {
		select {
		case <-c.ended:
			left--
		case <-i.done:
			return
		case <-timer.C:
			patient = false
		}
	}
	if left > len(c.ended) { // ends may have come while the time ended, too
		_ = i.process.Signal(guest.SIGKILL) // it may have ended by itself
		<-i.done
	}
}
