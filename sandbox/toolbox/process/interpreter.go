package process

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"

	"sandpiper/sandbox/guest"
	"sandpiper/sandbox/session"
	"sandpiper/sandbox/toolbox/answer"
	"sandpiper/sandbox/toolbox/kernel"
	"sandpiper/sandbox/toolbox/toolboxtype"
)

const (
	// defaultContext is the interpreter of cells that name none. It is there
	// from the first of them on, and is not listed.
	defaultContext = "default"

	maxContexts = 64

	// cellTime is how long a cell may run when its client does not say.
	cellTime = 10 * time.Minute

	// requestTime is how long a client may take to send its cell.
	requestTime = 30 * time.Second

	// statusTimeout is the close code that tells that a cell took too long.
	statusTimeout websocket.StatusCode = 4008
)

// errTimeout is why a cell that took too long was interrupted.
var errTimeout = errors.New("the cell took too long and was interrupted")

// interpreter is a kernel with what its clients see of it.
type interpreter struct {
	toolboxtype.InterpreterContext
	kernel *kernel.Kernel
}

// interpreters are those of a handler.
type interpreters struct {
	mu     sync.Mutex
	byID   map[string]*interpreter
	closed bool
}

// add makes an interpreter; one that is there already is returned as it is.
func (all *interpreters) add(g guest.Guest, id, language, dir string) (*interpreter, error) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if i, ok := all.byID[id]; ok {
		return i, nil
	}
	switch {
	case all.closed:
		return nil, session.ErrClosed
	case len(all.byID) >= maxContexts:
		return nil, fmt.Errorf("%w interpreters: %d", session.ErrTooMany, maxContexts)
	}
	k, err := kernel.New(g, kernel.Config{Language: language, Dir: dir, Env: func() []string { return g.Info().Env }})
	if err != nil {
		return nil, err
	}
	i := &interpreter{kernel: k, InterpreterContext: toolboxtype.InterpreterContext{
		ID: id, Cwd: dir, Language: language, CreatedAt: time.Now().UTC(), Active: true,
	}}
	if all.byID == nil {
		all.byID = map[string]*interpreter{}
	}
	all.byID[id] = i
	return i, nil
}

// remove forgets an interpreter and returns it, or ErrNotFound.
func (all *interpreters) remove(id string) (*interpreter, error) {
	all.mu.Lock()
	defer all.mu.Unlock()
	i, ok := all.byID[id]
	if !ok {
		return nil, fmt.Errorf("interpreter context %s: %w", id, session.ErrNotFound)
	}
	delete(all.byID, id)
	return i, nil
}

// list returns all but the default one, the oldest first.
func (all *interpreters) list() []*interpreter {
	all.mu.Lock()
	defer all.mu.Unlock()
	list := slices.Collect(maps.Values(all.byID))
	list = slices.DeleteFunc(list, func(i *interpreter) bool { return i.ID == defaultContext })
	slices.SortFunc(list, func(a, b *interpreter) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return list
}

// close kills all of them.
func (all *interpreters) close() {
	all.mu.Lock()
	all.closed = true
	byID := all.byID
	all.byID = nil
	all.mu.Unlock()
	for _, i := range byID {
		i.kernel.Close()
	}
}

func (h *Handler) listContexts(w http.ResponseWriter, r *http.Request) error {
	wire := toolboxtype.ListContextsResponse{Contexts: []toolboxtype.InterpreterContext{}}
	for _, i := range h.interpreters.list() {
		wire.Contexts = append(wire.Contexts, i.InterpreterContext)
	}
	return answer.JSON(w, http.StatusOK, wire)
}

func (h *Handler) createContext(w http.ResponseWriter, r *http.Request) error {
	var q toolboxtype.CreateContextRequest
	if err := answer.Decode(w, r, &q); err != nil {
		return err
	}
	language, err := kernel.Language(cmp.Or(q.Language, kernel.Python))
	if err != nil {
		return answer.BadRequest("language: %v", err)
	}
	dir, err := h.folder(q.Cwd)
	if err != nil {
		return err
	}
	i, err := h.interpreters.add(h.guest, uuid.NewString(), language, dir)
	if err != nil {
		return problem(err)
	}
	return answer.JSON(w, http.StatusOK, i.InterpreterContext)
}

func (h *Handler) deleteContext(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if id == defaultContext {
		return answer.BadRequest("the default context cannot be deleted")
	}
	i, err := h.interpreters.remove(id)
	if err != nil {
		return problem(err)
	}
	i.kernel.Close()
	return answer.JSON(w, http.StatusOK, map[string]string{"message": "interpreter context " + id + " is deleted"})
}

// interpret runs the cell that a client sends over its WebSocket, and then
// closes it: with the code that clients take for a good end, or with that of a
// timeout.
func (h *Handler) interpret(w http.ResponseWriter, r *http.Request) error {
	if !isUpgrade(r) {
		w.Header().Set("Upgrade", "websocket")
		return answer.BadRequest("connect here with a WebSocket")
	}
	s, err := h.accept(w, r, "")
	if err != nil {
		return nil // it is answered
	}
	defer s.release()
	q, err := s.cell()
	if err == nil {
		err = s.interpret(q)
	}
	switch {
	case err == nil:
		_ = s.writeJSON(toolboxtype.InterpreterMessage{Type: "control", Text: "completed"}) // the close frame tells as well
		s.close(websocket.StatusNormalClosure, "")
	case errors.Is(err, errTimeout):
		s.close(statusTimeout, err.Error())
	case h.ctx.Err() != nil || errors.Is(err, kernel.ErrClosed):
		s.close(websocket.StatusGoingAway, "the interpreter was closed")
	case !errors.Is(err, context.Canceled):
		s.close(websocket.StatusPolicyViolation, answer.Public(problem(err)).Message)
	}
	return nil
}

// cell reads and checks a client's cell.
func (s *socket) cell() (q toolboxtype.InterpreterRequest, err error) {
	ctx, cancel := context.WithTimeout(s.ctx, requestTime)
	defer cancel()
	_, data, err := s.conn.Read(ctx)
	if err != nil {
		return q, context.Canceled // nobody is there
	}
	switch err := json.Unmarshal(data, &q); {
	case err != nil:
		return q, answer.BadRequest("the message is not the JSON that is expected here: %v", err)
	case q.Code == "":
		return q, answer.BadRequest("code is missing")
	case q.Timeout != nil && *q.Timeout < 0:
		return q, answer.BadRequest("timeout must be a number of seconds, or 0 for no limit")
	}
	return q, checkEnv(q.Envs)
}

// interpret runs a cell. Its client's going away interrupts it.
func (s *socket) interpret(q toolboxtype.InterpreterRequest) error {
	i, err := s.h.interpreter(q.ContextID)
	if err != nil {
		return err
	}
	limit := cellTime
	if q.Timeout != nil {
		limit = time.Duration(min(*q.Timeout, 1e9) * float64(time.Second))
	}
	ctx, cancel := context.WithCancel(s.conn.CloseRead(s.ctx))
	defer cancel()
	if limit > 0 {
		ctx, cancel = context.WithTimeoutCause(ctx, limit, errTimeout)
		defer cancel()
	}
	go s.keepAlive()
	return i.kernel.Run(ctx, q.Code, q.Envs, &cellSink{s, cancel})
}

// interpreter returns the one that a cell names; "" is the default one.
func (h *Handler) interpreter(id string) (*interpreter, error) {
	if id == "" || id == defaultContext {
		return h.interpreters.add(h.guest, defaultContext, kernel.Python, h.guest.Info().WorkDir)
	}
	h.interpreters.mu.Lock()
	defer h.interpreters.mu.Unlock()
	if i, ok := h.interpreters.byID[id]; ok {
		return i, nil
	}
	return nil, fmt.Errorf("interpreter context %s: %w", id, session.ErrNotFound)
}

// cellSink sends what a cell brings forth. When that fails, the cell is of no
// use to anybody.
type cellSink struct {
	socket *socket
	cancel context.CancelFunc
}

func (c *cellSink) send(m toolboxtype.InterpreterMessage) {
	if err := c.socket.writeJSON(m); err != nil {
		c.cancel()
	}
}

// Stdout implements kernel.Sink.
func (c *cellSink) Stdout(text string) {
	c.send(toolboxtype.InterpreterMessage{Type: "stdout", Text: text})
}

// Stderr implements kernel.Sink.
func (c *cellSink) Stderr(text string) {
	c.send(toolboxtype.InterpreterMessage{Type: "stderr", Text: text})
}

// Error implements kernel.Sink.
func (c *cellSink) Error(e kernel.Error) {
	c.send(toolboxtype.InterpreterMessage{Type: "error", Name: e.Name, Value: e.Value, Traceback: e.Traceback})
}

// Chart implements kernel.Sink.
func (c *cellSink) Chart(chart json.RawMessage) {
	c.send(toolboxtype.InterpreterMessage{Type: "chart", Chart: chart})
}
