//go:build linux

package osguest

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"sandpiper/sandbox/guest"
)

// process is a started process, the leader of its group.
type process struct {
	cmd     *exec.Cmd
	outputs []*pump
	stdin   io.Closer // its end of the input pipe; nil when there is none
	tty     *os.File  // the terminal's other side; nil when it has none
	exited  chan struct{}
	status  guest.ExitStatus // once exited is closed
	err     error            // once exited is closed
	proc    string           // where the kernel tells about processes

	mu    sync.Mutex
	ended bool // its number may belong to another process from now on
}

// Start implements guest.Guest. A program or folder that is not there is an
// error for which errors.Is(err, fs.ErrNotExist) holds.
func (g *Guest) Start(ctx context.Context, c guest.Cmd) (guest.Process, error) {
	if len(c.Args) == 0 {
		return nil, fmt.Errorf("start process: no program is given: %w", fs.ErrInvalid)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	program, err := lookPath(c.Args[0], c.Dir, getenv(c.Env, "PATH"))
	if err != nil {
		return nil, err
	}
	p := &process{exited: make(chan struct{}), proc: g.proc}
	p.cmd = &exec.Cmd{Path: program, Args: c.Args, Dir: firstOf(c.Dir, g.info.WorkDir), Env: c.Env}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: g.user.credential()}
	var closeAfterStart []io.Closer
	if c.TTY != nil {
		closeAfterStart, err = p.openTerminal(g, c)
	} else {
		closeAfterStart, err = p.openPipes(g, c)
	}
	if err == nil {
		err = g.own.start(p.cmd)
	}
	for _, f := range closeAfterStart {
		_ = f.Close()
	}
	if err != nil {
		p.abandon()
		return nil, fmt.Errorf("start %s: %w", c.Args[0], err)
	}
	p.run(ctx, g, c.Stdin)
	return p, nil
}

// openPipes connects input and output. What it returns is the child's.
func (p *process) openPipes(g *Guest, c guest.Cmd) (child []io.Closer, err error) {
	switch in := c.Stdin.(type) {
	case nil:
	case *os.File:
		p.cmd.Stdin = in
	default:
		r, w, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		p.cmd.Stdin, p.stdin = r, w
		child = append(child, r)
	}
	output := func(to io.Writer) (io.Writer, error) {
		if to == nil {
			return nil, nil
		}
		r, w, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		child = append(child, w)
		p.outputs = append(p.outputs, newPump(g, r, to))
		return w, nil
	}
	if p.cmd.Stdout, err = output(c.Stdout); err != nil {
		return child, err
	}
	if c.Stderr != nil && sameWriter(c.Stdout, c.Stderr) {
		p.cmd.Stderr = p.cmd.Stdout
		return child, nil
	}
	p.cmd.Stderr, err = output(c.Stderr)
	return child, err
}

// abandon lets go of everything after a start that failed.
func (p *process) abandon() {
	if p.stdin != nil {
		_ = p.stdin.Close()
	}
	for _, out := range p.outputs {
		_ = out.from.Close()
	}
}

// run starts what serves the process until it has ended.
func (p *process) run(ctx context.Context, g *Guest, stdin io.Reader) {
	for _, out := range p.outputs {
		go out.run()
	}
	if w, ok := p.stdin.(io.Writer); ok {
		// It may stay in a read from its client for longer than the process lives.
		go func() {
			_, _ = io.Copy(w, stdin) // the process need not read it all
			if p.tty == nil {
				_ = p.stdin.Close()
			}
		}()
	}
	stop := context.AfterFunc(ctx, func() { _ = p.Signal(guest.SIGKILL) })
	go func() {
		p.reap(g)
		stop()
		close(p.exited)
	}()
}

// reap waits for the end of the process. Its number is let go only after ended
// has been set, so that Signal never meets a stranger.
func (p *process) reap(g *Guest) {
	pid := p.cmd.Process.Pid
	for unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	state, err := p.cmd.Process.Wait()
	g.own.ended(pid)
	if err != nil {
		p.status, p.err = guest.ExitStatus{Code: -1}, err
		return
	}
	p.status = exitStatus(state)
}

func exitStatus(state *os.ProcessState) guest.ExitStatus {
	ws, ok := state.Sys().(syscall.WaitStatus)
	if ok && ws.Signaled() {
		return guest.ExitStatus{Code: 128 + int(ws.Signal()), Signal: guest.Signal(ws.Signal())}
	}
	return guest.ExitStatus{Code: state.ExitCode()}
}

// PID implements guest.Process.
func (p *process) PID() int { return p.cmd.Process.Pid }

// Wait implements guest.Process.
func (p *process) Wait() (guest.ExitStatus, error) {
	<-p.exited
	if p.stdin != nil && p.tty == nil {
		_ = p.stdin.Close()
	}
	for _, out := range p.outputs {
		if p.tty != nil {
			out.hangUp()
		} else {
			out.finish()
		}
	}
	return p.status, p.err
}

// Signal implements guest.Process. A shell in a terminal gives each of its jobs
// a group of its own: killing it kills those too.
func (p *process) Signal(s guest.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return os.ErrProcessDone
	}
	if p.tty != nil && s == guest.SIGKILL {
		killAll(kin(processes(p.proc), p.PID()))
	}
	return syscall.Kill(-p.cmd.Process.Pid, syscall.Signal(s))
}

// lookPath finds a program as a shell does, but on the PATH that its process
// will have.
func lookPath(name, dir, searchPath string) (string, error) {
	if strings.Contains(name, "/") {
		if !path.IsAbs(name) {
			name = path.Join(firstOf(dir, "/"), name)
		}
		return name, executable(name)
	}
	notFound := error(&fs.PathError{Op: "find program", Path: name, Err: syscall.ENOENT})
	for _, folder := range strings.Split(firstOf(searchPath, defaultPath), ":") {
		file := path.Join(firstOf(folder, dir, "/"), name)
		err := executable(file)
		if err == nil {
			return file, nil
		}
		if os.IsPermission(err) {
			notFound = err
		}
	}
	return "", notFound
}

// executable reports why a file cannot be started; nil when it may be.
func executable(name string) error {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return err
	case info.IsDir() || info.Mode()&0o111 == 0:
		return &fs.PathError{Op: "start", Path: name, Err: syscall.EACCES}
	}
	return nil
}

// sameWriter reports whether two writers are the same one.
func sameWriter(a, b io.Writer) bool {
	defer func() { _ = recover() }() // values of some types cannot be compared
	return a == b
}
