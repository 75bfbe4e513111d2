package session

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sandpiper/sandbox/guest"
)

// StartEntrypoint starts the sandbox's main process, whose output becomes the
// log of the only command of the session EntrypointID. It may be called once.
func (m *Manager) StartEntrypoint(args []string) (*Command, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed:
		return nil, ErrClosed
	case m.entrypoint != nil:
		return nil, errors.New("the main process was started before")
	}
	c := &Command{ID: EntrypointID, Script: strings.Join(args, " "), log: m.store.newLog(logLimit), done: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	info := m.guest.Info()
	process, err := m.guest.Start(ctx, guest.Cmd{
		Args: args, Dir: info.WorkDir, Env: info.Env, Stdout: c.log.writer(Stdout), Stderr: c.log.writer(Stderr),
	})
	m.entrypoint, m.cancel = c, cancel
	if err != nil {
		c.finish(-1, err)
		return c, fmt.Errorf("start the main process: %w", err)
	}
	m.work.Go(func() {
		status, err := process.Wait()
		c.finish(status.Code, err)
	})
	return c, nil
}

// EntrypointLog returns what the main process writes. Where there is none it is a
// log to which nothing comes, as of one that said nothing and has ended.
func (m *Manager) EntrypointLog() *Log {
	if c := m.Entrypoint(); c != nil {
		return c.Log()
	}
	none := newLog(m.store, 0)
	none.close()
	return none
}

// Entrypoint returns the main process; nil when there is none.
func (m *Manager) Entrypoint() *Command {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.entrypoint
}
