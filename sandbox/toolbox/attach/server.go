package attach

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/upgrade"
)

// sampling is how often memory is looked at.
const sampling = 50 * time.Millisecond

// Handler answers POST /attach over a guest. Callers must have been checked.
type Handler struct {
	guest  guest.Guest
	closed context.Context // ends with the handler
	cancel context.CancelFunc

	mu       sync.Mutex // held to join the sessions, so that none does once the handler closes
	sessions sync.WaitGroup
}

// New returns a handler, which the caller must Close.
func New(g guest.Guest) *Handler {
	h := &Handler{guest: g}
	h.closed, h.cancel = context.WithCancel(context.Background())
	return h
}

// Close kills the processes that run and waits for their end.
func (h *Handler) Close() {
	h.mu.Lock()
	h.cancel()
	h.mu.Unlock()
	h.sessions.Wait()
}

// join counts a session, unless it is too late.
func (h *Handler) join() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed.Err() != nil {
		return false
	}
	h.sessions.Add(1)
	return true
}

// Register adds the handler's route.
func (h *Handler) Register(mux *http.ServeMux) { mux.Handle("POST /attach", answer.Handler(h.attach)) }

// attach runs a process until it ends or the caller goes away.
func (h *Handler) attach(w http.ResponseWriter, r *http.Request) error {
	if err := upgrade.Check(r, Protocol); err != nil {
		return err
	}
	var c Command
	if err := answer.Decode(w, r, &c); err != nil {
		return err
	}
	if c.Shell != (len(c.Args) == 0) || c.Script != "" && !c.Shell {
		return answer.BadRequest("say what to run: either in args, or with shell and perhaps a script")
	}
	if !h.join() {
		return upgrade.Stopping()
	}
	defer h.sessions.Done()
	conn, err := upgrade.Accept(w, Protocol)
	if err != nil {
		return nil // the caller is gone
	}
	defer conn.Close()
	ctx, cancel := context.WithCancel(h.closed) // the request's own ends with its hijacking
	defer cancel()
	s := &session{guest: h.guest, conn: conn, in: bufio.NewReader(conn), command: c, cancel: cancel, gone: make(chan struct{})}
	s.run(ctx)
	_ = conn.Close()
	s.inputs.Wait()
	return nil
}

// session is one process with its connection.
type session struct {
	guest   guest.Guest
	conn    net.Conn
	in      io.Reader
	command Command
	cancel  context.CancelFunc // kills the process
	gone    chan struct{}      // closed when the caller has gone away
	once    sync.Once

	inputs sync.WaitGroup // what receives and feeds; they end with the connection

	mu sync.Mutex // orders frames
}

func (s *session) send(k kind, content []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return writeFrame(s.conn, k, content)
}

// output sends what a process writes to one stream.
type output struct {
	s *session
	k kind
}

// Write implements io.Writer.
func (o output) Write(p []byte) (int, error) {
	if err := o.s.send(o.k, p); err != nil {
		o.s.leave()
		return 0, err
	}
	return len(p), nil
}

// leave notes that the caller has gone away.
func (s *session) leave() { s.once.Do(func() { close(s.gone) }) }

// run runs the process and sends its exit.
func (s *session) run(ctx context.Context) {
	input, feed := io.Pipe()
	defer input.Close()
	use := func(*Exit) {}
	if s.command.Measure {
		use = s.measure(ctx)
	}
	p, err := s.start(ctx, input)
	if err != nil {
		s.exit(Exit{Code: 127, Error: err.Error()})
		return
	}
	s.inputs.Go(func() { s.receive(p, feed) })
	ended := make(chan struct{})
	s.inputs.Go(func() { s.letGo(p, ended) })
	status, err := p.Wait()
	close(ended)
	e := Exit{Code: status.Code, Signal: int(status.Signal)}
	if err != nil && ctx.Err() == nil {
		e.Error = err.Error()
	}
	use(&e)
	s.exit(e)
}

// start starts the process that the command asks for.
func (s *session) start(ctx context.Context, input io.Reader) (guest.Process, error) {
	info, c := s.guest.Info(), s.command
	cmd := guest.Cmd{
		Args: c.Args, Dir: cmp.Or(c.Dir, info.WorkDir), Env: slices.Concat(info.Env, c.Env),
		Stdin: input, Stdout: output{s, frameStdout}, Stderr: output{s, frameStderr},
	}
	if c.TTY != nil {
		cmd.TTY = &guest.WinSize{Rows: c.TTY.Rows, Cols: c.TTY.Cols}
	}
	switch {
	case c.Shell && len(info.Shell) == 0:
		return nil, guest.ErrNoShell
	case c.Script != "":
		cmd.Args = []string{info.Shell[0], "-c", c.Script}
	case c.Shell:
		cmd.Args = info.Shell
	}
	return s.guest.Start(ctx, cmd)
}

// patience is how long a process that had a terminal may go on without it.
const patience = 10 * time.Second

// letGo does with the process what is to be done once the caller has gone away.
// One without a terminal may go on for as long as it likes after SIGHUP, as
// after nohup; one with a terminal has nobody to read from any more.
func (s *session) letGo(p guest.Process, ended <-chan struct{}) {
	select {
	case <-ended:
		return
	case <-s.gone:
	}
	if !s.command.HangUp {
		s.cancel()
		return
	}
	_ = p.Signal(guest.SIGHUP) // it may have ended
	if s.command.TTY == nil {
		return
	}
	select {
	case <-ended:
	case <-time.After(patience):
		s.cancel()
	}
}

func (s *session) exit(e Exit) {
	content, err := json.Marshal(e)
	if err == nil {
		_ = s.send(frameExit, content) // a caller that is gone does not mind
	}
}

// receive passes on what the caller sends, until it goes away. It ends when the
// connection is closed. It never waits for a process that does not read: signals
// must get through.
func (s *session) receive(p guest.Process, feed *io.PipeWriter) {
	defer s.leave()
	waiting := make(chan []byte, s.command.window())
	s.inputs.Go(func() { s.feed(waiting, feed) })
	open := true
	defer func() {
		if open {
			close(waiting)
		}
	}()
	buf := make([]byte, maxFrame)
	for {
		k, content, err := readFrame(s.in, buf)
		if err != nil {
			return
		}
		switch {
		case k == frameStdin && open:
			select {
			case waiting <- bytes.Clone(content):
			default:
				return // the caller did not wait
			}
		case k == frameEOF && open:
			open = false
			close(waiting)
		case k == frameSignal && len(content) == 1:
			_ = p.Signal(guest.Signal(content[0])) // it may have ended
		case k == frameResize && len(content) == 4:
			_ = p.Resize(guest.WinSize{ // it may have ended, or have no terminal
				Rows: uint16(content[0])<<8 | uint16(content[1]), Cols: uint16(content[2])<<8 | uint16(content[3]),
			})
		}
	}
}

// feed gives the process its input, and tells the caller when there is room for
// more. What a process does not want any more is dropped.
func (s *session) feed(waiting <-chan []byte, to *io.PipeWriter) {
	for content := range waiting {
		_, _ = to.Write(content)
		_ = s.send(frameTaken, nil)
	}
	_ = to.Close()
}

// measure begins to watch what the sandbox uses; the function that it returns
// ends that and fills in an exit.
func (s *session) measure(ctx context.Context) func(*Exit) {
	begin, err := s.guest.Metrics(ctx)
	if err != nil {
		return func(*Exit) {}
	}
	watching, stop := context.WithCancel(ctx)
	most := make(chan int64, 1)
	go func() { most <- s.peak(watching, begin.MemoryBytes) }()
	return func(e *Exit) {
		stop()
		e.MemoryBytes = <-most
		if end, err := s.guest.Metrics(context.WithoutCancel(ctx)); err == nil {
			e.CPUSeconds = max(0, end.CPUSeconds-begin.CPUSeconds)
			e.MemoryBytes = max(e.MemoryBytes, end.MemoryBytes)
		}
	}
}

// peak returns the most memory that is seen until ctx ends.
func (s *session) peak(ctx context.Context, most int64) int64 {
	ticks := time.NewTicker(sampling)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return most
		case <-ticks.C:
		}
		if m, err := s.guest.Metrics(ctx); err == nil {
			most = max(most, m.MemoryBytes)
		} else if !errors.Is(err, context.Canceled) {
			return most
		}
	}
}
