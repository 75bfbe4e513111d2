package jupyter

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/kernels"
	"sandpiper/web/jupyter/live"
	"sandpiper/web/reply"
)

// kernelID is a session's id as clients want one: five groups, as a UUID has.
func kernelID(session string) string {
	if strings.Contains(session, "-") || len(session) <= 20 {
		return session
	}
	return session[:8] + "-" + session[8:12] + "-" + session[12:16] + "-" + session[16:20] + "-" + session[20:]
}

// sessionIDs are the sessions that the id of a kernel may mean.
func sessionIDs(kernel string) []string {
	return []string{kernel, strings.ReplaceAll(kernel, "-", "")}
}

// liveKernels are those that have, or had, clients since the server started.
type liveKernels struct {
	keeper  Keeper
	version string
	log     *slog.Logger
	ctx     context.Context // of cells
	end     context.CancelCauseFunc

	mu   sync.Mutex
	byID map[string]*live.Kernel // the session's id
}

func newLiveKernels(keeper Keeper, version string, log *slog.Logger) *liveKernels {
	ctx, end := context.WithCancelCause(context.Background())
	return &liveKernels{keeper: keeper, version: version, log: log, ctx: ctx, end: end, byID: map[string]*live.Kernel{}}
}

func (k *liveKernels) close() { k.end(sandbox.ErrShutdown) }

// use calls f with the kernel of a session, which stays the session's only one
// meanwhile. f must not block.
func (k *liveKernels) use(o kernels.Owner, session string, f func(*live.Kernel) error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	kernel := k.byID[session]
	if kernel == nil {
		maps.DeleteFunc(k.byID, func(_ string, other *live.Kernel) bool { return other.Unused() })
		kernel = live.New(k.ctx, &interpreter{k.keeper, o, session}, k.version, k.log)
		k.byID[session] = kernel
	}
	return f(kernel)
}

// of returns the kernel of a session.
func (k *liveKernels) of(o kernels.Owner, session string) *live.Kernel {
	var kernel *live.Kernel
	_ = k.use(o, session, func(it *live.Kernel) error { kernel = it; return nil })
	return kernel
}

// forget is for a session that has been deleted.
func (k *liveKernels) forget(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.byID, id)
}

// kernelModel is a kernel on the wire.
type kernelModel struct {
	ID             string `json:"id"`
	Name           string `json:"name"`
	LastActivity   string `json:"last_activity"`
	ExecutionState string `json:"execution_state"`
	Connections    int    `json:"connections"`
}

// model returns a kernel on the wire, and when something last happened to it. That
// its session may be paused is nobody's concern here.
func (k *liveKernels) model(s kernels.Session) (kernelModel, time.Time) {
	m, activity := kernelModel{ID: kernelID(s.ID), Name: specName(s.Language), ExecutionState: "idle"}, s.LastUsedAt
	k.mu.Lock()
	kernel := k.byID[s.ID]
	k.mu.Unlock()
	if kernel != nil {
		status := kernel.Status()
		m.ExecutionState, m.Connections = status.State, status.Connections
		if status.Activity.After(activity) {
			activity = status.Activity
		}
	}
	switch s.State {
	case kernels.StateFailed:
		m.ExecutionState = "dead"
	case kernels.StateBusy:
		m.ExecutionState = "busy"
	}
	m.LastActivity = stamp(activity)
	return m, activity
}

// session returns the session that the kernel in a request's path means.
func (h *Handler) session(r *http.Request) (kernels.Session, error) {
	return h.byKernel(r.Context(), r.PathValue("id"))
}

func (h *Handler) byKernel(ctx context.Context, id string) (kernels.Session, error) {
	for _, session := range sessionIDs(id) {
		s, err := h.keeper.Get(owner(ctx), session)
		if err == nil || sandbox.KindOf(err) != sandbox.KindNotFound {
			return s, err
		}
	}
	return kernels.Session{}, sandbox.Errorf(sandbox.KindNotFound, "there is no kernel %.60q", id)
}

func (h *Handler) listKernels(w http.ResponseWriter, r *http.Request) error {
	models := []kernelModel{}
	for _, s := range h.keeper.List(owner(r.Context())) {
		model, _ := h.kernels.model(s)
		models = append(models, model)
	}
	return reply.JSON(w, http.StatusOK, models)
}

// startRequest asks for a kernel.
type startRequest struct {
	Name string            `json:"name"`
	Path string            `json:"path"`
	Env  map[string]string `json:"env"`
}

func (h *Handler) startKernel(w http.ResponseWriter, r *http.Request) error {
	var ask startRequest
	if r.ContentLength != 0 { // the default kernel needs no body
		if err := decode(w, r, &ask); err != nil {
			return err
		}
	}
	s, err := h.start(r.Context(), ask)
	if err != nil {
		return err
	}
	model, _ := h.kernels.model(s)
	w.Header().Set("Location", "/jupyter/api/kernels/"+model.ID)
	return reply.JSON(w, http.StatusCreated, model)
}

func (h *Handler) start(ctx context.Context, ask startRequest) (kernels.Session, error) {
	l, err := h.language(ask.Name)
	if err != nil {
		return kernels.Session{}, err
	}
	return h.keeper.Create(ctx, owner(ctx), kernels.NewSession{Language: l.ID, Name: sessionName(ask.Path), Env: ask.Env})
}

func (h *Handler) getKernel(w http.ResponseWriter, r *http.Request) error {
	s, err := h.session(r)
	if err != nil {
		return err
	}
	model, _ := h.kernels.model(s)
	return reply.JSON(w, http.StatusOK, model)
}

func (h *Handler) deleteKernel(w http.ResponseWriter, r *http.Request) error {
	s, err := h.session(r)
	if err != nil {
		return err
	}
	if err := h.delete(r.Context(), s); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h *Handler) delete(ctx context.Context, s kernels.Session) error {
	if err := h.kernels.of(owner(ctx), s.ID).Delete(ctx); err != nil {
		return err
	}
	h.kernels.forget(s.ID)
	h.notebooks.forget(s.ID)
	return nil
}

func (h *Handler) interruptKernel(w http.ResponseWriter, r *http.Request) error {
	s, err := h.session(r)
	if err != nil {
		return err
	}
	if err := h.kernels.of(owner(r.Context()), s.ID).Interrupt(r.Context()); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h *Handler) restartKernel(w http.ResponseWriter, r *http.Request) error {
	s, err := h.session(r)
	if err != nil {
		return err
	}
	if err := h.kernels.of(owner(r.Context()), s.ID).Restart(r.Context()); err != nil {
		return err
	}
	model, _ := h.kernels.model(s)
	return reply.JSON(w, http.StatusOK, model)
}

// decode reads the body of a request. Clients of Jupyter do not all say that it
// is JSON.
func decode(w http.ResponseWriter, r *http.Request, v any) error {
	body, err := reply.ReadBody(w, r, maxRequest)
	if err != nil {
		return err
	}
	return reply.UnmarshalLenient(body, v)
}
