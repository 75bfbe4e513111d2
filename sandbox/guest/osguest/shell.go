//go:build linux

package osguest

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"sandpiper/sandbox/guest"
)

// A shell may take killTries times killPause to notice that all that it ran was
// killed, before it is killed itself. The pauses are counted rather than the time,
// of which a busy machine may have given the shell none.
const (
	killTries = 20
	killPause = 50 * time.Millisecond
)

// shell is a shell that reads from a pipe one line for every command:
//
//	command . 'DIR/script' <'DIR/in' 1>'DIR/out' 2>'DIR/err'; command printf … >'DIR/code'
//
// Each command has pipes of its own in a private folder, so that its output is
// apart from that of the others, stderr is apart from stdout, and the shell's
// own input stays clean.
type shell struct {
	g     *Guest
	proc  *process
	lines io.WriteCloser // its standard input
	ctx   context.Context
	close context.CancelFunc

	running chan struct{} // holds a token while no command runs
	count   int           // of commands; owned by who holds the token
	closing sync.Once
}

// OpenShell implements guest.Guest. The shell belongs to the guest, not to ctx.
func (g *Guest) OpenShell(ctx context.Context, cfg guest.ShellConfig) (guest.Shell, error) {
	if g.shell == "" {
		return nil, guest.ErrNoShell
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("open shell: %w", err)
	}
	defer r.Close()
	s := &shell{g: g, lines: w, running: make(chan struct{}, 1)}
	s.ctx, s.close = context.WithCancel(g.ctx)
	args := []string{g.shell}
	if strings.HasSuffix(g.shell, "bash") {
		args = append(args, "--noprofile", "--norc")
	}
	p, err := g.Start(s.ctx, guest.Cmd{Args: args, Dir: cfg.Dir, Env: cfg.Env, Stdin: r})
	if err != nil {
		s.close()
		_ = w.Close()
		return nil, fmt.Errorf("open shell: %w", err)
	}
	s.proc = p.(*process)
	s.running <- struct{}{}
	return s, nil
}

// PID implements guest.Shell.
func (s *shell) PID() int { return s.proc.PID() }

// Close implements guest.Shell. Whatever the shell started and still knows ends
// with it.
func (s *shell) Close() error {
	s.closing.Do(func() {
		s.kill(moment{})
		s.close()
		_ = s.lines.Close()
		_, _ = s.proc.Wait()
	})
	<-s.proc.exited
	return nil
}

// Run implements guest.Shell.
func (s *shell) Run(ctx context.Context, script string, streams guest.ShellIO) (int, error) {
	select {
	case <-s.running:
	case <-s.proc.exited:
		return -1, guest.ErrShellEnded
	case <-ctx.Done():
		return -1, ctx.Err()
	}
	defer func() { s.running <- struct{}{} }()
	select {
	case <-s.proc.exited:
		return -1, guest.ErrShellEnded
	default:
	}
	s.count++
	c, err := s.newCommand(script, streams)
	if err != nil {
		return -1, fmt.Errorf("prepare command: %w", err)
	}
	defer c.remove()
	return s.run(ctx, c)
}

// run has the shell run a command and passes its output on.
func (s *shell) run(ctx context.Context, c *command) (int, error) {
	began := s.g.now()
	c.start()
	if _, err := io.WriteString(s.lines, c.line()); err != nil {
		c.finish()
		return -1, guest.ErrShellEnded
	}
	code, err := s.await(ctx, c, began)
	c.finish()
	return code, err
}

// await waits for the command's exit code or the shell's own end.
func (s *shell) await(ctx context.Context, c *command, began moment) (int, error) {
	select {
	case code := <-c.code:
		return code, nil
	case <-s.proc.exited:
		return s.lastCode(c)
	case <-ctx.Done():
	}
	again := time.NewTicker(killPause)
	defer again.Stop()
	for tries := 0; ; tries++ {
		if tries == killTries { // a loop of the shell itself: it has to go
			s.close()
		}
		s.kill(began)
		select {
		case <-c.code:
			return -1, ctx.Err()
		case <-s.proc.exited:
			return -1, ctx.Err()
		case <-again.C:
		}
	}
}

// lastCode is the exit code of a command in which the shell ended: its own,
// unless the command had ended before.
func (s *shell) lastCode(c *command) (int, error) {
	select {
	case code := <-c.code:
		return code, nil
	default:
		return s.proc.status.Code, s.proc.err
	}
}

// kill kills what runs in the shell and was started after a moment; not the
// shell itself.
func (s *shell) kill(since moment) {
	older := func(p stat) bool { return !since.before(p) }
	killAll(slices.DeleteFunc(kin(processes(s.g.proc), s.PID()), older))
}

// moment tells processes that were there from those that came later. The
// kernel's clock for that is so coarse that the numbers of processes must help.
type moment struct {
	ticks uint64 // since the machine's start
	pid   int    // the last that was given to a process
}

// now is the present moment.
func (g *Guest) now() (m moment) {
	const ticksPerSecond = 100
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return moment{}
	}
	m.ticks = uint64(t.Sec)*ticksPerSecond + uint64(t.Nsec)/(1e9/ticksPerSecond)
	if fields := strings.Fields(read(filepath.Join(g.proc, "loadavg"))); len(fields) == 5 {
		m.pid, _ = strconv.Atoi(fields[4]) // without it, all of that tick came later
	}
	return m
}

// before reports whether a process was started after m.
func (m moment) before(p stat) bool {
	return p.started > m.ticks || p.started == m.ticks && p.pid > m.pid
}
