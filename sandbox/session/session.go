package session

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/google/uuid"

	"sandpiper/sandbox/guest"
)

const (
	// maxQueued is how many commands of a session may wait for each other.
	maxQueued = 64

	// maxCommands is how many commands a session remembers.
	maxCommands = 500
)

// Session is a shell that lives on between its commands, which run one after
// the other. It is safe for concurrent use.
type Session struct {
	ID string

	store  *store
	shell  guest.Shell
	queue  chan *Command
	ctx    context.Context
	cancel context.CancelFunc
	worker sync.WaitGroup

	mu       sync.Mutex
	commands []*Command // the oldest first
	ended    bool       // the shell has exited
	closed   bool
}

// Options say how a command of a session runs.
type Options struct {
	Input bool // it can be given input while it runs; else its input is empty
	Quiet bool // its input is not shown in its log
}

func newSession(id string, s *store, shell guest.Shell) *Session {
	sess := &Session{ID: id, store: s, shell: shell, queue: make(chan *Command, maxQueued)}
	sess.ctx, sess.cancel = context.WithCancel(context.Background())
	sess.worker.Go(sess.work)
	return sess
}

// Exec has the shell run a script after those that it was given before. It does
// not wait for its end. The error is ErrEnded when the shell is known to have
// exited, and ErrTooMany when too many commands wait.
func (s *Session) Exec(script string, o Options) (*Command, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || s.closed {
		return nil, fmt.Errorf("session %s %w", s.ID, ErrEnded)
	}
	c := &Command{ID: uuid.NewString(), Script: script, quiet: o.Quiet, done: make(chan struct{})}
	if o.Input {
		c.input = newInput()
	}
	c.log = s.store.newLog(logLimit)
	select {
	case s.queue <- c:
	default:
		s.store.remove(c.log)
		return nil, fmt.Errorf("session %s: %w commands waiting: %d", s.ID, ErrTooMany, maxQueued)
	}
	s.commands = append(s.commands, c)
	s.forgetOldest()
	return c, nil
}

// forgetOldest forgets the oldest command that has ended, if there are too many.
// Precondition: s.mu is held.
func (s *Session) forgetOldest() {
	if len(s.commands) <= maxCommands {
		return
	}
	for i, c := range s.commands {
		if _, ended := c.ExitCode(); ended {
			s.store.remove(c.log)
			s.commands = slices.Delete(s.commands, i, i+1)
			return
		}
	}
}

// work runs the commands one after the other.
func (s *Session) work() {
	for c := range s.queue {
		c.run(s.ctx, s.shell)
		if c.Err() != nil {
			s.mu.Lock()
			s.ended = true
			s.mu.Unlock()
		}
	}
}

// Commands returns the session's commands, the oldest first.
func (s *Session) Commands() []*Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.commands)
}

// Command returns a command by its ID, or ErrNotFound.
func (s *Session) Command(id string) (*Command, error) {
	for _, c := range s.Commands() {
		if c.ID == id {
			return c, nil
		}
	}
	return nil, fmt.Errorf("command %s in session %s: %w", id, s.ID, ErrNotFound)
}

// close kills the shell with all that it runs, and forgets its commands.
func (s *Session) close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	close(s.queue)
	s.mu.Unlock()
	for _, c := range s.Commands() {
		c.log.close() // nobody waits for readers any more
	}
	s.cancel()
	_ = s.shell.Close() // it is gone either way
	s.worker.Wait()
	for _, c := range s.Commands() {
		s.store.remove(c.log)
	}
}
