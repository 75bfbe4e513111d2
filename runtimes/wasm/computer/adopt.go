package computer

import (
	"context"
	"syscall"
	"time"

	"sandpiper/runtimes/wasm/shell"
)

// takeShell returns a child for a shell of this sandbox: one that rests from another,
// or a new one.
func (m *machine) takeShell() (*shell.Child, error) {
	if child := m.spares.rested(m); child != nil {
		return child, nil
	}
	child, err := m.spares.take()
	if err == nil {
		m.adopt(child)
	}
	return child, err
}

// adopt makes a child one of this sandbox until it has gone.
func (m *machine) adopt(child *shell.Child) {
	m.mu.Lock()
	m.children[child] = struct{}{}
	paused := m.paused
	m.mu.Unlock()
	if paused {
		child.Signal(syscall.SIGSTOP)
	}
	m.running.Add(1)
	go func() {
		defer m.running.Done()
		select {
		case <-child.Gone():
		case <-m.ctx.Done():
			child.Kill()
			<-child.Gone()
		}
		m.spares.forget(child)
		_, cpu := child.Usage()
		m.mu.Lock()
		delete(m.children, child)
		m.shellCPU += cpu
		m.mu.Unlock()
	}()
}

// serveShell carries out what a child asks for while it is the process e.
func (m *machine) serveShell(child *shell.Child, e *entry) *shellHost {
	ctx, cancel := context.WithCancelCause(m.ctx)
	h := newShellHost(ctx, m, e)
	h.tell, h.ask = child.Tell, child.Call
	h.silence = func() { child.Handle(nil) }
	_, before := child.Usage()
	e.cpu = func() time.Duration { _, cpu := child.Usage(); return cpu - before }
	e.memory = func() int64 { own, _ := child.Usage(); return own }
	child.Handle(h.handle)
	m.running.Add(1)
	go func() {
		defer m.running.Done()
		select {
		case <-h.rests:
		case <-child.Gone():
		}
		cancel(signalled(9))
		h.close()
	}()
	return h
}
