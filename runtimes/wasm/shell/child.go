package shell

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"

	"sandpiper/runtimes/wasm/shell/wire"
)

// A child process never gets further than here.
func init() {
	if os.Getenv(childVariable) == "" {
		return
	}
	os.Exit(childMain())
}

// child is one shell, for a command, a terminal or a session: what all of its
// subshells and jobs share.
type child struct {
	process  *process
	peer     *wire.Peer
	first    sync.Once // sets parent, terminal and programs
	files    files
	pipes    pipes
	parent   int
	terminal []*os.File      // the three descriptors of a terminal, when there is one
	programs map[string]bool // the commands that the server runs
	signals  *interruption   // cancels what runs in the foreground

	session *shell       // of a session, after its first command
	typed   atomic.Int64 // lines of the terminal so far

	mu    sync.Mutex
	pid   int // 0 before its first run
	jobs  map[int]*job
	main  *main // the run that signals are for
	early []early
	rows  int
	cols  int

	completer *completer // while an interactive shell reads a line
}

func newChild(p *process) *child {
	return &child{process: p, peer: p.peer, files: files{p.peer}, jobs: map[int]*job{}, signals: newSwitch()}
}

// main is the run that a child does now.
type main struct {
	cancel context.CancelCauseFunc
	shell  *shell
}

// handle carries out the server's requests.
func (c *child) handle(m *wire.Message, answer func(*wire.Message)) {
	switch m.Op {
	case wire.OpRun:
		c.mu.Lock()
		c.pid = m.PID // here, for the signals that follow name it
		c.mu.Unlock()
		go c.run(m, answer)
	case wire.OpTyped:
		c.typed.Add(1)
	case wire.OpSignal:
		go c.signal(m.PID, m.Signal, c.typed.Load())
	case wire.OpResize:
		c.mu.Lock()
		c.rows, c.cols = m.Rows, m.Cols
		c.mu.Unlock()
	case wire.OpComplete:
		go func() { answer(c.complete(m.Text)) }()
	case wire.OpCancel:
		c.mu.Lock()
		if c.main != nil {
			c.main.cancel(signalled(2))
		}
		c.mu.Unlock()
	}
}

// run runs one command, or one script of a session, and answers its exit code.
// The process may go on afterwards: jobs run in the background, or it rests.
func (c *child) run(m *wire.Message, answer func(*wire.Message)) {
	if len(m.Files) != 3 {
		answer(wire.Fail(errors.New("a run needs three files")))
		return
	}
	stdin, stdout, stderr := m.Files[0], m.Files[1], m.Files[2]
	c.first.Do(func() { c.learn(m) })
	c.mu.Lock()
	c.rows, c.cols = m.Rows, m.Cols
	c.mu.Unlock()
	// Only a signal cancels: jobs in the background outlive the run.
	ctx, cancel := context.WithCancelCause(context.Background())
	a := &wire.Message{}
	if m.Text != "" || len(m.Args) == 0 {
		a.Code, a.Exited = c.runSession(ctx, cancel, m)
	} else {
		cmd := command{args: m.Args, dir: m.Dir, env: m.Env, stdin: stdin, stdout: stdout, stderr: stderr}
		a.Code = c.runCommand(ctx, cancel, cmd)
		a.Exited = true
	}
	c.leave()
	answer(a)
	if a.Exited {
		c.awaitJobs(context.Background(), 0)
		closeAll(m.Files) // not before: jobs write to them
		c.process.over(c)
	}
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close() // one of a session has been closed
	}
}

// leave makes the run one that signals no longer reach. It comes before the
// answer: the next run may begin as soon as that is there.
func (c *child) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.main = nil
}

// learn takes from the first run what holds for all.
func (c *child) learn(m *wire.Message) {
	c.parent = m.Parent
	if m.TTY {
		c.terminal = m.Files
	}
	c.programs = map[string]bool{}
	for _, name := range m.Programs {
		c.programs[name] = true
	}
}

// begin makes the run one that signals reach.
func (c *child) begin(s *shell, cancel context.CancelCauseFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.main = &main{cancel: cancel, shell: s}
	for _, e := range c.early {
		go c.signal(e.pid, e.signal, 0)
	}
	c.early = nil
}

func (c *child) runCommand(ctx context.Context, cancel context.CancelCauseFunc, cmd command) int {
	s := newShell(c, cmd)
	c.begin(s, cancel)
	code := s.dispatch(ctx, cmd)
	if n, ok := signalOf(ctx); ok {
		return 128 + n
	}
	return code
}

// runSession runs a script in the shell of the session, which the first one
// starts.
func (c *child) runSession(ctx context.Context, cancel context.CancelCauseFunc, m *wire.Message) (code int, exited bool) {
	cmd := command{args: []string{"bash"}, dir: m.Dir, env: m.Env, stdin: m.Files[0], stdout: m.Files[1], stderr: m.Files[2]}
	if c.session == nil {
		c.session = newShell(c, cmd)
		if err := c.session.open(cmd, nil); err != nil {
			return c.session.say(cmd, 2, err.Error()), true
		}
	}
	c.begin(c.session, cancel)
	code, exited = c.session.continueWith(ctx, m.Text, cmd)
	closeAll(m.Files)
	return code, exited
}
