package worker

import (
	"context"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/tetratelabs/wazero/experimental/sys"

	"sandpiper/runtimes/wasm/frame"
	"sandpiper/runtimes/wasm/jail"
	"sandpiper/runtimes/wasm/program"
	"sandpiper/runtimes/wasm/worker/files"
	"sandpiper/runtimes/wasm/worker/link"
	"sandpiper/sandbox"
)

var _ program.Engine = (*Pool)(nil)

// Commands implements program.Engine.
func (p *Pool) Commands() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.hello.Commands)
}

// group is the programs of one sandbox. They share CPUs and memory, so they are all
// in one worker: the one that the first of them went to, for as long as that lives.
type group struct {
	pool *Pool
	id   uint64

	// mu is held while the worker is told something, so that it hears of changes in
	// their order.
	mu     sync.Mutex
	state  link.Group
	worker *process // nil before the first program
	ended  time.Duration
	used   program.Usage // of the worker, as it said last

	// The changes of the sandbox's files are counted in the page from the first program
	// on. Both are nil where that is not possible.
	watched watched
	page    *files.Page
	once    sync.Once // that tries to
}

// watched is a file system whose changes can be counted.
type watched interface {
	sys.FS
	Watch(c *jail.Changes)
}

// pageOf returns the page of the group's files, which served is; nil for none.
func (g *group) pageOf(served sys.FS) *files.Page {
	g.once.Do(func() {
		w, ok := served.(watched)
		if !ok {
			return
		}
		page, err := files.NewPage()
		if err != nil {
			g.pool.cfg.Log.Debug("programs keep nothing of their files", "error", err)
			return
		}
		w.Watch(page.Changes())
		g.watched, g.page = w, page
	})
	if g.page == nil || g.watched != served {
		return nil
	}
	return g.page
}

// NewGroup implements program.Engine.
func (p *Pool) NewGroup(l program.Limits) program.Group {
	id := p.groups.Add(1)
	return &group{pool: p, id: id, state: link.Group{Group: id, CPUs: l.CPUs, Memory: l.MemoryBytes}}
}

// Exec implements program.Group. A program whose worker ends before it has begun goes
// to another one.
func (g *group) Exec(ctx context.Context, c program.Call) (sandbox.Outcome, error) {
	known, source, live := sourceOf(c.Stdin)
	r := request{op: link.OpExec, data: known, stdin: live, sink: programSink{c}, flow: c.Flow}
	r.body = link.Exec{Group: g.id, Command: c.Command, Dir: c.Dir, Args: c.Args, Env: c.Env, TTY: c.TTY, Input: source}
	return g.pool.carryOut(ctx, g.place, func(ctx context.Context, w *process) (answer, bool, error) {
		a, began, err := g.execIn(ctx, w, r, c)
		if err == nil {
			g.note(w, a)
		}
		return a, began, err
	})
}

// execIn runs a program in a worker, whose requests for files are answered meanwhile.
func (g *group) execIn(ctx context.Context, w *process, r request, c program.Call) (answer, bool, error) {
	ours, theirs, err := frame.SocketPair()
	if err != nil {
		return answer{}, false, err
	}
	r.files = []*os.File{theirs}
	var changes *jail.Changes
	if page := g.pageOf(c.Files); page != nil {
		r.files, changes = append(r.files, page.File()), page.Changes()
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		g.pool.serveFiles(ours, c, changes)
	}()
	defer func() {
		_, _ = ours.Close(), theirs.Close() // what was to be said has been
		<-served
	}()
	return w.do(ctx, r)
}

// serveFiles serves a program's files until the program, or its worker, has enough.
// A panic ends that program's use of them and not the server: what comes over the
// connection is anybody's.
func (p *Pool) serveFiles(conn *os.File, c program.Call, changes *jail.Changes) {
	defer conn.Close() // the program is not to wait for answers that will not come
	defer func() {
		if cause := recover(); cause != nil {
			p.cfg.Log.Error("a panic over a program's files", "cause", cause, "stack", string(debug.Stack()))
		}
	}()
	if err := files.Serve(conn, c.Files, changes); err != nil {
		p.cfg.Log.Debug("a program's files", "error", err) // mostly: the program was ended
	}
}

// place returns the group's worker, which knows of it.
func (g *group) place(ctx context.Context) (*process, error) {
	g.mu.Lock()
	w := g.worker
	g.mu.Unlock()
	if w.alive() {
		return w, nil
	}
	w, err := g.pool.pick(ctx)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.worker.alive() {
		return g.worker, nil // another program was quicker
	}
	g.worker, g.ended, g.used = w, g.ended+g.used.CPU, program.Usage{}
	g.tell()
	return w, nil
}

// tell tells the worker, if there is one, what the group is. Preconditions: g.mu must
// be held.
func (g *group) tell() {
	if g.worker != nil {
		_ = g.worker.link.Send(link.OpGroup, 0, g.state, nil) // one that has gone is replaced
	}
}

// change changes what the group is.
func (g *group) change(f func(*link.Group)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f(&g.state)
	g.tell()
}

// Resize implements program.Group.
func (g *group) Resize(l program.Limits) {
	g.change(func(s *link.Group) { s.CPUs, s.Memory = l.CPUs, l.MemoryBytes })
}

// Pause implements program.Group.
func (g *group) Pause() { g.change(func(s *link.Group) { s.Paused = true }) }

// Resume implements program.Group.
func (g *group) Resume() { g.change(func(s *link.Group) { s.Paused = false }) }

// Close implements program.Group.
func (g *group) Close() {
	g.change(func(s *link.Group) { s.Gone = true })
	g.once.Do(func() {}) // no page any more
	if g.page != nil {
		g.watched.Watch(nil)
		_ = g.page.Close()
		g.watched, g.page = nil, nil
	}
}

// Usage implements program.Group.
func (g *group) Usage(ctx context.Context) program.Usage {
	g.mu.Lock()
	w := g.worker
	g.mu.Unlock()
	if w.alive() {
		if a, err := g.pool.ask(ctx, w, request{op: link.OpUsage, body: link.Group{Group: g.id}}); err == nil {
			g.note(w, a)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	u := g.used
	if !g.worker.alive() {
		u.MemoryBytes = 0
	}
	u.CPU += g.ended
	return u
}

// note keeps what a worker says of the group's programs.
func (g *group) note(w *process, a answer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.worker == w {
		g.used = program.Usage{MemoryBytes: max(0, a.Memory), CPU: max(g.used.CPU, a.CPU)}
	}
}

// alive reports whether there is such a worker, to which calls can be made.
func (w *process) alive() bool {
	if w == nil {
		return false
	}
	_, ok := w.busy()
	return ok
}

// programSink is what takes a program's output.
type programSink struct{ call program.Call }

// Output implements sandbox.Sink.
func (s programSink) Output(to sandbox.Stream, p []byte) { s.call.Output(to, p) }

// Display implements sandbox.Sink. A program of a sandbox has nothing to show it on.
func (s programSink) Display(sandbox.Display) {}

// credit lets a program go on with its output as its reader takes it, until ctx is
// done.
func (w *process) credit(ctx context.Context, id uint64, c *call, flow func() (func(context.Context), error)) {
	for {
		select {
		case <-c.spoke:
		case <-ctx.Done():
			return
		}
		wait, err := flow()
		if wait != nil {
			wait(ctx)
			_, err = flow()
		}
		n := c.taken(err != nil)
		if n == 0 && err == nil {
			continue
		}
		if w.link.Send(link.OpTaken, id, link.Taken{Bytes: n, Gone: err != nil}, nil) != nil || err != nil {
			return
		}
	}
}

// taken returns how many bytes of output to report: none while there are few of them,
// unless all are wanted.
func (c *call) taken(all bool) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.waiting
	if !all && n < link.Window/4 {
		return 0
	}
	c.waiting = 0
	return n
}
