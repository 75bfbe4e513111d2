package shell

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"sandpiper/runtimes/wasm/shell/wire"
)

const (
	// childStack bounds the recursion of a child, in bytes: a function that calls
	// itself without end crashes its shell, as it does elsewhere.
	childStack = 64 << 20

	// childMemory is when a child begins to collect its garbage eagerly.
	childMemory = 192 << 20
)

// A child never gets further than here.
func init() {
	if os.Getenv(childVariable) == "" {
		return
	}
	os.Exit(childMain())
}

// childMain serves one shell. It ends with the connection, so also when the
// server does.
func childMain() int {
	debug.SetMaxStack(childStack)
	debug.SetMemoryLimit(childMemory)
	debug.SetTraceback("none")
	os.Clearenv()
	c := &child{jobs: map[int]*job{}, ready: make(chan struct{}), ended: make(chan struct{})}
	c.signals = newSwitch()
	var err error
	if c.peer, err = wire.NewPeer(os.NewFile(socketFD, "socket"), c.handle); err != nil {
		return 1
	}
	if err := confine(); err != nil {
		return 1
	}
	c.files = files{c.peer}
	go func() {
		c.peer.Serve()
		os.Exit(0)
	}()
	close(c.ready)
	<-c.ended
	return 0
}

// child is the process: the connection, and what all of its shells share.
type child struct {
	peer     *wire.Peer
	first    sync.Once // sets pid, parent, tty, terminal and programs
	files    files
	pipes    pipes
	pid      int
	parent   int
	tty      bool
	terminal io.Writer       // what a terminal shows, when there is one
	programs map[string]bool // the commands that the server runs
	signals  *interruption   // cancels what runs in the foreground

	session *shell        // of a session, after its first command
	ready   chan struct{} // closed when the first command may run
	ended   chan struct{}
	typed   atomic.Int64 // lines of the terminal so far

	mu      sync.Mutex
	jobs    map[int]*job
	running int   // runs that have not been answered
	main    *main // the run that signals are for
	early   []int // signals that came before it
	rows    int
	cols    int

	completer *completer // while an interactive shell reads a line
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
		go c.run(m, answer)
	case wire.OpReady:
		go func() {
			<-c.ready
			answer(&wire.Message{})
		}()
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
// The child may go on afterwards, while jobs run in the background.
func (c *child) run(m *wire.Message, answer func(*wire.Message)) {
	if len(m.Files) != 3 {
		answer(wire.Fail(errors.New("a run needs three files")))
		return
	}
	stdin, stdout, stderr := m.Files[0], m.Files[1], m.Files[2]
	<-c.ready
	c.first.Do(func() { c.learn(m) })
	c.mu.Lock()
	c.rows, c.cols = m.Rows, m.Cols
	c.running++
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
	c.finish(a.Exited)
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
	c.pid, c.parent, c.tty, c.terminal = m.PID, m.Parent, m.TTY, m.Files[1]
	c.programs = map[string]bool{}
	for _, name := range m.Programs {
		c.programs[name] = true
	}
}

// finish ends the child after its last run, once no job is left.
func (c *child) finish(last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running--
	if last {
		go func() {
			c.awaitJobs(context.Background(), 0)
			close(c.ended)
		}()
	}
}

// begin makes the run one that signals reach.
func (c *child) begin(s *shell, cancel context.CancelCauseFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.main = &main{cancel: cancel, shell: s}
	for _, n := range c.early {
		go c.signal(0, n, 0)
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
	for _, f := range m.Files {
		_ = f.Close()
	}
	return code, exited
}
