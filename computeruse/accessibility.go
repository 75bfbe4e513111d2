package computeruse

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"

	"sandpiper/computeruse/a11y"
	"sandpiper/computeruse/desktop"
	"sandpiper/computeruse/wire"
	"sandpiper/sandbox/toolbox/answer"
)

// buses keeps the connection to the accessibility bus.
type buses struct {
	mu  sync.Mutex
	bus *a11y.Bus
}

// get returns a connection that lives, a new one where the last has ended.
func (b *buses) get(ctx context.Context, d *desktop.Desktop) (*a11y.Bus, error) {
	socket, err := d.BusAddress()
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bus != nil && b.bus.Alive() {
		return b.bus, nil
	}
	b.bus, err = a11y.Dial(ctx, d.DialSocket, socket)
	return b.bus, err
}

func (b *buses) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bus != nil {
		b.bus.Close()
	}
}

func (h *Handler) a11yTree(_ http.ResponseWriter, r *http.Request, n *note) (any, error) {
	q := r.URL.Query()
	pid, depth := 0, -1
	for name, to := range map[string]*int{"pid": &pid, "maxDepth": &depth} {
		if text := q.Get(name); text != "" {
			number, err := strconv.Atoi(text)
			if err != nil || number < -1 {
				return nil, answer.BadRequest("%s must be a whole number, not %.40q", name, text)
			}
			*to = number
		}
	}
	n.parameters = cut(q.Get("scope"), maxShown)
	scope, err := a11y.ParseScope(q.Get("scope"), pid, h.focused(r))
	if err != nil {
		return nil, a11yProblem(err)
	}
	bus, err := h.buses.get(r.Context(), h.desktop)
	if err != nil {
		return nil, a11yProblem(err)
	}
	tree, err := bus.Tree(r.Context(), scope, depth)
	return tree, a11yProblem(err)
}

// focused returns what tells which process has the keyboard's focus.
func (h *Handler) focused(r *http.Request) func() (int, error) {
	return func() (int, error) {
		display, err := h.desktop.Display(r.Context())
		if err != nil {
			return 0, err
		}
		window, _, err := display.Active()
		return window.PID, err
	}
}

func (h *Handler) a11yFind(w http.ResponseWriter, r *http.Request, n *note) (any, error) {
	var q wire.FindRequest
	if err := answer.Decode(w, r, &q); err != nil {
		return nil, err
	}
	n.parameters = cut(q.Role+" "+q.Name, maxShown)
	bus, err := h.buses.get(r.Context(), h.desktop)
	if err != nil {
		return nil, a11yProblem(err)
	}
	scope, err := a11y.ParseScope(q.Scope, q.PID, h.focused(r))
	if err != nil {
		return nil, a11yProblem(err)
	}
	found, err := bus.Find(r.Context(), scope, q)
	return found, a11yProblem(err)
}

func (h *Handler) a11yFocus(w http.ResponseWriter, r *http.Request, n *note) (any, error) {
	var q wire.NodeRequest
	return h.onNode(w, r, n, &q, func(bus *a11y.Bus) error { return bus.Focus(r.Context(), q.ID) }, &q.ID)
}

func (h *Handler) a11yInvoke(w http.ResponseWriter, r *http.Request, n *note) (any, error) {
	var q wire.InvokeRequest
	return h.onNode(w, r, n, &q, func(bus *a11y.Bus) error { return bus.Invoke(r.Context(), q.ID, q.Action) }, &q.ID)
}

func (h *Handler) a11yValue(w http.ResponseWriter, r *http.Request, n *note) (any, error) {
	var q wire.SetValueRequest
	return h.onNode(w, r, n, &q, func(bus *a11y.Bus) error { return bus.SetValue(r.Context(), q.ID, q.Value) }, &q.ID)
}

// onNode reads a request into q and does something with the node that it names.
func (h *Handler) onNode(w http.ResponseWriter, r *http.Request, n *note, q any, do func(*a11y.Bus) error, id *string) (any, error) {
	if err := answer.Decode(w, r, q); err != nil {
		return nil, err
	}
	if *id == "" {
		return nil, answer.BadRequest("id is missing: tree and find give the ids of nodes")
	}
	n.parameters = cut(*id, maxShown)
	bus, err := h.buses.get(r.Context(), h.desktop)
	if err != nil {
		return nil, a11yProblem(err)
	}
	return empty, a11yProblem(do(bus))
}

// a11yProblem turns errors of accessibility into those of the wire.
func a11yProblem(err error) error {
	var bad a11y.BadRequestError
	switch {
	case errors.As(err, &bad):
		return answer.BadRequest("%s", bad)
	case errors.Is(err, a11y.ErrGone), errors.Is(err, a11y.ErrNoApplication):
		return &answer.Error{Status: http.StatusNotFound, Code: "NOT_FOUND", Message: err.Error(), Err: err}
	case errors.Is(err, a11y.ErrRefused):
		return &answer.Error{Status: http.StatusBadRequest, Code: "BAD_REQUEST", Message: "the application did not do it: the node may be disabled or hidden", Err: err}
	case errors.Is(err, a11y.ErrUnavailable), errors.Is(err, desktop.ErrNotStarted):
		return &answer.Error{Status: http.StatusServiceUnavailable, Code: "A11Y_UNAVAILABLE", Message: err.Error() + ": start the desktop, and use an image with at-spi2-core", Err: err}
	}
	return problem(err)
}
