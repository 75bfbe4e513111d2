package computer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"sandpiper/runtimes/wasm/shell"
	"sandpiper/runtimes/wasm/shell/wire"
	"sandpiper/runtimes/wasm/tty"
	"sandpiper/sandbox/guest"
)

// process is a started process: a program in WebAssembly, or a shell.
type process struct {
	m      *machine
	entry  *entry
	ctx    context.Context // done when a signal has ended it
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when status is there
	status guest.ExitStatus
	term   *tty.Terminal // nil without one
	resize func(guest.WinSize)

	mu     sync.Mutex
	child  *shell.Child // that runs it; nil without one, and when it has ended
	killed bool         // the child was
}

var _ guest.Process = (*process)(nil)

// PID implements guest.Process.
func (p *process) PID() int { return p.entry.pid }

// Wait implements guest.Process.
func (p *process) Wait() (guest.ExitStatus, error) {
	<-p.done
	return p.status, nil
}

// Signal implements guest.Process.
func (p *process) Signal(s guest.Signal) error {
	select {
	case <-p.done:
		return os.ErrProcessDone
	default:
	}
	for _, e := range p.m.table.find(-p.entry.group) {
		e.signal(int(s))
	}
	return nil
}

// Resize implements guest.Process.
func (p *process) Resize(size guest.WinSize) error {
	if p.term == nil {
		return errors.New("the process has no terminal")
	}
	if p.resize != nil {
		p.resize(size)
	}
	return p.term.Resize(int(size.Rows), int(size.Cols))
}

// Start implements guest.Starter.
func (m *machine) Start(ctx context.Context, cmd guest.Cmd) (guest.Process, error) {
	if !m.begin() {
		return nil, errStopped
	}
	p, err := m.start(ctx, cmd)
	if err != nil {
		m.running.Done()
		return nil, err
	}
	go func() {
		<-p.done
		m.running.Done()
	}()
	return p, nil
}

func (m *machine) start(ctx context.Context, cmd guest.Cmd) (*process, error) {
	if len(cmd.Args) == 0 || cmd.Args[0] == "" {
		return nil, fmt.Errorf("start a process: %w", syscall.EINVAL)
	}
	if info, err := m.files.Stat(cmd.Dir); err != nil {
		return nil, fmt.Errorf("start a process: %w", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("start a process in %s: %w", cmd.Dir, syscall.ENOTDIR)
	}
	p := &process{m: m, done: make(chan struct{}), entry: &entry{parent: 1, command: commandLine(cmd.Args)}}
	p.ctx, p.cancel = context.WithCancelCause(m.ctx)
	p.entry.signal = func(n int) { p.cancel(signalled(n)) }
	streams, err := m.openStreams(cmd, p)
	if err != nil {
		return nil, err
	}
	if err := m.table.add(p.entry); err != nil {
		streams.abandon()
		return nil, err
	}
	if m.isProgram(cmd.Args[0]) {
		go p.runProgram(cmd, streams)
	} else if err := p.startShell(cmd, streams); err != nil {
		m.table.remove(p.entry)
		streams.abandon()
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = p.Signal(guest.SIGKILL) })
	go func() {
		<-p.done
		stop()
		p.cancel(nil)
	}()
	return p, nil
}

// isProgram reports whether a command is a language's, named as the commands of
// the sandbox are.
func (m *machine) isProgram(name string) bool {
	dir, base := path.Split(name)
	return m.programs[base] != "" && (dir == "" || dir == "/bin/" || dir == "/usr/bin/")
}

// end records how the process ended.
func (p *process) end(code int) {
	p.m.table.remove(p.entry)
	p.status = statusOf(p.ctx, code)
	p.mu.Lock()
	p.child = nil
	p.mu.Unlock()
	close(p.done)
}

// kill ends the process with the child that runs it, which is somebody else's when
// the process has ended.
func (p *process) kill(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.child != nil {
		p.cancel(signalled(n))
		p.child.Kill()
		p.killed = true
	}
}

// runProgram runs a program of a language.
func (p *process) runProgram(cmd guest.Cmd, s *streams) {
	call := invocation{args: cmd.Args, dir: cmd.Dir, env: cmd.Env, tty: cmd.TTY != nil, stdin: cmd.Stdin, stdout: cmd.Stdout, stderr: cmd.Stderr}
	if p.term != nil {
		call.stdin, call.stdout, call.stderr = s.files[0], s.files[1], s.files[2]
	}
	code := p.m.runProgram(p.ctx, call)
	s.finish()
	p.end(code)
}

// startShell has a child run the command.
func (p *process) startShell(cmd guest.Cmd, s *streams) error {
	if err := s.open(); err != nil {
		return err
	}
	child, err := p.m.takeShell()
	if err != nil {
		return err
	}
	p.child = child
	h := p.m.serveShell(child, p.entry)
	if p.term != nil {
		h.line = p.term.ReadLine
		p.term.OnLine(func() { _ = child.Tell(&wire.Message{Op: wire.OpTyped}) }) // one that has gone reads no line
	}
	p.entry.signal = func(n int) {
		if n == int(guest.SIGKILL) {
			p.kill(n)
			return
		}
		_ = child.Tell(&wire.Message{Op: wire.OpSignal, PID: p.entry.pid, Signal: n}) // one that has gone needs none
	}
	if p.term != nil {
		p.entry.hangUp = func() { p.entry.signal(int(guest.SIGHUP)) }
	}
	p.resize = func(size guest.WinSize) {
		_ = child.Tell(&wire.Message{Op: wire.OpResize, Rows: int(size.Rows), Cols: int(size.Cols)})
	}
	m := &wire.Message{Op: wire.OpRun, Args: cmd.Args, Dir: cmd.Dir, Env: cmd.Env, PID: p.entry.pid, Parent: 1, Programs: p.m.programNames(), TTY: p.term != nil, Files: s.files}
	if cmd.TTY != nil {
		m.Rows, m.Cols = int(cmd.TTY.Rows), int(cmd.TTY.Cols)
	}
	go func() {
		a, err := child.CallWith(context.Background(), m, s.sent)
		s.finish()
		if errors.Is(err, wire.ErrGone) {
			<-h.closed // so its jobs are no processes any more
		}
		p.end(p.codeOf(a, err, s))
		<-h.closed     // soon after, or with the last of its jobs
		if !p.killed { // it is about to go, and may have said before that it rests
			p.m.spares.keep(p.m, child)
		}
	}()
	return nil
}

// codeOf is the exit code of a shell. One that went without a word was killed, by
// us or by its limits.
func (p *process) codeOf(a *wire.Message, err error, s *streams) int {
	switch {
	case err == nil:
		if a.Code > 128 && a.Code < 128+65 {
			p.status.Signal = guest.Signal(a.Code - 128)
		}
		return a.Code
	case errors.Is(err, wire.ErrTooLarge):
		s.complain("the command is too long")
		return 126
	case p.ctx.Err() == nil:
		s.complain(fmt.Sprintf("the shell was ended: it needed more memory than a shell may have (%d MiB), or crashed", shell.MemoryLimit>>20))
		p.cancel(signalled(9))
	}
	return 137
}

// streams are the descriptors of a process, and what copies between them and the
// readers and writers of its Cmd.
type streams struct {
	cmd     guest.Cmd
	term    *tty.Terminal
	files   []*os.File // stdin, stdout, stderr of the process
	outputs []*copier
	input   *os.File // our end of stdin
	once    sync.Once
}

func (m *machine) openStreams(cmd guest.Cmd, p *process) (*streams, error) {
	s := &streams{cmd: cmd}
	if cmd.TTY == nil {
		return s, nil
	}
	out := cmd.Stdout
	if out == nil {
		out = io.Discard
	}
	term, err := tty.Open(out, int(cmd.TTY.Rows), int(cmd.TTY.Cols))
	if err != nil {
		return nil, fmt.Errorf("open a terminal: %w", err)
	}
	term.OnInterrupt(func() {
		for _, e := range m.table.find(p.entry.pid) {
			e.signal(int(guest.SIGINT))
		}
	})
	p.term, s.term = term, term
	s.files = []*os.File{term.Program(), term.Program(), term.Program()}
	if cmd.Stdin != nil {
		go func() { _, _ = io.Copy(term, cmd.Stdin) }() // ends with its reader, or at the first write after the end
	}
	return s, nil
}

// open makes the pipes of a shell without a terminal.
func (s *streams) open() error {
	if s.term != nil {
		return nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("open its input: %w", err)
	}
	s.files, s.input = []*os.File{r}, w
	if err := s.output(s.cmd.Stdout); err != nil {
		return err
	}
	if s.cmd.Stdout != nil && s.cmd.Stderr != nil && sameWriter(s.cmd.Stdout, s.cmd.Stderr) {
		s.files = append(s.files, s.files[1])
		return nil
	}
	return s.output(s.cmd.Stderr)
}

func (s *streams) output(w io.Writer) error {
	r, f, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("open its output: %w", err)
	}
	if w == nil {
		w = io.Discard
	}
	s.files = append(s.files, f)
	s.outputs = append(s.outputs, newCopier(w, r))
	return nil
}

// sent is called when the child has its descriptors: ours of the same are closed,
// and input begins to flow.
func (s *streams) sent() {
	s.closeFiles()
	if s.input == nil {
		return
	}
	if s.cmd.Stdin == nil {
		_ = s.input.Close()
		return
	}
	go func() {
		_, _ = io.Copy(s.input, s.cmd.Stdin) // the process may not read all of it
		_ = s.input.Close()
	}()
}

func (s *streams) closeFiles() {
	s.once.Do(func() {
		if s.term != nil {
			return
		}
		for i, f := range s.files {
			if i == 2 && f == s.files[1] {
				continue
			}
			_ = f.Close()
		}
	})
}

// finish passes on what the process has written, and no more.
func (s *streams) finish() {
	for _, c := range s.outputs {
		c.finish()
	}
	if s.input != nil {
		_ = s.input.SetWriteDeadline(time.Now()) // so that a write which waits ends
	}
	if s.term != nil {
		s.term.Close()
	}
}

// abandon is finish for a process that did not start.
func (s *streams) abandon() {
	s.closeFiles()
	if s.input != nil {
		_ = s.input.Close()
	}
	s.finish()
}

// complain writes a line of the sandbox's own, after the output has ended.
func (s *streams) complain(text string) {
	w := s.cmd.Stderr
	if w == nil || s.term != nil {
		w = s.cmd.Stdout
	}
	if w != nil {
		_, _ = io.WriteString(w, "sandpiper: "+text+"\n") // whoever reads it
	}
}

// copier copies from a pipe until it ends, or until finish has been called and
// the pipe is empty.
type copier struct {
	w    io.Writer
	r    *os.File
	done chan struct{}
}

func newCopier(w io.Writer, r *os.File) *copier {
	c := &copier{w: w, r: r, done: make(chan struct{})}
	go c.run()
	return c
}

func (c *copier) run() {
	buf := make([]byte, 32<<10)
	for {
		n, err := c.r.Read(buf)
		if n > 0 {
			if _, failed := c.w.Write(buf[:n]); failed != nil {
				_ = c.r.Close() // whoever writes learns it
				close(c.done)
				return
			}
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			c.rest(buf)
			close(c.done)
			_, _ = io.Copy(io.Discard, c.r) // of those who outlive the process
			_ = c.r.Close()
			return
		}
		if err != nil {
			_ = c.r.Close()
			close(c.done)
			return
		}
	}
}

// rest passes on what is in the pipe, without waiting for more.
func (c *copier) rest(buf []byte) {
	_ = c.r.SetReadDeadline(time.Time{}) // a pipe has deadlines
	raw, err := c.r.SyscallConn()
	if err != nil {
		return
	}
	for {
		n := 0
		err := raw.Read(func(fd uintptr) bool {
			n, _ = unix.Read(int(fd), buf)
			return true
		})
		if err != nil || n <= 0 {
			return
		}
		if _, err := c.w.Write(buf[:n]); err != nil {
			return
		}
	}
}

func (c *copier) finish() {
	_ = c.r.SetReadDeadline(time.Now()) // one that has ended does not mind
	<-c.done
}

// programNames are the commands that the server runs for shells.
func (m *machine) programNames() []string {
	names := make([]string, 0, len(m.programs))
	for name := range m.programs {
		names = append(names, name)
	}
	return names
}
