package wasm

import (
	"context"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"sandpiper/runtimes/wasm/jail"
	"sandpiper/runtimes/wasm/program"
	"sandpiper/runtimes/wasm/vm"
	"sandpiper/sandbox"
)

// Commander is a Driver whose language is also a command of a sandbox's shell.
type Commander interface {
	// Exec runs the command to its end. cfg comes with all that Driver.Run gets,
	// and with the sandbox's own root at "/".
	Exec(ctx context.Context, cfg vm.RunConfig, inv vm.Invocation) sandbox.Outcome
}

var _ program.Engine = (*Engine)(nil)

// Commands implements program.Engine.
func (e *Engine) Commands() []string {
	var names []string
	for _, l := range e.languages {
		for _, name := range l.commands() {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// Exec runs the command that Commands calls id, with the limits and the surroundings
// that cfg says: none of the engine's own are added. The error is that of a language
// which is not there or not ready.
func (e *Engine) Exec(ctx context.Context, id string, cfg vm.RunConfig, inv vm.Invocation) (sandbox.Outcome, error) {
	if !e.begin() {
		return sandbox.Outcome{}, sandbox.Errorf(sandbox.KindUnavailable, "the server is shutting down")
	}
	defer e.runs.Done()
	if l := e.commander(id); l != nil {
		inv.Name, id = id, l.info.ID
	}
	l, err := e.find(sandbox.Program{Language: id})
	if err != nil {
		return sandbox.Outcome{}, err
	}
	c, ok := l.driver.(Commander)
	if !ok {
		return sandbox.Outcome{}, sandbox.FieldErrorf("language", "%s is not a command", l.info.Name)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(e.closing, func() { cancel(sandbox.ErrShutdown) })()
	return c.Exec(ctx, cfg, inv), nil
}

// AwaitCommand waits until the language of the command that Commands calls id is
// prepared, or failed, or ctx is done.
func (e *Engine) AwaitCommand(ctx context.Context, id string) {
	if l := e.commander(id); l != nil {
		e.await(ctx, l)
	}
}

// Bounds of a program that are not the sandbox's own.
const (
	// maxProgramFiles is what one program may have open on each mount but the
	// sandbox's, which has its own limit.
	maxProgramFiles = 256

	// forever is a time that no program reaches, and unbounded a number of bytes;
	// both can be added to.
	forever   = time.Duration(math.MaxInt64 / 2)
	unbounded = 1 << 60
)

// group is the programs of one sandbox, in this process.
type group struct {
	engine *Engine
	share  *vm.Share
	memory atomic.Int64 // that one program may have
}

// NewGroup implements program.Engine.
func (e *Engine) NewGroup(l program.Limits) program.Group {
	g := &group{engine: e, share: vm.NewShare(l.CPUs, l.MemoryBytes)}
	g.memory.Store(l.MemoryBytes)
	return g
}

// Exec implements program.Group.
func (g *group) Exec(ctx context.Context, c program.Call) (sandbox.Outcome, error) {
	g.engine.AwaitCommand(ctx, c.Command)
	silent := jail.NewDisplays(jail.DisplayLimits{}, func(sandbox.Display) {}, func(error) {})
	cfg := vm.RunConfig{
		Limits: sandbox.Limits{
			Wall: forever, CPU: forever, MemoryBytes: g.memory.Load(), OutputBytes: unbounded,
			FileBytes: unbounded, Files: math.MaxInt32, OpenFiles: maxProgramFiles,
		},
		Stdin: c.Stdin, Output: c.Output, Flow: c.Flow, Share: g.share, Env: c.Env,
		Mounts: []vm.Mount{{Path: "/", FS: c.Files}, {Path: "/dev", FS: jail.NewDevices(silent, maxProgramFiles)}},
	}
	return g.engine.Exec(ctx, c.Command, cfg, vm.Invocation{Dir: c.Dir, Args: c.Args, TTY: c.TTY})
}

// Resize implements program.Group.
func (g *group) Resize(l program.Limits) {
	g.memory.Store(l.MemoryBytes)
	g.share.Resize(l.CPUs, l.MemoryBytes)
}

// Pause implements program.Group.
func (g *group) Pause() { g.share.Pause() }

// Resume implements program.Group.
func (g *group) Resume() { g.share.Resume() }

// Usage implements program.Group.
func (g *group) Usage(context.Context) program.Usage {
	memory, cpu := g.share.Usage()
	return program.Usage{MemoryBytes: memory, CPU: cpu}
}

// Close implements program.Group. What a group has is its programs'.
func (g *group) Close() {}
