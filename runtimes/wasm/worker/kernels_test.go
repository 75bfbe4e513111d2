package worker_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"sandpiper/runtimes/wasm/worker"
	"sandpiper/sandbox"
	"sandpiper/sandbox/sandboxtest"
)

// kernelPool is a pool with kernels, and a way to make folders for them.
func kernelPool(t *testing.T) (*worker.Pool, func(name string) sandbox.KernelSpec) {
	dir := t.TempDir()
	p := newPool(t, func(c *worker.Config) { c.KernelDir = dir })
	return p, func(name string) sandbox.KernelSpec {
		folder := filepath.Join(dir, name)
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		return sandbox.KernelSpec{Language: "script", Dir: folder}
	}
}

// result executes a cell and returns what it is.
func result(t *testing.T, k sandbox.Kernel, code string) string {
	t.Helper()
	o, err := k.Execute(t.Context(), sandbox.Cell{Code: code}, newSink())
	if err != nil || o.Result == nil {
		t.Fatalf("%s: %+v, %v", code, o, err)
	}
	return o.Result.Data["text/plain"].(string)
}

func TestKernels(t *testing.T) {
	p, folder := kernelPool(t)
	if l := p.KernelLanguages(); len(l) != 1 || l[0].ID != "script" {
		t.Errorf("languages: %+v", l)
	}
	if _, err := p.OpenKernel(t.Context(), sandbox.KernelSpec{Language: "latin", Dir: folder("latin").Dir}); sandbox.KindOf(err) != sandbox.KindUnprocessed {
		t.Errorf("an unknown language: %v", err)
	}
	spec := folder("one")
	k, err := p.OpenKernel(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	result(t, k, "a")
	if got := result(t, k, "b"); got != "ab" || k.Memory() != 2 {
		t.Errorf("state %q, %d bytes", got, k.Memory())
	}
	if _, err := k.Execute(t.Context(), sandbox.Cell{Code: "file hello"}, newSink()); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(filepath.Join(spec.Dir, "hello")); string(b) != "hello" {
		t.Errorf("the kernel's file has %q, %v", b, err)
	}

	fork, err := k.Fork(t.Context(), folder("fork"))
	if err != nil {
		t.Fatal(err)
	}
	if got := result(t, fork, "x") + result(t, k, "y"); got != "abxaby" {
		t.Errorf("the fork and its origin: %q", got)
	}

	var state bytes.Buffer
	if err := k.Save(t.Context(), &state); err != nil || state.String() != "aby" {
		t.Fatalf("saved %q, %v", state.String(), err)
	}
	resumed, err := p.ResumeKernel(t.Context(), folder("resumed"), &state)
	if err != nil {
		t.Fatal(err)
	}
	if got := result(t, resumed, "z"); got != "abyz" {
		t.Errorf("resumed: %q", got)
	}
	if _, err := p.ResumeKernel(t.Context(), folder("old"), strings.NewReader("old state")); !errors.Is(err, sandbox.ErrStateStale) {
		t.Errorf("an old state: %v", err)
	}
	if err := k.Close(); err != nil {
		t.Error(err)
	}
	if _, err := k.Execute(t.Context(), sandbox.Cell{Code: "a"}, newSink()); !errors.Is(err, sandbox.ErrKernelGone) {
		t.Errorf("a closed kernel: %v", err)
	}
}

// TestEarlyInterrupt interrupts a cell before a worker has it: it ends all the same.
func TestEarlyInterrupt(t *testing.T) {
	p, folder := kernelPool(t)
	k, err := p.OpenKernel(t.Context(), folder("early"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	for range 100 { // the interrupt may overtake the cell in the worker, or not
		o, err := k.Execute(ctx, sandbox.Cell{Code: "wait", Interrupted: func() bool { return true }}, newSink())
		if err != nil || o.Signal != "SIGINT" || o.RolledBack {
			t.Fatalf("got %+v, %v", o, err)
		}
	}
}

func TestLargeState(t *testing.T) {
	p, folder := kernelPool(t)
	state := strings.Repeat("s", 32<<20)
	k, err := p.ResumeKernel(t.Context(), folder("large"), strings.NewReader(state))
	if err != nil {
		t.Fatal(err)
	}
	var saved bytes.Buffer
	if err := k.Save(t.Context(), &saved); err != nil || saved.String() != state {
		t.Errorf("%d bytes came back, %v", saved.Len(), err)
	}
	if err := k.Save(t.Context(), full{}); !errors.Is(err, errFull) {
		t.Errorf("to a full disk: %v", err)
	}
}

var errFull = errors.New("no room")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestKernelStops(t *testing.T) {
	p, folder := kernelPool(t)
	k, err := p.OpenKernel(t.Context(), folder("one"))
	if err != nil {
		t.Fatal(err)
	}
	out := newSink()
	go func() {
		<-out.said
		k.Interrupt()
	}()
	o, err := k.Execute(t.Context(), sandbox.Cell{Code: "wait"}, out)
	if err != nil || o.Error == nil || o.Error.Name != "Interrupt" || o.Signal != "SIGINT" || o.RolledBack {
		t.Errorf("interrupted: %+v, %v", o, err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	out = newSink()
	go func() {
		<-out.said
		cancel(sandbox.ErrClientGone)
	}()
	if o, err := k.Execute(ctx, sandbox.Cell{Code: "wait"}, out); err != nil || o.Signal != "SIGHUP" || !o.RolledBack {
		t.Errorf("cancelled: %+v, %v", o, err)
	}
	out = newSink()
	if _, err := k.Execute(t.Context(), sandbox.Cell{Code: "read", Stdin: sandbox.StaticStdin([]byte("typed"))}, out); err != nil || out.String() != "typed <nil>" {
		t.Errorf("input: %q, %v", out, err)
	}
}

// TestInterruptsAreOfACell interrupts cells that end: the next ones go on.
func TestInterruptsAreOfACell(t *testing.T) {
	p, folder := kernelPool(t)
	k, err := p.OpenKernel(t.Context(), folder("one"))
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		interrupted := make(chan struct{})
		go func() {
			k.Interrupt()
			close(interrupted)
		}()
		if _, err := k.Execute(t.Context(), sandbox.Cell{Code: "a"}, newSink()); err != nil {
			t.Fatal(err)
		}
		<-interrupted
		k.Interrupt()
		ctx, cancel := context.WithCancelCause(t.Context())
		out := newSink()
		go func() {
			<-out.said
			cancel(sandbox.ErrClientGone)
		}()
		if o, err := k.Execute(ctx, sandbox.Cell{Code: "wait"}, out); err != nil || o.Signal != "SIGHUP" {
			t.Fatalf("got %+v, %v", o, err)
		}
	}
}

func TestKernelGone(t *testing.T) {
	p, folder := kernelPool(t)
	k, err := p.OpenKernel(t.Context(), folder("one"))
	if err != nil {
		t.Fatal(err)
	}
	out := newSink()
	go func() {
		<-out.said
		_ = unix.Kill(p.PIDs()[0], unix.SIGKILL)
	}()
	if _, err := k.Execute(t.Context(), sandbox.Cell{Code: "wait"}, out); !errors.Is(err, sandbox.ErrKernelGone) || errors.Is(err, sandbox.ErrCellNotBegun) {
		t.Errorf("while a cell ran: %v", err)
	}
	if _, err := k.Execute(t.Context(), sandbox.Cell{Code: "a"}, newSink()); !errors.Is(err, sandbox.ErrCellNotBegun) {
		t.Errorf("afterwards: %v", err)
	}
	if err := k.Save(t.Context(), &bytes.Buffer{}); !errors.Is(err, sandbox.ErrKernelGone) {
		t.Errorf("a save: %v", err)
	}
	if err := k.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	k, err = p.OpenKernel(t.Context(), folder("two"))
	if err != nil || result(t, k, "a") != "a" {
		t.Errorf("the next one: %v", err)
	}
}

// TestCellNotBegun ends a worker that has not read a cell.
func TestCellNotBegun(t *testing.T) {
	p, folder := kernelPool(t)
	k, err := p.OpenKernel(t.Context(), folder("one"))
	if err != nil {
		t.Fatal(err)
	}
	worker := p.PIDs()[0]
	if err := unix.Kill(worker, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := k.Execute(t.Context(), sandbox.Cell{Code: "a"}, newSink())
		ended <- err
	}()
	for p.Busy() == 0 {
		runtime.Gosched()
	}
	_ = unix.Kill(worker, unix.SIGKILL)
	if err := <-ended; !errors.Is(err, sandbox.ErrCellNotBegun) {
		t.Errorf("got %v", err)
	}
}

// TestKernelConformance has the kernels of a confined worker keep the contract.
func TestKernelConformance(t *testing.T) {
	workers := t.TempDir() // one for all: states belong to the image that is in the cache
	open := func(t *testing.T) (sandbox.KernelEngine, string) {
		dir := t.TempDir()
		p := newPool(t, func(c *worker.Config) {
			c.Args, c.Only, c.KernelDir = []string{realWorker}, []string{"javascript"}, dir
			c.Dir = workers
		})
		awaitReady(t, p)
		return p, dir
	}
	sandboxtest.TestKernelEngine(t, open, sandboxtest.KernelCells("javascript")...)
}

// TestRealKernels has JavaScript kernels in a confined worker: state, files, a save
// from one worker that another one resumes, and a fork.
func TestRealKernels(t *testing.T) {
	dir := t.TempDir()
	p := newPool(t, func(c *worker.Config) {
		c.Args, c.Only, c.KernelDir = []string{realWorker}, []string{"javascript"}, dir
	})
	awaitReady(t, p)
	spec := func(name string) sandbox.KernelSpec {
		folder := filepath.Join(dir, name)
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		return sandbox.KernelSpec{Language: "javascript", Dir: folder}
	}
	one := spec("one")
	k, err := p.OpenKernel(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	result(t, k, "var n = 41; n")
	if got := result(t, k, "n + 1"); got != "42" {
		t.Errorf("the next cell has %q", got)
	}
	result(t, k, "(await import('node:fs')).writeFileSync('note.txt', 'kept'); 1")
	if b, err := os.ReadFile(filepath.Join(one.Dir, "note.txt")); string(b) != "kept" {
		t.Errorf("the kernel's file has %q, %v", b, err)
	}
	fork, err := k.Fork(t.Context(), spec("fork"))
	if err != nil {
		t.Fatal(err)
	}
	if got := result(t, fork, "n = 7") + result(t, k, "n"); got != "741" {
		t.Errorf("the fork and its origin: %q", got)
	}
	var state bytes.Buffer
	if err := k.Save(t.Context(), &state); err != nil {
		t.Fatal(err)
	}
	_ = unix.Kill(p.PIDs()[0], unix.SIGKILL)
	if _, err := k.Execute(t.Context(), sandbox.Cell{Code: "n"}, newSink()); !errors.Is(err, sandbox.ErrKernelGone) {
		t.Errorf("a killed worker's kernel: %v", err)
	}
	awaitReady(t, p)
	k, err = p.ResumeKernel(t.Context(), spec("two"), &state)
	if err != nil {
		t.Fatal(err)
	}
	if got := result(t, k, "n + 1"); got != "42" {
		t.Errorf("resumed in another worker: %q", got)
	}
}
