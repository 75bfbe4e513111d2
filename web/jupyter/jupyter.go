package jupyter

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/kernels"
	"sandpiper/web/auth"
	"sandpiper/web/reply"
)

// serverVersion is the version of the Jupyter Server whose API this is a part of:
// clients choose by it.
const serverVersion = "2.14.0"

// maxRequest bounds the body of a request.
const maxRequest = 256 << 10

// Config is what a Handler works with.
type Config struct {
	Keeper  Keeper
	Guard   *auth.Guard
	Version string       // of this server
	Log     *slog.Logger // nil means slog.Default()
}

// Handler serves the API.
type Handler struct {
	keeper    Keeper
	guard     *auth.Guard
	started   time.Time
	kernels   *liveKernels
	notebooks *notebooks
	lifelines reply.Lifelines
}

// New returns a Handler. It must be closed.
func New(cfg Config) *Handler {
	return &Handler{
		keeper: cfg.Keeper, guard: cfg.Guard, started: time.Now(), notebooks: newNotebooks(),
		kernels: newLiveKernels(cfg.Keeper, cfg.Version, cmp.Or(cfg.Log, slog.Default())),
	}
}

// HangUp ends all WebSockets, and those that will be: http.Server does not wait
// for them.
func (h *Handler) HangUp() { h.lifelines.End() }

// Close ends the WebSockets and the cells that run.
func (h *Handler) Close() {
	h.HangUp()
	h.kernels.close()
}

// Register adds the routes.
func (h *Handler) Register(mux *http.ServeMux) {
	for pattern, handler := range map[string]reply.Handler{
		"GET /api":        h.version,
		"GET /api/status": h.status,
		"GET /api/me":     h.me,

		"GET /api/kernelspecs":        h.listSpecs,
		"GET /api/kernelspecs/{name}": h.getSpec,

		"GET /api/kernels":                 h.listKernels,
		"POST /api/kernels":                h.startKernel,
		"GET /api/kernels/{id}":            h.getKernel,
		"DELETE /api/kernels/{id}":         h.deleteKernel,
		"POST /api/kernels/{id}/interrupt": h.interruptKernel,
		"POST /api/kernels/{id}/restart":   h.restartKernel,
		"GET /api/kernels/{id}/channels":   h.channels,

		"GET /api/sessions":         h.listNotebooks,
		"POST /api/sessions":        h.openNotebook,
		"GET /api/sessions/{id}":    h.getNotebook,
		"PATCH /api/sessions/{id}":  h.changeNotebook,
		"DELETE /api/sessions/{id}": h.closeNotebook,

		"GET /api/contents":              h.listContents,
		"GET /api/contents/{path...}":    h.listContents,
		"POST /api/contents":             h.newUntitled,
		"POST /api/contents/{path...}":   h.newUntitled,
		"PATCH /api/contents/{path...}":  h.renameContents,
		"DELETE /api/contents/{path...}": h.deleteContents,
		"PUT /api/contents/{path...}":    h.saveContents,
	} {
		method, path, _ := strings.Cut(pattern, " ")
		mux.Handle(method+" /jupyter"+path, h.admit(handler).With(writeError))
	}
}

// admit lets through callers that may run programs.
func (h *Handler) admit(next reply.Handler) reply.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		ctx, err := h.identify(r)
		if err != nil {
			return err
		}
		if err := auth.CheckPermission(ctx, auth.WriteSandboxes); err != nil {
			return err
		}
		return next(w, r.WithContext(ctx))
	}
}

// identify returns the context of a request with the caller whom a Jupyter token
// names, where there is one.
func (h *Handler) identify(r *http.Request) (context.Context, error) {
	header := r.Header.Get("Authorization")
	if scheme, token, ok := strings.Cut(header, " "); ok && strings.EqualFold(scheme, "token") {
		return h.guard.WithBearer(r.Context(), strings.TrimSpace(token))
	}
	if token := r.URL.Query().Get("token"); token != "" && header == "" {
		return h.guard.WithBearer(r.Context(), token)
	}
	return r.Context(), nil
}

// owner is whose sessions a request is about.
func owner(ctx context.Context) kernels.Owner {
	caller := auth.From(ctx)
	return kernels.OwnerOf(caller.ID, caller.SignedIn())
}

// writeError writes an error as a Jupyter Server does.
func writeError(w http.ResponseWriter, _ *http.Request, e *sandbox.Error) {
	_ = reply.JSON(w, reply.Status(e.Kind), struct { // nobody is left to tell
		Message string  `json:"message"`
		Reason  *string `json:"reason"`
	}{Message: e.Message})
}

// stamp is a time as Jupyter writes it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

func (h *Handler) version(w http.ResponseWriter, _ *http.Request) error {
	return reply.JSON(w, http.StatusOK, map[string]string{"version": serverVersion})
}

// statusModel is the answer of api/status: of the caller's kernels.
type statusModel struct {
	Started      string `json:"started"`
	LastActivity string `json:"last_activity"`
	Connections  int    `json:"connections"`
	Kernels      int    `json:"kernels"`
}

func (h *Handler) status(w http.ResponseWriter, r *http.Request) error {
	sessions := h.keeper.List(owner(r.Context()))
	last, connections := h.started, 0
	for _, s := range sessions {
		model, activity := h.kernels.model(s)
		connections += model.Connections
		if activity.After(last) {
			last = activity
		}
	}
	return reply.JSON(w, http.StatusOK, statusModel{stamp(h.started), stamp(last), connections, len(sessions)})
}

// identity is who the caller is, for clients that show it.
type identity struct {
	Username    string  `json:"username"`
	Name        string  `json:"name"`
	DisplayName string  `json:"display_name"`
	Initials    *string `json:"initials"`
	AvatarURL   *string `json:"avatar_url"`
	Color       *string `json:"color"`
}

func (h *Handler) me(w http.ResponseWriter, r *http.Request) error {
	id := auth.From(r.Context()).ID
	return reply.JSON(w, http.StatusOK, map[string]any{
		"identity":    identity{Username: id, Name: id, DisplayName: id},
		"permissions": struct{}{},
	})
}
