package inside

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sandpiper/runtimes/wasm/worker/confine"
	"sandpiper/runtimes/wasm/worker/link"
	"sandpiper/sandbox"
)

// SocketFD is the descriptor of a worker's end of the connection.
const SocketFD = 3

// maxCalls bounds the calls at once. The server's scheduler admits fewer runs.
const maxCalls = 4096

// watchInterval is how often the states of languages are looked at while there are
// some that are being prepared.
const watchInterval = 10 * time.Millisecond

// Engine is what a worker serves. One that is a sandbox.KernelEngine too has kernels,
// and one that is a program.Engine has programs of sandboxes.
type Engine interface {
	sandbox.CodeRunner
	io.Closer
}

// Main is the whole of a worker process. open opens the engine once the process is
// confined. Main returns when the server has ended the connection and the engine is
// closed.
func Main(open func(link.Setup) (Engine, error)) error {
	l, err := link.New(os.NewFile(SocketFD, "server"), true)
	if err != nil {
		return fmt.Errorf("a worker is started by a server only: %w", err)
	}
	defer l.Release()
	m, err := l.Receive()
	if err != nil {
		return fmt.Errorf("hear from the server: %w", err)
	}
	var setup link.Setup
	if err := m.Decode(&setup); err != nil || m.Op != link.OpSetup {
		return errors.Join(errors.New("the server began with something else"), err)
	}
	measures, err := confine.Process(setup)
	if err != nil {
		return errors.Join(err, l.Send(link.OpHello, 0, link.Hello{Error: err.Error(), Confinement: measures}, nil))
	}
	if setup.Probe {
		return l.Send(link.OpHello, 0, link.Hello{Confinement: measures, Possible: confine.Probe()}, nil)
	}
	engine, err := open(setup)
	if err != nil {
		return errors.Join(err, l.Send(link.OpHello, 0, link.Hello{Error: err.Error(), Confinement: measures}, nil))
	}
	w := newWorker(l, engine)
	return errors.Join(w.serve(measures), engine.Close())
}

// worker serves an engine.
type worker struct {
	link    *link.Link
	engine  Engine
	kernels *kernels // empty for an engine without
	groups  *groups  // empty for an engine without

	ctx context.Context // done when the connection has ended
	end context.CancelCauseFunc

	mu    sync.Mutex
	calls map[uint64]*call
	tasks sync.WaitGroup
}

// call is a call that goes on.
type call struct {
	cancel context.CancelCauseFunc
	stdin  *sandbox.Stdin // that is sent; nil for none
	window *window        // of its output; nil for none
	kernel sandbox.Kernel // that executes a cell; nil for none

	interrupted atomic.Bool // maybe before the kernel had the cell

	mu    sync.Mutex
	ended bool
}

// interrupt interrupts the cell that the call is. Nobody hears of its end before the
// interrupt is over, so none gets to the next cell.
func (c *call) interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.interrupted.Store(true)
	if c.kernel != nil && !c.ended {
		c.kernel.Interrupt()
	}
}

func (c *call) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
}

func newWorker(l *link.Link, engine Engine) *worker {
	w := &worker{link: l, engine: engine, kernels: newKernels(engine), groups: newGroups(engine), calls: map[uint64]*call{}}
	w.ctx, w.end = context.WithCancelCause(context.Background())
	return w
}

// serve answers until the connection ends, and then waits for the calls, which are
// cancelled.
func (w *worker) serve(measures []link.Measure) error {
	languages, withKernels := w.engine.Languages(), w.kernels.languages()
	err := w.link.Send(link.OpHello, 0, link.Hello{Confinement: measures, Languages: languages, Kernels: withKernels, Commands: w.groups.commands()}, nil)
	if err != nil {
		return fmt.Errorf("greet the server: %w", err)
	}
	w.tasks.Go(func() { w.watch(link.States(languages), link.States(withKernels)) })
	for {
		m, err := w.link.Receive()
		if err != nil {
			break // the server has gone, or wants no more
		}
		w.handle(m)
	}
	w.end(sandbox.ErrShutdown)
	w.kernels.closeAll()
	w.tasks.Wait()
	return nil
}

// watch tells the server when a language's state has changed, until all are
// prepared.
func (w *worker) watch(states, kernels []link.LanguageState) {
	ticks := time.NewTicker(watchInterval)
	defer ticks.Stop()
	for preparing(states) || preparing(kernels) {
		select {
		case <-w.ctx.Done():
			return
		case <-ticks.C:
		}
		now, nowKernels := link.States(w.engine.Languages()), link.States(w.kernels.languages())
		if reflect.DeepEqual(now, states) && reflect.DeepEqual(nowKernels, kernels) {
			continue
		}
		states, kernels = now, nowKernels
		_ = w.link.Send(link.OpLanguages, 0, link.Languages{States: states, Kernels: kernels}, nil)
		if !preparing(states) {
			debug.FreeOSMemory() // compiling takes several times what it leaves
		}
	}
}

func preparing(states []link.LanguageState) bool {
	return slices.ContainsFunc(states, func(s link.LanguageState) bool { return s.State == sandbox.LanguagePreparing })
}

// handle carries out a message, those that take long on goroutines of their own.
func (w *worker) handle(m *link.Message) {
	switch m.Op {
	case link.OpPing:
		_ = w.link.Send(link.OpPong, 0, nil, nil)
	case link.OpCancel:
		var c link.Cancel
		if found := w.find(m.ID); found != nil && m.Decode(&c) == nil {
			found.cancel(c.Err())
		}
	case link.OpInput:
		w.input(m)
	case link.OpInterrupt:
		if found := w.find(m.ID); found != nil {
			go found.interrupt()
		}
	case link.OpGroup:
		var g link.Group
		if m.Decode(&g) == nil {
			w.groups.set(g)
		}
	case link.OpPrefer:
		var p link.Prefer
		if e, ok := w.engine.(sandbox.Preparer); ok && m.Decode(&p) == nil {
			e.Prefer(p.Language)
		}
	case link.OpTaken:
		w.taken(m)
	default:
		w.begin(m)
	}
}

// input passes standard input on. What a program has asked for it takes, so there
// is room.
func (w *worker) input(m *link.Message) {
	var in link.Input
	c := w.find(m.ID)
	if c == nil || c.stdin == nil || m.Decode(&in) != nil {
		return
	}
	if len(m.Data) > 0 {
		_, _ = c.stdin.Write(m.Data)
	}
	if in.End {
		_ = c.stdin.Close()
	}
}

func (w *worker) find(id uint64) *call {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls[id]
}

// begin begins a call.
func (w *worker) begin(m *link.Message) {
	v := &voice{link: w.link, id: m.ID}
	ctx, cancel := context.WithCancelCause(w.ctx)
	c := &call{cancel: cancel}
	todo := failed(sandbox.Errorf(sandbox.KindBusy, "the worker process has too much to do"))
	added := w.add(m.ID, c)
	if added {
		todo = w.prepare(m, v, c)
	}
	w.tasks.Go(func() {
		defer m.Close()
		defer cancel(nil)
		e, files := guard(todo)(ctx)
		if added {
			w.remove(m.ID)
			c.end()
		}
		v.end(e, files)
	})
}

// add makes c the call of that ID, unless there is one or there are too many.
func (w *worker) add(id uint64, c *call) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.calls) >= maxCalls || w.calls[id] != nil {
		return false
	}
	w.calls[id] = c
	return true
}

func (w *worker) remove(id uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.calls, id)
}

// task does a call and says how it ended.
type task func(ctx context.Context) (link.End, []sandbox.File)

// guard is a task that a panic does not take the other calls along with. One of a
// guest does not get here: the engine takes care of those.
func guard(todo task) task {
	return func(ctx context.Context) (e link.End, files []sandbox.File) {
		defer func() {
			if p := recover(); p != nil {
				fmt.Fprintf(os.Stderr, "panic in a call: %v\n%s", p, debug.Stack())
				e, files = link.End{Fault: link.NewFault(errors.New("the engine panicked"))}, nil
			}
		}()
		return todo(ctx)
	}
}

// failed is a task that ends with an error.
func failed(err error) task {
	return func(context.Context) (link.End, []sandbox.File) { return link.End{Fault: link.NewFault(err)}, nil }
}

// prepare reads a call and sets its standard input, which may be sent from now on.
func (w *worker) prepare(m *link.Message, v *voice, c *call) task {
	switch m.Op {
	case link.OpRun:
		return w.prepareRun(m, v, c)
	case link.OpExecute:
		return w.kernels.prepareExecute(m, v, c)
	case link.OpOpen, link.OpResume, link.OpFork:
		return w.kernels.prepareOpen(m)
	case link.OpSave:
		return w.kernels.prepareSave(m)
	case link.OpClose:
		return w.kernels.prepareClose(m)
	case link.OpExec:
		return w.prepareExec(m, v, c)
	case link.OpUsage:
		return w.prepareUsage(m)
	}
	return failed(fmt.Errorf("a message of the unknown type %d", m.Op))
}

func (w *worker) prepareRun(m *link.Message, v *voice, c *call) task {
	var r link.Run
	if err := m.Decode(&r); err != nil {
		return failed(err)
	}
	data := m.Data
	p := sandbox.Program{Language: r.Language, Version: r.Version, Args: r.Args, Env: r.Env, Limits: r.Limits}
	for _, f := range r.Files {
		content, err := cut(&data, f.Bytes)
		if err != nil {
			return failed(err)
		}
		p.Files = append(p.Files, sandbox.File{Name: f.Name, Content: content})
	}
	var err error
	if p.Stdin, err = source(r.Input, data, v, c); err != nil {
		return failed(err)
	}
	return func(ctx context.Context) (link.End, []sandbox.File) {
		_ = w.link.Send(link.OpBegan, m.ID, nil, nil)
		o, err := w.engine.Run(ctx, p, v)
		if err != nil {
			return link.End{Fault: link.NewFault(err)}, nil
		}
		files := o.Files
		o.Files = nil
		return link.End{Outcome: &sandbox.CellOutcome{Outcome: o}}, files
	}
}

// source returns a call's standard input.
func source(s link.Source, data []byte, v *voice, c *call) (*sandbox.Stdin, error) {
	if !s.Live {
		static, err := cut(&data, s.Bytes)
		return sandbox.StaticStdin(static), err
	}
	c.stdin = sandbox.LiveStdin()
	c.stdin.OnDemand(v.wanted)
	return c.stdin, nil
}

// cut takes n bytes from the front of data.
func cut(data *[]byte, n int) ([]byte, error) {
	if n < 0 || n > len(*data) {
		return nil, errors.New("a message has less in it than it says")
	}
	piece := (*data)[:n:n]
	*data = (*data)[n:]
	return piece, nil
}
