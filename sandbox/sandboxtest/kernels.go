package sandboxtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"sandpiper/sandbox"
)

// FakeKernels is an engine whose kernels keep variables, and whose cells are
// scripts: one command a line, run in order. Empty lines and lines that begin with
// # do nothing.
//
//	set NAME TEXT       keeps a variable; unset NAME forgets it
//	get NAME            prints a variable; NameError when there is none
//	value NAME          is the result of the cell, as text/plain
//	print TEXT          writes TEXT and a newline to stdout; eprint to stderr
//	write TEXT          writes TEXT, a Go string literal, to stdout
//	env NAME            prints a variable of the environment
//	readline            reads one line of stdin and prints it
//	display MIME TEXT   displays TEXT
//	file NAME TEXT      writes a file into the kernel's folder; cat NAME prints one
//	sleep DURATION      sleeps; an interrupt ends it
//	loop                runs until it is interrupted
//	stubborn            runs until it is stopped by force
//	flood               prints until the output limit
//	raise NAME VALUE    ends the cell with an exception
//	hoard               needs memory until there is none
//	crash               ends the interpreter
//	die                 ends the process that the kernel is in
//
// An unknown command is a SyntaxError.
type FakeKernels struct {
	languages []sandbox.Language

	mu      sync.Mutex
	live    map[*fakeKernel]struct{}
	opened  int
	early   int // cells whose kernels are still to end before they begin
	saveErr error
	openErr error
	size    int64 // of each kernel's memory
	version string
}

var _ sandbox.KernelEngine = (*FakeKernels)(nil)

// NewFakeKernels returns an engine with the languages of Languages.
func NewFakeKernels() *FakeKernels {
	return &FakeKernels{languages: Languages(), live: map[*fakeKernel]struct{}{}, size: 1 << 20, version: "1"}
}

// SetSaveErr makes every later Save fail in its middle, with err until it is nil.
func (f *FakeKernels) SetSaveErr(err error) { f.set(func() { f.saveErr = err }) }

// SetOpenErr makes kernels not open and not resume, with err until it is nil.
func (f *FakeKernels) SetOpenErr(err error) { f.set(func() { f.openErr = err }) }

// SetMemory sets how much memory each kernel has; 1 MiB at first.
func (f *FakeKernels) SetMemory(bytes int64) { f.set(func() { f.size = bytes }) }

// SetLanguages changes what the engine has.
func (f *FakeKernels) SetLanguages(languages ...sandbox.Language) {
	f.set(func() { f.languages = languages })
}

// SetVersion changes the version of the runtime, which makes saved states stale.
func (f *FakeKernels) SetVersion(v string) { f.set(func() { f.version = v }) }

func (f *FakeKernels) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// Live returns how many kernels are open, and how many were opened in all.
func (f *FakeKernels) Live() (now, opened int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.live), f.opened
}

// Kill ends every kernel as the end of a worker process does.
func (f *FakeKernels) Kill() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for k := range f.live {
		k.end(errKernelDied)
	}
	clear(f.live)
}

// KillEarly makes the kernels of the next n cells end just before the cell begins.
func (f *FakeKernels) KillEarly(n int) { f.set(func() { f.early = n }) }

// dies reports whether the kernel of a cell is to end before it.
func (f *FakeKernels) dies() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.early--
	return f.early >= 0
}

// KernelLanguages implements sandbox.KernelEngine.
func (f *FakeKernels) KernelLanguages() []sandbox.Language {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.languages)
}

// OpenKernel implements sandbox.KernelEngine.
func (f *FakeKernels) OpenKernel(ctx context.Context, spec sandbox.KernelSpec) (sandbox.Kernel, error) {
	return f.open(ctx, spec, map[string]string{})
}

func (f *FakeKernels) open(ctx context.Context, spec sandbox.KernelSpec, vars map[string]string) (sandbox.Kernel, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if _, err := f.language(spec.Language); err != nil {
		return nil, err
	}
	if info, err := os.Stat(spec.Dir); err != nil || !info.IsDir() || !filepath.IsAbs(spec.Dir) {
		return nil, fmt.Errorf("the kernel's folder %q is not there", spec.Dir)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.openErr != nil {
		return nil, f.openErr
	}
	k := &fakeKernel{engine: f, spec: spec, vars: vars}
	k.life, k.end = context.WithCancelCause(context.Background())
	f.live[k] = struct{}{}
	f.opened++
	return k, nil
}

func (f *FakeKernels) language(name string) (sandbox.Language, error) {
	for _, l := range f.KernelLanguages() {
		if l.Is(name) {
			return l, nil
		}
	}
	return sandbox.Language{}, sandbox.FieldErrorf("language", "language %q has no sessions", name)
}

// fakeState is what a kernel saves, after fakeMagic.
type fakeState struct {
	Language, Version string
	Vars              map[string]string
}

const fakeMagic = "fake kernel state\n"

// ResumeKernel implements sandbox.KernelEngine.
func (f *FakeKernels) ResumeKernel(ctx context.Context, spec sandbox.KernelSpec, state io.Reader) (sandbox.Kernel, error) {
	l, err := f.language(spec.Language)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(state)
	if err != nil {
		return nil, fmt.Errorf("read a state: %w", err)
	}
	damaged := sandbox.Errorf(sandbox.KindUnprocessed, "the saved state is damaged")
	text, ok := bytes.CutPrefix(b, []byte(fakeMagic))
	var s fakeState
	if !ok || json.Unmarshal(text, &s) != nil {
		return nil, damaged
	}
	f.mu.Lock()
	version := f.version
	f.mu.Unlock()
	if s.Language != l.ID || s.Version != version {
		return nil, sandbox.ErrStateStale
	}
	return f.open(ctx, spec, s.Vars)
}

var (
	errKernelDied   = errors.New("the kernel's process has ended")
	errKernelClosed = errors.New("the kernel was closed")
)

// fakeKernel is a kernel of FakeKernels.
type fakeKernel struct {
	engine *FakeKernels
	spec   sandbox.KernelSpec
	life   context.Context
	end    context.CancelCauseFunc

	turn sync.Mutex // held by whoever uses vars
	vars map[string]string

	mu        sync.Mutex
	interrupt context.CancelCauseFunc // of the cell that runs
}

// Gone reports whether the kernel has ended.
func (k *fakeKernel) Gone() bool { return k.life.Err() != nil }

var errFakeRunning = sandbox.Errorf(sandbox.KindConflict, "a cell is running")

// Execute implements sandbox.Kernel.
func (k *fakeKernel) Execute(ctx context.Context, c sandbox.Cell, out sandbox.Sink) (sandbox.CellOutcome, error) {
	if k.engine.dies() {
		_ = k.Close() // never fails
	}
	if k.Gone() {
		return sandbox.CellOutcome{}, sandbox.ErrCellNotBegun
	}
	if !k.turn.TryLock() {
		return sandbox.CellOutcome{}, errFakeRunning
	}
	defer k.turn.Unlock()
	x := newFakeCell(ctx, k, c, out)
	defer x.stop()
	defer context.AfterFunc(ctx, func() { x.interrupt(context.Cause(ctx)) })()
	k.mu.Lock()
	k.interrupt = x.interrupt
	k.mu.Unlock()
	if c.WasInterrupted() {
		k.Interrupt()
	}
	defer func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.interrupt = nil
	}()
	before := cloneVars(k.vars)
	x.run(strings.Split(c.Code, "\n"))
	if k.Gone() {
		return sandbox.CellOutcome{}, sandbox.ErrKernelGone
	}
	if x.outcome.RolledBack {
		k.vars = before
	}
	return x.outcome, nil
}

func cloneVars(vars map[string]string) map[string]string {
	c := make(map[string]string, len(vars))
	for name, v := range vars {
		c[name] = v
	}
	return c
}

// Interrupt implements sandbox.Kernel.
func (k *fakeKernel) Interrupt() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.interrupt != nil {
		k.interrupt(sandbox.ErrInterrupted)
	}
}

// Save implements sandbox.Kernel.
func (k *fakeKernel) Save(ctx context.Context, w io.Writer) error {
	if k.Gone() {
		return sandbox.ErrKernelGone
	}
	if !k.turn.TryLock() {
		return errFakeRunning
	}
	defer k.turn.Unlock()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	k.engine.mu.Lock()
	failure, version := k.engine.saveErr, k.engine.version
	k.engine.mu.Unlock()
	l, err := k.engine.language(k.spec.Language)
	if err != nil {
		return err
	}
	text, err := json.Marshal(fakeState{l.ID, version, k.vars})
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, fakeMagic); err != nil {
		return err
	}
	if failure != nil {
		return failure
	}
	_, err = w.Write(text)
	return err
}

// Fork implements sandbox.Kernel.
func (k *fakeKernel) Fork(ctx context.Context, spec sandbox.KernelSpec) (sandbox.Kernel, error) {
	if k.Gone() {
		return nil, sandbox.ErrKernelGone
	}
	if !k.turn.TryLock() {
		return nil, errFakeRunning
	}
	defer k.turn.Unlock()
	return k.engine.open(ctx, spec, cloneVars(k.vars))
}

// Memory implements sandbox.Kernel.
func (k *fakeKernel) Memory() int64 {
	k.engine.mu.Lock()
	defer k.engine.mu.Unlock()
	return k.engine.size
}

// Close implements sandbox.Kernel.
func (k *fakeKernel) Close() error {
	k.engine.mu.Lock()
	delete(k.engine.live, k)
	k.engine.mu.Unlock()
	k.end(errKernelClosed)
	return nil
}

// fakeCell is a cell that runs.
type fakeCell struct {
	kernel *fakeKernel
	cell   sandbox.Cell
	out    sandbox.Sink
	room   int64

	caller    context.Context // of Execute
	wall      context.Context // ends at the limit, and with the kernel
	limit     context.CancelFunc
	soft      context.Context // ends with each of the two, and at an interrupt
	interrupt context.CancelCauseFunc
	outcome   sandbox.CellOutcome
}

func newFakeCell(ctx context.Context, k *fakeKernel, c sandbox.Cell, out sandbox.Sink) *fakeCell {
	limits := c.Limits.WithDefaults(DefaultLimits, MaxLimits)
	x := &fakeCell{kernel: k, cell: c, out: out, room: limits.OutputBytes, caller: ctx}
	x.wall, x.limit = context.WithTimeoutCause(k.life, min(limits.Wall, limits.CPU), errWallTime) // it uses no CPU, and pretends
	x.soft, x.interrupt = context.WithCancelCause(x.wall)
	x.outcome.Status = sandbox.StatusOK
	return x
}

func (x *fakeCell) stop() {
	x.interrupt(nil)
	x.limit()
}

// run runs every line.
func (x *fakeCell) run(lines []string) {
	began := time.Now()
	defer func() { x.outcome.Usage = sandbox.Usage{Wall: time.Since(began), MemoryBytes: 1 << 20} }()
	for n, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if x.soft.Err() != nil {
			x.interrupted()
			return
		}
		command, rest, _ := strings.Cut(line, " ")
		if !x.do(n+1, command, rest) {
			return
		}
	}
}

// do runs one command, and reports whether the cell goes on.
func (x *fakeCell) do(line int, command, rest string) bool {
	name, text, _ := strings.Cut(rest, " ")
	vars := x.kernel.vars
	switch command {
	case "set":
		vars[name] = text
	case "unset":
		delete(vars, name)
	case "get", "value":
		return x.variable(line, command, name)
	case "print":
		return x.write(sandbox.Stdout, rest+"\n")
	case "eprint":
		return x.write(sandbox.Stderr, rest+"\n")
	case "write":
		literal, err := strconv.Unquote(rest)
		if err != nil {
			return x.raise(line, "SyntaxError", "not a string literal")
		}
		return x.write(sandbox.Stdout, literal)
	case "env":
		return x.write(sandbox.Stdout, x.kernel.spec.Env[name]+"\n")
	case "display":
		x.out.Display(sandbox.Display{Data: map[string]any{name: text}, Metadata: map[string]any{}})
	case "raise":
		return x.raise(line, name, text)
	case "hoard":
		return x.crashed(sandbox.StatusMemoryLimit, "Stopped: the memory limit.")
	case "crash":
		return x.crashed(sandbox.StatusError, "The cell ended the whole process.")
	case "die":
		_ = x.kernel.Close() // never fails
		return false
	case "file", "cat":
		return x.file(line, command, name, text)
	default:
		return x.wait(line, command, rest)
	}
	return true
}

// wait runs the commands that take time.
func (x *fakeCell) wait(line int, command, rest string) bool {
	switch command {
	case "readline":
		return x.readLine()
	case "sleep":
		d, err := time.ParseDuration(rest)
		if err != nil {
			return x.raise(line, "SyntaxError", err.Error())
		}
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return true
		case <-x.soft.Done():
		}
		return x.interrupted()
	case "loop":
		<-x.soft.Done()
		return x.interrupted()
	case "stubborn":
		return x.stubborn()
	case "flood":
		for x.write(sandbox.Stdout, strings.Repeat("flood\n", 1000)) {
		}
		return false
	}
	return x.raise(line, "SyntaxError", "unknown command "+command)
}

// stubborn ignores interrupts until it is stopped by force.
func (x *fakeCell) stubborn() bool {
	cause := error(nil)
	select {
	case <-x.caller.Done():
		cause = context.Cause(x.caller)
	case <-x.wall.Done():
		cause = context.Cause(x.wall)
	}
	grace := time.NewTimer(sandbox.InterruptGrace)
	defer grace.Stop()
	select {
	case <-grace.C:
	case <-x.kernel.life.Done():
	}
	x.ended(cause)
	x.outcome.RolledBack, x.outcome.Error = true, nil
	return false
}

func (x *fakeCell) variable(line int, command, name string) bool {
	v, ok := x.kernel.vars[name]
	if !ok {
		return x.raise(line, "NameError", "name '"+name+"' is not defined")
	}
	if command == "value" {
		x.outcome.Result = &sandbox.Display{Data: map[string]any{"text/plain": v}, Metadata: map[string]any{}}
		return true
	}
	return x.write(sandbox.Stdout, v+"\n")
}

func (x *fakeCell) file(line int, command, name, text string) bool {
	root, err := os.OpenRoot(x.kernel.spec.Dir)
	if err != nil {
		return x.raise(line, "OSError", err.Error())
	}
	defer root.Close()
	if command == "file" {
		if err := root.WriteFile(name, []byte(text), 0o600); err != nil {
			return x.raise(line, "OSError", err.Error())
		}
		return true
	}
	b, err := root.ReadFile(name)
	if err != nil {
		return x.raise(line, "OSError", err.Error())
	}
	return x.write(sandbox.Stdout, string(b)+"\n")
}

func (x *fakeCell) readLine() bool {
	in := x.cell.Stdin
	if in == nil {
		in = sandbox.StaticStdin(nil)
	}
	var line []byte
	b := make([]byte, 1)
	for {
		if _, err := in.Read(x.soft, b); err != nil {
			if x.soft.Err() != nil {
				return x.interrupted()
			}
			break
		}
		line = append(line, b[0])
		if b[0] == '\n' {
			break
		}
	}
	return x.write(sandbox.Stdout, string(line))
}

// write writes text as far as the output limit allows, and ends the cell there.
func (x *fakeCell) write(stream sandbox.Stream, text string) bool {
	fits := text[:min(int64(len(text)), x.room)]
	x.room -= int64(len(fits))
	x.out.Output(stream, []byte(fits))
	if len(fits) == len(text) {
		return true
	}
	x.outcome.Outcome = sandbox.Outcome{Status: sandbox.StatusOutputLimit, ExitCode: 137, Signal: "SIGKILL", Message: "Stopped: the output limit."}
	x.outcome.Truncated.Stdout, x.outcome.RolledBack = true, true
	return false
}

// crashed ends a cell in the middle of a change.
func (x *fakeCell) crashed(s sandbox.Status, message string) bool {
	x.outcome.Outcome = sandbox.Outcome{Status: s, ExitCode: 137, Signal: "SIGKILL", Message: message}
	x.outcome.RolledBack = true
	return false
}

// raise ends the cell with an exception.
func (x *fakeCell) raise(line int, name, value string) bool {
	x.outcome.Status, x.outcome.ExitCode, x.outcome.Message = sandbox.StatusError, 1, "It ended with an exception."
	x.outcome.Error = &sandbox.CellError{Name: name, Value: value, Traceback: []string{fmt.Sprintf("cell, line %d", line), name + ": " + value}}
	x.outcome.Diagnostics = []sandbox.Diagnostic{{File: "cell", Line: line, Severity: sandbox.SeverityError, Message: name + ": " + value}}
	return false
}

// interrupted ends a cell that was told to.
func (x *fakeCell) interrupted() bool {
	x.ended(context.Cause(x.soft))
	x.outcome.Error = &sandbox.CellError{Name: "KeyboardInterrupt", Traceback: []string{"KeyboardInterrupt"}}
	return false
}

// ended sets how a cell ended that did not come to its own end.
func (x *fakeCell) ended(cause error) {
	x.outcome.Outcome = sandbox.CancelledOutcome(cause)
	if errors.Is(cause, errWallTime) {
		x.outcome.Outcome = sandbox.Outcome{Status: sandbox.StatusTimeout, ExitCode: 130, Signal: "SIGINT", Message: "Stopped: the wall time limit."}
	}
}
