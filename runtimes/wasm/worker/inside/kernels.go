package inside

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"sandpiper/runtimes/wasm/worker/link"
	"sandpiper/sandbox"
)

// kernels are the kernels of a worker.
type kernels struct {
	engine sandbox.KernelEngine // nil for none

	mu   sync.Mutex
	last uint64
	open map[uint64]*kernel
}

// kernel is one with the folder that it was sent, which its path goes through.
type kernel struct {
	sandbox.Kernel
	folder *os.File // nil for none
}

func newKernels(e Engine) *kernels {
	k := &kernels{open: map[uint64]*kernel{}}
	k.engine, _ = e.(sandbox.KernelEngine)
	return k
}

func (k *kernels) languages() []sandbox.Language {
	if k.engine == nil {
		return nil
	}
	return k.engine.KernelLanguages()
}

func (k *kernels) find(id uint64) (*kernel, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if found := k.open[id]; found != nil {
		return found, nil
	}
	return nil, sandbox.ErrKernelGone
}

func (k *kernels) closeAll() {
	k.mu.Lock()
	all := k.open
	k.open = map[uint64]*kernel{}
	k.mu.Unlock()
	for _, found := range all {
		_ = found.close() // the process ends
	}
}

func (k *kernel) close() error {
	err := k.Close()
	if k.folder != nil {
		err = errors.Join(err, k.folder.Close())
	}
	return err
}

func (k *kernels) prepareExecute(m *link.Message, v *voice, c *call) task {
	var x link.Execute
	if err := m.Decode(&x); err != nil {
		return failed(err)
	}
	data := m.Data
	code, err := cut(&data, x.Code)
	if err != nil {
		return failed(err)
	}
	cell := sandbox.Cell{Code: string(code), Limits: x.Limits, Interrupted: c.interrupted.Load}
	if cell.Stdin, err = source(x.Input, data, v, c); err != nil {
		return failed(err)
	}
	found, err := k.find(x.Kernel)
	if err != nil {
		return failed(err)
	}
	c.kernel = found
	return func(ctx context.Context) (link.End, []sandbox.File) {
		_ = v.link.Send(link.OpBegan, m.ID, nil, nil)
		o, err := found.Execute(ctx, cell, v)
		if err != nil {
			return link.End{Fault: link.NewFault(err)}, nil
		}
		files := o.Files
		o.Files = nil
		return link.End{Outcome: &o, Memory: found.Memory()}, files
	}
}

// prepareOpen is for OpOpen, OpResume and OpFork. It takes the message's files.
func (k *kernels) prepareOpen(m *link.Message) task {
	var o link.Open
	if err := m.Decode(&o); err != nil {
		return failed(err)
	}
	files := m.Files
	m.Files = nil
	var state, folder *os.File
	if m.Op == link.OpResume && len(files) > 0 {
		state, files = files[0], files[1:]
	}
	if len(files) > 0 {
		folder = files[0]
		o.Spec.Dir = pathOf(folder)
	}
	return func(ctx context.Context) (link.End, []sandbox.File) {
		opened, err := k.make(ctx, m.Op, o, state)
		if state != nil {
			_ = state.Close()
		}
		if err != nil {
			if folder != nil {
				_ = folder.Close()
			}
			return link.End{Fault: link.NewFault(err)}, nil
		}
		return link.End{Kernel: k.add(&kernel{opened, folder}), Memory: opened.Memory()}, nil
	}
}

func (k *kernels) make(ctx context.Context, op link.Op, o link.Open, state *os.File) (sandbox.Kernel, error) {
	switch {
	case k.engine == nil:
		return nil, sandbox.FieldErrorf("language", "there are no sessions here")
	case op == link.OpOpen:
		return k.engine.OpenKernel(ctx, o.Spec)
	case op == link.OpResume && state != nil:
		return k.engine.ResumeKernel(ctx, o.Spec, state)
	case op == link.OpResume:
		return nil, errors.New("a resume lacks its state")
	}
	parent, err := k.find(o.Kernel)
	if err != nil {
		return nil, err
	}
	return parent.Fork(ctx, o.Spec)
}

func (k *kernels) add(opened *kernel) uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.last++
	k.open[k.last] = opened
	return k.last
}

func (k *kernels) prepareSave(m *link.Message) task {
	var named link.Kernel
	if err := m.Decode(&named); err != nil || len(m.Files) != 1 {
		return failed(errors.Join(errors.New("a save lacks something"), err))
	}
	to := m.Files[0]
	return func(ctx context.Context) (link.End, []sandbox.File) {
		found, err := k.find(named.Kernel)
		if err == nil {
			err = found.Save(ctx, to)
		}
		return link.End{Fault: link.NewFault(err)}, nil // the caller closes the file
	}
}

func (k *kernels) prepareClose(m *link.Message) task {
	var named link.Kernel
	if err := m.Decode(&named); err != nil {
		return failed(err)
	}
	return func(context.Context) (link.End, []sandbox.File) {
		k.mu.Lock()
		found := k.open[named.Kernel]
		delete(k.open, named.Kernel)
		k.mu.Unlock()
		if found == nil {
			return link.End{}, nil
		}
		return link.End{Fault: link.NewFault(found.close())}, nil
	}
}

// pathOf is how this process reaches a folder that it was sent, whoever may go
// through the folders above it.
func pathOf(f *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", f.Fd()) }
