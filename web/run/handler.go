package run

import (
	"context"
	"net/http"
	"strconv"

	"sandpiper/sandbox"
	"sandpiper/sandbox/scheduler"
	"sandpiper/web/apitype"
	"sandpiper/web/auth"
	"sandpiper/web/reply"
	"sandpiper/web/run/openapi"
)

// Config is what the API needs.
type Config struct {
	Desk    Desk
	Ceiling sandbox.Limits      // the wall time and memory that a request may ask for; zero fields mean DefaultCeiling's
	Version string              // of the server, for the OpenAPI document
	More    []openapi.Operation // of other parts of the native API, for the same document
}

// Handler serves the native run API.
type Handler struct {
	desk    Desk
	guard   *auth.Guard
	ceiling sandbox.Limits
	version string
	more    []openapi.Operation
}

// New returns a Handler.
func New(cfg Config) *Handler {
	return &Handler{desk: cfg.Desk, guard: cfg.Desk.Guard, ceiling: CeilingOrDefault(cfg.Ceiling), version: cfg.Version, more: cfg.More}
}

func (h *Handler) postRun(w http.ResponseWriter, r *http.Request) error {
	format := Negotiate(w, r)
	if format == FormatNone {
		return nil
	}
	var req apitype.RunRequest
	if err := reply.Decode(w, r, maxRequest, &req); err != nil {
		return err
	}
	program, err := h.program(req)
	if err != nil {
		return err
	}
	run, err := h.desk.Submit(r.Context(), program, r.Header.Get("Idempotency-Key"))
	if err != nil {
		return err
	}
	defer run.Leave()
	return answer(w, r, run, format)
}

func answer(w http.ResponseWriter, r *http.Request, run *scheduler.Run, format Format) error {
	if format != FormatJSON {
		return Stream(w, r, run, 0, format, WireEvent)
	}
	result, err := run.Wait(r.Context())
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return reply.JSON(w, http.StatusOK, WireResult(result))
}

func (h *Handler) getLanguages(w http.ResponseWriter, _ *http.Request) error {
	list := apitype.LanguageList{Languages: each(h.desk.Scheduler.Languages(), wireLanguage)}
	w.Header().Set("Cache-Control", "no-cache")
	return reply.JSON(w, http.StatusOK, list)
}

// maxRecent is how many runs the list has.
const maxRecent = 100

// getRuns lists a signed-in caller's runs. An address may stand for many
// people, so it gets no list; whoever knows a run's id may ask for that run.
func (h *Handler) getRuns(w http.ResponseWriter, r *http.Request) error {
	records, err := h.desk.Scheduler.Recent(r.Context(), sandbox.RunFilter{Client: auth.From(r.Context()).ID, Limit: maxRecent})
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return reply.JSON(w, http.StatusOK, apitype.RunList{Runs: each(records, wireSummary)})
}

func (h *Handler) getRun(w http.ResponseWriter, r *http.Request) error {
	run, err := h.find(r)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return reply.JSON(w, http.StatusOK, wireRun(run))
}

func wireRun(run *scheduler.Run) apitype.Run {
	result, finished := run.Result()
	if finished {
		wire := WireResult(result)
		return apitype.Run{Start: WireStart(result), State: "finished", Message: result.Message, Result: &wire}
	}
	p := run.Progress()
	return apitype.Run{Start: WireStart(result), State: string(p.State), Position: p.Position, Message: p.Message}
}

func (h *Handler) getEvents(w http.ResponseWriter, r *http.Request) error {
	run, err := h.find(r)
	if err != nil {
		return err
	}
	after, err := LastEvent(r)
	if err != nil {
		return err
	}
	return StreamSSE(w, r, run, after)
}

func (h *Handler) postStdin(w http.ResponseWriter, r *http.Request) error {
	run, err := h.find(r)
	if err != nil {
		return err
	}
	data, err := reply.ReadBody(w, r, maxStdin)
	if err != nil {
		return err
	}
	if len(data) > 0 {
		if _, err := run.Stdin().Write(data); err != nil {
			return err
		}
	}
	if end, _ := strconv.ParseBool(r.URL.Query().Get("end")); end {
		if err := run.Stdin().Close(); err != nil {
			return err
		}
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h *Handler) postSignal(w http.ResponseWriter, r *http.Request) error {
	run, err := h.find(r)
	if err != nil {
		return err
	}
	var req apitype.SignalRequest
	if err := reply.Decode(w, r, 1<<10, &req); err != nil {
		return err
	}
	cause, err := parseSignal(req.Signal)
	if err != nil {
		return err
	}
	if _, finished := run.Result(); finished {
		return sandbox.Errorf(sandbox.KindConflict, "the run has ended")
	}
	run.Cancel(cause)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// find returns the run that the path names, when it is the caller's own.
func (h *Handler) find(r *http.Request) (*scheduler.Run, error) {
	return h.desk.find(r.Context(), r.PathValue("id"))
}

func (d Desk) find(ctx context.Context, id string) (*scheduler.Run, error) {
	return d.Scheduler.Lookup(ctx, auth.From(ctx).ID, id)
}
