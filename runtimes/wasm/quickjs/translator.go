package quickjs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"sandpiper/runtimes/wasm/vm"
)

// translator translates TypeScript in child processes. The compiler is safe Go,
// but a file of a few kilobytes that nests deeply enough keeps it busy for
// minutes or overflows its stack, which ends the process: both may happen to a
// child and must not happen to the server. A child is this program itself,
// started with childVariable set, and serves one file after the other.
type translator struct {
	slots chan struct{} // one for each child that may work

	mu     sync.Mutex
	idle   []*child
	closed bool
}

// child is a running child process.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
}

// request is what a child is asked: to strip a file of its types, or to make a
// script of a cell, which is TypeScript in any case if Typed is set.
type request struct {
	Name, Source string
	Cell, Typed  bool
}

const (
	// maxTypeScript is the largest file that is translated.
	maxTypeScript = 1 << 20

	// translateTime is how long that may take.
	translateTime = 5 * time.Second

	// childVariable makes the program a child when it is set in its environment.
	childVariable = "SANDPIPER_TYPESCRIPT_CHILD"

	// childStack bounds the recursion of a child, in bytes.
	childStack = 64 << 20
)

func newTranslator(children int) *translator {
	return &translator{slots: make(chan struct{}, max(1, children))}
}

// start has a first child ready, and finds out whether there can be any.
func (t *translator) start(ctx context.Context) error {
	_, err := t.ask(ctx, request{Name: "start.ts", Source: "let n: number"})
	return err
}

// translate carries out a request for a run, which gives up the CPU meanwhile. It
// reports whether the run was interrupted before the end.
func (t *translator) translate(ctx context.Context, run *vm.Run, r request) (res translation, interrupted bool) {
	if len(r.Source) > maxTypeScript {
		return translation{Failure: fmt.Sprintf("%s:1:1: error: a TypeScript file may have %d KiB at most\n", r.Name, maxTypeScript>>10)}, false
	}
	var err error
	run.Block(ctx, func(ctx context.Context) {
		limited, cancel := context.WithTimeout(ctx, translateTime)
		defer cancel()
		res, err = t.ask(limited, r)
		interrupted = err != nil && ctx.Err() != nil
	})
	if err != nil {
		return translation{Failure: fmt.Sprintf("%s:1:1: error: this file is too complex to be translated\n", r.Name)}, interrupted
	}
	return res, false
}

// ask has a child translate a file. A child that fails, or is late, is killed.
func (t *translator) ask(ctx context.Context, r request) (translation, error) {
	select {
	case t.slots <- struct{}{}:
	case <-ctx.Done():
		return translation{}, context.Cause(ctx)
	}
	defer func() { <-t.slots }()
	c, err := t.take()
	if err != nil {
		return translation{}, err
	}
	res, err := c.ask(ctx, r)
	if err != nil {
		c.end()
		return translation{}, err
	}
	t.put(c)
	return res, nil
}

func (t *translator) take() (*child, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, errors.New("the translator is closed")
	}
	if n := len(t.idle); n > 0 {
		c := t.idle[n-1]
		t.idle = t.idle[:n-1]
		return c, nil
	}
	return startChild()
}

func (t *translator) put(c *child) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		c.end()
		return
	}
	t.idle = append(t.idle, c)
}

// close ends the children that are idle now; others end when they are done.
func (t *translator) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for _, c := range t.idle {
		c.end()
	}
	t.idle = nil
}

// startChild starts this program as a child, with an empty environment.
func startChild() (*child, error) {
	self := "/proc/self/exe" // is there even when the file has been replaced
	if runtime.GOOS != "linux" {
		var err error
		if self, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("find this program: %w", err)
		}
	}
	cmd := exec.Command(self)
	cmd.Env = []string{childVariable + "=1", "GOMAXPROCS=1"}
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("start a TypeScript child: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a TypeScript child: %w", err)
	}
	return &child{cmd: cmd, in: in, out: json.NewDecoder(out)}, nil
}

// ask sends a file and waits for its translation, or until ctx is done.
func (c *child) ask(ctx context.Context, r request) (translation, error) {
	stop := context.AfterFunc(ctx, func() { _ = c.cmd.Process.Kill() })
	defer stop()
	var res translation
	if err := json.NewEncoder(c.in).Encode(r); err != nil {
		return res, fmt.Errorf("ask a TypeScript child: %w", err)
	}
	if err := c.out.Decode(&res); err != nil {
		return res, fmt.Errorf("hear from a TypeScript child: %w", err)
	}
	return res, ctx.Err()
}

// end kills the child and waits until it is gone.
func (c *child) end() {
	_ = c.in.Close()
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait() // killed: that is its error
}

// A child never gets further than here. It ends with its input, so also when
// the server does.
func init() {
	if os.Getenv(childVariable) == "" {
		return
	}
	debug.SetMaxStack(childStack)
	limitChild()
	if err := serveTranslations(os.Stdin, os.Stdout); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// serveTranslations answers requests until there are no more. The server kills a
// child that is late; the alarm is for when there is no server any more.
func serveTranslations(in io.Reader, out io.Writer) error {
	requests, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var r request
		if err := requests.Decode(&r); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("read a request: %w", err)
		}
		alarm := time.AfterFunc(2*translateTime, func() { os.Exit(1) })
		err := answers.Encode(translate(r))
		alarm.Stop()
		if err != nil {
			return fmt.Errorf("answer: %w", err)
		}
	}
}
