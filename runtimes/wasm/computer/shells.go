package computer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"sandpiper/runtimes/wasm/shell"
	"sandpiper/runtimes/wasm/shell/wire"
	"sandpiper/sandbox/guest"
)

// cancelGrace is how long a shell may take to end a command that has been
// cancelled, before the shell itself is ended.
const cancelGrace = 5 * time.Second

// liveShell is a guest.Shell: a child that is kept between commands.
type liveShell struct {
	m     *machine
	cfg   guest.ShellConfig
	entry *entry
	child *shell.Child
	once  sync.Once

	mu    sync.Mutex // held while a command runs
	ended bool
}

// OpenShell implements guest.Sheller.
func (m *machine) OpenShell(_ context.Context, cfg guest.ShellConfig) (guest.Shell, error) {
	if !m.begin() {
		return nil, errStopped
	}
	defer m.running.Done()
	if _, err := m.files.Stat(cfg.Dir); err != nil {
		return nil, fmt.Errorf("open a shell: %w", err)
	}
	s := &liveShell{m: m, cfg: cfg, entry: &entry{parent: 1, command: "bash", signal: func(int) {}}}
	s.entry.idle = s.idle
	if err := m.table.add(s.entry); err != nil {
		return nil, err
	}
	child, err := m.takeShell()
	if err != nil {
		m.table.remove(s.entry)
		return nil, err
	}
	s.child = child
	m.serveShell(child, s.entry)
	s.entry.signal = func(n int) {
		if n == int(guest.SIGKILL) {
			child.Kill()
			return
		}
		_ = child.Tell(&wire.Message{Op: wire.OpSignal, PID: s.entry.pid, Signal: n}) // one that has gone needs none
	}
	go func() {
		<-child.Gone()
		m.table.remove(s.entry)
	}()
	return s, nil
}

// PID implements guest.Shell.
func (s *liveShell) PID() int { return s.entry.pid }

// idle reports whether no command runs. Jobs in the background are processes of
// their own.
func (s *liveShell) idle() bool {
	free := s.mu.TryLock()
	if free {
		s.mu.Unlock()
	}
	return free
}

// Close implements guest.Shell.
func (s *liveShell) Close() error {
	s.once.Do(func() {
		s.child.Kill()
		<-s.child.Gone()
	})
	return nil
}

// Run implements guest.Shell.
func (s *liveShell) Run(ctx context.Context, script string, rw guest.ShellIO) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || s.m.stopping() {
		return 0, guest.ErrShellEnded
	}
	if err := ctx.Err(); err != nil {
		return 0, context.Cause(ctx)
	}
	st := &streams{cmd: guest.Cmd{Stdin: rw.Stdin, Stdout: rw.Stdout, Stderr: rw.Stderr}}
	if err := st.open(); err != nil {
		st.abandon()
		return 0, err
	}
	defer s.endLate(ctx)()
	m := &wire.Message{Op: wire.OpRun, Text: orBlank(script), Dir: s.cfg.Dir, Env: s.cfg.Env, PID: s.entry.pid, Parent: 1, Programs: s.m.programNames(), Files: st.files}
	a, err := s.child.CallWith(ctx, m, st.sent)
	st.finish()
	switch {
	case errors.Is(err, wire.ErrTooLarge):
		return 0, fmt.Errorf("run a command: %w", err)
	case err != nil:
		s.ended = true
		if s.m.ctx.Err() == nil && ctx.Err() == nil && !s.killed() {
			st.complain(fmt.Sprintf("the shell was ended: it needed more memory than a shell may have (%d MiB), or crashed", shell.MemoryLimit>>20))
		}
		return 137, nil
	}
	s.ended = a.Exited
	return a.Code, nil
}

// killed reports whether Close has been called.
func (s *liveShell) killed() bool {
	fresh := false
	s.once.Do(func() { fresh = true })
	return !fresh
}

// orBlank makes a script of nothing one, which a child takes for a script.
func orBlank(script string) string {
	if script == "" {
		return ":"
	}
	return script
}

// endLate kills the shell when a command goes on long after ctx is done. The
// function that it returns ends the watch.
func (s *liveShell) endLate(ctx context.Context) func() {
	var late *time.Timer
	var mu sync.Mutex
	stop := context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		late = time.AfterFunc(cancelGrace, s.child.Kill)
	})
	return func() {
		stop()
		mu.Lock()
		defer mu.Unlock()
		if late != nil {
			late.Stop()
		}
	}
}
