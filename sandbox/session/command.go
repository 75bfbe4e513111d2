package session

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"sandpiper/sandbox/guest"
)

// inputTime is how long a command may take to read input before whoever sent it
// is told that it does not.
const inputTime = 10 * time.Second

// Command is a command of a session. It is safe for concurrent use.
type Command struct {
	ID     string
	Script string

	log   *Log
	input *input // nil when it has none
	quiet bool   // its input is not shown in its log
	done  chan struct{}

	mu       sync.Mutex
	exitCode int   // once done is closed
	err      error // once done is closed: why it could not run
}

// Log returns what the command writes.
func (c *Command) Log() *Log { return c.log }

// Done is closed when the command has ended and its log is complete.
func (c *Command) Done() <-chan struct{} { return c.done }

// ExitCode returns the command's exit code, if it has ended; it is -1 for one
// that could not be run.
func (c *Command) ExitCode() (code int, ended bool) {
	select {
	case <-c.done:
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.exitCode, true
	default:
		return 0, false
	}
}

// Err returns why the command could not be run, once it is done.
func (c *Command) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Send gives input to the command, and shows it in its log unless the command
// was started quiet. The error is ErrCompleted or ErrNoInput where nobody will
// read it, and ctx's where the command does not.
func (c *Command) Send(ctx context.Context, data []byte) error {
	if _, ended := c.ExitCode(); ended {
		return ErrCompleted
	}
	if c.input == nil {
		return ErrNoInput
	}
	ctx, cancel := context.WithTimeout(ctx, inputTime)
	defer cancel()
	return c.input.put(ctx, data, func() {
		if !c.quiet {
			_, _ = c.log.writer(Stdout).Write(data)
		}
	})
}

// run runs the command in a shell.
func (c *Command) run(ctx context.Context, shell guest.Shell) {
	streams := guest.ShellIO{Stdout: c.log.writer(Stdout), Stderr: c.log.writer(Stderr)}
	if c.input != nil {
		streams.Stdin = c.input
	}
	code, err := shell.Run(ctx, c.Script, streams)
	switch {
	case errors.Is(err, guest.ErrShellEnded):
		code, err = -1, fmt.Errorf("the session's shell %w: %w", ErrEnded, err)
	case err != nil:
		code = -1
	}
	c.finish(code, err)
}

// finish notes the end.
func (c *Command) finish(code int, err error) {
	if c.input != nil {
		c.input.close()
	}
	if err != nil {
		_, _ = fmt.Fprintf(c.log.writer(Stderr), "the command was not run to its end: %v\n", err)
	}
	c.mu.Lock()
	c.exitCode, c.err = code, err
	c.mu.Unlock()
	c.log.store.ended(c.log)
	close(c.done)
}
