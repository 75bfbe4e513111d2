package jupyter

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"sandpiper/sandbox"
	"sandpiper/web/auth"
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

// kernels are those that have, or had, clients since the server started.
type kernels struct {
	keeper  Keeper
	guard   *auth.Guard
	version string
	log     *slog.Logger
	ctx     context.Context // of cells
	end     context.CancelCauseFunc

	mu   sync.Mutex
	live map[string]*live.Kernel // by the session's id
}

func newKernels(keeper Keeper, guard *auth.Guard, version string, log *slog.Logger) *kernels {
	ctx, end := context.WithCancelCause(context.Background())
	return &kernels{keeper: keeper, guard: guard, version: version, log: log, ctx: ctx, end: end, live: map[string]*live.Kernel{}}
}

func (k *kernels) close() { k.end(sandbox.ErrShutdown) }

// use calls f with the kernel of a session, which stays the session's only one
// meanwhile. f must not block.
func (k *kernels) use(s Session, caller auth.Caller, f func(*live.Kernel) error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	kernel := k.live[s.ID]
	if kernel == nil {
		for id, other := range k.live {
			if other.Unused() {
				delete(k.live, id)
			}
		}
		kernel = live.New(k.ctx, &interpreter{keeper: k.keeper, guard: k.guard, caller: caller, id: s.ID}, k.version, k.log)
		k.live[s.ID] = kernel
	}
	return f(kernel)
}

// of returns the kernel of a session.
func (k *kernels) of(s Session, caller auth.Caller) *live.Kernel {
	var kernel *live.Kernel
	_ = k.use(s, caller, func(it *live.Kernel) error { kernel = it; return nil })
	return kernel
}

// forget is for a session that has been deleted.
func (k *kernels) forget(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.live, id)
}

// kernelModel is a kernel on the wire.
type kernelModel struct {
	ID             string `json:"id"`
	Name           string `json:"name"`
	LastActivity   string `json:"last_activity"`
	ExecutionState string `json:"execution_state"`
	Connections    int    `json:"connections"`
}

// model returns a kernel on the wire, and when something last happened to it.
func (k *kernels) model(s Session) (kernelModel, time.Time) {
	m, activity := kernelModel{ID: kernelID(s.ID), Name: specName(s.Language), ExecutionState: "idle"}, s.LastUsedAt
	k.mu.Lock()
	kernel := k.live[s.ID]
	k.mu.Unlock()
	if kernel != nil {
		status := kernel.Status()
		m.ExecutionState, m.Connections = status.State, status.Connections
		if status.Activity.After(activity) {
			activity = status.Activity
		}
	}
	switch {
	case s.Failed:
		m.ExecutionState = "dead"
	case s.Busy:
		m.ExecutionState = "busy"
	}
	m.LastActivity = stamp(activity)
	return m, activity
}

// interpreter is a session of an owner as its kernel sees it.
type interpreter struct {
	keeper Keeper
	guard  *auth.Guard
	caller auth.Caller
	id     string
}

func (i *interpreter) Info(ctx context.Context) (live.Info, error) {
	s, err := i.keeper.Get(ctx, i.caller.ID, i.id)
	if err != nil {
		return live.Info{}, err
	}
	info := live.Info{Language: sandbox.Language{ID: s.Language, Name: s.Language}, ExecutionCount: s.ExecutionCount}
	for _, l := range i.keeper.Languages() {
		if l.ID == s.Language {
			info.Language = l
		}
	}
	return info, nil
}

func (i *interpreter) Execute(ctx context.Context, c live.Cell, out sandbox.Sink) (live.Answer, error) {
	if err := i.guard.Allow(i.caller); err != nil {
		return live.Answer{}, err
	}
	return i.keeper.Execute(ctx, i.caller.ID, i.id, c, out)
}

func (i *interpreter) Interrupt(ctx context.Context) error {
	return i.keeper.Interrupt(ctx, i.caller.ID, i.id)
}

func (i *interpreter) Restart(ctx context.Context) error {
	return i.keeper.Restart(ctx, i.caller.ID, i.id)
}

func (i *interpreter) Delete(ctx context.Context) error {
	return i.keeper.Delete(ctx, i.caller.ID, i.id)
}

// session returns the session that the kernel in a request's path means.
func (h *Handler) session(r *http.Request) (Session, error) {
	return h.byKernel(r.Context(), r.PathValue("id"))
}

func (h *Handler) byKernel(ctx context.Context, id string) (Session, error) {
	for _, session := range sessionIDs(id) {
		s, err := h.keeper.Get(ctx, owner(ctx), session)
		if err == nil || sandbox.KindOf(err) != sandbox.KindNotFound {
			return s, err
		}
	}
	return Session{}, sandbox.Errorf(sandbox.KindNotFound, "there is no kernel %.60q", id)
}

func (h *Handler) listKernels(w http.ResponseWriter, r *http.Request) error {
	sessions, err := h.keeper.List(r.Context(), owner(r.Context()))
	if err != nil {
		return err
	}
	models := []kernelModel{}
	for _, s := range sessions {
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

func (h *Handler) start(ctx context.Context, ask startRequest) (Session, error) {
	l, err := h.language(ask.Name)
	if err != nil {
		return Session{}, err
	}
	if err := h.guard.Allow(auth.From(ctx)); err != nil {
		return Session{}, err
	}
	return h.keeper.Create(ctx, owner(ctx), NewSession{Language: l.ID, Name: sessionName(ask.Path), Env: ask.Env})
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

func (h *Handler) delete(ctx context.Context, s Session) error {
	if err := h.kernels.of(s, auth.From(ctx)).Delete(ctx); err != nil {
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
	if err := h.kernels.of(s, auth.From(r.Context())).Interrupt(r.Context()); err != nil {
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
	if err := h.kernels.of(s, auth.From(r.Context())).Restart(r.Context()); err != nil {
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
