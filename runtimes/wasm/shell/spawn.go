package shell

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"sandpiper/runtimes/wasm/shell/wire"
)

// childVariable makes the program a shell child when it is set in its
// environment.
const childVariable = "SANDPIPER_SHELL_CHILD"

// MemoryLimit bounds the memory of a child, in bytes, without the program's text.
const MemoryLimit = 448 << 20

// niceness lets the server and short programs come before shells, from their
// beginning: a spare that begins takes no time from a command.
const niceness = 10

// socketFD is the descriptor of a child's socket.
const socketFD = 3

// Child is a running child process, from the server's side.
type Child struct {
	*wire.Peer
	cmd  *exec.Cmd
	gone chan struct{} // closed when the process has ended

	mu      sync.Mutex
	handler wire.Handler
	cpu     time.Duration // once it has ended
}

// Start starts a child that waits for its first request. Handle must be called
// before that.
func Start() (*Child, error) {
	ours, theirs, err := wire.SocketPair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	c := &Child{gone: make(chan struct{})}
	if c.Peer, err = wire.NewPeer(ours, c.handle); err != nil {
		return nil, errors.Join(err, ours.Close())
	}
	self := "/proc/self/exe" // is there even when the file has been replaced
	if runtime.GOOS != "linux" {
		if self, err = os.Executable(); err != nil {
			return nil, fmt.Errorf("find this program: %w", err)
		}
	}
	c.cmd = exec.Command(self)
	c.cmd.Env = []string{childVariable + "=1", "GOMAXPROCS=2"}
	c.cmd.ExtraFiles = []*os.File{theirs}
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.cmd.Start(); err != nil {
		c.Peer.Close()
		return nil, fmt.Errorf("start a shell child: %w", err)
	}
	err = unix.Setpriority(unix.PRIO_PGRP, c.cmd.Process.Pid, niceness)
	go c.Serve()
	go c.reap()
	if err != nil {
		c.Kill()
		return nil, fmt.Errorf("lower a shell's priority: %w", err)
	}
	return c, nil
}

// Ready waits until a command would begin at once. Without it one waits itself.
// A child that is not ready before ctx is done is killed.
func (c *Child) Ready(ctx context.Context) error {
	defer context.AfterFunc(ctx, c.Kill)()
	_, err := c.Call(context.Background(), &wire.Message{Op: wire.OpReady})
	return err
}

// Handle sets what carries out the child's requests.
func (c *Child) Handle(h wire.Handler) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handler = h
}

func (c *Child) handle(m *wire.Message, answer func(*wire.Message)) {
	c.mu.Lock()
	h := c.handler
	c.mu.Unlock()
	if h == nil {
		answer(wire.Fail(syscall.EPERM))
		return
	}
	h(m, answer)
}

func (c *Child) reap() {
	_ = c.cmd.Wait() // how it ended does not matter
	c.mu.Lock()
	c.cpu = c.cmd.ProcessState.UserTime() + c.cmd.ProcessState.SystemTime()
	c.mu.Unlock()
	select { // what it has sent is read first
	case <-c.Peer.Done():
	case <-time.After(lastWords):
		c.Peer.Close()
		<-c.Peer.Done()
	}
	close(c.gone)
}

// lastWords is how long reading what an ended child has sent may take.
const lastWords = time.Second

// Gone is closed when the process has ended and the connection with it.
func (c *Child) Gone() <-chan struct{} { return c.gone }

// Kill ends the process at once.
func (c *Child) Kill() { _ = c.cmd.Process.Kill() }

// Signal sends a signal of the host to the process: to stop and continue it.
func (c *Child) Signal(s syscall.Signal) { _ = c.cmd.Process.Signal(s) }

// Usage returns the memory that the process has now, in bytes, and the CPU time
// that it has used.
func (c *Child) Usage() (memory int64, cpu time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cpu > 0 {
		return 0, c.cpu
	}
	return processUsage(c.cmd.Process.Pid)
}
