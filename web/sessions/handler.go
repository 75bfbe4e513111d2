package sessions

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"path"
	"time"

	"sandpiper/sandbox"
	"sandpiper/sandbox/kernels"
	"sandpiper/web/apitype"
	"sandpiper/web/auth"
	"sandpiper/web/reply"
	"sandpiper/web/run"
)

// Bounds on the bodies of requests, in bytes.
const (
	maxRequest = 4 << 20 // code, input and files in base64
	maxSmall   = 64 << 10
	maxFile    = 32 << 20
)

// Config is what the API needs.
type Config struct {
	Keeper  *kernels.Keeper
	Guard   *auth.Guard
	MaxWall time.Duration // that a cell may ask for, and has otherwise; 0 means run.DefaultCeiling's
}

// Handler serves the API.
type Handler struct {
	keeper    *kernels.Keeper
	guard     *auth.Guard
	maxWall   time.Duration
	lifelines reply.Lifelines
}

// New returns a Handler.
func New(cfg Config) *Handler {
	return &Handler{keeper: cfg.Keeper, guard: cfg.Guard, maxWall: ceilingOf(cfg.MaxWall)}
}

// HangUp ends all WebSockets, and those that will be: http.Server does not wait for
// them.
func (h *Handler) HangUp() { h.lifelines.End() }

// owner returns whose sessions a request is about.
func owner(ctx context.Context) kernels.Owner {
	c := auth.From(ctx)
	return kernels.OwnerOf(c.ID, c.SignedIn())
}

// answer writes what must not be kept by caches.
func answer(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Cache-Control", "no-store")
	return reply.JSON(w, status, v)
}

// decodeOptional reads a body that may be left out.
func decodeOptional(w http.ResponseWriter, r *http.Request, v any) error {
	if r.ContentLength == 0 {
		return nil
	}
	return reply.Decode(w, r, maxSmall, v)
}

func (h *Handler) create(w http.ResponseWriter, r *http.Request) error {
	var req apitype.SessionRequest
	if err := reply.Decode(w, r, maxRequest, &req); err != nil {
		return err
	}
	given, err := files(req.Files)
	if err != nil {
		return err
	}
	if err := h.guard.Allow(auth.From(r.Context())); err != nil {
		return err
	}
	s, err := h.keeper.Create(r.Context(), owner(r.Context()), kernels.NewSession{Language: req.Language, Name: req.Name, Env: req.Env, Files: given})
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/v1/sessions/"+s.ID)
	return answer(w, http.StatusCreated, Wire(s))
}

// list is for callers who signed in: an address may stand for many people.
func (h *Handler) list(w http.ResponseWriter, r *http.Request) error {
	list := apitype.SessionList{Sessions: []apitype.Session{}}
	for _, s := range h.keeper.List(owner(r.Context())) {
		list.Sessions = append(list.Sessions, Wire(s))
	}
	return answer(w, http.StatusOK, list)
}

func (h *Handler) get(w http.ResponseWriter, r *http.Request) error {
	s, err := h.keeper.Get(owner(r.Context()), r.PathValue("id"))
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, Wire(s))
}

func (h *Handler) change(w http.ResponseWriter, r *http.Request) error {
	var req apitype.SessionChange
	if err := reply.Decode(w, r, maxSmall, &req); err != nil {
		return err
	}
	s, err := h.keeper.Rename(r.Context(), owner(r.Context()), r.PathValue("id"), req.Name)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, Wire(s))
}

func (h *Handler) delete(w http.ResponseWriter, r *http.Request) error {
	if err := h.keeper.Delete(r.Context(), owner(r.Context()), r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h *Handler) execute(w http.ResponseWriter, r *http.Request) error {
	format := run.Negotiate(w, r)
	if format == run.FormatNone {
		return nil
	}
	var req apitype.ExecuteRequest
	if err := reply.Decode(w, r, maxRequest, &req); err != nil {
		return err
	}
	if len(req.Stdin) > maxText {
		return &sandbox.Error{Kind: sandbox.KindTooLarge, Field: "stdin", Message: "stdin may have 1 MiB at most"}
	}
	c, err := cell(req.Code, sandbox.StaticStdin([]byte(req.Stdin)), req.Limits, h.maxWall)
	if err != nil {
		return err
	}
	x, err := h.start(r.Context(), r.PathValue("id"), c)
	if err != nil {
		return err
	}
	if format != run.FormatJSON {
		return run.Stream(w, r, x, 0, format, wireEvents(x))
	}
	a, err := x.Wait(r.Context())
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, WireAnswer(a))
}

// start has a session of the caller execute a cell, within the caller's rate.
func (h *Handler) start(ctx context.Context, id string, c kernels.Cell) (*kernels.Execution, error) {
	if err := h.guard.Allow(auth.From(ctx)); err != nil {
		return nil, err
	}
	return h.keeper.Start(owner(ctx), id, c)
}

// last answers with the cell that runs, or the last one.
func (h *Handler) last(w http.ResponseWriter, r *http.Request) error {
	format := run.Negotiate(w, r)
	if format == run.FormatNone {
		return nil
	}
	x, err := h.keeper.Last(owner(r.Context()), r.PathValue("id"))
	if err != nil {
		return err
	}
	after, err := run.LastEvent(r)
	if err != nil {
		return err
	}
	if format != run.FormatJSON {
		return run.Stream(w, r, x, after, format, wireEvents(x))
	}
	a, ended := x.Answer()
	last := apitype.LastCell{State: "running", Result: WireAnswer(a)}
	if ended {
		last.State = "finished"
	}
	return answer(w, http.StatusOK, last)
}

func (h *Handler) interrupt(w http.ResponseWriter, r *http.Request) error {
	if err := h.keeper.Interrupt(owner(r.Context()), r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h *Handler) restart(w http.ResponseWriter, r *http.Request) error {
	if err := h.guard.Allow(auth.From(r.Context())); err != nil {
		return err
	}
	s, err := h.keeper.Restart(r.Context(), owner(r.Context()), r.PathValue("id"))
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, Wire(s))
}

func (h *Handler) pause(w http.ResponseWriter, r *http.Request) error {
	s, c, err := h.keeper.Pause(r.Context(), owner(r.Context()), r.PathValue("id"))
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, wireMoved(s, c))
}

func (h *Handler) resume(w http.ResponseWriter, r *http.Request) error {
	if err := h.guard.Allow(auth.From(r.Context())); err != nil {
		return err
	}
	s, c, err := h.keeper.Resume(r.Context(), owner(r.Context()), r.PathValue("id"))
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, wireMoved(s, c))
}

func (h *Handler) fork(w http.ResponseWriter, r *http.Request) error {
	var req apitype.ForkRequest
	if err := decodeOptional(w, r, &req); err != nil {
		return err
	}
	if err := h.guard.Allow(auth.From(r.Context())); err != nil {
		return err
	}
	s, c, err := h.keeper.Fork(r.Context(), owner(r.Context()), r.PathValue("id"), req.Name)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/v1/sessions/"+s.ID)
	return answer(w, http.StatusCreated, wireMoved(s, c))
}

func (h *Handler) listFiles(w http.ResponseWriter, r *http.Request) error {
	found, err := h.keeper.Files(owner(r.Context()), r.PathValue("id"))
	if err != nil {
		return err
	}
	list := apitype.SessionFileList{Files: []apitype.SessionFile{}}
	for _, f := range found {
		list.Files = append(list.Files, apitype.SessionFile{Name: f.Name, Size: f.Size, ModifiedAt: f.ModTime.UTC()})
	}
	return answer(w, http.StatusOK, list)
}

// getFile answers with a file, which a program may have made of anything: browsers
// store it and never show it.
func (h *Handler) getFile(w http.ResponseWriter, r *http.Request) error {
	f, info, err := h.keeper.OpenFile(owner(r.Context()), r.PathValue("id"), r.PathValue("path"))
	if err != nil {
		return err
	}
	defer f.Close()
	header := w.Header()
	header.Set("Content-Type", "application/octet-stream")
	header.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": path.Base(info.Name)}))
	header.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	header.Set("Cache-Control", "no-store")
	http.ServeContent(w, r, "", info.ModTime, f)
	return nil
}

func (h *Handler) putFile(w http.ResponseWriter, r *http.Request) error {
	content, err := reply.ReadBody(w, r, maxFile)
	if err != nil {
		return fmt.Errorf("read an upload: %w", err)
	}
	if err := h.keeper.PutFile(owner(r.Context()), r.PathValue("id"), r.PathValue("path"), content); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h *Handler) deleteFile(w http.ResponseWriter, r *http.Request) error {
	if err := h.keeper.DeleteFile(owner(r.Context()), r.PathValue("id"), r.PathValue("path")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
