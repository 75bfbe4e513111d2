package inside

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"sandpiper/runtimes/wasm/program"
	"sandpiper/runtimes/wasm/worker/files"
	"sandpiper/runtimes/wasm/worker/link"
	"sandpiper/sandbox"
)

// groups are the programs of sandboxes.
type groups struct {
	engine program.Engine // nil for none

	mu   sync.Mutex
	open map[uint64]program.Group
}

func newGroups(e Engine) *groups {
	g := &groups{open: map[uint64]program.Group{}}
	g.engine, _ = e.(program.Engine)
	return g
}

func (g *groups) commands() []string {
	if g.engine == nil {
		return nil
	}
	return g.engine.Commands()
}

func (g *groups) find(id uint64) (program.Group, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if found := g.open[id]; found != nil {
		return found, nil
	}
	return nil, fmt.Errorf("there is no group %d of programs", id)
}

// set makes a group what m says, or forgets it.
func (g *groups) set(m link.Group) {
	if g.engine == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	found, limits := g.open[m.Group], program.Limits{CPUs: m.CPUs, MemoryBytes: m.Memory}
	switch {
	case m.Gone && found != nil:
		found.Close()
		delete(g.open, m.Group)
		return
	case m.Gone:
		return
	case found == nil:
		found = g.engine.NewGroup(limits)
		g.open[m.Group] = found
	default:
		found.Resize(limits)
	}
	if m.Paused {
		found.Pause()
	} else {
		found.Resume()
	}
}

// prepareExec is for OpExec. It takes the message's file.
func (w *worker) prepareExec(m *link.Message, v *voice, c *call) task {
	var x link.Exec
	if err := m.Decode(&x); err != nil || len(m.Files) == 0 {
		return failed(errors.Join(errors.New("a program lacks something"), err))
	}
	var page *os.File
	if len(m.Files) > 1 {
		page = m.Files[1]
	}
	home, err := files.Open(m.Files[0], page)
	if err != nil {
		return failed(err)
	}
	m.Files = m.Files[1:]
	c.window = newWindow()
	p := program.Call{Command: x.Command, Dir: x.Dir, Args: x.Args, Env: x.Env, TTY: x.TTY, Files: home, Flow: c.window.flow}
	p.Output = func(s sandbox.Stream, b []byte) {
		c.window.said(len(b))
		v.Output(s, b)
	}
	if p.Stdin, err = source(x.Input, m.Data, v, c); err != nil {
		return failed(errors.Join(err, home.Close()))
	}
	return func(ctx context.Context) (link.End, []sandbox.File) {
		defer home.Close()
		group, err := w.groups.find(x.Group)
		if err != nil {
			return link.End{Fault: link.NewFault(err)}, nil
		}
		_ = w.link.Send(link.OpBegan, m.ID, nil, nil)
		o, err := group.Exec(ctx, p)
		used := group.Usage(ctx)
		if err != nil {
			return link.End{Fault: link.NewFault(err)}, nil
		}
		return link.End{Outcome: &sandbox.CellOutcome{Outcome: o}, Memory: used.MemoryBytes, CPU: used.CPU}, nil
	}
}

func (w *worker) prepareUsage(m *link.Message) task {
	var named link.Group
	if err := m.Decode(&named); err != nil {
		return failed(err)
	}
	return func(ctx context.Context) (link.End, []sandbox.File) {
		group, err := w.groups.find(named.Group)
		if err != nil {
			return link.End{Fault: link.NewFault(err)}, nil
		}
		used := group.Usage(ctx)
		return link.End{Memory: used.MemoryBytes, CPU: used.CPU}, nil
	}
}

// taken passes on that output has found its reader.
func (w *worker) taken(m *link.Message) {
	var t link.Taken
	if c := w.find(m.ID); c != nil && c.window != nil && m.Decode(&t) == nil {
		c.window.taken(t)
	}
}

// errNoReader ends a program that writes to nobody.
var errNoReader = errors.New("nobody reads the output")

// window counts the output of a program that has not found its reader.
type window struct {
	mu      sync.Mutex
	out     int // bytes on their way
	gone    bool
	changed chan struct{} // closed and replaced when one of them changes for the better
}

func newWindow() *window { return &window{changed: make(chan struct{})} }

func (w *window) said(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out += n
}

func (w *window) taken(t link.Taken) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out -= t.Bytes
	w.gone = w.gone || t.Gone
	close(w.changed)
	w.changed = make(chan struct{})
}

// flow is a program.Call's Flow.
func (w *window) flow() (wait func(ctx context.Context), err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.gone:
		return nil, errNoReader
	case w.out < link.Window:
		return nil, nil
	}
	return w.await, nil
}

// await waits until there is room, or no reader.
func (w *window) await(ctx context.Context) {
	for {
		w.mu.Lock()
		ready, changed := w.gone || w.out < link.Window, w.changed
		w.mu.Unlock()
		if ready {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}
