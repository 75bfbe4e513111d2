package attach

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/toolbox/answer"
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
	if !strings.EqualFold(r.Header.Get("Upgrade"), Protocol) {
		return answer.BadRequest("ask for an upgrade to %s here", Protocol)
	}
	var c Command
	if err := answer.Decode(w, r, &c); err != nil {
		return err
	}
	if len(c.Args) == 0 {
		return answer.BadRequest("say what to run in args")
	}
	if !h.join() {
		return answer.Errorf(http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE", "the sandbox is stopping")
	}
	defer h.sessions.Done()
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Time{})
	if _, err := io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+Protocol+"\r\n\r\n"); err != nil {
		return nil // the caller is gone
	}
	ctx, cancel := context.WithCancel(h.closed) // the request's own ends with its hijacking
	defer cancel()
	s := &session{guest: h.guest, conn: conn, in: buffered, cancel: cancel}
	s.run(ctx, c)
	_ = conn.Close()
	s.inputs.Wait()
	return nil
}

// session is one process with its connection.
type session struct {
	guest  guest.Guest
	conn   net.Conn
	in     io.Reader
	cancel context.CancelFunc // kills the process

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

// Write implements io.Writer. A caller that is gone ends the process.
func (o output) Write(p []byte) (int, error) {
	if err := o.s.send(o.k, p); err != nil {
		o.s.cancel()
		return 0, err
	}
	return len(p), nil
}

// run runs the process and sends its exit.
func (s *session) run(ctx context.Context, c Command) {
	input, feed := io.Pipe()
	defer input.Close()
	dir := c.Dir
	if dir == "" {
		dir = s.guest.Info().WorkDir
	}
	use := s.measure(ctx)
	p, err := s.guest.Start(ctx, guest.Cmd{
		Args: c.Args, Dir: dir, Env: slices.Concat(s.guest.Info().Env, c.Env),
		Stdin: input, Stdout: output{s, frameStdout}, Stderr: output{s, frameStderr},
	})
	if err != nil {
		s.exit(Exit{Code: 127, Error: err.Error()})
		return
	}
	s.inputs.Go(func() { s.receive(p, feed) })
	status, err := p.Wait()
	e := Exit{Code: status.Code, Signal: int(status.Signal)}
	if err != nil && ctx.Err() == nil {
		e.Error = err.Error()
	}
	use(&e)
	s.exit(e)
}

func (s *session) exit(e Exit) {
	content, err := json.Marshal(e)
	if err == nil {
		_ = s.send(frameExit, content) // a caller that is gone does not mind
	}
}

// receive passes on what the caller sends, until it goes away: that kills the
// process. It ends when the connection is closed. It never waits for a process
// that does not read: signals must get through.
func (s *session) receive(p guest.Process, feed *io.PipeWriter) {
	defer s.cancel()
	waiting := make(chan []byte, 1)
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
